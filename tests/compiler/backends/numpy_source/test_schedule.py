"""Which nodes are statements, and which stand inside another's expression."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.numpy_source.schedule import MOST_IN_LINE, schedule
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, SourceLine, Value
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import copy, exp
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin
from gradc.compiler.primitives.index import slice_
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.primitives.shape import broadcast_to
from hypothesis import given, settings

from ...build import array_type, build
from ...emitted import body_of, emitted, function_of
from ...passes.random_graphs import graph_of, steps

VECTOR = array_type(4)


def statements(program: Any, **types: Any) -> list[str]:
    return body_of(emitted(build(program, **(types or {"x": VECTOR}))))


def test_small_results_read_once_are_nested() -> None:
    assert statements(lambda x: sin(exp(x)) + x) == ["t1 = np.sin(np.exp(x)) + x", "return t1"]


def test_what_is_read_twice_is_a_statement() -> None:
    def program(x: Value) -> Any:
        y = exp(x)
        return sin(y) * y

    assert statements(program)[0] == "t1 = np.exp(x)"


def test_what_has_a_name_of_the_user_is_a_statement() -> None:
    def program(x: Value) -> Any:
        y = exp(x)
        y.name = "y"
        return sin(y)

    assert statements(program) == ["y = np.exp(x)", "t1 = np.sin(y)", "return t1"]


def test_one_statement_is_of_one_line_of_the_user() -> None:
    """Views apart, which cost nothing."""

    def program(x: Value) -> Any:
        builder = Builder.current()
        builder.origin = SourceLine("model.py", 1)
        y, part = exp(x), slice_(x, index=(Slice(None, None, -1),))
        builder.origin = SourceLine("model.py", 2)
        return y + part

    assert statements(program)[:2] == ["t1 = np.exp(x)", "t2 = t1 + x[::-1]"]


def test_lines_do_not_grow_without_end() -> None:
    def program(x: Value) -> Any:
        for _ in range(20):
            x = sin(x)
        return x

    assert max(line.count("np.") for line in statements(program)) <= MOST_IN_LINE


@pytest.mark.parametrize("readers", [1, 2])
def test_operand_of_a_broadcast_is_computed_once(readers: int) -> None:
    """A broadcast is written wherever it is read, and what it is of would be with it."""

    def program(x: Value, m: Value) -> Any:
        wide = broadcast_to(exp(x), shape=(3, 4))
        return (m * wide, cos(wide)) if readers == 2 else m * wide

    body = statements(program, x=VECTOR, m=array_type(3, 4))
    assert sum(line.count("np.exp") for line in body) == 1
    assert (body[0] == "t1 = np.exp(x)") == (readers == 2)


def test_returned_broadcast_is_of_a_statement() -> None:
    body = statements(lambda x: broadcast_to(exp(x), shape=(3, 4)))
    assert body == ["t1 = np.exp(x)", "return np.broadcast_to(t1, (3, 4)).copy()"]


def test_copies_and_operands_of_call_backs_are_statements() -> None:
    """They run at their place."""

    def program(x: Value) -> Any:
        attrs = {"callback": Callback("note", print), "types": ()}
        Builder.current().add(callback, (exp(x),), attrs)
        return sin(copy(x))

    assert statements(program) == [
        "t1 = np.exp(x)", "note(t1)", "t2 = x.copy()", "t3 = np.sin(t2)", "return t3",
    ]  # fmt: skip


@settings(max_examples=100)
@given(steps())
def test_everything_is_computed_at_most_once(drawn: Any) -> None:
    """Every function of NumPy in the graph stands in the text as often as in the graph."""
    graph = graph_of(drawn)
    text = "\n".join(body_of(emitted(graph)))
    for function in ("np.sin(", "np.tanh(", "np.exp(", "np.maximum("):
        name = function[3:-1]
        count = sum(node.primitive.name == name for node in graph.nodes)
        assert text.count(function) == count


@settings(max_examples=100)
@given(steps())
def test_positions_follow_the_statements(drawn: Any) -> None:
    """A nested node has the place of its statement, which is not before its own."""
    graph = graph_of(drawn)
    plan = schedule(graph)
    for place, node in enumerate(graph.nodes):
        assert plan.position[node] >= place
        if node.out not in plan.inlined:
            assert plan.position[node] == place
    arrays = np.ones((4, 4)), np.ones((4, 4)), np.ones(4), np.float64(1)
    with np.errstate(all="ignore"):
        results = function_of(emitted(graph))(*arrays)
    for got, wanted in zip(results, evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(got, wanted)
