"""Nests that write values over those that they read for the last time.

So a loop needs the arrays that it carries once and not in turns, and a chain of nests needs one
array: what is not needed need not stay in a processor's cache either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...ir import Value
from ...primitive import IndexMap
from .borders import is_pointwise, reads
from .layout import Strides, dot, mapped, row_major
from .lowering import is_record
from .steps import Nest

if TYPE_CHECKING:
    from .plan import Plan


def _before(plan: Plan) -> dict[Value, Value]:
    """Return what a loop carries on, each with what it carried."""
    if not plan.owned:  # this is asked for each value of a program
        return {}
    carried = [param for param in plan.graph.params if param in plan.owned]
    return dict(zip(plan.graph.outputs, carried, strict=False))


def _looks_around(plan: Plan, nest: Nest) -> set[Value]:
    """Return the values in memory of which the points of a nest read more than their own."""
    there = (plan.layouts.keys() | plan.tiny.keys()) - set(nest.values)
    return {
        plan.home(value)
        for value, index in reads(plan, nest, there)
        if value in there and value in plan.roots and not is_own(plan, nest, value, index)
    }


def in_order(plan: Plan) -> Sequence[Value]:
    """Return the outputs, first those that look around in what others may be written over."""
    before = _before(plan)
    if not before:
        return plan.graph.outputs

    def comes_late(output: Value) -> bool:
        if plan.is_backed(output) or output in plan.tiny or output not in before:
            return False
        around = _looks_around(plan, Nest(output.shape, [output]))
        return not around & {one for other, one in before.items() if other is not output}

    return sorted(plan.graph.outputs, key=comes_late)


def hinders(plan: Plan, nest: Nest, value: Value) -> bool:
    """Whether a value could be written over what a loop carried, but not in a nest as it is."""
    mine = _before(plan).get(value)
    if mine is None:
        return False
    own = Nest(value.shape, [value])
    return mine in _looks_around(plan, nest) and mine not in _looks_around(plan, own)


def write_over(plan: Plan) -> None:
    """Put values of nests into the memory of others, where they can be.

    That is where a nest reads of the others at each point only what lies there, and nobody reads
    these later. What a loop carries on takes the place of what it carried, if of anything.
    """
    last: dict[Value, float] = {}
    for place in range(len(plan.steps)):
        last.update((plan.home(leaf), place) for leaf in plan.leaves(place))
    last.update((plan.home(output), float("inf")) for output in plan.graph.outputs)
    before, stores = _before(plan), defaultdict[Value, list[Value]](list)
    for value, home in plan.shared.items():
        stores[home].append(value)
    for place, nest in enumerate(plan.steps):
        if not isinstance(nest, Nest):
            continue
        dying = _dying(plan, place, nest, last)
        for value in nest.values:
            mine = before.get(value)
            if mine is not None and last.get(plan.home(mine), -1) < place:
                dying.setdefault(mine, None)  # it was read before
            # Best what was made last: it is in the cache, and fewer steps read it.
            candidates = sorted(dying, key=lambda one: plan.stored[one], reverse=True)
            if mine is not None:  # what is not carried on must not end up in other memory
                candidates = [mine, *(one for one in candidates if plan.home(one) in plan.owned)]
            for one in candidates:
                if one in dying and one.type == value.type:
                    home = plan.home(one)
                    last[home] = last.pop(value, place)
                    plan.shared.update(dict.fromkeys((value, *stores.get(value, ())), home))
                    del dying[one]
                    break


def is_own(plan: Plan, nest: Nest, value: Value, index: tuple[Any, ...]) -> bool:
    """Whether a nest reads an array, or a view of one, at its own points."""
    root, at = _in_root(plan, value, index)
    return root is not None and root.shape == nest.shape and is_pointwise(nest, at)


def _in_root(
    plan: Plan, value: Value, index: tuple[Any, ...]
) -> tuple[Value | None, tuple[Any, ...]]:
    """Return of what a value is a view, and where there an element of it lies; None if computed."""
    while plan.roots[value] is not value:
        node = plan.producers.get(value)
        if node is None or not isinstance(node.primitive.lower, IndexMap) or node.operands[1:]:
            return None, index
        value, index = node.operands[0], tuple(mapped(node, index, []))
    return value, index


def place_in(plan: Plan, value: Value) -> tuple[int, Strides]:
    """Return where in the memory of its root a view begins, in elements, and its strides."""
    root, first = _in_root(plan, value, (0,) * value.ndim)
    assert root is not None
    return dot(first, row_major(root.shape)), plan.layouts[value]


def _dying(plan: Plan, place: int, nest: Nest, last: Mapping[Value, float]) -> dict[Value, None]:
    """Return the values that a nest reads at its own points only, and that nobody reads later."""
    leaves = plan.leaves(place)
    there = frozenset(leaves)
    fine: dict[Value, bool] = {}
    for value, index in reads(plan, nest, there):
        if value in there and value in plan.roots:
            home = plan.home(value)
            fine[home] = fine.get(home, True) and is_own(plan, nest, value, index)
    return {
        plan.roots[leaf]: None
        for leaf in leaves
        if fine.get(plan.home(leaf)) and last[plan.home(leaf)] == place and _is_ours(plan, leaf)
    }


def _is_ours(plan: Plan, value: Value) -> bool:
    """Whether a value lies in memory that the graph may write to."""
    home = plan.home(value)
    root = plan.roots[value]
    is_dense = plan.layouts[root] == row_major(root.shape)
    return is_dense and not is_record(root) and (plan.stored[home] >= 0 or home in plan.owned)


def overwritten(plan: Plan, nest: Nest, leaves: Iterable[Value]) -> Mapping[Value, Value]:
    """Return what a nest reads and writes over, each with that which takes its place."""
    homes = {plan.home(value): value for value in nest.values if value in plan.shared}
    found = {leaf: homes.get(plan.home(leaf)) for leaf in leaves if leaf in plan.roots}
    return {leaf: value for leaf, value in found.items() if value is not None}
