"""The cost of a call: eight elements, next to no arithmetic."""

from __future__ import annotations

import numpy as np

from ..workload import Workload


def loss(x):
    """Return the sum of squares of `x`."""
    return np.sum(x * x)


def loss_by_hand(x):
    """Return value and gradient; the dot product needs no temporary."""
    return x @ x, (2 * x,)


def loss_in_torch(x):
    """Return the sum of squares of a tensor."""
    return (x * x).sum()


WORKLOAD = Workload(
    name="call",
    what="sum(x * x), 8 elements, float64",
    goal=0.15e-6,
    fn=loss,
    by_hand=loss_by_hand,
    torch=lambda torch: loss_in_torch,
    make_args=lambda rng, tiny: (rng.normal(size=8),),
    wrt=(0,),
)
