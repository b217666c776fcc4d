"""Common subexpression elimination."""

from __future__ import annotations

from typing import Any

from ..ir import Graph, Node, Value
from ..primitives.records import record
from .rewriter import Rewriter


def cse(graph: Graph) -> Graph:
    """Compute what occurs twice once.

    Requires: nothing.
    Ensures: no two nodes without effect, hook or another no_grad mark have the same primitive,
        operands and attrs.
    Cost: linear in nodes.
    """
    seen: dict[Any, Value] = {}

    def rewrite(rewriter: Rewriter, node: Node) -> Value | None:
        if node.has_effect or node.primitive is record:
            return None
        attrs = tuple(node.attrs.items())
        key = (node.primitive, node.operands, attrs, node.detached)
        known = seen.setdefault(key, node.out)
        return None if known is node.out else known

    return Rewriter(graph).run(rewrite)
