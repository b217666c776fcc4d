"""Arrays of more than 2**31 bytes, and of more than 2**31 elements: no offset has 32 bits only.

Each test takes up to 6 GiB, so they run where they are asked for: ``pytest -m slow``.
"""

import numpy as np
import pytest

from gradc import compile_grad

pytestmark = [pytest.mark.slow, pytest.mark.huge]

MANY = 300_000_000  # float64: 2.4e9 bytes
SINGLE = 600_000_000  # float32: as many bytes
BYTES = 2_200_000_000  # more than 2**31 elements of one byte
SLICE = 1 << 24  # elements that are compared at once
LAST = slice(-SLICE, None)


def native(function, **options):
    return compile_grad(function, backend="llvm", **options)


def assert_everywhere(actual, expected):
    """Compare with ``expected(start, stop)``, a slice at a time."""
    for start in range(0, len(actual), SLICE):
        stop = min(start + SLICE, len(actual))
        np.testing.assert_array_equal(actual[start:stop], expected(start, stop))


def ramp(count, dtype):
    """Numbers that differ at places 2**31 and 2**32 bytes apart."""
    x = np.empty(count, dtype)
    for start in range(0, count, SLICE):
        stop = min(start + SLICE, count)
        x[start:stop] = np.arange(start, stop) % 101
    return x


def test_elementwise_and_reduction():
    x = ramp(MANY, np.float64)
    value, gradient = native(lambda x: np.sum(x * x + 1)).value_and_grad(x)
    full, rest = divmod(MANY, 101)
    squares = [i * i for i in range(101)]
    assert value == MANY + full * sum(squares) + sum(squares[:rest])  # float64 has all these
    assert_everywhere(gradient, lambda start, stop: 2 * x[start:stop])


def test_more_elements_than_32_bits_count():
    x = ramp(BYTES, np.int8)
    x[-3] = 120
    f = native(lambda x: (np.sum(x), np.argmax(x), x[-4:] * np.int8(2)))
    total, place, last = f(x)
    assert place == BYTES - 3
    full, rest = divmod(BYTES, 101)
    assert total == full * sum(range(101)) + sum(range(rest)) + 120 - (BYTES - 3) % 101
    np.testing.assert_array_equal(last, x[-4:] * np.int8(2))
    assert_everywhere(
        native(lambda x: x > np.int8(50))(x), lambda start, stop: x[start:stop] > np.int8(50)
    )


def test_two_axes():
    """Strides above 2**31, and a row of which is one longer than the other's."""
    x = ramp(BYTES, np.int8).reshape(2, -1)
    best, places = native(lambda x: (np.max(x, axis=1), np.argmin(x[:, ::-1], axis=1)))(x)
    np.testing.assert_array_equal(best, [100, 100])
    np.testing.assert_array_equal(places, [np.argmin(row[:-200:-1]) for row in x])
    columns = native(lambda x: x[0] + x[1])(x)
    assert_everywhere(columns, lambda start, stop: x[0, start:stop] + x[1, start:stop])


def test_gather_and_its_gradient():
    x = ramp(SINGLE, np.float32)
    i = np.array([0, SINGLE - 1, 2**29 + 5, -1, SINGLE - 2, -SINGLE])
    value, gradient = native(lambda x, i: np.sum(x[i] * x[i])).value_and_grad(x, i)
    assert value == np.sum(x[i] * x[i])
    expected = {}
    for one in i % SINGLE:
        expected[one] = expected.get(one, 0) + 2 * x[one]
    assert {one: gradient[one] for one in expected} == expected
    for one in expected:
        gradient[one] = 0
    assert_everywhere(gradient, lambda start, stop: 0)
    with pytest.raises(IndexError, match=str(SINGLE)):
        native(lambda x, i: np.sum(x[i] * x[i])).value_and_grad(x, np.array([SINGLE]))


def test_stores():
    def f(x, v, i):
        x = x + np.float32(1)
        x[-5:] = v
        x[i] = np.float32(7)
        return x

    x, v = ramp(SINGLE, np.float32), np.arange(5, dtype=np.float32)
    found = native(f)(x, v, SINGLE - 7)
    np.testing.assert_array_equal(found[-5:], v)
    assert found[SINGLE - 7] == 7
    found[-5:], found[SINGLE - 7] = x[-5:] + 1, x[SINGLE - 7] + 1
    assert_everywhere(found, lambda start, stop: x[start:stop] + np.float32(1))


def test_products():
    """Rows, and an inner size, that end beyond 2**31 bytes."""
    x = ramp(MANY, np.float64)
    tall, w = x.reshape(-1, 4), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    assert_everywhere(native(lambda x, w: x @ w)(tall, w), lambda start, stop: tall[start:stop] @ w)
    inner = native(lambda x: x.T @ x)(tall)
    expected = sum(
        tall[start : start + SLICE].T @ tall[start : start + SLICE]
        for start in range(0, len(tall), SLICE)
    )
    np.testing.assert_allclose(inner, expected, rtol=1e-12)
    np.testing.assert_allclose(native(lambda x: x @ x)(x), np.trace(expected), rtol=1e-12)


def test_into_an_array_of_the_callers():
    x, out = ramp(MANY, np.float64), np.empty(MANY)
    assert native(lambda x: np.sqrt(x) + 1)(x, out=out) is out
    assert_everywhere(out, lambda start, stop: np.sqrt(x[start:stop]) + 1)
