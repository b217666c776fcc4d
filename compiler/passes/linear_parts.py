"""The linear parts of a program: what pulls one cotangent back, or pushes one tangent forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import DerivativeError
from ..ir import Graph, Node, Value
from ..primitives.control import hook
from ..primitives.records import record
from ..types import ArrayType
from .differentiate import differentiate
from .pushforward import pushforward

Pass = Callable[[Graph], Graph]


class LinearPart(NamedTuple):
    """What depends on one seed, and is linear in it.

    Attributes:
        graph: Takes what it reads of the rest, then the seed; gives the results that are not 0.
        saved: What it reads of the rest.
        results: For each result its type, and its place among the outputs of ``graph``; None is 0.
    """

    graph: Graph
    saved: tuple[Value, ...]
    results: tuple[tuple[ArrayType, int | None], ...]

    @property
    def seed(self) -> Value:
        """The cotangent, or the tangent."""
        return self.graph.params[-1]


def pulled(graph: Graph, wrt: Sequence[int], outputs: Sequence[int], optimise: Pass) -> Graph:
    """Return a graph that pulls a cotangent of each of some outputs back on its own.

    Params are those of ``graph``, then the cotangents; outputs are those of ``graph``, then for
    each cotangent the gradients by ``wrt``. Bodies are optimised before it is decided what they
    save.
    """
    hooks = tuple(node for node in graph.nodes if node.primitive is hook)
    joint = graph
    for place, one in enumerate(outputs):
        if place:  # each time hooks are resolved, and gone
            joint = Graph(joint.params, (*joint.nodes, *hooks), joint.outputs)
        joint = differentiate(joint, wrt, [one], optimise=lambda body, _: optimise(body))
    return joint


def pushed(graph: Graph, wrt: Sequence[int], outputs: Sequence[int]) -> Graph:
    """Return a graph that pushes a tangent of each of some params forward on its own.

    Params are those of ``graph``, then the tangents; outputs are those of ``graph``, then for each
    tangent the tangents of ``outputs``.
    """
    tangents = []
    floats = [i for i, output in enumerate(graph.outputs) if output.type.is_float]
    kept = len(graph.outputs)
    for one in wrt:
        both = pushforward(graph, [one])
        chosen = [both.outputs[kept + floats.index(i)] for i in outputs]
        tangents.append(Graph(both.params, both.nodes, (*graph.outputs, *chosen)))
    return _merged(graph, tangents)


def _merged(graph: Graph, derived: Sequence[Graph]) -> Graph:
    """Return one graph of several that hold the nodes of ``graph`` and one more param each."""
    merged = list(graph.nodes)
    present = set(merged)
    defined = {out for node in merged for out in node.outs}
    for one in derived:
        for node in one.nodes:
            if node in present:
                continue
            # A loop that gives tangents too takes the place of that of the program. Here both
            # stay, as one does not depend on tangents; a call-back in it would run twice.
            again = {out: Value(out.type) for out in node.outs if out in defined}
            if again:
                if node.has_effect:
                    raise DerivativeError(
                        "a call-back in a loop, a branch or a checkpointed function would run once "
                        "more for each Jacobian",
                        where=node.origin,
                        fix="use reverse mode, or move the call-back out of the loop",
                    )
                node = replace(node, outs=tuple(again.get(out, out) for out in node.outs))
            merged.append(node)
            present.add(node)
            defined.update(node.outs)
    kept = len(graph.outputs)
    seeds = (one.params[-1] for one in derived)
    results = (output for one in derived for output in one.outputs[kept:])
    return Graph((*graph.params, *seeds), tuple(merged), (*graph.outputs, *results))


def cut(graph: Graph, seeds: int, kept: int) -> tuple[tuple[Node, ...], list[LinearPart]]:
    """Cut a graph at its seeds.

    Args:
        graph: The last ``seeds`` params are the seeds; behind the first ``kept`` outputs there are
            equally many for each seed, which are linear in it and depend on no other.
        seeds: How many.
        kept: How many outputs depend on no seed.

    Returns:
        The nodes that depend on no seed, and the part of each seed.
    """
    given = graph.params[len(graph.params) - seeds :]
    seed_of: dict[Value, int] = {seed: i for i, seed in enumerate(given)}
    primal: list[Node] = []
    late: list[list[Node]] = [[] for _ in given]
    rooms: dict[Value, Node] = {}
    own: set[tuple[int, Value]] = set()
    for node in graph.nodes:
        found = {seed_of[operand] for operand in node.operands if operand in seed_of}
        if not found:
            primal.append(node)
            if node.primitive is record:
                rooms[node.out] = node
            continue
        (seed,) = found
        for operand in node.operands:
            if operand in rooms and (seed, operand) not in own:  # each part has a room of its own
                late[seed].append(rooms[operand])
                own.add((seed, operand))
        late[seed].append(node)
        seed_of.update(dict.fromkeys(node.outs, seed))
    results = graph.outputs[kept:]
    count = len(results) // seeds if seeds else 0
    parts = []
    for i, param in enumerate(given):
        parts.append(_part(late[i], param, results[i * count : (i + 1) * count], seed_of))
    return tuple(primal), parts


def _part(
    nodes: Sequence[Node], seed: Value, results: Sequence[Value], seed_of: dict[Value, int]
) -> LinearPart:
    outputs = tuple(dict.fromkeys(one for one in results if one in seed_of))
    saved = dict.fromkeys(
        operand for node in nodes for operand in node.operands if operand not in seed_of
    )
    places = tuple((one.type, outputs.index(one) if one in seed_of else None) for one in results)
    return LinearPart(Graph((*saved, seed), tuple(nodes), outputs), tuple(saved), places)
