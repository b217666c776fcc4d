"""Sums of products as dot products."""

from __future__ import annotations

from ..ir import Graph, Node, Value
from ..primitives.elementwise import multiply, square
from ..primitives.linalg import matmul
from ..primitives.reduce import sum_
from .rewriter import Rewriter

# Longer sums stay with NumPy's pairwise summation, which loses fewer digits.
LONGEST = 1 << 14


def contract(graph: Graph) -> Graph:
    """Replace ``sum(x * y)`` of vectors by ``x @ y``, which needs no array for the products.

    Requires: the graph will not be differentiated any more.
    Ensures: no sum over a short vector of products that are read once is left.
    Cost: linear in nodes.
    """
    return Rewriter(graph).run(_contract)


def _contract(rewriter: Rewriter, node: Node) -> Value | None:
    if node.primitive is not sum_ or node.attrs["keepdims"] or not node.out.type.is_float:
        return None
    if node.out.ndim:
        return None
    (terms,) = node.operands
    made = rewriter.made_by(terms)
    if made is None or rewriter.uses[terms] != 1 or terms.ndim != 1:
        return None
    if not isinstance(terms.shape[0], int) or terms.shape[0] > LONGEST:
        return None
    if made.primitive is square:
        return matmul(made.operands[0], made.operands[0])  # type: ignore[no-any-return]
    if made.primitive is multiply and all(rewriter.number(one) is None for one in made.operands):
        return matmul(*made.operands)  # type: ignore[no-any-return]
    return None
