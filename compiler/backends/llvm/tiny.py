"""Values of a few elements: each one is computed on its own, into a register."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ...ir import Node
from ...primitive import IndexMap, Reduction, Stored, Uninitialised
from ...primitives.selection import slice_index
from .layout import dot, row_major, selects, stored_index
from .places import Buffer, Registers, indices
from .scalars import Lane

if TYPE_CHECKING:
    from .section import Section


def emit_tiny(section: Section, node: Node) -> None:
    """Append the code of a tiny value."""
    _back_all(section, node)
    value = node.outs[0]
    lower = node.primitive.lower
    if isinstance(lower, Reduction):
        lanes = _folded(section, node, lower)
    elif isinstance(lower, Stored):
        lanes = _with_store(section, node, lower)
    elif isinstance(lower, Uninitialised):
        lanes = [section.scalars.number(0, value.dtype) for _ in indices(value.shape)]
    elif len(node.operands) > 1 and isinstance(lower, IndexMap):
        lanes = _selected(section, node)
    else:
        lanes = [section.reader.computed(value, index) for index in indices(value.shape)]
    section.places[value] = Registers(value.shape, tuple(lanes))


def _selected(section: Section, node: Node) -> list[Lane]:
    """Return elements at places that are computed: they have to lie in memory."""
    x = node.operands[0]
    if not selects(node):
        section.reader.numbers(node)  # which are checked even where there is nothing to read
    place = section.backed(x)
    if not isinstance(place, Buffer):
        place = Buffer(section.spill(x), row_major(x.shape))
    return [
        section.reader.load(x, place, section.reader.source(node, index))
        for index in indices(node.out.shape)
    ]


def _with_store(section: Section, node: Node, lower: Stored) -> list[Lane]:
    x, value = node.operands[:2]
    numbers, index_attr = section.reader.numbers(node), stored_index(node)
    lanes = [section.reader.read(x, index) for index in indices(x.shape)]
    strides = row_major(x.shape)
    pointer = section.room(x) if numbers else None
    if pointer is not None:
        for i, lane in enumerate(lanes):
            section.scalars.store(lane, section.scalars.element(pointer, x.dtype, i))
    for index in indices(value.shape):
        place = dot(slice_index(index, x.type, *numbers, index=index_attr), strides)
        lane = section.reader.read(value, index)
        if pointer is not None:
            section.scalars.write(
                lane, section.scalars.element(pointer, x.dtype, place), lower.adds
            )
        else:
            lanes[place] = section.scalars.add(lanes[place], lane) if lower.adds else lane
    if pointer is not None:
        places = [section.scalars.element(pointer, x.dtype, i) for i in range(len(lanes))]
        lanes = [section.scalars.load(one, x.dtype) for one in places]
    return lanes


def _folded(section: Section, node: Node, lower: Reduction) -> list[Lane]:
    operand, axes, scalars = node.operands[0], node.attrs["axes"], section.scalars
    kept = [axis for axis in range(operand.ndim) if axis not in axes]
    strides = row_major([operand.shape[axis] for axis in kept])
    totals: dict[int, Lane] = {}
    for index in indices(operand.shape):
        place = dot([index[axis] for axis in kept], strides)
        lane = scalars.cast(section.reader.read(operand, index), node.out.dtype)
        combine = getattr(scalars, lower.combine)
        totals[place] = combine(totals[place], lane) if place in totals else lane
    empty = scalars.number(lower.initial or 0, node.out.dtype)
    return [totals.get(i, empty) for i in range(prod(node.out.shape))]


def _back_all(section: Section, node: Node) -> None:
    """Find the addresses of the views that a tiny value is computed from."""
    for operand in node.operands:
        if section.backed(operand) is None:
            _back_all(section, section.plan.producers[operand])
