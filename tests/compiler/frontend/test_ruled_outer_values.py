"""What functions with derivative rules, and their rules, read of the outside."""

from typing import Any

import numpy as np
import pytest

import gradc
from gradc import DerivativeError, func

X = np.array([0.5, -1.5, 2.0])


def closing_over(x: Any, w: Any) -> Any:
    @gradc.custom_vjp
    def f(x):
        return x * w

    f.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * w * 5.0,))
    return np.sum(f(x) ** 2)


def test_rules_that_use_the_function_in_a_loop() -> None:
    """There it takes the outer values as operands of the loop."""

    def loss(x: Any, w: Any) -> Any:
        @gradc.custom_vjp
        def f(x):
            return np.sin(x) * w

        def forward(x):
            return gradc.fori_loop(0, 2, lambda i, y: 0.5 * y + 0.5 * f(x), f(x)), x

        f.defvjp(forward, lambda x, ct: (ct * np.cos(x) * w,))
        return np.sum(f(x) ** 2)

    w = np.array([1.0, 2.0, 3.0])
    second = func.grad(lambda x: np.sum(func.grad(loss)(x, w)))(X)
    np.testing.assert_allclose(second, 2.0 * w**2 * np.cos(2.0 * X))


def test_loop_index_is_an_outer_value() -> None:
    """A function defined in the body of a loop closes over what is the body's own."""

    def loss(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            @gradc.custom_vjp
            def f(z):
                return z * np.sin(i * 1.0)

            f.defvjp(lambda z: (f(z), None), lambda _, ct: (ct * np.sin(i * 1.0),))
            return f(y) + y

        return np.sum(gradc.fori_loop(1, 4, body, x))

    expected = np.prod(1.0 + np.sin(np.arange(1.0, 4.0)))
    np.testing.assert_allclose(func.grad(loss)(X), np.full(3, expected))


def test_outer_values_are_read_by_function_and_rules() -> None:
    """Also by the rule of the rule, as the forward rule calls the function."""
    w = np.array([1.0, 2.0, 3.0])
    gradient = func.grad(closing_over)
    np.testing.assert_allclose(gradient(X, w), 10 * X * w**2)
    # The gradient is 2 f(x) 5 w; the derivative of f(x) in it is that of the rule again.
    second = func.grad(lambda x: np.sum(gradient(x, w)))(X)
    np.testing.assert_allclose(second, 50 * w**2)
    loop = lambda x, w: gradc.fori_loop(0, 2, lambda i, y: y + closing_over(y, w), x)  # noqa: E731
    rolled = func.grad(lambda x: np.sum(loop(x, w)))(X)
    unrolled = func.grad(lambda x: np.sum((y := x + closing_over(x, w)) + closing_over(y, w)))(X)
    np.testing.assert_allclose(rolled, unrolled)


def test_no_derivative_by_outer_values() -> None:
    """No rule says how: zero would be wrong."""
    for differentiate in (
        lambda f: func.grad(f, wrt=1)(X, X),
        lambda f: func.jvp(lambda w: f(X, w), (X,), (X,)),
        lambda f: func.grad(lambda w: np.sum(gradc.fori_loop(0, 2, lambda i, y: y + f(y, w), X)))(
            X
        ),
    ):
        with pytest.raises(DerivativeError, match="closes over .*no rule says how") as caught:
            differentiate(closing_over)
        assert "np.sum(f(x) ** 2)" in str(caught.value)


def test_outer_values_that_stop_gradients_may_be_used() -> None:
    def loss(x, w):
        @gradc.custom_jvp
        def f(x):
            return x * gradc.stop_gradient(w)

        f.defjvps(lambda t, out, x: 2.0 * t * w)
        return np.sum(f(x) * w)

    by_x, by_w = func.grad(loss, wrt=(0, 1))(X, 2 * X)
    np.testing.assert_allclose(by_x, 2.0 * (2 * X) ** 2)
    np.testing.assert_allclose(by_w, X * 2 * X)


def test_arrays_outside_are_read_at_each_call() -> None:
    """An array in a global or closure is an input, not a constant."""
    w = np.array([1.0, 1.0, 1.0])

    @gradc.custom_vjp
    def f(x):
        return x * w

    f.defvjp(lambda x: (f(x), None), lambda _, ct: (ct * w,))
    g = gradc.compile_grad(lambda x: np.sum(f(x)))
    np.testing.assert_array_equal(g.grad(X), w)
    w[:] = [5.0, 6.0, 7.0]
    np.testing.assert_array_equal(g.grad(X), w)
    assert g(X) == np.sum(X * w)
