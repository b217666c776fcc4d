"""Lifetimes: how long each array is needed, and whose memory a result can take."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from ..ir import Graph, Node, Value
from ..primitive import NumPy
from ..primitives.elementwise import constant
from ..primitives.selection import Gather
from ..types import ArrayType

# Smaller blocks NumPy allocates as quickly as it finds them again (measured).
WORTH_REUSING = 4 * 1024  # bytes


@dataclass
class Lifetimes:
    """What ``lifetimes`` found.

    Attributes:
        root: The value whose memory each value may lie in: itself, unless it is a view.
        last_use: The last position at which anything that lies in a root is read.
        donor: The dead value whose memory the output of a node takes. A store without one needs a
            copy of its array first.
        owned: The values that have memory of their own, which may be changed.
        given: The operands of a loop or a branch, by position, whose memory its body may change:
            nothing else reads them any more. Others it must not change.
    """

    root: dict[Value, Value] = field(default_factory=dict)
    last_use: dict[Value, float] = field(default_factory=dict)
    donor: dict[Node, Value] = field(default_factory=dict)
    owned: set[Value] = field(default_factory=set)
    given: dict[Node, set[int]] = field(default_factory=dict)


def is_worth_reusing(type: ArrayType) -> bool:
    """Whether memory of this size is better taken over than allocated."""
    return type.ndim > 0 and (type.nbytes is None or type.nbytes >= WORTH_REUSING)


def lifetimes(
    graph: Graph,
    position: Mapping[Node, int],
    inlined: Set[Value] = frozenset(),
    owned: Set[Value] = frozenset(),
) -> Lifetimes:
    """Work out lifetimes and the reuse of memory.

    Requires: ``expand`` has run.
    Ensures: a donor is dead once the node that takes its memory has run, is no view, and is neither
        a param, a constant, nor what a call-back got or gave.
    Cost: linear in nodes.

    Args:
        graph: The graph.
        position: When each node runs: its own place, or that of the statement that it is part of.
        inlined: Values that are part of a larger expression, and have no memory of their own.
        owned: Params whose memory is the graph's own: what a loop carries.
    """
    found = Lifetimes(owned=set(owned))
    owned = found.owned
    for node in graph.nodes:
        for out in node.outs:
            if node.is_view:
                found.root[out] = found.root.get(node.operands[0], node.operands[0])
            elif not (node.primitive is constant or node.primitive.effect or out in inlined):
                owned.add(out)
    for node in graph.nodes:
        for operand in node.operands:
            root = found.root.get(operand, operand)
            if node.primitive.effect and node.outs:
                owned.discard(root)  # a call-back may hand it back
            found.last_use[root] = max(found.last_use.get(root, -1), position[node])
    for output in graph.outputs:
        found.last_use[found.root.get(output, output)] = float("inf")
    _choose_donors(graph, position, found, owned)
    return found


def _choose_donors(
    graph: Graph, position: Mapping[Node, int], found: Lifetimes, owned: Set[Value]
) -> None:
    dying: dict[float, list[Value]] = {}
    for root, last in found.last_use.items():
        if root in owned and is_worth_reusing(root.type):
            dying.setdefault(last, []).append(root)
    free: dict[ArrayType, list[Value]] = {}
    taken: set[Value] = set()
    for place, node in enumerate(graph.nodes):
        if node.regions:
            given = _given(node, position[node], found, owned)
            found.given[node] = given
            taken.update(node.operands[i] for i in given)
        elif len(node.outs) == 1 and node.out in owned:
            donor = _donor(node, position[node], found, owned, free)
            if donor is not None:
                found.donor[node] = donor
                taken.add(donor)
        for root in dying.get(place, ()):
            if root not in taken:
                free.setdefault(root.type, []).append(root)


def _given(node: Node, place: int, found: Lifetimes, owned: Set[Value]) -> set[int]:
    roots = [found.root.get(operand, operand) for operand in node.operands]
    return {
        i
        for i, operand in enumerate(node.operands)
        if operand.ndim and _dies(operand, place, found, owned) and roots.count(operand) == 1
    }


def _donor(
    node: Node, place: int, found: Lifetimes, owned: Set[Value], free: dict[ArrayType, list[Value]]
) -> Value | None:
    numpy = node.primitive.numpy
    if not isinstance(numpy, NumPy):
        return None
    if numpy.store:
        base, value = node.operands[:2]
        scattered = any(isinstance(item, Gather) for item in node.attrs.get("index", ()))
        if scattered and found.root.get(value, value) is base:
            return None
        # What is computed of rank 0 is a scalar, which nothing can be stored into.
        return base if base.ndim and _dies(base, place, found, owned) else None
    if numpy.out is None or not is_worth_reusing(node.out.type):
        return None
    if node.primitive.elementwise:
        for operand in node.operands:
            if operand.type == node.out.type and _dies(operand, place, found, owned):
                return operand
    spare = free.get(node.out.type)
    return spare.pop() if spare else None


def _dies(value: Value, place: int, found: Lifetimes, owned: Set[Value]) -> bool:
    return value in owned and value not in found.root and found.last_use[value] == place
