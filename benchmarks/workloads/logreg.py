"""Logistic regression with an L2 penalty."""

from __future__ import annotations

import numpy as np

from ..workload import Workload


def loss(w, X, sign, penalty):
    """Return the mean logistic loss of `X (n, d) @ w (d,)` for labels of -1 and 1."""
    margin = sign * (X @ w)
    return np.mean(np.log1p(np.exp(-margin))) + penalty / 2 * np.sum(w**2)


def loss_by_hand(w, X, sign, penalty):
    """Return value and gradient, finite for any margin, in three temporaries of length n.

    (Written as `loss` is, with exp(-margin), it would take a third less time, and give inf and nan
    where a margin is below -709.)
    """
    margin = X @ w
    margin *= sign
    decay = np.abs(margin)
    np.negative(decay, out=decay)
    np.exp(decay, out=decay)
    terms = np.log1p(decay)
    terms -= np.minimum(margin, 0)
    value = terms.sum() / len(sign) + penalty / 2 * (w @ w)
    slope = np.maximum(decay, margin <= 0)
    decay += 1
    slope /= decay
    slope *= sign
    gradient = slope @ X
    gradient *= -1 / len(sign)
    gradient += penalty * w
    return value, (gradient,)


def loss_in_torch(w, X, sign, penalty):
    """Return the same loss of tensors."""
    margin = sign * (X @ w)
    return (-margin).exp().log1p().mean() + penalty / 2 * (w**2).sum()


def make_args(rng, tiny):
    """Draw weights, samples, labels and the penalty."""
    n, d = (12, 3) if tiny else (1000, 20)
    return rng.normal(size=d), rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n), 0.01


WORKLOAD = Workload(
    name="logreg",
    what="logistic regression, X (1000, 20), L2, float64",
    goal=8e-6,
    fn=loss,
    by_hand=loss_by_hand,
    torch=lambda torch: loss_in_torch,
    make_args=make_args,
    wrt=(0,),
)
