"""Which elements of an array an index takes, where that is known."""

from __future__ import annotations

from ..primitives.selection import Index, Slice
from ..types import Shape


def are_disjoint(one: Index, other: Index, shape: Shape) -> bool:
    """Whether two indices without arrays surely take different elements.

    Args:
        one: An index with an entry for each axis.
        other: Another one.
        shape: The shape of the array.
    """
    if len(one) != len(shape) or len(other) != len(shape):
        return False
    for dim, left, right in zip(shape, one, other, strict=True):
        first, second = _places(left, dim), _places(right, dim)
        if first is not None and second is not None and not _meet(first, second):
            return True
    return False


def _places(item: object, dim: object) -> range | None:
    if not isinstance(dim, int):
        return None
    if isinstance(item, int):
        return range(item % dim, item % dim + 1) if -dim <= item < dim else None
    if isinstance(item, Slice) and isinstance(item.start, int | None):
        if isinstance(item.stop, int | None):
            return range(*slice(item.start, item.stop, item.step).indices(dim))
    return None


def _meet(one: range, other: range) -> bool:
    """Whether two ranges have a number in common."""
    if len(other) < len(one):
        one, other = other, one
    return any(place in other for place in one)
