"""Expressions of values: by name, or as the text of what makes them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...ir import Graph, Node, Value
from ...primitive import NumPy
from ...primitives.elementwise import cast, constant
from ...primitives.shape import broadcast_to
from ...types import broadcast_shapes
from .context import Context
from .expressions import fill, full, literal, name
from .schedule import Schedule


class Reading:
    """What a body reads.

    Attributes:
        context: What all bodies of the module share.
        graph: The graph of the body.
        schedule: What is written where it is read.
        producer: The node that yields each value.
        names: The name of each value that has one; several may have one in turn.
        bound: Params that stand for an expression.
    """

    context: Context
    graph: Graph
    schedule: Schedule
    producer: dict[Value, Node]
    names: dict[Value, str]
    bound: Mapping[Value, ast.expr]

    def read(self, value: Value) -> ast.expr:
        """Return the expression of a value in full: its own shape and dtype."""
        if value in self.names:
            return name(self.names[value])
        if value in self.bound:
            return self.bound[value]
        node = self.producer[value]
        uniform = self.uniform(value)
        if uniform is not None:
            return uniform
        if node.primitive is constant:
            return name(self.context.constant_name(node.attrs["value"]))
        assert isinstance(node.primitive.numpy, NumPy)
        template = node.primitive.numpy.text([one.type for one in node.operands], node.attrs)
        return fill(template, self.operands(node))

    def operands(self, node: Node) -> list[ast.expr]:
        """Return the operands as the template of a node gets them.

        NumPy broadcasts operands of elementwise functions itself, and gives literals their dtype.
        """
        if not node.primitive.elementwise:
            return [self.read(operand) for operand in node.operands]
        sources = [self.source(operand) for operand in node.operands]
        for i, operand in enumerate(node.operands):
            if broadcast_shapes(*(one.shape for one in sources)) == node.out.shape:
                break
            sources[i] = operand
        plain = {one.dtype for one in sources if self.number(one) is None}
        for i in range(len(sources)):
            sources[i] = self.counted(sources, i)
        return [
            self.read(source)
            if (number := self.number(source)) is None
            else literal(number, typed=source.dtype not in plain)
            for source in sources
        ]

    def counted(self, sources: Sequence[Value], place: int) -> Value:
        """Return the bools that a nested cast casts, where another operand makes NumPy do it."""
        value = sources[place]
        made = self.producer.get(value)
        if made is None or made.primitive is not cast or value not in self.schedule.inlined:
            return value
        others = [one for i, one in enumerate(sources) if i != place and self.number(one) is None]
        promoted = any(one.dtype == value.dtype for one in others)
        return made.operands[0] if promoted and made.operands[0].dtype == np.bool_ else value

    def elided(self, value: Value) -> ast.expr:
        """Return a value as a store takes it, which broadcasts too."""
        source = self.source(value)
        number = self.number(source)
        return self.read(source) if number is None else literal(number, typed=False)

    def source(self, value: Value) -> Value:
        """Return what a broadcast value is a broadcast of."""
        node = self.producer.get(value)
        if node is not None and node.primitive is broadcast_to and value in self.schedule.inlined:
            return node.operands[0]
        return value

    def number(self, value: Value) -> Any:
        """Return a rank-0 constant's array."""
        node = self.producer.get(value)
        if node is None or node.primitive is not constant or value.ndim:
            return None
        return node.attrs["value"].array

    def uniform(self, value: Value, allocate: bool = False) -> ast.expr | None:
        """Return the expression of an array that repeats a constant, or of a rank-0 constant."""
        number = self.number(self.source(value))
        return None if number is None else full(value.type, number, allocate)
