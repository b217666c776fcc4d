"""The one place that says which passes run in which order."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from .backends.numpy_source import Heading, Module, emit
from .ir import Graph
from .passes.contract import contract
from .passes.cse import cse
from .passes.dce import dce
from .passes.differentiate import differentiate
from .passes.erase import erase
from .passes.expand import expand
from .passes.factor import factor
from .passes.fold import fold
from .passes.rules import ALGEBRAIC, LATE
from .passes.simplify import simplify
from .passes.snapshot import snapshot
from .passes.specialise import specialise
from .verify import verify

Pass = Callable[[Graph], Graph]


def simplify_algebra(graph: Graph) -> Graph:
    """Apply the rules that do not undo ``expand``."""
    return simplify(graph, ALGEBRAIC + LATE)


OPTIMISE: tuple[Pass, ...] = (cse, simplify, fold, cse, simplify, specialise, dce)
LOWER: tuple[Pass, ...] = (
    erase,
    cse,
    simplify,
    fold,
    expand,
    simplify_algebra,
    fold,
    contract,
    cse,
    dce,
    snapshot,
)


@dataclass
class Log:
    """What a compilation did: stages with their times, and remarks.

    Attributes:
        stages: Name, seconds, and the number of nodes after it.
        remarks: What a user may want to know.
    """

    stages: list[tuple[str, float, int]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The time of all stages."""
        return sum(seconds for _, seconds, _ in self.stages)

    def __str__(self) -> str:
        width = max([16, *(len(name) for name, _, _ in self.stages)])
        lines = [
            f"{name:<{width}} {seconds * 1e3:8.2f} ms {nodes:6} nodes"
            for name, seconds, nodes in self.stages
        ]
        return "\n".join(
            [*lines, f"{'total':<{width}} {self.seconds * 1e3:8.2f} ms", *self.remarks]
        )


def run(passes: Sequence[Pass], graph: Graph, log: Log, stage: str) -> Graph:
    """Run passes in order; the verifier after each one if GRADC_VERIFY is set."""
    check = bool(os.environ.get("GRADC_VERIFY"))
    started = perf_counter()
    for one in passes:
        graph = one(graph)
        if check:
            verify(graph, one.__name__)
    log.stages.append((stage, perf_counter() - started, len(graph.nodes)))
    return graph


def optimise(graph: Graph, log: Log) -> Graph:
    """Simplify a captured graph; it can be differentiated afterwards."""
    return run(OPTIMISE, graph, log, "optimise")


def derive(
    graph: Graph, wrt: Sequence[int], outputs: Sequence[int], seed: float | None, log: Log
) -> Graph:
    """Differentiate an optimised graph, and optimise the joint graph.

    Args:
        graph: The graph.
        wrt: Positions of params.
        outputs: Positions of the outputs to differentiate.
        seed: Their cotangents, or None where these become params.
        log: Gets the stages.
    """

    def joint(one: Graph) -> Graph:
        return differentiate(one, wrt, outputs, seed)

    def gather(one: Graph) -> Graph:
        return factor(one, len(graph.outputs))

    joint.__name__, gather.__name__ = "differentiate", "factor"
    passes = (joint, dce, *OPTIMISE, gather, fold, cse, simplify, dce)
    return run(passes, graph, log, "differentiate")


def generate(
    graph: Graph,
    function: str,
    heading: Heading,
    kept: int,
    log: Log,
    shared: Collection[int] = (),
) -> Module:
    """Lower a graph and emit its NumPy module; see ``emit``."""
    lowered = run(LOWER, graph, log, "lower")
    started = perf_counter()
    module = emit(lowered, function, heading, kept, shared)
    log.stages.append((f"emit {function}", perf_counter() - started, len(lowered.nodes)))
    copies = dict.fromkeys(module.copies)
    log.remarks += [f"an array is copied before the store at {line}" for line in copies]
    return module
