"""What loops and branches take and give, cut down to what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..ir import Builder, Graph, Node, Value
from ..primitive import ByRule
from ..primitives.control import hook
from ..primitives.elementwise import constant
from ..primitives.shape import broadcast_to


def narrow(graph: Graph) -> Graph:
    """Move constants into bodies, and drop operands and results that nothing needs.

    A carried value that never changes becomes an invariant; one that nobody reads goes. What is
    handed to a body twice is handed to it once.

    Requires: nothing.
    Ensures: no operand of a loop, branch or block is a constant, a broadcast (carried ones apart)
        or unread.
    Cost: linear in nodes and the nodes of their bodies.
    """
    if not graph.has_regions:
        return graph
    producers = graph.producers()
    live = set(graph.outputs)
    nodes: list[Node] = []
    same: dict[Value, Value] = {}
    for node in reversed(graph.nodes):
        is_ruled = isinstance(node.primitive.derivative, ByRule)  # its rules take what it takes
        if node.primitive.regions and not is_ruled:
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
    """Drop invariants that are constants, broadcasts, unread, or handed over twice."""
    operands = node.operands[start:]
    regions = node.regions
    offset = len(regions[0].params) - len(operands)
    read: set[Value] = set()
    for region in regions:
        read.update(region.outputs)
        read.update(operand for inner in region.nodes for operand in inner.operands)
    entering: dict[Value, int | None] = {}  # the param that stands for each; None for one to make
    made: dict[int, Value] = {}
    for i, operand in enumerate(operands):
        if not any(region.params[offset + i] in read for region in regions):
            continue
        source = _source(operand, producers)
        if source is operand:
            if entering.get(operand) is None:
                entering[operand] = i
            made[i] = operand
        else:
            made[i] = operand
            if source is not None:
                entering.setdefault(source, None)
    if [*entering.values()] == [*range(len(operands))]:
        return node

    def narrowed(region: Graph) -> Graph:
        params = region.params[offset:]
        builder = Builder()
        inner = {
            value: Value(value.type, value.name) if i is None else params[i]
            for value, i in entering.items()
        }
        known = {
            params[i]: _made_again(value, producers, builder, inner) for i, value in made.items()
        }
        body = [
            replace(one, operands=tuple(known.get(operand, operand) for operand in one.operands))
            for one in region.nodes
        ]
        return Graph(
            (*region.params[:offset], *inner.values()),
            (*builder.nodes, *body),
            tuple(known.get(output, output) for output in region.outputs),
        )

    return replace(node.map_regions(narrowed), operands=(*node.operands[:start], *entering))


def _source(value: Value, producers: dict[Value, Node]) -> Value | None:
    """Return what has to be handed to a body so that it can make a value; None for constants."""
    node = producers.get(value)
    if node is not None and node.primitive is broadcast_to:
        return _source(node.operands[0], producers)
    return None if node is not None and node.primitive is constant else value


def _made_again(
    value: Value, producers: dict[Value, Node], builder: Builder, inner: dict[Value, Value]
) -> Value:
    if value in inner:
        return inner[value]
    node = producers[value]
    operands = tuple(_made_again(one, producers, builder, inner) for one in node.operands)
    with builder.at(node):
        (made,) = builder.add(node.primitive, operands, node.attrs)
    made.name = value.name
    return made
