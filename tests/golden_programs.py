"""Small programs that are there to be looked at: what is generated of them are golden files."""

import numpy as np

import gradc


def jacobi_sweeps(a, b):
    def sweep(i, grids):
        a, b = grids
        b[1:-1] = 0.5 * (a[:-2] + a[2:])
        a[1:-1] = 0.5 * (b[:-2] + b[2:])
        return a, b

    a, b = gradc.fori_loop(0, 10, sweep, (a, b))
    return np.sum(a**2)


def two_layers(x, w):
    @gradc.checkpoint
    def layer(inputs, weights):
        return np.tanh(inputs @ weights)

    return np.sum(layer(layer(x, w), w))


OWN = {
    "jacobi_sweeps": (jacobi_sweeps, (np.ones(1000), np.ones(1000)), ("a", "b")),
    "two_layers": (two_layers, (np.ones((3, 2)), np.ones((2, 2))), "w"),
}
