"""Through which values gradients may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set

from ..ir import Graph, Node, Value
from ..primitive import Adjoint, ByRegions, ByRule, Linear, Partials

_DIFFERENTIABLE = (Partials, Linear, Adjoint, ByRegions)


def active_values(graph: Graph, wanted: Iterable[Value]) -> set[Value]:
    """Return the values that depend on ``wanted`` by a way that a gradient may go."""
    active = set(wanted)
    for node in graph.nodes:
        if any(one in active for one in differentiable_operands(node)):
            active.update(_active_outs(node, active))
    return active


def differentiable_operands(node: Node) -> list[Value]:
    """Return the operands through which a gradient may pass."""
    if node.detached or not isinstance(node.primitive.derivative, _DIFFERENTIABLE):
        return []
    return [one for one in node.operands if one.type.is_float]


def _active_outs(node: Node, active: Set[Value]) -> Iterable[Value]:
    floats = [out for out in node.outs if out.type.is_float]
    by_rule = isinstance(node.primitive.derivative, ByRule)
    if not node.primitive.regions or by_rule or not floats:
        return floats
    if "carried" in node.attrs:
        found = carried_activity(node, active)
        return [out for i, out in enumerate(node.outs) if i in found]
    operands = inner_operands(node)
    inside: set[int] = set()
    for region in node.regions:
        pairs = zip(region.params, operands, strict=True)
        values = active_values(region, (one for one, outer in pairs if outer in active))
        inside.update(i for i, output in enumerate(region.outputs) if output in values)
    return [out for i, out in enumerate(node.outs) if i in inside and out.type.is_float]


def inner_operands(node: Node) -> Sequence[Value]:
    """Return the operands that the bodies take: for a loop, the carried and the invariants."""
    count = len(node.regions[0].params) - ("reverse" in node.attrs)
    return node.operands[len(node.operands) - count :]


def inner_params(node: Node) -> Sequence[Value]:
    """Return the params of the body that stand for the operands."""
    body = node.regions[-1]
    return body.params[1:] if "reverse" in node.attrs else body.params


def carried_activity(node: Node, active: Set[Value]) -> set[int]:
    """Return the carried values of a loop that are active in some iteration."""
    body, params = node.attrs["body"], inner_params(node)
    pairs = zip(params, inner_operands(node), strict=True)
    wanted = {param for param, outer in pairs if outer in active and outer.type.is_float}
    while True:
        values = active_values(body, wanted)
        more = {
            param
            for param, output in zip(params, body.outputs, strict=False)
            if output in values and output.type.is_float
        }
        if more <= wanted:
            return {i for i in range(node.attrs["carried"]) if params[i] in wanted}
        wanted |= more


def reaching(graph: Graph, outputs: Iterable[Value], active: Set[Value]) -> set[Value]:
    """Return the active values on which outputs depend by a way that a gradient may go."""
    found = {one for one in outputs if one in active}
    for node in reversed(graph.nodes):
        if any(out in found for out in node.outs):
            found.update(one for one in differentiable_operands(node) if one in active)
    return found


def grown(start: Set[int], step: Callable[[Set[int]], Set[int]]) -> set[int]:
    """Return the smallest set with ``start`` in it, and with what ``step`` gives for it."""
    found = set(start)
    while True:
        more = step(found)
        if more <= found:
            return found
        found |= more
