"""Forward mode of functions with derivative rules of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import DerivativeError
from ..ir import Graph, Node, Value
from ..primitives.custom import Rules
from .custom_rules import check_closed, floats_of, in_place, size_names, trimmed, without_looks
from .differentiate import differentiate

if TYPE_CHECKING:
    from .pushforward import Forward


def push_by_jvp(forward: Forward, node: Node, tangents: Sequence[Any]) -> Sequence[Any]:
    """Append the tangent rule in place of the node."""
    rules: Rules = node.attrs["rules"]
    assert rules.tangent is not None
    _check_closed_in(node, tangents)
    floats = floats_of(node.operands[: rules.arguments])
    given = [forward.complete(node.operands[i]) for i in floats]
    arguments, closed = node.operands[: rules.arguments], node.operands[rules.arguments :]
    pushed = iter(_beside(forward, node, rules.tangent, (*arguments, *given, *closed)))
    return [next(pushed) if out.type.is_float else None for out in node.outs]


def push_by_vjp(forward: Forward, node: Node, tangents: Sequence[Any]) -> Sequence[Any]:
    """Append the forward rule in place of the node, and the transposed backward rule.

    Raises:
        DerivativeError: The backward rule is not linear in the cotangents, or saves what each
            iteration of a loop of unknown length computes.
    """
    rules: Rules = node.attrs["rules"]
    assert rules.forward is not None
    assert rules.backward is not None
    _check_closed_in(node, tangents)
    residuals = _beside(forward, node, rules.forward, node.operands)
    chosen = [i for i, place in enumerate(rules.places) if tangents[place] is not None]
    results = [out for out in node.outs if out.type.is_float]
    if not chosen:
        return (None,) * len(node.outs)
    rule, first = rules.backward, len(residuals)
    cts = rule.params[first : first + len(results)]
    rule = without_looks(rule, cts)
    rule = Graph(rule.params, rule.nodes, tuple(rule.outputs[i] for i in chosen))
    joint = differentiate(rule, range(first, first + len(results)), range(len(chosen)))
    joint = trimmed(Graph(joint.params, joint.nodes, joint.outputs[len(chosen) :]))
    seen = joint.ancestors(joint.outputs)
    is_linear = seen.isdisjoint(joint.params[first : first + len(results)])
    # Sizes that the transposition named might be named so by another one in the same program.
    if not is_linear or not size_names(joint) <= size_names(rule):
        problem = "has loops of unknown length" if is_linear else "is not linear in the cotangents"
        raise DerivativeError(
            f"the backward rule of {rules.name} {problem}, so it has no forward mode",
            where=node.origin,
            fix="use reverse mode (grad, vjp), or define the function with custom_jvp",
        )
    builder = forward.builder
    zeros = [builder.full(one.type, 0) for one in cts]
    closed = node.operands[rules.arguments :]
    seeds = [tangents[rules.places[i]] for i in chosen]
    pushed = iter(builder.inline(joint, (*residuals, *zeros, *closed, *seeds)))
    return [next(pushed) if out.type.is_float else None for out in node.outs]


def _beside(
    forward: Forward, node: Node, rule: Graph, operands: Sequence[Value]
) -> tuple[Value, ...]:
    """Append a rule that gives the results of a node and more; return what it gives more."""
    if forward.separate:
        forward.builder.nodes.append(node)
        return forward.builder.inline(rule, operands)[len(node.outs) :]
    nodes, rest = in_place(node, rule, operands)
    forward.builder.nodes += nodes
    return rest


def _check_closed_in(node: Node, tangents: Sequence[Any]) -> None:
    active = {
        operand
        for operand, tangent in zip(node.operands, tangents, strict=True)
        if tangent is not None
    }
    check_closed(node, active, [True] * len(node.outs))
