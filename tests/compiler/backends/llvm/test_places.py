"""Elements are read wherever a value is: in registers by a computed place, or nowhere at all."""

import numpy as np
import pytest

from gradc import compile_grad, fori_loop

X = np.random.default_rng(3).normal(size=(7, 4))


def selected_of_few(x, places):
    """What is selected from lies in registers; what is selected is too large for these."""
    few = np.min(x, axis=0)[2:0:-1]
    return np.sum(np.sin(np.take(few, places)[1:]))


def saved_by_no_trip(x, places):
    """The array that the loop saves has no rows, and its backward loop reads one of them."""
    return np.sum(fori_loop(0, 0, lambda i, y: 0.8 * y + np.sin(i * 0.3 + x), 0.0 * x) * places)


@pytest.mark.parametrize(
    ("function", "places"),
    [
        (selected_of_few, np.arange(-17, 0) % 2),
        (saved_by_no_trip, np.ones(4)),
    ],
)
def test_native_code_equals_numpy(function, places):
    native, reference = (compile_grad(function, backend=one) for one in ("llvm", "numpy"))
    value, gradient = native.value_and_grad(X, places)
    expected, wanted = reference.value_and_grad(X, places)
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-13, atol=1e-14)
    output, pullback = native.vjp(X, places)
    np.testing.assert_allclose(pullback(np.float64(1.0)), wanted, rtol=1e-13, atol=1e-14)
    assert output == value


def test_a_sum_over_no_rows_is_taken_apart():
    """It is made of registers, though there are many."""

    def function(x):
        return np.sum(np.cos(np.sum(x, axis=0).reshape(41, 3) @ np.ones((3, 2))))

    value, gradient = compile_grad(function, backend="llvm").value_and_grad(np.zeros((0, 123)))
    assert value == 82.0
    assert gradient.shape == (0, 123)
