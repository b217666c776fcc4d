"""What values are, where they follow from inputs that may be looked at while capturing.

A size, a condition or a number of elements cannot wait for the call. Where it follows from arrays
outside of the function alone, it is computed at once, and the program depends on these arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import GradcError
from ..evaluate import evaluate_node
from ..ir import Builder, Node, Value


class Contents:
    """The contents of the inputs of one capture, and of what is computed from them.

    Attributes:
        inputs: What lies in an input now, and what to call when it is looked at.
    """

    def __init__(self, builder: Builder) -> None:
        self.inputs: dict[Value, tuple[Any, Callable[[], None]]] = {}
        self._builder = builder
        self._producers: dict[Value, Node] = {}
        self._indexed = 0
        self._known: dict[Value, Any] = {}

    def of(self, value: Value) -> Any:
        """Return what a value is, or None where it depends on an argument."""
        if not self.inputs:
            return None
        nodes = self._nodes_behind(value)
        if nodes is None:
            return None
        try:
            for node in nodes:
                operands = [self._known[operand] for operand in node.operands]
                self._known.update(zip(node.outs, evaluate_node(node, operands), strict=True))
        except (GradcError, ArithmeticError, TypeError, ValueError, LookupError):
            return None  # it is found out when the program runs
        return self._known[value]

    def _nodes_behind(self, value: Value) -> list[Node] | None:
        """Return the nodes to compute, in order, and say of each input that it is looked at."""
        for node in self._builder.nodes[self._indexed :]:
            self._producers.update(dict.fromkeys(node.outs, node))
        self._indexed = len(self._builder.nodes)
        nodes: dict[Node, None] = {}
        seen: set[Value] = set()
        looked_at: list[Value] = []
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if one in seen:
                continue
            seen.add(one)
            made_by = self._producers.get(one)
            if one in self.inputs:
                looked_at.append(one)
                continue
            if made_by is None or made_by.has_effect:
                return None
            if one not in self._known:
                nodes[made_by] = None
            waiting += made_by.operands
        for one in looked_at:
            self._known[one], look = self.inputs[one]
            look()
        order = {node: place for place, node in enumerate(self._builder.nodes) if node in nodes}
        return sorted(nodes, key=order.__getitem__)
