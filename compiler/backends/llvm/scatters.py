"""Stores at places that arrays hold, one element after the other.

So the last one stays where places occur twice, and all of them count where they are added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...ir import Node
from ...primitives.selection import slice_index
from .kernel import SingleKernel
from .layout import dot, row_major, stored_index

if TYPE_CHECKING:
    from .section import Section


def emit_scatter(section: Section, node: Node) -> None:
    """Store a value at the places that arrays hold, or add it there."""
    x, value = node.operands[:2]
    lower: Any = node.primitive.lower
    target = section.target(node.out)
    section.backed(x)
    strides = row_major(x.shape)
    if node.out not in section.plan.shared:
        section.copy(x, target, strides)
    if 0 not in value.shape:
        kernel = SingleKernel(section, "scatter", section.plan.leaves_of(node), [target])

        def body(index: list[Any]) -> None:
            reader = kernel.reader.fresh()
            own, numbers = reader.selected(node, index)
            place = slice_index(own, x.type, *numbers, index=stored_index(node))
            pointer = kernel.scalars.element(kernel.targets[0], x.dtype, dot(place, strides))
            lane = reader.read(value, index)
            if lower.adds:
                lane = kernel.scalars.add(kernel.scalars.load(pointer, x.dtype), lane)
            kernel.scalars.store(lane, pointer)

        kernel.over(value.shape, body)
        kernel.call()
    section.place_at(node.out, target)
