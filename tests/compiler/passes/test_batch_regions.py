"""Loops and branches over a batch: what is carried becomes batched as far as it must."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import GradcError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph
from gradc.compiler.passes.batch import batch
from gradc.compiler.passes.batch_regions import counted_loop
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.primitives.elementwise import cast, greater, less, sigmoid
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import add_at, gather
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.regions import block, cond, for_loop, while_loop
from gradc.compiler.primitives.selection import Gather
from gradc.compiler.types import ArrayType
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..primitives.cases import Executor, every_executor

# The same sums in another order: a few roundings.
EXACT = {"rtol": 1e-12, "atol": 1e-13}
FLOAT = np.dtype(np.float64)
LOOP = {"reverse": False, "most": None, "checkpoint": None}


def check(graph: Graph, arrays: Sequence[Any], positions: Sequence[int], run: Any) -> Graph:
    """Assert that a batch is one after the other; return the graph of the batch."""
    many = verify(batch(graph, positions, 3), "batch")
    rows = [
        evaluate(graph, *(one[k] if i in positions else one for i, one in enumerate(arrays)))
        for k in range(3)
    ]
    for result, expected in zip(run(many)(*arrays), zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(result, np.stack(expected), **EXACT)
    return many


def random(*shape: int) -> Any:
    """Return normal random numbers."""
    return np.random.default_rng(7).normal(size=shape)


def recurrence(x: Any, w: Any, n: Any) -> Any:
    """Return what a loop carries: the first depends on x, the next on the first, the last not."""
    body = build(
        lambda i, a, b, c, w: (sigmoid(a * w), b + a, c + gather(w, i, index=(Gather(),))),
        i=array_type(dtype=np.int64),
        a=array_type(4),
        b=array_type(4),
        c=array_type(),
        w=array_type(4),
    )
    builder = Builder.current()
    zero, one = (builder.constant(np.int64(i)) for i in range(2))
    start = builder.full(ArrayType((4,), FLOAT), 0.0)
    scalar = builder.constant(0.0)
    return for_loop(zero, n, one, x, start, scalar, w, body=body, carried=3, **LOOP)


@every_executor
def test_carried_values_are_batched_as_far_as_they_must(executor: Executor) -> None:
    """What starts equal for all and becomes different is batched from the start."""
    graph = build(recurrence, x=array_type(4), w=array_type(4), n=array_type(dtype=np.int64))
    many = check(graph, [random(3, 4), random(4), np.int64(3)], [0], executor)
    (loop,) = [node for node in many.nodes if node.primitive is for_loop]
    assert [out.shape for out in loop.outs] == [(3, 4), (3, 4), ()]
    check(graph, [random(4), random(3, 4), np.int64(4)], [1], executor)
    check(graph, [random(3, 4), random(3, 4), np.int64(0)], [0, 1], executor)


@every_executor
def test_differing_bounds_run_one_after_the_other(executor: Executor) -> None:
    """Each of the batch has its own number of iterations."""
    graph = build(recurrence, x=array_type(4), w=array_type(4), n=array_type(dtype=np.int64))
    check(graph, [random(4), random(4), np.array([0, 3, 1])], [2], executor)
    check(graph, [random(3, 4), random(4), np.array([2, 0, 4])], [0, 2], executor)


def halved(x: Any, limit: Any) -> Any:
    """Return x halved until it is below a limit, and the sum of what it was on the way."""
    types = {"x": array_type(), "total": array_type(), "limit": array_type()}
    condition = build(lambda x, total, limit: greater(x, limit), **types)
    body = build(lambda x, total, limit: (x * 0.5, total + x), **types)
    start = Builder.current().constant(0.0)
    options = {"condition": condition, "body": body, "carried": 2, "checkpoint": None}
    return while_loop(x, start, limit, **options)


@every_executor
def test_differing_conditions_run_one_after_the_other(executor: Executor) -> None:
    """Whether the condition or what it reads starts different."""
    graph = build(halved, x=array_type(), limit=array_type())
    check(graph, [np.array([8.0, 0.5, 3.0]), np.float64(1.0)], [0], executor)
    check(graph, [np.float64(5.0), np.array([1.0, 7.0, 0.1])], [1], executor)


@every_executor
def test_one_condition_for_the_whole_batch(executor: Executor) -> None:
    """Where the condition is the same for all, one loop serves them."""

    def program(x: Any, n: Any) -> Any:
        types = {"n": array_type(), "x": array_type(4)}
        condition = build(lambda n, x: greater(n, 0.0), **types)
        body = build(lambda n, x: (n - 1.0, x * x), **types)
        return while_loop(n, x, condition=condition, body=body, carried=2, checkpoint=None)

    graph = build(program, x=array_type(4), n=array_type())
    many = check(graph, [random(3, 4), np.float64(2.0)], [0], executor)
    assert [node.primitive for node in many.nodes].count(while_loop) == 1
    assert for_loop not in [node.primitive for node in many.nodes]


def branches(predicate: Any, x: Any, y: Any) -> Any:
    """Return results of which one or the other branch makes different use of its operands."""
    types = {"x": array_type(4), "y": array_type(4)}
    true = build(lambda x, y: (x * 2.0, y), **types)
    false = build(lambda x, y: (y, y * y), **types)
    return cond(predicate, x, y, true=true, false=false)


@every_executor
@pytest.mark.parametrize("positions", [[0], [1], [2], [1, 2], [0, 1]], ids=str)
def test_branches(positions: list[int], executor: Executor) -> None:
    """A predicate for all keeps one branch; one for each goes through them one by one."""
    graph = build(branches, p=array_type(dtype=bool), x=array_type(4), y=array_type(4))
    for predicate in (np.array([True, False, True]), np.array([False, False, True])):
        given = [predicate if 0 in positions else predicate[0]]
        given += [random(3, 4) if i in positions else random(4) for i in (1, 2)]
        many = check(graph, given, positions, executor)
        assert (for_loop in [node.primitive for node in many.nodes]) == (0 in positions)


@every_executor
def test_blocks(executor: Executor) -> None:
    """What a block does not compute from a batch stays unbatched."""

    def program(x: Any, y: Any) -> Any:
        types = {"x": array_type(4), "y": array_type(4)}
        body = build(lambda x, y: (x * y, y * y), **types)
        return block(x, y, body=body, name="part")

    graph = build(program, x=array_type(4), y=array_type(4))
    many = check(graph, [random(3, 4), random(4)], [0], executor)
    assert [out.shape for out in many.nodes[0].outs] == [(3, 4), (4,)]


@every_executor
def test_loop_in_a_branch_in_a_loop(executor: Executor) -> None:
    """Bodies of bodies, with a predicate of the index."""

    def program(x: Any, y: Any) -> Any:
        def step(i: Any, carried: Any, given: Any) -> Any:
            (total,), (x, y) = carried, given
            types = {"total": array_type(4), "x": array_type(4), "y": array_type(4)}

            def inner(total: Any, x: Any, y: Any) -> Any:
                return counted_loop(
                    3,
                    [total],
                    [x, y],
                    lambda j, carried, given: [
                        add_at(
                            carried[0],
                            sum_(given[0] * given[1], axes=(0,), keepdims=False),
                            j,
                            index=(Gather(),),
                        )
                    ],
                )

            first = build(inner, **types)
            other = build(lambda total, x, y: total * y, **types)
            even = less(cast(i, dtype=FLOAT), 1.0)
            return [cond(even, total, x, y, true=first, false=other)]

        return counted_loop(3, [y], [x, y], step)

    graph = build(program, x=array_type(4), y=array_type(4))
    check(graph, [random(3, 4), random(4)], [0], executor)
    check(graph, [random(4), random(3, 4)], [1], executor)


def test_records_of_differing_length_are_refused() -> None:
    """Backward programs of loops that end one after the other have no shape for what is saved."""

    def program(x: Any) -> Any:
        condition = build(lambda x: greater(x, 0.5), x=array_type())
        body = build(sin, x=array_type())
        return while_loop(x, condition=condition, body=body, carried=1, checkpoint=None)

    joint = differentiate(build(program, x=array_type()), [0], [0])
    with pytest.raises(GradcError, match="sizes of its results differ over the batch") as caught:
        batch(joint, [0], 3)
    assert "batch what is differentiated" in str(caught.value)
