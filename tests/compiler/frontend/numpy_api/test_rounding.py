"""Rounding, tolerance, repair, parts of real numbers: as in NumPy, with slopes."""

import numpy as np
import pytest

from gradc import CaptureError, compile_grad

from .agreement import assert_agrees, assert_same, table

V = np.array([0.5, -1.5, 2.0, -0.0, np.inf, -np.inf, np.nan])
W = np.array([2.0, 0.25, -1.0, 0.0, np.inf, 1.0, np.nan], np.float32)
X = np.array([0.31, -1.57, 2.25])
M = np.arange(6.0).reshape(2, 3) * 1.3 - 2.25
N = np.array([[3, 1, 2], [0, 5, 4]])
S = np.float64(1.4)
EMPTY = np.zeros((0, 2))
ANGLES = np.array([[0.1, 2.0, 7.0, 11.0, 3.0], [1.0, 9.0, 3.3, 5.0, -9.0]])

OF_INFINITIES = [
    (np.isposinf, V),
    (np.nan_to_num, V),
    (lambda x: np.nan_to_num(x, nan=1.5, posinf=9, neginf=-9), W),
    (np.isclose, V, V + 1e-9),
    (lambda x, y: np.isclose(x, y, equal_nan=True), V, W),
    (np.array_equal, V, V),
    (lambda x, y: np.array_equal(x, y, equal_nan=True), V, V),
]
CASES = [
    (np.round, X),
    (np.round, N),
    (np.round, S),
    (lambda x: np.round(x, 2), M),
    (lambda x: np.around(x, -1), M * 101.7),
    (lambda x: np.round(x, -1), N * 123),
    (lambda x: x.round(1), W[:4] * np.float32(1.3)),
    (lambda x: x.round(decimals=1), EMPTY),
    (lambda x: np.round(x, out=np.zeros_like(x)), M),
    (np.fix, M),
    (np.fix, N),
    (np.isneginf, W),
    (np.isposinf, N),
    (np.nan_to_num, N),
    (lambda x, y: np.isclose(x, y, rtol=0.5), N, N + 1),
    (lambda x: np.isclose(x, 1.4), S),
    (np.allclose, X, X + 1e-12),
    (np.allclose, X, X + 1),
    (lambda x, y: np.add(x, 1) if not np.array_equal(x, y) else x, X, M),
    (np.array_equiv, M[:1], M),
    (np.array_equiv, N[:1] * 0 + 3, np.array([3, 3, 3])),
    (np.sinc, np.array([0.0, 0.1, 0.2499, 0.2501, 1.3, -2.0])),
    (np.sinc, N),
    (np.sinc, W[:4]),
    (np.i0, X),
    (np.i0, W[:3]),
    (np.i0, N),
    (np.unwrap, ANGLES),
    (lambda x: np.unwrap(x, axis=0), ANGLES),
    (lambda x: np.unwrap(x, discont=5.0), ANGLES[0]),
    (lambda x: np.unwrap(x, period=4), np.array([0, 5, 2, 9, 1])),
    (lambda x: np.unwrap(x, period=5), np.array([0, 5, 2, 9, 1])),
    (np.real, M),
    (np.imag, M),
    (lambda x: x.real * x, M),
    (lambda x: x.imag + x, N),
    (lambda x: x.conj(), M),
    (lambda x: x.conjugate(), N),
]


@table(CASES)
def test_as_in_numpy(function, args):
    assert_agrees(function, *args)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinities, as NumPy warns
@table(OF_INFINITIES)
def test_value_is_that_of_numpy(function, args):
    """Where differences say nothing."""
    assert_same(compile_grad(lambda args: function(*args))(args), function(*args))


def test_real_part_is_the_array_itself():
    """A store through it is seen."""

    def stored(x):
        y = x.copy()
        np.real(y)[0] = 5.0
        y.real[1] = 7.0
        return y

    np.testing.assert_array_equal(compile_grad(stored)(X), stored(X))


def test_nan_to_num_in_place():
    """With ``copy=False`` the array itself is repaired."""

    def repaired(x):
        y = x.copy()
        z = np.nan_to_num(y, copy=False)
        return y + z

    x = np.array([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(compile_grad(repaired)(x), [2.0, 0.0, 6.0])
    slope = compile_grad(lambda x: np.sum(repaired(x))).grad(x)
    np.testing.assert_array_equal(slope, [2.0, 0.0, 2.0])


def test_second_slope_of_sinc_at_zero():
    """It is -pi**2 / 3, though the quotient has no value there."""
    slope = compile_grad(lambda x: np.sum(np.sinc(x))).grad
    np.testing.assert_allclose(slope(np.array([1e-7])) / 1e-7, -(np.pi**2) / 3, rtol=1e-12)


def test_sizes_that_are_not_known():
    """``array_equal`` of them is refused, and does not answer for one size."""
    with pytest.raises((CaptureError, ValueError)):
        compile_grad(lambda x, mask: np.array_equal(x[mask], x) + x)(X, X > 0)
