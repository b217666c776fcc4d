"""Sums are as exact as NumPy's, whatever the length of a row, and along either axis."""

import math

import numpy as np
import pytest

from gradc import compile_grad, get_num_threads, set_num_threads

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


COLUMNS = {
    "sum of rows": lambda x: np.sum(x, axis=0),
    "mean": lambda x: np.mean(x, axis=0),
    "a sum of what is computed": lambda x: np.sum(np.sqrt(x) * 3, axis=0),
    "several at once": lambda x: (np.sum(x, axis=0) - np.max(x, axis=0)) / np.sum(x * x, axis=0),
    "several axes": lambda x: np.sum(x.reshape(-1, 5, x.shape[1]), axis=(0, 1)),
    "an axis in the middle": lambda x: np.sum(x.reshape(2, -1, 2, x.shape[1] // 2), axis=1),
}


@pytest.mark.parametrize("shape", [(30, 40), (400, 20), (4000, 4), (30000, 20), (70, 1500)])
@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("is_view", [True, False])
def test_columns_are_summed_as_exactly_as_by_numpy(is_view, dtype, name, shape):
    """Pairwise where the numbers of a column lie one behind the other."""
    f, x = COLUMNS[name], np.random.default_rng(0).uniform(0.1, 1.1, size=shape).astype(dtype)
    laid = np.ascontiguousarray(x.T)
    exact = f(x.astype(np.longdouble))
    found = (
        compile_grad(lambda y: f(y.T), backend="llvm")(laid)
        if is_view
        else compile_grad(f, backend="llvm")(x)
    )
    mine, others = (
        np.abs(one.astype(np.longdouble) - exact) / np.abs(exact)
        for one in (found, f(laid.T if is_view else x))
    )
    assert found.dtype == dtype
    assert np.max(mine) <= 3 * np.max(others) + np.finfo(dtype).eps


def test_what_is_not_finite_stays_so_in_a_column():
    x = np.random.default_rng(0).uniform(size=(5000, 6))
    x[70, 0], x[4000, 1], x[50, 2], x[51, 2] = np.inf, np.nan, np.inf, -np.inf
    x[40, 3], x[100, 3] = -np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(
            compile_grad(lambda x: np.sum(x, axis=0), backend="llvm")(x), np.sum(x, axis=0)
        )


@pytest.mark.parametrize("shape", [(20000, 30), (400, 3000)])
def test_the_threads_do_not_change_a_bit_of_sums_of_columns(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    compiled = compile_grad(
        lambda x: (np.sum(x, axis=0), np.sum(np.exp(x.T), axis=1)), backend="llvm"
    )
    found, before = [], get_num_threads()
    try:
        for count in (1, 2, 3):
            set_num_threads(count)
            found.append(compiled(x))
    finally:
        set_num_threads(before)
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)
