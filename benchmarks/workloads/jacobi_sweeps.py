"""Jacobi's method on a grid: double sweeps with in-place slices, in a loop."""

from __future__ import annotations

import numpy as np

import gradc

from ..workload import Workload

STEPS = 100  # double sweeps


def five_points(a):
    """Return the sum of each inner point and its four neighbours."""
    return a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]


def weighted_sum(a, b, weights):
    """Return a weighted sum of the grid after all sweeps."""

    def sweep(step, grids):
        a, b = grids
        b[1:-1, 1:-1] = 0.2 * five_points(a)
        a[1:-1, 1:-1] = 0.2 * five_points(b)
        return a, b

    a, b = gradc.fori_loop(0, STEPS, sweep, (a, b))
    return np.sum(weights * a)


def _average_into(b, a, inner):
    """Store 0.2 times the sum of each inner point and its four neighbours."""
    np.add(a[1:-1, 1:-1], a[1:-1, :-2], out=inner)
    inner += a[1:-1, 2:]
    inner += a[2:, 1:-1]
    inner += a[:-2, 1:-1]
    np.multiply(inner, 0.2, out=b[1:-1, 1:-1])


def _spread(ct_out, ct_in, inner):
    """Hand the gradient by one grid's inner points, which were overwritten, to the other grid."""
    np.multiply(ct_out[1:-1, 1:-1], 0.2, out=inner)
    ct_out[1:-1, 1:-1] = 0.0
    ct_in[1:-1, 1:-1] += inner
    ct_in[1:-1, :-2] += inner
    ct_in[1:-1, 2:] += inner
    ct_in[2:, 1:-1] += inner
    ct_in[:-2, 1:-1] += inner


def weighted_sum_by_hand(a, b, weights):
    """Return value and gradients; the sweeps are linear, so nothing of them is kept."""
    a, b = a.copy(), b.copy()
    inner = np.empty((a.shape[0] - 2, a.shape[1] - 2))
    for _ in range(STEPS):
        _average_into(b, a, inner)
        _average_into(a, b, inner)
    value = np.vdot(weights, a)

    ct_a = weights.copy()
    ct_b = np.zeros_like(b)
    for _ in range(STEPS):
        _spread(ct_a, ct_b, inner)
        _spread(ct_b, ct_a, inner)
    return value, (ct_a, ct_b)


def weighted_sum_in_torch(a, b, weights):
    """Return the same sum of tensors."""
    a, b = a.clone(), b.clone()
    for _ in range(STEPS):
        b[1:-1, 1:-1] = 0.2 * five_points(a)
        a[1:-1, 1:-1] = 0.2 * five_points(b)
    return (weights * a).sum()


def weighted_sum_in_jax(jax):
    """Return the same function for JAX, where arrays do not change."""

    def weighted_sum(a, b, weights):
        def sweep(step, grids):
            a, b = grids
            b = b.at[1:-1, 1:-1].set(0.2 * five_points(a))
            a = a.at[1:-1, 1:-1].set(0.2 * five_points(b))
            return a, b

        a, b = jax.lax.fori_loop(0, STEPS, sweep, (a, b))
        return jax.numpy.sum(weights * a)

    return weighted_sum


def make_args(rng, tiny):
    """Draw two grids and weights."""
    shape = (6, 7) if tiny else (250, 250)
    return tuple(rng.normal(size=shape) for _ in range(3))


WORKLOAD = Workload(
    name="jacobi2d",
    what="(250, 250), 100 double sweeps, weighted sum, gradient by both grids, float64",
    goal=10e-3,
    fn=weighted_sum,
    by_hand=weighted_sum_by_hand,
    torch=lambda torch: weighted_sum_in_torch,
    jax=weighted_sum_in_jax,
    autograd=False,
    make_args=make_args,
    wrt=(0, 1),
)
