"""Loops that save only the first carried values of segments: how long, how many, how much."""

import re
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import DerivativeError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Graph
from gradc.compiler.pipeline import Log, derive
from gradc.compiler.primitives.elementwise import less
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.regions import Checkpoint
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..regions import INDEX, loop, loop_while, region_nodes

VECTOR = array_type(4)
X = np.array([0.5, -1.0, 2.0, 3.0])
STATE = 4 * 8  # bytes of what is carried


def sines(checkpoint: Any, bounds: Any = (0, 10, 1), reverse: bool = False) -> Graph:
    """Return the sum of sines of sines; each iteration saves a cosine where nothing is bounded."""

    def program(x: Any, n: Any) -> Any:
        limits = tuple(n if one == "n" else one for one in bounds)
        options = {"checkpoint": checkpoint, "reverse": reverse}
        (out,) = loop(lambda i, c, v: sin(c) * v, [x], [x], limits, **options)
        return sum_(out, axes=(0,), keepdims=False)

    return build(program, x=VECTOR, n=INDEX)


def joint(graph: Graph) -> Graph:
    """Return the graph with its gradient."""
    result = derive(graph, [0], [0], 1.0, Log())
    verify(result, "derive")
    return result


def saved(graph: Graph) -> list[Any]:
    """Return the shapes of all records, in bodies too."""
    found = [node.out.shape for node in graph.nodes if node.primitive.name == "record"]
    for node in graph.nodes:
        for region in node.regions:
            found += saved(region)
    return found


@pytest.mark.parametrize(
    ("checkpoint", "kept"),
    [
        (Checkpoint("every", 1), 10),
        (Checkpoint("every", 3), 4),
        (Checkpoint("every", 10), 1),
        (Checkpoint("every", 99), 1),
        (Checkpoint("sqrt"), 3),
    ],
    ids=str,
)
def test_first_values_of_segments_are_saved(checkpoint: Any, kept: int) -> None:
    """As many as there are segments; within one of them, a row for each of its iterations."""
    shapes = saved(joint(sines(checkpoint)))
    assert (kept, 4) in shapes
    plain = saved(joint(sines(None)))
    assert plain, "otherwise there is nothing to bound"
    assert all(shape[0] == 10 for shape in plain)


@pytest.mark.parametrize(
    "bounds", [(0, 10, 1), (3, 25, 4), (9, -4, -3), (2, 2, 1), (0, 1, 1)], ids=str
)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    "checkpoint",
    [*(Checkpoint("every", n) for n in (1, 2, 3, 7)), Checkpoint("sqrt")],
    ids=str,
)
def test_gradient_is_the_same(bounds: Any, reverse: bool, checkpoint: Any) -> None:
    """The same operations on the same numbers: to the last bit."""
    n = np.int64(0)
    expected = evaluate(joint(sines(None, bounds, reverse)), X, n)
    got = evaluate(joint(sines(checkpoint, bounds, reverse)), X, n)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10])
@pytest.mark.parametrize("checkpoint", [Checkpoint("every", 3), Checkpoint("sqrt")], ids=str)
@pytest.mark.parametrize("bounds", [(0, "n", 1), ("n", 0, -1), (0, 10, "n")], ids=str)
def test_bounds_of_the_call(count: int, checkpoint: Any, bounds: Any) -> None:
    """The number of iterations, or the direction, is not known when this is compiled."""
    n = np.int64(max(count, 1) if bounds[2] == "n" else count)
    expected = evaluate(joint(sines(None, bounds)), X, n)
    got = evaluate(joint(sines(checkpoint, bounds)), X, n)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_enough_memory_means_no_segments() -> None:
    graph = joint(sines(Checkpoint("memory", 10**6)))
    assert [shape[0] for shape in saved(graph)] == [shape[0] for shape in saved(joint(sines(None)))]


@pytest.mark.parametrize("budget", [1000, 2000, 4000])
def test_memory_bounds_what_is_saved(budget: int) -> None:
    """Of the fewest segments that fit; all rows of 100 iterations would take 6,400 bytes."""
    graph = joint(sines(Checkpoint("memory", budget), (0, 100, 1)))
    total = sum(8 * int(np.prod(shape)) for shape in saved(graph))
    assert total <= budget
    assert evaluate(graph, X, np.int64(0))[0] == evaluate(joint(sines(None, (0, 100, 1))), X, 0)[0]


def test_too_little_memory_says_how_much_it_needs() -> None:
    with pytest.raises(DerivativeError, match="in so little memory") as caught:
        joint(sines(Checkpoint("memory", STATE), (0, 100, 1)))
    least = int(re.search(r"the least is (\d+)", caught.value.got)[1])
    joint(sines(Checkpoint("memory", least), (0, 100, 1)))
    with pytest.raises(DerivativeError):
        joint(sines(Checkpoint("memory", least - 1), (0, 100, 1)))


def test_memory_needs_a_known_number() -> None:
    with pytest.raises(DerivativeError, match="number of iterations is known"):
        joint(sines(Checkpoint("memory", 10**6), (0, "n", 1)))


@pytest.mark.parametrize("length", [1, 2, 5, 99])
def test_segments_of_a_loop_with_a_condition(length: int) -> None:
    """The condition is asked once more at the end of each segment; the count starts anew."""

    def program(x: Any, checkpoint: Any) -> Any:
        total = lambda c: sum_(c, axes=(0,), keepdims=False)  # noqa: E731
        condition = lambda c, v: less(total(c), 40.0)  # noqa: E731
        body = lambda c, v: c + v * v * sin(c) * sin(c) + 0.5  # noqa: E731
        (out,) = loop_while(condition, body, [x], [x], checkpoint)
        return total(out)

    graphs = [
        joint(build(lambda x, one=one: program(x, one), x=VECTOR))
        for one in (None, Checkpoint("every", length))
    ]
    for one, other in zip(evaluate(graphs[1], X), evaluate(graphs[0], X), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(region_nodes(graphs[1])) == 2
