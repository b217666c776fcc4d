"""Linear systems, eigenvalues, fixed points and descents by iteration."""

import numpy as np

import gradc

from .structured import looped


def _system(rng):
    a = rng.normal(size=(5, 5))
    return a @ a.T + 5 * np.eye(5), rng.normal(size=5)


def _lower(rng):
    return np.tril(rng.normal(size=(5, 5))) + 3 * np.eye(5), rng.normal(size=5)


def _substitution_plain(lower, b):
    x = np.zeros_like(b)
    for i in range(len(b)):
        x[i] = (b[i] - lower[i, :i] @ x[:i]) / lower[i, i]
    return x


def _substitution_by_jax(jax, lower, b):
    return jax.scipy.linalg.solve_triangular(lower, b, lower=True)


@looped(
    _lower,
    plain=_substitution_plain,
    wrt=("lower", "b"),
    scalar=False,
    jax=_substitution_by_jax,
)
def forward_substitution(lower, b):
    """Row by row: the part of the solution that is not known yet holds zeros."""
    lower = np.tril(lower)

    def body(i, x):
        x[i] = (b[i] - lower[i] @ x) / lower[i, i]
        return x

    return gradc.fori_loop(0, len(b), body, np.zeros_like(b))


@looped(
    _lower, plain=lambda lower, b: np.linalg.solve(lower.T, b), wrt=("lower", "b"), scalar=False
)
def backward_substitution(lower, b):
    """From the last row to the first; a mask keeps what is not known out of the product."""
    upper = lower.T
    places = np.arange(len(b))

    def body(i, x):
        known = np.where(places > i, upper[i] * x, 0.0)
        x[i] = (b[i] - np.sum(known)) / upper[i, i]

    return gradc.fori_loop(len(b) - 1, -1, body, np.ones_like(b), step=-1)


@looped(_system, plain=lambda a, b: np.linalg.cholesky(a), wrt="a", scalar=False)
def cholesky(a, b):
    """Column by column, in place; the rest of the matrix loses the column's outer product."""
    n = len(b)
    places = np.arange(n)

    def body(k, a):
        a[:, k] = np.where(places < k, 0.0, a[:, k])
        a[:, k] /= np.sqrt(a[k, k])
        column = a[:, k] * (places > k)
        a -= np.outer(column, column)
        return a

    return np.tril(gradc.fori_loop(0, n, body, a))


def _elimination_plain(a, b):
    return np.linalg.solve(a, b), np.linalg.slogdet(a)[1]


@looped(_system, plain=_elimination_plain, wrt=("a", "b"), scalar=False)
def elimination(a, b):
    """Gauss and Jordan's: every other row loses its multiple of the pivot's row."""
    places = np.arange(len(b))

    def body(k, carry):
        a, x, logs = carry
        logs = logs + np.log(np.abs(a[k, k]))
        row, right = a[k] / a[k, k], x[k] / a[k, k]
        factors = np.where(places == k, 0.0, a[:, k])
        a -= np.outer(factors, row)
        x -= factors * right
        a[k] = row
        x[k] = right
        return a, x, logs

    _, x, logs = gradc.fori_loop(0, len(b), body, (a, b, 0.0))
    return x, logs


def _power_plain(a, v, steps=6):
    for _ in range(steps):
        v = a @ v
        v = v / np.sqrt(np.sum(v * v))
    return v @ a @ v


@looped(_system, plain=_power_plain, wrt=("a", "v"), jax=True)
def power_iteration(a, v, steps=6):
    def body(i, v):
        v = a @ v
        return v / np.sqrt(np.sum(v * v))

    v = gradc.fori_loop(0, steps, body, v)
    return v @ a @ v


def _gram_schmidt_plain(a):
    q, r = np.linalg.qr(a)
    return q * np.sign(np.diag(r))


@looped(
    lambda rng: (rng.normal(size=(5, 3)),),
    plain=_gram_schmidt_plain,
    scalar=False,
    known=False,
)
def gram_schmidt(a):
    """Each column, stored when it has lost its part along those before: a loop in a loop."""

    def column(k, q):
        def against(j, v):
            return v - (q[:, j] @ v) * q[:, j]

        v = gradc.fori_loop(0, k, against, q[:, k])
        q[:, k] = v / np.sqrt(np.sum(v**2))
        return q

    return gradc.fori_loop(0, 3, column, a)


def _conjugate_plain(a, b):
    x, rest, way = np.zeros_like(b), b, b
    while rest @ rest > 0.1:
        length = rest @ rest / (way @ a @ way)
        x, after = x + length * way, rest - length * (a @ way)
        rest, way = after, after + (after @ after) / (rest @ rest) * way
    return x


@looped(_system, plain=_conjugate_plain, wrt=("a", "b"), scalar=False)
def conjugate_gradients(a, b):
    """Until the remainder is small: four carries in a dict, some by in-place arithmetic."""

    def body(s):
        product = a @ s["way"]
        length = s["square"] / (s["way"] @ product)
        s["x"] += length * s["way"]
        s["rest"] -= length * product
        square = s["rest"] @ s["rest"]
        s["way"] = s["rest"] + square / s["square"] * s["way"]
        s["square"] = square
        return s

    start = {"x": np.zeros_like(b), "rest": b, "way": b, "square": b @ b}
    return gradc.while_loop(lambda s: s["square"] > 0.1, body, start)["x"]


def _fixed_point_plain(x, w):
    while True:
        after = np.tanh(w @ x) + 0.5
        if np.max(np.abs(after - x)) < 1e-12:
            return after
        x = after


@looped(
    lambda rng: (np.zeros(3), 0.3 * rng.normal(size=(3, 3))),
    plain=_fixed_point_plain,
    wrt=("x", "w"),
    scalar=False,
    jax=True,
    single=None,  # the threshold lies below what float32 resolves
)
def fixed_point(x, w):
    """Runs until two iterates agree; both are carried."""

    def body(carry):
        _, x = carry
        return x, np.tanh(w @ x) + 0.5

    start = (x, np.tanh(w @ x) + 0.5)
    return gradc.while_loop(lambda c: np.max(np.abs(c[1] - c[0])) >= 1e-12, body, start)[1]


def _bisection_plain(c, steps=40):
    low, high = 0.0, 3.0
    for _ in range(steps):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle**3 < c else (low, middle)
    return low + (c - low**3) / (3 * low**2)


@looped(
    lambda rng: (np.array(2.0),),
    plain=_bisection_plain,
    jax=True,
    counts=(4, 9),
    smooth=False,  # between neighbouring arguments the interval jumps
)
def bisection(c, steps=40):
    """The interval carries no gradient; the last Newton step does."""

    def body(i, carry):
        low, high = carry
        middle = 0.5 * (low + high)
        below = middle**3 < c
        return np.where(below, middle, low), np.where(below, high, middle)

    low, _ = gradc.fori_loop(0, steps, body, (0.0, 3.0))
    return low + (c - low**3) / (3 * low**2)


def _loss(x, data):
    return np.sum((np.sin(x) - data) ** 2) + 0.1 * np.sum(x**4)


def _slope(x, data):
    return 2 * (np.sin(x) - data) * np.cos(x) + 0.4 * x**3


def _momentum_plain(x, rate, decay, data, steps=5):
    v = np.zeros_like(x)
    for _ in range(steps):
        v = decay * v - rate * _slope(x, data)
        x = x + v
    return _loss(x, data)


@looped(
    lambda rng: (rng.normal(size=4), np.array(0.1), np.array(0.9), rng.normal(size=4)),
    plain=_momentum_plain,
    wrt=(0, 1, 2, 3),
)
def momentum(x, rate, decay, data, steps=5):
    """What the settings of an optimiser do to the loss at its end."""

    def body(i, carry):
        x, v = carry
        v *= decay
        v -= rate * _slope(x, data)
        x += v

    x, _ = gradc.fori_loop(0, steps, body, (x, np.zeros_like(x)))
    return _loss(x, data)


def _descent_plain(x, rate, data, steps=4):
    for _ in range(steps):
        x = x - rate * _slope(x, data)
    return _loss(x, data)


@looped(
    lambda rng: (rng.normal(size=4), np.array(0.1), rng.normal(size=4)),
    plain=_descent_plain,
    wrt=(0, 1, 2),
    jax=True,
)
def descent_by_gradient(x, rate, data, steps=4):
    """The body takes a gradient by `gradc.func.grad`, which is differentiated in turn."""

    def body(i, x):
        return x - rate * gradc.func.grad(_loss)(x, data)

    return _loss(gradc.fori_loop(0, steps, body, x), data)


def _loss_of_loop(x, w, steps):
    def body(i, x):
        return x + 0.1 * np.tanh(w @ x)

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


def _slope_of_loop_plain(x, w, steps=3):
    states = [x]
    for _ in range(steps):
        states.append(states[-1] + 0.1 * np.tanh(w @ states[-1]))
    ct = 2 * states[-1]
    for before in states[-2::-1]:
        ct = ct + 0.1 * w.T @ (ct * (1 - np.tanh(w @ before) ** 2))
    return ct


@looped(
    lambda rng: (rng.normal(size=3), rng.normal(size=(3, 3))),
    plain=_slope_of_loop_plain,
    wrt=("x", "w"),
    scalar=False,
    jax=True,
)
def slope_of_a_loop(x, w, steps=3):
    """A gradient of a loop within the program: its loops are differentiated once more."""
    return gradc.func.grad(lambda x: _loss_of_loop(x, w, steps))(x)
