"""Where values are while code is emitted, and how one of their elements is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import llvmlite.ir as ir

from ...ir import Node, Value
from ...primitive import Generated, IndexMap, Joined, Rows, Scalar, Stored
from ...types import INDEX_DTYPE
from .counters import Counter, lies_within
from .layout import Strides, bounds_of, dot, first_number, mapped, parted, row_major, selects
from .scalars import I64, Lane, Scalars

Index = Sequence[Any]  # of ints and Lanes


class Registers(NamedTuple):
    """A value whose elements are in registers, in row-major order."""

    shape: tuple[int, ...]
    lanes: tuple[Lane, ...]

    def at(self, index: Index, scalars: Scalars) -> Lane:
        """Return an element; where its index is computed, it is selected among all."""
        if len(self.lanes) == 1:
            return self.lanes[0]
        place: Any = dot(index, row_major(self.shape))
        if isinstance(place, int):
            return self.lanes[place]
        builder, found = scalars.builder, self.lanes[0]
        for i, lane in enumerate(self.lanes[1:], 1):
            is_here = builder.icmp_signed("==", place.value, I64(i))
            chosen = builder.select(is_here, lane.value, found.value)
            found = Lane(chosen, lane.dtype, scalars)
        return found


class Buffer(NamedTuple):
    """A value in memory: the address of its first element, and strides in elements."""

    pointer: ir.Value
    strides: Strides


@dataclass(frozen=True)
class Record:
    """Rows in memory that may move, as many as there are at run time.

    Attributes:
        pointer: Where the address of the first row is kept.
        capacity: Where it is kept for how many rows there is room.
        rows: How many there are; None for as many as there is room for.
    """

    pointer: ir.Value
    capacity: ir.Value
    rows: ir.Value | None


Place = Registers | Buffer | Record


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
            return place.at(index, self.scalars)
        key = value, tuple(map(_key, index))
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

    def selected(self, node: Node, index: Index) -> tuple[Index, list[Lane]]:
        """Return what ``slice_index`` takes for an element: its index, and the numbers."""
        if not selects(node):
            return index, self.numbers(node)
        own, taken = parted(node, index)
        numbers = []
        for one in node.operands[first_number(node) :]:
            pairs = zip(taken[len(taken) - one.ndim :], one.shape, strict=True)
            lane = self.read(one, [0 if dim == 1 else place for place, dim in pairs])
            numbers.append(self.scalars.cast(lane, INDEX_DTYPE))
        return own, numbers

    def source(self, node: Node, index: Index) -> list[Any]:
        """Return where in operand 0 an element of a view, or of what arrays select, lies."""
        return mapped(node, *self.selected(node, index))

    def computed(self, value: Value, index: Index) -> Lane:
        """Compute an element from those of the operands."""
        node = self.producers[value]
        lower = node.primitive.lower
        if isinstance(lower, Scalar):
            lanes = [self.read(operand, index) for operand in node.operands]
            return self.scalars.apply(node.primitive, lanes, node.attrs)
        if isinstance(lower, IndexMap):
            if 0 in node.operands[0].shape:  # there is none, and what would read it never runs
                return self.scalars.number(0, value.dtype)
            return self.read(node.operands[0], self.source(node, index))
        if isinstance(lower, Generated):
            made = lower.rule(index, **node.attrs)
            return made if isinstance(made, Lane) else self.scalars.number(made, value.dtype)
        if isinstance(lower, Rows):
            operand = node.operands[0]
            return self.read(operand, unravelled(dot(index, row_major(value.shape)), operand.shape))
        if isinstance(lower, Stored):
            return self._stored(node, index, lower.adds)
        assert isinstance(lower, Joined), node.primitive
        return self._joined(node, list(index), lower.new)

    def _stored(self, node: Node, index: Index, adds: bool) -> Lane:
        """Return an element of an array in whose part a value is stored."""
        x, value = node.operands
        scalars, builder = self.scalars, self.scalars.builder
        inside: Any = True
        within: list[Any] = []
        for place, (start, stop) in zip(index, bounds_of(node), strict=True):
            within.append(place - start if start else place)
            one = lies_within(place, start, stop)
            if one is False:
                return self.read(x, index)
            if one is not True:
                inside = one if inside is True else builder.and_(inside, one)
        before = self.read(x, index) if adds else None

        def with_value(reader: Reader) -> Lane:
            lane = reader.read(value, within)
            return scalars.add(before, lane) if before is not None else lane

        if inside is True:
            return with_value(self)
        return self._either(
            inside,
            with_value,
            lambda reader: before if before is not None else reader.read(x, index),
        )

    def _either(
        self,
        condition: ir.Value,
        one: Callable[[Reader], Lane],
        other: Callable[[Reader], Lane],
    ) -> Lane:
        """Return what one of two branches reads."""
        builder, found = self.scalars.builder, []
        with builder.if_else(condition) as branches:
            for branch, read in zip(branches, (one, other), strict=True):
                with branch:
                    lane = read(self.branch())
                    found.append((lane, lane.value, builder.block))
        phi = builder.phi(found[0][1].type)
        for _, value, block in found:
            phi.add_incoming(value, block)
        return Lane(phi, found[0][0].dtype, self.scalars)

    def branch(self) -> Reader:
        """Return a reader for a branch: it knows what has been computed before it."""
        made = Reader(self.scalars, self.places, self.producers, self._number)
        made._known = dict(self._known)
        return made

    def _joined(self, node: Node, index: list[Any], is_new: bool) -> Lane:
        """Return an element of an array that is joined of operands."""
        axis, start = node.attrs["axis"], 0
        parts: list[tuple[Any, Value, list[Any]]] = []
        for operand in node.operands:
            size = 1 if is_new else operand.shape[axis]
            inside = lies_within(index[axis], start, start + size) if size else False
            place = [] if is_new else [index[axis] - start]
            start += size
            if inside is not False:
                parts.append((inside, operand, [*index[:axis], *place, *index[axis + 1 :]]))
            if inside is True:
                break
        return self._of_parts(parts)

    def _of_parts(self, parts: Sequence[tuple[Any, Value, Index]]) -> Lane:
        (condition, value, index), *rest = parts
        if not rest:
            return self.read(value, index)
        return self._either(
            condition,
            lambda reader: reader.read(value, index),
            lambda reader: reader._of_parts(rest),
        )

    def index_lane(self, value: ir.Value) -> Lane:
        """Return a number as an index."""
        return Lane(value, INDEX_DTYPE, self.scalars)

    def counter(self, value: ir.Value, stop: int, start: int = 0) -> Counter:
        """Return the counter of a loop over a range as an index."""
        return Counter(self.scalars, value, start, stop - 1)


def _key(place: Any) -> Any:
    if isinstance(place, Counter):
        return place.key
    return place if isinstance(place, int) else place.value


def unravelled(offset: int, shape: Sequence[int]) -> list[int]:
    """Return the index of the element at a place in row-major order."""
    found = []
    for stride, dim in zip(row_major(shape), shape, strict=True):
        found.append(offset // stride % dim if stride else 0)
    return found


def indices(shape: Sequence[int]) -> list[list[int]]:
    """Return the index of each element in row-major order."""
    return [unravelled(i, shape) for i in range(prod(shape))]
