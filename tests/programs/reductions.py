"""Reductions, with axes, kept dimensions and kinks."""

import numpy as np

from .program import program


@program(lambda rng: (rng.normal(size=(2, 3, 4)),), jax=True)
def sums_over_axes(x):
    rows = np.sum(x, axis=-1)
    planes = np.sum(x**2, axis=(0, 2), keepdims=True)
    return np.sum(rows[:, :, None] * planes) + x.sum(axis=1).mean()


@program(lambda rng: (rng.uniform(0.5, 1.5, size=(3, 4)),), jax=True)
def products(x):
    return np.prod(x) + np.sum(np.prod(x, axis=0) * np.prod(x, axis=1, keepdims=True))


@program(
    lambda rng: (np.array([[2.0, 0.0, 3.0], [0.0, 5.0, 0.0]]),),
    gradient=lambda x: np.array([[0.0, 6.0, 0.0], [0.0, 0.0, 0.0]]),
)
def products_with_zeros(x):
    """Dividing the product by the entry would give NaN where an entry is zero."""
    return np.prod(x, axis=1).sum()


@program(lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=5)), wrt=("x", "gain"), jax=True)
def layer_norm(x, gain):
    centred = x - x.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
    return np.sum(np.tanh(scaled * gain))


@program(lambda rng: (rng.normal(size=(3, 6)),), jax=True)
def spread(x):
    """Variance and deviation, of the population and of the sample."""
    return np.std(x) + np.sum(x.std(axis=0) * 2) + np.sum(np.var(x, axis=1, ddof=1)) + x.var()


@program(lambda rng: (rng.normal(size=(4, 3)),), jax=True)
def extrema(x):
    return np.sum(np.max(x, axis=0) * x.min(axis=0)) + np.max(x) * np.min(x, axis=(0, 1))


@program(lambda rng: (rng.normal(size=(4, 6)),), jax=True)
def hardest_entries(x):
    """The argmax chooses, the chosen entry carries the gradient."""
    worst = np.argmax(x**2, axis=1)
    best = np.argmin(x)
    return np.sum(x[np.arange(4), worst]) * x.reshape(-1)[best]


@program(lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(3, 4)) > 0), jax=True)
def any_and_all(x, mask):
    """Facts about masks steer whole rows."""
    some = np.any(mask, axis=1, keepdims=True)
    every = np.all(x > -1, axis=0)
    return np.sum(np.where(some, x**2, x)) + np.sum(np.where(every, np.exp(x), 0.0))


@program(lambda rng: (20 * rng.normal(size=(3, 5)),), jax=True)
def log_sum_exp(x):
    top = np.max(x, axis=1, keepdims=True)
    return np.sum(top[:, 0] + np.log(np.sum(np.exp(x - top), axis=1)))


@program(lambda rng: (rng.normal(size=(0, 3)), rng.normal(size=3)), wrt=("empty", "y"), jax=True)
def empty_arrays(empty, y):
    """Sums over nothing are zero and so are their gradients."""
    return np.sum(empty * y) + np.sum(np.exp(y)) + np.prod(empty)


@program(lambda rng: (rng.normal(size=(64, 33)).astype(np.float32),), jax=True, tolerance=2e-5)
def means_in_single_precision(x):
    centred = x - np.mean(x, axis=0)
    return np.mean(centred**2) + np.sum(np.std(x, axis=1)) / 64
