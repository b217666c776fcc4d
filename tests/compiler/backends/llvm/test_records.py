"""What loops save whose trips are known at run time only: how it grows, and who frees it.

The programs of the zoo compare values; here are the edges: records that grow, that are made again
and again, that are left by an exception, and that go from one program to another.
"""

import gc
import tracemalloc
from functools import cache

import numpy as np
import pytest
from gradc.compiler.errors import GradcError
from gradc.compiler.primitives.records import FIRST_ROOM

import gradc
from gradc import compile_grad, debug

X = np.linspace(0.1, 1, 5)
WIDE = np.linspace(0.1, 1, 50)  # rows that are no registers


def repeated(x, trips):
    return np.sum(gradc.fori_loop(0, trips, lambda i, y: np.sin(y) * x, x))


def counted(x, trips):
    """The same with a condition: its record grows."""

    def body(carry):
        y, i = carry
        return np.sin(y) * x, i + 1

    return np.sum(gradc.while_loop(lambda carry: carry[1] < trips, body, (x, 0))[0])


def stepped(x, start, stop, step):
    return np.sum(gradc.fori_loop(start, stop, lambda i, y: np.sin(y) * 1.1 + x, x, step=step))


def nested(x, trips):
    """Records in bodies: one of a for loop whose trips differ, in one of a while loop."""

    def outer(i, total):
        def inner(y):
            return gradc.fori_loop(0, i, lambda j, y: y - 0.01 * np.sin(y) * x, 0.7 * y)

        y = gradc.while_loop(lambda y: np.sum(y) > 0.5, inner, x * (i + 1))
        return total + np.sum(y) ** 2

    return gradc.fori_loop(0, trips, outer, 0.0)


def of_every_kind(x, trips):
    """Saves booleans, integers and single precision."""

    def body(i, carry):
        y, k = carry
        is_large = np.sum(y) > 1
        y = np.where(is_large, y * np.float32(0.8), y * np.float32(1.5))
        return y * np.sin(y), np.where(is_large, k + i, k)

    y, k = gradc.fori_loop(0, trips, body, (x.astype(np.float32), np.arange(x.size)))
    return np.sum(y * k)


def picked(x, trips, first):
    return gradc.fori_loop(0, trips, lambda i, y: np.sin(y) * x[first + i], 1.0)


@cache
def compiled_once(function, backend):
    return compile_grad(function, backend=backend)


def native(function, *args):
    """Return a compiled function that does run as native code."""
    compiled = compiled_once(function, "llvm")
    assert "runs as NumPy" not in compiled.inspect(*args, what="log")
    return compiled


def assert_equals_numpy(function, *args):
    value, gradient = native(function, *args).value_and_grad(*args)
    wanted, other = compiled_once(function, "numpy").value_and_grad(*args)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient, other, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("x", [X, WIDE], ids=["registers", "memory"])
@pytest.mark.parametrize("function", [repeated, counted])
@pytest.mark.parametrize(
    "trips", [-3, 0, 1, FIRST_ROOM - 1, FIRST_ROOM, FIRST_ROOM + 1, 2 * FIRST_ROOM + 1, 300]
)
def test_any_number_of_rows(function, trips, x):
    """None, the rows that a growing record has room for at first, and around those."""
    assert_equals_numpy(function, x, np.array(trips))


@pytest.mark.parametrize("trips", [0, 1, 12])
def test_records_of_bodies(trips):
    """Each one is made again in each iteration, sometimes longer and sometimes shorter."""
    assert_equals_numpy(nested, X, np.array(trips))
    assert_equals_numpy(nested, WIDE, np.array(trips))


def test_rows_of_every_kind():
    args = X, np.array(40)
    value, gradient = native(of_every_kind, *args).value_and_grad(*args)
    wanted, other = compiled_once(of_every_kind, "numpy").value_and_grad(*args)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient, other, rtol=1e-4)


_LEAST, _MOST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    "bounds",
    [(0, 5, 2), (5, 0, -1), (6, 0, -2), (0, 5, -1), (5, 0, 1), (-4, 9, 4), (3, 3, 1), (3, 4, 10)],
    ids=str,
)
def test_ranges_whose_step_is_an_argument(bounds):
    assert_equals_numpy(stepped, X, *map(np.array, bounds))


@pytest.mark.parametrize(
    "bounds",
    [
        (_MOST - 4, _MOST, 2),
        (_LEAST, _LEAST + 3, 1),
        (_LEAST + 3, _LEAST, -1),
        (_LEAST, _MOST, 2**62),
        (_MOST, _LEAST, _LEAST),
    ],
    ids=["top", "bottom", "down", "all", "least"],
)
def test_ranges_at_the_ends_of_integers(bounds):
    """Their lengths do not fit into a signed number."""
    compiled = native(stepped, X, *map(np.array, bounds))
    expected = X
    for _ in range(*bounds):
        expected = np.sin(expected) * 1.1 + X
    np.testing.assert_allclose(compiled(X, *map(np.array, bounds)), np.sum(expected), rtol=1e-12)


def test_a_step_of_zero_is_an_error():
    compiled = native(stepped, X, *map(np.array, (0, 5, 1)))
    with pytest.raises(ValueError, match="must not be zero"):
        compiled(X, *map(np.array, (0, 5, 0)))
    with pytest.raises(ValueError, match="must not be zero"):
        compiled.value_and_grad(X, *map(np.array, (0, 5, 0)))


@pytest.mark.parametrize("trips", [2**61, 2**58], ids=["no size", "no memory"])
def test_too_many_rows_are_an_error(trips):
    compiled = native(repeated, X, np.array(3))
    with pytest.raises(MemoryError, match="what a loop saves"):
        compiled.value_and_grad(X, np.array(trips))
    assert_equals_numpy(repeated, X, np.array(3))


# Memory. Python's own allocator gives it, so that ``tracemalloc`` sees it.


def left_behind(call, times):
    """Return the growth, and the peak, of memory over some calls."""
    for _ in range(3):
        call()
    gc.collect()
    tracemalloc.start()
    call()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for _ in range(times):
        call()
    _, peak = tracemalloc.get_traced_memory()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before, peak - before


@pytest.mark.parametrize("function", [repeated, counted, nested])
def test_nothing_is_left_behind(function):
    compiled = native(function, WIDE, np.array(40))
    growth, peak = left_behind(lambda: compiled.value_and_grad(WIDE, np.array(40)), 50)
    assert growth < 10_000  # bytes; one record alone has 16,000
    assert peak > 16_000  # it is seen at all


def test_bodies_do_not_pile_up_memory():
    """One record of each kind is there, however often the body runs."""
    compiled = native(nested, WIDE, np.array(5))
    _, few = left_behind(lambda: compiled.value_and_grad(WIDE, np.array(60)), 1)
    _, many = left_behind(lambda: compiled.value_and_grad(WIDE, np.array(120)), 1)
    assert few > 60 * 50 * 8
    assert many < 3 * few


def fails(call, kind):
    with pytest.raises(kind):
        call()


def test_an_index_out_of_bounds_leaves_nothing_behind():
    compiled = native(picked, WIDE, np.array(10), np.array(0))
    args = WIDE, np.array(40), np.array(20)
    growth, _ = left_behind(lambda: fails(lambda: compiled.value_and_grad(*args), IndexError), 50)
    assert growth < 10_000


def test_an_exception_of_a_callback_leaves_nothing_behind():
    calls = []

    def see(y):
        calls.append(None)
        if len(calls) % 7 == 0:
            raise RuntimeError("seen enough")

    def watched(x, trips):
        def body(i, y):
            debug.callback(see, y)
            return np.sin(y) * x

        return np.sum(gradc.fori_loop(0, trips, body, x))

    compiled = native(watched, WIDE, np.array(5))

    def call():
        calls.clear()
        fails(lambda: compiled.value_and_grad(WIDE, np.array(40)), RuntimeError)

    growth, _ = left_behind(call, 50)
    assert growth < 10_000


# From one program to another


def kept(x, trips):
    """What ``counted`` computes, as an array: its gradient is taken by a pullback."""

    def body(carry):
        y, i = carry
        return np.sin(y) * x, i + 1

    return gradc.while_loop(lambda carry: carry[1] < trips, body, (x, 0))[0]


@pytest.mark.parametrize("trips", [0, 1, FIRST_ROOM, FIRST_ROOM + 1, 300])
def test_a_pullback_reads_what_the_program_saved(trips):
    """As often as it is called."""
    compiled = compiled_once(kept, "llvm")
    output, pullback = compiled.vjp(WIDE, np.array(trips))
    assert "runs as NumPy" not in compiled.inspect(WIDE, np.array(trips), what="log")
    wanted, other = compiled_once(kept, "numpy").vjp(WIDE, np.array(trips))
    np.testing.assert_allclose(output, wanted, rtol=1e-12)
    for ct in (np.cos(WIDE), WIDE):
        np.testing.assert_allclose(pullback(ct), other(ct), rtol=1e-10, atol=1e-14)


def test_a_pullback_keeps_what_was_saved_and_no_longer():
    compiled = compiled_once(kept, "llvm")

    def call():
        pullbacks = [compiled.vjp(WIDE, np.array(40))[1] for _ in range(3)]
        del pullbacks[1]
        return [pullback(WIDE) for pullback in pullbacks]

    growth, peak = left_behind(call, 20)
    assert growth < 10_000
    assert peak > 2 * 40 * WIDE.nbytes


@pytest.mark.parametrize("trips", [0, 3, 40])
def test_records_of_a_batch(trips):
    """In those of a Hessian another axis than the first counts the rows."""
    compiled = native(counted, X, np.array(trips))
    table = compiled.hessian(X, np.array(trips))
    assert "runs as NumPy" not in compiled.inspect(X, np.array(trips), what="log")
    wanted = compiled_once(counted, "numpy").hessian(X, np.array(trips))
    np.testing.assert_allclose(table, wanted, rtol=1e-9, atol=1e-12)


def test_no_function_of_c_takes_arrays_of_unknown_size():
    def picked_twice(x):
        return gradc.fori_loop(0, 2, lambda i, y: y + x[i], np.zeros(3))

    lowered = compile_grad(picked_twice, backend="llvm").lower(gradc.spec("f8[n,3]"))
    with pytest.raises(GradcError, match="unknown size"):
        _ = lowered.address
