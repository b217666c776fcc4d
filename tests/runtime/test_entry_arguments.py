"""Entries from Python: what they take, and what they hand to the fallback."""

import pickle

import numpy as np
import pytest

from ..native_entries import (
    argument,
    array,
    bound,
    copies,
    fresh,
    is_slow,
    number,
    scalar,
    slow,
    squares,
)

pytestmark = pytest.mark.usefixtures("entry_kind")

X = np.arange(8.0)
X.flags.writeable = False


class Subclass(np.ndarray):
    pass


def misaligned(source):
    """The same numbers, one byte off."""
    room = np.empty(source.nbytes + 1, np.uint8)
    result = room[1:].view(source.dtype).reshape(source.shape)
    result[...] = source
    return result


def read_only(source):
    result = source.copy()
    result.flags.writeable = False
    return result


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -2.5e300, np.inf, -np.inf, np.nan, 5e-324])
def test_float(value):
    entry = bound(slow, copies(8), [number("float", np.float64)], [scalar()], 0)
    assert np.float64(value).tobytes() == entry(value).tobytes()
    for other in (1, True, np.float64(value), "1.0", np.ones(())):
        assert is_slow(entry, other)


def test_float_as_single():
    """Rounded as NumPy does it; what overflows is left to NumPy, which warns."""
    entry = bound(slow, copies(4), [number("float", np.float32)], [scalar(np.float32)], 0)
    for value in (0.1, -0.0, 3.4028235e38, 1e-46, np.inf, -np.inf, np.nan):
        assert entry(value).tobytes() == np.float32(value).tobytes()
    assert is_slow(entry, 3.5e38)
    assert is_slow(entry, -1e300)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_int(dtype):
    dtype = np.dtype(dtype)
    entry = bound(slow, copies(dtype.itemsize), [number("int", dtype)], [scalar(dtype)], 0)
    limits = np.iinfo(dtype)
    for value in (0, 1, 77, limits.min, min(limits.max, 2**63 - 1)):
        assert entry(int(value)) == value
    for other in (limits.max + 1, limits.min - 1, 10**30, -(10**30), True, 1.0, dtype.type(1)):
        assert is_slow(entry, other)


def test_int_as_float():
    """Rounded to nearest, as Python does it."""
    for dtype in (np.float32, np.float64):
        size = np.dtype(dtype).itemsize
        entry = bound(slow, copies(size), [number("int", dtype)], [scalar(dtype)], 0)
        for value in (0, -3, 2**53 + 1, 2**53 + 3, 2**62 + 12345, -(2**63)):
            assert entry(value) == dtype(value)


def test_bool():
    entry = bound(slow, copies(1), [number("bool", np.bool_)], [scalar(np.bool_)], 0)
    assert entry(True) is np.True_
    assert entry(False) is np.False_
    assert is_slow(entry, 1)
    assert is_slow(entry, np.True_)


@pytest.mark.parametrize(
    "given",
    [
        X.astype(np.float32),
        X.astype(np.int64),
        X.astype(np.complex128),
        X.astype(object),
        X.astype(">f8"),
        X.astype("M8[s]"),
        X[:7],
        np.arange(9.0),
        X.reshape(2, 4),
        np.zeros(()),
        np.zeros(0),
        np.arange(16.0)[::2],
        X[::-1],
        np.broadcast_to(1.0, 8),
        misaligned(X),
        X.view(Subclass),
        np.ma.array(X),
        np.rec.array(X),
        list(X),
        memoryview(X),
        np.float64(1),
        1.0,
        None,
    ],
    ids=lambda given: f"{type(given).__name__}-{getattr(given, 'dtype', '')}",
)
def test_arrays_that_do_not_fit(given):
    entry = bound(slow, squares, [array(8)], [fresh(8)], 0)
    if is_slow(entry, given):
        return
    raise AssertionError("the entry took it")


def test_matrix_in_columns_first():
    """Contiguity is that of C."""
    entry = bound(slow, copies(48), [array(2, 3)], [fresh(2, 3)], 0)
    assert is_slow(entry, np.asfortranarray(np.ones((2, 3))))
    np.testing.assert_array_equal(entry(np.ones((2, 3))), np.ones((2, 3)))
    # Where both orders are the same, both flags are set.
    column = bound(slow, copies(16), [array(2, 1)], [fresh(2, 1)], 0)
    np.testing.assert_array_equal(column(np.asfortranarray(np.ones((2, 1)))), np.ones((2, 1)))


def test_other_calls_that_do_not_fit():
    entry = bound(slow, squares, [array(8)], [fresh(8)], 0)
    assert is_slow(entry)
    assert is_slow(entry, X, X)
    assert is_slow(entry, X, key=1)
    assert is_slow(entry, x=X)
    assert is_slow(entry, *[X] * 20)


def test_second_argument_is_checked_too():
    entry = bound(slow, copies(64, 64), [array(8), array(8)], [fresh(8), fresh(8)], (0, 1))
    assert is_slow(entry, X, X[:7])
    assert is_slow(entry, X[:7], X)
    first, second = entry(X, X + 1)
    np.testing.assert_array_equal(second, first + 1)


@pytest.mark.parametrize("count", [5, 6, 7, 40])
def test_many_arrays(count):
    """The checks of few arrays are copied, those of many are called."""
    shapes = [(3,), (2, 2), (), (1, 1, 2)]
    shapes = [shapes[i % 4] for i in range(count)]
    given = [np.full(shape, float(i)) for i, shape in enumerate(shapes)]
    entry = bound(
        slow,
        copies(*(one.nbytes for one in given)),
        [array(*shape) for shape in shapes],
        [fresh(*shape) for shape in shapes],
        tuple(range(count)),
    )
    for one, result in zip(given, entry(*given), strict=True):
        np.testing.assert_array_equal(result, one)
    for i in range(count):
        assert is_slow(entry, *given[:i], given[i].astype(np.float32), *given[i + 1 :])
        assert is_slow(entry, *given[:i], np.ones((2, 3)), *given[i + 1 :])


def test_dtypes_equal_but_not_the_same_object():
    """Unpickled arrays have a descriptor of their own, and so have explicit byte orders."""
    entry = bound(slow, squares, [array(8)], [fresh(8)], 0)
    unpickled = pickle.loads(pickle.dumps(X))
    explicit = X.view(np.dtype("f8").newbyteorder("<"))
    assert explicit.dtype is not X.dtype
    for given in (unpickled, explicit, X.view(np.dtype("f8", metadata={"a": 1}))):
        np.testing.assert_array_equal(entry(given), X * X)


def test_read_only():
    """Is enough for reading, and not for writing."""
    entry = bound(slow, squares, [array(8)], [fresh(8)], 0)
    np.testing.assert_array_equal(entry(read_only(X)), X * X)
    writing = bound(slow, squares, [array(8), array(8, written=True)], [argument(1)], 0)
    assert is_slow(writing, X, read_only(X))
    target = np.zeros(8)
    assert writing(X, target) is target
    np.testing.assert_array_equal(target, X * X)


def test_written_arrays_lie_apart():
    """A kernel may not see through one argument what it writes through another."""
    body = copies(64)
    writing = bound(slow, body, [array(8), array(8, written=True)], [argument(1)], 0)
    room = np.arange(24.0)
    assert is_slow(writing, room[:8], room[:8])
    assert is_slow(writing, room[:8], room[7:15])
    assert is_slow(writing, room[7:15], room[:8])
    assert writing(room[8:16], room[:8]) is not None
    np.testing.assert_array_equal(room[:8], room[8:16])
    assert isinstance(writing(room[8:16], room[16:]), np.ndarray)
    both = bound(
        slow, body, [array(8), array(8, written=True), array(8, written=True)], [argument(1)], 0
    )
    assert is_slow(both, X, room[:8], room[1:9])
    assert isinstance(both(X, room[:8], room[8:16]), np.ndarray)
