"""Rewritten functions keep Python's meaning, statement by statement."""

import math
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from .agreement import assert_agrees

X = np.array([0.5, -1.5, 2.0, 0.25])


# Expressions


def comprehensions(x):
    rows = [math.sin(one) for one in x]
    doubled = {i: float(one) * 2 for i, one in enumerate(rows) if i != 2}
    pairs = [a * b for a in rows for b in doubled.values()]
    kinds = len({type(one) for one in pairs})
    return sum(pairs) * kinds + sum(math.exp(one) for one in rows)


def comprehensions_that_bind(x):
    last = None
    total = sum([(last := math.sin(one)) for one in x])
    return total * last + sum(y for one in x if (y := float(one) * 2) is not None)


def nested_comprehensions(x):
    table = [[math.sin(x[i]) * x[j] for j in range(i)] for i in range(4)]
    return sum(sum(row) for row in table)


def star_unpacking(x):
    first, *middle, last = [math.sin(one) for one in x]
    (a, b), *_ = [(first, last), middle]
    both = [*middle, *(a, b)]
    named = {"a": a, "b": b, "c": both[0]}
    return sum(both) * named["a"] + math.hypot(*middle) + dict(**named)["c"]


def conditional_expressions(x):
    kept = x if len(x) > 3 else -x
    nothing = None
    chosen = nothing or kept
    return (chosen is kept and math.exp(chosen[0])) * (0 < len(x) < 5)


def augmented_assignments(x):
    total, items, table = 0.0, [1.0, 2.0], np.zeros((2, 2))
    total += math.sin(x[0])
    total *= 2
    total **= 2
    total -= x[1]
    items[1] *= float(x[1])
    table[0, 1:] += x[2]
    table[:, 0] -= x[:2]
    table @= np.ones((2, 2))
    items += [float(x[3])]
    return total / 3 + items[1] + items[2] + np.sum(table * table)


def slices(x):
    table = np.zeros((3, 4))
    table[1] = x
    table[..., ::-2] *= 2
    table[0, None, 1:3] = x[:2]
    key = np.s_[1:, ::2]
    return np.sum(table[1:, 1:] * table[:-1, :-1]) + np.sum(table[key]) + x[slice(1, 3)].sum()


def chained_comparisons_and_walrus(x):
    if (n := len(x)) > 2 and not n > 10:
        y = math.sin(x[0])
    else:
        y = 0.0
    return y * n


def lambdas_and_defaults(x):
    scale = math.exp(x[0])
    apply = lambda f, *args, by=scale, **options: f(*args, **options) * by  # noqa: E731

    def plus(a, /, b=scale, *, c=float(x[1])):
        return a + b * c

    return apply(plus, 1.0) + apply(plus, 2.0, scale, c=3.0)


def generator_expressions_are_lazy(x):
    """Of an endless one only the first items are made."""

    def endless():
        n = 0
        while True:
            n += 1
            yield n * math.sin(x[0])

    made = endless()
    return sum(next(made) for _ in range(3)) + next(one for one in made if one is not None)


# Statements


def loops(x):
    total = 0.0
    for i, one in enumerate(x):
        if i == 1:
            continue
        total += math.sin(one)
        if i == 2:
            break
    else:
        total = math.nan
    n = 3
    while n:
        n -= 1
        total *= float(x[n])
    for i in range(2):  # noqa: B007
        pass
    else:
        total += i
    return total


def try_and_finally(x):
    seen = []
    try:
        y = math.sin(x[0])
        {}["missing"]
    except KeyError as error:
        y = y * len(error.args)
    else:
        y = math.nan
    finally:
        seen.append(math.exp(x[1]))
    try:
        return y * seen[0]
    finally:
        seen.clear()


@contextmanager
def appended(items, value):
    items.append(value)
    try:
        yield value * 2
    finally:
        items.append(-value)


def with_statements(x):
    items = []
    with appended(items, math.sin(x[0])) as doubled, appended(items, doubled) as again:
        y = doubled * again
    with np.errstate(all="ignore"):
        y = y * math.exp(x[1])
    return y + sum(one * (i + 1) for i, one in enumerate(items))


@dataclass
class Point:
    x: object
    y: object = 1.0


def match_statements(x):
    total = 0.0
    for case in [("add", x[0], x[1]), {"k": x[2], "r": 1}, Point(x[3], 2), [x[0]], 7, "no", None]:
        match case:
            case ("add", a, b):
                total += math.sin(a) * b
            case {"k": value, **rest} if len(rest) == 1:
                total += math.exp(value)
            case Point(x=inner, y=2 as two):
                total += float(inner) * two
            case [one]:
                total += one
            case 7 | 8 as number:
                total *= number
            case str():
                total += 1
            case _:
                total *= 2
    return total


def nested_functions(x):
    count = 0
    total = math.sin(x[0])

    def add(value):
        nonlocal total, count
        total += math.exp(value)
        count += 1
        return add

    def recursive(n):
        return float(x[n]) * recursive(n - 1) if n else 1.0

    add(x[1])(x[2])
    return total * count + recursive(3)


def local_classes(x):
    class Base:
        factor = 2.0

        def __init__(self, value):
            self.__value = value

        def scaled(self):
            return self.__value * self.factor

    class Derived(Base):
        rows = [i * 2 for i in range(3)]
        factor = float(rows[2])

        def __init__(self, value):
            super().__init__(value)
            self.__value = value * 10

        def scaled(self):
            return super().scaled() + self.__value

        @property
        def half(self):
            return self.scaled() / 2

        @staticmethod
        def double(value):
            return math.sin(value) * 2

        @classmethod
        def made(cls, value):
            return cls(cls.double(value))

    return Derived.made(x[0]).half


def local_imports(x):
    import math as m  # noqa: PLC0415
    from math import exp  # noqa: PLC0415

    return m.sin(x[0]) * exp(x[1])


def annotated(x: np.ndarray, scale: "float" = 2.0) -> float:
    y: float = math.sin(x[0])
    z: "not looked at"  # noqa: F722, F842
    return y * scale


def deleted(x):
    y, items = math.sin(x[0]), {"a": math.exp(x[1]), "b": 1.0}
    held = Point(items["a"])
    del items["a"], held.x
    z = y * len(items)
    del y
    return z


def docstring_only_and_pass(x):
    """Nothing is done here."""

    def nothing():
        pass

    def global_only():
        global X

    return math.sin(x[0]) if nothing() is global_only() else 0.0


def delegating_generators(x):
    def inner(n):
        received = yield math.sin(x[n])
        return x[n] if received is None else received * x[n]

    def outer():
        first = yield from inner(0)
        yield first * 2

    made = outer()
    return next(made) + made.send(math.exp(x[1]))


PROGRAMS = [
    comprehensions,
    comprehensions_that_bind,
    nested_comprehensions,
    star_unpacking,
    conditional_expressions,
    augmented_assignments,
    slices,
    chained_comparisons_and_walrus,
    lambdas_and_defaults,
    generator_expressions_are_lazy,
    loops,
    try_and_finally,
    with_statements,
    match_statements,
    nested_functions,
    local_classes,
    local_imports,
    annotated,
    deleted,
    docstring_only_and_pass,
    delegating_generators,
]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_rewritten_statements_mean_the_same(function):
    """Each calls ``math`` or ``float`` on traced values: unless rewritten it could not compile."""
    assert_agrees(function, X)
