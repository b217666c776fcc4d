"""Copies of what is still read of an array when it is stored to."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir import Builder, Graph, Node, Value
from ..primitive import NumPy
from ..primitives.control import callback
from ..primitives.elementwise import constant, copy


def snapshot(graph: Graph) -> Graph:
    """Before a store, copy the parts of the array that are read later, so that it can be in place.

    Without it the whole array would be copied, where a view of it lives on. What backward needs is
    usually the slice that was overwritten.

    Requires: ``expand`` has run.
    Ensures: an array of which only views are read after a store, together no larger than itself,
        is dead at the store.
    Cost: linear in nodes and views.
    """
    made = {out: node for node in graph.nodes for out in node.outs}
    last = _last_reads(graph)
    views: dict[Value, list[Value]] = {}
    known: dict[Value, Value] = {}
    builder = Builder()
    for place, node in enumerate(graph.nodes):
        operands = tuple(known.get(operand, operand) for operand in node.operands)
        if node.primitive.view:
            root = _root(node.operands[0], made)
            views.setdefault(root, []).append(node.out)
        elif _is_store(node):
            builder.origin = node.origin
            for view in _late_views(node, place, views, made, last):
                (known[view],) = builder.add(copy, (known.get(view, view),), {})
                known[view].name = view.name
            operands = tuple(known.get(operand, operand) for operand in node.operands)
        builder.nodes.append(Node(node.primitive, operands, node.attrs, node.outs, node.origin))
    outputs = tuple(known.get(output, output) for output in graph.outputs)
    return Graph(graph.params, tuple(builder.nodes), outputs)


def _is_store(node: Node) -> bool:
    return isinstance(node.primitive.numpy, NumPy) and node.primitive.numpy.store


def _root(value: Value, made: Mapping[Value, Node]) -> Value:
    node = made.get(value)
    while node is not None and node.primitive.view:
        value = node.operands[0]
        node = made.get(value)
    return value


def _last_reads(graph: Graph) -> dict[Value, float]:
    last: dict[Value, float] = {}
    for place, node in enumerate(graph.nodes):
        for operand in node.operands:
            last[operand] = place
    return {**last, **dict.fromkeys(graph.outputs, float("inf"))}


def _late_views(
    store: Node,
    place: int,
    views: Mapping[Value, list[Value]],
    made: Mapping[Value, Node],
    last: Mapping[Value, float],
) -> list[Value]:
    """Return the views to copy before a store; none where that would not free the array."""
    base = store.operands[0]
    node = made.get(base)
    foreign = node is None or node.primitive in (constant, callback) or node.primitive.view
    if foreign or last[base] > place:
        return []
    late = [view for view in views.get(base, ()) if last.get(view, -1) > place]
    sizes = [view.type.size for view in (base, *late)]
    total = sum(size for size in sizes[1:] if isinstance(size, int))
    if not all(isinstance(size, int) for size in sizes) or total > sizes[0]:
        return []
    return late
