"""Forward and reverse mode inside one another, and inside other compiled functions."""

import numpy as np
import pytest

from gradc import compile_grad, stop_gradient
from gradc.func import grad, hvp, jvp, linearize, value_and_grad, vjp

X = np.array([0.5, -1.0, 2.0])
T = np.array([1.0, 2.0, -0.5])
U = np.array([-0.25, 1.5, 1.0])


@compile_grad
def energy(x):
    return np.sum(x**4)


def along(function, x=2.0, t=1.0):
    """Return the derivative of a function of one number by forward mode."""
    return jvp(function, (x,), (t,))[1]


def through_push(function, x=2.0):
    return linearize(function, x)[1](1.0)


def through_pull(function, x=2.0):
    return vjp(function, x)[1](1.0)[0]


DERIVATIVES = {
    "grad": lambda f: lambda x: grad(f)(x),
    "jvp": lambda f: lambda x: along(f, x),
    "linearize": lambda f: lambda x: through_push(f, x),
    "vjp": lambda f: lambda x: through_pull(f, x),
}


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("middle", DERIVATIVES)
@pytest.mark.parametrize("inner", DERIVATIVES)
def test_every_mode_in_every_mode_in_every_mode(outer, middle, inner):
    """The third derivative of x^5 at 2."""
    third = DERIVATIVES[outer](DERIVATIVES[middle](DERIVATIVES[inner](lambda x: x**5)))
    assert third(2.0) == pytest.approx(60 * 2.0**2, rel=1e-14)


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("inner", DERIVATIVES)
def test_perturbations_are_not_confused(outer, inner):
    """d/dx (x d/dy (x y)) = 2 x, and d/dx (x d/dy (x + y)) = 1, in all mixtures of modes."""
    first, second = DERIVATIVES[outer], DERIVATIVES[inner]
    assert first(lambda x: x * second(lambda y: x * y)(1.0))(3.0) == 6.0
    assert first(lambda x: x * second(lambda y: x + y)(1.0))(1.0) == 1.0
    assert first(lambda x: x * second(lambda y: x * y * y)(x))(3.0) == 2 * 3 * 3.0**2
    assert first(lambda x: second(lambda y: y * y * stop_gradient(x))(x))(3.0) == 6.0


def test_hessian_products_in_every_order():
    """Forward over reverse, reverse over forward, forward over forward: 12 x^2 t."""
    expected = 12 * X**2 * T
    np.testing.assert_allclose(energy.hvp((X,), T), expected)
    np.testing.assert_allclose(hvp(energy, (X,), (T,))[0], expected)
    np.testing.assert_allclose(jvp(grad(energy), (X,), (T,))[1], expected)
    np.testing.assert_allclose(grad(lambda x: energy.jvp((x,), T)[1])(X), expected)
    np.testing.assert_allclose(grad(lambda x: np.sum(energy.grad(x) * T))(X), expected)
    np.testing.assert_allclose(linearize(energy.grad, X)[1](T), expected)
    curvature = jvp(lambda x: energy.jvp((x,), T)[1], (X,), (T,))[1]
    np.testing.assert_allclose(curvature, np.sum(expected * T))


def test_derivatives_of_hessian_products():
    """24 x t u: pushed forward and pulled back, by the point and by the vector."""
    np.testing.assert_allclose(jvp(lambda x: energy.hvp((x,), T), (X,), (U,))[1], 24 * X * T * U)
    by_x, by_t = grad(lambda x, t: np.sum(U * energy.hvp((x,), t)), wrt=(0, 1))(X, T)
    np.testing.assert_allclose(by_x, 24 * X * T * U)
    np.testing.assert_allclose(by_t, 12 * X**2 * U)


def test_forward_mode_inside_a_compiled_function():
    """It becomes part of the outer program: value and gradient, by the point and by the tangent."""

    @compile_grad(wrt=(0, 1))
    def outer(x, t):
        value, tangent = energy.jvp((x * 2,), t)
        return value + tangent

    y = 2 * X
    np.testing.assert_allclose(outer(X, T), np.sum(y**4) + np.sum(4 * y**3 * T))
    by_x, by_t = outer.grad(X, T)
    np.testing.assert_allclose(by_x, 8 * y**3 + 24 * y**2 * T)
    np.testing.assert_allclose(by_t, 4 * y**3)
    tangent = outer.jvp((X, T), (T, X))[1]
    np.testing.assert_allclose(tangent, np.sum(by_x * T) + np.sum(by_t * X))


def test_only_the_tangent_is_traced():
    """At a fixed point: the derivative by the direction is the gradient there."""
    np.testing.assert_allclose(grad(lambda t: energy.jvp((X,), t)[1])(T), 4 * X**3)
    np.testing.assert_allclose(grad(lambda t: np.sum(energy.hvp((X,), t)))(T), 12 * X**2)


def test_push_inside_is_called_twice():
    """With tangents that are traced, and ones that are not."""

    def outer(x):
        out, push = linearize(lambda y: y**2, x)
        return np.sum(push(x) * push(T) + out)

    # 2 x x . 2 x t + x^2
    np.testing.assert_allclose(compile_grad(outer)(X), np.sum(4 * X**3 * T + X**2))
    np.testing.assert_allclose(compile_grad(outer).grad(X), 12 * X**2 * T + 2 * X)


def test_structures_and_auxiliary_results_inside():
    """Containers, integer outputs, aux, and tangents of another dtype."""

    def pair(p):
        return {"a": p["w"] * p["b"], "i": np.argmax(p["w"])}, {"aux": p["w"] * 3}

    inner = compile_grad(pair, has_aux=True)

    def outer(w, b):
        tangents = {"w": w.astype(np.float32), "b": 1.0}
        value, tangent, aux = inner.jvp(({"w": w, "b": b},), tangents)
        assert set(value) == set(tangent) == {"a", "i"}
        return np.sum(tangent["a"] + aux["aux"]) + tangent["i"]

    # w b + w + 3 w
    value, gradient = value_and_grad(outer)(X, 2.0)
    np.testing.assert_allclose(value, np.sum(X * 2 + X + 3 * X))
    np.testing.assert_allclose(gradient, [6.0, 6.0, 6.0])
    loss = compile_grad(lambda x: (np.sum(x**3), x * 2), has_aux=True)

    def product(x):
        found, aux = loss.hvp((x,), T)
        return np.sum(found * aux)

    np.testing.assert_allclose(grad(product)(X), 24 * X * T)


def test_result_is_traced_by_nobody_where_nothing_traced_goes_in():
    """It is computed at once, as other modes are."""

    def outer(x):
        value, tangent = energy.jvp((np.ones(3),), np.ones(3))
        product = energy.hvp((np.ones(3),), np.ones(3))
        out, push = energy.linearize(np.ones(3))
        known = float(value) == 3.0 and float(tangent) == 12.0 and float(push(np.ones(3))) == 12.0
        return np.sum(product * x) if known and float(out) == 3.0 else 0.0

    np.testing.assert_array_equal(compile_grad(outer).grad(X), [12.0, 12.0, 12.0])


def test_stores_inside():
    """An array that the inner function changes is changed in the outer program."""

    @compile_grad
    def inner(x, log):
        log[0] = np.sum(x)
        return np.sum(x * x)

    def outer(x):
        log = np.zeros_like(x, shape=2)
        tangent = inner.jvp((x, log), T)[1]
        product = inner.hvp((x, log), T)
        return tangent * log[0] + np.sum(product)

    np.testing.assert_allclose(
        compile_grad(outer)(X), np.sum(2 * X * T) * np.sum(X) + 2 * np.sum(T)
    )
    expected = 2 * T * np.sum(X) + np.sum(2 * X * T)
    np.testing.assert_allclose(compile_grad(outer).grad(X), expected)


def test_compiled_function_called_in_one_that_is_pushed_forward():
    """Its graph becomes part of the outer one."""
    outer = compile_grad(lambda x: energy(x * 2) * energy(x))
    np.testing.assert_allclose(outer.jvp((X,), T)[1], np.sum(outer.grad(X) * T))
    newton = compile_grad(lambda x: x - energy.grad(x) / energy.hvp((x,), np.ones(3)))
    np.testing.assert_allclose(newton(X), X * 2 / 3)
    np.testing.assert_allclose(newton.jvp((X,), T)[1], T * 2 / 3, atol=1e-15)


def test_transforms_of_transforms_of_a_compiled_function():
    """They once took over what the compiled function inside had compiled: 32 in place of 48."""
    power = compile_grad(lambda x: x**4)
    power.grad(2.0)
    assert grad(grad(power))(2.0) == 48.0
    assert grad(grad(grad(power)))(2.0) == 48.0
    assert jvp(grad(power), (2.0,), (1.0,)) == (32.0, 48.0)
    assert value_and_grad(grad(power))(2.0) == (32.0, 48.0)
    assert compile_grad(compile_grad(power)).grad(2.0) == 32.0
