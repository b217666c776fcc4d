"""Compiled functions in others, where the inner one changes an argument or reads state."""

import numpy as np

import gradc
from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


class Model:
    """Has state that its compiled methods read and change."""

    def __init__(self, w):
        self.w = w

    @compile_grad
    def loss(self, x):
        return 2 * np.sum(self.w * x)

    @compile_grad
    def update(self, x):
        self.w -= 0.5 * x
        return np.sum(self.w)


def test_inner_function_changes_its_argument():
    """An array of the outer one, which changes with it."""

    @compile_grad
    def normalise(y):
        y /= np.sum(y)
        return np.max(y)

    def loss(x):
        y = x * x
        top = normalise(y)
        return np.sum(y * x) + top

    compiled = compile_grad(loss)
    y = X * X / np.sum(X * X)
    np.testing.assert_allclose(compiled(X), np.sum(y * X) + np.max(y))
    x = np.abs(X)
    step = 1e-6 * np.eye(3)

    def plain(x):
        y = x * x / np.sum(x * x)
        return np.sum(y * x) + np.max(y)

    expected = [(plain(x + one) - plain(x - one)) / 2e-6 for one in step]
    np.testing.assert_allclose(compiled.grad(x), expected, rtol=1e-6)


def test_inner_function_changes_the_argument_of_the_outer_one():
    @compile_grad
    def doubles(y):
        y *= 2
        return np.sum(y)

    compiled = compile_grad(lambda x: doubles(x) + np.sum(x))
    x = X.copy()
    for turn in (1, 2):
        np.testing.assert_allclose(compiled.grad(x), np.full(3, 4.0))
        np.testing.assert_allclose(x, X * 2**turn)


def test_inner_method_reads_and_outer_function_stores():
    """What the outer one stores first, the inner one sees."""
    model = Model(X)

    def loss(x):
        model.w = model.w * 2
        value, gradient = model.loss.value_and_grad(x)
        model.last = gradient
        return value

    compiled = compile_grad(loss)
    for turn in (1, 2):
        assert compiled(X) == 2 * np.sum(X * X) * 2**turn
        np.testing.assert_allclose(model.last, 2 * X * 2**turn)


def test_inner_function_that_meets_nothing_traced_may_change_state():
    """It runs at once, while capturing: what it does then must be done at each call, or refused."""
    model = Model(X.copy())
    compiled = compile_grad(lambda x: np.sum(x) * model.update(np.ones(3)))
    twin = X.copy()
    refused = False
    try:
        for _ in range(3):
            twin = twin - 0.5
            assert compiled(X) == np.sum(X) * np.sum(twin)
            np.testing.assert_allclose(model.w, twin)
    except gradc.CaptureError:
        refused = True
    if refused:
        np.testing.assert_array_equal(model.w, X)
