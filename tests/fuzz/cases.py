"""Random cases: a program, its arguments, and what is asked of it. Each follows from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .. import random_loops, random_programs
from . import arguments
from .arguments import LAYOUTS, NUMBERS, Argument
from .expressions import ELEMENTWISE, FOLDS
from .rearranging import REARRANGED
from .statements import STATEMENTS
from .writer import Writer

MODES = ("value_and_grad", "value_and_grad", "value_and_grad", "vjp", "vjp", "jvp", "hvp", "value")
SMALL, LARGE = 3_000, 400_000  # elements of an array at most


@dataclass(frozen=True)
class Case:
    """A program with its arguments, and how it is called.

    Attributes:
        source: Of the function ``program``.
        arguments: What is passed.
        seed: Of the values that are passed.
        mode: Which derivative is asked for.
        threads: By how many it is computed, first and then.
        level: Of LLVM's optimisation.
    """

    source: str
    arguments: tuple[Argument, ...]
    seed: int
    mode: str = "value_and_grad"
    threads: tuple[int, int] = (2, 1)
    level: int = 3

    @property
    def wanted(self) -> tuple[str, ...]:
        """The parameters by which it is differentiated."""
        return tuple(one.name for one in self.arguments if one.is_float)


def draw(seed: int, level: int | None = None) -> Case:
    """Return the case of a seed.

    Args:
        seed: Any number.
        level: Of LLVM's optimisation; most often 3 if not given.
    """
    rng = random.Random(seed)
    family = rng.choices((_arrays, _loops, _smooth), (80, 14, 6))[0]
    source, given, mode = family(rng, seed)
    threads = tuple(rng.sample((1, 2, 3), 2))
    drawn = rng.choice((3, 3, 1))
    return Case(source, given, seed, mode, threads, drawn if level is None else level)


def _arrays(rng: random.Random, seed: int) -> tuple[str, tuple[Argument, ...], str]:
    """Arrays of all kinds and shapes: the programs of this folder."""
    is_large = rng.random() < 0.08
    shape = _large_shape(rng) if is_large else _small_shape(rng)
    mode = rng.choice(MODES)
    given = _drawn_arguments(rng, shape)
    if any(one.values == "special" for one in given) and mode != "value":
        mode = rng.choice(("vjp", "vjp", "jvp"))  # a sum would be nothing but NaN
    if is_large and mode == "hvp":
        mode = "value_and_grad"
    values = arguments.plain(given, seed)
    w = Writer(rng, values, LARGE if is_large else SMALL)
    if rng.random() < 0.05:
        whole = [one.name for one in given if one.shape and one.layout in ("plain", "spread")]
        if whole:
            w.own(rng.choice(whole))  # it is stored into, and so changed for the caller
    _write(w, rng.choice((2, 3, 4, 6, 9, 14)) if not is_large else rng.choice((2, 3, 5)))
    if mode != "value":  # all outputs have to be floating-point then
        for name in list(w.loose_ends):
            if np.asarray(w.values[name]).dtype.kind != "f":
                w.bind(f"{name} * 0.5")
    return w.source([one.name for one in given], mode in ("value_and_grad", "hvp")), given, mode


def _write(w: Writer, count: int) -> None:
    """Write so many statements."""
    kinds = (ELEMENTWISE, FOLDS, REARRANGED, STATEMENTS)
    weights = [w.rng.uniform(0.1, 1) for _ in kinds]  # each program has a character of its own
    for _ in range(20 * count):
        if len(w.statements) >= count:
            return
        before = dict(w.values), list(w.loose_ends), list(w.statements)
        try:
            made = w.choose(w.rng.choices(kinds, weights)[0])(w)
            if made is not None:
                w.bind(made)
        except Exception:  # NumPy refuses it, for whatever reason: write something else
            w.values, w.loose_ends, w.statements = before


def _small_shape(rng: random.Random) -> tuple[int, ...]:
    if rng.random() < 0.05:  # images, with channels
        return (
            rng.choice((1, 2, 4)),
            rng.choice((1, 2, 3)),
            rng.randint(3, 13),
            rng.randint(3, 17),
        )
    extents = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 0)
    weights = (2, 2, 4, 4, 4, 3, 3, 2, 1, 2, 2, 1, 1, 1, 1, 1, 0.5)
    while True:
        shape = tuple(rng.choices(extents, weights, k=rng.choice((1, 2, 2, 2, 3, 3, 4))))
        if prod(shape) <= SMALL // 2:
            return shape


def _large_shape(rng: random.Random) -> tuple[int, ...]:
    shapes = (
        (131_072,),
        (100_003,),
        (317, 331),
        (50, 50, 41),
        (1000, 101),
        (3, 40_001),
        (64, 2048),
    )
    return rng.choice(shapes)


def _drawn_arguments(rng: random.Random, shape: tuple[int, ...]) -> tuple[Argument, ...]:
    """Draw arguments whose shapes broadcast, or multiply, with each other."""
    dtypes = rng.choice((("float64",), ("float64",), ("float32",), ("float64", "float32")))
    values = rng.choices(("normal", "whole", "special"), (7, 2, 1.5))[0]
    made: list[Argument] = []
    for name in "abcde"[: rng.choice((1, 2, 2, 3, 3, 4, 5))]:
        before = made[-1] if made else None
        dtype = rng.choice(dtypes)
        if made and rng.random() < 0.2:
            dtype = rng.choice(("int64", "int32", "bool", "int8", "uint8"))
        its = _part(rng, shape) if made else shape
        if its and before and before.is_float and before.shape and rng.random() < 0.08:
            layout, dtype, its = rng.choice(arguments.PAIRED), before.dtype, before.shape
            if before.layout != "plain" or not prod(its):
                layout = "plain"
        else:
            layout = (
                rng.choice(list(LAYOUTS if its else NUMBERS)) if rng.random() < 0.5 else "plain"
            )
        if layout == "python" and dtype == "float32":
            dtype = "float64"
        made.append(Argument(name, its, dtype, values, layout))
    return tuple(made)


def _part(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    kept = shape[rng.randint(0, len(shape)) if rng.random() < 0.4 else 0 :]
    found = tuple(1 if rng.random() < 0.15 else extent for extent in kept)
    return found[::-1] if rng.random() < 0.15 and len(found) == 2 else found


# The programs of other tests, drawn by a seed


class _Loops(random_loops.LoopWriter):
    """Writes what ``random_loops`` does, by another source of choices."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(lambda strategy: None)
        self._rng = rng

    def choose(self, options: Any) -> Any:
        return self._rng.choice(list(options))


class _Smooth(random_programs.Writer):
    """Writes what ``random_programs`` does, by another source of choices."""

    def __init__(self, rng: random.Random, values: dict[str, np.ndarray]) -> None:
        super().__init__(lambda strategy: None, values)
        self._rng = rng

    def choose(self, options: Any) -> Any:
        return self._rng.choice(list(options))


def _loops(rng: random.Random, seed: int) -> tuple[str, tuple[Argument, ...], str]:
    source = random_loops.write(_Loops(rng), rng.choice((1, 1, 2, 3)))
    given = [Argument(name, shape) for name, shape in random_loops.PARAMETERS.items()]
    given += [Argument("n", (), "int64"), Argument("flag", (), "bool")]
    return source, tuple(given), rng.choice(("value_and_grad", "value_and_grad", "jvp", "hvp"))


def _smooth(rng: random.Random, seed: int) -> tuple[str, tuple[Argument, ...], str]:
    given = [Argument(name, shape) for name, shape in random_programs.PARAMETERS.items()]
    w = _Smooth(rng, arguments.plain(given, seed))
    random_programs.write(w, rng.choice((3, 6, 12, 30)))
    return w.source(), tuple(given), rng.choice(("value_and_grad", "value_and_grad", "jvp", "hvp"))
