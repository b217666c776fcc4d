"""Tangents that do not fit are refused in the user's words."""

from unittest.mock import Mock

import numpy as np
import pytest

from gradc import CaptureError, DerivativeError, GradcError, TypeRuleError, compile_grad, func, spec

X = np.array([0.5, -1.0, 2.0])
T = np.array([1.0, 2.0, -0.5])
U = np.array([-0.25, 1.5, 1.0])


@compile_grad
def energy(x):
    return np.sum(x**3)


@compile_grad(wrt=("x", "w"))
def product(x, w, scale=2.0):
    return np.sin(x) * w * scale


@compile_grad
def inside(p):
    return p["w"] * p["b"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: energy.jvp(X, T), GradcError, "the positional arguments, in a tuple"),
        (lambda: energy.hvp(X, T), GradcError, "the positional arguments, in a tuple"),
        (lambda: energy.jvp((X,), (T,)), TypeRuleError, "the tangent of x is one array"),
        (lambda: energy.jvp((X,), (T,)), TypeRuleError, "tuple of 1"),
        (lambda: energy.jvp((X,), [T] * 999), TypeRuleError, "list of 999"),
        (lambda: energy.jvp((X,), None), TypeRuleError, "NoneType for (3,) float64"),
        (lambda: energy.vjp(X)[1](None), TypeRuleError, "NoneType for () float64"),
        (lambda: energy.jvp((X,), T[:2]), TypeRuleError, "must have the shape of x"),
        (lambda: energy.jvp((X,), 1.0), TypeRuleError, "must have the shape of x"),
        (lambda: energy.jvp((X,), None), TypeRuleError, "must have the shape of x"),
        (lambda: energy.jvp((X,), T * 1j), TypeRuleError, "and be real"),
        (lambda: energy.hvp((X,), "t"), TypeRuleError, "must have the shape of x"),
        (lambda: energy.linearize(X)[1](T[:2]), TypeRuleError, "must have the shape of x"),
        (lambda: product.jvp((X, U), T), TypeRuleError, "a tuple of 2"),
        (lambda: product.jvp((X, U), (T,)), TypeRuleError, "a tuple of 2"),
        (lambda: func.jvp(np.sin, (X,), T), TypeRuleError, "must have the structure"),
        (lambda: func.jvp(np.sin, (X,), (T, T)), TypeRuleError, "must have the structure"),
        (lambda: inside.jvp(({"w": X, "b": U},), {"w": T}), TypeRuleError, "with w, b"),
        (lambda: inside.jvp(({"w": X, "b": U},), T), TypeRuleError, "ndarray in place of dict"),
        (lambda: energy.jvp((X.astype(int),), T), DerivativeError, "not floating-point"),
        (lambda: product.hvp((X, U), (T, T)), DerivativeError, "one floating-point scalar"),
        (lambda: energy.jvp((spec("f8[3]"),), T), GradcError, "no numbers to compute with"),
    ],
)
def test_refusals_say_what_and_where(call, error, words):
    """In the user's words, with the user's line."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert "test_tangents.py" in str(caught.value.where)
    assert caught.value.fix


def test_traced_array_that_outlives_its_capture():
    """As a tangent; and what linearize returned inside, called outside."""
    keep = Mock()

    def keeps(x):
        out, push = energy.linearize(x)
        keep(x * 2, push)
        return out

    compile_grad(keeps)(X)
    leaked, push = keep.call_args.args
    for call in (lambda: energy.jvp((X,), leaked), lambda: push(T), lambda: push(leaked)):
        with pytest.raises(CaptureError, match="after the capture of its function had ended"):
            call()


def test_later_calls_are_checked_like_the_first():
    """The short way is for the same types in the same places only."""
    f = compile_grad(lambda x, n, y: x * n * y, wrt=(0, 2))
    square = compile_grad(lambda x: x * x)
    one = np.float64(1.0)
    single = np.ones(3, np.float32)
    for n in (3, 4):
        assert f.jvp((2.0, n, 1.0), (one, one)) == (2.0 * n, 3.0 * n)
        assert f.jvp([2.0, n, 1.0], (1.0, 1)) == (2.0 * n, 3.0 * n)
        for wrong in ((one,), (one, one, one), one):
            with pytest.raises(TypeRuleError, match="a tuple of 2"):
                f.jvp((2.0, n, 1.0), wrong)
        with pytest.raises(TypeError, match="missing"):
            f.jvp((2.0, n), (one, one, one))
        assert square.jvp((2.0,), one) == (4.0, 4.0)
        with pytest.raises(TypeRuleError, match="is one array"):
            square.jvp((2.0,), (one,))
        for tangent in (np.ones(3), single):
            assert square.jvp((single,), tangent)[1].dtype == np.float32
        assert type(square.jvp((np.array(2.0),), np.array(1.0))[1]) is np.float64
        assert square.hvp((2.0,), one) == 2.0


def test_method_that_reads_nothing_of_its_instance():
    """Its later calls once handed the instance to the program."""

    class Model:
        @compile_grad
        def loss(self, x):
            return np.sum(x * x)

    model = Model()
    for _ in range(3):
        assert model.loss(X) == np.sum(X * X)
        np.testing.assert_array_equal(model.loss.grad(X), 2 * X)
        np.testing.assert_allclose(model.loss.jvp((X,), T)[1], np.sum(2 * X * T))
        np.testing.assert_allclose(model.loss.hvp((X,), T), 2 * T)
        np.testing.assert_allclose(model.loss.hessian(X), 2 * np.eye(3))
