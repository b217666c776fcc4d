"""A small convolutional network, its softmax cross-entropy and six gradients."""

from __future__ import annotations

import numpy as np

from gradc.nn import functional as F  # noqa: N812 - its name in every program of torch

from ..workload import Workload


def loss(w1, b1, w2, b2, w3, b3, images, labels):
    """Return the mean cross-entropy of two layers of convolution and one dense layer."""
    h1 = F.max_pool2d(F.relu(F.conv2d(images, w1, b1, padding=1)), 2)
    h2 = F.max_pool2d(F.relu(F.conv2d(h1, w2, b2, padding=1)), 2)
    scores = F.linear(h2.reshape(h2.shape[0], -1), w3, b3)
    return F.cross_entropy(scores, labels)


def _unfolded(images):
    """Return the 3 x 3 neighbours of each pixel, `(c * 9, n * rows * columns)`."""
    n, c, rows, columns = images.shape
    padded = np.zeros((c, n, rows + 2, columns + 2), images.dtype)
    padded[:, :, 1:-1, 1:-1] = images.swapaxes(0, 1)
    met = np.lib.stride_tricks.sliding_window_view(padded, (rows, columns), axis=(2, 3))
    return met.swapaxes(1, 3).swapaxes(1, 2).reshape(c * 9, n * rows * columns)


def _layer(images, weights, bias):
    """Return the pooled layer, and what its gradient needs."""
    n, _, rows, columns = images.shape
    met = _unfolded(images)
    out = weights.reshape(len(weights), -1) @ met
    out += bias[:, None]
    np.maximum(out, 0, out=out)
    blocks = out.reshape(len(weights), n, rows // 2, 2, columns // 2, 2)
    pooled = blocks.max(axis=(3, 5))
    return np.ascontiguousarray(pooled.swapaxes(0, 1)), (met, blocks, pooled)


def _layer_gradient(slopes, saved):
    """Return the gradients of `_layer` by its sum of products, by weights and by bias."""
    met, blocks, pooled = saved
    slopes = slopes.swapaxes(0, 1) * (pooled > 0)
    by_sum, free = np.zeros_like(blocks), np.ones(pooled.shape, bool)
    for row in range(2):
        for column in range(2):
            chosen = free & (blocks[:, :, :, row, :, column] == pooled)
            by_sum[:, :, :, row, :, column] = slopes * chosen
            free &= ~chosen
    by_sum = by_sum.reshape(len(blocks), -1)
    return by_sum, by_sum @ met.T, by_sum.sum(axis=1)


def loss_by_hand(w1, b1, w2, b2, w3, b3, images, labels):
    """Return value and gradients; the neighbours of pixels are saved for the backward half."""
    n, numbers = len(labels), np.arange(len(labels))
    h1, saved1 = _layer(images, w1, b1)
    h2, saved2 = _layer(h1, w2, b2)
    flat = h2.reshape(n, -1)
    scores = flat @ w3.T
    scores += b3
    scores -= scores.max(axis=1, keepdims=True)
    chosen = scores[numbers, labels]
    np.exp(scores, out=scores)
    totals = scores.sum(axis=1, keepdims=True)
    value = np.mean(np.log(totals[:, 0]) - chosen)

    scores /= totals
    scores[numbers, labels] -= 1
    scores /= n
    by_sum2, dw2, db2 = _layer_gradient((scores @ w3).reshape(h2.shape), saved2)
    c, _, rows, columns = h1.shape[1], n, *h1.shape[2:]
    met = (w2.reshape(len(w2), -1).T @ by_sum2).reshape(c, 3, 3, n, rows, columns)
    padded = np.zeros((c, n, rows + 2, columns + 2), w1.dtype)
    for row in range(3):
        for column in range(3):
            padded[:, :, row : row + rows, column : column + columns] += met[:, row, column]
    _, dw1, db1 = _layer_gradient(padded[:, :, 1:-1, 1:-1].swapaxes(0, 1), saved1)
    return value, (
        dw1.reshape(w1.shape),
        db1,
        dw2.reshape(w2.shape),
        db2,
        scores.T @ flat,
        scores.sum(axis=0),
    )


def loss_in_torch(torch):
    """Return the same loss of tensors."""
    functional = torch.nn.functional

    def function(w1, b1, w2, b2, w3, b3, images, labels):
        h1 = functional.max_pool2d(functional.conv2d(images, w1, b1, padding=1).relu(), 2)
        h2 = functional.max_pool2d(functional.conv2d(h1, w2, b2, padding=1).relu(), 2)
        return functional.cross_entropy(functional.linear(h2.flatten(1), w3, b3), labels)

    return function


def loss_in_jax(jax):
    """Return the same loss of JAX's arrays."""

    def layer(images, weights, bias):
        sums = jax.lax.conv_general_dilated(images, weights, (1, 1), "SAME")
        slopes = jax.nn.relu(sums + bias[:, None, None])
        window = (1, 1, 2, 2)
        return jax.lax.reduce_window(slopes, -np.inf, jax.lax.max, window, window, "VALID")

    def function(w1, b1, w2, b2, w3, b3, images, labels):
        h2 = layer(layer(images, w1, b1), w2, b2)
        log_p = jax.nn.log_softmax(h2.reshape(len(labels), -1) @ w3.T + b3)
        return -jax.numpy.mean(log_p[jax.numpy.arange(len(labels)), labels])

    return function


def make_args(rng, tiny):
    """Draw weights of a usual scale, a batch of images and its labels."""
    channels, n, extent = ([2, 3, 2], 3, 4) if tiny else ([3, 16, 32], 32, 32)
    parameters = []
    for fan_in, fan_out in zip(channels, channels[1:], strict=False):
        weights = rng.normal(size=(fan_out, fan_in, 3, 3)) / np.sqrt(9 * fan_in)
        parameters += [weights, rng.normal(size=fan_out) * 0.1]
    flat = channels[-1] * (extent // 4) ** 2
    parameters += [rng.normal(size=(10, flat)) / np.sqrt(flat), rng.normal(size=10) * 0.1]
    images = rng.normal(size=(n, channels[0], extent, extent))
    floats = [array.astype(np.float32) for array in [*parameters, images]]
    return (*floats, rng.integers(0, 10, size=n))


WORKLOAD = Workload(
    name="convnet",
    what="3-16-32 channels 3x3, relu, max-pool, dense 10, batch 32 of 32x32, 6 gradients, float32",
    goal=3.5e-3,
    fn=loss,
    by_hand=loss_by_hand,
    torch=loss_in_torch,
    make_args=make_args,
    wrt=(0, 1, 2, 3, 4, 5),
    jax=loss_in_jax,
    autograd=False,
    tolerance=1e-4,  # float32 sums of 32,768 terms in different orders
)
