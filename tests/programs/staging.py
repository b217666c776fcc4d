"""Plain Python around NumPy: what the protocols alone do not see, and the rewriting must."""

import functools
import math
import operator
from itertools import accumulate, pairwise

import numpy as np

from .program import program


@program(lambda rng: (0.7, -0.4, 1.3), wrt=("roll", "pitch", "yaw"))
def rotation_by_angles(roll, pitch, yaw):
    """Matrices from nested lists of traced numbers, with `math` instead of NumPy."""
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(roll), -math.sin(roll)], [0, math.sin(roll), math.cos(roll)]]
    )
    about_y = np.array(
        [[math.cos(pitch), 0, math.sin(pitch)], [0, 1, 0], [-math.sin(pitch), 0, math.cos(pitch)]]
    )
    about_z = np.array(
        [[math.cos(yaw), -math.sin(yaw), 0.0], [math.sin(yaw), math.cos(yaw), 0.0], [0.0, 0.0, 1.0]]
    )
    rotation = about_z @ about_y @ about_x
    return float(rotation[0] @ np.array([1.0, 2.0, 3.0])) + math.atan2(
        rotation[2, 1], rotation[2, 2]
    )


@program(lambda rng: (rng.uniform(0.5, 1.5, size=6),))
def functions_of_math(x):
    """One number at a time through `math`, gathered in a list."""
    parts = [
        math.sqrt(x[0]) * math.log(x[1]),
        math.hypot(x[2], x[3]) + math.exp(-x[4]),
        math.pow(x[5], 2.5) / math.tan(x[0]),
        math.erf(x[1]) * math.lgamma(x[2] + 2),
        math.tanh(x[3]) - math.log1p(x[4]) * math.degrees(x[5]) / 90,
        math.fabs(x[0] - 2) + math.copysign(x[1], -1.0) + math.expm1(x[2]),
    ]
    return sum(parts) + math.pi * math.prod(parts[:3])


@program(lambda rng: (rng.normal(size=(3, 4)),), torch=True)
def builtins_over_arrays(x):
    """`sum`, `max`, `min`, `abs`, `round`, `pow`, `len`, `zip`, `enumerate`, `reversed`, `map`."""
    total = 0.0
    for k, (row, other) in enumerate(zip(x, reversed(x), strict=True)):
        total += (k + 1) * sum(a * b for a, b in zip(row, other, strict=True))
    extremes = max(x[0]) - min(x[1]) + abs(min(x[2], default=0.0))
    lengths = sum(map(len, x)) + divmod(len(x), 2)[1]
    return total * pow(extremes, 2) / lengths + max(total, 1.0, x[0, 0]) + abs(sum(x[:, 1]))


@program(
    lambda rng: (rng.normal(size=(4, 2)), rng.normal(size=2)), wrt=("points", "query"), torch=True
)
def chosen_by_key(points, query):
    """The nearest point, the largest entry: `min` and `max` with a key."""

    def distance(point):
        return np.sum((point - query) ** 2)

    largest = max(points[:, 0], key=abs)
    return (
        min((distance(point) for point in points), default=0.0)
        + max(points, key=distance) @ query * largest
    )


@program(
    lambda rng: (rng.normal(size=5), rng.normal(size=3)), wrt=("x", "y"), autograd=True, torch=True
)
def comprehensions(x, y):
    """Lists, dicts, sets of indices, nested and filtered generators."""
    products = {(i, j): x[i] * y[j] for i in range(5) for j in range(3) if i != j}
    rows = np.stack(
        [np.stack([products.get((i, j), 0.0 * x[0]) for j in range(3)]) for i in range(5)]
    )
    odd = {i for i in range(5) if i % 2}
    tail = sum(np.sin(v) for key, v in products.items() if key[0] in odd)
    return np.sum(rows**2) + tail + np.max(np.stack([*rows[0], *rows[-1]]))


def _norm(x, *, order=2, weights=None, **options):
    scale = options.get("scale", 1.0)
    weights = 1.0 if weights is None else weights
    return scale * np.sum(weights * np.abs(x) ** order) ** (1 / order)


@program(
    lambda rng: (rng.normal(size=5), rng.uniform(1, 2, size=5)),
    wrt=("x", "w"),
    autograd=True,
    torch=True,
)
def star_arguments(x, w):
    """`*args`, `**kwargs`, keyword-only parameters, defaults that are functions."""

    def total(*parts, combine=lambda a, b: a + b, start=0.0):
        for part in parts:
            start = combine(start, part)
        return start

    options = {"order": 4, "scale": 2.0}
    norms = [
        _norm(x),
        _norm(x, order=3),
        _norm(x, weights=w),
        _norm(x, **options),
    ]
    first, *rest = norms
    return total(*rest, start=first) * total(*norms, combine=lambda a, b: a * b, start=1.0)


@program(lambda rng: (rng.normal(size=4), 0.3), wrt=("x", "a"), autograd=True, torch=True)
def partials_and_compositions(x, a):
    """`functools.partial`, `reduce`, `operator`, functions built from functions."""

    def compose(*functions):
        return functools.reduce(lambda f, g: lambda v: g(f(v)), functions)

    damp = functools.partial(np.multiply, np.exp(-a))
    shift = functools.partial(lambda by, v: v + by, a)
    network = compose(np.tanh, damp, shift, np.square)
    dot = functools.reduce(operator.add, map(operator.mul, network(x), x))
    return dot + operator.itemgetter(1)(x) * operator.methodcaller("sum")(network(x))


@program(lambda rng: (rng.normal(size=6),), autograd=True, torch=True)
def nested_scopes(x):
    """Counters with `nonlocal`, late binding in loops, defaults that freeze a value."""
    total = 0.0

    def add(value):
        nonlocal total
        total = total + value
        return total

    late = [lambda v: v * k for k in range(3)]  # noqa: B023 - all of them use the last k
    frozen = [lambda v, k=k: v * k for k in range(3)]
    for entry, f, g in zip(x, late * 2, frozen * 2, strict=True):
        add(f(entry) ** 2 - g(entry))
    return total * add(x[0]) + sum(g(x[1]) for g in frozen)


@program(lambda rng: (rng.uniform(1, 2, size=5),))
def labels_in_text(x):
    """Keys made by f-strings, and text that is only looked at while capturing."""
    table = {}
    for i, value in enumerate(x):
        table[f"x{i:02d}"] = math.log(value)
    label = f"{len(table)} entries of shape {x.shape}, {x.dtype}"
    chosen = [table[key] for key in table if key.endswith(("1", "3"))]
    return sum(chosen) * table[f"x{len(chosen):02d}"] + len(label.split(",")) * x[4]


@program(lambda rng: (rng.normal(size=7), 0.9), wrt=("rewards", "discount"), jax=True)
def returns_by_accumulate(rewards, discount):
    """`itertools` over traced entries; the list becomes an array again."""
    backwards = list(accumulate(reversed(rewards), lambda total, r: r + discount * total))
    values = np.array(backwards[::-1])
    steps = [b - a for a, b in pairwise(values)]
    return np.dot(values, values) + max(np.abs(np.array(steps)))


@program(lambda rng: (rng.normal(size=(5, 3)), rng.integers(0, 5, size=6)), wrt="table", jax=True)
def table_of_constants(table, chosen):
    """Constant tables indexed by arguments; bound methods of arrays; `np.r_`, `np.c_`."""
    weights = np.linspace(1.0, 2.0, 5)
    looked_up = weights[chosen] * table.take(chosen, axis=0).sum(axis=1)
    grid = np.c_[weights[:3], table[:3, 0]]
    line = np.r_[table[0], 0.0, looked_up[::2], [1.0, 2.0]]
    return line.dot(line) + weights[:3].dot(table[:3]).max() + grid.T.reshape(-1).cumsum()[-1]


@program(lambda rng: (rng.normal(size=(4, 3)), 3), static_argnames=("order",), torch=True)
def design_matrix(x, order):
    """Columns are collected, stacked, and scaled; early returns and ternaries."""

    def column(j):
        if j == 0:
            return np.ones(len(x))
        return x[:, (j - 1) % x.shape[1]] ** (1 + (j - 1) // x.shape[1])

    design = np.column_stack([column(j) for j in range(2 * order + 1)])
    scale = np.array([1.0 if j < order else 0.5 for j in range(design.shape[1])])
    gram = (design * scale).T @ design
    return np.trace(gram @ gram) + (design[:, -1].sum() if order > 2 else 0.0)


def traced(function):
    """A decorator as users write them; it counts nothing and changes nothing."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        return result * 1.0

    return wrapper


@traced
def _huber(residual, delta=1.0):
    """Quadratic within `delta`, linear outside."""
    small = np.abs(residual) <= delta
    return np.where(small, 0.5 * residual**2, delta * (np.abs(residual) - 0.5 * delta))


@program(lambda rng: (rng.normal(size=2), rng.normal(size=9), rng.normal(size=9) * 2), wrt="line")
def robust_line(line, t, y):
    """Decorated helpers, unpacking of an array, chained assignment, the walrus."""
    slope, intercept = line
    a = b = slope
    losses = [_huber(value - (a * time + intercept)) for time, value in zip(t, y, strict=True)]
    if (count := len(losses)) > 5:
        b = b + 0.1 * count
    return sum(losses) / count + 0.01 * b**2 + _huber(line, delta=0.2).sum()


@program(lambda rng: (rng.normal(size=3), rng.normal(size=3)), wrt=(0, 1))
def numbers_in_and_out(a, b):
    """`float`, `.item()`, `.tolist()`, `abs`, chained comparison of shapes, `np.float64`."""
    first = float(a[0]) * b[1].item() - np.float64(a[2])
    listed = a.tolist()
    cross = [
        listed[1] * b[2] - listed[2] * b[1],
        listed[2] * b[0] - listed[0] * b[2],
        listed[0] * b[1] - listed[1] * b[0],
    ]
    volume = np.asarray(cross) @ np.cross(a, b)
    assert 0 < len(cross) <= a.size == b.size
    return first + math.sqrt(volume) + abs(complex(3, 4)) * round(1.26, 1) * a.sum()


@program(
    lambda rng: (rng.normal(size=(4, 4)),),
    gradient=lambda m: np.linalg.det(m) * np.linalg.inv(m).T,
    torch=True,
)
def recursive_determinant(m):
    """Expansion along the first row; sub-matrices by concatenation; recursion."""
    if m.shape[0] == 1:
        return m[0, 0]
    total = 0.0
    for j in range(m.shape[1]):
        minor = np.concatenate([m[1:, :j], m[1:, j + 1 :]], axis=1)
        total = total + (-1) ** j * m[0, j] * recursive_determinant(minor)
    return total
