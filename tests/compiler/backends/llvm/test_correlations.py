"""Convolutions of vectors, with lengths around those of a block of results."""

import numpy as np
import pytest

from gradc import compile_grad

RNG = np.random.default_rng(0)
LENGTHS = [(1, 1), (5, 3), (3, 5), (64, 1), (65, 2), (200, 31), (31, 200), (1000, 1000)]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u1"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_convolution_and_correlation_are_those_of_numpy(lengths, dtype):
    x, v = ((RNG.random(length) * 9).astype(dtype) for length in lengths)
    for function in (np.convolve, lambda x, v: np.correlate(x, v, "valid")):
        expected = function(x, v)
        found = compile_grad(function, backend="llvm")(x, v)
        assert found.dtype == expected.dtype
        # In float32 as many roundings meet as the shorter one has elements.
        tolerance = 1e-5 if dtype == "f4" else 1e-12
        np.testing.assert_allclose(found, expected, rtol=tolerance)


def test_gradients_are_those_of_the_numpy_backend():
    def loss(x, v):
        return np.sum(np.convolve(x, v) ** 2)

    x, v = RNG.normal(size=300), RNG.normal(size=40)
    _, found = compile_grad(loss, backend="llvm", wrt=("x", "v")).value_and_grad(x, v)
    _, expected = compile_grad(loss, wrt=("x", "v")).value_and_grad(x, v)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
