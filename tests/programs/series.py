"""Sums, products and polynomials term by term; recurrences on numbers."""

import numpy as np

import gradc

from .structured import looped


def _horner_plain(coefficients, x):
    return np.polyval(coefficients, x)


@looped(
    lambda rng: (rng.normal(size=6), rng.normal(size=3)),
    plain=_horner_plain,
    wrt=("coefficients", "x"),
    scalar=False,
    jax=True,
)
def horner(coefficients, x):
    def body(i, value):
        return value * x + coefficients[i]

    return gradc.fori_loop(0, len(coefficients), body, np.zeros_like(x))


def _clenshaw_plain(c, x):
    return np.polynomial.chebyshev.chebval(x, c)


@looped(
    lambda rng: (rng.normal(size=7), rng.uniform(-1, 1, size=4)),
    plain=_clenshaw_plain,
    wrt=("c", "x"),
    scalar=False,
    jax=True,
)
def clenshaw(c, x):
    """A Chebyshev series from its last term on: a negative step, and carries that move along."""

    def body(i, carry):
        one, two = carry
        return 2 * x * one - two + c[i], one

    one, two = gradc.fori_loop(6, 0, body, (np.zeros_like(x), np.zeros_like(x)), step=-1)
    return x * one - two + c[0]


def _continued_fraction_plain(x, steps=8):
    value = 1.0
    for k in range(steps, 0, -1):
        value = 2 * k - 1 + x * x / value
    return x / value


@looped(lambda rng: (np.array(0.7),), plain=_continued_fraction_plain, jax=True)
def continued_fraction(x, steps=8):
    """The tangent: the loop's index is part of the arithmetic, the first value a Python number."""

    def body(k, value):
        return 2 * k - 1 + x * x / value

    return x / gradc.fori_loop(steps, 0, body, 1.0, step=-1)


def _running_plain(x):
    total, product, top = 0, 1, -np.inf
    for one in x:
        total, product, top = total + one, product * one, max(top, one)
    return total * product + top


@looped(lambda rng: (rng.normal(size=6),), plain=_running_plain, jax=True)
def running_sum_product_maximum(x):
    """Carries that begin as Python numbers, one of them infinite."""

    def body(i, carry):
        total, product, top = carry
        return total + x[i], product * x[i], np.maximum(top, x[i])

    total, product, top = gradc.fori_loop(0, 6, body, (0.0, 1.0, -np.inf))
    return total * product + top


def _integer_start_plain(x, steps=5):
    total = 0
    for i in range(steps):
        total = total + x[i % 3] * i
    return total * x[0]


@looped(lambda rng: (rng.normal(size=3),), plain=_integer_start_plain, counts=(1, 2, 7))
def integer_start(x, steps=5):
    """A sum that begins with the integer 0; `i % 3` chooses the term."""
    return gradc.fori_loop(0, steps, lambda i, total: total + x[i % 3] * i, 0) * x[0]


def _geometric_plain(x):
    total, term, count = 0.0, 1.0, np.int64(0)
    while abs(term) > 1e-10:
        total, term, count = total + term, term * x, count + 1
    return total, count


@looped(lambda rng: (np.array(0.4),), plain=_geometric_plain, has_aux=True, jax=True)
def geometric_series(x):
    """As many terms as count; how many they were comes out as an integer."""

    def body(carry):
        total, term, count = carry
        return total + term, term * x, count + 1

    start = (0.0 * x, 0.0 * x + 1, np.array(0))
    total, _, count = gradc.while_loop(lambda c: np.abs(c[1]) > 1e-10, body, start)
    return total, count


def _bessel_plain(x, steps=9):
    term, total = np.ones_like(x), np.ones_like(x)
    for k in range(1, steps + 1):
        term = term * (-(x * x) / 4) / (k * k)
        total = total + term
    return total


@looped(lambda rng: (rng.uniform(0, 3, size=(2, 3)),), plain=_bessel_plain, scalar=False, jax=True)
def bessel(x, steps=9):
    def body(k, carry):
        term, total = carry
        term = term * (-(x * x) / 4) / (k * k)
        return term, total + term

    return gradc.fori_loop(1, steps + 1, body, (np.ones_like(x), np.ones_like(x)))[1]


def _collatz_plain(n, x):
    trips = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        x, trips = np.sin(x) + 0.01 * n, trips + 1
    return x * trips


@looped(lambda rng: (np.array(7), np.array(0.3)), plain=_collatz_plain, wrt="x", jax=True)
def collatz(n, x):
    """An integer carry that decides how often a float one is changed."""

    def body(carry):
        n, x, trips = carry
        n = gradc.cond(n % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, n)
        return n, np.sin(x) + 0.01 * n, trips + 1

    _, x, trips = gradc.while_loop(lambda c: c[0] != 1, body, (n, x, 0))
    return x * trips


def _traced_bounds_plain(x, first, last):
    y = x
    for i in range(int(first), int(last)):
        y = np.sin(y) + 0.1 * i
    return np.sum(y)


@looped(
    lambda rng: (rng.normal(size=3), np.array(2), np.array(9)),
    plain=_traced_bounds_plain,
    wrt="x",
    known=False,
    jax=True,
)
def traced_bounds(x, first, last):
    """A loop between bounds that are data."""
    return np.sum(gradc.fori_loop(first, last, lambda i, y: np.sin(y) + 0.1 * i, x))


def _bounds_by_values_plain(x):
    y = x
    for i in range(3, 3 + 2 * int(np.sum(x > 0)), 2):
        y = np.cos(y) * 0.1 * i
    return np.sum(y * x)


@looped(lambda rng: (rng.normal(size=5),), plain=_bounds_by_values_plain, jax=True, known=False)
def bounds_by_values(x):
    """How often the loop runs is counted from the values themselves."""
    stop = 3 + 2 * np.sum(x > 0)
    return np.sum(gradc.fori_loop(3, stop, lambda i, y: np.cos(y) * 0.1 * i, x, step=2) * x)


def _power_plain(x, exponent):
    result, square, n = np.ones_like(x), x.copy(), int(exponent)
    while n > 0:
        if n % 2:
            result = result * square
        square, n = square * square, n // 2
    return result


@looped(
    lambda rng: (rng.uniform(0.5, 1.5, size=3), np.array(13)),
    plain=_power_plain,
    wrt="x",
    scalar=False,
    jax=True,
)
def power_by_squaring(x, exponent):
    """A branch on an integer carry within a loop until it is zero."""

    def body(carry):
        result, square, n = carry
        result = gradc.cond(n % 2 == 1, lambda r, s: r * s, lambda r, s: r, result, square)
        return result, square * square, n // 2

    start = (np.ones_like(x), x, exponent)
    return gradc.while_loop(lambda carry: carry[2] > 0, body, start)[0]
