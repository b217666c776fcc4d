"""Copies of what is still read of an array when it is stored to."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from ..ir import Builder, Graph, Node, Value
from ..primitives.control import callback
from ..primitives.elementwise import constant, copy
from .activity import inner_params

_FEW = 4  # of the views that are copied, an array holds so many at least


def snapshot(graph: Graph) -> Graph:
    """Before a store, copy the parts of the array that are read later, so that it can be in place.

    Without it the whole array would be copied, where a view of it lives on. What backward needs is
    usually the slice that was overwritten.

    Requires: ``expand`` has run.
    Ensures: an array of which only views are read after a store, together no larger than itself,
        is dead at the store. So it is in the bodies of loops, whose carried arrays are their own.
    Cost: linear in nodes and views.
    """
    return _snapshot(graph, frozenset(), 1)


def snapshot_parts(graph: Graph) -> Graph:
    """The same where the parts are small: native code stores to large parts in a new array.

    Requires: ``expand`` has run.
    Ensures: of an array of which only small views are read after a store, it is dead at the store.
    Cost: linear in nodes and views.
    """
    return _snapshot(graph, frozenset(), _FEW)


def _in_bodies(node: Node, least: int) -> Node:
    carried = inner_params(node)[: node.attrs.get("carried", 0)] if node.regions else ()
    return node.map_regions(lambda region: _snapshot(region, frozenset(carried), least))


def _snapshot(graph: Graph, owned: Set[Value], least: int) -> Graph:
    made = {out: node for node in graph.nodes for out in node.outs}
    roots = graph.roots()
    last = _last_reads(graph)
    views: dict[Value, list[Value]] = {}
    known: dict[Value, Value] = {}
    builder = Builder()
    for place, node in enumerate(graph.nodes):
        operands = tuple(known.get(operand, operand) for operand in node.operands)
        if node.is_view:
            views.setdefault(roots[node.out], []).append(node.out)
        elif node.is_store:
            builder.origin = node.origin
            for view in _late_views(node, place, views, made, last, owned, least):
                (known[view],) = builder.add(copy, (known.get(view, view),), {})
                known[view].name = view.name
            operands = tuple(known.get(operand, operand) for operand in node.operands)
        node = replace(_in_bodies(node, least), operands=operands)
        builder.nodes.append(node)
    outputs = tuple(known.get(output, output) for output in graph.outputs)
    return Graph(graph.params, tuple(builder.nodes), outputs)


def _last_reads(graph: Graph) -> dict[Value, float]:
    last: dict[Value, float] = {}
    for place, node in enumerate(graph.nodes):
        for operand in node.operands:
            last[operand] = place
    return {**last, **dict.fromkeys(graph.outputs, float("inf"))}


def _is_foreign(node: Node) -> bool:
    return node.primitive in (constant, callback) or node.is_view


def _late_views(
    store: Node,
    place: int,
    views: Mapping[Value, list[Value]],
    made: Mapping[Value, Node],
    last: Mapping[Value, float],
    owned: Set[Value],
    least: int,
) -> list[Value]:
    """Return the views to copy before a store; none where that would not free the array."""
    base = store.operands[0]
    node = made.get(base)
    foreign = base not in owned if node is None else _is_foreign(node)
    if foreign or last[base] > place:
        return []
    late = [view for view in views.get(base, ()) if last.get(view, -1) > place]
    sizes = [view.type.size for view in (base, *late)]
    total = sum(size for size in sizes[1:] if isinstance(size, int))
    if not all(isinstance(size, int) for size in sizes) or least * total > sizes[0]:
        return []
    return late
