"""Arguments of random programs: their values, and how they lie in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..test_zoo_layouts import (
    column_order,
    other_byte_order,
    read_only,
    reversed_storage,
    spread_storage,
    unaligned,
)

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "plain": np.ndarray.copy,
    "reversed": reversed_storage,
    "spread": spread_storage,
    "column": column_order,
    "read-only": read_only,
    "swapped": other_byte_order,
    "unaligned": unaligned,
}
# Of a number: an array without axes, what NumPy makes of one, and Python's own.
NUMBERS: dict[str, Callable[[np.ndarray], Any]] = {
    "plain": np.ndarray.copy,
    "scalar": lambda array: array[()],
    "python": lambda array: array.item(),
}
PAIRED = ("same", "overlapping")


@dataclass(frozen=True)
class Argument:
    """What is passed for a parameter.

    Attributes:
        name: Of the parameter.
        shape: Of the array.
        dtype: Its name.
        values: "normal"; "whole", with many ties; or "special": some are infinite, NaN and so on.
        layout: A key of ``LAYOUTS`` or ``NUMBERS``, or one of ``PAIRED``: the very array, or one in
            the same memory, as the argument before it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float64"
    values: str = "normal"
    layout: str = "plain"

    @property
    def is_float(self) -> bool:
        """Whether it can be differentiated by."""
        return self.dtype.startswith("float")


def specials(dtype: np.dtype[Any]) -> np.ndarray:
    """Return values of which some function goes another way."""
    info = np.finfo(dtype)
    found = [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, info.max, -info.max]
    found += [info.tiny, -info.tiny, info.smallest_subnormal, info.tiny / 8, 1e-5, 40.0, -40.0, 800]
    return np.array(found, dtype)


def values_of(argument: Argument, rng: np.random.Generator) -> np.ndarray:
    """Return an array of an argument's values, however it will lie."""
    shape, dtype = argument.shape, np.dtype(argument.dtype)
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if dtype.kind in "iu":
        least = 0 if dtype.kind == "u" else -2
        return np.asarray(rng.integers(least, 5, shape)).astype(dtype)
    if argument.values == "whole":
        return np.asarray(rng.integers(-4, 5, shape) / 2).astype(dtype)
    made = np.asarray(rng.normal(size=shape)).astype(dtype)
    if argument.values == "special":
        chosen = rng.random(shape) < min(0.5, 4 / max(1, made.size))
        return np.where(chosen, rng.choice(specials(dtype), shape), made).astype(dtype)
    return made


def plain(arguments: Sequence[Argument], seed: int) -> dict[str, np.ndarray]:
    """Return the values of all arguments, each in memory of its own."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for argument in arguments:
        before = list(made.values())[-1:]
        one = values_of(argument, rng)
        if argument.layout == "same":
            one = before[0].copy()
        elif argument.layout == "overlapping":  # they are one array, shifted by one element
            memory = np.append(before[0].ravel(), one.ravel()[-1:])
            one = memory[1:].reshape(argument.shape).copy()
        made[argument.name] = one
    return made


def laid_out(arguments: Sequence[Argument], values: dict[str, np.ndarray]) -> tuple[Any, ...]:
    """Return what is passed: the values, lying as the arguments say."""
    passed: list[Any] = []
    for i, argument in enumerate(arguments):
        value = values[argument.name]
        if argument.layout == "same":
            passed.append(passed[-1])
        elif argument.layout == "overlapping":
            memory = np.append(values[arguments[i - 1].name].ravel(), value.ravel()[-1:])
            memory = memory.astype(value.dtype)
            passed[-1] = memory[:-1].reshape(argument.shape)
            passed.append(memory[1:].reshape(argument.shape))
        elif argument.shape:
            passed.append(LAYOUTS[argument.layout](value))
        else:
            passed.append(NUMBERS[argument.layout](value))
    return tuple(passed)


def nudged(
    arguments: Sequence[Argument], values: dict[str, np.ndarray], nudge: int, step: float
) -> dict[str, np.ndarray]:
    """Return the values with each float moved by about ``step`` of itself.

    Equal numbers move alike, so that ties stay ties, and elements that arguments share are shared.
    """
    moved = {}
    for argument in arguments:
        value = values[argument.name]
        if argument.is_float:
            with np.errstate(all="ignore"):
                phase = np.sin(value.astype(float) * 12.9898 + nudge) * 43758.5453
                way = np.where(np.isfinite(phase), 2 * (phase - np.floor(phase)) - 1, 0.0)
                value = np.asarray(value * (1 + step * way)).astype(value.dtype)
        moved[argument.name] = value
    return moved
