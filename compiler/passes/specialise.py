"""Specialisation of primitives to constant operands."""

from __future__ import annotations

from ..ir import Graph, Node, Value
from ..primitives.elementwise import power
from ..primitives.power import fixed_power
from .rewriter import Rewriter


def specialise(graph: Graph) -> Graph:
    """Rewrite powers with a constant exponent, so that no derivative by the exponent is built.

    Requires: ``simplify`` has run, which knows better forms of some.
    Ensures: no float ``power`` has a constant exponent.
    Cost: linear in nodes.
    """
    return Rewriter(graph).run(_specialise)


def _specialise(rewriter: Rewriter, node: Node) -> Value | None:
    if node.primitive is not power or not node.out.type.is_float:
        return None
    base, exponent = node.operands
    number = rewriter.number(exponent)
    if number is None:
        return None
    return fixed_power(base, exponent=float(number))  # type: ignore[no-any-return]
