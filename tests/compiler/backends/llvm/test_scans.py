"""Cumulative folds and the places of extrema, of rows and columns around the sizes of blocks."""

import numpy as np
import pytest

from gradc import compile_grad

RNG = np.random.default_rng(0)
SHAPES = [(1,), (127,), (129,), (1000,), (3, 400), (400, 3), (17, 5), (2, 130, 5), (9, 1, 30)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def native(function):
    return compile_grad(function, backend="llvm")


def along(function, axis):
    return lambda x: function(x, axis=axis)


@every_shape
@pytest.mark.parametrize(
    "fold",
    [np.cumsum, np.cumprod, np.maximum.accumulate, np.minimum.accumulate],
    ids=lambda one: one.__name__,
)
def test_a_cumulative_fold_has_the_bits_of_numpy(fold, shape):
    x = RNG.normal(size=shape)
    x[RNG.random(shape) < 0.01] = np.nan
    for axis in range(x.ndim):
        np.testing.assert_array_equal(native(along(fold, axis))(x), fold(x, axis=axis))


@pytest.mark.parametrize("dtype", ["f4", "i4", "u1", "?"])
def test_a_cumulative_sum_is_in_the_dtype_that_numpy_adds_up_in(dtype):
    x = (RNG.random((40, 30)) * 200).astype(dtype)
    found = native(lambda x: np.cumsum(x, axis=1))(x)
    assert found.dtype == np.cumsum(x, axis=1).dtype
    np.testing.assert_array_equal(found, np.cumsum(x, axis=1))


def test_what_is_light_is_computed_while_it_is_summed():
    x = RNG.random((40, 30))
    found = native(lambda x: np.cumsum(x[::-1].T * 2 + 1, axis=0))(x)
    np.testing.assert_array_equal(found, np.cumsum(x[::-1].T * 2 + 1, axis=0))


@every_shape
@pytest.mark.parametrize("find", [np.argmax, np.argmin], ids=lambda one: one.__name__)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1", "?"])
def test_the_first_of_equal_extrema_is_found(find, dtype, shape):
    x = RNG.integers(0, 4, shape).astype(dtype)
    np.testing.assert_array_equal(native(find)(x), find(x))
    for axis in range(x.ndim):
        np.testing.assert_array_equal(native(along(find, axis))(x), find(x, axis=axis))


@every_shape
@pytest.mark.parametrize("find", [np.argmax, np.argmin], ids=lambda one: one.__name__)
def test_the_first_nan_beats_every_number(find, shape):
    x = RNG.choice([-np.inf, -0.0, 0.0, np.inf, np.nan], shape, p=[0.3, 0.2, 0.2, 0.29, 0.01])
    np.testing.assert_array_equal(native(find)(x), find(x))
    for axis in range(x.ndim):
        np.testing.assert_array_equal(native(along(find, axis))(x), find(x, axis=axis))
