"""Reverse mode: append the backward program to a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node, Value
from ..primitive import REGISTRY, Adjoint, Linear, Partials, Scatter
from ..primitives.control import hook


def differentiate(
    graph: Graph, wrt: Sequence[int], outputs: Sequence[int], seed: float | None = None
) -> Graph:
    """Return the joint graph: the forward nodes, then the backward ones.

    Requires: the chosen params and outputs are floating-point.
    Ensures: outputs are those of ``graph``, then the gradient of each param in ``wrt``; hooks are
        resolved; no backward node is built for a node that does not lie between ``wrt`` and
        ``outputs`` (what a rule builds for frozen operands is left to ``dce``).
    Cost: linear in nodes.

    Args:
        graph: The forward graph.
        wrt: Positions of the params to differentiate by.
        outputs: Positions of the outputs to differentiate.
        seed: The cotangent of each of them, as a number; if None, each becomes a new param.

    Raises:
        DerivativeError: A node between them has no derivative.
    """
    wanted = [graph.params[i] for i in wrt]
    sources = [graph.outputs[i] for i in outputs]
    backward = _Backward(graph, _active(graph, wanted))
    params = list(graph.params)
    with backward.builder as builder:
        for source in sources:
            if seed is None:
                ct = Value(source.type, ct_name(source))
                params.append(ct)
            else:
                ct = builder.full(source.type, seed)
            backward.accumulate(source, ct)
        for node in reversed(graph.nodes):
            backward.visit(node)
        gradients = {param: backward.finish(param) for param in dict.fromkeys(wanted)}
    nodes = (node for node in builder.nodes if node.primitive is not hook)
    return Graph(tuple(params), tuple(nodes), (*graph.outputs, *(gradients[one] for one in wanted)))


def ct_name(value: Value) -> str | None:
    """Return the name of a value's cotangent."""
    return f"ct_{value.name}" if value.name else None


def _active(graph: Graph, wanted: Sequence[Value]) -> set[Value]:
    """Return the values that depend on ``wanted`` by a way that a gradient may go."""
    active = set(wanted)
    for node in graph.nodes:
        if not node.detached and any(one in active for _, one in _differentiable(node)):
            active.update(out for out in node.outs if out.type.is_float)
    return active


def _differentiable(node: Node) -> list[tuple[int, Value]]:
    """Return the operands through which a gradient may pass."""
    if not isinstance(node.primitive.derivative, Partials | Linear | Adjoint):
        return []
    return [(i, one) for i, one in enumerate(node.operands) if one.type.is_float]


class _Backward:
    """Cotangents under construction."""

    def __init__(self, graph: Graph, active: set[Value]) -> None:
        self.builder = Builder(graph.nodes)
        self.active = active
        self.cts: dict[Value, Any] = {}
        self.hooks: dict[Value, list[Node]] = {}
        for node in graph.nodes:
            if node.primitive is hook:
                self.hooks.setdefault(node.operands[0], []).append(node)

    def accumulate(self, value: Value, contribution: Any) -> None:
        """Add a contribution to the cotangent of ``value``; nothing there means zero."""
        present = self.cts.get(value)
        if isinstance(contribution, Scatter):
            if present is None:
                present = self.builder.full(value.type, 0)
            total = contribution.into(present)
        elif present is None:
            total = contribution
        else:
            total = REGISTRY["add"](present, contribution)
            if present.name == ct_name(value):
                present.name = None  # only the sum is the cotangent
        if total.name is None and value.name and total is not present:
            total.name = ct_name(value)
        self.cts[value] = total

    def finish(self, value: Value) -> Any:
        """Return the complete cotangent of ``value``, after its hooks."""
        ct = self.cts.pop(value, None)
        if ct is None:
            return self.builder.full(value.type, 0)
        for node in self.hooks.get(value, ()):
            with self.builder.at(node):
                ct = node.attrs["hook"].apply(ct)
        return ct

    def visit(self, node: Node) -> None:
        """Pass the cotangent of a node's output, if it has one, on to its operands."""
        if not any(out in self.active and out in self.cts for out in node.outs):
            return
        with self.builder.at(node):
            ct = self.finish(node.out)
            try:
                pulled = self.pull(node, ct)
            except DerivativeError as error:
                what = f"{node.primitive.name}: {error.what}"
                where = error.where or node.origin
                raise DerivativeError(what, got=error.got, where=where, fix=error.fix) from None
            for operand, contribution in zip(node.operands, pulled, strict=True):
                if contribution is not None and operand in self.active:
                    self.accumulate(operand, contribution)

    def pull(self, node: Node, ct: Any) -> tuple[Any, ...]:
        """Return the contribution to each operand, by the derivative of the primitive."""
        derivative = node.primitive.derivative
        if isinstance(derivative, Linear):
            return derivative.transpose(ct, *node.operands, **node.attrs)
        if isinstance(derivative, Adjoint):
            return derivative.rule(ct, node.out, *node.operands, **node.attrs)
        assert isinstance(derivative, Partials)
        partials = derivative.rule(node.out, *node.operands)
        return tuple(
            _scaled(ct, partial) if operand in self.active else None
            for operand, partial in zip(node.operands, partials, strict=True)
        )


def _scaled(ct: Any, partial: Any) -> Any:
    if partial is None:
        return None
    if isinstance(partial, int | float):
        return ct if partial == 1 else ct * partial
    return ct * partial
