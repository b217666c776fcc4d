"""Where the parts of arrays begin and end that are computed within a nest."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from ...ir import Value
from ...primitive import IndexMap, Joined, Scalar, Stored
from .layout import bounds_of, mapped, selects
from .plan import Plan
from .steps import Nest

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


def borders(plan: Plan, nest: Nest, there: Container[Value]) -> dict[int, set[int]]:
    """Return for each axis of a nest the places at which parts begin and end."""
    found: dict[int, set[int]] = {axis: set() for axis in range(len(nest.shape))}
    seen = set()
    start = tuple(_Place(axis) for axis in range(len(nest.shape)))
    todo = [(value, start) for value in nest.values]
    while todo:
        value, index = todo.pop()
        if (value, index) in seen or (value in there):
            continue
        seen.add((value, index))
        node = plan.producers[value]
        lower = node.primitive.lower
        if isinstance(lower, Scalar):
            todo += [(operand, index) for operand in node.operands]
        elif isinstance(lower, Stored):
            x, stored = node.operands
            within = []
            for place, (first, end), dim in zip(index, bounds_of(node), x.shape, strict=True):
                if isinstance(place, _Place) and place.axis is not None:
                    size = nest.shape[place.axis]
                    ends = {one - place.offset for one in (first, end) if 0 < one < dim}
                    found[place.axis] |= {one for one in ends if 0 < one < size}
                within.append(place - first)
            todo += [(x, index), (stored, tuple(within))]
        elif isinstance(lower, Joined):
            axis, first = node.attrs["axis"], 0
            for operand in node.operands:
                place, size = index[axis], operand.shape[axis]
                if isinstance(place, _Place) and place.axis is not None:
                    ends = {one - place.offset for one in (first, first + size)}
                    found[place.axis] |= {one for one in ends if 0 < one < nest.shape[place.axis]}
                todo.append((operand, (*index[:axis], place - first, *index[axis + 1 :])))
                first += size
        elif isinstance(lower, IndexMap) and not selects(node) and len(node.operands) == 1:
            todo.append((node.operands[0], tuple(mapped(node, index, []))))
    return {axis: places if len(places) <= _MOST else set() for axis, places in found.items()}
