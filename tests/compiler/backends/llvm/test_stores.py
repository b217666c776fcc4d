"""Stores in native code."""

import time

import numpy as np

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
