"""Where the parts of arrays begin and end that are computed within a nest."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from ...ir import Node, Value
from ...primitive import IndexMap, Joined, Scalar, Stored
from .layout import bounds_of, mapped, selects
from .steps import Nest

if TYPE_CHECKING:
    from .plan import Plan

_MOST = 8  # of an axis; with more, none is looked at


@dataclass(frozen=True)
class _Place:
    """A point on an axis of the nest, moved by an offset; index maps are applied to it.

    Without an axis it is any other function of the points: the axis backwards, every second place.
    """

    axis: int | None
    offset: int = 0

    def __add__(self, other: Any) -> _Place:
        known = self.axis is not None and isinstance(other, int)
        return _Place(self.axis, self.offset + other) if known else _ELSEWHERE

    __radd__ = __add__

    def __sub__(self, other: Any) -> _Place:
        return self.__add__(-other)

    def __rsub__(self, other: Any) -> _Place:
        return _ELSEWHERE

    def __mul__(self, other: Any) -> _Place:
        return self if isinstance(other, int) and other == 1 else _ELSEWHERE

    __rmul__ = __mul__

    def __neg__(self) -> _Place:
        return _ELSEWHERE


_ELSEWHERE = _Place(None)


def reads(
    plan: Plan, nest: Nest, there: Container[Value]
) -> Iterator[tuple[Value, tuple[Any, ...]]]:
    """Yield the values that the points of a nest read, each with the places at which it is read.

    Args:
        plan: Of the nest.
        nest: The nest.
        there: Values in memory or registers, into which one need not look.
    """
    start = tuple(_Place(axis) for axis in range(len(nest.shape)))
    roots = [*nest.values, *(fold.operands[0] for fold in nest.folds)]
    todo, seen = [(root, start) for root in roots], set()
    while todo:
        value, index = todo.pop()
        if (value, index) in seen:
            continue
        seen.add((value, index))
        yield value, index
        if value not in there:
            todo += _operands(plan.producers[value], index)


def _operands(node: Node, index: tuple[Any, ...]) -> list[tuple[Value, tuple[Any, ...]]]:
    """Return what an element of a lazy value is computed from, and where that is read."""
    lower = node.primitive.lower
    if isinstance(lower, Scalar):
        return [(operand, index) for operand in node.operands]
    if isinstance(lower, Stored):
        x, stored = node.operands
        pairs = zip(index, bounds_of(node), strict=True)
        return [(x, index), (stored, tuple(place - first for place, (first, _) in pairs))]
    if isinstance(lower, Joined) and not lower.new:
        axis, found = node.attrs["axis"], []
        for operand, (first, _) in zip(node.operands, _parts(node), strict=True):
            found.append((operand, (*index[:axis], index[axis] - first, *index[axis + 1 :])))
        return found
    if isinstance(lower, IndexMap) and not selects(node) and len(node.operands) == 1:
        return [(node.operands[0], tuple(mapped(node, index, [])))]
    return [(operand, (_ELSEWHERE,) * operand.ndim) for operand in node.operands]


def _parts(node: Node) -> list[tuple[int, int]]:
    """Return where the operands of a join begin and end."""
    ends = list(accumulate((one.shape[node.attrs["axis"]] for one in node.operands), initial=0))
    return list(pairwise(ends))


def borders(plan: Plan, nest: Nest, there: Container[Value]) -> dict[int, set[int]]:
    """Return for each axis of a nest the places at which parts begin and end."""
    found: dict[int, set[int]] = {axis: set() for axis in range(len(nest.shape))}
    for value, index in reads(plan, nest, there):
        node = plan.producers.get(value)
        if value in there or node is None:
            continue
        lower = node.primitive.lower
        parts: list[tuple[Any, tuple[int, int]]] = []
        if isinstance(lower, Stored):
            parts = [*zip(index, bounds_of(node), strict=True)]
        elif isinstance(lower, Joined) and not lower.new:
            parts = [(index[node.attrs["axis"]], one) for one in _parts(node)]
        for place, ends in parts:
            if isinstance(place, _Place) and place.axis is not None:
                moved = {end - place.offset for end in ends}
                found[place.axis] |= {one for one in moved if 0 < one < nest.shape[place.axis]}
    return {axis: places if len(places) <= _MOST else set() for axis, places in found.items()}


def is_pointwise(nest: Nest, index: tuple[Any, ...]) -> bool:
    """Whether an array as large as a nest is read at each point at the place of that point."""
    return all(
        dim == 1 or place == _Place(axis)
        for axis, (place, dim) in enumerate(zip(index, nest.shape, strict=True))
    )


def axis_of(place: Any) -> int:
    """Return the axis of a nest of which a place is the point; -1 if it is none."""
    is_point = isinstance(place, _Place) and place.axis is not None and place.offset == 0
    return place.axis if is_point else -1
