"""Stores that fill most of an array: what is stored, and what they leave, are computed once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...ir import Node, Value
from ...primitive import IndexMap, Stored
from ...primitives.index import slice_
from ...primitives.selection import Slice
from .layout import bounds_of, is_wide, selects, view_strides

if TYPE_CHECKING:
    from .plan import Plan


def is_parted(plan: Plan, value: Value) -> bool:
    """Whether two readers of a value read different elements, so that none is computed twice.

    One stores over a part of it, the other one is a slice within that part.
    """
    users = plan.users.get(value, ())
    if len(users) != 2 or value in plan.graph.outputs:
        return False
    for store, part in (users, users[::-1]):
        if _is_plain_store(store) and store.operands[0] is value and _is_slice(part):
            if value is not store.operands[1] and part.operands == (value,):
                return all(
                    first <= start and stop <= end
                    for (first, end), (start, stop) in zip(
                        bounds_of(store), bounds_of(part), strict=True
                    )
                )
    return False


def _is_plain_store(node: Node) -> bool:
    lower = node.primitive.lower
    return isinstance(lower, Stored) and not lower.adds and is_wide(node)


def _is_slice(node: Node) -> bool:
    lower = node.primitive.lower
    if node.primitive is not slice_ or not isinstance(lower, IndexMap) or selects(node):
        return False
    return len(node.operands) == 1 and all(
        isinstance(one, Slice) and one.step in (None, 1) for one in node.attrs["index"]
    )


def store_of(plan: Plan, value: Value) -> Node | None:
    """Return the store that is to write a value which others read too, behind it.

    They read the part of the array. So the value has no memory of its own, and no loops.
    """
    users = sorted(plan.users.get(value, ()), key=plan.positions.__getitem__)
    if not users or not _is_plain_store(users[0]) or value in plan.graph.outputs:
        return None
    store = users[0]
    is_kept = store.out in plan.graph.outputs or len(plan.users.get(store.out, ())) > 1
    if store.operands[1] is not value or store.operands[0] is value or store in users[1:]:
        return None
    return store if is_kept else None


def waits(plan: Plan, node: Node) -> bool:
    """Whether the value that a store writes has waited for it."""
    value = node.operands[1]
    is_lazy = value not in plan.tiny and not plan.is_backed(value)
    return is_lazy and len(plan.users[value]) > 1 and store_of(plan, value) is node


def store_in_array(plan: Plan, node: Node) -> None:
    """Add a store of a value that has waited for it; the value is then a view of the array."""
    x, value = node.operands
    stored = Value(value.type, value.name)
    plan.producers[stored] = replace(plan.producers[value], outs=(stored,))
    plan.producers[node.out] = replace(node, operands=(x, stored))
    plan.weights[stored] = plan.weights[value]
    plan.materialise(node.out)
    view = Node(slice_, (node.out,), {"index": node.attrs["index"]}, (value,), node.origin)
    plan.producers[value] = view
    plan.add_view(view, view_strides(view, plan.layouts[node.out]))
