"""Where values are while code is emitted, and how one of their elements is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import llvmlite.ir as ir

from ...ir import Node, Value
from ...primitive import Generated, IndexMap, Joined, Rows, Scalar
from ...types import INDEX_DTYPE
from .layout import Strides, dot, first_number, mapped, row_major
from .scalars import I64, Lane, Scalars

Index = Sequence[Any]  # of ints and Lanes


@dataclass(frozen=True)
class Registers:
    """A value whose elements are in registers, in row-major order."""

    shape: tuple[int, ...]
    lanes: tuple[Lane, ...]

    def at(self, index: Index) -> Lane:
        """Return an element; its index is known."""
        place: int = dot(index, row_major(self.shape))
        return self.lanes[place]


@dataclass(frozen=True)
class Buffer:
    """A value in memory: the address of its first element, and strides in elements."""

    pointer: ir.Value
    strides: Strides


class Reader:
    """Reads elements of values, and computes those of lazy ones.

    Attributes:
        scalars: Appends the instructions.
        places: Where values are; the others are computed from their operands.
        producers: The node of each value.
    """

    def __init__(
        self,
        scalars: Scalars,
        places: dict[Value, Registers | Buffer],
        producers: Mapping[Value, Node],
        number: Callable[[Node, int], Lane] | None = None,
    ) -> None:
        self.scalars, self.places, self.producers = scalars, places, producers
        self._number = number
        self._known: dict[Any, Lane] = {}

    def fresh(self) -> Reader:
        """Return a reader that has computed nothing yet: for another block of code."""
        return Reader(self.scalars, self.places, self.producers)

    def read(self, value: Value, index: Index) -> Lane:
        """Return one element of a value."""
        place = self.places.get(value)
        if isinstance(place, Registers):
            return place.at(index)
        key = value, tuple(one if isinstance(one, int) else one.value for one in index)
        lane = self._known.get(key)
        if lane is None:
            lane = self.load(value, place, index) if place else self.computed(value, index)
            self._known[key] = lane
        return lane

    def load(self, value: Value, place: Buffer, index: Index) -> Lane:
        """Read an element from memory."""
        scalars = self.scalars
        offset = dot(index, place.strides)
        return scalars.load(scalars.element(place.pointer, value.dtype, offset), value.dtype)

    def numbers(self, node: Node) -> list[Lane]:
        """Return the operands of rank 0 that say where a view lies, counted from the front."""
        count = len(node.operands) - first_number(node)
        if not count:
            return []
        assert self._number is not None
        return [self._number(node, place) for place in range(count)]

    def computed(self, value: Value, index: Index) -> Lane:
        """Compute an element from those of the operands."""
        node = self.producers[value]
        lower = node.primitive.lower
        if isinstance(lower, Scalar):
            lanes = [self.read(operand, index) for operand in node.operands]
            return self.scalars.apply(node.primitive, lanes, node.attrs)
        if isinstance(lower, IndexMap):
            return self.read(node.operands[0], mapped(node, index, self.numbers(node)))
        if isinstance(lower, Generated):
            made = lower.rule(index, **node.attrs)
            return made if isinstance(made, Lane) else self.scalars.number(made, value.dtype)
        if isinstance(lower, Rows):
            operand = node.operands[0]
            return self.read(operand, unravelled(dot(index, row_major(value.shape)), operand.shape))
        assert isinstance(lower, Joined), node.primitive
        return self._joined(node, list(index), lower.new)

    def _joined(self, node: Node, index: list[Any], is_new: bool) -> Lane:
        axis = node.attrs["axis"]
        place = index[axis]
        for operand in node.operands:
            size = 1 if is_new else operand.shape[axis]
            if place < size:
                rest = [*index[:axis], *([] if is_new else [place]), *index[axis + 1 :]]
                return self.read(operand, rest)
            place -= size
        raise IndexError(index)

    def index_lane(self, value: ir.Value) -> Lane:
        """Return a loop's counter as an index."""
        return Lane(value, INDEX_DTYPE, self.scalars)


def unravelled(offset: int, shape: Sequence[int]) -> list[int]:
    """Return the index of the element at a place in row-major order."""
    found = []
    for stride, dim in zip(row_major(shape), shape, strict=True):
        found.append(offset // stride % dim if stride else 0)
    return found


def indices(shape: Sequence[int]) -> list[list[int]]:
    """Return the index of each element in row-major order."""
    return [unravelled(i, shape) for i in range(prod(shape))]


def constant_index(number: int) -> ir.Constant:
    """Return an integer as an operand of instructions."""
    return I64(number)
