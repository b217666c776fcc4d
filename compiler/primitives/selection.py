"""What an index selects.

An ``index`` attr is a tuple with an entry per axis, or for a new one: ``Slice``, ``int``, ``None``
(a new axis), ``Gather`` (an integer array, the next operand) or ``Mask`` (a bool array, the next
operand, that spans one or more axes). Results are placed as NumPy places them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import IndexRuleError, TypeRuleError
from ..types import BOOL, INDEX_DTYPE, ArrayType, Dim, Shape, broadcast_shapes, slice_length


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
    axis = 0
    for item in index:
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
        axis += span
    if axis != len(shape):
        raise TypeRuleError("the index does not name every axis")
    if is_basic(index):
        return tuple(selected)
    at = first_array_axis(index)
    return (*selected[:at], *broadcast_shapes(*advanced), *selected[at:])


def first_array_axis(index: Index) -> int:
    """Return the axis of the result where those begin that arrays select: 0 where they part."""
    kept = [item is None or isinstance(item, Slice) for item in index]
    first, last = kept.index(False), len(kept) - kept[::-1].index(False)
    return 0 if any(kept[first:last]) else first


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
    while len(parts) > 1 and parts[-1] == ":" and "None" not in parts:
        parts.pop()
    return ", ".join(parts) if parts else "()"


def slice_index(at: Sequence[Any], x: ArrayType, *numbers: Any, index: Index) -> list[Any]:
    """Return where the element ``at`` of a view lies; ``numbers`` stand for arrays of rank 0."""
    own, given = iter(at), iter(numbers)
    found: list[Any] = []
    for item in index:
        if item is None:
            next(own)
            continue
        size: Any = x.shape[len(found)]
        if isinstance(item, Slice):
            start, _, step = slice(item.start, item.stop, item.step).indices(size)
            place = next(own)
            found.append(start + (place if step == 1 else place * step))
        elif isinstance(item, int):
            found.append(item % size if size else 0)
        else:
            found.append(next(given))
    return found
