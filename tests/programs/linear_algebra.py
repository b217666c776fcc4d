"""Products of matrices and vectors, with batches."""

import numpy as np

from .program import program


@program(
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=4)),
    wrt=("a", "b", "v"),
    jax=True,
)
def matrix_products(a, b, v):
    """Matrix by matrix, matrix by vector, vector by matrix, vector by vector."""
    return np.sum(a @ b) + np.sum(np.sin(a @ v)) + np.sum((v @ b) ** 2) + v @ v


@program(
    lambda rng: (rng.normal(size=(2, 1, 3, 4)), rng.normal(size=(5, 4, 2)), rng.normal(size=4)),
    wrt=(0, 1, 2),
    jax=True,
)
def batched_products(a, b, v):
    """Batch dimensions are broadcast against each other."""
    return np.sum(np.tanh(np.matmul(a, b))) + np.sum((a @ v) ** 2) + np.sum(v @ b)


@program(
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=3)),
    wrt=(0, 1, 2),
    jax=True,
)
def dots_and_outers(m, u, v):
    inner = np.dot(v, np.dot(m, u)) + m.dot(u).sum()
    plane = np.outer(v, u) * m
    return inner + np.sum(np.cos(plane)) + np.dot(u, 2.0).sum() + np.vdot(u, u) * np.inner(v, v)


@program(
    lambda rng: (rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 3, 5))), wrt=("a", "b"), jax=True
)
def tensor_contractions(a, b):
    both = np.tensordot(a, b, axes=([1, 2], [1, 0]))
    single = np.tensordot(a, b, axes=1)
    return np.sum(both**2) + np.mean(np.sin(single))


@program(lambda rng: (rng.normal(size=(4, 4)), rng.normal(size=4)), wrt=("m", "start"), jax=True)
def power_iteration(m, start):
    """The largest eigenvalue of a symmetric matrix, by unrolled steps."""
    symmetric = m @ m.T
    v = start
    for _ in range(6):
        v = symmetric @ v
        v = v / np.sqrt(np.sum(v**2))
    return v @ symmetric @ v


@program(
    lambda rng: (rng.normal(size=(16, 8)).astype(np.float32), rng.normal(size=(8, 4)).astype("f4")),
    wrt=(0, 1),
    jax=True,
    tolerance=2e-5,
)
def gram_in_single_precision(x, w):
    y = x @ w
    return np.sum((y.T @ y) ** 2) / 1000
