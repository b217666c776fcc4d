"""Parts of arrays: what is stored to them, and arrays that are joined of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...ir import Node
from ...primitives.selection import slice_index
from .layout import dot, row_major, stored_index
from .places import Buffer

if TYPE_CHECKING:
    from .section import Section


def emit_store(section: Section, node: Node) -> None:
    """Copy a value into its part of an array, or add it there."""
    x, value = node.operands[:2]
    lower: Any = node.primitive.lower
    out = Buffer(section.address(node.out), row_major(node.out.shape))
    section.backed(x)
    if node.out not in section.plan.shared:
        section.copy(x, out.pointer, out.strides)
    section.places[node.out] = out
    section.backed(value)
    numbers, index_attr = section.reader.numbers(node), stored_index(node)

    def offset(index: list[int], given: Sequence[Any]) -> Any:
        return dot(slice_index(index, x.type, *given, index=index_attr), out.strides)

    rank, none = value.ndim, [0] * len(numbers)
    strides = []
    for axis in range(rank):
        unit = [int(axis == other) for other in range(rank)]
        strides.append(offset(unit, none) - offset([0] * rank, none))
    start = section.scalars.element(out.pointer, value.dtype, offset([0] * rank, numbers))
    section.copy(value, start, strides, lower.adds)


def emit_join(section: Section, node: Node) -> None:
    """Copy operands into their parts of the result."""
    axis, offset = node.attrs["axis"], 0
    out = Buffer(section.address(node.out), row_major(node.out.shape))
    section.places[node.out] = out
    lower: Any = node.primitive.lower
    is_new = lower.new
    for operand in node.operands:
        section.backed(operand)
        start = section.scalars.element(out.pointer, operand.dtype, offset * out.strides[axis])
        strides = [one for i, one in enumerate(out.strides) if not (is_new and i == axis)]
        section.copy(operand, start, strides)
        offset += 1 if is_new else operand.shape[axis]
