"""How functions with derivative rules are called: arguments, outer values, and where they stand."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import CaptureError, func

X = np.array([0.5, -1.5, 2.0])


def doubled_slope() -> Any:
    """Return the sine, whose derivative is said to be twice what it is."""

    @gradc.custom_vjp
    def f(x):
        return np.sin(x)

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (2.0 * np.cos(x) * ct,))
    return f


F = doubled_slope()
SLOPE = 2.0 * np.cos(X)


def test_plain_arrays_run_the_function_itself() -> None:
    """Rules are looked at in compiled functions only."""
    called = []

    @gradc.custom_jvp
    def f(x):
        called.append(type(x))
        return x * 2.0

    f.defjvp(lambda primals, tangents: pytest.fail("not called"))
    np.testing.assert_array_equal(f(X), 2 * X)
    assert called == [np.ndarray]
    assert f.__name__ == "f"


def test_keywords_and_defaults_are_arguments() -> None:
    @gradc.custom_vjp
    def f(x, scale=3.0, *, shift=None):
        return x * scale

    @gradc.custom_vjp
    def g(x, scale=3.0):
        return x * scale

    g.defvjp(lambda x, scale: (x * scale, (x, scale)), lambda r, ct: (ct * r[1], np.sum(ct * r[0])))
    f.defvjp(lambda x, scale: None, lambda r, ct: None)
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(g(x)))(X), [3.0, 3.0, 3.0])
    assert func.grad(lambda s: np.sum(g(scale=s, x=X)))(2.0) == 1.0
    with pytest.raises(CaptureError, match="keywords only"):
        func.grad(lambda x: np.sum(f(x, shift=1)))(X)


@pytest.mark.parametrize("function", [np.exp, functools.partial(np.power, 3.0)])
def test_functions_of_numpy(function: Any) -> None:
    """Their options (out, where, dtype) are no arguments of the rules."""
    f = gradc.custom_jvp(function)
    f.defjvps(lambda t, out, x: 3.0 * t * out)
    np.testing.assert_allclose(func.grad(lambda x: np.sum(f(x)))(X), 3.0 * function(X))


def test_function_that_is_compiled() -> None:
    """What compile_grad returns, given rules that replace its own derivative."""
    compiled = gradc.compile_grad(lambda x: np.sin(x))
    f = gradc.custom_vjp(compiled)
    f.defvjp(lambda x: (compiled(x), x), lambda x, ct: (ct * 5.0 * x,))
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x)))(X), 5.0 * X)


def test_rules_that_use_the_function_for_other_shapes() -> None:
    """Each shape has its own; without an end it is refused."""

    @gradc.custom_jvp
    def total(x):
        return np.sum(x)

    @total.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        rest = total(x[1:]) * 0.0 if x.shape[0] > 1 else 0.0
        return total(x), np.sum(t) * 2.0 + rest

    np.testing.assert_array_equal(func.grad(total)(X), [2.0, 2.0, 2.0])
    total.defjvp(lambda primals, tangents: (total(np.append(primals[0], 1.0)), np.sum(tangents[0])))
    with pytest.raises(CaptureError, match="a function calls itself"):
        func.grad(total)(X)


def test_python_numbers_yield_to_the_dtype_of_arrays() -> None:
    """float32 stays float32 beside a Python number, whose own gradient may come as float32."""

    @gradc.custom_vjp
    def f(x, scale):
        return x * scale

    f.defvjp(lambda x, s: (f(x, s), (x, s)), lambda r, ct: (ct * r[1], np.sum(ct * r[0])))
    x = X.astype(np.float32)
    by_x, by_scale = func.grad(lambda x, s: np.sum(f(x, s)), wrt=(0, 1))(x, 2.0)
    assert by_x.dtype == np.float32
    assert by_scale == np.float64(1.0)


def test_structures_go_in_and_out() -> None:
    """Dataclasses, lists, None and integers, which have no derivative."""

    @dataclass
    class Layer:
        w: Any
        b: Any

    @gradc.custom_vjp
    def f(layer, k, xs):
        return {"y": layer.w * xs[0] + layer.b, "k": k + 1, "nothing": None}

    def backward(residuals, ct):
        layer, xs = residuals
        assert ct["k"] is None
        return Layer(ct["y"] * xs[0], np.sum(ct["y"])), None, [7.0 * ct["y"], None]

    f.defvjp(lambda layer, k, xs: (f(layer, k, xs), (layer, xs)), backward)
    loss = lambda layer, xs: np.sum(f(layer, np.array(3), xs)["y"])  # noqa: E731
    layer, xs = func.grad(loss, wrt=(0, 1))(Layer(X, np.array(1.0)), [2 * X, X])
    np.testing.assert_array_equal(layer.w, 2 * X)
    assert layer.b == 3.0
    np.testing.assert_array_equal(xs[0], [7.0, 7.0, 7.0])
    np.testing.assert_array_equal(xs[1], np.zeros(3))


def test_numbers_and_texts_among_residuals_stay_what_they_are() -> None:
    """The backward rule may use them as Python: as a range, in an if."""

    @gradc.custom_vjp
    def f(x):
        return x

    def backward(residuals, ct):
        count, name = residuals
        for _ in range(count if name == "three" else 0):
            ct = ct * 2.0
        return (ct,)

    f.defvjp(lambda x: (x, (3, "three")), backward)
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x)))(X), [8.0, 8.0, 8.0])


def test_static_numbers_of_the_caller_may_be_read() -> None:
    """A number argument of the compiled function becomes a guard where nondiff_argnums has it."""

    @gradc.custom_vjp(nondiff_argnums=1)
    def f(x, n):
        for _ in range(n):
            x = x * 2.0
        return x

    f.defvjp(lambda x, n: (f(x, n), None), lambda n, _, ct: (ct * n,))
    g = gradc.compile_grad(lambda x, n: np.sum(f(x, n)))
    assert g(X, 3) == 8.0
    np.testing.assert_array_equal(g.grad(X, 3), [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(g.grad(X, 2), [2.0, 2.0, 2.0])


def test_methods() -> None:
    """`self` is a static argument; what it holds is read as outside of the function."""

    class Scaling:
        def __init__(self, factor: float) -> None:
            self.factor = np.array(factor)

        @gradc.custom_vjp(nondiff_argnums=0)
        def apply(self, x):
            return x * self.factor

        def forward(self, x):
            return self.apply(x), None

        def backward(self, _, ct):
            return (10.0 * ct * self.factor,)

        apply.defvjp(forward, backward)

    scaling = Scaling(2.0)
    g = gradc.compile_grad(lambda x: np.sum(scaling.apply(x)))
    np.testing.assert_array_equal(g.grad(X), [20.0, 20.0, 20.0])
    scaling.factor = np.array(3.0)
    assert g(X) == 3.0
    np.testing.assert_array_equal(g.grad(X), [30.0, 30.0, 30.0])


def test_without_gradients() -> None:
    """Under no_grad no gradient passes, and the value is that of the function."""

    def loss(x):
        with gradc.no_grad():
            y = F(x)
        return np.sum(x * y)

    np.testing.assert_array_equal(func.grad(loss)(X), np.sin(X))
    _, tangent = func.jvp(loss, (X,), (np.ones(3),))
    assert tangent == pytest.approx(np.sum(np.sin(X)), rel=1e-14)


def test_hooks_on_arguments_and_results() -> None:
    """They see the gradients that the rule takes and gives."""
    seen: list[Any] = []

    def loss(x):
        y = F(x)
        gradc.register_hook(y, lambda g: 10.0 * g)
        gradc.register_hook(x, seen.append)
        return np.sum(y)

    gradient = func.grad(loss)(X)
    np.testing.assert_allclose(gradient, 10.0 * SLOPE)
    np.testing.assert_array_equal(seen, [gradient])


def test_hooks_inside_are_not_called() -> None:
    """The values inside have no gradient: the rule takes its place."""
    seen: list[Any] = []

    @gradc.custom_jvp
    def f(x):
        y = x * 2.0
        gradc.register_hook(y, seen.append)
        return y

    f.defjvps(lambda t, out, x: 3.0 * t)
    np.testing.assert_array_equal(func.grad(lambda x: np.sum(f(x)))(X), [3.0, 3.0, 3.0])
    assert not seen


def test_call_backs_run_with_what_runs() -> None:
    """The function alone; or its forward rule, and then the backward rule."""
    seen: list[str] = []

    def told(name: str, x: Any) -> Any:
        gradc.debug.callback(lambda _: seen.append(name), x)
        return x

    @gradc.custom_vjp
    def f(x):
        return told("function", x) * 2.0

    f.defvjp(
        lambda x: (told("forward", x) * 2.0, x),
        lambda x, ct: (told("backward", ct) * x,),
    )
    g = gradc.compile_grad(lambda x: np.sum(f(x)))
    g(X)
    assert seen == ["function"]
    g.grad(X)
    assert seen == ["function", "forward", "backward"]
    seen.clear()
    g.jvp((X,), X)
    assert seen == ["forward"]


def test_in_compiled_functions_in_each_other() -> None:
    """The inner one's graph, with its rules, becomes part of the outer one's."""
    inner = gradc.compile_grad(lambda x: np.sum(F(x)))
    outer = func.grad(lambda x: inner(x) * 2.0 + np.sum(inner.grad(x)))
    np.testing.assert_allclose(outer(X), 2.0 * SLOPE - 2.0 * np.sin(X))
    compiled = gradc.compile_grad(F)
    np.testing.assert_allclose(compiled.vjp(X)[1](np.ones(3)), SLOPE)


def test_backward_rule_may_call_functions_with_rules() -> None:
    """Jacobians batch it: they go over the basis vectors in a loop, with the rules."""

    @gradc.custom_vjp
    def triple(ct):
        return gradc.stop_gradient(ct) * 3.0  # without its rule the derivative were 0

    triple.defvjp(lambda ct: (triple(ct), None), lambda _, ct: (triple(ct),))

    @gradc.custom_vjp
    def f(x):
        return x * 1.0

    f.defvjp(lambda x: (f(x), None), lambda _, ct: (triple(ct),))
    np.testing.assert_allclose(func.jacrev(lambda x: f(x) * x)(X), np.diag(X + 3 * X))
    # The gradient is f(x) + triple(x), and both have the slope 3.
    np.testing.assert_allclose(func.hessian(lambda x: np.sum(f(x) * x))(X), 6.0 * np.eye(3))


def test_sizes_that_are_not_known() -> None:
    """One program for all sizes."""
    g = gradc.compile_grad(lambda x: np.sum(F(x)))
    text = g.lower(gradc.spec("f8[n]")).text("numpy")
    assert "np.cos" in text
