"""Aliasing as NumPy has it: views of views, overlap, masks, fancy indices, `out=`, `where=`."""

import numpy as np

from .program import program


@program(lambda rng: (rng.normal(size=(4, 6)), rng.normal(size=6)), wrt=("x", "y"), torch=True)
def views_of_views(x, y):
    """A block of a transpose of a slice: each store reaches the array at the bottom."""
    base = np.ascontiguousarray(x) * 1.0
    middle = base[1:, ::2]
    turned = middle.T
    turned[0, 1:] += y[:2]
    turned[1:][1] *= 2.0
    flat = base.reshape(-1)
    flat[3] = y[5]
    flat[10:14] -= y[:4]
    return np.sum(base**2) + np.sum(middle * turned.T)


@program(lambda rng: (rng.normal(size=9),))
def overlapping_accumulation(x):
    """NumPy reads all of the right-hand side before it writes."""
    z = x * 2.0
    z[1:] += z[:-1]
    z[:-2] *= z[2:]
    z[::-1] -= 0.5 * z
    z[2:] = z[:-2]
    return np.sum(np.sin(z) * np.arange(9.0))


@program(lambda rng: (rng.normal(size=(5, 5)),))
def transposed_in_place(x):
    """A matrix added to its own transpose, in its own memory."""
    z = np.tanh(x)
    z += z.T
    z[:, 0] = z[0]
    z[1:, 1:] = z[:-1, :-1].T
    return np.sum(z**3) + z[4, 4] * z[0, 1]


@program(lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=5)), wrt=("x", "floor"), torch=True)
def masked_updates(x, floor):
    """Masks of rows, of entries, and of a column view."""
    z = x.copy()
    negative = z < 0
    z[negative] *= 0.1
    z[z > 1.0] = 1.0
    below = z < floor - 1
    z[below] = np.broadcast_to(floor, z.shape)[below] - 1
    column = z[:, 2]
    column[column > 0.2] += floor[2]
    z[z.sum(axis=1) > 0] -= floor
    return np.sum(z**2 * np.cos(x))


def _scatter_in_torch(weights, values, bins):
    histogram = values.new_zeros(5).index_add(0, bins, values * weights)
    return (histogram**2 * values.new_tensor([1, 2, 3, 4, 5])).sum() / histogram.sum()


@program(
    lambda rng: (rng.uniform(1, 2, 12), rng.uniform(1, 2, 12), rng.integers(0, 5, 12)),
    wrt=("weights", "values"),
    torch=_scatter_in_torch,
)
def weighted_histogram(weights, values, bins):
    """`np.add.at` counts an index as often as it occurs."""
    histogram = np.zeros(5)
    np.add.at(histogram, bins, values * weights)
    return np.sum(histogram**2 * np.arange(1.0, 6.0)) / histogram.sum()


@program(lambda rng: (rng.normal(size=(6, 3)), rng.normal(size=(6, 3))), wrt=(0, 1))
def buffers_given_by_out(x, y):
    """Ufuncs and reductions that write into arrays made before."""
    work = np.empty_like(x)
    np.multiply(x, y, out=work)
    np.add(work, 1.0, out=work)
    np.exp(-work, out=work)
    rows = np.zeros(6)
    np.sum(work, axis=1, out=rows)
    table = np.ones((2, 6))
    np.sqrt(rows, out=table[1])
    np.maximum(table[1], 1.2, out=rows)
    return np.sum(table) + rows @ rows


@program(lambda rng: (rng.normal(size=(3, 5)), rng.uniform(0.5, 2, size=(3, 5))), wrt=(0, 1))
def where_keeps_the_rest(x, y):
    """Entries outside `where` keep what `out` held."""
    result = np.full(x.shape, 0.25)
    np.divide(x, y, out=result, where=x > 0)
    roots = np.zeros_like(x)
    np.sqrt(np.abs(x), out=roots, where=np.abs(x) > 0.1)
    total = np.sum(result * roots, where=y > 1.0)
    return total + np.mean(x * y, where=x < 0.5)


@program(lambda rng: (rng.normal(size=(4, 6)), rng.normal(size=(4, 2))), wrt=("x", "y"))
def put_and_take_along(x, y):
    """The two smallest entries of each row are replaced."""
    order = np.argsort(x, axis=1)[:, :2]
    z = x * 1.0
    smallest = np.take_along_axis(z, order, axis=1)
    np.put_along_axis(z, order, y * smallest, axis=1)
    return np.sum(z**2 * np.arange(6.0)) + np.sum(smallest**3)


@program(
    lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=4)), wrt=(0, 1, 2)
)
def copies_into_parts(x, row, column):
    """`copyto` with broadcasting and with a mask; `fill` of a part."""
    z = np.empty((4, 6))
    np.copyto(z[:, :3], x)
    np.copyto(z[:, 3:], column[:, None] * row)
    np.copyto(z, 0.5, where=z > 1.0)
    z[2, 1:5].fill(2.0)
    return np.sum(np.exp(-z) * z)


@program(lambda rng: (rng.normal(size=12),), torch=True)
def parts_of_a_state_vector(x):
    """Named parts of one vector are views, as integrators use them."""
    state = x + 0.0
    position, velocity = state[:6].reshape(2, 3), state[6:].reshape(2, 3)
    for _ in range(3):
        velocity -= 0.1 * position
        position += 0.1 * velocity
    position[0] *= 2.0
    return np.sum(state**2 * np.arange(12.0)) + np.sum(position[1] * velocity[0])


@program(lambda rng: (rng.normal(size=(3, 4)),), torch=True)
def gathered_rows_are_copies(x):
    """A slice shows its array; integers and masks make another one."""
    z = np.cos(x)
    copied, shown = z[[0, 2, 0]], z[0:2]
    picked = z[z > 0.5]
    copied *= 3.0
    picked += 1.0
    shown *= 2.0
    return np.sum(z * x) + np.sum(copied) + np.sum(picked**2)


@program(lambda rng: (rng.normal(size=(4, 4)), rng.normal(size=4)), wrt=("a", "d"))
def diagonals_written(a, d):
    """The diagonal through a flat stride, through indices, and by `fill_diagonal`."""
    m = a @ a.T
    m.ravel()[::5] += d**2
    m[np.arange(3), np.arange(1, 4)] = d[1:]
    inverse_like = m.copy()
    np.fill_diagonal(inverse_like, 1.0)
    return np.sum(m * inverse_like) + np.trace(m) * m.diagonal(1).sum()


@program(lambda rng: (rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 4))), wrt=("x", "y"))
def parts_of_a_split(x, y):
    """`split`, `swapaxes`, `moveaxis` and iteration give views that can be written to."""
    z = x * 2.0
    left, right = np.split(z, 2, axis=2)
    left[...] += y[:, :2]
    right.swapaxes(0, 1)[0] *= 3.0
    np.moveaxis(z, 2, 0)[1] -= y[:, 0]
    for plane in z:
        plane[0] /= 2.0
    return np.sum(z**2) + np.sum(left * right)


@program(lambda rng: (rng.normal(size=(5, 4)), rng.normal(size=(3, 4))), wrt=("x", "y"))
def fancy_augmented(x, y):
    """`z[i] += v` counts a repeated index once: it is a read, a sum, a store."""
    z = np.sin(x)
    rows = np.array([0, 2, 2])
    z[rows] += y
    z[rows, [0, 1, 1]] *= 2.0
    z[np.ix_([1, 3], [0, 2])] = y[:2, :2]
    z[3:, [3, 1]] -= 1.0
    return np.sum(z**2)


@program(lambda rng: (rng.normal(size=8), rng.normal(size=8)), wrt=("a", "b"), torch=True)
def swapped_buffers(a, b):
    """Two buffers change their names at each step."""
    old, new = a * 1.0, b * 1.0
    for k in range(4):
        new[1:-1] = 0.5 * (old[:-2] + old[2:]) - 0.1 * k * new[1:-1]
        new[0], new[-1] = new[1], new[-2]
        old, new = new, old
    return np.sum(old**2) + np.sum(old * new)


@program(lambda rng: (rng.normal(size=(6, 6)),), torch=True)
def checkerboard_relaxation(x):
    """Red and black points in turn, as strided views of one grid."""
    u = x * 1.0
    red, black = u[1:-1:2, 1:-1:2], u[2:-1:2, 2:-1:2]
    for _ in range(3):
        red += 0.3 * (u[0:-2:2, 1:-1:2] - red)
        black *= 0.9
        black += 0.1 * u[2:-1:2, 1:-2:2]
        u[0], u[:, 0] = u[-2], u[:, -2]
    return np.sum(u**2) + np.sum(red * black)


@program(lambda rng: (rng.normal(size=7),))
def names_for_one_array(x):
    """`y = z` is another name, `y = z + 0` another array, `z = z * 2` another value."""
    z = x * 1.0
    alias, separate = z, z + 0
    z *= 2
    alias[0] += 3.0
    z = z * separate
    z[1] = alias[0]
    alias[-1] = 0.0
    return np.sum(z) + np.sum(alias**2) + np.sum(separate**3)


@program(lambda rng: (rng.normal(size=(3, 8)), rng.normal(size=3)), wrt=("x", "gain"))
def filters_along_rows(x, gain):
    """Functions that change what they are given, on rows of one array."""

    def smooth(signal, weight):
        signal[1:-1] = weight * signal[1:-1] + (1 - weight) * 0.5 * (signal[:-2] + signal[2:])

    def normalise(signal):
        signal -= signal.mean()
        signal /= np.sqrt(np.mean(signal**2) + 1e-2)
        return signal

    z = x.copy()
    for k in range(len(z)):
        smooth(z[k], gain[k])
        normalise(z[k, 2:])
    return np.sum(z[:, ::3] * x[:, ::3])


def _solved_in_torch(m, b):
    return ((m + m.new_tensor(np.diag([4, 4, 4, 4]))).inverse() @ b).square().sum()


@program(
    lambda rng: (rng.uniform(1, 2, size=(4, 4)), rng.normal(size=4)),
    wrt=("m", "b"),
    torch=_solved_in_torch,
)
def gaussian_elimination(m, b):
    """Rows are reduced in place, then the triangle is solved backwards."""
    a, x = m + 4 * np.eye(4), b * 1.0
    for k in range(4):
        for i in range(k + 1, 4):
            factor = a[i, k] / a[k, k]
            a[i, k:] = a[i, k:] - factor * a[k, k:]
            x[i] = x[i] - factor * x[k]
    for k in range(3, -1, -1):
        x[k] = (x[k] - a[k, k + 1 :] @ x[k + 1 :]) / a[k, k]
    return np.sum(x**2)


@program(lambda rng: (rng.normal(size=10), np.array(0.3)), wrt=("x", "rate"))
def accumulated_in_place(x, rate):
    """`accumulate` and `cumsum` into the array that they read; `np.subtract.at`; `np.put`."""
    z = np.exp(rate * x)
    np.cumsum(z, out=z)
    np.subtract.at(z, [0, 0, 9], rate)
    np.put(z, [2, 4], x[:2])
    z[5:] = np.multiply.accumulate(np.cos(z[5:]))
    return np.mean(z**2)
