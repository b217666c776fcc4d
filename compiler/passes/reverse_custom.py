"""Reverse mode of functions with derivative rules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node
from ..primitives.custom import Rules
from .custom_rules import check_closed, floats_of, in_place, trimmed, without_looks

if TYPE_CHECKING:
    from .differentiate import Backward


def reverse_by_vjp(backward: Backward, node: Node) -> None:
    """Put the forward rule in the place of the node, and append the backward rule."""
    rules: Rules = node.attrs["rules"]
    assert rules.forward is not None
    assert rules.backward is not None
    check_closed(node, backward.active, [out in backward.cts for out in node.outs])
    nodes, residuals = in_place(node, rules.forward, node.operands)
    backward.substitute(node, nodes)
    cts = [
        backward.finish(out) if out in backward.cts else backward.builder.full(out.type, 0)
        for out in node.outs
        if out.type.is_float
    ]
    closed = node.operands[rules.arguments :]
    pulled = backward.builder.inline(rules.backward, (*residuals, *cts, *closed))
    for place, contribution in zip(rules.places, pulled, strict=True):
        if node.operands[place] in backward.active:
            backward.accumulate(node.operands[place], contribution)


def reverse_by_jvp(backward: Backward, node: Node) -> None:
    """Append the transposed tangent rule; what it reads stands in the place of the node.

    Raises:
        DerivativeError: The rule is not linear in the tangents.
    """
    rules: Rules = node.attrs["rules"]
    assert rules.tangent is not None
    check_closed(node, backward.active, [out in backward.cts for out in node.outs])
    floats = floats_of(node.operands[: rules.arguments])
    wanted = [i for i in floats if node.operands[i] in backward.active]
    results = [i for i, out in enumerate(node.outs) if out.type.is_float]
    pulled = [i for i in results if node.outs[i] in backward.cts]
    rule, count = rules.tangent, len(node.outs)
    joint = backward.of_body(
        without_looks(rule, rule.params[rules.arguments : rules.arguments + len(floats)]),
        [rules.arguments + floats.index(i) for i in wanted],
        [count + results.index(i) for i in pulled],
    )
    chosen = (*joint.outputs[:count], *joint.outputs[len(rule.outputs) :])
    joint = trimmed(Graph(joint.params, joint.nodes, chosen))
    tangents = joint.params[rules.arguments : rules.arguments + len(floats)]
    if not joint.ancestors(joint.outputs).isdisjoint(tangents[floats.index(i)] for i in wanted):
        raise DerivativeError(
            f"the rule of {rules.name} is not linear in its tangents, so it has no reverse mode",
            where=node.origin,
            fix="let the rule give a tangent that is linear in the tangents of the arguments, or "
            "use jvp",
        )
    early, late = _halves(joint, len(rule.params), count)
    zeros = Builder()
    given = [zeros.full(node.operands[i].type, 0) for i in floats]
    arguments, closed = node.operands[: rules.arguments], node.operands[rules.arguments :]
    nodes, read = in_place(node, early, (*arguments, *given, *closed))
    backward.substitute(node, (*zeros.nodes, *nodes))
    cts = [backward.finish(node.outs[i]) for i in pulled]
    contributions = backward.builder.inline(late, (*read, *cts))
    for i, contribution in zip(wanted, contributions, strict=True):
        backward.accumulate(node.operands[i], contribution)


def _halves(joint: Graph, params: int, results: int) -> tuple[Graph, Graph]:
    """Split a joint graph into what depends on no cotangent, and the rest.

    Args:
        joint: Its params behind the first ``params`` are cotangents.
        params: See ``joint``.
        results: How many of its outputs, the first ones, depend on none.

    Returns:
        What gives the results and then what the rest reads; what takes this and the cotangents.
    """
    depending = set(joint.params[params:])
    early, late = [], []
    for node in joint.nodes:
        if depending.isdisjoint(node.operands):
            early.append(node)
        else:
            late.append(node)
            depending.update(node.outs)
    gradients = joint.outputs[results:]
    read = dict.fromkeys(operand for node in late for operand in node.operands)
    needed = [one for one in (*read, *gradients) if one not in depending]
    needed = list(dict.fromkeys(needed))
    first = Graph(joint.params[:params], tuple(early), (*joint.outputs[:results], *needed))
    return first, Graph((*needed, *joint.params[params:]), tuple(late), gradients)
