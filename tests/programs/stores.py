"""In-place stores into arrays computed inside the function."""

import numpy as np

from .program import program


def _store_slices_in_torch(x, y, w):
    z = x * 2
    z[1:] = y
    z += w
    return (z**2).sum()


@program(
    lambda rng: (rng.normal(size=5), rng.normal(size=4), rng.normal(size=5)),
    wrt=("x", "y", "w"),
    torch=_store_slices_in_torch,
)
def store_slices(x, y, w):
    """What is overwritten loses its gradient."""
    z = x * 2
    z[1:] = y
    z += w
    return np.sum(z**2)


@program(lambda rng: (rng.normal(size=4), rng.uniform(1, 2, size=4)), wrt=("x", "w"))
def augmented_assignments(x, w):
    z = np.sin(x)
    z *= w
    z -= x
    z /= w + 1
    z **= 2
    z[::2] += x[1::2]
    z[0] *= w[3]
    return z.sum()


@program(lambda rng: (rng.normal(size=6), 0.8), wrt=("x", "decay"))
def recurrence(x, decay):
    """Filled entry by entry, each from the one before."""
    state = np.zeros_like(x)
    state[0] = x[0]
    for i in range(1, 6):
        state[i] = decay * state[i - 1] + np.tanh(x[i])
    return np.sum(state**2)


def _clip_below_in_torch(x, floor):
    z = x * 1.5
    z[z < 0] = 0.0
    z[z > 1] *= floor
    return (z * x).sum()


@program(
    lambda rng: (rng.normal(size=(3, 4)), np.array(0.25)),
    wrt=("x", "floor"),
    torch=_clip_below_in_torch,
)
def masked_stores(x, floor):
    z = x * 1.5
    z[z < 0] = 0.0
    z[z > 1] *= floor
    return np.sum(z * x)


@program(lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=4)), wrt=("x", "column"))
def store_rows_and_columns(x, column):
    """Scalars and columns are broadcast into what they are stored in."""
    z = np.exp(x)
    z[:, 0] = 1.0
    z[..., -1] = column
    z[1:3, 1:4:2] = column[:2, None]
    z[-1] = x[0]
    return np.sum(z * z * x)


@program(
    lambda rng: (rng.normal(size=(6, 2)), rng.normal(size=(3, 2)), np.array([4, 0, 2])),
    wrt=("x", "rows"),
)
def store_by_indices(x, rows, chosen):
    z = np.cos(x)
    z[chosen] = rows
    z[chosen] += x[:3]
    return np.sum(z**3)


@program(
    lambda rng: (rng.normal(size=5),),
    gradient=lambda x: np.zeros(5),
)
def wholly_overwritten(x):
    """Nothing of the input is left; its gradient is zero, not missing."""
    z = x * 3
    z[:] = 2.0
    return np.sum(z**2)


@program(
    lambda rng: (np.array([1.0, -2.0, 0.5]),),
    gradient=lambda x: np.full(3, 2 * np.sum(x) + 1),
)
def numbers_are_immutable(x):
    """The sum is a number: `+=` makes another one. The array is changed under both names."""
    total = first = np.sum(x)
    total += 1.0
    array = alias = x * 1.0
    array += 5.0
    return total * first + np.sum(alias) - np.sum(array)


@program(lambda rng: (rng.normal(size=4), rng.normal(size=4)), wrt=(0, 1))
def old_value_is_kept(x, y):
    """The product needs what `z` was before the store: a copy must stand between."""
    z = np.sin(x)
    before = z * y
    z[1:3] = y[:2]
    after = z * y
    return np.sum(before * after) + np.sum(z**2)


def _slope_through_single_precision(x):
    slope = np.tanh(x) * (1 - np.tanh(x) ** 2) / 2
    slope[0] += x[0] / 2
    slope[1] = 0.0
    return slope


@program(
    lambda rng: (rng.normal(size=(3, 4)),),
    smooth=False,  # rounding to float32 makes the function a staircase
    gradient=_slope_through_single_precision,
    tolerance=2e-6,
)
def stores_in_single_precision(x):
    """A wider value is cast into the narrower array, as NumPy does."""
    z = np.tanh(x).astype(np.float32)
    z[1] = x[0]
    z *= np.float32(0.5)
    return np.sum(z.astype(np.float64) ** 2)


@program(lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=3)), wrt=(0, 1), scalar=False)
def filled_block_by_block(x, y):
    """An array made inside, filled by pieces, and returned together with one of them."""
    block = np.zeros_like(x, shape=(6, 3))
    block[:4] = x
    block[4:] = block[:2] * y
    block[1] -= block[5]
    return block, block[2:4] + y


@program(lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4)), wrt=("x", "y"))
def stores_through_views(x, y):
    """A row and a transpose write into the array that they show."""
    z = np.sin(x) * 2
    row = z[1]
    row += y
    z.T[0] *= 3.0
    z[1:].T[2:, None, -1] = 0.5
    corner = z[:2, 1:]
    z[0] -= y
    return np.sum(corner**2 * row[1:]) + np.sum(z * x)
