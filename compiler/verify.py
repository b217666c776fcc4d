"""The verifier: what every graph must satisfy between passes."""

from __future__ import annotations

from .errors import GradcError, VerifyError
from .ir import Graph, Value
from .printer import print_graph
from .types import SUPPORTED_DTYPES


def verify(graph: Graph, after: str = "capture") -> Graph:
    """Check a graph and return it.

    Every value is defined once and before it is read, operands are Values, and running the type
    rule of each node again gives the types of its outputs.

    Args:
        graph: The graph.
        after: The name of the pass that made it, for the message.

    Raises:
        VerifyError: With the node and the printed graph.
    """
    known: set[Value] = set()
    for param in graph.params:
        if param in known:
            raise VerifyError(f"after {after}: a param occurs twice", got=repr(param))
        known.add(param)
    for position, node in enumerate(graph.nodes):
        place = f"node {position}, {node.primitive.name}"
        if any(operand not in known for operand in node.operands):
            raise VerifyError(f"after {after}: {place} reads a value before it is defined")
        try:
            types = node.primitive.infer([operand.type for operand in node.operands], node.attrs)
        except (GradcError, TypeError) as error:
            raise VerifyError(f"after {after}: {place}: {error}", got=print_graph(graph)) from error
        for region in node.regions:
            verify(region, f"{after}: {place}")
        if types != tuple(out.type for out in node.outs):
            got = f"{types} by its rule, {[out.type for out in node.outs]} in the graph"
            raise VerifyError(f"after {after}: {place} has outputs of other types", got=got)
        for out in node.outs:
            if out in known:
                raise VerifyError(f"after {after}: {place} defines a value again")
            if out.dtype not in SUPPORTED_DTYPES:
                raise VerifyError(f"after {after}: {place} has dtype {out.dtype}")
            known.add(out)
    if any(output not in known for output in graph.outputs):
        raise VerifyError(f"after {after}: an output is not defined")
    return graph
