"""What loops and branches take and give, cut down to what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..ir import Builder, Graph, Node, Value
from ..primitives.control import hook
from ..primitives.elementwise import constant
from ..primitives.shape import broadcast_to


def narrow(graph: Graph) -> Graph:
    """Move constants into bodies, and drop operands and results that nothing needs.

    A carried value that never changes becomes an invariant; one that nobody reads goes. What is
    handed to a body twice is handed to it once.

    Requires: nothing.
    Ensures: no operand of a loop, branch or block is a constant (carried ones apart) or unread.
    Cost: linear in nodes and the nodes of their bodies.
    """
    if not graph.has_regions:
        return graph
    producers = graph.producers()
    live = set(graph.outputs)
    nodes: list[Node] = []
    same: dict[Value, Value] = {}
    for node in reversed(graph.nodes):
        if node.primitive.regions:
            node = _narrow(node, producers, live, same)
        if not node.primitive.regions or node.outs or node.has_effect:
            live.update(node.operands)
            nodes.append(node)
    return _renamed(graph, nodes[::-1], same)


def _renamed(graph: Graph, nodes: Sequence[Node], same: dict[Value, Value]) -> Graph:
    def now(value: Value) -> Value:
        while value in same:
            value = same[value]
        return value

    if not same:
        return Graph(graph.params, tuple(nodes), graph.outputs)
    changed = [replace(node, operands=tuple(map(now, node.operands))) for node in nodes]
    return Graph(graph.params, tuple(changed), tuple(map(now, graph.outputs)))


def _narrow(
    node: Node, producers: dict[Value, Node], live: set[Value], same: dict[Value, Value]
) -> Node:
    first = _first_operand(node)
    carried = node.attrs.get("carried", 0)
    if carried:
        node = _without_idle(node, live, same)
        carried = node.attrs["carried"]
    else:
        kept = [i for i, out in enumerate(node.outs) if out in live]
        if len(kept) < len(node.outs):
            node = replace(
                node.map_regions(lambda one: _outputs(one, kept)),
                outs=tuple(node.outs[i] for i in kept),
            )
    start = first + carried
    return _without_operands(node, start, producers)


def _first_operand(node: Node) -> int:
    """Return which operand is the first that the bodies take."""
    return len(node.operands) - len(_inner_params(node))


def _inner_params(node: Node) -> tuple[Value, ...]:
    params = node.regions[0].params
    return params[1:] if "reverse" in node.attrs else params


def _outputs(region: Graph, kept: Sequence[int]) -> Graph:
    return Graph(region.params, region.nodes, tuple(region.outputs[i] for i in kept))


def _without_idle(node: Node, live: set[Value], same: dict[Value, Value]) -> Node:
    """Drop carried values that nobody reads; make those that never change invariants."""
    first, carried = _first_operand(node), node.attrs["carried"]
    body = node.attrs["body"]
    offset = len(body.params) - len(_inner_params(node))
    params = body.params[offset : offset + carried]
    needed = {i for i, out in enumerate(node.outs) if out in live}
    while True:  # what a needed one is computed from is needed too
        wanted = [body.outputs[i] for i in needed]
        wanted += [one for inner in body.nodes if inner.has_effect for one in inner.operands]
        read = body.ancestors(wanted)
        if "condition" in node.attrs:
            condition = node.attrs["condition"]
            seen = condition.ancestors(condition.outputs)
            read |= {
                one
                for one, other in zip(body.params, condition.params, strict=True)
                if other in seen
            }
        more = {i for i, param in enumerate(params) if param in read} | needed
        if more == needed:
            break
        needed = more
    hooked = {inner.operands[0] for inner in body.nodes if inner.primitive is hook}
    still = {i for i in needed if body.outputs[i] is params[i] and params[i] not in hooked}
    moving = [i for i in range(carried) if i in needed and i not in still]
    if len(moving) == carried:
        return node
    operands = node.operands[first : first + carried]
    for i in still:
        same[node.outs[i]] = operands[i]
        if node.outs[i] in live:
            live.add(operands[i])
    fixed = [i for i in range(carried) if i in still]

    def narrowed(region: Graph) -> Graph:
        head, rest = region.params[:offset], region.params[offset:]
        chosen = [rest[i] for i in (*moving, *fixed)]
        dropped = [rest[i] for i in range(carried) if i not in needed]
        nodes, outputs = region.nodes, region.outputs
        if region is body:
            outputs = tuple(region.outputs[i] for i in moving)
            nodes = _live_nodes(region, outputs) if dropped else nodes
        return Graph((*head, *chosen, *rest[carried:]), nodes, outputs)

    return replace(
        node.map_regions(narrowed),
        operands=(
            *node.operands[:first],
            *(operands[i] for i in (*moving, *fixed)),
            *node.operands[first + carried :],
        ),
        outs=tuple(node.outs[i] for i in moving),
    ).with_attrs(carried=len(moving))


def _live_nodes(region: Graph, outputs: Sequence[Value]) -> tuple[Node, ...]:
    live = set(outputs)
    kept = []
    for node in reversed(region.nodes):
        if node.has_effect or any(out in live for out in node.outs):
            live.update(node.operands)
            kept.append(node)
    return tuple(reversed(kept))


def _without_operands(node: Node, start: int, producers: dict[Value, Node]) -> Node:
    """Drop invariants that are constants, unread, or handed over twice."""
    first = _first_operand(node)
    operands = node.operands[start:]
    regions = node.regions
    offset = len(regions[0].params) - len(operands)
    read: set[Value] = set()
    for region in regions:
        read.update(region.outputs)
        read.update(operand for inner in region.nodes for operand in inner.operands)
    kept: list[int] = []
    twins: dict[int, int] = {}
    constants: dict[int, Value] = {}
    place_of: dict[Value, int] = {}
    for i, operand in enumerate(operands):
        if not any(region.params[offset + i] in read for region in regions):
            continue
        if _is_constant(operand, producers):
            constants[i] = operand
        elif operand in place_of:
            twins[i] = place_of[operand]
        else:
            place_of[operand] = i
            kept.append(i)
    if len(kept) == len(operands):
        return node

    def narrowed(region: Graph) -> Graph:
        params = region.params[offset:]
        builder = Builder()
        known = {params[i]: params[twin] for i, twin in twins.items()}
        for i, operand in constants.items():
            known[params[i]] = _made_again(operand, producers, builder)
        body = [
            replace(inner, operands=tuple(known.get(one, one) for one in inner.operands))
            for inner in region.nodes
        ]
        return Graph(
            (*region.params[:offset], *(params[i] for i in kept)),
            (*builder.nodes, *body),
            tuple(known.get(output, output) for output in region.outputs),
        )

    assert first <= start
    return replace(
        node.map_regions(narrowed),
        operands=(*node.operands[:start], *(operands[i] for i in kept)),
    )


def _is_constant(value: Value, producers: dict[Value, Node]) -> bool:
    node = producers.get(value)
    if node is not None and node.primitive is broadcast_to:
        node = producers.get(node.operands[0])
    return node is not None and node.primitive is constant


def _made_again(value: Value, producers: dict[Value, Node], builder: Builder) -> Value:
    node = producers[value]
    operands = tuple(_made_again(one, producers, builder) for one in node.operands)
    with builder.at(node):
        (made,) = builder.add(node.primitive, operands, node.attrs)
    made.name = value.name
    return made
