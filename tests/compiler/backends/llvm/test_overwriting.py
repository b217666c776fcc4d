"""Values that nests write over others: how much memory that takes, and that the values stay right.

What is read of an array at other points, or later, must not be gone by then.
"""

import numpy as np
import pytest
from gradc.compiler.backends.llvm.steps import Nest

import gradc
from gradc import compile_grad

from .test_inventory import program_of

RNG = np.random.default_rng(3)
GRID = RNG.normal(size=(40, 50))
NBYTES = GRID.nbytes
STEPS = 5


def five_points(a):
    return a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]


def sweep(step, grids):
    a, b = grids
    b[1:-1, 1:-1] = 0.2 * five_points(a)
    a[1:-1, 1:-1] = 0.2 * five_points(b)
    return a, b


def swept(a, b):
    """Each grid in turn from the other; the frames stay."""
    a, b = gradc.fori_loop(0, STEPS, sweep, (a, b))
    return a * 1.0, b * 1.0


def mixed(a, b):
    """Both next values read both of the last ones, each at its own points."""
    a, b = gradc.fori_loop(0, STEPS, lambda i, s: (s[0] + 0.1 * s[1], s[1] - 0.1 * s[0]), (a, b))
    return a * b


def exchanged(a, b):
    """They change places."""
    a, b = gradc.fori_loop(0, STEPS, lambda i, s: (np.sin(s[1]), s[0] * 0.9), (a, b))
    return a - b


def shifted(a, b):
    """One reads the other one all around, at the point that is written over."""

    def step(i, s):
        a, b = s
        return a * 0.9 + 0.1 * b, b + 0.1 * np.roll(a, 1, axis=0)[:, ::-1]

    a, b = gradc.fori_loop(0, STEPS, step, (a, b))
    return a + b


def leapfrog(a, b):
    """The last value but one is needed at its own points only."""

    def step(i, s):
        before, now = s
        inner = (
            2 * now[1:-1, 1:-1] - before[1:-1, 1:-1] + 0.1 * (five_points(now) - now[1:-1, 1:-1])
        )
        after = before.copy()
        after[1:-1, 1:-1] = inner
        return now, after

    a, b = gradc.fori_loop(0, STEPS, step, (a, b))
    return a + 2 * b


def fibonacci(a, b):
    """Arrays move on to the next place, the oldest one is replaced: three in turn, with a copy."""

    def step(i, s):
        a, b, c = s
        return b, c, a + 0.5 * b - 0.1 * c

    a, b, c = gradc.fori_loop(0, STEPS, step, (a, b, a * b))
    return a + 2 * b + 3 * c


def spread(a, b):
    """The oldest is read all around: what comes next needs memory of its own."""

    def step(i, s):
        a, b = s
        return b, np.roll(a, 1, axis=1) * 0.5 + b

    a, b = gradc.fori_loop(0, STEPS, step, (a, b))
    return a - 2 * b


def doubled(a, b):
    """Two go on from one."""
    a, b = gradc.fori_loop(0, STEPS, lambda i, s: (s[1], s[1]), (a, b))
    return a + 2 * b


def turned(a, b):
    """As long as it goes on: the last ones are where the last turn left them."""

    def step(s):
        a, b, i = s
        return b, np.sin(a) + 0.1 * b, i + 1

    a, b, _ = gradc.while_loop(lambda s: s[2] < STEPS, step, (a, b, 0))
    return a + 2 * b


def kept(a, b):
    """The first is read once more behind what would be written over it."""

    def step(i, s):
        a, b = s
        c = np.tanh(a)
        return c * 0.5, b + c.T[:40, :40].sum() * 1e-3 + a[::-1]

    a, b = gradc.fori_loop(0, STEPS, step, (a, b))
    return a + b


def chained(a, b):
    """Products keep the nests between them apart."""
    w = 0.05 * (a @ b.T)
    h = np.tanh(w)
    h2 = np.sin(h @ w)
    return np.cos(h2 @ w) + h


def stored_twice(a, b):
    """What is stored is read beside the array, before and after."""
    c = np.sin(a) * b
    d = c[1:-1] * 2
    a[1:-1, 1:-1] = c[1:-1, 1:-1]
    return a * 2.0, d + a[:-2], c


def read_one_by_one(a, b):
    """Behind the loop one result is done with, and others are made, before the other is read."""

    def step(i, s):
        a, b = s
        return 2 * a - b + 0.1 * (np.roll(a, 1, axis=1) - a), a

    a, b = gradc.fori_loop(0, STEPS, step, (a, b))
    c = np.cumsum(a, axis=1)
    d = np.cumsum(c * c, axis=1) * 1e-3
    return np.cumsum(d, axis=1) * 1e-3 + b


def rotated(a, b):
    """Two loops that exchange arrays, forward and in their adjoints."""
    c = np.tanh(a - b)

    def turn(i, s):
        a, b, c = s
        return c + 0.1 * np.sin(b), a, b * 0.9

    a, b, c = gradc.fori_loop(0, STEPS, turn, (a, b, c))
    d = np.cumsum(np.tanh(c), axis=0)
    e = np.cumsum(d * d, axis=1) * 1e-2
    a, b, c = gradc.fori_loop(0, STEPS - 2, turn, (e, b, a))
    return np.cumsum(b, axis=0) * 1e-2 + np.cumsum(c * c, axis=1) * 1e-4 + a


PROGRAMS = [
    *(read_one_by_one, rotated),
    *(swept, mixed, exchanged, shifted, leapfrog, fibonacci, spread, doubled, turned),
    *(kept, chained, stored_twice),
]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda one: one.__name__)
def test_values_and_gradients_are_those_of_numpy_code(function):
    args = GRID, RNG.normal(size=GRID.shape)

    def loss(a, b):
        found = function(a.copy(), b.copy())
        found = found if isinstance(found, tuple) else (found,)
        return sum(np.sum(np.sin(one) * (i + 1.0)) for i, one in enumerate(found))

    native, reference = (compile_grad(loss, wrt=(0, 1), backend=one) for one in ("llvm", "numpy"))
    (value, gradients), (wanted, others) = (
        one.value_and_grad(*args) for one in (native, reference)
    )
    np.testing.assert_allclose(value, wanted, rtol=1e-11)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def workspace(function, *shapes):
    return program_of(function, *shapes).workspace_bytes


def test_a_loop_has_the_arrays_that_it_carries_once():
    """Two grids, which are results: nothing is left to keep; and so in the adjoint, but for one."""
    grids = ("f8[40,50]", "f8[40,50]")

    def both(a, b):
        return gradc.fori_loop(0, STEPS, sweep, (a, b))

    assert workspace(both, *grids) < 1000
    assert workspace(mixed, *grids) < 2.1 * NBYTES


def test_arrays_change_places_without_a_copy():
    """Nothing is copied inside of a loop: the steps of its body are one nest."""
    grids = ("f8[40,50]", "f8[40,50]")
    for function, arrays in ((leapfrog, 2), (spread, 3)):
        program = program_of(function, *grids)
        (body,) = (inner for bodies in program.section.inner.values() for inner in bodies)
        assert [type(step) for step in body.plan.steps] == [Nest]
        assert program.workspace_bytes < (arrays + 0.1) * NBYTES


def test_turns_are_taken_where_neighbours_are_read():
    """The next value of a point must not be there when that of its neighbour is computed."""

    def rolled(a):
        return gradc.fori_loop(0, STEPS, lambda i, a: a + np.roll(a, 1, axis=0), a) * 2.0

    assert workspace(rolled, "f8[40,50]") > 1.9 * NBYTES


def test_a_chain_of_nests_takes_the_memory_of_what_it_reads():
    """The sine of a product lies where the product was."""

    def activated(x):
        return np.cos(np.sin(x @ x) @ x)

    def plain(x):
        return (x @ x) @ x

    assert workspace(activated, "f8[300,300]") == workspace(plain, "f8[300,300]")
