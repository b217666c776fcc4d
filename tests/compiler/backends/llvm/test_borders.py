"""Arrays that are rolled, padded and joined are computed where they are read, part by part."""

import numpy as np
import pytest

from gradc import compile_grad

RNG = np.random.default_rng(0)


def laplacian(x):
    around = [np.roll(x, by, axis) for axis in range(x.ndim) for by in (1, -1)]
    return sum(around) - 2 * x.ndim * x


def shifted(x):
    return np.concatenate([x[-1:], x[:-1]]) * np.concatenate([x[1:], x[:1]])


def turned(x):
    return np.flip(np.roll(x, 2, -1), -1) + np.roll(x, -2, -1)


def nested(x):
    return np.roll(np.sin(np.roll(x, 1, 0)) * x, 3, -1)


def bordered(x):
    return np.pad(x, 2)[1:-3] + 1


def three_parts(x):
    return np.concatenate([x[:2], x * 2, x[3:]])


def summed(x):
    return np.cumsum(np.roll(x, 1, -1), axis=-1)


@pytest.mark.parametrize("shape", [(5,), (70_000,), (7, 9), (300, 250), (20, 30, 40)], ids=str)
@pytest.mark.parametrize(
    "function",
    [laplacian, shifted, turned, nested, bordered, three_parts, summed],
    ids=lambda one: one.__name__,
)
def test_parts_are_as_numpy_joins_them(function, shape):
    x = RNG.normal(size=shape)
    found = compile_grad(function, backend="llvm")(x)
    np.testing.assert_allclose(found, function(x), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("shape", [(5,), (300, 250)], ids=str)
@pytest.mark.parametrize("function", [laplacian, nested], ids=lambda one: one.__name__)
def test_their_gradients_are_those_of_the_numpy_backend(function, shape):
    def loss(x):
        return np.sum(function(x) ** 2)

    x = RNG.normal(size=shape)
    _, found = compile_grad(loss, backend="llvm").value_and_grad(x)
    _, expected = compile_grad(loss).value_and_grad(x)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_part_is_read_before_what_it_shows_is_changed():
    def kept(x):
        y = x * 2
        z = np.roll(y, 1)
        y[2:5] = 0.0
        return z + y

    x = RNG.normal(size=100)
    np.testing.assert_allclose(compile_grad(kept, backend="llvm")(x), kept(x), rtol=1e-12)
