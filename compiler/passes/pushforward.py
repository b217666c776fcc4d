"""Forward mode: append tangents to a graph, node by node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import DerivativeError
from ..ir import Builder, Graph, Node, Value
from ..primitive import REGISTRY, Adjoint, Linear, Partials, Primitive
from ..primitives.custom import custom_jvp, custom_vjp
from ..primitives.elementwise import add, subtract, with_value
from ..primitives.index import add_at
from ..primitives.records import record
from ..primitives.regions import block, cond, for_loop, while_loop
from .pushforward_custom import push_by_jvp, push_by_vjp
from .pushforward_regions import push_region
from .transposition import is_linear_in, transposed

Tangents = Sequence[Any]  # of each operand: a value, or None for zero
Rule = Callable[["Forward", Node, Tangents], Sequence[Any]]


def pushforward(graph: Graph, wrt: Sequence[int], separate: bool = False) -> Graph:
    """Return the graph that computes the tangents of its outputs beside them.

    Each tangent stands right behind what it is the tangent of; loops and branches run once and give
    both, unless they are to be separate.

    Requires: the chosen params are floating-point.
    Ensures: params are those of ``graph``, then a tangent of each param in ``wrt``; outputs are
        those of ``graph``, then the tangent of each floating-point output, zeros where it does not
        depend on ``wrt``; what does not depend has no tangent anywhere; hooks are left as they are.
    Cost: linear in nodes; of loops in the nodes of their bodies, times their carried values.

    Args:
        graph: The graph.
        wrt: Positions of the params that have tangents.
        separate: Whether no node of ``graph`` may become part of one that reads tangents: loops and
            branches stay, and run again for theirs.

    Raises:
        DerivativeError: A node that depends on ``wrt`` has no derivative.
    """
    forward = Forward(graph, separate)
    given = []
    for position in wrt:
        param = graph.params[position]
        tangent = Value(param.type, tangent_name(param))
        given.append(tangent)
        forward.seed(param, tangent)
    forward.run()
    tangents = [forward.complete(output) for output in graph.outputs if output.type.is_float]
    nodes = tuple(forward.builder.nodes)
    return Graph((*graph.params, *given), nodes, (*graph.outputs, *tangents))


def tangent_name(value: Value) -> str | None:
    """Return the name of a value's tangent."""
    return f"t_{value.name}" if value.name else None


class Forward:
    """A graph under construction: the nodes of another one, and tangents among them.

    Attributes:
        builder: Where nodes go.
        separate: See ``pushforward``.
    """

    def __init__(self, graph: Graph, separate: bool = False) -> None:
        self.builder = Builder()
        self.separate = separate
        self._graph = graph
        self._tangents: dict[Value, Any] = {}
        self._producers: dict[Value, Node] = graph.producers()

    def seed(self, param: Value, tangent: Value) -> None:
        """Give a param a tangent (two of them add up)."""
        before = self._tangents.get(param)
        if before is not None:
            with self.builder:
                tangent = add(before, tangent)
        self._tangents[param] = tangent

    def run(self) -> None:
        """Go through all nodes."""
        with self.builder:
            for node in self._graph.nodes:
                self._visit(node)

    def complete(self, value: Value) -> Any:
        """Return the tangent of a value as an array: zeros where it has none."""
        tangent = self._tangents.get(value)
        if tangent is not None:
            return tangent
        made = self._producers.get(value)
        with self.builder:
            if made is not None and made.primitive is record:
                # Room for rows: what is in it is not said, nor what their tangents are.
                with self.builder.at(made):
                    return self.builder.add(record, made.operands, made.attrs)[0]
            return self.builder.full(value.type, 0)

    def body(
        self, region: Graph, active: Sequence[int], outputs: Sequence[int]
    ) -> tuple[Graph, tuple[Value, ...]]:
        """Return a body that gives tangents of some outputs too, and the params for tangents.

        Args:
            region: The body.
            active: Positions of the params that get a tangent.
            outputs: Positions of the outputs.
        """
        forward = Forward(region)
        given = tuple(Value(one.type, tangent_name(one)) for one in params_at(region, active))
        for param, tangent in zip(params_at(region, active), given, strict=True):
            forward.seed(param, tangent)
        forward.run()
        tangents = [forward.complete(region.outputs[i]) for i in outputs]
        nodes = tuple(forward.builder.nodes)
        return Graph(region.params, nodes, (*region.outputs, *tangents)), given

    def _visit(self, node: Node) -> None:
        """Append a node, and the tangents of its outputs."""
        tangents = [self._tangents.get(operand) for operand in node.operands]
        is_active = not node.detached and any(one is not None for one in tangents)
        if not is_active or not any(out.type.is_float for out in node.outs):
            self.builder.nodes.append(node)
            return
        try:
            if not node.primitive.regions:  # these are appended together with their tangents
                self.builder.nodes.append(node)
            with self.builder.at(node):
                pushed = self._push(node, tangents)
        except DerivativeError as error:
            if node.primitive.regions:  # it was said inside
                raise
            what = f"{node.primitive.name}: {error.what}"
            where = error.where or node.origin
            raise DerivativeError(what, got=error.got, where=where, fix=error.fix) from None
        for out, tangent in zip(node.outs, pushed, strict=True):
            if tangent is None:
                continue
            if tangent.name is None:
                tangent.name = tangent_name(out)
            self._tangents[out] = tangent

    def _push(self, node: Node, tangents: Tangents) -> Sequence[Any]:
        """Return the tangent of each output; None is zero."""
        rule = RULES.get(node.primitive)
        if rule is not None:
            return rule(self, node, tangents)
        derivative = node.primitive.derivative
        if isinstance(derivative, Partials):
            return (_through_partials(derivative, node, tangents),)
        if isinstance(derivative, Linear):
            return (self._through_linear(node, tangents),)
        if isinstance(derivative, Adjoint):
            return (transposed(derivative, node, tangents),)
        return (None,) * len(node.outs)

    def _through_linear(self, node: Node, tangents: Tangents) -> Any:
        """Apply the primitive itself to the tangents of the operands in which it is linear."""
        linear = is_linear_in(node)
        given = [i for i, one in enumerate(tangents) if one is not None and linear[i]]
        if not given:
            return None
        if len(given) == 1 and (node.primitive, given[0]) in ALONE:
            return ALONE[node.primitive, given[0]](tangents[given[0]])
        operands = [
            operand if not linear[i] else self.complete(operand) if i not in given else tangents[i]
            for i, operand in enumerate(node.operands)
        ]
        return node.primitive(*operands, **node.attrs)


def params_at(region: Graph, positions: Sequence[int]) -> list[Value]:
    """Return the params at some positions."""
    return [region.params[i] for i in positions]


def _through_partials(derivative: Partials, node: Node, tangents: Tangents) -> Any:
    """Return the sum of partial x tangent."""
    total = None
    partials = derivative.rule(node.out, *node.operands)
    for partial, tangent in zip(partials, tangents, strict=True):
        if partial is None or tangent is None:
            continue
        is_one = isinstance(partial, int | float) and partial == 1
        term = tangent if is_one else tangent * partial
        total = term if total is None else REGISTRY["add"](total, term)
    return total


# What a linear primitive makes of the tangent of one operand where the others have none.
ALONE: dict[tuple[Primitive, int], Callable[[Any], Any]] = {
    (add, 0): lambda tangent: tangent,
    (add, 1): lambda tangent: tangent,
    (subtract, 0): lambda tangent: tangent,
    (subtract, 1): lambda tangent: -tangent,
    (add_at, 0): lambda tangent: tangent,
}

# Primitives whose forward mode does not follow from their derivative alone.
RULES: dict[Primitive, Rule] = {
    # Its numbers were replaced unseen: the derivative is that of what was there.
    with_value: lambda forward, node, tangents: (tangents[0],),
    for_loop: push_region,
    while_loop: push_region,
    cond: push_region,
    block: push_region,
    custom_vjp: push_by_vjp,
    custom_jvp: push_by_jvp,
}
