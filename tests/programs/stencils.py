"""Grids that are swept in place within loops."""

import numpy as np

import gradc

from .structured import looped


def _heat_plain(u, k, steps=5):
    u = u.copy()
    for _ in range(steps):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def _heat_by_jax(jax, u, k, steps=5):
    def body(i, u):
        return u.at[1:-1].add(k * (u[2:] - 2 * u[1:-1] + u[:-2]))

    return jax.numpy.sum(jax.lax.fori_loop(0, steps, body, u) ** 2)


@looped(
    lambda rng: (rng.normal(size=12), np.array(0.2)),
    plain=_heat_plain,
    wrt=("u", "k"),
    jax=_heat_by_jax,
)
def heat(u, k, steps=5):
    def body(i, u):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])

    return np.sum(gradc.fori_loop(0, steps, body, u) ** 2)


def _heat_with_matter_plain(u, k, source, steps=4):
    u = u.copy()
    for i in range(steps):
        flux = k[1:] * (u[1:] - u[:-1])
        u[1:-1] += 0.1 * (flux[1:] - flux[:-1]) + 0.05 * source[i % 2, 1:-1]
        u[0], u[-1] = u[1], 0.5 * u[-2]
    return u


@looped(
    lambda rng: (rng.normal(size=9), rng.uniform(0.5, 1, size=9), rng.normal(size=(2, 9))),
    plain=_heat_with_matter_plain,
    wrt=("u", "k", "source"),
    scalar=False,
)
def heat_with_matter(u, k, source, steps=4):
    """Invariants are read by slice and by row; the borders follow the inside."""

    def body(i, u):
        flux = k[1:] * (u[1:] - u[:-1])
        u[1:-1] += 0.1 * (flux[1:] - flux[:-1]) + 0.05 * source[i % 2, 1:-1]
        u[0], u[-1] = u[1], 0.5 * u[-2]
        return u

    return gradc.fori_loop(0, steps, body, u)


def _wave_plain(before, now, c, steps=6):
    for _ in range(steps):
        after = 2 * now - before
        after[1:-1] += c**2 * (now[2:] - 2 * now[1:-1] + now[:-2])
        after[0] = after[-1] = 0
        before, now = now, after
    return np.sum(now**2 + 0.5 * before)


@looped(
    lambda rng: (rng.normal(size=8), rng.normal(size=8), np.linspace(0.2, 0.5, 6)),
    plain=_wave_plain,
    wrt=(0, 1, 2),
)
def wave(before, now, c, steps=6):
    """Two carries that change places; the speed is an invariant."""

    def body(i, carry):
        before, now = carry
        after = 2 * now - before
        after[1:-1] += c**2 * (now[2:] - 2 * now[1:-1] + now[:-2])
        after[0] = after[-1] = 0
        return now, after

    before, now = gradc.fori_loop(0, steps, body, (before, now))
    return np.sum(now**2 + 0.5 * before)


def _average(a):
    return 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])


def _jacobi_plain(a, b, steps=3):
    a, b = a.copy(), b.copy()
    for _ in range(steps):
        b[1:-1, 1:-1] = _average(a)
        a[1:-1, 1:-1] = _average(b)
    return a, b


def _jacobi_by_jax(jax, a, b, steps=3):
    def body(i, carry):
        a, b = carry
        b = b.at[1:-1, 1:-1].set(_average(a))
        return a.at[1:-1, 1:-1].set(_average(b)), b

    return jax.lax.fori_loop(0, steps, body, (a, b))


@looped(
    lambda rng: (rng.normal(size=(6, 7)), rng.normal(size=(6, 7))),
    plain=_jacobi_plain,
    wrt=("a", "b"),
    scalar=False,
    jax=_jacobi_by_jax,
)
def jacobi(a, b, steps=3):
    """Double sweeps of a five-point average: NPBench's `jacobi_2d` rolled up."""

    def body(i, carry):
        a, b = carry
        b[1:-1, 1:-1] = _average(a)
        a[1:-1, 1:-1] = _average(b)
        return a, b

    return gradc.fori_loop(0, steps, body, (a, b))


def _seidel_plain(a, steps=2):
    a = a.copy()
    for _ in range(steps):
        for i in range(1, 4):
            for j in range(1, 5):
                a[i, j] = np.sum(a[i - 1 : i + 2, j - 1 : j + 2]) / 9
    return np.sum(np.sin(a))


@looped(lambda rng: (rng.normal(size=(5, 6)),), plain=_seidel_plain, counts=(0, 1, 3))
def seidel(a, steps=2):
    """Three nested loops that store one element at a time, each of which the next ones read."""

    def sweep(_, a):
        def row(i, a):
            def element(j, a):
                total = a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1]
                total += a[i, j - 1] + a[i, j] + a[i, j + 1]
                total += a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]
                a[i, j] = total / 9
                return a

            return gradc.fori_loop(1, 5, element, a)

        return gradc.fori_loop(1, 4, row, a)

    return np.sum(np.sin(gradc.fori_loop(0, steps, sweep, a)))


def _red_black_plain(u, f, steps=3):
    u = u.copy()
    for _ in range(steps):
        u[1:-1:2] = 0.5 * (u[:-2:2] + u[2::2] - f[1:-1:2])
        u[2:-1:2] = 0.5 * (u[1:-2:2] + u[3::2] - f[2:-1:2])
    return u


@looped(
    lambda rng: (rng.normal(size=9), rng.normal(size=9)),
    plain=_red_black_plain,
    wrt=("u", "f"),
    scalar=False,
)
def red_black(u, f, steps=3):
    """Every other element in turn: slices with steps, stored and read."""

    def body(i, u):
        u[1:-1:2] = 0.5 * (u[:-2:2] + u[2::2] - f[1:-1:2])
        u[2:-1:2] = 0.5 * (u[1:-2:2] + u[3::2] - f[2:-1:2])

    return gradc.fori_loop(0, steps, body, u)


def _advection_plain(q, speed, steps=5):
    for _ in range(steps):
        left, right = q - np.roll(q, 1), np.roll(q, -1) - q
        slope = np.where(left * right > 0, 2 * left * right / (left + right), 0.0)
        edge = q + 0.5 * (1 - speed) * slope
        q = q - speed * (edge - np.roll(edge, 1))
    return q


@looped(
    lambda rng: (np.sin(np.arange(10.0)) + 0.1 * rng.normal(size=10), np.array(0.4)),
    plain=_advection_plain,
    wrt=("q", "speed"),
    scalar=False,
    jax=True,
)
def advection_with_limiter(q, speed, steps=5):
    """Van Leer's limiter: a mask in each trip."""

    def body(i, q):
        left, right = q - np.roll(q, 1), np.roll(q, -1) - q
        slope = np.where(left * right > 0, 2 * left * right / (left + right), 0.0)
        edge = q + 0.5 * (1 - speed) * slope
        return q - speed * (edge - np.roll(edge, 1))

    return gradc.fori_loop(0, steps, body, q)


def _mandelbrot_plain(x, y, steps=5):
    re, im = np.zeros_like(x), np.zeros_like(x)
    counts = np.zeros(x.shape, int)
    for _ in range(steps):
        inside = re**2 + im**2 < 4
        re, im = np.where(inside, re**2 - im**2 + x, re), np.where(inside, 2 * re * im + y, im)
        counts = counts + inside
    return np.sum(np.log1p(re**2 + im**2)), counts


@looped(
    lambda rng: (rng.uniform(-1.5, 0.5, size=(3, 4)), rng.uniform(-1, 1, size=(3, 4))),
    plain=_mandelbrot_plain,
    wrt=("x", "y"),
    has_aux=True,
    jax=True,
    single=None,  # points near the border take one step more or less
)
def mandelbrot(x, y, steps=5):
    """Points that have escaped stay where they are; their counts are integers."""

    def body(i, carry):
        re, im, counts = carry
        inside = re**2 + im**2 < 4
        after = np.where(inside, re**2 - im**2 + x, re)
        return after, np.where(inside, 2 * re * im + y, im), counts + inside

    start = (np.zeros_like(x), np.zeros_like(x), np.zeros(x.shape, int))
    re, im, counts = gradc.fori_loop(0, steps, body, start)
    return np.sum(np.log1p(re**2 + im**2)), counts


def _until_all_escaped_plain(x):
    z, counts = x.copy(), np.zeros(x.shape, int)
    while np.any(z < 4):
        inside = z < 4
        z = np.where(inside, z * z + x, z)
        counts[inside] += 1
    return np.sum(np.log(z) / counts)


@looped(lambda rng: (rng.uniform(0.6, 1.5, size=6),), plain=_until_all_escaped_plain, single=None)
def until_all_escaped(x):
    """A while loop over an array with a condition on all of it, and stores by a mask."""

    def body(carry):
        z, counts = carry
        inside = z < 4
        counts[inside] += 1
        return np.where(inside, z * z + x, z), counts

    start = (x, np.zeros(x.shape, int))
    z, counts = gradc.while_loop(lambda carry: np.any(carry[0] < 4), body, start)
    return np.sum(np.log(z) / counts)


def _aligned_plain(cost):
    rows, columns = cost.shape
    table = np.full((rows + 1, columns + 1), 1e3)
    table[0, 0] = 0
    for i in range(rows):
        for j in range(columns):
            ways = np.array([table[i, j], table[i, j + 1], table[i + 1, j]])
            table[i + 1, j + 1] = cost[i, j] - np.log(np.sum(np.exp(-ways)))
    return table[-1, -1]


@looped(lambda rng: (rng.uniform(0, 2, size=(3, 4)),), plain=_aligned_plain)
def soft_time_warping(cost):
    """A table filled by two nested loops from its neighbours above and to the left."""
    rows, columns = cost.shape
    table = np.full((rows + 1, columns + 1), 1e3)
    table[0, 0] = 0

    def row(i, table):
        def element(j, table):
            ways = np.stack([table[i, j], table[i, j + 1], table[i + 1, j]])
            table[i + 1, j + 1] = cost[i, j] - np.log(np.sum(np.exp(-ways)))
            return table

        return gradc.fori_loop(0, columns, element, table)

    return gradc.fori_loop(0, rows, row, table)[-1, -1]
