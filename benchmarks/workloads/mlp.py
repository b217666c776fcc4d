"""A dense network with two hidden layers, its softmax cross-entropy and six gradients."""

from __future__ import annotations

import numpy as np

from ..workload import Workload


def loss(w1, b1, w2, b2, w3, b3, x, labels):
    """Return the mean cross-entropy of tanh layers for integer `labels (n,)`."""
    h1 = np.tanh(x @ w1 + b1)
    h2 = np.tanh(h1 @ w2 + b2)
    scores = h2 @ w3 + b3
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_p = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def loss_by_hand(w1, b1, w2, b2, w3, b3, x, labels):
    """Return value and gradients; activations become their own slopes in place."""
    n, rows = len(labels), np.arange(len(labels))
    h1 = x @ w1
    h1 += b1
    np.tanh(h1, out=h1)
    h2 = h1 @ w2
    h2 += b2
    np.tanh(h2, out=h2)
    scores = h2 @ w3
    scores += b3
    scores -= scores.max(axis=1, keepdims=True)
    chosen = scores[rows, labels]
    np.exp(scores, out=scores)
    totals = scores.sum(axis=1, keepdims=True)
    value = np.mean(np.log(totals[:, 0]) - chosen)

    scores /= totals
    scores[rows, labels] -= 1
    scores /= n
    dw3, db3 = h2.T @ scores, scores.sum(axis=0)
    d2 = scores @ w3.T
    h2 *= h2
    np.subtract(1, h2, out=h2)
    d2 *= h2
    dw2, db2 = h1.T @ d2, d2.sum(axis=0)
    d1 = d2 @ w2.T
    h1 *= h1
    np.subtract(1, h1, out=h1)
    d1 *= h1
    return value, (x.T @ d1, d1.sum(axis=0), dw2, db2, dw3, db3)


def loss_in_torch(w1, b1, w2, b2, w3, b3, x, labels):
    """Return the same loss of tensors."""
    h1 = (x @ w1 + b1).tanh()
    h2 = (h1 @ w2 + b2).tanh()
    log_p = (h2 @ w3 + b3).log_softmax(1)
    return -log_p.gather(1, labels[:, None]).mean()


def make_args(rng, tiny):
    """Draw weights of a usual scale, a batch and its labels."""
    sizes, n = ([5, 4, 6, 3], 7) if tiny else ([784, 512, 512, 10], 128)
    parameters = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        parameters.append(rng.normal(size=(fan_in, fan_out)) / np.sqrt(fan_in))
        parameters.append(rng.normal(size=fan_out) * 0.1)
    floats = [array.astype(np.float32) for array in [*parameters, rng.normal(size=(n, sizes[0]))]]
    return (*floats, rng.integers(0, sizes[-1], size=n))


WORKLOAD = Workload(
    name="mlp",
    what="784-512-512-10 tanh, softmax cross-entropy, batch 128, 6 gradients, float32",
    goal=2.25e-3,
    fn=loss,
    by_hand=loss_by_hand,
    torch=lambda torch: loss_in_torch,
    make_args=make_args,
    wrt=(0, 1, 2, 3, 4, 5),
    tolerance=1e-4,  # float32 sums of 784 terms in different orders
)
