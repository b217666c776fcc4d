"""Numbers that multiply arrays: brought together, and moved to where the arrays are smallest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import Graph, Node, Value
from ..primitive import Primitive
from ..primitives.elementwise import add, divide, multiply, negative, subtract
from ..primitives.linalg import matmul
from ..primitives.reduce import sum_
from ..primitives.shape import broadcast_to, transpose
from .rewriter import Rewriter

MOST_ROUNDS = 8


def factor(graph: Graph, primal: int) -> Graph:
    """Gather constant factors in the backward program: the mean's ``1 / n``, a square's 2.

    What the user wrote is computed in the user's order; a gradient has no such order, and one
    multiplication of the smallest array does for many.

    Requires: ``fold`` has run.
    Ensures: nodes that the first ``primal`` outputs depend on are as they were.
    Cost: linear in nodes, times the rounds.
    """
    for _ in range(MOST_ROUNDS):
        kept = graph.ancestors(graph.outputs[:primal])
        rewriter = Rewriter(graph)
        graph = rewriter.run(lambda rewriter, node, kept=kept: _factor(rewriter, node, kept))  # type: ignore[misc]
        if not rewriter.changed:
            break
    return graph


def _factor(rewriter: Rewriter, node: Node, kept: set[Value]) -> Value | None:
    if node.out in kept or not node.out.type.is_float:
        return None
    for rewrite in _REWRITES.get(node.primitive, ()):
        replacement = rewrite(rewriter, node)
        if replacement is not None:
            return replacement
    return None


def factor_of(rewriter: Rewriter, value: Value, node: Node) -> tuple[float, Value] | None:
    """Return the number and the rest of a product (or a negation) that is read once."""
    made = rewriter.made_by(value, node)
    if made is None or rewriter.uses[value] != 1:
        return None
    if made.primitive is negative:
        return -1.0, made.operands[0]
    if made.primitive is multiply:
        for times, rest in (made.operands, made.operands[::-1]):
            if rewriter.number(times) is not None and rewriter.number(rest) is None:
                return rewriter.number(times).item(), rest  # type: ignore[union-attr]
    return None


def merge_factors(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``a (b x)`` to ``(a b) x``, and ``a (b / x)`` to ``(a b) / x``."""
    for times, rest in (node.operands, node.operands[::-1]):
        scalar = rewriter.scalar_of(times, node)
        inner = factor_of(rewriter, rest, node)
        if scalar is None or not (times.ndim or rewriter.number(times) is not None):
            continue
        if inner is not None and _keeps_digits(rewriter.number(times), inner[0]):
            number = multiply(scalar, inner[0])
            return multiply(inner[1], broadcast_to(number, shape=node.out.shape))  # type: ignore[no-any-return]
        if rewriter.number(times) is None:
            continue
        made = rewriter.made_by(rest, node)
        if made is not None and made.primitive is divide and rewriter.uses[rest] == 1:
            top, bottom = made.operands
            number = rewriter.number(top)
            if number is not None and _keeps_digits(rewriter.number(times), number.item()):
                return divide(multiply(times, top), bottom)  # type: ignore[no-any-return]
    return None


def _keeps_digits(number: np.generic | None, other: float) -> bool:
    """Whether two factors may be multiplied first: what they give neither over- nor underflows."""
    if number is None or not all(0 < abs(float(one)) < np.inf for one in (number, other)):
        return True
    with np.errstate(all="ignore"):
        product = abs(np.multiply(number, other))
    limits: Any = np.finfo(number.dtype)
    return bool(limits.tiny <= product <= limits.max)


def drop_zero(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``x + 0`` to ``x``: an accumulator that begins with nothing."""
    for zero, rest in (node.operands, node.operands[::-1]):
        if rewriter.number(zero) == 0:
            return rest
    return None


def share_factor(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``a x + a y`` to ``a (x + y)``."""
    first, second = (factor_of(rewriter, operand, node) for operand in node.operands)
    if first is None or second is None or first[0] != second[0]:
        return None
    return multiply(node.primitive(first[1], second[1]), first[0])  # type: ignore[no-any-return]


def sink_factor(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``f(a x)`` to ``a f(x)`` where ``f`` is linear and its result no larger."""
    for place, operand in enumerate(node.operands):
        if node.primitive is divide and place:
            break  # not linear in the divisor
        found = factor_of(rewriter, operand, node)
        if found is None or not _shrinks(node, operand):
            continue
        number, rest = found
        operands = (*node.operands[:place], rest, *node.operands[place + 1 :])
        if any(rewriter.number(one) is not None for one in operands):
            continue
        return multiply(node.primitive(*operands, **node.attrs), number)  # type: ignore[no-any-return]
    return None


def _shrinks(node: Node, operand: Value) -> bool:
    if node.out.shape == operand.shape:
        return True
    before, after = operand.type.size, node.out.type.size
    return isinstance(before, int) and isinstance(after, int) and after <= before


_REWRITES: dict[Primitive, tuple[Callable[[Rewriter, Node], Value | None], ...]] = {
    add: (drop_zero, share_factor),
    subtract: (share_factor,),
    multiply: (merge_factors, sink_factor),
    divide: (sink_factor,),
    negative: (sink_factor,),
    transpose: (sink_factor,),
    sum_: (sink_factor,),
    matmul: (sink_factor,),
}
