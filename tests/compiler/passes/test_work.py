"""How much is computed, and how much of it again."""

import numpy as np
from gradc.compiler.ir import Value
from gradc.compiler.passes.work import again, recomputed, total_work, work
from gradc.compiler.primitives.elementwise import exp, multiply
from gradc.compiler.primitives.index import slice_
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.types import Sym

import gradc

from ..build import array_type, build


def test_work_of_nodes() -> None:
    """An operation for each element; two for each product of a matrix product; none for views."""
    graph = build(
        lambda x, y: exp(slice_(matmul(x, y), index=(Slice(0, 2), Slice()))),
        x=array_type(3, 4),
        y=array_type(4, 5),
    )
    assert [work(node, {}) for node in graph.nodes] == [2 * 3 * 4 * 5, 0, 10]
    assert total_work(graph) == 130


def test_unknown_sizes_are_large() -> None:
    graph = build(lambda x: exp(x), x=array_type(Sym.named("n")))
    assert total_work(graph) == 1000


def test_only_what_runs_twice_is_computed_again() -> None:
    """What forward does not need, for results or for what is saved, is not computed twice."""

    def program(x: Value) -> tuple[Value, Value]:
        y = exp(x)
        return y, multiply(y, y)

    graph = build(program, x=array_type(7))
    y, _ = graph.outputs
    whole = again(graph.nodes, graph.outputs, graph.nodes)
    assert (whole.nodes, whole.work) == (2, 14)
    part = again(graph.nodes, [y], graph.nodes)
    assert (part.nodes, part.work) == (1, 7)
    assert again(graph.nodes, graph.outputs, []).nodes == 0


def joint(function: object, *args: object) -> object:
    compiled = gradc.compile_grad(function)  # type: ignore[arg-type]
    compiled.lower(*args)
    return compiled.history[-1][1].joint(seeded=True)


def test_loops_without_checkpoints_compute_nothing_again() -> None:
    """A tanh is saved: what its gradient needs of it costs nothing."""
    graph = joint(lambda x: np.sum(gradc.fori_loop(0, 5, lambda i, y: np.tanh(y), x)), np.ones(10))
    assert not [one for one in recomputed(graph) if one.again.work > 20]  # type: ignore[arg-type]


def test_segments_compute_each_iteration_again() -> None:
    graph = joint(
        lambda x: np.sum(gradc.fori_loop(0, 12, lambda i, y: np.sin(np.exp(y)), x, every=4)),
        np.ones(10),
    )
    outer = max(recomputed(graph), key=lambda one: one.again.work)  # type: ignore[arg-type]
    assert (outer.kind, outer.runs) == ("loop", 3)
    # Four iterations of two functions of ten elements, and a few numbers for the bounds.
    assert 80 <= outer.again.work < 90


def test_blocks_compute_all_of_themselves_again() -> None:
    part = gradc.checkpoint(lambda x: np.sin(np.exp(x) * x))
    graph = joint(lambda x: np.sum(part(part(x))), np.ones(10))
    found = recomputed(graph)  # type: ignore[arg-type]
    assert [one.kind for one in found] == ["block", "block"]
    # exp and the product; the sine itself is not needed.
    assert [(one.again.nodes, one.again.work) for one in found] == [(2, 20)] * 2
