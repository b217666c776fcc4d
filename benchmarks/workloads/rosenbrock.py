"""The Rosenbrock function of ten variables, by overlapping slices."""

from __future__ import annotations

import numpy as np

from ..workload import Workload


def loss(x):
    """Return the value of Rosenbrock's valley at `x`."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def loss_by_hand(x):
    """Return value and gradient; each residual is worked out once."""
    head = x[:-1]
    bend = x[1:] - head * head
    short = 1 - head
    gradient = np.empty_like(x)
    gradient[-1] = 0
    np.multiply(-400 * bend, head, out=gradient[:-1])
    gradient[:-1] -= 2 * short
    gradient[1:] += 200 * bend
    return 100 * (bend @ bend) + short @ short, (gradient,)


def loss_in_torch(x):
    """Return the value of Rosenbrock's valley at a tensor."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


WORKLOAD = Workload(
    name="rosen10",
    what="Rosenbrock, 10 variables, float64",
    goal=0.2e-6,
    fn=loss,
    by_hand=loss_by_hand,
    torch=lambda torch: loss_in_torch,
    make_args=lambda rng, tiny: (rng.normal(size=10),),
    wrt=(0,),
)
