"""Functions that change their arguments: what NumPy leaves in them is there afterwards."""

import numpy as np

from .stateful import Subject, stateful


@stateful(wrt="rate", mutates=True)
def stepped_in_place(rng):
    """A parameter update as an optimiser writes it."""

    def step(w, slope, rate):
        w -= rate * slope
        return np.sum(w**2)

    return Subject(step, (rng.normal(size=4), rng.normal(size=4), 0.1))


@stateful(wrt=("u", "k"), mutates=True)
def diffused_argument(rng):
    """The gradient is by what the argument held when the call began."""

    def diffuse(u, k):
        for _ in range(3):
            u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0], u[-1] = u[1], u[-2]
        return np.sum(np.sin(u))

    return Subject(diffuse, (rng.normal(size=8), 0.2))


@stateful(wrt="x", mutates=True)
def output_parameter(rng):
    """The caller's array takes the result."""

    def transform(x, out):
        np.exp(x, out=out[0])
        np.multiply(out[0], x, out=out[1])
        out[2:] = out[0] - out[1]
        return out.sum() + out[0] @ out[1]

    return Subject(transform, (rng.normal(size=5), np.zeros((4, 5))))


@stateful(wrt=("a", "b"), mutates=True, scalar=False)
def rows_exchanged(rng):
    """A tuple assignment of rows, as in pivoting, on a matrix that is the argument."""

    def pivot(a, b):
        a[[0, 2]] = a[[2, 0]]
        a[1:] -= np.outer(a[1:, 0] / (2 + a[0, 0] ** 2), a[0])
        b[::2] *= a[:2, 1]
        return a[1:], b.sum()

    return Subject(pivot, (rng.normal(size=(3, 3)), rng.normal(size=4)))


@stateful(wrt="parameters", mutates=True)
def parameters_in_a_dict(rng):
    """Arrays inside containers are changed in place, entries of them are replaced."""

    def decay(parameters, rate):
        parameters["w"] *= 1 - rate
        parameters["layers"][1][...] = np.tanh(parameters["layers"][0])
        return np.sum(parameters["w"] ** 2) + np.sum(parameters["layers"][1] ** 3)

    tree = {"w": rng.normal(size=3), "layers": [rng.normal(size=2), np.zeros(2)]}
    return Subject(decay, (tree, 0.1))


@stateful(wrt="weights", mutates=True)
def clipped_and_sorted(rng):
    """Methods that work in place: `sort`, `clip(out=)`, `fill`, `put`."""

    def clean(values, weights):
        np.clip(values, -1.0, 1.0, out=values)
        values.sort()
        values[-2:].fill(0.5)
        values.put([0], weights[0])
        return values @ np.sin(weights * values)

    return Subject(clean, (rng.normal(size=6), rng.normal(size=6)))


@stateful(wrt=("weights",), mutates=True)
def histogram_of_the_caller(rng):
    """`np.add.at` and a mask on arrays of the caller, one of them of integers."""

    def count(weights, bins, sums, hits):
        np.add.at(sums, bins, weights**2)
        hits[bins] += 1
        sums[sums > 1.5] = 1.5
        return np.sum(np.sqrt(1 + sums)) + hits.sum()

    args = (rng.uniform(0, 1, 7), rng.integers(0, 4, 7), np.zeros(4), np.zeros(4, dtype=np.int64))
    return Subject(count, args)


@stateful(wrt="x", mutates=True)
def single_precision_of_the_caller(rng):
    """What is stored into a float32 array is rounded to it."""

    def accumulate(x, total, count):
        total += x
        count += 1
        return np.sum(x**2) + x[0] * float(count[0])

    return Subject(accumulate, (rng.normal(size=3), np.zeros(3, np.float32), np.zeros(1, np.int32)))


@stateful(wrt="x", mutates=True)
def handed_to_a_helper(rng):
    """Views of an argument are changed by other functions, three levels down."""

    def scale(part, factor):
        part *= factor

    def border(grid, factor):
        scale(grid[0], factor)
        scale(grid.T[-1], factor)

    def frame(grid, x):
        border(grid, x[0])
        border(grid[1:, :-1], x[1])
        return np.sum(grid**2)

    return Subject(frame, (rng.normal(size=(4, 4)), np.array([0.9, 1.1])))
