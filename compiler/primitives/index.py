"""Reads and stores by index.

An ``index`` attr is a tuple with an entry per axis, or for a new one: ``Slice``, ``int``, ``None``
(a new axis), ``Gather`` (an integer array, the next operand) or ``Mask`` (a bool array, the next
operand, that spans one or more axes). Results are placed as NumPy places them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import IndexRuleError, TypeRuleError
from ..primitive import Attrs, Example, Linear, NumPy, Primitive, Scatter
from ..types import (
    BOOL,
    INDEX_DTYPE,
    ArrayType,
    Dim,
    Shape,
    broadcast_shapes,
    format_shape,
    slice_length,
)
from .elementwise.casting import filled, numbered
from .elementwise.comparison import equal, where
from .elementwise.kind import check_kinds


@dataclass(frozen=True, slots=True)
class Slice:
    """A ``start:stop:step`` that can be hashed."""

    start: Dim | None = None
    stop: Dim | None = None
    step: int | None = None

    def __str__(self) -> str:
        ends = ["" if end is None else str(end) for end in (self.start, self.stop)]
        return ":".join(ends) + ("" if self.step in (None, 1) else f":{self.step}")


@dataclass(frozen=True, slots=True)
class Gather:
    """The place of an integer array in an index."""


@dataclass(frozen=True, slots=True)
class Mask:
    """The place of a bool array in an index: the axes that it spans, and how many it selects."""

    ndim: int
    count: Dim


Index = tuple[Slice | int | Gather | Mask | None, ...]


def is_basic(index: Index) -> bool:
    """Whether the index reads a view: no arrays in it."""
    return not any(isinstance(item, Gather | Mask) for item in index)


def indexed_shape(shape: Shape, index: Index, arrays: Sequence[ArrayType]) -> Shape:
    """Return the shape of what the index selects.

    Raises:
        TypeRuleError: Too many axes, an index out of bounds, or index arrays that do not fit.
    """
    remaining = iter(arrays)
    selected: list[Dim] = []
    advanced: list[Shape] = []
    places: list[tuple[int, int]] = []  # (position in the index, axis of the result) of arrays
    axis = 0
    for position, item in enumerate(index):
        if item is None:
            selected.append(1)
            continue
        span = item.ndim if isinstance(item, Mask) else 1
        if axis + span > len(shape):
            raise TypeRuleError(f"too many indices for an array of rank {len(shape)}")
        if isinstance(item, Slice):
            selected.append(slice_length(shape[axis], item.start, item.stop, item.step))
        else:
            advanced.append(_advanced_shape(shape[axis : axis + span], axis, item, remaining))
            places.append((position, len(selected)))
        axis += span
    if axis != len(shape):
        raise TypeRuleError("the index does not name every axis")
    if is_basic(index):
        return tuple(selected)
    first, last = places[0], places[-1]
    adjacent = last[0] - first[0] == len(places) - 1
    at = first[1] if adjacent else 0
    return (*selected[:at], *broadcast_shapes(*advanced), *selected[at:])


def _advanced_shape(
    dims: Shape, axis: int, item: int | Gather | Mask, arrays: Iterator[ArrayType]
) -> Shape:
    if isinstance(item, int):
        if isinstance(dims[0], int) and not -dims[0] <= item < dims[0]:
            raise IndexRuleError(f"index {item} is out of bounds for axis {axis} of size {dims[0]}")
        return ()
    array = next(arrays, None)
    if array is None:
        raise TypeRuleError("an index array is missing")
    if isinstance(item, Gather):
        if array.dtype != INDEX_DTYPE:
            raise TypeRuleError(f"index arrays are {INDEX_DTYPE}, not {array.dtype}")
        return array.shape
    if array.dtype != BOOL or array.shape != dims:
        raise TypeRuleError(
            "a mask must be bool and have the shape of the axes that it selects from"
        )
    return (item.count,)


def index_text(index: Index, first: int) -> str:
    """Return the index as code, its arrays being operands ``first``, ``first + 1``, ..."""
    parts = []
    for item in index:
        if isinstance(item, Gather | Mask):
            parts.append("{%d}" % first)
            first += 1
        else:
            parts.append(str(item))
    while len(parts) > 1 and parts[-1] == ":" and "None" not in parts and is_basic(index):
        parts.pop()
    return ", ".join(parts) if parts else "()"


def _slice_type(x: ArrayType, index: Index) -> ArrayType:
    return x.with_shape(indexed_shape(x.shape, index, ()))


slice_ = Primitive(
    "slice",
    type=_slice_type,
    derivative=Linear(lambda ct, x, index: (Scatter(ct, (), index),)),
    numpy=NumPy(lambda types, attrs: "{0}[" + index_text(attrs["index"], 1) + "]"),
    view=True,
    dtypes="fib",
    examples=(
        Example(((5,),), {"index": (Slice(1, None),)}),
        Example(((5, 4),), {"index": (Slice(None, None, -2), 1)}),
        Example(((5, 4),), {"index": (Slice(4, 1, -1), Slice(-3, -1))}),
        Example(((3,),), {"index": (None, Slice(), None)}),
        Example(((3, 2),), {"index": (-1, 0)}),
        Example(((3, 0),), {"index": (Slice(3, 3), Slice())}),
        Example(((),), {"index": ()}),
    ),
)


def _gather_type(x: ArrayType, *arrays: ArrayType, index: Index) -> ArrayType:
    return x.with_shape(indexed_shape(x.shape, index, arrays))


def _gather_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    index = attrs["index"]
    text = "{0}[" + index_text(index, 1) + "]"
    # Where all indices are NumPy scalars, NumPy gives a view.
    is_view = not any(one.ndim for one in types[1:]) and any(isinstance(i, Slice) for i in index)
    return text + ".copy()" if is_view else text


def _gather_transpose(ct: Any, x: Any, *arrays: Any, index: Index) -> tuple[Any, ...]:
    return (Scatter(ct, arrays, index), *(None for _ in arrays))


_ROWS = np.array([2, 0, 2, -1])
_MASK = np.array([True, False, True])

gather = Primitive(
    "gather",
    type=_gather_type,
    derivative=Linear(_gather_transpose),
    numpy=NumPy(_gather_text),
    dtypes="fib",
    examples=(
        Example(((3,), _ROWS), {"index": (Gather(),)}),
        Example(((3, 2), _ROWS), {"index": (Gather(), Slice())}),
        Example(
            ((4, 3, 2), _ROWS, np.array([[1], [0]])), {"index": (Gather(), Slice(1, 3), Gather())}
        ),
        Example(((2, 3), _ROWS), {"index": (1, Gather())}),
        Example(((3, 2), _MASK), {"index": (Mask(1, 2), Slice())}),
        Example(((3, 2), np.zeros(0, np.int64)), {"index": (Gather(), Slice(None, None, -1))}),
        Example(((3,), np.array(1)), {"index": (Gather(),)}),
    ),
)


def _store_type(x: ArrayType, value: ArrayType, *arrays: ArrayType, index: Index) -> ArrayType:
    region = indexed_shape(x.shape, index, arrays)
    if value.shape != region or value.dtype != x.dtype:
        got = f"{value} into a region of shape {format_shape(region)} of {x}"
        raise TypeRuleError("the value does not fit the place", got=got)
    return x


def _read(array: Any, arrays: Sequence[Any], index: Index) -> Any:
    return gather(array, *arrays, index=index) if arrays else slice_(array, index=index)


def _update_transpose(ct: Any, x: Any, value: Any, *arrays: Any, index: Index) -> tuple[Any, ...]:
    read = _read(ct, arrays, index)
    if any(isinstance(item, Gather) for item in index):
        read = where(_survives(ct, value, arrays, index), read, 0.0)
    kept = update(ct, filled(value, 0), *arrays, index=index)
    return (kept, read, *(None for _ in arrays))


def _survives(ct: Any, value: Any, arrays: Sequence[Any], index: Index) -> Any:
    # Where an index occurs twice the last value stays: number the values, store the numbers in
    # the same way, and see which of them are still there.
    numbers = numbered(value)
    board = update(filled(ct, 0, INDEX_DTYPE), numbers, *arrays, index=index)
    return equal(_read(board, arrays, index), numbers)


update = Primitive(
    "update",
    type=_store_type,
    derivative=Linear(_update_transpose),
    numpy=NumPy(
        lambda types, attrs: "{0}[" + index_text(attrs["index"], 2) + "] = {1}", store=True
    ),
    dtypes="fib",
    examples=(
        Example(((5,), (2,)), {"index": (Slice(1, None, 2),)}),
        Example(((5, 4), (4,)), {"index": (-1, Slice(None, None, -1))}),
        Example(((3,), ()), {"index": (0,)}),
        Example(((3,), (4,), _ROWS), {"index": (Gather(),)}),
        Example(((3, 2), (4, 2), _ROWS), {"index": (Gather(), Slice())}),
        Example(((3, 2), (2, 2), _MASK), {"index": (Mask(1, 2), Slice())}),
        Example(((0, 2), (0, 2)), {"index": (Slice(), Slice())}),
    ),
)


def _add_at_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    index = attrs["index"]
    text = index_text(index, 2)
    if not any(isinstance(item, Gather) for item in index):
        return f"{{0}}[{text}] += {{1}}"
    # Of an index that occurs twice both values count.
    return f"np.add.at({{0}}, {text if text == '{2}' else f'np.s_[{text}]'}, {{1}})"


def _add_at_transpose(ct: Any, x: Any, value: Any, *arrays: Any, index: Index) -> tuple[Any, ...]:
    return (ct, _read(ct, arrays, index), *(None for _ in arrays))


def _add_at_type(x: ArrayType, value: ArrayType, *arrays: ArrayType, index: Index) -> ArrayType:
    check_kinds(x, "fi")
    return _store_type(x, value, *arrays, index=index)


add_at = Primitive(
    "add_at",
    type=_add_at_type,
    derivative=Linear(_add_at_transpose),
    numpy=NumPy(_add_at_text, store=True),
    dtypes="fi",
    examples=update.examples,
)
