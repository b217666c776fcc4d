"""Which nodes become statements of their own, and which are written inside another's expression."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import Graph, Node, Value
from ...passes.lifetimes import is_worth_reusing
from ...primitive import NumPy
from ...primitives.elementwise import constant, copy
from ...primitives.index import Gather, Mask
from ...primitives.shape import broadcast_to
from ...types import Sym

MOST_NESTED = 4  # operations in an expression that is part of another
MOST_IN_LINE = 6  # operations in one statement


@dataclass
class Schedule:
    """Where each node runs.

    Attributes:
        inlined: Values written where they are read.
        position: For each node, the place in the graph of the statement that it is part of.
    """

    inlined: set[Value]
    position: dict[Node, int]


def schedule(graph: Graph) -> Schedule:
    """Choose the statements: small, unnamed results read once are nested into their reader."""
    counted = set(mask_counts(graph).values())
    users, outputs = _readers(graph, counted)
    nested: dict[Value, int] = {}
    inlined: set[Value] = set()
    for node in graph.nodes:
        parts = [one for one in node.operands if one in inlined]
        nested_here = 1 + sum(nested[one] for one in parts)
        if nested_here > MOST_IN_LINE:
            largest = max(parts, key=nested.__getitem__)
            inlined.remove(largest)
            nested_here -= nested[largest]
        for out in node.outs:
            nested[out] = nested_here
            if node.primitive is constant or _is_spread(node, counted):
                nested[out] = 0
                inlined.add(out)
            elif out not in outputs and out not in counted:
                if _may_inline(node, users.get(out, []), nested_here):
                    inlined.add(out)
    return Schedule(inlined, _positions(graph, users, inlined))


def _is_spread(node: Node, counted: set[Value]) -> bool:
    """Whether it is a broadcast, which is written where it is read, or which NumPy does itself."""
    return node.primitive is broadcast_to and node.out not in counted


def _readers(graph: Graph, counted: set[Value]) -> tuple[dict[Value, list[Node]], set[Value]]:
    """Return the nodes in whose text each value is read, and the values read by ``return``."""
    readers: dict[Value, list[Node]] = {}
    returned = set(graph.outputs)
    for node in reversed(graph.nodes):
        places = [node]
        if _is_spread(node, counted):
            places = readers.get(node.out, [])
            returned.update(node.operands if node.out in returned else ())
        for operand in node.operands:
            readers.setdefault(operand, []).extend(places)
    return readers, returned


def _may_inline(node: Node, users: list[Node], nested: int) -> bool:
    numpy = node.primitive.numpy
    if len(users) != 1 or node.primitive.effect or not isinstance(numpy, NumPy) or numpy.store:
        return False
    if node.primitive is copy:
        return False  # it has to run before the store that follows it
    (user,) = users
    if user.primitive.effect or (user.operands[0] is node.out and _is_store(user)):
        return False
    if node.out.name is not None or nested > MOST_NESTED:
        return False
    if node.primitive.view:
        return True
    same_line = node.origin is None or user.origin is None or node.origin == user.origin
    return same_line and not is_worth_reusing(node.out.type)


def _is_store(node: Node) -> bool:
    return isinstance(node.primitive.numpy, NumPy) and node.primitive.numpy.store


def mask_counts(graph: Graph) -> dict[Sym, Value]:
    """Return the mask whose selected elements each unknown size counts."""
    found: dict[Sym, Value] = {}
    for node in graph.nodes:
        if "index" not in node.attrs:
            continue
        arrays = node.operands[2 if _is_store(node) else 1 :]
        places = [one for one in node.attrs["index"] if isinstance(one, Gather | Mask)]
        for item, array in zip(places, arrays, strict=True):
            if isinstance(item, Mask) and isinstance(item.count, Sym):
                found.setdefault(item.count, array)
    return found


def private_functions(graph: Graph) -> list[str]:
    """Return the source of the private functions that the nodes call, each once, callees first."""
    entries = (node.primitive.numpy for node in graph.nodes)
    texts = [text for one in entries if isinstance(one, NumPy) for text in one.functions]
    return list(dict.fromkeys(texts))


def _positions(
    graph: Graph, users: dict[Value, list[Node]], inlined: set[Value]
) -> dict[Node, int]:
    position: dict[Node, int] = {}
    for place in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[place]
        position[node] = place
        if len(node.outs) == 1 and node.out in inlined:
            readers = [position[user] for user in users.get(node.out, ())]
            if len(readers) == 1:
                position[node] = readers[0]
    return position
