"""What passes that replace values share: a walk that rebuilds a graph, and its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from ..ir import Builder, Graph, Node, Value
from ..primitives.control import hook
from ..primitives.elementwise import constant
from ..primitives.shape import broadcast_to

Rewrite = Callable[["Rewriter", Node], Value | None]


class Rewriter:
    """Rebuilds a graph node by node; ``rewrite(rewriter, node)`` may give a value in its place.

    A value with a hook is left as it is: merged with another or replaced by part of it, it would
    hand another gradient to its hook.
    """

    def __init__(self, graph: Graph) -> None:
        self.builder = Builder()
        self.producer: dict[Value, Node] = {}
        self.hooked = {node.operands[0] for node in graph.nodes if node.primitive is hook}
        self.uses = Counter(operand for node in graph.nodes for operand in node.operands)
        self.uses.update(graph.outputs)
        self.changed = 0
        self._graph = graph
        self._same: dict[Value, Value] = {}

    def run(self, rewrite: Rewrite) -> Graph:
        """Return the graph with everything rewritten once, front to back."""
        same = self._same
        with self.builder as builder:
            for node in self._graph.nodes:
                if any(operand in same for operand in node.operands):
                    operands = tuple(same.get(operand, operand) for operand in node.operands)
                    node = Node(
                        node.primitive, operands, node.attrs, node.outs, node.origin, node.detached
                    )
                builder.origin, builder.detached = node.origin, node.detached
                start = len(builder.nodes)
                replacement = None
                if len(node.outs) == 1 and node.out not in self.hooked:
                    replacement = rewrite(self, node)
                if replacement is None or self._crosses(node, replacement):
                    del builder.nodes[start:]
                    builder.nodes.append(node)
                else:
                    self._replace(node.out, replacement)
                for new in builder.nodes[start:]:
                    for out in new.outs:
                        self.producer[out] = new
        outputs = tuple(same.get(output, output) for output in self._graph.outputs)
        return Graph(self._graph.params, tuple(builder.nodes), outputs)

    def _crosses(self, node: Node, replacement: Value) -> bool:
        """Whether a gradient would pass where a no_grad region stops it."""
        made = self.producer.get(replacement)
        outside = replacement in self._graph.params if made is None else not made.detached
        return node.detached and outside

    def _replace(self, old: Value, new: Value) -> None:
        self.changed += 1
        if new.name is None and old.name is not None:
            new.name = old.name
        self._same[old] = new

    def made_by(self, value: Value, like: Node | None = None) -> Node | None:
        """Return the node that yields a value, where a rule may look into it.

        Not into hooked values, and not across the border of a no_grad region.
        """
        node = self.producer.get(value)
        if node is None or value in self.hooked:
            return None
        return node if like is None or node.detached == like.detached else None

    def scalar_of(self, value: Value, like: Node) -> Value | None:
        """Return the rank-0 value that ``value`` repeats, where a rule may look into it."""
        if value.ndim and self.made_by(value, like) is None:
            return None
        return self._repeated(value)

    def _repeated(self, value: Value) -> Value | None:
        if not value.ndim:
            return value
        node = self.producer.get(value)
        if node is not None and node.primitive is broadcast_to and not node.operands[0].ndim:
            return node.operands[0]
        return None

    def number(self, value: Value) -> np.generic | None:
        """Return the number that every element of ``value`` is known to be.

        No gradient passes a constant, so hooks and no_grad regions do not matter.
        """
        scalar = self._repeated(value)
        node = self.producer.get(scalar) if scalar is not None else None
        if node is None or node.primitive is not constant:
            return None
        return node.attrs["value"].array[()]  # type: ignore[no-any-return]
