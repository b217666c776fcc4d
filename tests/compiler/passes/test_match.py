"""Patterns: what a function in the object language describes, and finding it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.ir import Builder, Graph, Node, Value
from gradc.compiler.passes.match import AnyAttr, match, pattern_of
from gradc.compiler.passes.rewriter import Rewriter
from gradc.compiler.primitives.control import hook
from gradc.compiler.primitives.elementwise import exp, log, multiply, subtract
from gradc.compiler.primitives.reduce import sum_

from ..build import array_type, build

VECTOR = array_type(3)


def matched(pattern: Callable[..., Any], graph: Graph) -> dict[str, Any] | None:
    """Return what a pattern's names stand for in the last node of a graph."""
    found: list[Any] = []

    def rewrite(rewriter: Rewriter, node: Node) -> None:
        found.append(match(rewriter, pattern_of(pattern), node))

    Rewriter(graph).run(rewrite)
    return found[-1]


def in_graph(program: Callable[..., Any], pattern: Callable[..., Any], **types: Any) -> Any:
    return matched(pattern, build(program, **types))


def test_pattern_is_what_the_function_says() -> None:
    pattern = pattern_of(lambda x, *, axes: log(sum_(exp(x), axes=axes, keepdims=True)))
    assert pattern.primitive is log
    (inner,) = pattern.operands
    assert inner.primitive is sum_
    assert inner.attrs["keepdims"] is True
    assert isinstance(inner.attrs["axes"], AnyAttr)


def test_names_stand_for_values_and_attrs() -> None:
    graph = build(lambda x: log(sum_(exp(x), axes=(0,), keepdims=True)), x=VECTOR)
    found = matched(lambda x, *, axes: log(sum_(exp(x), axes=axes, keepdims=True)), graph)
    assert found == {"x": graph.params[0], "axes": (0,)}


def test_attrs_that_are_given_must_be_equal() -> None:
    program = lambda x: log(sum_(exp(x), axes=(0,), keepdims=False))  # noqa: E731
    assert not in_graph(program, lambda x: log(sum_(exp(x), axes=(0,), keepdims=True)), x=VECTOR)


def test_one_attr_has_one_value() -> None:
    """Wherever its name occurs."""

    def program(x: Value, y: Value) -> Any:
        return sum_(x, axes=(0,), keepdims=True) - sum_(y, axes=(1,), keepdims=True)

    def pattern(x: Any, y: Any, *, axes: Any) -> Any:
        return subtract(sum_(x, axes=axes, keepdims=True), sum_(y, axes=axes, keepdims=True))

    one = array_type(1, 1)
    assert in_graph(program, pattern, x=one, y=one) is None


def test_one_name_stands_for_one_value() -> None:
    pattern = lambda x: subtract(exp(x), x)  # noqa: E731
    assert in_graph(lambda x, y: exp(x) - y, pattern, x=VECTOR, y=VECTOR) is None
    assert in_graph(lambda x, y: exp(y) - y, pattern, x=VECTOR, y=VECTOR) is not None


def test_commutative_operands_in_either_order() -> None:
    """With a second try where the first choice turns out wrong; not so for a difference."""
    pattern = lambda x, y: multiply(exp(x), multiply(x, y))  # noqa: E731
    for program in (
        lambda x, y: exp(x) * (x * y),
        lambda x, y: exp(x) * (y * x),
        lambda x, y: (x * y) * exp(x),
        lambda x, y: (y * x) * exp(x),
    ):
        found = in_graph(program, pattern, x=VECTOR, y=VECTOR)
        assert {key: value.name for key, value in found.items()} == {"x": "x", "y": "y"}
    assert not in_graph(lambda x: exp(x) - 1.0, lambda x: 1.0 - exp(x), x=VECTOR)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_numbers_stand_for_themselves_in_every_shape(dtype: str) -> None:
    """As scalars, and as arrays that repeat them; other arrays of equal elements are not known."""
    pattern = lambda x: multiply(x, 2.0)  # noqa: E731
    for shape in ((), (3,), (2, 0)):
        one = array_type(*shape, dtype=dtype)
        assert in_graph(lambda x: x * 2.0, pattern, x=one)
        assert in_graph(lambda x: 2.0 * x, pattern, x=one)
        assert not in_graph(lambda x: x * 3.0, pattern, x=one)
        assert not in_graph(lambda x: x * x, pattern, x=one)

    def array(x: Value) -> Any:
        return x * Builder.current().constant(np.full(3, 2.0))

    assert not in_graph(array, pattern, x=VECTOR)


def test_not_a_number_is_no_number() -> None:
    assert not in_graph(lambda x: x * np.nan, lambda x: multiply(x, np.nan), x=VECTOR)


def test_neither_into_hooked_values_nor_across_no_grad() -> None:
    pattern = lambda x: log(exp(x))  # noqa: E731
    graph = build(lambda x: log(exp(x)), x=VECTOR)
    inner, outer = graph.nodes
    assert matched(pattern, graph) is not None
    for marks in ((True, False), (False, True)):
        nodes = [replace(n, detached=m) for n, m in zip(graph.nodes, marks, strict=True)]
        assert matched(pattern, replace(graph, nodes=tuple(nodes))) is None
    both = tuple(replace(node, detached=True) for node in graph.nodes)
    assert matched(pattern, replace(graph, nodes=both)) is not None
    mark = Node(hook, inner.outs, {"hook": None}, ())
    assert matched(pattern, replace(graph, nodes=(inner, mark, outer))) is None


def test_root_may_be_hooked() -> None:
    """It is the walk that leaves hooked values; the pattern matches."""
    graph = build(lambda x: log(exp(x)), x=VECTOR)
    mark = Node(hook, graph.outputs, {"hook": None}, ())
    rewriter = Rewriter(replace(graph, nodes=(*graph.nodes, mark)))
    asked: list[Node] = []
    rewriter.run(lambda _, node: asked.append(node))
    assert asked == [graph.nodes[0]]
