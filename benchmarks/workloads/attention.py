"""Scaled dot-product attention, the sum of squares of its result, three gradients."""

from __future__ import annotations

import numpy as np

from ..workload import Workload


def loss(q, k, v):
    """Return the sum of squares of softmax(q k' / sqrt(d)) v, each (batch, head, length, d)."""
    scores = q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
    scores = scores - np.max(scores, axis=-1, keepdims=True)
    weights = np.exp(scores)
    weights = weights / np.sum(weights, axis=-1, keepdims=True)
    return np.sum((weights @ v) ** 2)


def loss_by_hand(q, k, v):
    """Return value and gradients in two arrays of the scores' size."""
    scale = q.shape[-1] ** -0.5
    weights = q @ k.swapaxes(-1, -2)
    weights *= scale
    weights -= weights.max(axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    out = weights @ v
    value = np.sum(out * out)

    # sum(d_weights * weights) over a row equals sum(d_out * out): a row of d, not of length.
    inner = (out * out).sum(axis=-1, keepdims=True)
    inner *= 2
    out *= 2
    d_scores = out @ v.swapaxes(-1, -2)
    d_scores -= inner
    d_scores *= weights
    d_scores *= scale
    return value, (
        d_scores @ k,
        d_scores.swapaxes(-1, -2) @ q,
        weights.swapaxes(-1, -2) @ out,
    )


def loss_in_torch(q, k, v):
    """Return the same sum of squares of tensors."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    return ((scores.softmax(-1) @ v) ** 2).sum()


def make_args(rng, tiny):
    """Draw queries, keys and values."""
    shape = (2, 1, 5, 3) if tiny else (8, 8, 128, 64)
    return tuple(rng.normal(size=shape).astype(np.float32) for _ in range(3))


WORKLOAD = Workload(
    name="attention",
    what="softmax(q k') v, (8, 8, 128, 64), sum of squares, 3 gradients, float32",
    goal=5e-3,
    fn=loss,
    by_hand=loss_by_hand,
    torch=lambda torch: loss_in_torch,
    make_args=make_args,
    wrt=(0, 1, 2),
    tolerance=1e-4,  # float32 sums of 128 terms in different orders
)
