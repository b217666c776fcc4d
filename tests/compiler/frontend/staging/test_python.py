"""Python's own functions, and those of ``math``, on traced values."""

import builtins
import functools
import itertools
import math
import operator
import os
import statistics
import subprocess
import sys

import numpy as np
import pytest

from gradc import compile_grad

from .agreement import assert_agrees

X = np.array([0.3, 0.9, 0.6])

ON_ONE = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "degrees",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "gamma",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "radians",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
]
ON_TWO = ["atan2", "copysign", "fmod", "hypot", "pow", "log", "ldexp", "remainder", "nextafter"]


@pytest.mark.parametrize("name", [one for one in ON_ONE if hasattr(math, one)])
def test_math_of_one_number(name):
    """Value and slope of each function, as Python has them; ``floor`` and its kin give integers."""
    function = getattr(math, name)
    start = 1.7 if name == "acosh" else 0.6
    loss = lambda x: function(x) * x  # noqa: E731
    assert_agrees(loss, start)
    by_element = lambda x: function(x[0] if name != "acosh" else x[0] + 1) * x[1]  # noqa: E731
    assert_agrees(by_element, X)


@pytest.mark.parametrize("name", ON_TWO)
def test_math_of_two_numbers(name):
    function = getattr(math, name)
    if name == "ldexp":
        assert_agrees(lambda x: math.ldexp(x[0], 3) * x[1], X)
    else:
        assert_agrees(lambda x: function(x[0] + 1, x[1] + 2) * x[2], X)


def test_math_of_several_numbers():
    assert_agrees(lambda x: math.hypot(*x) + math.dist(x, [1.0, 2.0, 3.0]), X)
    assert_agrees(lambda x: math.prod(x) + math.fsum(x) + math.prod([x[0], 2], start=3), X)
    assert_agrees(lambda x: math.fsum(one * one for one in x), X)


def test_math_of_conditions():
    """What asks for a truth gives a traced one."""
    found = compile_grad(
        lambda x: (math.isnan(x[0]), math.isinf(x[1]), math.isfinite(x[2]), math.isclose(x[0], 0.3))
    )(np.array([np.nan, np.inf, 1.0]))
    assert [bool(one) for one in found] == [True, True, True, False]


def test_math_gives_python_floats():
    """Of a float32 element it is a Python float, which does not change the dtype of an array."""
    x = X.astype(np.float32)
    value = compile_grad(lambda x: x * math.exp(x[0]))(x)
    assert value.dtype == (x * math.exp(x[0])).dtype == np.float32


@pytest.mark.parametrize(
    "function",
    [
        lambda x: float(x[0]) * x[1],
        lambda x: float(np.sum(x)) ** 2,
        lambda x: float(x[:1].sum()) + float("2.5") + float(3),
        lambda x: abs(x[0] - 1) + np.sum(abs(x - 0.5)) + abs(-3),
        lambda x: round(x[0]) * x[1] + round(2.567, 1) * x[2],
        lambda x: round(x[0], 1) * x[1] + round(x[2], None),
        lambda x: int(x[1] * 5) * x[0],
        lambda x: pow(x[0], 2) + pow(x[1], x[2]) + pow(3, 2, 5),
        lambda x: sum(x) + sum([x[0], x[1] * 2]) + sum([1, 2]) + sum((x, x * x), np.ones(3))[0],
        lambda x: sum(one * one for one in x),
        lambda x: sum([x[0], x[1]], start=x[2] ** 2) + sum([[1.0], [2.0]], [])[1],
        lambda x: max(x) * 2 + min(x) ** 2 + max(3, 4),
        lambda x: max(x[0], 0.5) + max(0.5, x[0], x[1]) + min(x[2], 10.0) * x[1],
        lambda x: max([x[0], x[2]], default=0.0) + max([], default=1.0),
        lambda x: max(x[0] * 0.0, 0.0) + x[1],
        lambda x: sorted(x)[1] * 2 + sorted([3, 1])[0] * sorted(x, reverse=True)[0],
        lambda x: len(x) * x[0] + len([x, x]) * len("text"),
        lambda x: sum(a * b for a, b in zip(x, x[::-1], strict=True)),
        lambda x: sum(i * one for i, one in enumerate(x, start=2)),
        lambda x: sum(reversed(x)) + list(reversed([x[0], x[1]]))[0] ** 2,
        lambda x: sum(map(lambda one: math.sin(one), x)) + sum(map(math.exp, x)),  # noqa: C417
        lambda x: sum(map(lambda a, b: math.pow(a, b), x, x)),
        lambda x: sum(filter(lambda one: one is not None, x)),
        lambda x: functools.reduce(lambda a, b: a * math.cos(b), x),
        lambda x: functools.reduce(operator.mul, x, 2.0) + operator.itemgetter(1)(x),
        lambda x: sum(itertools.accumulate(x)) + sum(itertools.chain(x, [x[0]])),
        lambda x: sum(itertools.starmap(math.pow, zip(x, x, strict=True))),
        lambda x: sum(a * b for a, b in itertools.combinations(x, 2)),
        lambda x: sum(a * b for a, b in itertools.pairwise(x)),
        lambda x: divmod(x[0], 0.2)[1] + divmod(7, 2)[0] * x[1],
        lambda x: x[0] if isinstance(x, np.ndarray) and not isinstance(x[0], int) else math.nan,
        lambda x: x[0] if type(x) is np.ndarray and type(x[0]) is np.float64 else math.nan,
        lambda x: x[0] if hasattr(x, "shape") and callable(len) else math.nan,
        lambda x: getattr(x, "sum")() + getattr(x, "missing", 2.0),  # noqa: B009
        lambda x: next(iter(x)) + next(iter([]), 3.0) + list(x)[2] + tuple(x)[1] * {2}.pop(),
        lambda x: dict(a=x[0], b=x[1])["b"] + dict(zip("ab", x, strict=False))["a"] ** 2,  # noqa: C408
        lambda x: slice(1, 3).stop * x[0] + np.sum(x[slice(None, None, -2)]),
        lambda x: sorted(x, key=lambda one: -one)[0] * 3 + len(sorted("ba", key=ord)[0]) * x[1],
        lambda x: x[0].item() * x[1].item() + sum(x.tolist()) + x[1:2].item(),
        lambda x: np.sum(np.exp([x[0], 1.0])) + np.sum(np.where(x[:2] > 0.5, [x[0], x[1]], 2.0)),
        lambda x: np.sum(x * [x[0], 2.0, x[2]]) + np.sum([x[0], x[1]]) + np.max([x[0], x[2]]),
        lambda x: np.dot([x[0], 1.0, 2.0], x) + np.linalg.norm([x[0], x[1]]),
        lambda x: bool(len(x)) * x[0] + (x[1] if any([False, True]) and all([]) else 0.0),
        lambda x: complex(1.0, 2.0).imag * x[0] + ord("a") * x[1],
    ],
)  # fmt: skip
def test_builtins(function):
    """Each as Python would compute it, on traced values and on others."""
    assert_agrees(function, X)


def test_dictionaries_are_their_keys():
    """What iterates over a dictionary with traced values sees texts, not values."""

    def loss(x):
        params = {"b": x[0], "a": x[1], "c": x[2]}
        ordered = [params[name] * (i + 1) for i, name in enumerate(sorted(params))]
        last, first = params[max(params)], params[min(params.keys())]
        places = sum({2: x[0], 3: x[1]}) * len(params) + any(params) + all(["a" in params])
        most = max(params.items(), key=lambda pair: pair[0])[1]
        return sum(ordered) + last * first + places * x[0] + sum(params.values()) ** 2 + most

    assert_agrees(loss, X)


def test_all_and_any_of_traced_values():
    found = compile_grad(lambda x: (all(x > 0), any(x > 1), all([x[0] > 0, True]), any([])))(X)
    assert [bool(one) for one in found] == [True, False, True, False]


def test_max_of_equal_values_takes_the_first():
    """As Python does: the gradient goes to it alone."""
    assert compile_grad(lambda x: max(x)).grad(np.array([2.0, 2.0, 1.0])).tolist() == [1, 0, 0]
    assert compile_grad(lambda x: min(x)).grad(np.array([2.0, 1.0, 1.0])).tolist() == [0, 1, 0]


def test_max_with_nan_is_as_python_has_it():
    for x in ([np.nan, 1.0, 2.0], [1.0, np.nan, 0.5]):
        x = np.array(x)
        np.testing.assert_equal(float(compile_grad(lambda x: max(x))(x)), float(max(x)))


def test_types_of_results():
    """``int`` gives an integer, ``float`` a Python float, ``round`` an int or what it was."""
    compiled = compile_grad(lambda x: (int(x[0]), float(x[0]), round(x[0]), round(x[0], 1)))
    dtypes = [np.asarray(one).dtype for one in compiled(X.astype(np.float32))]
    assert dtypes == [np.int64, np.float64, np.int64, np.float32]


@pytest.mark.parametrize("value", [-1.5, -0.5, 0.5, 1.5, 2.5, 2.7, -2.7])
def test_rounding(value):
    """Half to even, towards zero, down, up."""
    functions = (round, int, math.floor, math.ceil, math.trunc)
    for one in functions:
        got = compile_grad(lambda x, one=one: x * 0.0 + one(x[0]))(np.array([value]))
        assert float(got[0]) == one(value)


def test_numbers_that_are_arguments_stay_readable():
    """A Python number that is not differentiated may be read: it is a guard."""
    compiled = compile_grad(lambda x, n, r: x * math.floor(n) + len(range(int(r))))
    for n, r in ((2.5, 3.5), (3.5, 4.0)):
        assert float(compiled.grad(2.0, n, r)) == math.floor(n)
        assert float(compiled(2.0, n, r)) == 2 * math.floor(n) + int(r)


def test_user_defined_numbers_and_names_that_hide_builtins():
    """A local ``sum`` is the user's."""

    def sum(values):
        return builtins.sum(values) * 10

    def loss(x, abs=lambda one: one * 3):
        max = lambda *all: all[-1]  # noqa: E731
        return sum(x) + abs(x[0]) + max(x[1], x[2])

    np.testing.assert_allclose(compile_grad(loss).grad(X), [13.0, 10.0, 11.0])


def test_statistics_of_plain_numbers():
    """Other libraries of Python compute with what does not depend on the arguments."""
    assert_agrees(lambda x: x[0] * statistics.mean([1.0, 2.0, 6.0]), X)


ALONE = """
import random, sys
import numpy as np
from gradc import compile_grad
assert "numpy.random" not in sys.modules
f = compile_grad(lambda x: np.sum(x * random.Random(3).random()), backend="numpy")
assert f(np.ones(2)) == 2 * random.Random(3).random()
"""


def test_a_seeded_generator_where_nothing_has_imported_numpys():
    """``import gradc`` does not import ``numpy.random``, and drawing does not ask for it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", ALONE], env=environment, check=True)
