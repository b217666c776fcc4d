"""Writes random NumPy programs, as source text, that view, store to and read arrays in every way.

Each statement is run by NumPy as soon as it is drawn; what NumPy refuses, or what gives numbers
that are too large, is left out again. So the list of statements is a program that NumPy runs, and
the failing ones that Hypothesis finds can be read and pasted.

In *exact* programs every operation is exact for the small dyadic numbers that go in, so that the
results can be compared bit by bit. They are piecewise linear; *smooth* ones are not.
"""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from hypothesis import strategies as st

CLEARANCE = 0.02  # least distance from a kink; a finite difference moves values by far less
LARGEST_SIZE = 40
LARGEST_VALUE = 16.0
REFUSED_AS_AMBIGUOUS = "depends on the memory layout"

# What every program can call, and its outside arrays. `weigh` makes one number of an array.
PREAMBLE = """\
def weigh(x):
    return np.sum(x * np.cos(np.arange(x.size)).reshape(x.shape))

def weigh_smoothly(x):
    return np.sum(np.sin(0.7 * x) * np.cos(np.arange(x.size)).reshape(x.shape))

def halve(z):
    z *= 0.5

def shift(z, by):
    z[...] = z + by
    return z

class Box:
    def __init__(self, held):
        self.held = held

    def add(self, value):
        self.held += value

    def replace(self, value):
        self.held = value
"""

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Inputs:
    """What a program runs on.

    Attributes:
        arguments: By parameter.
        outside: Global arrays.
        memory: The arrays in whose memory these lie, elements between them included.
    """

    arguments: dict[str, np.ndarray]
    outside: dict[str, np.ndarray]
    memory: list[np.ndarray]


PARAMETERS = ("a", "b", "c", "d", "e", "s", "o", "z", "t", "f", "n")
WANTED = ("a", "b", "c", "d", "e", "s", "o", "z", "t")  # those of float64


def inputs(seed: int) -> Inputs:
    """Return arrays of every layout, each in memory of its own, filled with dyadic numbers."""
    rng = np.random.default_rng(seed)
    memory: list[np.ndarray] = []

    def filled(*shape: int, dtype: Any = np.float64, order: Any = "C") -> np.ndarray:
        numbers = np.asarray(rng.integers(-50, 50, size=shape) / 32)
        made = np.array(numbers * 4 if dtype == np.int64 else numbers, dtype=dtype, order=order)
        memory.append(made)
        return made

    arguments = {
        "a": filled(4),
        "b": filled(3, 4),
        "c": filled(4, 3, order="F"),
        "d": filled(8)[1::2],
        "e": filled(4, 6)[::-1, ::2],
        "s": filled(),
        "o": filled(1),
        "z": filled(0, 3),
        "t": filled(2, 3, 2),
        "f": filled(4, dtype=np.float32),
        "n": filled(4, dtype=np.int64),
    }
    outside = {"G": filled(4), "H": filled(3, 3), "K": filled(4, 4)[1:3, ::-1]}
    return Inputs(arguments, outside, memory)


def load(source: str, outside: dict[str, np.ndarray]) -> Callable[..., Any]:
    """Return the function of the source; tracebacks and `inspect` find its lines."""
    filename = f"<aliasing program {hash(source):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"np": np, "math": math, "__name__": "aliasing_program", **outside}
    exec(compile(source, filename, "exec"), scope)
    return scope["program"]


class Writer:
    """A program in the making: its statements, and the value that each name has after them."""

    def __init__(self, draw: Draw, seed: int, exact: bool, keeps_inputs: bool) -> None:
        self._draw, self.seed = draw, seed
        self.is_exact, self.keeps_inputs = exact, keeps_inputs
        self.statements: list[str] = []
        self.known: list[str] = []  # small integer arrays that do not depend on the arguments
        self._numbers = count()
        self._frozen: list[str] = []
        self.values: dict[str, Any] = {}
        self._start()

    def _start(self) -> None:
        given = inputs(self.seed)
        self.values = {"np": np, "math": math, **given.outside}
        exec(PREAMBLE, self.values)
        self._plain = {*self.values}
        self._plain -= {*given.outside}
        self.values |= given.arguments
        for one in self.statements:
            exec(one, self.values)

    # What there is

    def choose(self, options: Any) -> Any:
        """Return one of the options; the first is the simplest."""
        return self._draw(st.sampled_from(list(options)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays that have a name, oldest first."""
        found = {n: v for n, v in self.values.items() if n not in self._plain}
        return {n: v for n, v in found.items() if type(v) is np.ndarray}

    def operand(self, fits: Callable[[np.ndarray], bool] = lambda value: True) -> str | None:
        """Return the name of an array that fits, the latest first."""
        names = [n for n, v in self.arrays().items() if n not in self.known and fits(v)]
        return self.choose(names[::-1]) if names else None

    def target(self, fits: Callable[[np.ndarray], bool] = lambda value: True) -> str | None:
        """Return the name of an array that may be stored to."""
        inputs_ = [self.values[n] for n in (*PARAMETERS, "G", "H", "K")]
        frozen = [self.values[n] for n in self._frozen]
        spared = [*frozen, *(inputs_ if self.keeps_inputs else ())]

        def is_free(value: np.ndarray) -> bool:
            shares = any(np.may_share_memory(value, one) for one in spared)
            return value.flags.writeable and not shares and fits(value)

        return self.operand(is_free)

    def evaluate(self, expression: str) -> Any:
        return eval(expression, dict(self.values))

    def clear_of(self, kink: float, expression: str) -> bool:
        """Whether every entry of an expression keeps its distance from a kink."""
        distance = np.abs(np.ravel(self.evaluate(expression)) - kink)
        return bool(np.min(distance, initial=1.0) > CLEARANCE)

    # Growing

    def new_name(self, letter: str = "v") -> str:
        return f"{letter}{next(self._numbers)}"

    def freeze(self, *names: str) -> None:
        """Store no more to arrays that NumPy may or may not have given shared memory."""
        self._frozen += names

    def add(self, statement: str) -> bool:
        """Add a statement, unless NumPy refuses it or its results are too large."""
        before = {*self.values}
        try:
            with np.errstate(all="raise"):
                exec(statement, self.values)
            done = all(map(_is_small, self.arrays().values()))
        except (ValueError, TypeError, IndexError, FloatingPointError):
            done = False
        if done:
            self.statements.append(statement)
        else:
            self._start()
            assert {*self.values} <= before
        return done

    def source(self) -> str:
        """Return the module: its function returns a number, and all arrays."""
        weigh = "weigh" if self.is_exact else "weigh_smoothly"
        arrays = self.arrays()
        lines = ["global G, H, K"]
        lines += [line for one in self.statements for line in one.splitlines()]
        lines += ["total = 0.0"]
        lines += [f"total += {weigh}({n})" for n, v in arrays.items() if v.dtype.kind == "f"]
        lines += [f"return total, ({', '.join(arrays)},)"]
        head = f"def program({', '.join(PARAMETERS)}):"
        return PREAMBLE + "\n" + "\n    ".join([head, *lines]) + "\n"


def _is_small(value: np.ndarray) -> bool:
    return value.size <= LARGEST_SIZE and bool(np.all(np.abs(value) <= LARGEST_VALUE))


@st.composite
def programs(
    draw: Draw,
    operations: Any,
    least: int,
    most: int,
    exact: bool = True,
    keeps_inputs: bool = False,
) -> tuple[str, int]:
    """Draw the source of a program of so many statements, and the seed of what it runs on.

    Args:
        draw: Given by Hypothesis.
        operations: Functions of the writer that add statements.
        least: The least number of statements.
        most: The greatest.
        exact: Whether all that it computes is exact.
        keeps_inputs: Whether arguments and globals stay as they are.
    """
    seed = draw(st.integers(0, 30))
    writer = Writer(draw, seed, exact, keeps_inputs)
    length = draw(st.integers(least, most))
    for _ in range(4 * most):
        if len(writer.statements) >= length:
            break
        writer.choose(operations)(writer)
    return writer.source(), seed
