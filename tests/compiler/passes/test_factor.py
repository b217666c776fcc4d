"""Numbers that multiply arrays sink to where arrays are small, and change no value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.factor import factor
from gradc.compiler.passes.fold import fold
from gradc.compiler.passes.simplify import simplify
from gradc.compiler.primitives.control import hook
from gradc.compiler.primitives.elementwise import negative
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.shape import broadcast_to, transpose
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

MATRIX = array_type(4, 4)


def total(x: Any) -> Any:
    return sum_(x, axes=(0, 1), keepdims=False)


# A function of x and y (4, 4), and how many products by a number are left after it.
CASES: dict[str, tuple[Callable[[Value, Value], Any], int]] = {
    "a (b x)": (lambda x, y: 3.0 * (x * 0.7), 1),
    "a -x": (lambda x, y: negative(x) * 0.3, 1),
    "a (b / x)": (lambda x, y: 3.0 * (0.7 / y), 0),
    "a x + a y": (lambda x, y: 0.3 * x + y * 0.3, 1),
    "a x - a y": (lambda x, y: 0.3 * x - y * 0.3, 1),
    "a x + b y": (lambda x, y: 0.3 * x + y * 0.7, 2),
    "sum(a x)": (lambda x, y: total(0.3 * x), 1),
    "(a x) @ (b y)": (lambda x, y: matmul(0.3 * x, y * 0.7), 1),
    "(a x).T": (lambda x, y: transpose(0.3 * x, axes=(1, 0)), 1),
    "a x y b": (lambda x, y: (0.3 * x) * (y * 0.7), 1),
    "a x / y": (lambda x, y: 0.3 * (2.0 * x / y), 1),
    "x / (a y)": (lambda x, y: x / (0.3 * y), 1),
    "one of many": (lambda x, y: total(2.0 * (matmul(negative(x), 0.5 * y) * 3.0)), 1),
}


def sunk_of(graph: Graph) -> Graph:
    """Return a graph with its numbers sunk, and products of two numbers worked out."""
    for _ in range(2):
        graph = dce(simplify(fold(verify(factor(fold(graph), 0)))))
    return graph


def numbers_of(graph: Graph) -> int:
    """Return how many nodes multiply by a number or negate."""
    spread = {node.out for node in graph.nodes if node.primitive.name in ("constant",)}
    for node in graph.nodes:
        if node.primitive is broadcast_to and node.operands[0] in spread:
            spread.add(node.out)
    return sum(
        node.primitive is negative
        or (node.primitive.name == "multiply" and any(one in spread for one in node.operands))
        for node in graph.nodes
    )


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", CASES)
def test_one_number_is_left_and_the_value_is_the_same(name: str, dtype: str) -> None:
    """Within 16 ulp of the largest element: each sum of products is rounded in another order."""
    function, expected = CASES[name]
    matrix = array_type(4, 4, dtype=dtype)
    graph = build(function, x=matrix, y=matrix)
    sunk = sunk_of(graph)
    assert numbers_of(sunk) == expected
    arrays = np.random.default_rng(4).uniform(0.5, 2, size=(2, 4, 4)).astype(dtype)
    (got,), (wanted,) = evaluate(sunk, *arrays), evaluate(graph, *arrays)
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=16 * np.finfo(dtype).eps * np.max(wanted))


def test_number_sinks_to_the_smallest_array() -> None:
    """Of ``sum(2 * (x @ v), over rows)`` the product by 2 is of one number, not of 400."""
    graph = build(
        lambda x, y: sum_(matmul(2.0 * x, y), axes=(0,), keepdims=False),
        x=array_type(20, 30),
        y=array_type(30, 20),
    )
    sunk = dce(factor(graph, 0))
    assert sunk.nodes[-1].primitive.name == "multiply"
    (product,) = (node for node in sunk.nodes if node.primitive.name == "multiply")
    assert product.out.shape == (20,)


def test_number_does_not_rise() -> None:
    """``(2 v) broadcast`` and outer products would multiply larger arrays."""
    graph = build(
        lambda x, y: matmul(2.0 * x, y), x=array_type(20, 1), y=array_type(1, 20)
    )  # (20, 20) is larger than (20, 1)
    sunk = dce(factor(graph, 0))
    assert names_of(sunk.nodes)[-1] == "matmul"


@pytest.mark.parametrize("dtype", ["i4", "u1", "i8"])
def test_integers_are_left_as_they_are(dtype: str) -> None:
    """They wrap around, and their factors are not floats."""
    large = np.iinfo(dtype).max
    matrix = array_type(4, 4, dtype=dtype)
    for name in ("a (b x)", "a x + a y", "sum(a x)", "(a x) @ (b y)", "(a x).T"):
        function = CASES[name][0]

        def program(x: Value, y: Value, function: Any = function) -> Any:
            return function(x, y)

        graph = build(program, x=matrix, y=matrix)
        sunk = dce(factor(graph, 0))
        arrays = np.random.default_rng(4).integers(0, large, size=(2, 4, 4), dtype=dtype)
        np.testing.assert_array_equal(evaluate(sunk, *arrays)[0], evaluate(graph, *arrays)[0])
        if name != "a (b x)":  # the number 0.7 is 0 as an integer
            assert names_of(sunk.nodes) == names_of(dce(graph).nodes)


@pytest.mark.parametrize(("first", "second"), [(1e200, 1e200), (1e-200, 1e-200), (1e-155, 1e-155)])
def test_numbers_are_not_joined_where_their_product_loses_digits(
    first: float, second: float
) -> None:
    """``a (b x)`` may be finite, and exact, where ``a b`` is inf, 0 or has three digits left."""
    graph = build(lambda x: first * (second * x), x=array_type(1))
    quotient = build(lambda x: first * (second / x), x=array_type(1))
    for one, x in ((graph, 1 / first), (quotient, second)):
        with np.errstate(all="ignore"):
            (got,), (wanted,) = (evaluate(g, np.array([x])) for g in (factor(one, 0), one))
        np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_zero_and_infinite_numbers() -> None:
    """Are joined like others."""
    for number in (0.0, np.inf, np.nan):
        graph = build(lambda x, number=number: 3.0 * (x * number), x=array_type(2))
        sunk = sunk_of(graph)
        assert numbers_of(sunk) == 1
        array = np.array([2.0, -3.0])
        np.testing.assert_array_equal(evaluate(sunk, array), evaluate(graph, array))


@pytest.mark.parametrize("name", ["a (b x)", "a x + a y", "sum(a x)", "(a x).T", "a x / y"])
def test_hooked_products_stay(name: str) -> None:
    """The gradient of ``a x`` is another one than that of ``x``."""
    graph = build(CASES[name][0], x=MATRIX, y=MATRIX)
    nodes: list[Any] = []
    with Builder() as builder:
        for node in graph.nodes:
            builder.nodes.append(node)
            if node.primitive.name == "multiply" and node is not graph.nodes[-1]:
                builder.add(hook, (node.out,), {"hook": None})
        nodes = builder.nodes
    kept = Graph(graph.params, tuple(nodes), graph.outputs)
    hooked = [node.operands[0] for node in nodes if node.primitive is hook]
    assert hooked
    made = factor(kept, 0).producers()
    assert [made[value] for value in hooked] == [kept.producers()[value] for value in hooked]
    readers = factor(kept, 0).users()
    assert all(len(readers[value]) == 2 for value in hooked)  # the hook, and who read it before


def test_factor_that_is_read_twice_stays() -> None:
    """Moved to each of its readers it would be multiplied twice."""

    def program(x: Value, y: Value) -> Any:
        z = 2.0 * x
        return total(z), matmul(z, y)

    graph = build(program, x=MATRIX, y=MATRIX)
    assert numbers_of(dce(factor(graph, 0))) == 1


def test_order_of_the_user_is_kept() -> None:
    """What the first outputs depend on is computed as it is written; what else reads it, too."""

    def program(x: Value, y: Value) -> Any:
        scaled = 0.3 * x
        return 2.0 * (scaled * 3.0), total(0.7 * (scaled + y * 0.7))

    graph = build(program, x=MATRIX, y=MATRIX)
    kept, free = factor(graph, 1), factor(graph, 0)
    count = graph.nodes.index(graph.producers()[graph.outputs[0]])
    users = [node for node in graph.nodes[: count + 1] if node in kept.nodes]
    assert users == list(graph.nodes[: count + 1])
    assert kept.outputs[0] is graph.outputs[0]
    assert kept.outputs[1] is not graph.outputs[1]
    assert free.outputs[0] is not graph.outputs[0]
