"""Names in generated code: the user's own, and never two things under one."""

import builtins
import keyword
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import GradcError
from gradc.compiler.ir import Builder, Value
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import exp
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin
from gradc.compiler.types import Sym

from gradc import compile_grad, register_hook, spec, while_loop

from ...build import array_type, build
from ...emitted import body_of, emitted, function_of

TABLE = np.array([1.0, 5.0, 7.0])
RESERVED = ["np", "t", "t1", "t2", "c", "c1", "hook_1", "hook_1_1", "run", "_arrays", "x_1"]
RESERVED += ["class", "lambda", "None", "print", "bool", "sum", "π", "naïve", "_0_", "_1_"]


def program(first: Value, second: Value) -> Any:
    """Return something with a constant, a call-back, temporaries and a rebound name."""
    builder = Builder.current()
    scaled = first * builder.constant(TABLE)
    attrs = {"callback": Callback("hook_1", np.negative), "types": (first.type,)}
    (called,) = builder.add(callback, (scaled,), attrs)
    once = sin(called)
    once.name = first.name
    twice = cos(once) + exp(once) * second
    twice.name = second.name
    return once, twice + once


def expected(first: Any, second: Any) -> Any:
    once = np.sin(-(first * TABLE))
    return once, np.cos(once) + np.exp(once) * second + once


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("other", ["x", "t1", "c1"])
def test_any_name_of_the_user(name: str, other: str) -> None:
    """A param that is called like what the module itself says, and is rebound."""
    if name == other:
        other = "y"
    graph = build(program, **{name: array_type(3), other: array_type(3)})
    x, y = np.random.default_rng(1).normal(size=(2, 3))
    for got, wanted in zip(function_of(emitted(graph))(x, y), expected(x, y), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_names_are_kept_where_they_can_be() -> None:
    """Also those that look like constants; keywords and builtins get a number."""
    for name in ("x", "c", "c7", "π", "_hidden", "Kelvin"):
        assert body_of(emitted(build(sin, **{name: array_type(3)})))[0] == f"t1 = np.sin({name})"
    for name in ("class", "sum", "np"):
        assert name in keyword.kwlist or name in dir(builtins) or name == "np"
        assert f"np.sin({name}_1)" in emitted(build(sin, **{name: array_type(3)})).text


def test_unnamed_values_are_numbered_in_order() -> None:
    def chain(x: Value) -> Any:
        first, second = sin(x), cos(x)
        return first, second, first * second

    assert body_of(emitted(build(chain, x=array_type(3)))) == [
        "t1 = np.sin(x)",
        "t2 = np.cos(x)",
        "t3 = t1 * t2",
        "return t1, t2, t3",
    ]


def test_variables_of_a_function_called_like_generated_names() -> None:
    """Through capture: each is what it is, value and gradient."""

    def function(c1: Any, ct_c1: Any, t1: Any) -> Any:
        hook_1 = c1 * TABLE
        register_hook(hook_1, lambda gradient: gradient * scale)
        count1 = hook_1[hook_1 > 0.0]
        ct_hook_1 = np.mean(count1) + np.sum(ct_c1 * t1)
        return ct_hook_1 * np.sum(t1)

    scale = 2.0  # in a closure: the hook is a call-back
    args = np.array([1.0, -2.0, 3.0]), np.array([0.5, 1.0, 2.0]), np.array([1.0, 2.0, 4.0])
    value, (by_first, by_second) = compile_grad(function, wrt=(0, 1)).value_and_grad(*args)
    assert value == (11.0 + 10.5) * 7.0
    np.testing.assert_allclose(by_first, [7.0, 0.0, 49.0], rtol=1e-14)
    np.testing.assert_allclose(by_second, args[2] * 7.0, rtol=1e-14)


def test_sizes_in_the_body_of_a_loop_are_not_called_like_variables_outside() -> None:
    """They are found out within: what the loop counts kept its name, and never ended."""

    def halved(x: Any) -> Any:
        count1 = count2 = np.array(0)

        def body(carry: Any) -> Any:
            x, count1, count2 = carry
            x[x > 0.4] *= 0.5
            x[x > 0.4] *= 0.5
            return x, count1 + 1, count2 + 1

        x, count1, count2 = while_loop(lambda c: (c[1] < 4) & (c[2] < 4), body, (x, count1, count2))
        return np.sum(x) * count1 * count2

    value, slope = compile_grad(halved).value_and_grad(np.array([0.1, 1.0, 3.0, 9.0]))
    assert value == 16 * (0.1 + 0.25 + 0.375 + 9 / 32)
    np.testing.assert_allclose(slope, 16 * np.array([1, 1 / 4, 1 / 8, 1 / 32]), rtol=1e-14)


@pytest.mark.parametrize("size", ["n", "t1", "c1", "x", "hook_1", "run", "t"])
def test_names_of_sizes(size: str) -> None:
    """A size is a variable of the module like others, and shadows none of them."""

    def sized(x: Value, y: Value) -> Any:
        builder = Builder.current()
        ones = builder.full(x.type, 1)
        attrs = {"callback": Callback("hook_1", np.negative), "types": (x.type,)}
        (called,) = builder.add(callback, (exp(x),), attrs)
        return called * ones, sin(y) * builder.constant(TABLE), ones

    graph = build(sized, x=array_type(Sym.named(size)), y=array_type(3))
    function = function_of(emitted(graph))
    for n in (1, 4):
        negative, scaled, ones = function(np.zeros(n), TABLE)
        np.testing.assert_array_equal(negative, -np.ones(n))
        np.testing.assert_array_equal(scaled, np.sin(TABLE) * TABLE)
        np.testing.assert_array_equal(ones, np.ones(n))


@pytest.mark.parametrize("size", ["np", "class", "lambda", "bool"])
def test_sizes_that_the_code_says_itself_are_refused(size: str) -> None:
    with pytest.raises(GradcError, match="spec"):
        spec(f"f8[{size},3]")


def test_two_call_backs_of_one_name() -> None:
    """Two different functions are two params; one that is called twice is one."""
    twice, thrice = (Callback("scale", lambda x, k=k: k * x) for k in (2.0, 3.0))

    def called(x: Value) -> Any:
        results = []
        for one in (twice, thrice, twice):
            attrs = {"callback": one, "types": (x.type,)}
            results += Builder.current().add(callback, (x,), attrs)
        return results

    module = emitted(build(called, x=array_type()))
    assert list(module.callbacks) == ["scale", "scale_1"]
    assert function_of(module)(np.float64(1.0)) == (2.0, 3.0, 2.0)
