"""Numbers that multiply arrays: brought together, and moved to where the arrays are smallest."""

from __future__ import annotations

from ..ir import Node, Value
from ..primitives.elementwise import divide, multiply, negative
from ..primitives.shape import broadcast_to
from .rewriter import Rewriter


def factor_of(rewriter: Rewriter, value: Value, node: Node) -> tuple[float, Value] | None:
    """Return the number and the rest of a product (or a negation) that is read once."""
    made = rewriter.made_by(value, node)
    if made is None or rewriter.uses[value] != 1:
        return None
    if made.primitive is negative:
        return -1.0, made.operands[0]
    if made.primitive is multiply:
        for factor, rest in (made.operands, made.operands[::-1]):
            if rewriter.number(factor) is not None and rewriter.number(rest) is None:
                return rewriter.number(factor).item(), rest  # type: ignore[union-attr]
    return None


def merge_factors(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``a (b x)`` to ``(a b) x``, and ``a (b / x)`` to ``(a b) / x``."""
    if not node.out.type.is_float:
        return None
    for factor, rest in (node.operands, node.operands[::-1]):
        scalar = rewriter.scalar_of(factor)
        inner = factor_of(rewriter, rest, node)
        if scalar is None or not (factor.ndim or rewriter.number(factor) is not None):
            continue
        if inner is not None:
            number = multiply(scalar, inner[0])
            return multiply(inner[1], broadcast_to(number, shape=node.out.shape))  # type: ignore[no-any-return]
        if rewriter.number(factor) is None:
            continue
        made = rewriter.made_by(rest, node)
        if made is not None and made.primitive is divide and rewriter.uses[rest] == 1:
            top, bottom = made.operands
            if rewriter.number(top) is not None:
                return divide(multiply(factor, top), bottom)  # type: ignore[no-any-return]
    return None


def share_factor(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``a x + a y`` to ``a (x + y)``."""
    first, second = (factor_of(rewriter, operand, node) for operand in node.operands)
    if first is None or second is None or first[0] != second[0] or not node.out.type.is_float:
        return None
    return multiply(node.primitive(first[1], second[1]), first[0])  # type: ignore[no-any-return]


def sink_factor(rewriter: Rewriter, node: Node) -> Value | None:
    """Rewrite ``f(a x)`` to ``a f(x)`` where ``f`` is linear and its result no larger."""
    if not node.out.type.is_float:
        return None
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
