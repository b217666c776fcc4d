"""Whose code a call runs: functions, methods, classes, descriptors and callables of the user."""

import abc
import bisect
import collections
import contextlib
import dataclasses
import enum
import functools
import heapq
import itertools
import math
import operator
from typing import NamedTuple

import numpy as np
import pytest

from gradc import compile_grad

from .agreement import assert_agrees

X = np.array([0.5, -1.5, 2.0])


class Base(abc.ABC):
    scale = 2.0

    def __init__(self, w):
        self.w = w
        self.__hidden = float(np.sum(w))

    @property
    def hidden(self):
        return self.__hidden

    @property
    def norm(self):
        return math.sqrt(self.w @ self.w)

    @norm.setter
    def norm(self, value):
        self.w = self.w * (value / math.sqrt(self.w @ self.w))

    @functools.cached_property
    def squared(self):
        return [math.pow(one, 2) for one in self.w]

    @classmethod
    def of(cls, *values):
        return cls(np.array(values) * cls.scale)

    @staticmethod
    def bent(value):
        return math.tanh(value)

    @abc.abstractmethod
    def apply(self, x): ...


class Layer(Base):
    scale = 3.0

    def __init__(self, w):
        super().__init__(w)
        self.__hidden = 7.0

    @property
    def hidden(self):
        return super().hidden + self.__hidden

    def apply(self, x):
        return self.bent(self.w @ x) * self.scale

    def __call__(self, x, *, by=1.0):
        return self.apply(x) * by

    def __getitem__(self, at):
        return math.exp(self.w[at])

    def __len__(self):
        return len(self.w)

    def __iter__(self):
        return (math.sin(one) for one in self.w)

    def __contains__(self, value):
        return value == 3

    def __add__(self, other):
        return Layer(self.w + (other.w if isinstance(other, Layer) else float(other)))

    __radd__ = __add__

    def __matmul__(self, x):
        return self(x)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.w = self.w * 0.5


class Table:
    """Items of its own, as the user's ``__setitem__`` and ``__getitem__`` have them."""

    def __init__(self):
        self.rows = {}

    def __setitem__(self, key, value):
        self.rows[key] = math.sin(value)

    def __getitem__(self, key):
        return self.rows[key] * 2

    def __delitem__(self, key):
        del self.rows[key]

    def __getattr__(self, name):
        return self.rows[name.removeprefix("row_")]


class Pair(NamedTuple):
    a: object
    b: object

    def product(self):
        return math.exp(self.a) * self.b


@dataclasses.dataclass
class Settings:
    rate: float
    momentum: float = 0.5
    rows: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.rate = math.exp(self.rate)


class Kind(enum.Enum):
    SMALL = 1.0
    LARGE = 10.0

    def times(self, value):
        return math.sin(value) * self.value


class Descriptor:
    def __get__(self, instance, owner):
        return math.sin(instance.v) * 3

    def __set__(self, instance, value):
        instance.v = value * 2


class Described:
    field = Descriptor()
    __slots__ = ("v",)


def made_inside(x):
    layer = Layer.of(x[0], x[1], 2.0)
    return layer(x, by=2.0) + layer.norm + layer.hidden + layer.squared[1] + layer.squared[0]


def operators_of_the_user(x):
    layer = 1.0 + Layer(x) + Layer(x * 2) + 3
    total = sum(layer) + len(layer) * layer[0] + (layer @ x)
    return total if 3 in layer and 4 not in layer else math.nan


def properties_with_setters(x):
    layer = Layer(x * 1.0)
    layer.norm = 3.0
    layer.norm *= 2.0
    layer.scale = math.exp(x[0])
    return layer.apply(x) + layer.w[0]


def context_managers_of_the_user(x):
    with Layer(x) as layer:
        inside = layer.apply(x)
    return inside + layer.apply(x)


def items_of_the_user(x):
    table = Table()
    table["a"] = x[0]
    table["b"], table["c"] = x[1], x[2]
    table["a"] += x[1]
    del table["c"]
    return table["a"] * table["b"] + len(table.rows) * table.row_a


def tuples_and_dataclasses(x):
    pair = Pair(x[0], b=x[1])
    pair = pair._replace(b=pair.b * 2)
    settings = Settings(x[2])
    settings.rows.append(pair.product())
    changed = dataclasses.replace(settings, rate=0.0)
    a, b = pair
    return settings.rate * settings.momentum + changed.rows[0] + a * b + changed.rate


def enums(x):
    kind = Kind.LARGE if len(x) > 2 else Kind.SMALL
    return kind.times(x[0]) + Kind["SMALL"].times(x[1]) + Kind(10.0).value


def descriptors(x):
    described = Described()
    described.field = x[0]
    described.v += x[1]
    return described.field


def partials_and_bound_methods(x):
    layer = Layer(x)
    apply, by_two = layer.apply, functools.partial(layer, by=2.0)
    method = operator.methodcaller("apply", x)
    chosen = {"apply": apply, "unbound": functools.partial(Layer.apply, layer)}
    return apply(x) + by_two(x) + method(layer) + sum(one(x) for one in chosen.values())


def containers_of_python(x):
    recent = collections.deque(maxlen=2)
    by_key = collections.defaultdict(list)
    for i, one in enumerate(x):
        recent.append(math.sin(one))
        by_key[i % 2].append(one)
    counts = collections.Counter("aab")
    chain = collections.ChainMap({"a": x[0]}, {"b": x[1]})
    ordered = collections.OrderedDict(b=x[0], a=x[1])
    ordered.move_to_end("b")
    first = next(iter(ordered.values()))
    return recent[0] * recent[-1] + by_key[0][1] * counts["a"] + chain["b"] + first


def lists_that_library_functions_change(x):
    """``heapq``, ``bisect`` and their kin get the list itself, not a copy."""
    heap, ordered = [], [1.0, 3.0]
    for i, one in enumerate(x):
        heapq.heappush(heap, (-i, one))
    bisect.insort(ordered, 2.0)
    _, last = heapq.heappop(heap)
    return last * ordered[1] + len(heap) * x[0]


@contextlib.contextmanager
def scaled(value, items):
    items.append(math.sin(value))
    try:
        yield value * 2
    finally:
        items.append(math.cos(value))


def context_managers_from_generators(x):
    items = []
    with scaled(x[0], items) as doubled, contextlib.suppress(KeyError):
        {}["missing"]
    return doubled * items[0] + items[1]


def exceptions_of_the_user(x):
    class Stopped(Exception):  # noqa: N818
        def __init__(self, value):
            super().__init__(value)
            self.value = math.sin(value)

    try:
        raise Stopped(x[0])
    except Stopped as stop:
        return stop.value * stop.args[0]


def callables_given_to_numpy(x):
    rows = np.apply_along_axis(lambda row: math.sin(row[0]) * row, 1, np.stack([x, x * 2]))
    each = np.vectorize(lambda one: math.exp(one))(x)
    return np.sum(rows * rows) + np.sum(each * x)


def functools_of_the_user(x):
    @functools.singledispatch
    def size(value):
        return 1.0

    @size.register
    def _(value: list):
        return float(len(value))

    composed = functools.reduce(lambda f, g: lambda v: g(f(v)), [math.sin, math.exp, Layer.bent])
    return composed(x[0]) * size([1, 2]) + size(3)


class Special:
    """Python's own functions and operators call its methods."""

    def __init__(self, value):
        self.value = value

    def __abs__(self):
        return math.sqrt(self.value * self.value)

    def __neg__(self):
        return Special(math.sin(self.value))

    def __round__(self, digits=0):
        return math.exp(self.value)

    def __reversed__(self):
        return iter([math.tanh(self.value), self.value])

    def __iadd__(self, other):
        self.value = self.value + math.exp(other)
        return self


def special_methods(x):
    special = twin = Special(x[0])
    special += x[1]
    total = abs(special) + (-special).value + round(twin) + sum(reversed(special))
    return total * math.fsum(reversed(Special(x[1])))


def generators_as_arguments(x):
    def powers(base):
        value = 1.0
        while True:
            value = value * base
            yield math.sin(value)

    return sum(itertools.islice(powers(x[0]), 4)) + math.fsum(itertools.islice(powers(x[1]), 2))


PROGRAMS = [
    made_inside,
    operators_of_the_user,
    properties_with_setters,
    context_managers_of_the_user,
    items_of_the_user,
    tuples_and_dataclasses,
    enums,
    descriptors,
    partials_and_bound_methods,
    containers_of_python,
    lists_that_library_functions_change,
    context_managers_from_generators,
    exceptions_of_the_user,
    callables_given_to_numpy,
    functools_of_the_user,
    special_methods,
    generators_as_arguments,
]


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_code_of_the_user_is_rewritten_wherever_it_stands(function):
    """Each reaches ``math`` or ``float`` with traced values by another kind of call."""
    assert_agrees(function, X)


# What is compiled


class Doubler:
    def __call__(self, x):
        return math.exp(x[0]) * 2


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (Doubler(), X),
        (functools.partial(lambda x, a: math.exp(a * x[0]), a=2.0), X),
        (functools.partial(functools.partial(lambda a, b, x: a * b * x**2, 2.0), 3.0), 0.5),
        (Layer(X).apply, X),
        (Layer(X), X),
        (Layer.bent, 0.5),
        (math.sin, 0.5),
    ],
)
def test_callables_of_every_kind(function, x):
    """``compile_grad`` takes what can be called and has known parameters."""
    assert_agrees(function, x)


def test_classes_made_by_a_compiled_function_may_be_returned_as_containers():
    compiled = compile_grad(lambda x: Pair(math.exp(x[0]), {"rate": Settings(x[1]).rate}))
    result = compiled(X)
    assert type(result) is Pair
    np.testing.assert_allclose(result.b["rate"], np.exp(X[1]))
