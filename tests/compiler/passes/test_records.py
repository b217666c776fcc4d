"""What loops save in each iteration for their gradients: as little, and as small, as possible."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph
from gradc.compiler.pipeline import Log, derive
from gradc.compiler.primitives.elementwise import add, cast, exp, less, square
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import gather, slice_, update
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.primitives.shape import broadcast_to
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..regions import INDEX, loop, loop_while

VECTOR, SCALAR, TABLE = array_type(6), array_type(), array_type(5, 6)
X = np.linspace(0.5, 1.5, 6)
ROW = (Gather(), Slice())


def total(x: Any) -> Any:
    return sum_(x, axes=tuple(range(x.ndim)), keepdims=False)


def joint(function: Any, wrt: int = 0, **types: Any) -> Graph:
    """Return the graph of a function with its gradient by one param."""
    result = derive(build(function, **types), [wrt], [0], 1.0, Log())
    verify(result, "derive")
    return result


def records(graph: Graph) -> list[tuple[Any, ...]]:
    """Return the shapes of all records, without their first axis, in bodies too."""
    found = [node.out.shape[1:] for node in graph.nodes if node.primitive.name == "record"]
    return found + [
        one for node in graph.nodes for region in node.regions for one in records(region)
    ]


def made_in_bodies(graph: Graph, is_body: bool = False) -> list[str]:
    """Return the primitives of the nodes in bodies that make an array of the table's shape."""
    found = []
    for node in graph.nodes:
        if is_body and any(out.shape == TABLE.shape for out in node.outs) and not node.regions:
            found.append(node.primitive.name)
        found += [one for region in node.regions for one in made_in_bodies(region, True)]
    return found


def test_linear_body_saves_nothing() -> None:
    def program(x: Any) -> Any:
        return total(loop(lambda i, c: c * 3.0 - slice_(c, index=(Slice(5, None, -1),)), [x])[0])

    assert records(joint(program, x=VECTOR)) == []


def test_product_with_an_invariant_saves_nothing_for_the_carry() -> None:
    """Its factor is at hand in backward; for the gradient by the factor the carry is saved."""

    def program(x: Any, w: Any) -> Any:
        return total(loop(lambda i, c, w: c * w, [x], [w])[0])

    assert records(joint(program, 0, x=VECTOR, w=VECTOR)) == []
    assert records(joint(program, 1, x=VECTOR, w=VECTOR)) == [(6,)]


def test_slice_is_saved_and_not_the_array() -> None:
    """Of a row that is squared and stored, backward reads that row."""

    def program(a: Any) -> Any:
        def body(i: Any, a: Any) -> Any:
            return update(a, square(gather(a, i, index=ROW)), i, index=ROW)

        return total(loop(body, [a], bounds=(0, 5, 1))[0])

    assert records(joint(program, a=TABLE)) == [(6,)]


def test_indexed_read_makes_no_array_of_zeros() -> None:
    """Its gradient is added to a row of a carried accumulator."""

    def program(a: Any) -> Any:
        def body(i: Any, c: Any, a: Any) -> Any:
            return c + square(gather(a, i, index=ROW))

        start = Builder.current().full(VECTOR, 0)
        return total(loop(body, [start], [a], bounds=(0, 5, 1))[0])

    graph = joint(program, a=TABLE)
    assert set(made_in_bodies(graph)) == {"add_at"}
    assert records(graph) == [], "the row is read again"


def test_nothing_is_saved_of_what_is_computed_from_the_index() -> None:
    def program(x: Any) -> Any:
        def body(i: Any, c: Any) -> Any:
            weight = exp(cast(i, dtype=np.dtype(float)) * 0.1)
            return c * broadcast_to(weight, shape=(6,))

        return total(loop(body, [x])[0])

    shapes = records(joint(program, x=VECTOR))
    assert all(shape == () for shape in shapes), "a number in each iteration, at most"


def test_one_record_serves_two_readers() -> None:
    """Products of the carry with itself: the carry is enough for all of their factors."""

    def program(x: Any) -> Any:
        return total(loop(lambda i, c: c * c * c + square(c) * 0.5, [x])[0])

    assert len(records(joint(program, x=VECTOR))) == 1


def test_frozen_carry_is_not_saved_for_itself() -> None:
    """Only what lies on the way from the wanted param has a cotangent."""

    def program(x: Any, y: Any) -> Any:
        return total(loop(lambda i, a, b: (a * 2.0, sin(b)), [x, y])[0])

    assert records(joint(program, 0, x=VECTOR, y=VECTOR)) == []


@pytest.mark.parametrize("bounds", [(0, 4, 1), (2, 9, 3), (7, 0, -2), (3, 3, 1)], ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_rows_are_found_again(bounds: Any, reverse: bool) -> None:
    """Whatever the indices: the row is that of the iteration."""

    def program(x: Any) -> Any:
        def body(i: Any, c: Any) -> Any:
            weight = broadcast_to(cast(i, dtype=np.dtype(float)), shape=(6,))
            return sin(c * weight) + c

        return total(loop(body, [x], bounds=bounds, reverse=reverse)[0])

    graph = joint(program, x=VECTOR)
    steps = list(range(*bounds))
    forward, slope = X.copy(), np.ones(6)
    for i in reversed(steps) if reverse else steps:
        slope = slope * (np.cos(forward * i) * i + 1)
        forward = np.sin(forward * i) + forward
    value, gradient = evaluate(graph, X)
    np.testing.assert_allclose(value, forward.sum(), rtol=1e-14)  # sums in another order
    np.testing.assert_allclose(gradient, slope, rtol=1e-12)  # products in another order


@pytest.mark.parametrize("limit", [0.0, 10.0, 100.0, 1000.0])
def test_records_of_a_loop_with_a_condition_grow(limit: float) -> None:
    """From no iteration to more than its first room has rows."""

    def program(x: Any, limit: Any) -> Any:
        def body(c: Any, limit: Any) -> Any:
            return 0.5 * sin(c) + c + 1.0

        return total(loop_while(lambda c, top: less(total(c), top), body, [x], [limit])[0])

    graph = joint(program, x=VECTOR, limit=SCALAR)
    assert records(graph) == [(6,)]
    forward, slope = X.copy(), np.ones(6)
    while forward.sum() < limit:
        slope = slope * (0.5 * np.cos(forward) + 1)
        forward = 0.5 * np.sin(forward) + forward + 1.0
    value, gradient = evaluate(graph, X, np.float64(limit))
    np.testing.assert_allclose(value, forward.sum(), rtol=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-11)


def test_integers_are_carried_without_cotangents() -> None:
    def program(x: Any) -> Any:
        zero = Builder.current().constant(np.int64(0))
        body = lambda i, k, c: (add(k, i), c * 2.0)  # noqa: E731
        return total(loop(body, [zero, x])[1])

    value, gradient = evaluate(joint(program, x=VECTOR), X)
    np.testing.assert_array_equal(gradient, np.full(6, 8.0))
    assert value == pytest.approx(8 * X.sum(), rel=1e-14)
    assert INDEX.dtype == np.int64
