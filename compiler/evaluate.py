"""Eager evaluation of a graph: every node runs the NumPy text of its entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from .ir import Graph, Node, Value
from .primitive import Framed


def evaluate(graph: Graph, *arrays: Any) -> tuple[Any, ...]:
    """Run a graph on NumPy arrays, node by node.

    Args:
        graph: The graph; its sizes are all known.
        *arrays: One array for each param.

    Returns:
        The outputs, as arrays and NumPy scalars.
    """
    known: dict[Value, Any] = dict(zip(graph.params, arrays, strict=True))
    for node in graph.nodes:
        operands = [known[operand] for operand in node.operands]
        known.update(zip(node.outs, evaluate_node(node, operands), strict=True))
    return tuple(known[output] for output in graph.outputs)


def evaluate_node(node: Node, operands: list[Any]) -> tuple[Any, ...]:
    """Run one node."""
    if "value" in node.attrs and not operands:
        return (node.attrs["value"].array,)
    if "callback" in node.attrs:
        results = node.attrs["callback"].function(*operands)
        return tuple(results) if len(node.outs) > 1 else (results,) if node.outs else ()
    if isinstance(node.primitive.numpy, Framed):
        results = node.primitive.numpy.run(evaluate, operands, **node.attrs)
        return tuple(
            np.asarray(one, out.dtype)[()] for one, out in zip(results, node.outs, strict=True)
        )
    if not node.outs:
        return ()
    result = node.primitive.evaluate(*operands, **node.attrs)
    return (np.asarray(result, node.out.dtype)[()],)
