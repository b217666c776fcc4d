"""Sums are as exact as NumPy's, whatever the length of a row, and along either axis."""

import math

import numpy as np
import pytest

from gradc import compile_grad

LENGTHS = [
    *range(1, 4),
    7,
    8,
    9,
    15,
    16,
    24,
    *range(31, 34),
    48,
    56,
    *range(63, 66),
    100,
    128,
    3000,
]


def errors(found, x):
    """Return the errors of sums of rows, in units of rounding of the sum of sizes."""
    exact = np.array([math.fsum(row) for row in x.astype(float)])
    sizes = np.sum(np.abs(x), axis=1, dtype=float)
    return np.abs(np.asarray(found, float) - exact) / (np.finfo(x.dtype).eps * sizes)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_are_as_exact_as_numpy_s(dtype, length, axis):
    x = np.random.default_rng(length).uniform(0, 1, size=(300, length)).astype(dtype)
    laid = np.ascontiguousarray(x if axis else x.T)
    found = compile_grad(lambda x: np.sum(x, axis=axis), backend="llvm")(laid)
    mine, others = errors(found, x), errors(np.sum(laid, axis=axis), x)
    # Chance decides which is better where both are good; NumPy's grow with short columns, too.
    assert np.sqrt(np.mean(mine**2)) <= 1.25 * np.sqrt(np.mean(others**2)) + 0.15
    assert np.max(mine) <= max(1.25 * np.max(others), 1.25)


@pytest.mark.parametrize("count", [2, 4, 8, 16, 32])
def test_the_mean_of_equal_numbers_is_exact(count):
    x = np.repeat(np.random.default_rng(count).uniform(0, 3, size=(50, 1)), count, axis=1)
    np.testing.assert_array_equal(
        compile_grad(lambda x: np.mean(x, axis=1), backend="llvm")(x), x[:, 0]
    )
    variance = compile_grad(lambda x: np.var(x, axis=1), backend="llvm")(x)
    np.testing.assert_array_equal(variance, np.zeros(50))
