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
