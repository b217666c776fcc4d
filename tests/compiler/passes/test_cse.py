"""What occurs twice is computed once, unless it is not the same thing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Value
from gradc.compiler.passes.cse import cse
from gradc.compiler.passes.dce import dce
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import cast, copy, exp
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.verify import verify

from gradc import compile_grad, register_hook

from ..build import array_type, build, names_of

VECTOR = array_type(3)


def test_what_follows_from_equal_values_is_equal() -> None:
    """In one walk: the sines are equal once the exponentials are, and so are the constants."""
    graph = build(lambda x: sin(exp(x) * 2.0) + sin(exp(x) * 2.0), x=VECTOR)
    assert len(graph.nodes) == 11
    merged = verify(cse(graph))
    assert names_of(merged.nodes) == ["exp", "constant", "broadcast_to", "multiply", "sin", "add"]
    x = np.array([0.1, 0.2, 0.3])
    np.testing.assert_array_equal(evaluate(merged, x), evaluate(graph, x))


@pytest.mark.parametrize(
    "program",
    [
        lambda x: (exp(x), sin(x)),
        lambda x: (x - exp(x), exp(x) - x),
        lambda x: (sum_(x, axes=(0,), keepdims=True), sum_(x, axes=(0,), keepdims=False)),
        lambda x: (cast(x, dtype=np.dtype("f4")), cast(x, dtype=np.dtype("i4"))),
        lambda x: (x * 0.0, x * -0.0),
    ],
    ids=["primitive", "order of operands", "attrs", "dtype", "sign of zero"],
)
def test_what_differs_stays(program: Any) -> None:
    first, second = cse(build(program, x=VECTOR)).outputs
    assert first is not second


def test_equal_constants_of_other_dtypes_stay() -> None:
    """1 and 1.0 and True are equal to Python."""

    def program(x: Value) -> Any:
        builder = Builder.current()
        return [builder.constant(np.asarray(1, dtype)) for dtype in ("f8", "f4", "i8", "?", "f8")]

    outputs = cse(build(program, x=VECTOR)).outputs
    assert len(set(outputs)) == 4
    assert outputs[0] is outputs[4]


def test_not_over_the_border_of_no_grad() -> None:
    """A value without gradient is not one with it."""
    graph = build(lambda x: (exp(x), exp(x), exp(x)), x=VECTOR)
    nodes = (graph.nodes[0], *(replace(node, detached=True) for node in graph.nodes[1:]))
    first, second, third = cse(replace(graph, nodes=nodes)).outputs
    assert first is not second
    assert second is third


def test_hooked_values_stay_in_either_order() -> None:
    """Merged, a hook would see the gradient of both."""
    for place in (0, 1):

        def program(x: Value, place: int = place) -> Any:
            values = exp(x), exp(x)
            Builder.current().add(hook, (values[place],), {"hook": None})
            return values

        first, second = cse(build(program, x=VECTOR)).outputs
        assert first is not second


def test_hook_sees_its_own_value_only() -> None:
    """The same from outside: the hook on one of two equal expressions doubles its part alone."""

    def program(x: Any) -> Any:
        first, second = np.exp(x), np.exp(x)
        register_hook(first, lambda gradient: gradient * 2.0)
        return np.sum(first + second)

    np.testing.assert_array_equal(compile_grad(program).grad(np.zeros(2)), [3.0, 3.0])


def test_call_backs_are_called_each_time() -> None:
    seen: list[Any] = []
    attrs = {"callback": Callback("note", seen.append), "types": ()}

    def program(x: Value) -> Any:
        for _ in range(2):
            Builder.current().add(callback, (exp(x),), attrs)
        return x

    evaluate(cse(build(program, x=array_type())), 0.0)
    assert seen == [1.0, 1.0]


def test_name_of_the_user_is_kept() -> None:
    """The first occurrence was unnamed."""

    def program(x: Value) -> Any:
        first, second = copy(x), copy(x)
        second.name = "y"
        return first * second

    assert dce(cse(build(program, x=VECTOR))).nodes[0].out.name == "y"
