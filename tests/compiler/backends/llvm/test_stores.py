"""Stores in native code."""

import time

import numpy as np
import pytest

from gradc import compile_grad

STEPS = 40


def doubled(a):
    """Each value is read twice by the next: there are 2**STEPS ways from the first to the last."""
    y = a * 0.1
    for _ in range(STEPS):
        y = np.sin(y) + 0.1 * y
    a[..., -2:] += np.tanh(a[..., -2:])
    a[0] *= 0.5
    return np.sum(y) + np.sum(np.sin(a))


def test_who_reads_a_value_last_is_found_in_linear_time():
    """Whether a store may take the memory of what it changes depends on it."""
    x = np.random.default_rng(1).normal(size=(5, 9))
    started = time.process_time()
    gradient = compile_grad(doubled, backend="llvm").grad(x.copy())
    assert time.process_time() - started < 60  # by all ways it took longer than anybody waited
    np.testing.assert_allclose(gradient, compile_grad(doubled).grad(x.copy()), rtol=1e-12)


def test_stores_to_what_a_fold_made():
    """A fold writes to memory however small its result is; what is stored to lies in registers."""
    places = np.array([2, 0, 2])

    def added(x):
        y = np.sum(x, axis=0)
        np.add.at(y, (slice(None), places), 1.0)
        return y

    def stored(x):
        y = np.max(x, axis=0)
        y[:, places[:2]] *= 2.0
        return y, y + 1.0

    x = np.random.default_rng(2).normal(size=(2, 4, 3))
    for function in (added, stored):
        native, reference = (compile_grad(function, backend=one) for one in ("llvm", "numpy"))
        for found, expected in zip(native(x), reference(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def rows(x, count):
    """Backward reads the row as it was before it was stored to."""
    u = x.copy()
    for k in range(1, count):
        u[k % 40] = np.sin(u[(7 * k) % 40]) + u[k % 40] ** 2 * 0.1
    return np.sum(u**2)


def elements(x, count):
    u = x.copy()
    for k in range(1, count):
        u[k % 40, 3] = np.sin(u[(7 * k) % 40, 5])
    return np.sum(u**2)


def columns(x, count):
    """One of the views is read by what is computed later, from the column that is changed."""
    u = x.copy()
    total = 0.0
    for k in range(1, count):
        before = u[:, k % 30]
        u[:, k % 30] = np.tanh(before + u[:, (3 * k) % 30])
        total = total + np.sum(before * u[:, k % 30])
    return total


FEW, MANY = 10, 40
GRID = np.random.default_rng(5).normal(size=(40, 30))


def compiled(function, count):
    made = compile_grad(lambda x: function(x, count), backend="llvm")
    return made.lower(GRID)._made.native("value_and_grad").program.compiled(level=0)


@pytest.mark.parametrize("function", [rows, elements, columns])
def test_many_stores_to_parts(function):
    """What is read later of a part is kept, and not the array; copies that are alike share code."""
    native = compile_grad(lambda x: function(x, MANY), backend="llvm")
    reference = compile_grad(lambda x: function(x, MANY), backend="numpy")
    (value, gradient), (same, expected) = (
        native.value_and_grad(GRID),
        reference.value_and_grad(GRID),
    )
    np.testing.assert_allclose(value, same, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-12)
    few, many = compiled(function, FEW), compiled(function, MANY)
    assert many.program.workspace_bytes < 3 * GRID.nbytes + 4 * MANY * GRID[:, 0].nbytes
    functions = [one.text.count("\ndefine ") for one in (few, many)]
    assert functions[1] <= functions[0] + MANY
    assert many.text.count("\nloop") < 2 * functions[1]  # none in the program's own function


def test_a_number_that_is_in_registers_is_not_read_again():
    """That it is used later keeps no store from the memory of the array."""
    workspace = compiled(elements, MANY).program.workspace_bytes
    assert workspace < 1.5 * GRID.nbytes
