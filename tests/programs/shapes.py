"""Shape operations: reshape and transpose, joining and splitting, padding and flipping."""

import numpy as np

from .program import program


@program(lambda rng: (rng.normal(size=(2, 3, 4)), rng.normal(size=(6, 2))), wrt=(0, 1), jax=True)
def reshapes_and_transposes(x, y):
    turned = np.transpose(x, (2, 0, 1)).reshape(2, -1)
    wide = np.reshape(y.T, (-1,)) * turned
    swapped = np.swapaxes(x, 0, 2) * np.moveaxis(x, 0, -1).transpose(1, 0, 2)
    return np.sum(wide**2) + np.sum(np.cos(swapped))


@program(lambda rng: (rng.normal(size=(3, 1, 4)),), jax=True)
def thin_axes(x):
    flat = np.squeeze(x, axis=1)
    lifted = np.expand_dims(flat, 0) * x
    return np.sum(np.ravel(lifted) ** 3) + flat.flatten()[2] * x.squeeze()[1, 1]


@program(lambda rng: (rng.normal(size=3), rng.normal(size=(2, 1))), wrt=(0, 1), jax=True)
def broadcasts(x, y):
    grid = np.broadcast_to(x, (4, 2, 3))
    return np.sum(grid * y) + np.sum(np.sin(x + y) * np.ones((2, 3)))


@program(
    lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=(2, 1)), rng.normal(size=(4, 3))),
    wrt=("x", "y", "z"),
    jax=True,
)
def joined(x, y, z):
    """Concatenation, stacks, and the same array joined twice."""
    wide = np.concatenate([x, y, x], axis=1)
    tall = np.concatenate((z, x), axis=0)
    piled = np.stack([x, np.sin(x)], axis=-1)
    return np.sum(wide**2) + np.sum(tall**3) + np.sum(piled[..., 0] * piled[..., 1])


@program(lambda rng: (rng.normal(size=(4, 6)),), jax=True)
def split_in_parts(x):
    """One part of the split stays unused: its gradient is zero."""
    left, middle, right = np.split(x, 3, axis=1)
    _, below = np.split(x, [1])
    return np.sum(left * right**2) + np.sum(np.exp(below[:, :2]) * middle[1:])


@program(lambda rng: (rng.normal(size=(2, 3)),), jax=True)
def padded_and_flipped(x):
    framed = np.pad(x, ((1, 0), (2, 1)))
    bright = np.pad(x, 1, constant_values=0.5)
    mirrored = np.flip(x, axis=1) * x + np.flip(x)
    return np.sum(framed**2) + np.sum(bright[1:, 1:] ** 3) + np.sum(mirrored * x)


@program(lambda rng: (rng.normal(size=(3, 4)),), scalar=False, jax=True)
def views_as_outputs(x):
    """Outputs that are mere views of the input, of different shapes."""
    return x.T, x.reshape(2, 6), x[::-1, None]
