"""How much a program computes, and how much of that twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple

from ..ir import Graph, Node, SourceLine, Value
from ..primitives.elementwise import constant
from ..primitives.linalg import matmul
from ..primitives.records import record
from ..primitives.regions import Again, block, cond
from ..primitives.shape import broadcast_to
from ..types import ArrayType, Dim
from .dce import dce
from .mincut import UNKNOWN_SIZE
from .narrow import narrow
from .trips import Trips


class Recomputed(NamedTuple):
    """What a part of a backward program computes that the forward program computed before.

    Attributes:
        origin: The user's line.
        kind: "loop", "branch" or "block".
        again: What, each time it runs.
        runs: How often it runs; None where that is not known.
    """

    origin: SourceLine | None
    kind: str
    again: Again
    runs: Dim | None


def again(nodes: Sequence[Node], outputs: Sequence[Value], repeated: Sequence[Node]) -> Again:
    """Return how much of what runs backward runs forward too.

    Args:
        nodes: The forward nodes of a body.
        outputs: What forward computes with them.
        repeated: Those that run backward.
    """
    # Without the records that a loop keeps for backward only.
    lean = narrow(dce(Graph((), tuple(nodes), tuple(outputs))))
    producers = lean.producers()
    repeats = {out for node in repeated for out in node.outs}
    twice = [node for node in lean.nodes if not repeats.isdisjoint(node.outs)]
    costs = [one for one in (work(node, producers) for node in twice) if one]
    return Again(len(costs), sum(costs))


def recomputed(graph: Graph) -> list[Recomputed]:
    """Return what the backward parts of a joint graph compute again, in order."""
    return list(_recomputed(graph, 1))


def _recomputed(graph: Graph, runs: Dim | None) -> Iterator[Recomputed]:
    producers = graph.producers()
    for node in graph.nodes:
        if not node.regions:
            continue
        kind = "block" if node.primitive is block else "branch"
        inner = runs
        if "carried" in node.attrs:
            kind = "loop"
            trips = _trips(node, producers)
            inner = None if runs is None or trips is None else runs * trips
        found = node.attrs.get("again")
        if found is not None and found.nodes:
            yield Recomputed(node.origin, kind, found, inner)
        for region in node.regions:
            yield from _recomputed(region, inner)


def total_work(graph: Graph) -> int:
    """Return about how many scalar operations a graph computes, unknown sizes taken for large."""
    producers = graph.producers()
    return sum(work(node, producers) for node in graph.nodes)


def work(node: Node, producers: Mapping[Value, Node]) -> int:
    """Return about how many scalar operations a node computes.

    Views and constants compute nothing; a product of matrices multiplies and adds; of a branch the
    larger side counts, of a loop all iterations.
    """
    if node.regions:
        inner = [total_work(region) for region in node.regions]
        if node.primitive is cond:
            return max(inner)
        trips = _trips(node, producers) if "carried" in node.attrs else 1
        return sum(inner) * (trips if isinstance(trips, int) else UNKNOWN_SIZE)
    if node.is_view or node.primitive in (constant, broadcast_to, record):
        return 0
    if node.primitive is matmul:
        common = node.operands[0].type.with_shape(node.operands[0].shape[-1:])
        return 2 * _count(node.out.type) * _count(common)
    if node.is_store:
        return _count(node.operands[1].type)
    reads = [] if "index" in node.attrs else [one.type for one in node.operands]
    return max(map(_count, (*reads, *(out.type for out in node.outs))), default=0)


def _trips(node: Node, producers: Mapping[Value, Node]) -> Dim | None:
    if "condition" in node.attrs:
        return None
    return Trips(node, producers).count


def _count(type: ArrayType) -> int:
    return prod((dim if isinstance(dim, int) else UNKNOWN_SIZE for dim in type.shape), start=1)
