"""Compiled functions and transforms inside one another."""

import numpy as np
import pytest

from gradc import compile_grad, stop_gradient
from gradc.func import grad, value_and_grad, vjp

X = np.array([0.5, -1.0, 2.0])


@compile_grad
def energy(x):
    return np.sum(x**3)


# A compiled function called in another


def test_value_inside():
    """Its graph becomes part of the outer one: differentiated like the rest."""
    outer = compile_grad(lambda x: energy(x * 2) * energy(x))
    np.testing.assert_allclose(outer(X), 8 * np.sum(X**3) ** 2)
    np.testing.assert_allclose(outer.grad(X), 16 * np.sum(X**3) * 3 * X**2)


def test_gradient_inside():
    outer = compile_grad(lambda x: np.sum(energy.grad(x) * x))
    np.testing.assert_allclose(outer(X), 3 * np.sum(X**3))
    np.testing.assert_allclose(outer.grad(X), 9 * X**2)


def test_value_and_gradient_inside():
    def outer(x):
        value, gradient = energy.value_and_grad(x)
        return value * np.sum(gradient)

    np.testing.assert_allclose(
        compile_grad(outer).grad(X), 3 * X**2 * np.sum(3 * X**2) + np.sum(X**3) * 6 * X
    )


def test_pullback_inside_is_called_twice():
    def outer(x):
        out, pullback = compile_grad(lambda y: (y**2, np.sum(y))).vjp(x)
        first = pullback((x, 1.0))
        second = pullback((out[0] * 3, 0.0))
        return np.sum(first * second)

    # first = 2 x^2 + 1, second = 6 x^3: the derivative of 12 x^5 + 6 x^3
    np.testing.assert_allclose(compile_grad(outer)(X), np.sum(12 * X**5 + 6 * X**3))
    np.testing.assert_allclose(compile_grad(outer).grad(X), 60 * X**4 + 18 * X**2)


def test_cotangent_of_another_dtype_inside():
    def outer(x):
        pullback = vjp(lambda y: y * 2, x)[1]
        return np.sum(pullback(x.astype(np.float32))[0] * x)

    value, gradient = compile_grad(outer).value_and_grad(X)
    np.testing.assert_allclose(value, 2 * np.sum(X * X), rtol=1e-6)
    np.testing.assert_allclose(gradient, 4 * X, rtol=1e-6)


def test_structures_inside():
    """Arguments, gradients and auxiliary results keep their containers."""

    def loss(p, y):
        return np.sum(p["w"] * y) + p["b"] ** 2, {"p": p["w"], "name": "aux"}

    inner = compile_grad(loss, has_aux=True)

    def outer(w, b):
        (value, aux), gradient = inner.value_and_grad({"w": w, "b": b}, X)
        assert aux["name"] == "aux"
        return value + np.sum(aux["p"] * gradient["w"]) + gradient["b"]

    # sum(w y) + b^2 + sum(w y) + 2 b
    dw, db = compile_grad(outer, wrt=("w", "b")).grad(X, 3.0)
    np.testing.assert_allclose(dw, 2 * X)
    np.testing.assert_allclose(db, 2 * 3.0 + 2)


def test_inner_result_is_traced_by_nobody_where_nothing_traced_goes_in():
    """It is computed at once, also its gradient and pullback."""

    def outer(x):
        constant = energy.grad(np.ones(3))
        out, pullback = energy.vjp(np.ones(3))
        known = isinstance(constant, np.ndarray) and float(out) == 3.0
        known = known and [one for one in pullback(1.0) if one == 3.0] == [3.0] * 3
        return np.sum(constant * x) if known else 0.0

    np.testing.assert_array_equal(compile_grad(outer).grad(X), [3.0, 3.0, 3.0])


def test_three_levels():
    inner = compile_grad(lambda x, n: np.sum(x**n))
    middle = compile_grad(lambda x, n: inner(x, n) * inner.grad(x, n)[0])
    outer = compile_grad(lambda x: middle(x * 2, 3))
    y = 2 * X
    expected = 2 * (3 * y**2 * 3 * y[0] ** 2 + np.sum(y**3) * np.array([6 * y[0], 0.0, 0.0]))
    np.testing.assert_allclose(outer.grad(X), expected)


# Derivatives of derivatives


@pytest.mark.parametrize(
    ("order", "expected"), [(1, 5.0), (2, 20.0), (3, 60.0), (4, 120.0), (5, 120.0)]
)
def test_grad_of_grad(order, expected):
    """The derivatives of x^5 at 1."""
    function = lambda x: x**5  # noqa: E731
    for _ in range(order):
        function = grad(function)
    assert function(1.0) == expected


def test_inner_derivative_with_a_closure_over_the_outer_argument():
    """Perturbations must not be confused: d/dx (x d/dy (x y)) = 2 x, not x + y."""
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y * y)(x))(3.0) == 2 * 3 * 3.0**2


def test_closures_at_three_levels():
    def first(x):
        def second(y):
            def third(z):
                return x * y**2 * z**3

            return grad(third)(y)

        return grad(second)(x)

    # third' at y: 3 x y^4; second' at x: 12 x^4; first': 48 x^3
    assert first(2.0) == 12 * 2.0**4
    assert grad(first)(2.0) == 48 * 2.0**3


def test_hessian_by_rows():
    def loss(x):
        return np.sum(x) * np.sum(x**3)

    rows = [grad(lambda x, i=i: grad(loss)(x)[i])(X) for i in range(3)]
    expected = 3 * X[:, None] ** 2 + 3 * X[None] ** 2 + np.diag(6 * X * np.sum(X))
    np.testing.assert_allclose(rows, expected)


def test_stop_gradient_between_levels():
    assert grad(lambda x: grad(lambda y: y * y * stop_gradient(x))(x))(3.0) == 6.0
    assert grad(lambda x: stop_gradient(grad(lambda y: y**3)(x)) * x)(2.0) == 12.0


def test_value_and_grad_inside_with_auxiliary_results():
    def loss(x):
        return np.sum(x * x), x * 3

    def outer(x):
        (value, aux), gradient = value_and_grad(loss, has_aux=True)(x)
        return value + np.sum(aux * gradient)

    np.testing.assert_allclose(grad(outer)(X), 14 * X)


def test_inner_loop_with_an_array_that_is_stored_to():
    def outer(x):
        trail = np.zeros_like(x, shape=(3,))
        for i in range(3):
            trail[i] = grad(lambda y, i=i: y ** (i + 2) * x[0])(x[i])
        return np.sum(trail)

    a, b, c = X
    expected = [2 * a + 2 * a + 3 * b**2 + 4 * c**3, 6 * a * b, 12 * a * c**2]
    np.testing.assert_allclose(grad(outer)(X), expected)
