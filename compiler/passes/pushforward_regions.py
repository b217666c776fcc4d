"""Forward mode of loops and branches: one node that gives results and tangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import DerivativeError
from ..ir import Graph, Node, Value
from ..primitives.control import callback
from .activity import active_values, inner_operands, inner_params

if TYPE_CHECKING:
    from .pushforward import Forward


def push_region(forward: Forward, node: Node, tangents: Sequence[Any]) -> Sequence[Any]:
    """Append a loop, a branch or a block that gives tangents too, in place of the one without.

    What is carried is doubled, as far as it has tangents; those of invariants are invariants.

    Args:
        forward: The graph under construction.
        node: The node; it is not in it yet.
        tangents: The tangent of each operand; None is zero.

    Returns:
        The tangent of each result; None is zero.
    """
    inner = inner_operands(node)
    head, carried = len(node.operands) - len(inner), node.attrs.get("carried", 0)
    tangents = tangents[head:]
    given = [one for one, tangent in zip(inner, tangents, strict=True) if tangent is not None]
    reached = active_values(Graph((), (node,), ()), given)
    outputs = [i for i, out in enumerate(node.outs) if out in reached]
    if not outputs:
        forward.builder.nodes.append(node)
        return (None,) * len(node.outs)
    moving = outputs if carried else []
    fixed = [i for i in range(carried, len(inner)) if tangents[i] is not None]
    operands = (
        *node.operands[: head + carried],
        *(forward.complete(inner[i]) if tangents[i] is None else tangents[i] for i in moving),
        *inner[carried:],
        *(tangents[i] for i in fixed),
    )
    attrs = {**node.attrs, **_bodies(forward, node, moving, fixed, outputs)}
    if carried:
        attrs["carried"] = carried + len(moving)
    outs = {i: Value(node.outs[i].type) for i in outputs}
    primal = node.outs
    if forward.separate:
        forward.builder.nodes.append(node)
        primal = tuple(Value(one.type) for one in primal)
    pushed = Node(node.primitive, operands, attrs, (*primal, *outs.values()), node.origin)
    forward.builder.nodes.append(pushed.map_regions(_silent) if forward.separate else pushed)
    return [outs.get(i) for i in range(len(node.outs))]


def _silent(body: Graph) -> Graph:
    """Return a body that runs for its tangents only: without call-backs, which have run.

    Raises:
        DerivativeError: What a call-back gives is needed.
    """
    kept = []
    for node in body.nodes:
        if node.primitive is not callback:
            kept.append(node.map_regions(_silent))
        elif node.outs:
            raise DerivativeError(
                "a call-back in a loop or a branch would run again for each tangent",
                where=node.origin,
                fix="use jvp in place of linearize, or move the call-back out of the loop",
            )
    return Graph(body.params, tuple(kept), body.outputs)


def _bodies(
    forward: Forward,
    node: Node,
    moving: Sequence[int],
    fixed: Sequence[int],
    outputs: Sequence[int],
) -> dict[str, Graph]:
    """Return the bodies that take tangents behind what is carried and behind what is not.

    Args:
        forward: The graph under construction.
        node: The node.
        moving: Which of the inner operands are carried and have tangents.
        fixed: Which others have.
        outputs: Which results have; a condition takes tangents and gives none.
    """
    lead = len(node.regions[-1].params) - len(inner_params(node))
    end = lead + node.attrs.get("carried", 0)
    places = [lead + i for i in (*moving, *fixed)]
    found = {}
    for name in node.primitive.regions:
        body = node.attrs[name]
        if name == "condition":
            given = tuple(Value(body.params[i].type) for i in places)
        else:
            body, given = forward.body(body, places, outputs)
        first, rest = given[: len(moving)], given[len(moving) :]
        params = (*body.params[:end], *first, *body.params[end:], *rest)
        found[name] = Graph(params, body.nodes, body.outputs)
    return found
