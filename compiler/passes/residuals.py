"""Splitting a joint graph into a forward and a backward program."""

from __future__ import annotations

from ..ir import Graph, Node, Value
from ..primitives.elementwise import constant
from ..primitives.shape import broadcast_to, reshape, transpose

# Of these the operand is saved: it is no larger. Of a slice, the slice.
_FREE_VIEWS = (broadcast_to, reshape, transpose)


def residuals(graph: Graph, outputs: int, cts: int) -> tuple[Graph, Graph]:
    """Split a joint graph at its cotangents.

    What depends on a cotangent runs backward; what else the backward program reads is computed
    forward and saved. Constants and views are made again.

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
    for node in graph.nodes:
        if any(operand in late for operand in node.operands):
            backward.append(node)
            late.update(node.outs)
        else:
            forward.append(node)
    split = _Split(forward)
    results = graph.outputs[outputs:]
    for value in [*(one for node in backward for one in node.operands), *results]:
        if value not in late:
            split.need(value)
    saved = tuple(split.saved)
    return (
        Graph(inputs, tuple(forward), (*graph.outputs[:outputs], *saved)),
        Graph((*saved, *graph.params[len(inputs) :]), (*split.again, *backward), results),
    )


class _Split:
    """What the backward program needs of the forward one: values saved, and nodes run again."""

    def __init__(self, forward: list[Node]) -> None:
        self.saved: dict[Value, None] = {}
        self.again: dict[Node, None] = {}
        self._cheap = {
            node.out: node for node in forward if node.primitive in (constant, *_FREE_VIEWS)
        }

    def need(self, value: Value) -> None:
        node = self._cheap.get(value)
        if node is None:
            self.saved[value] = None
            return
        for operand in node.operands:
            self.need(operand)
        self.again[node] = None
