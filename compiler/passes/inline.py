"""Functions with rules of their own, where the rules have served."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Builder, Graph, Value
from ..primitive import ByRule


def inline(graph: Graph) -> Graph:
    """Put the bodies of functions with derivative rules in the place of the nodes.

    Requires: the graph will not be differentiated any more.
    Ensures: no node with rules is left, other bodies apart; values are unchanged.
    Cost: linear in nodes and those of the bodies.
    """
    if not any(isinstance(node.primitive.derivative, ByRule) for node in graph.nodes):
        return graph
    same: dict[Value, Value] = {}
    builder = Builder()
    for node in graph.nodes:
        operands = tuple(same.get(operand, operand) for operand in node.operands)
        if not isinstance(node.primitive.derivative, ByRule):
            builder.nodes.append(replace(node, operands=operands))
            continue
        with builder.at(node):
            results = builder.inline(inline(node.attrs["body"]), operands)
        for out, result in zip(node.outs, results, strict=True):
            same[out] = result
            if result.name is None:
                result.name = out.name
    outputs = tuple(same.get(output, output) for output in graph.outputs)
    return Graph(graph.params, tuple(builder.nodes), outputs)
