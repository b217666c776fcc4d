"""Eager evaluation: node by node, through the NumPy text of the entries."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import GradcError
from gradc.compiler.evaluate import evaluate, evaluate_node
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import add, exp, maximum
from gradc.compiler.primitives.index import update
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.selection import Slice

from .build import array_type, build


def test_graph_computes_what_numpy_does() -> None:
    """Params by position, outputs in order; a param may be an output."""

    def program(x: Value, y: Value) -> Any:
        z = exp(x) / y + 1.0
        return z, sum_(z, axes=(0,), keepdims=False), x

    x, y = np.array([0.0, 1.0]), np.array([2.0, 4.0])
    z, total, same = evaluate(build(program, x=array_type(2), y=array_type(2)), x, y)
    np.testing.assert_array_equal(z, np.exp(x) / y + 1)
    assert total == z.sum()
    assert same is x


def test_scalars_are_numpy_scalars() -> None:
    """Rank 0 gives np.float32, as NumPy does, and never a Python float or a 0-d array."""
    graph = build(lambda x: x + 1.0, x=array_type(dtype="f4"))
    for given in (np.float32(1), np.array(1, "f4")):
        (result,) = evaluate(graph, given)
        assert type(result) is np.float32
        assert result == 2


def test_stores_leave_their_operand_alone() -> None:
    """A graph is made of values: the array that is stored into stays as it was."""
    x = np.zeros(3)
    graph = build(lambda x, v: update(x, v, index=(Slice(1),)), x=array_type(3), v=array_type(2))
    (result,) = evaluate(graph, x, np.ones(2))
    np.testing.assert_array_equal(result, [0, 1, 1])
    np.testing.assert_array_equal(x, 0)


def test_constants_cannot_be_changed() -> None:
    """A graph is run many times: a constant handed out must not be writable."""
    graph = build(lambda x: (Builder.current().constant(np.ones(2)), x), x=array_type())
    ones, _ = evaluate(graph, 0.0)
    with pytest.raises(ValueError, match="read-only"):
        ones[0] = 5


def test_callbacks_run_in_order() -> None:
    """With none, one and several results; hooks do nothing here."""
    seen: list[Any] = []
    x = Value(array_type(), "x")

    def node(function: Any, *types: Any) -> Any:
        attrs = {"callback": Callback("call", function), "types": types}
        return Builder.current().add(callback, (x,), attrs)

    with Builder() as builder:
        node(lambda value: seen.append(("first", value)))
        (one,) = node(lambda value: seen.append(("second", value)) or value * 2, x.type)
        left, right = node(lambda value: (value + 1, value + 2), x.type, x.type)
        builder.add(hook, (x,), {"hook": None})
        total = add(add(one, left), right)
    assert evaluate(Graph((x,), tuple(builder.nodes), (total,)), 10.0) == (43.0,)
    assert seen == [("first", 10.0), ("second", 10.0)]


def test_wrong_number_of_arrays_is_an_error() -> None:
    """Silently dropping one would compute something else."""
    graph = build(lambda x: exp(x), x=array_type())
    with pytest.raises(ValueError, match="argument 2 is longer"):
        evaluate(graph, 1.0, 2.0)


def test_primitive_without_text_says_so() -> None:
    """Hooks and call-backs mean nothing on arrays."""
    with pytest.raises(GradcError, match="hook cannot be evaluated"):
        hook.evaluate(np.ones(2), hook=None)


def test_result_has_the_dtype_of_the_type_rule() -> None:
    """A node says its dtype; Python numbers among operands may not change it."""
    node = build(lambda x, y: maximum(x, y), x=array_type(dtype="f4"), y=array_type(dtype="f4"))
    (result,) = evaluate_node(node.nodes[0], [1.0, 2.0])
    assert type(result) is np.float32
