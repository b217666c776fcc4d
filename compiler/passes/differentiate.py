"""Reverse mode: append the backward program to a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node, Value
from ..primitive import REGISTRY, Adjoint, Linear, Partials, Scatter
from ..primitives.control import hook
from ..types import Sym
from .activity import active_values
from .dce import dce
from .reverse_regions import reverse_region

Optimise = Callable[[Graph, int], Graph]


def differentiate(
    graph: Graph,
    wrt: Sequence[int],
    outputs: Sequence[int],
    seed: float | None = None,
    optimise: Optimise = lambda graph, forward: dce(graph),
) -> Graph:
    """Return the joint graph: the forward nodes, then the backward ones.

    Loops and branches are replaced by ones that save what their backward counterparts read.

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
        optimise: Simplifies the joint graphs of bodies, before it is decided what they save; gets
            the number of their forward outputs.

    Raises:
        DerivativeError: A node between them has no derivative.
    """
    sizes = (f"trips{i}" for i in count(1 + _largest_number(graph)))
    return _differentiate(graph, wrt, outputs, seed, (), optimise, sizes)


def _differentiate(
    graph: Graph,
    wrt: Sequence[int],
    outputs: Sequence[int],
    seed: float | None,
    accumulated: Sequence[int],
    optimise: Optimise,
    sizes: Iterator[str],
) -> Graph:
    wanted = [graph.params[i] for i in wrt]
    sources = [graph.outputs[i] for i in outputs]
    backward = Backward(graph, active_values(graph, wanted), optimise, sizes)
    params = list(graph.params)
    with backward.builder as builder:
        for source in sources:
            if seed is None:
                ct = Value(source.type, ct_name(source))
                params.append(ct)
            else:
                ct = builder.full(source.type, seed)
            backward.accumulate(source, ct)
        for i in accumulated:
            total = Value(graph.params[i].type, ct_name(graph.params[i]))
            params.append(total)
            backward.accumulate(graph.params[i], total)
        for node in reversed(graph.nodes):
            backward.visit(node)
        gradients = {param: backward.finish(param) for param in dict.fromkeys(wanted)}
    return Graph(
        tuple(params), backward.nodes(), (*graph.outputs, *(gradients[one] for one in wanted))
    )


def ct_name(value: Value) -> str | None:
    """Return the name of a value's cotangent."""
    return f"ct_{value.name}" if value.name else None


def _largest_number(graph: Graph) -> int:
    """Return the largest number in the name of a size that a loop of an earlier pass made."""
    largest = 0
    for node in graph.nodes:
        for out in node.outs:
            for dim in out.shape:
                for name in dim.names if isinstance(dim, Sym) else ():
                    if name.startswith("trips") and name[5:].isdigit():
                        largest = max(largest, int(name[5:]))
        for region in node.regions:
            largest = max(largest, _largest_number(region))
    return largest


class Backward:
    """Cotangents under construction.

    Attributes:
        builder: Where the backward nodes go, behind the forward ones.
        active: The values that have cotangents.
        cts: The cotangents as far as they are known.
        forward: What takes the place of forward nodes: the node, and nodes before and after it.
        sizes: Names for numbers of iterations.
    """

    def __init__(
        self, graph: Graph, active: set[Value], optimise: Optimise, sizes: Iterator[str]
    ) -> None:
        self.builder = Builder(graph.nodes)
        self.producers = graph.producers()
        self.active = active
        self.cts: dict[Value, Any] = {}
        self.forward: dict[Node, Sequence[Node]] = {}
        self.sizes = sizes
        self.hooks: dict[Value, list[Node]] = {}
        self._optimise = optimise
        for node in graph.nodes:
            if node.primitive is hook:
                self.hooks.setdefault(node.operands[0], []).append(node)

    def nodes(self) -> tuple[Node, ...]:
        """Return all nodes, forward and backward."""
        found: list[Node] = []
        for node in self.builder.nodes:
            if node.primitive is not hook:
                found += self.forward.get(node, (node,))
        return tuple(found)

    def substitute(self, node: Node, nodes: Sequence[Node]) -> None:
        """Put nodes in the place of a forward node, or of one that took the place of another."""
        for original, placed in self.forward.items():
            if node in placed:
                at = placed.index(node)
                self.forward[original] = (*placed[:at], *nodes, *placed[at + 1 :])
                return
        self.forward[node] = tuple(nodes)

    def of_body(
        self,
        body: Graph,
        wrt: Sequence[int],
        outputs: Sequence[int],
        accumulated: Sequence[int] = (),
    ) -> Graph:
        """Return the joint graph of a body, optimised.

        Args:
            body: The body.
            wrt: Positions of the params to differentiate by.
            outputs: Positions of its outputs; their cotangents become params.
            accumulated: Those of ``wrt`` whose cotangents are added to further params.
        """
        joint = _differentiate(body, wrt, outputs, None, accumulated, self._optimise, self.sizes)
        return self._optimise(joint, len(body.outputs))

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
        """Pass the cotangent of a node's outputs, if they have one, on to its operands."""
        if not any(out in self.active and out in self.cts for out in node.outs):
            return
        with self.builder.at(node):
            if node.regions:
                reverse_region(self, node)
                return
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
