"""Removal of the markers that only differentiation reads."""

from __future__ import annotations

from ..ir import Graph, Node, Value
from ..primitives.control import hook
from ..primitives.elementwise import stop_gradient, with_value


def erase(graph: Graph) -> Graph:
    """Drop hooks, ``stop_gradient``, ``with_value`` and the marks of no_grad regions.

    Requires: the graph will not be differentiated any more.
    Ensures: no marker is left; values are unchanged.
    Cost: linear in nodes.
    """
    same: dict[Value, Value] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        operands = tuple(same.get(operand, operand) for operand in node.operands)
        if node.primitive is stop_gradient:
            same[node.out] = operands[0]
        elif node.primitive is with_value:
            same[node.out] = operands[1]
        elif node.primitive is not hook:
            nodes.append(Node(node.primitive, operands, node.attrs, node.outs, node.origin))
    outputs = tuple(same.get(output, output) for output in graph.outputs)
    return Graph(graph.params, tuple(nodes), outputs)
