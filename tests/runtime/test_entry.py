"""Entries from Python: what they give, and what stands behind them."""

import gc
import tracemalloc

import numpy as np
import pytest
from gradc.compiler.backends.llvm.entry_layout import INT, POINTER
from gradc.runtime.entry import bind, exported, fallback_of, retarget

from ..native_entries import (
    argument,
    array,
    bound,
    copies,
    emit,
    fresh,
    is_slow,
    loaded,
    number,
    outside,
    scalar,
    slow,
    squares,
    sum_and_squares,
)

pytestmark = pytest.mark.usefixtures("entry_kind")

X = np.arange(8.0)
X.flags.writeable = False


def test_array_to_array():
    result = bound(slow, squares, [array(8)], [fresh(8)], 0)(X)
    assert type(result) is np.ndarray
    assert (result.dtype, result.shape) == (np.float64, (8,))
    assert result.flags.owndata
    assert result.flags.writeable
    np.testing.assert_array_equal(result, X * X)


def test_array_to_scalar_and_array():
    total, gradient = bound(slow, sum_and_squares, [array(8)], [scalar(), fresh(8)], (0, 1))(X)
    assert type(total) is np.float64
    assert total == 140.0
    np.testing.assert_array_equal(gradient, X * X)


def test_nested_tuples():
    """Results may occur twice, None may stand anywhere, and an argument is itself."""
    results = [scalar(), fresh(8), argument(0)]
    tree = ((1, None), (), (0, (2, 0), 1))
    entry = bound(slow, sum_and_squares, [array(8)], results, tree)
    (first, none), empty, (total, (itself, again), second) = entry(X)
    assert first is second
    assert total is again
    assert total == 140.0
    assert (none, empty) == (None, ())
    assert itself is X


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 4), (2, 1, 3)])
def test_every_dtype_and_rank(dtype, shape):
    given = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype)
    entry = bound(
        slow, copies(given.nbytes), [array(*shape, dtype=dtype)], [fresh(*shape, dtype=dtype)], 0
    )
    result = entry(given)
    assert (type(result), result.dtype, result.shape) == (np.ndarray, given.dtype, shape)
    np.testing.assert_array_equal(result, given)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
def test_numpy_scalars(dtype):
    """In and out; one of another type goes to the fallback."""
    dtype = np.dtype(dtype)
    entry = bound(slow, copies(dtype.itemsize), [number("scalar", dtype)], [scalar(dtype)], 0)
    for value in (0, 1):
        result = entry(dtype.type(value))
        assert type(result) is dtype.type
        assert result == value
    assert is_slow(entry, 1)
    assert is_slow(entry, np.ones((), dtype))
    assert is_slow(entry, np.complex128(1))
    if dtype == np.bool_:
        assert entry(np.True_) is np.True_  # there is one of each only
        assert entry(np.False_) is np.False_


def test_exceptions_of_the_fallback_pass():
    def refuses(*args):
        raise KeyError("not this")

    with pytest.raises(KeyError, match="not this"):
        bound(refuses, squares, [array(8)], [fresh(8)], 0)(1)


def test_specialisations_are_tried_in_turn():
    last = bound(slow, copies(24), [array(3)], [fresh(3)], 0)
    first = bound(last, squares, [array(8)], [fresh(8)], 0)
    np.testing.assert_array_equal(first(X), X * X)
    np.testing.assert_array_equal(first(X[:3]), X[:3])
    assert is_slow(first, X[:4])
    assert is_slow(first, X[:4], key=1)


def test_retarget():
    """Another fallback may come at any time, from within a call as well."""

    def replaces(*args):
        retarget(entry, slow)
        gc.collect()
        return "replaced"

    entry = bound(replaces, squares, [array(8)], [fresh(8)], 0)
    assert fallback_of(entry) is replaces
    del replaces
    assert entry(1) == "replaced"
    assert is_slow(entry, 1)
    assert fallback_of(entry) is slow
    for other in (len, slow, "".join):
        with pytest.raises(TypeError, match="no native entry"):
            retarget(other, slow)


def test_fallback_may_call_the_entry():
    def converts(given):
        return entry(np.asarray(given, np.float64))

    entry = bound(converts, squares, [array(8)], [fresh(8)], 0)
    np.testing.assert_array_equal(entry(list(range(8))), X * X)


def test_name_and_doc():
    library = loaded(emit(squares, [array(8)], [fresh(8)], 0))
    entry = bind(library, "f", slow)
    assert (entry.__name__, entry.__doc__) == ("slow", "What the fallback says.")
    assert entry.__module__ == slow.__module__
    other = bind(library, "f", slow, title="loss", doc="Ours.")
    assert (other.__name__, other.__doc__) == ("loss", "Ours.")
    np.testing.assert_array_equal(other(X), entry(X))
    assert exported("f") == ("f", "f.context")


def test_status_of_the_kernel():
    """An exception that the kernel has set is raised, and the results are given back."""

    def fails(builder, pointers):
        outside(builder, "PyErr_NoMemory", POINTER)
        return INT(1)

    entry = bound(slow, fails, [array(8)], [fresh(100_000), scalar(), fresh(8)], (0, 1, (2,)))
    with pytest.raises(MemoryError):
        entry(X)
    tracemalloc.start()
    for _ in range(20):
        with pytest.raises(MemoryError):
            entry(X)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 400_000  # half of one of the 20 arrays


def test_status_zero_is_no_failure():
    entry = bound(slow, lambda builder, pointers: INT(0), [], [fresh(2)], 0)
    assert entry().shape == (2,)


@pytest.mark.parametrize(
    "results",
    [
        [fresh(8), fresh(1 << 50)],
        [fresh(1 << 50), scalar()],
        [scalar(), *[fresh(8)] * 7, fresh(1 << 50), *[fresh(8)] * 7],
    ],
)
def test_memory_that_there_is_not(results):
    """NumPy's exception comes through; what was made before is given back."""
    tree = tuple(range(len(results)))
    entry = bound(slow, lambda builder, pointers: None, [array(8)], results, tree)
    for _ in range(3):
        with pytest.raises(MemoryError, match="Unable to allocate"):
            entry(X)


def test_workspace_that_there_is_not(entry_kind):
    entry = bound(slow, squares, [array(8)], [fresh(8)], 0, workspace_bytes=1 << 60)
    with pytest.raises(MemoryError):
        entry(X)
