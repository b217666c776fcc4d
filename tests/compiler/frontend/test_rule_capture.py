"""What rules have to give, and what is said where they give something else.

The line that is named is that of the call: there the rules are captured.
"""

from typing import Any

import numpy as np
import pytest

import gradc
from gradc import CaptureError, DerivativeError, TypeRuleError

from ...refusal import Refusal, Refusals, check_error

X = np.array([0.5, -1.5, 2.0])


def by_vjp(
    forward: Any = lambda x: (x * 2.0, None),
    backward: Any = lambda _, ct: (ct,),
    function: Any = lambda x: x * 2.0,
) -> Any:
    made = gradc.custom_vjp(function)
    made.defvjp(forward, backward)
    return made


def by_jvp(rule: Any, function: Any = lambda x: x * 2.0) -> Any:
    made = gradc.custom_jvp(function)
    made.defjvp(rule)
    return made


def storing(x: Any) -> Any:
    x[0] = 1.0
    return x * 2.0


def hooking(x: Any) -> Any:
    y = x * 2.0
    gradc.register_hook(y, lambda g: g)
    return y, None


def looping(x: Any) -> Any:
    def body(i: Any, y: Any) -> Any:
        gradc.register_hook(y, lambda g: g)
        return y

    return gradc.fori_loop(0, 2, body, x * 2.0), None


# The function, what is wrong, what was got.
WRONG: dict[str, tuple[Any, type, str, str]] = {
    "no_rules": (
        gradc.custom_vjp(lambda x: x),
        CaptureError,
        "has no derivative rules",
        "",
    ),
    "no_tangent_rule": (gradc.custom_jvp(lambda x: x), CaptureError, "no derivative rules", ""),
    "no_pair": (
        by_vjp(forward=lambda x: x * 2.0),
        TypeRuleError,
        "must return a pair: its result and residuals",
        "array",
    ),
    "three_results": (
        by_vjp(forward=lambda x: (x, x, x)),
        TypeRuleError,
        "must return a pair",
        "(array, array, array)",
    ),
    "other_structure": (
        by_vjp(forward=lambda x: ([x], None)),
        TypeRuleError,
        "another structure than the function",
        "[array], not array",
    ),
    "other_shape": (
        by_vjp(forward=lambda x: (x[:2], None)),
        TypeRuleError,
        "of another type than the function",
        "(2,) float64 for (3,) float64",
    ),
    "other_dtype": (
        by_vjp(forward=lambda x: (x.astype(np.float32), None)),
        TypeRuleError,
        "of another type than the function",
        "(3,) float32 for (3,) float64",
    ),
    "cotangent_alone": (
        by_vjp(backward=lambda _, ct: ct),
        TypeRuleError,
        "must return a tuple with a cotangent for each argument",
        "array for 1 argument",
    ),
    "cotangents_in_list": (
        by_vjp(backward=lambda _, ct: [ct]),
        TypeRuleError,
        "must return a tuple",
        "[array] for 1 argument",
    ),
    "too_many_cotangents": (
        by_vjp(backward=lambda _, ct: (ct, None)),
        TypeRuleError,
        "must return a tuple",
        "(array, None) for 1 argument",
    ),
    "structured_cotangent": (
        by_vjp(backward=lambda _, ct: ({"x": ct},)),
        TypeRuleError,
        "for argument 0 has another structure",
        "{'x': array} for array",
    ),
    "cotangent_shape": (
        by_vjp(backward=lambda _, ct: (np.sum(ct),)),
        TypeRuleError,
        "a cotangent for x that is not of its type",
        "() float64 for (3,) float64",
    ),
    "cotangent_dtype": (
        by_vjp(backward=lambda _, ct: (ct.astype(np.float32),)),
        TypeRuleError,
        "a cotangent for x that is not of its type",
        "(3,) float32 for (3,) float64",
    ),
    "function_stores": (
        by_vjp(function=storing),
        CaptureError,
        "storing stores to its argument x",
        "x: (3,) float64",
    ),
    "rule_stores": (
        by_vjp(forward=lambda x: (storing(x), None)),
        CaptureError,
        "the forward rule of <lambda> stores to its argument x",
        "x: (3,) float64",
    ),
    "rule_hooks": (by_vjp(forward=hooking), CaptureError, "registers a hook", ""),
    "rule_hooks_in_loop": (by_vjp(forward=looping), CaptureError, "registers a hook", ""),
    "tangent_alone": (
        by_jvp(lambda primals, tangents: tangents[0]),
        TypeRuleError,
        "must return a pair: the result and its tangent",
        "array",
    ),
    "tangent_shape": (
        by_jvp(lambda primals, tangents: (primals[0], tangents[0][0])),
        TypeRuleError,
        "gives a tangent not of the result's type",
        "() float64 for (3,) float64",
    ),
    "tangent_dtype": (
        by_jvp(lambda primals, tangents: (primals[0], tangents[0].astype(np.float32))),
        TypeRuleError,
        "gives a tangent not of the result's type",
        "(3,) float32 for (3,) float64",
    ),
    "tangent_structure": (
        by_jvp(lambda primals, tangents: (primals[0], tangents)),
        TypeRuleError,
        "the tangent that the rule of <lambda> gives for the result has another structure",
        "(array,) for array",
    ),
    "nonlinear_tangent": (
        by_jvp(lambda primals, tangents: (primals[0], tangents[0] ** 2)),
        DerivativeError,
        "not linear in its tangents, so it has no reverse mode",
        "",
    ),
    "result_of_tangent": (
        by_jvp(lambda primals, tangents: (tangents[0], tangents[0])),
        DerivativeError,
        "not linear in its tangents",
        "",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_are_refused(name: str) -> None:
    """In the user's terms, at the call."""
    function, kind, what, got = WRONG[name]

    def loss(x: Any) -> Any:
        return np.sum(function(x))  # here

    Refusal(loss, kind, what, (X,), got, "").check()


REFUSED = Refusals()
refused = REFUSED.refused


@refused(TypeRuleError, "a cotangent for n, which is not floating-point", X, got="n: () int64")
def cotangent_of_integer(x):
    @gradc.custom_vjp
    def f(x, n):
        return x * n

    f.defvjp(lambda x, n: (f(x, n), None), lambda _, ct: (ct, 0.0))
    return np.sum(f(x, 3))  # here


@refused(TypeRuleError, "a tangent for the_result_n, which is not floating", X, fix="None")
def tangent_of_integer(x):
    @gradc.custom_jvp
    def f(x):
        return {"y": x, "n": np.argmax(x)}

    f.defjvp(lambda primals, tangents: (f(*primals), {"y": tangents[0], "n": 0.0}))
    return np.sum(f(x)["y"])  # here


@refused(TypeRuleError, "defjvps of f takes a rule for each argument", X, got="1 for 2 arguments")
def too_few_rules(x):
    @gradc.custom_jvp
    def f(x, y):
        return x * y

    f.defjvps(lambda t, out, x, y: t)
    return np.sum(f(x, x))  # here


@refused(CaptureError, "names a parameter that there is not", X, got="2, of 1 arguments")
def static_argument_that_is_not_there(x):
    @gradc.custom_jvp(nondiff_argnums=2)
    def f(x):
        return x

    f.defjvp(lambda n, primals, tangents: (primals[0], tangents[0]))
    return np.sum(f(x))  # here


@refused(CaptureError, "stores to an array that was made outside", X)
def store_to_outer_array(x):
    total = np.zeros_like(x)

    @gradc.custom_jvp
    def f(x):
        total[0] = x[0]  # here
        return x

    f.defjvps(lambda t, out, x: t)
    return np.sum(f(x))


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: Refusal) -> None:
    case.check()


def test_what_is_no_function() -> None:
    """Said where it is given."""
    for make in (gradc.custom_vjp, gradc.custom_jvp):
        with pytest.raises(CaptureError) as caught:
            make(3)
        check_error(caught.value, CaptureError, "takes a function", "int", "gradc.custom_")
        with pytest.raises(CaptureError, match="positions of parameters"):
            make(np.sin, nondiff_argnums=("x",))
    with pytest.raises(CaptureError, match="defvjp takes functions"):
        gradc.custom_vjp(np.sin).defvjp(np.cos, None)
    with pytest.raises(CaptureError, match="defjvp takes functions"):
        gradc.custom_jvp(np.sin).defjvp(3)
    with pytest.raises(CaptureError, match="defjvps takes functions"):
        gradc.custom_jvp(np.sin).defjvps(3)
    with pytest.raises(CaptureError, match="does not go with nondiff_argnums"):
        gradc.custom_jvp(np.sin, 0).defjvps(np.cos)


def test_rules_must_be_there_for_plain_arrays_too() -> None:
    """A forgotten defvjp is found at the first call, wherever that is."""
    with pytest.raises(CaptureError, match="has no derivative rules"):
        gradc.custom_vjp(lambda x: x)(X)


def test_backward_rule_that_is_not_linear() -> None:
    """It has no forward mode; reverse mode, and its derivative, it has."""
    clipped = by_vjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1, 1),), lambda x: x)
    f = gradc.compile_grad(lambda x: np.sum(clipped(x) ** 2))
    with pytest.raises(DerivativeError) as caught:
        f.jvp((X,), X)
    check_error(
        caught.value,
        DerivativeError,
        "the backward rule of <lambda> is not linear in the cotangents, so it has no forward mode",
        fix="use reverse mode (grad, vjp), or define the function with custom_jvp",
    )
    np.testing.assert_array_equal(f.grad(X), [1.0, -1.0, 1.0])
    point = X / 3.5
    inside = np.abs(2 * point) < 1
    np.testing.assert_array_equal(f.hvp((point,), X), np.where(inside, 2 * X, 0.0))
