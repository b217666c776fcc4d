"""Reading by slices, by integer arrays and by masks."""

import numpy as np

from .program import program


@program(lambda rng: (rng.normal(size=(5, 6, 3)),), jax=True)
def slices(x):
    """Steps, negative steps and bounds, an ellipsis, new axes, single entries."""
    inner = x[1:-1, ::2]
    backward = x[::-1, -1, :] * x[..., 2, :]
    column = x[:, None, 0, 1]
    return np.sum(inner**2) + np.sum(backward) + np.sum(column * column.T) + x[-1, 2, 0] ** 3


@program(lambda rng: (rng.normal(size=8),), jax=True)
def overlapping_slices(x):
    """The gradients of overlapping reads add up."""
    return np.sum(x[1:] * x[:-1]) + np.sum(x[::3] ** 2) + np.sum(x[-2:5:-1] * x[2])


@program(lambda rng: (rng.normal(size=(5, 2)), np.array([0, 3, 3, 1, 3])), jax=True)
def repeated_rows(table, rows):
    """A row that is gathered three times receives three gradients."""
    return np.sum(np.sin(table[rows]) * np.arange(5.0)[:, None])


@program(
    lambda rng: (rng.normal(size=(7, 3)), rng.integers(0, 7, size=(4, 5)), rng.normal(size=3)),
    wrt=("table", "w"),
    jax=True,
)
def embedding_bag(table, tokens, w):
    bags = np.mean(table[tokens], axis=1)
    return np.sum(np.tanh(bags @ w))


@program(
    lambda rng: (rng.normal(size=(4, 3, 5)), np.array([2, 0, 2]), np.array([1, -1, 1])), jax=True
)
def paired_indices(x, rows, columns):
    """Two index arrays walk together; negative ones count from the end; a slice stands between."""
    return np.sum(x[rows, 1, columns] ** 2) + np.sum(x[rows, :, 0] * x[1:, 0, columns])


@program(
    lambda rng: (rng.normal(size=(4, 3)),),
    torch=lambda x: x[x > 0].sum() + (x[x < -0.5] ** 2).sum(),
)
def selected_by_mask(x):
    """How many entries are selected is known only at run time."""
    return x[x > 0].sum() + np.sum(x[x < -0.5] ** 2)


@program(lambda rng: (rng.normal(size=9), rng.normal(size=4)), wrt=("signal", "kernel"), jax=True)
def convolution_by_slices(signal, kernel):
    out = 0.0
    for k in range(4):
        out = out + kernel[k] * signal[k : k + 6]
    return np.sum(np.maximum(out, 0) ** 2)


@program(lambda rng: (rng.normal(size=(5, 4)),), jax=True)
def total_variation(image):
    down, right = image[1:, :-1] - image[:-1, :-1], image[:-1, 1:] - image[:-1, :-1]
    return np.sum(np.sqrt(down**2 + right**2 + 1e-3))


@program(lambda rng: (rng.normal(size=(3, 4)),), scalar=False, jax=True)
def rows_and_entries(x):
    """Iterating and unpacking index the first axis."""
    first, second, third = x
    total = first * 0
    for row in x:
        total = total * 0.5 + row
    return total, second * third[0], x[2][1]
