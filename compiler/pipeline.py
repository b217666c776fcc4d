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
from .passes.defer import defer
from .passes.differentiate import differentiate
from .passes.erase import erase
from .passes.expand import expand, expand_native
from .passes.factor import factor
from .passes.fold import fold
from .passes.hoist import hoist
from .passes.inline import inline
from .passes.invert import invert
from .passes.jacobian import hessian, jacobian
from .passes.narrow import narrow
from .passes.pushforward import pushforward
from .passes.rules import ALGEBRAIC, LATE
from .passes.simplify import simplify
from .passes.snapshot import snapshot, snapshot_parts
from .passes.specialise import specialise
from .passes.unmask import unmask
from .primitives.control import hook
from .verify import verify

Pass = Callable[[Graph], Graph]


def simplify_algebra(graph: Graph) -> Graph:
    """Apply the rules that do not undo ``expand``."""
    return simplify(graph, ALGEBRAIC + LATE)


# What is done to a graph and to the bodies of its loops and branches alike.
OPTIMISE: tuple[Pass, ...] = (
    cse,
    narrow,
    simplify,
    fold,
    cse,
    simplify,
    specialise,
    hoist,
    narrow,
    dce,
)
LOWER: tuple[Pass, ...] = (
    inline,
    erase,
    narrow,
    cse,
    simplify,
    fold,
    expand,
    simplify_algebra,
    fold,
    contract,
    cse,
    narrow,
    dce,
    defer,
    snapshot,
)


# The same for native code, which decides itself what it computes where.
NATIVE: tuple[Pass, ...] = (
    inline,
    erase,
    narrow,
    cse,
    simplify,
    fold,
    expand,
    expand_native,
    unmask,
    simplify_algebra,
    invert,
    fold,
    cse,
    narrow,
    dce,
    snapshot_parts,
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


EVERYWHERE = frozenset((*OPTIMISE, *LOWER, *NATIVE)) - {
    hoist,
    snapshot,
}  # which look into bodies themselves


def everywhere(one: Pass, graph: Graph) -> Graph:
    """Apply a pass to a graph, and to the bodies in it."""
    return one(graph).map_regions(lambda region: everywhere(one, region))


def run(passes: Sequence[Pass], graph: Graph, log: Log, stage: str) -> Graph:
    """Run passes in order; the verifier after each one if GRADC_VERIFY is set."""
    check = bool(os.environ.get("GRADC_VERIFY"))
    started = perf_counter()
    for one in passes:
        graph = everywhere(one, graph) if one in EVERYWHERE else one(graph)
        if check:
            verify(graph, one.__name__)
    log.stages.append((stage, perf_counter() - started, len(graph.nodes)))
    return graph


def optimise(graph: Graph, log: Log) -> Graph:
    """Simplify a captured graph; it can be differentiated afterwards."""
    return run(OPTIMISE, graph, log, "optimise")


def optimise_joint(graph: Graph, forward: int) -> Graph:
    """Simplify a graph that computes ``forward`` outputs, and then gradients."""

    def gather(one: Graph) -> Graph:
        return factor(one, forward)

    gather.__name__ = "factor"
    return run((dce, *OPTIMISE, gather, fold, cse, simplify, dce), graph, Log(), "")


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
        return differentiate(one, wrt, outputs, seed, optimise_joint)

    def gather(one: Graph) -> Graph:
        return factor(one, len(graph.outputs))

    joint.__name__, gather.__name__ = "differentiate", "factor"
    passes = (joint, dce, *OPTIMISE, gather, fold, cse, simplify, dce)
    return run(passes, graph, log, "differentiate")


def push(
    graph: Graph,
    wrt: Sequence[int],
    outputs: Sequence[int],
    tangents: Sequence[int],
    log: Log,
    separate: bool = False,
) -> Graph:
    """Push tangents through an optimised or a joint graph, and optimise the result.

    Args:
        graph: The graph.
        wrt: Positions of the params that have tangents; these become params behind the others.
        outputs: Positions of the outputs to give.
        tangents: Positions of the outputs whose tangents to give, behind them; floating-point.
        log: Gets the stages.
        separate: Whether the outputs are to be computed without the tangents.
    """
    floats = [i for i, output in enumerate(graph.outputs) if output.type.is_float]

    def doubled(one: Graph) -> Graph:
        made = pushforward(one, wrt, separate)
        chosen = [*outputs, *(len(graph.outputs) + floats.index(i) for i in tangents)]
        return Graph(made.params, made.nodes, tuple(made.outputs[i] for i in chosen))

    def gather(one: Graph) -> Graph:
        return factor(one, len(outputs))

    doubled.__name__, gather.__name__ = "pushforward", "factor"
    passes = (doubled, dce, *OPTIMISE, gather, fold, cse, simplify, dce)
    return run(passes, graph, log, "pushforward")


def has_hooks(graph: Graph) -> bool:
    """Whether a graph, or a body in it, has hooks on gradients."""
    return any(node.primitive is hook or any(map(has_hooks, node.regions)) for node in graph.nodes)


def tabulate(
    graph: Graph, wrt: Sequence[int], outputs: Sequence[int], what: str, log: Log
) -> Graph:
    """Compute derivatives as arrays beside the outputs, and optimise the result.

    Args:
        graph: An optimised graph.
        wrt: Positions of params.
        outputs: Positions of the outputs to differentiate.
        what: "jacrev" or "jacfwd" (by the mode), "jacobian" (by the cheaper one), or "hessian".
        log: Gets the stages.
    """

    def optimised(one: Graph) -> Graph:
        return run(OPTIMISE, one, Log(), "")

    def table(one: Graph) -> Graph:
        if what == "hessian":
            return hessian(one, wrt, outputs, optimise=optimised)
        reverse = what == "jacrev" or (what == "jacobian" and has_hooks(one))  # reverse calls them
        forward = False if reverse else True if what == "jacfwd" else None
        return jacobian(one, wrt, outputs, forward, optimise=optimised)

    def gather(one: Graph) -> Graph:
        return factor(one, len(graph.outputs))

    table.__name__, gather.__name__ = what, "factor"
    passes = (table, dce, *OPTIMISE, gather, fold, cse, simplify, dce)
    return run(passes, graph, log, what)


def lower_native(graph: Graph, log: Log) -> Graph:
    """Lower a graph for the LLVM backend."""
    return run(NATIVE, graph, log, "lower")


def generate(
    graph: Graph,
    function: str,
    heading: Heading,
    kept: int,
    log: Log,
    shared: Collection[int] = (),
    owned: Collection[int] = (),
) -> Module:
    """Lower a graph and emit its NumPy module; see ``emit``."""
    lowered = run(LOWER, graph, log, "lower")
    started = perf_counter()
    module = emit(lowered, function, heading, kept, shared, owned)
    log.stages.append((f"emit {function}", perf_counter() - started, len(lowered.nodes)))
    copies = dict.fromkeys(module.copies)
    log.remarks += [f"an array is copied before the store at {line}" for line in copies]
    return module
