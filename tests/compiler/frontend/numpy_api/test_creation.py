"""Arrays that a function makes: filled, of parts, of sequences of numbers, of other dtypes."""

import numpy as np
import pytest

from gradc import CaptureError, compile_grad, spec

from .agreement import assert_agrees, assert_same

X = np.array([0.31, -1.57, 2.25])
M = np.arange(6.0).reshape(2, 3) * 1.3 - 2.25
F = np.asfortranarray(M)
S = X.astype(np.float32)
N = np.array([[3, 1, 2], [0, 5, 4]])

OF_FLOATS = [
    (lambda x: np.array([x[0] * x[1], 1.0, x[2]]), X),
    (lambda x: np.array([[x[0], 2], [3, x[1]]]), X),
    (lambda x: np.array((x, x * 2), dtype=np.float32), X),
    (lambda x: np.array([x[0], 1.0]), S),
    (lambda x: np.array(x, ndmin=3), X),
    (lambda x: np.array(x[0]), X),
    (lambda x: np.asarray(x, np.float32) * 2, X),
    (lambda x: np.asarray([x[0], 2.0]), X),
    (lambda x: np.asanyarray(x) * 2, M),
    (lambda x: np.asarray_chkfinite(x) * 2, M),
    (lambda x: np.require(x, requirements=["C"]) * 2, M),
    (lambda x: np.ascontiguousarray(x) * 2, F),
    (lambda x: np.ascontiguousarray(x[0]), X),
    (lambda x: np.asfortranarray(x) * 2, M),
    (lambda x: np.fromiter((2 * one for one in x), float), X),
    (lambda x: np.fromiter(list(x), np.float64, count=2), X),
    (lambda x: np.full((2, 3), x), X),
    (lambda x: np.full(3, x[0]), X),
    (lambda x: np.full_like(x, x[0]), X),
    (lambda x: np.linspace(x[0], x[1], 5), X),
    (lambda x: np.linspace(x[0], 1.0, 4, endpoint=False), X),
    (lambda x: np.linspace(x, x * 2, 3, axis=1), X),
    (lambda x: np.linspace(0.0, x[0], 6, retstep=True)[1], X),
    (lambda x: np.linspace(x[0], 1.0, 1), X),
    (lambda x: np.logspace(x[0], x[1], 4), X),
    (lambda x: np.logspace(x[0], 1.0, 4, base=2.0), X),
    (lambda x: np.geomspace(x[0], x[2], 4), X),
    (lambda x: np.r_[x, 1.0, x[::-1], 0:3], X),
    (lambda x: np.c_[x, x**2], X),
    (lambda x: np.c_[x, np.ones((2, 1))], M),
    (lambda x: np.float64(x[0]) * np.float32(2.0), X),
    (lambda x: np.array([x[0].item() * 2, 1.0]), X),
    (lambda x: np.array(x.tolist()) * 2, M),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, 2) * 1.0, X),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)) * 1.0, M),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, axis=-1) * 1.0, M),
    (lambda x: x.to_device("cpu") * 2 if x.device == "cpu" else x, X),
]
OF_TYPES = [
    (lambda x: np.array([x[0, 0], True]), N),
    (lambda x: [kind(x[0]) for kind in (np.uint16, np.uint32, np.uint64, np.int8)], N),
    (lambda x: np.bool(x[0, 1]), N),
    (lambda x: np.asarray(x, np.int8), N),
    (lambda x: np.array([]) + x[0, 0], N),
]


@pytest.mark.parametrize(("function", "array"), OF_FLOATS)
def test_value_and_slope(function, array):
    assert_agrees(function, array)


@pytest.mark.parametrize(("function", "array"), OF_TYPES)
def test_dtypes(function, array):
    assert_same(compile_grad(function)(array), function(array))


@pytest.mark.parametrize("make", [np.zeros, np.ones, np.empty, lambda n: np.full(n, 0.0)])
def test_filled_with_traced_values_afterwards(make):
    """What is made stays plain until something traced is stored; its size may be an argument."""

    def squares(x, n):
        filled = make(n)
        filled[:] = 0.0
        assert filled.sum() == 0.0
        for i in range(n):
            filled[i] = x[i] ** 2
        return np.sum(filled)

    np.testing.assert_allclose(compile_grad(squares).grad(X, 2), [2 * X[0], 2 * X[1], 0.0])


def test_sizes_that_are_not_known():
    def loss(x):
        filled = np.zeros(x.shape[0])
        filled[:] = x * np.arange(x.shape[0])
        return np.sum(filled**2)

    compiled = compile_grad(loss)
    assert "np.arange(n)" in compiled.lower(spec("f8[n]")).numpy
    np.testing.assert_allclose(compiled.grad(X), 2 * X * np.arange(3) ** 2)


def test_memory_is_that_of_numpy():
    """What is no copy in NumPy shares memory here: stores to it change the array."""

    def loss(x):
        y = x * 1.0
        np.asarray(y)[0] = 2.0
        np.array(y)[1] = 5.0
        assert np.may_share_memory(y, y[1:])
        assert not np.shares_memory(y, x)
        return np.sum(y * x)

    np.testing.assert_allclose(compile_grad(loss)(X), 2 * X[0] + X[1] ** 2 + X[2] ** 2)


def test_range_to_a_traced_end_is_refused():
    with pytest.raises(CaptureError, match="Python number|Python integer"):
        compile_grad(lambda x: np.sum(np.arange(x[0]) * x[1]))(X)
