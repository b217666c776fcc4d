"""Constant folding, and arithmetic on repeated numbers done once."""

from __future__ import annotations

import numpy as np

from ..evaluate import evaluate_node
from ..ir import Graph, Node, Value
from ..primitives.elementwise import constant
from ..primitives.records import record
from ..primitives.shape import broadcast_to
from .rewriter import Rewriter

# Larger results are cheaper to compute than to carry along in the code.
MOST_ELEMENTS = 64


def fold(graph: Graph) -> Graph:
    """Evaluate small nodes whose operands are constants.

    An elementwise node whose operands each repeat one number is computed on the numbers, and the
    result is repeated.

    Requires: nothing.
    Ensures: what is left depends on a param, has an effect, or is large.
    Cost: linear in nodes.
    """
    return Rewriter(graph).run(_fold)


def _fold(rewriter: Rewriter, node: Node) -> Value | None:
    if node.has_effect or node.regions or node.primitive is record or not node.operands:
        return None
    if node.primitive.elementwise and node.out.ndim:
        scalars = [rewriter.scalar_of(operand, node) for operand in node.operands]
        if all(scalar is not None for scalar in scalars):
            small = node.primitive(*scalars, **node.attrs)
            made = rewriter.builder.nodes[-1]
            folded = _evaluated(rewriter, made)
            shape = node.out.shape
            return broadcast_to(small if folded is None else folded, shape=shape)  # type: ignore[no-any-return]
    if node.primitive is broadcast_to:
        return None
    return _evaluated(rewriter, node)


def _evaluated(rewriter: Rewriter, node: Node) -> Value | None:
    size = node.out.type.size
    if not isinstance(size, int) or size > MOST_ELEMENTS:
        return None
    arrays = []
    for operand in node.operands:
        made = rewriter.producer.get(operand)
        if made is None or made.primitive is not constant:
            return None
        arrays.append(made.attrs["value"].array)
    with np.errstate(all="ignore"):
        (result,) = evaluate_node(node, arrays)
    return rewriter.builder.constant(result)
