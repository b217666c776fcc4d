"""Whether native code does what the generated NumPy code does."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
from gradc.runtime import native_calls, specialisation
from gradc.runtime.threads import set_num_threads

import gradc
from gradc import GradcError, compile_grad

from .arguments import laid_out, nudged, plain
from .cases import Case
from .writer import SCOPE

# Both kinds of code round in their own order. How much a program magnifies a rounding is measured:
# the NumPy code runs again with arguments that are moved by about one rounding, three times. Native
# code may differ by so many times of what that changed, and by a part of the output. The part is
# large, as some programs round in their midst and magnify it, 1 - tanh(x)**2 for one; mistakes of
# the compiler are larger, and functions of numbers have tests of their own.
NUDGES, MAGNIFIED = 3, 40
STEP = {"float64": 2.0**-51, "float32": 2.0**-22}
PART = {"float64": 1e-7, "float32": 2e-3}
LEAST = {"float64": 1e-300, "float32": 1e-37}  # products lose digits below, in their own order


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        status: "ok", "numpy" (no native code: it ran as NumPy), "refused", or how it failed.
        detail: What is wrong, or why it was refused.
    """

    status: str
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is something wrong with the compiler."""
        return self.status not in ("ok", "numpy", "refused")


class WrongError(Exception):
    """A check failed: its two arguments are the status and the detail."""


def load(source: str) -> Callable[..., Any]:
    """Return the function of the source; tracebacks and ``inspect`` find its lines."""
    filename = f"<random program {hash(source):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {**SCOPE, "__name__": "random"}
    exec(compile(source, filename, "exec"), scope)
    program: Callable[..., Any] = scope["program"]
    return program


@contextmanager
def optimised(level: int) -> Iterator[None]:
    """Compile at this level of LLVM's optimisation."""
    leveled = partial(native_calls.native_program, level=level)
    with mock.patch.object(specialisation, "_llvm", return_value=leveled):
        yield


def leaves(tree: Any) -> list[np.ndarray]:
    """Return the arrays of nested tuples, copied."""
    if isinstance(tree, tuple | list):
        return [leaf for item in tree for leaf in leaves(item)]
    return [] if tree is None else [np.array(tree)]


def run(compiled: Any, case: Case, passed: tuple[Any, ...]) -> list[np.ndarray]:
    """Return what a compiled program gives in the mode of the case."""
    rng = np.random.default_rng(case.seed + 1)
    wanted = [np.asarray(passed[i]) for i, one in enumerate(case.arguments) if one.is_float]
    directions = [rng.normal(size=one.shape).astype(one.dtype.newbyteorder("=")) for one in wanted]
    direction = tuple(one if one.ndim else one.dtype.type(one) for one in directions)
    if case.mode == "value":
        return leaves(compiled(*passed))
    if case.mode == "jvp":
        return leaves(compiled.jvp(passed, direction))
    if case.mode == "hvp":
        return leaves(compiled.hvp(passed, direction))
    if case.mode == "vjp":
        outputs, pullback = compiled.vjp(*passed)
        weights = [rng.normal(size=np.shape(one)).astype(one.dtype) for one in outputs]
        weights = [one if one.ndim else one.dtype.type(one) for one in weights]
        return leaves((outputs, pullback(tuple(weights))))
    return leaves(compiled.value_and_grad(*passed))


def check(case: Case) -> Outcome:
    """Run a case in all ways, and compare.

    The gradient and the value are compared with those of the NumPy backend; two calls, by so many
    threads and by others, with each other, bit by bit; the arguments afterwards with what the
    plain function leaves of them.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"), optimised(case.level):
        warnings.simplefilter("ignore")
        try:
            return _checked(case)
        except WrongError as wrong:
            return Outcome(*wrong.args)
        finally:
            set_num_threads(1)


def _checked(case: Case) -> Outcome:
    values, program = plain(case.arguments, case.seed), load(case.source)
    afterwards = laid_out(case.arguments, values)
    program(*afterwards)
    options = {"wrt": case.wanted}
    try:
        reference = compile_grad(program, backend="numpy", **options)
        passed = laid_out(case.arguments, values)
        expected = run(reference, case, passed)
    except Exception as error:
        return _both_refuse(case, program, values, error)
    outputs = len(expected)
    expected += _changed(case, values, passed)
    if len(_changed(case, values, afterwards)) != len(expected) - outputs:
        raise WrongError("arguments", "NumPy code changes others than the plain function")

    native = compile_grad(program, backend="llvm", **options)
    runs = []
    for count in (case.threads[0], *case.threads):
        set_num_threads(count)
        passed = laid_out(case.arguments, values)
        try:
            found = run(native, case, passed)
        except Exception as error:
            raise WrongError("raises", f"{type(error).__name__}: {error}") from error
        runs.append(found + _changed(case, values, passed))
        if len(runs[0]) != len(expected):
            raise WrongError("arguments", "others are changed")
    _compare(case, reference, values, runs[0], expected)
    _compare_bits("output", "the second call", runs[1], runs[0])
    _compare_bits("output", f"{case.threads[1]} threads, not {case.threads[0]}", runs[2], runs[0])
    log = "" if case.mode == "value" and not case.wanted else gradc.explain(native)
    return Outcome("numpy", _first_line(log)) if "runs as NumPy" in log else Outcome("ok")


def _changed(case: Case, values: Any, passed: Sequence[Any]) -> list[np.ndarray]:
    """Return the arguments whose values are not those that they had."""
    before = zip(case.arguments, passed, strict=True)
    return [
        np.array(one, np.asarray(one).dtype.newbyteorder("="))
        for argument, one in before
        if not np.array_equal(one, values[argument.name], equal_nan=argument.is_float)
    ]


def _first_line(log: str) -> str:
    line = next(line for line in log.splitlines() if "runs as NumPy" in line)
    return line.split("runs as NumPy: ")[-1][:80]


def _both_refuse(case: Case, program: Any, values: Any, error: Exception) -> Outcome:
    """What NumPy code refuses native code has to refuse, in the same way."""
    if not isinstance(error, GradcError | IndexError | ValueError | ZeroDivisionError):
        raise WrongError(f"NumPy backend: {type(error).__name__}", str(error)) from error
    try:
        native = compile_grad(program, backend="llvm", wrt=case.wanted)
        run(native, case, laid_out(case.arguments, values))
    except Exception as other:
        if type(other) is not type(error):
            raise WrongError("another error", f"{error!r}, but {other!r}") from other
        return Outcome("refused", f"{type(error).__name__}: {str(error).splitlines()[0][:90]}")
    raise WrongError("no error", f"NumPy code raises {error!r}")


def _compare_bits(what: str, than: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        if one.tobytes() != other.tobytes():
            places = np.argwhere(np.asarray(one != other))[:3].tolist()
            raise WrongError(f"{what} differs", f"{what} {i} is not {than}, at {places}")


def _compare(
    case: Case, reference: Any, values: Any, found: Sequence[Any], expected: Sequence[Any]
) -> None:
    if len(found) != len(expected):
        raise WrongError("outputs", f"{len(found)} of them, not {len(expected)}")
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        if (one.shape, one.dtype) != (other.shape, other.dtype):
            raise WrongError(
                "type", f"output {i}: {one.dtype}{one.shape}, not {other.dtype}{other.shape}"
            )
    dtype = "float32" if _is_single(case) else "float64"
    if all(np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f")
           for pair in zip(found, expected, strict=True)):  # fmt: skip
        return
    moved = [_moved(case, reference, values, n + 1, STEP[dtype]) for n in range(NUDGES)]
    for i, (one, other) in enumerate(zip(found, expected, strict=True)):
        _compare_output(f"output {i}", one, other, [each[i] for each in moved], dtype)


def _moved(case: Case, reference: Any, values: Any, nudge: int, step: float) -> list[np.ndarray]:
    """Return what NumPy code gives for arguments that are moved a little."""
    others = nudged(case.arguments, values, nudge, step)
    passed = laid_out(case.arguments, others)
    return run(reference, case, passed) + _changed(case, others, passed)


def _is_single(case: Case) -> bool:
    return "float32" in case.source or any(one.dtype == "float32" for one in case.arguments)


def _compare_output(
    what: str, found: np.ndarray, expected: np.ndarray, moved: Sequence[np.ndarray], dtype: str
) -> None:
    """Compare where moved arguments tell what to expect: all of them give a number, or none."""
    if not expected.size:
        return
    found, expected = found.astype(float), expected.astype(float)
    others = np.stack([one.astype(float) for one in moved])
    spread = np.max(np.abs(others - expected), axis=0)
    is_number = np.isfinite(expected)
    alike = is_number & np.all(np.isfinite(others), axis=0)
    alike |= ~is_number & np.all(
        (others == expected) | (np.isnan(others) & np.isnan(expected)), axis=0
    )
    sized = alike & is_number
    typical = np.sqrt(np.mean(spread[sized] ** 2)) if np.any(sized) else 0.0
    size = (
        np.abs(expected) + np.mean(np.minimum(np.abs(expected[sized]), 1e3))
        if np.any(sized)
        else 0.0
    )
    with np.errstate(all="ignore"):
        allowed = PART[dtype] * size + MAGNIFIED * (spread + typical) + LEAST[dtype]
        right = (found == expected) | (np.isnan(found) & np.isnan(expected))
        right |= is_number & (np.abs(found - expected) <= allowed)
    wrong = np.argwhere(alike & ~right)
    if len(wrong):
        at = tuple(wrong[0])
        raise WrongError(
            "values",
            f"{what}{list(map(int, at))} of {list(found.shape)}: {found[at]!r}, not"
            f" {expected[at]!r} (within {np.broadcast_to(allowed, found.shape)[at]:.2g});"
            f" {len(wrong)} such",
        )
