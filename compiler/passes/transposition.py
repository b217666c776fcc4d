"""Forward mode from what entries say for reverse mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node, Value
from ..primitive import Adjoint, Linear, Scatter
from .dce import dce
from .differentiate import differentiate


def is_linear_in(node: Node) -> list[bool]:
    """Return in which operands a ``Linear`` primitive is linear: those that it gives cotangents."""
    derivative = node.primitive.derivative
    assert isinstance(derivative, Linear)
    with Builder():  # what is built is not used
        pulled = derivative.transpose(Value(node.out.type), *node.operands, **node.attrs)
    return [one is not None for one in pulled]


def transposed(derivative: Adjoint, node: Node, tangents: Sequence[Any]) -> Any:
    """Append the tangent of a node's output: its adjoint, linear in the cotangent, transposed.

    Args:
        derivative: The adjoint of its primitive.
        node: The node.
        tangents: The tangent of each operand; None is zero.

    Returns:
        The tangent; None where it is zero.

    Raises:
        DerivativeError: The adjoint has no derivative, or is not linear in the cotangent.
    """
    ct = Value(node.out.type)
    seeds, contributions = _pulled(derivative, node, ct, tangents)
    if not contributions.outputs:
        return None
    joint = differentiate(contributions, [0], range(len(seeds)))
    forward = dce(Graph(joint.params, joint.nodes, joint.outputs[-1:]))
    if ct in forward.ancestors(forward.outputs):
        raise DerivativeError(
            "its adjoint is not linear in the cotangent, so it has no forward mode",
            fix="use grad or vjp",
        )
    operands = (*contributions.params[1:], *seeds)
    forward = Graph(joint.params[1:], forward.nodes, forward.outputs)
    return Builder.current().inline(forward, operands)[0]


def _pulled(
    derivative: Adjoint, node: Node, ct: Value, tangents: Sequence[Any]
) -> tuple[list[Any], Graph]:
    """Return the tangents that count, and the graph from ``ct`` to what they are multiplied by."""
    seeds, outputs = [], []
    with Builder() as builder, builder.at(node):
        pulled = derivative.rule(ct, node.out, *node.operands, **node.attrs)
        for operand, contribution, tangent in zip(node.operands, pulled, tangents, strict=True):
            if contribution is None or tangent is None:
                continue
            if isinstance(contribution, Scatter):
                contribution = contribution.into(builder.full(operand.type, 0))
            seeds.append(tangent)
            outputs.append(contribution)
    params = tuple(dict.fromkeys((ct, node.out, *node.operands)))
    return seeds, Graph(params, tuple(builder.nodes), tuple(outputs))
