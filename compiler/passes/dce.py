"""Dead code elimination."""

from __future__ import annotations

from ..ir import Graph, Node, Value


def dce(graph: Graph) -> Graph:
    """Drop nodes whose results nobody reads.

    Requires: nothing.
    Ensures: every node has an effect, or an output that a later node or the graph's outputs read.
    Cost: linear in nodes.
    """
    live: set[Value] = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.has_effect or any(out in live for out in node.outs):
            live.update(node.operands)
            kept.append(node)
    return Graph(graph.params, tuple(reversed(kept)), graph.outputs)
