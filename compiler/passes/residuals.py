"""Splitting a joint graph into a forward and a backward program."""

from __future__ import annotations

from ..ir import Graph, Node, Value
from ..primitives.elementwise import constant
from ..primitives.shape import broadcast_to


def residuals(graph: Graph, outputs: int, cts: int) -> tuple[Graph, Graph]:
    """Split a joint graph at its cotangents.

    What depends on a cotangent runs backward; what else the backward program reads is computed
    forward and saved. Repeated constants are made again, not saved.

    Requires: the last ``cts`` params are cotangents; the first ``outputs`` outputs do not depend on
        them.
    Ensures: forward takes the other params and returns the outputs, then the residuals; backward
        takes the residuals and the cotangents, and returns the remaining outputs.
    Cost: linear in nodes.
    """
    inputs = graph.params[: len(graph.params) - cts]
    late: set[Value] = set(graph.params[len(inputs) :])
    forward: list[Node] = []
    backward: list[Node] = []
    free: dict[Value, Node] = {}
    for node in graph.nodes:
        if any(operand in late for operand in node.operands):
            backward.append(node)
            late.update(node.outs)
            continue
        forward.append(node)
        if node.primitive is constant or (
            node.primitive is broadcast_to and node.operands[0] in free
        ):
            free[node.out] = node
    results = graph.outputs[outputs:]
    needed: dict[Value, None] = {}
    again: dict[Node, None] = {}
    for value in [*(one for node in backward for one in node.operands), *results]:
        if value in free:
            _repeat(value, free, again)
        elif value not in late:
            needed[value] = None
    saved = tuple(needed)
    return (
        Graph(inputs, tuple(forward), (*graph.outputs[:outputs], *saved)),
        Graph((*saved, *graph.params[len(inputs) :]), (*again, *backward), results),
    )


def _repeat(value: Value, free: dict[Value, Node], again: dict[Node, None]) -> None:
    node = free[value]
    for operand in node.operands:
        _repeat(operand, free, again)
    again[node] = None
