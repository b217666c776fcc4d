"""Numbers put in place of the named sizes of a graph."""

from dataclasses import fields, is_dataclass, replace
from math import prod
from typing import Any

from gradc.compiler.ir import Graph, Node, Value
from gradc.compiler.types import ArrayType, Dim, Sym
from gradc.compiler.verify import verify


def size(dim: Dim, sizes: dict[str, int]) -> int:
    """Return the number that a dimension is where its names have these sizes."""
    if isinstance(dim, int):
        return dim
    return sum(factor * prod(sizes[name] for name in names) for names, factor in dim.terms)


def substitute(item: Any, sizes: dict[str, int]) -> Any:
    """Return a type, attr or shape with numbers for its named sizes."""
    if isinstance(item, Sym):
        return size(item, sizes)
    if isinstance(item, ArrayType):
        return item.with_shape(substitute(item.shape, sizes))
    if isinstance(item, dict):
        return {key: substitute(value, sizes) for key, value in item.items()}
    if isinstance(item, tuple):
        return tuple(substitute(part, sizes) for part in item)
    if is_dataclass(item) and not isinstance(item, type):
        changed = {one.name: substitute(getattr(item, one.name), sizes) for one in fields(item)}
        return replace(item, **changed)
    return item


def substitute_graph(graph: Graph, sizes: dict[str, int]) -> Graph:
    """Return the graph at these sizes; the verifier runs the type rules at them."""
    known: dict[Value, Value] = {}

    def at_sizes(value: Value) -> Value:
        known[value] = Value(substitute(value.type, sizes), value.name)
        return known[value]

    params = tuple(map(at_sizes, graph.params))
    nodes = []
    for node in graph.nodes:
        operands = tuple(known[operand] for operand in node.operands)
        attrs = substitute(dict(node.attrs), sizes)
        outs = tuple(map(at_sizes, node.outs))
        nodes.append(Node(node.primitive, operands, attrs, outs, node.origin, node.detached))
    outputs = tuple(known[output] for output in graph.outputs)
    return verify(Graph(params, tuple(nodes), outputs), "substitution")
