"""Parts of arrays: what is stored to them, and arrays that are joined of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...ir import Node, Value
from ...primitive import IndexMap, Joined, Rows, Scalar, Stored
from ...primitives.selection import slice_index
from .layout import dot, row_major, selects, stored_index
from .places import Buffer

if TYPE_CHECKING:
    from .plan import Plan
    from .section import Section


def add_store(plan: Plan, node: Node) -> None:
    """Add a store: in the memory of what it changes where nobody reads that any more."""
    x = node.operands[0]
    plan.materialise(x)
    root, position = plan.roots.get(x), plan.positions[node]
    given = []
    for operand in node.operands[1:]:
        if not (selects(node) and plan.is_light(operand)):
            plan.materialise(operand)
        # What is read while its place is stored to, is copied first.
        overlaps = root is not None and _shows(plan, operand, root)
        given.append(plan.copied(operand) if overlaps else operand)
    if given != list(node.operands[1:]):
        node = replace(node, operands=(x, *given))
        plan.producers[node.out] = node
    plan.steps.append(node)
    plan.place(node.out, len(plan.steps) - 1)
    shown = [one for one in plan.roots if plan.roots[one] is root]
    last = max((_last_read(plan, one, position) for one in shown), default=0)
    is_ours = root is x and (plan.stored[x] >= 0 or x in plan.owned)
    if is_ours and last <= position and node.out in plan.stored:  # tiny ones are not
        plan.shared[node.out] = plan.shared.get(x, x)


def _shows(plan: Plan, value: Value, root: Value) -> bool:
    """Whether a value lies in the memory of another one, or is computed from what does."""
    todo, seen = [value], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in plan.roots:
            if plan.roots[one] is root:
                return True
        elif one not in plan.tiny:
            todo += plan.producers[one].operands
    return False


def _last_read(plan: Plan, value: Value, position: int) -> float:
    """Return the last node that may read a value before a store to it, or behind.

    By way of lazy values too: those that are planned before the store, at this position.
    """
    last, todo, seen = -1, [value], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in plan.graph.outputs:
            return float("inf")
        for node in plan.users.get(one, ()):
            last = max(last, plan.positions[node])
            is_planned = plan.positions[node] < position
            out, lower = node.outs[0], node.primitive.lower
            if out in plan.tiny:  # it is in registers by now
                continue
            is_lazy = is_planned and out not in plan.roots
            if isinstance(lower, Scalar | IndexMap | Rows) or (
                is_lazy and isinstance(lower, Stored | Joined)
            ):
                todo.append(out)
    return last


def emit_store(section: Section, node: Node) -> None:
    """Copy a value into its part of an array, or add it there."""
    x = node.operands[0]
    out = Buffer(section.address(node.out), row_major(node.out.shape))
    section.backed(x)
    if node.out not in section.plan.shared:
        section.copy(x, out.pointer, out.strides)
    section.places[node.out] = out
    store_part(section, node, out)


def store_part(section: Section, node: Node, out: Buffer) -> None:
    """Copy a value into its part of an array that lies in memory, or add it there."""
    x, value = node.operands[:2]
    lower: Any = node.primitive.lower
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
