"""Expansion of primitives that are made of others."""

from __future__ import annotations

from ..ir import Graph, Node, Value
from ..primitive import Expand
from .rewriter import Rewriter


def expand_native(graph: Graph) -> Graph:
    """Replace primitives that native code gets as a combination of others.

    Requires: ``expand`` was applied.
    Ensures: no primitive is left that native code has to expand.
    Cost: linear in nodes.
    """

    def rewrite(rewriter: Rewriter, node: Node) -> Value | None:
        if not isinstance(node.primitive.lower, Expand):
            return None
        return node.primitive.lower.rule(*node.operands, **node.attrs)  # type: ignore[no-any-return]

    return Rewriter(graph).run(rewrite)


def expand(graph: Graph) -> Graph:
    """Replace primitives that a backend gets as a combination of others.

    Requires: the graph will not be differentiated any more (their own derivatives are better).
    Ensures: every primitive has NumPy source, or is framed by the emitter.
    Cost: linear in nodes.
    """

    def rewrite(rewriter: Rewriter, node: Node) -> Value | None:
        if not isinstance(node.primitive.numpy, Expand):
            return None
        return node.primitive.numpy.rule(*node.operands, **node.attrs)  # type: ignore[no-any-return]

    return Rewriter(graph).run(rewrite)
