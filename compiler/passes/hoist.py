"""Work that is the same in every iteration, done once before the loop."""

from __future__ import annotations

from dataclasses import replace

from ..ir import Graph, Node, Value
from ..primitives.control import hook
from ..primitives.elementwise import constant
from ..primitives.shape import broadcast_to
from .activity import inner_operands, inner_params
from .sizes import size_names, used_sizes


def hoist(graph: Graph) -> Graph:
    """Move what depends on invariants alone out of the bodies of loops.

    Not what may fail for some numbers (a loop may not run at all), and not what costs nothing.

    Requires: nothing.
    Ensures: elementwise work and reductions in a body depend on its index or on what it carries.
    Cost: linear in nodes and the nodes of bodies.
    """
    if not graph.has_regions:
        return graph
    nodes: list[Node] = []
    for node in graph.nodes:
        node = node.map_regions(hoist)
        if "carried" in node.attrs:
            before, node = _split(node)
            nodes += before
        nodes.append(node)
    return Graph(graph.params, tuple(nodes), graph.outputs)


def _split(node: Node) -> tuple[list[Node], Node]:
    """Return the nodes to run before a loop, and the loop without them."""
    body, carried = node.attrs["body"], node.attrs["carried"]
    pairs = zip(inner_params(node)[carried:], inner_operands(node)[carried:], strict=True)
    outside: dict[Value, Value] = dict(pairs)
    hooked = {inner.operands[0] for inner in body.nodes if inner.primitive is hook}
    known = size_names(body.params)
    moved: list[Node] = []
    free: dict[Value, Node] = {}
    stay: list[Node] = []
    for inner in body.nodes:
        fixed = all(one in outside or one in free for one in inner.operands)
        fixed = fixed and used_sizes(inner) <= known
        is_shared = hooked.isdisjoint((*inner.outs, *inner.operands))
        if fixed and inner.primitive in (constant, broadcast_to):
            free[inner.out] = inner
        elif fixed and is_shared and _is_worth_it(inner):
            for operand in inner.operands:
                _bring(operand, free, outside, moved)
            moved.append(_moved(inner, outside))
            outside[inner.out] = moved[-1].out
            continue
        stay.append(inner)
    hoisted = [out for inner in body.nodes for out in inner.outs if out in outside]
    kept = [one for one in hoisted if one not in free]
    if not kept:
        return [], node
    results = [outside[one] for one in kept]

    def extended(region: Graph) -> Graph:
        if region is body:
            return Graph((*region.params, *kept), tuple(stay), region.outputs)
        unread = (Value(one.type, one.name) for one in kept)
        return Graph((*region.params, *unread), region.nodes, region.outputs)

    changed = node.map_regions(extended)
    return moved, replace(changed, operands=(*node.operands, *results))


def _bring(
    value: Value, free: dict[Value, Node], outside: dict[Value, Value], moved: list[Node]
) -> None:
    """Make again, before the loop, what costs nothing."""
    if value in outside:
        return
    node = free[value]
    for operand in node.operands:
        _bring(operand, free, outside, moved)
    moved.append(_moved(node, outside))
    outside[value] = moved[-1].out


def _moved(node: Node, outside: dict[Value, Value]) -> Node:
    operands = tuple(outside[operand] for operand in node.operands)
    return replace(node, operands=operands, outs=(Value(node.out.type, node.out.name),))


def _is_worth_it(node: Node) -> bool:
    primitive = node.primitive
    if node.has_effect or node.regions or node.is_store or node.is_view or len(node.outs) != 1:
        return False
    return bool(node.operands) and (primitive.elementwise or "axes" in node.attrs)
