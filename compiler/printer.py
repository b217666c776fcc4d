"""The stable text form of a graph, and the names that printed values get."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Container, Iterable, Mapping

from .ir import Graph, Node, Value
from .types import ArrayType


def name_values(
    graph: Graph,
    taken: Iterable[str] = (),
    skip: Container[Value] = (),
    given: Mapping[Value, str] | None = None,
) -> dict[Value, str]:
    """Give every value of the graph a unique identifier.

    The user's name where there is one (``x``, then ``x_1`` for what it is rebound to), ``t1``,
    ``t2`` ... elsewhere. The same graph always gets the same names.

    Args:
        graph: The graph.
        taken: Names that must not be given.
        skip: Values that need no name.
        given: Params that have a name already.
    """
    used = {*taken, "np", *keyword.kwlist, *dir(builtins)}
    names: dict[Value, str] = {}
    counts: dict[str, int] = {}

    def fresh(base: str, numbered: bool) -> str:
        candidate = base
        while numbered or candidate in used:
            counts[base] = counts.get(base, 0) + 1
            candidate = f"{base}{counts[base]}" if numbered else f"{base}_{counts[base]}"
            if candidate not in used:
                break
        used.add(candidate)
        return candidate

    names.update(given or {})
    for value in graph.params:
        if value not in names:
            names[value] = fresh(value.name or "arg", False)
    for node in graph.nodes:
        for out in node.outs:
            if out in skip:
                continue
            names[out] = fresh(out.name, False) if out.name else fresh("t", True)
    return names


def format_node(node: Node, names: dict[Value, str]) -> str:
    """Return a node as one line: ``z: (3,) float64 = add(x, y)``."""
    operands = [names.get(operand, "?") for operand in node.operands]
    attrs = [
        f"{key}={value}"
        for key, value in node.attrs.items()
        if key not in node.primitive.regions and value is not None
    ]
    call = f"{node.primitive.name}({', '.join(operands + attrs)})"
    outs = ", ".join(f"{names[out]}: {_short(out.type)}" for out in node.outs)
    return f"{outs} = {call}" if outs else call


def _short(type: ArrayType) -> str:
    return f"{type.dtype.name}[{', '.join(map(str, type.shape))}]"


def print_graph(graph: Graph) -> str:
    """Return the text form: params, a line for each node with the user's line, outputs."""
    return "\n".join(_lines(graph, "graph", frozenset())) + "\n"


def _lines(graph: Graph, head: str, taken: frozenset[str]) -> list[str]:
    names = name_values(graph, taken)
    taken = taken.union(names.values())
    params = ", ".join(f"{names[value]}: {_short(value.type)}" for value in graph.params)
    lines = [f"{head}({params})"]
    for node in graph.nodes:
        text = "    " + format_node(node, names)
        marks = [node.origin.short] if node.origin else []
        marks += ["no_grad"] if node.detached else []
        lines.append(f"{text:<72}  # {' · '.join(marks)}".rstrip() if marks else text)
        for label, region in zip(node.primitive.regions, node.regions, strict=True):
            lines += [f"        {line}" for line in _lines(region, label, taken)]
    lines.append("    return " + ", ".join(names[output] for output in graph.outputs))
    return lines
