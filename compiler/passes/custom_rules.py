"""What both modes do with the graphs of derivative rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node, Value
from ..primitives.elementwise import copy
from ..types import Sym
from .activity import active_values, reaching
from .dce import dce
from .narrow import narrow


def in_place(
    node: Node, rule: Graph, operands: Sequence[Value]
) -> tuple[list[Node], tuple[Value, ...]]:
    """Return the nodes of a rule that yield the results of ``node``, and what it gives more."""
    with Builder() as builder, builder.at(node):
        found = builder.inline(rule, operands)
    made = {out for one in builder.nodes for out in one.outs}
    now: dict[Value, Value] = {}
    copies = []
    for out, result in zip(node.outs, found, strict=False):
        if result in made and result not in now:
            now[result] = out
            out.name = out.name or result.name
        else:
            copies.append((result, out))
    nodes = [
        replace(
            one,
            operands=tuple(now.get(operand, operand) for operand in one.operands),
            outs=tuple(now.get(out, out) for out in one.outs),
        )
        for one in builder.nodes
    ]
    nodes += [
        Node(copy, (now.get(result, result),), {}, (out,), node.origin) for result, out in copies
    ]
    return nodes, tuple(now.get(one, one) for one in found[len(node.outs) :])


def trimmed(graph: Graph) -> Graph:
    """Return a graph without what its outputs do not need, in bodies neither."""
    for _ in range(2):  # what a body does not need, the graph may not need then
        graph = narrow(dce(graph)).map_regions(trimmed)
    return narrow(dce(graph))


def without_looks(rule: Graph, values: Iterable[Value]) -> Graph:
    """Return a rule without the call-backs that look at what depends on some values.

    In the transposed rule these values do not occur.
    """
    depending = set(values)
    kept = []
    for node in rule.nodes:
        if not depending.isdisjoint(node.operands):
            depending.update(node.outs)
            if not node.outs:
                continue
        kept.append(node)
    return Graph(rule.params, tuple(kept), rule.outputs)


def check_closed(node: Node, active: Iterable[Value], wanted: Sequence[bool]) -> None:
    """Refuse to differentiate by what the function closes over: no rule says how.

    Raises:
        DerivativeError: A result depends on such a value, which is differentiated.
    """
    rules, body = node.attrs["rules"], node.attrs["body"]
    active = set(active)
    given = [
        param
        for param, operand in zip(body.params, node.operands, strict=True)
        if operand in active and operand.type.is_float
    ]
    outputs = [one for one, is_wanted in zip(body.outputs, wanted, strict=True) if is_wanted]
    read = reaching(body, outputs, active_values(body, given))
    for param in body.params[rules.arguments :]:
        if param in read:
            raise DerivativeError(
                f"{rules.name} has derivative rules, and closes over "
                f"{param.name or 'a value'}, by which it is differentiated: no rule says how",
                got=f"{param.name or 'a value'}: {param.type}",
                where=node.origin,
                fix="make it an argument of the function, or put gradc.stop_gradient around it",
            )


def floats_of(values: Sequence[Value]) -> list[int]:
    """Return the positions of the floating-point values, which have derivatives."""
    return [i for i, one in enumerate(values) if one.type.is_float]


def size_names(graph: Graph) -> set[str]:
    """Return the names of unknown sizes in a graph and its bodies."""
    values = [*graph.params, *(out for node in graph.nodes for out in node.outs)]
    found = {
        name for one in values for dim in one.shape if isinstance(dim, Sym) for name in dim.names
    }
    return found.union(*(size_names(region) for node in graph.nodes for region in node.regions))
