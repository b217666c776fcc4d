"""Vectorisation: a graph for one becomes a graph for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import GradcError
from ..ir import Builder, Graph, Node, Value
from ..primitives.batching import all_batched, repeated
from ..primitives.control import hook
from ..types import Dim
from .batch_regions import REGION_RULES, looped


def batch(graph: Graph, batched: Sequence[int], size: Dim) -> Graph:
    """Return the graph that does for a whole batch what ``graph`` does for one.

    Products of one matrix with a batch of vectors become one product of matrices; what no rule
    knows (a call-back, a search in a batch of vectors) is done in a loop over the batch.

    Requires: no hooks.
    Ensures: params at the positions ``batched`` and all outputs have one more axis, of length
        ``size``, in front; what does not depend on these params is computed once.
    Cost: linear in nodes; of loops in the nodes of their bodies, times their carried values.

    Args:
        graph: The graph of one: params of shapes ``(...)``.
        batched: Positions of the params that become ``(size, ...)``.
        size: How many there are.

    Raises:
        GradcError: A mask differs over the batch, or there is a hook.

    Example:
        >>> import numpy as np
        >>> from gradc.compiler.evaluate import evaluate
        >>> from gradc.compiler.primitives.linalg import matmul
        >>> from gradc.compiler.types import ArrayType
        >>> params = [Value(ArrayType(shape, np.dtype(float))) for shape in ((2, 3), (3,))]
        >>> with Builder() as builder:
        ...     product = matmul(*params)
        >>> of_many = batch(Graph(tuple(params), tuple(builder.nodes), (product,)), [1], 5)
        >>> evaluate(of_many, np.ones((2, 3)), np.ones((5, 3)))[0].shape
        (5, 2)
    """
    flags = [i in set(batched) for i in range(len(graph.params))]
    batching = Batching(size)
    made, _ = batching.graph(graph, flags, [True] * len(graph.outputs))
    return made


class Batching:
    """Graphs made for a batch.

    Attributes:
        size: The length of the batch.
    """

    def __init__(self, size: Dim) -> None:
        self.size = size

    def graph(
        self, graph: Graph, batched: Sequence[bool], wanted: Sequence[bool]
    ) -> tuple[Graph, list[bool]]:
        """Return a graph or body for a batch, and which of its outputs are batched.

        Args:
            graph: The graph of one.
            batched: Which params get the axis of the batch.
            wanted: Which outputs get it even where they are the same for the whole batch.
        """
        params = tuple(
            Value(one.type.with_shape((self.size, *one.shape)) if flag else one.type, one.name)
            for one, flag in zip(graph.params, batched, strict=True)
        )
        work = _Work(self, dict(zip(graph.params, params, strict=True)))
        work.batched.update(one for one, flag in zip(graph.params, batched, strict=True) if flag)
        with Builder() as builder:
            for node in graph.nodes:
                work.visit(node)
            outputs = []
            for output, flag in zip(graph.outputs, wanted, strict=True):
                made = work.known[output]
                if flag and output not in work.batched:
                    made = repeated(made, self.size)
                outputs.append(made)
        flags = [
            flag or output in work.batched
            for output, flag in zip(graph.outputs, wanted, strict=True)
        ]
        return Graph(params, tuple(builder.nodes), tuple(outputs)), flags


class _Work:
    """A walk through one graph: what its values have become, and which of them are batched."""

    def __init__(self, batching: Batching, known: dict[Value, Value]) -> None:
        self.batching, self.known = batching, known
        self.batched: set[Value] = set()

    def visit(self, node: Node) -> None:
        """Append what a node becomes."""
        builder = Builder.current()
        operands = [self.known[one] for one in node.operands]
        flags = [one in self.batched for one in node.operands]
        if node.primitive is hook:
            raise GradcError("a hook cannot be batched", where=node.origin)
        if not any(flags):
            outs = tuple(Value(out.type, out.name) for out in node.outs)
            made = Node(
                node.primitive, tuple(operands), node.attrs, outs, node.origin, node.detached
            )
            builder.nodes.append(made)
            self.known.update(zip(node.outs, outs, strict=True))
            return
        with builder.at(node):
            results, are_batched = self._apply(node, operands, flags)
        for out, result, flag in zip(node.outs, results, are_batched, strict=True):
            if result.name is None and result not in operands:
                result.name = out.name
            self.known[out] = result
            if flag:
                self.batched.add(out)

    def _apply(
        self, node: Node, operands: list[Any], flags: list[bool]
    ) -> tuple[Sequence[Any], Sequence[bool]]:
        """Return the results of a node with a batched operand, and which of them are batched."""
        size, everything = self.batching.size, (True,) * len(node.outs)
        if node.primitive in REGION_RULES:
            return REGION_RULES[node.primitive](self.batching, node, operands, flags)
        if node.primitive.elementwise:
            return [node.primitive(*all_batched(operands, flags, size), **node.attrs)], everything
        if node.primitive.batch is not None:
            result = node.primitive.batch(node.primitive, operands, flags, node.attrs)
            if result is not NotImplemented:
                return [result], everything
        return looped(size, node, operands, flags), everything
