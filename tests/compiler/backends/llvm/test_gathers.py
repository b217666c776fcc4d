"""Reads and stores at places that arrays hold: what NumPy does, and never beyond an array."""

import numpy as np
import pytest
from gradc.compiler.backends.llvm.gathers import Checked
from gradc.compiler.backends.llvm.plan import Plan
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.primitives.index import gather
from gradc.compiler.primitives.selection import Gather
from gradc.compiler.types import type_of

from gradc import compile_grad

RNG = np.random.default_rng(0)
ROWS = RNG.integers(-30, 30, 50)


def native(function):
    return compile_grad(function, backend="llvm")


def assert_as_numpy(function, *args):
    """Compare results, and what becomes of the arguments."""
    given = [np.copy(arg) for arg in args]
    expected = [np.copy(arg) for arg in args]
    np.testing.assert_array_equal(native(function)(*given), function(*expected))
    for one, other in zip(given, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8", "i8"])
def test_integers_of_any_width_are_places(dtype):
    places = RNG.integers(0, 30, 50).astype(dtype)
    assert_as_numpy(lambda x, i: x[i], RNG.random(30), places)


@pytest.mark.parametrize(
    "select",
    [
        lambda x, i: x[i],
        lambda x, i: x[:, i],
        lambda x, i: x[i, 2, i],
        lambda x, i: x[i, :, i],  # what arrays select comes first where they part
        lambda x, i: x[i[:, None], None, ::-1, i[:5]],
        lambda x, i: x.T[i],
        lambda x, i: x[::2, ..., ::-1][:, :, i],
    ],
)
def test_arrays_mix_with_slices_numbers_and_new_axes(select):
    assert_as_numpy(select, RNG.random((30, 30, 30)), ROWS)


@pytest.mark.parametrize("place", [30, -31, 2**62, -(2**63)])
@pytest.mark.parametrize("count", [2, 100])  # in registers and in memory
def test_a_place_outside_is_an_error_with_the_line_before_anything_is_written(place, count):
    def store(x, i):
        x[i] = 1.0
        return x[i]

    places = np.zeros(count, np.int64)
    places[-1] = place
    x = np.zeros(30)
    with pytest.raises(IndexError, match="out of bounds for an axis of size 30: .*x\\[i\\] = 1.0"):
        native(store)(x, places)
    assert not x.any()


def test_of_equal_places_the_last_value_stays_and_all_are_added():
    def store(x, i, v):
        y = x * 2
        y[i] = v
        return y

    def add(x, i, v):
        np.add.at(x, (slice(None), i), v)
        return x

    places = RNG.integers(-9, 9, 1000)
    assert_as_numpy(store, RNG.random(9), places, RNG.random(1000))
    assert_as_numpy(add, RNG.random((4, 9)), places, RNG.random((4, 1000)))


def test_a_histogram_in_registers_reads_many_places():
    def histogram(i):
        counts = np.zeros(5)
        np.add.at(counts, i, 1.0)
        return counts

    assert_as_numpy(histogram, RNG.integers(0, 5, 1000))


def test_an_array_that_is_stored_to_at_places_and_values_of_its_own():
    def turned(v):
        x = np.arange(40)
        x[x[::-1]] = v
        return x

    def doubled(x, i):
        x = x.copy()
        x[i] = x[i[::-1]] * 2
        return x

    def before_and_after(x, i):
        y = x * 2
        z = y[i]  # not to be read once y has changed
        y[i] = 0.0
        return z + y[i]

    assert_as_numpy(turned, np.arange(40) * 3)
    assert_as_numpy(doubled, RNG.random(30), ROWS)
    assert_as_numpy(before_and_after, RNG.random(30), ROWS)


def test_the_places_that_are_used_are_those_that_were_checked():
    """Code behind the check does not read the argument again, which other threads may change."""
    x, places = (Value(type_of(one)) for one in (RNG.random(30), ROWS))
    with Builder() as builder:
        taken = gather(x, places, index=(Gather(),))
    plan = Plan(Graph((x, places), tuple(builder.nodes), (taken,)))
    (check,) = (i for i, step in enumerate(plan.steps) if isinstance(step, Checked))
    behind = [plan.leaves(i) for i in range(check + 1, len(plan.steps))]
    assert behind
    assert not any(places in leaves for leaves in behind)


def test_the_gradient_of_an_embedding_is_that_of_numpy():
    def loss(table, places):
        return np.sum(np.tanh(table[places]) ** 2)

    table, places = RNG.random((30, 16)), RNG.integers(-30, 30, 200)
    value, gradient = native(loss).value_and_grad(table, places)
    expected, wanted = compile_grad(loss).value_and_grad(table, places)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-12)


def test_no_elements_are_taken():
    assert_as_numpy(lambda x, i: x[i], RNG.random((0, 3)), np.zeros(0, np.int64))
    assert_as_numpy(lambda x, i: x[:, i], RNG.random((0, 3)), np.array([2, 0]))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_places_in_an_array_of_one_element(rank):
    """Of which a fold leaves one; each place has its own indices, and none lies behind the end."""
    x = RNG.normal(size=(9, 8, 7)[:rank])
    i, j = -RNG.integers(0, 2, (17, 1)), RNG.integers(-1, 1, 17)
    index = (i, j)[: min(rank, 2)]

    def gathered(x, *index):
        return np.max(x, axis=tuple(range(rank)), keepdims=True)[index]

    assert_as_numpy(gathered, x, *index)
    assert_as_numpy(lambda x, *index: gathered(x, *index) * 2.0 + 1.0, x, *index)
