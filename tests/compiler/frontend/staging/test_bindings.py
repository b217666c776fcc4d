"""Attributes, items and names of rewritten code mean what Python means by them."""

import collections
import math
from types import SimpleNamespace

import numpy as np
import pytest

from gradc import compile_grad

from .agreement import assert_agrees

X = np.array([0.5, -1.5, 2.0])
TABLE = np.arange(12.0).reshape(4, 3)
RATE = 2.0
LISTS = {"a": [1.0, 2.0]}


class Box:
    """Holds what it is given."""

    shared: list = []

    def __init__(self, **values):
        vars(self).update(values)


# Containers made inside


def lists_of_arrays_keep_what_is_stored(x):
    table = {"b": [x * 1.0, 1.0], "plain": [np.zeros(2), 3.0]}
    table["b"][1] = 5.0
    table["b"].append(x[0])
    table["plain"][0][1] = x[1]
    table["plain"] += [x[2]]
    return table["b"][1] * len(table["b"]) * x[0] + table["plain"][0][1] + table["plain"][2]


def lists_in_lists(x):
    rows = [[x[0], 1.0], [np.zeros(2), 2.0]]
    rows[1][1] = x[1]
    rows[1].append(1)
    rows[0], rows[1] = rows[1], rows[0]
    rows[0].pop()
    return rows[0][1] * len(rows[0]) + rows[1][0]


def lists_of_attributes(x):
    box = Box(items=[np.zeros(2)], pair=(np.zeros(2), [np.ones(1)]))
    box.items.append(x)
    box.items[0][0] = x[1]
    box.items.extend([np.ones(2), x * 2])
    box.pair[0][1] = x[2]
    box.pair[1][0] = x[0]
    box.items.insert(0, 1.0)
    pair = box.pair[0][1] * box.pair[1][0]
    return box.items[1][0] * len(box.items) + np.sum(box.items[-1]) + pair


def dictionaries_of_lists(x):
    groups, counts = {}, collections.defaultdict(lambda: [0.0, np.zeros(1)])
    for i, one in enumerate(x):
        groups.setdefault(i % 2, []).append(one)
        groups[i % 2].append(np.ones(2))
        counts[i % 2][0] += one
        counts[i % 2][1][0] += one * 2
    total = sum(len(group) for group in groups.values()) * groups[0][0]
    return total + counts[0][0] * counts[1][1][0]


def aliases_of_lists(x):
    first = [np.zeros(2), x[0]]
    box = Box(items=first, twin=first)
    second = box.items
    second.append(x[1])
    first[0][0] = x[2]
    box.twin[1] = box.twin[1] * 2
    return (second is first) * first[1] * len(box.items) + second[0][0] * box.twin[2]


def arrays_in_lists_are_shared(x):
    """One array in two places is one array."""
    buffer = np.zeros(3)
    rows, box = [buffer, buffer[1:]], Box(buffer=buffer, rows={"a": buffer})
    rows[0][0] = x[0]
    rows[1][0] = x[1]
    box.buffer[2] = x[2]
    box.rows["a"] *= 2
    for row in rows:
        row[-1] += 1.0
    return np.sum(buffer * x)


def deques_and_sets(x):
    recent = collections.deque([np.zeros(1)], maxlen=2)
    box = Box(recent=recent, names={"a"})
    box.recent.append(x[0])
    box.recent.append(x[1])
    box.names.add("b")
    box.names |= {"c"}
    return recent[0] * recent[1] * len(box.names)


def class_attributes_of_local_classes(x):
    class Counter:
        count = 0
        seen = {}

        def add(self, value):
            type(self).count += 1
            self.seen[self.count] = math.sin(value)
            return self

    Counter().add(x[0]).add(x[1])
    return sum(Counter.seen.values()) * Counter.count


def attribute_protocols(x):
    class Loud:
        def __init__(self):
            self.known = {}

        def __getattr__(self, name):
            return self.known[name] * 2

    loud = Loud()
    loud.known["a"] = x[0]
    setattr(loud, "b", x[1])  # noqa: B010
    box = Box(**vars(loud))
    return loud.a * getattr(loud, "b") + box.b * len(vars(box))  # noqa: B009


def augmented_attributes_and_items(x):
    box = Box(n=1.0, w=np.zeros(3), items=[1.0, 2.0], table={"k": 1.0})
    box.n += x[0]
    box.n **= 2
    box.w += x
    box.w[1:] *= 2
    box.w[0] -= x[1]
    box.items[0] *= x[2]
    box.table["k"] /= x[0]
    box.items += [x[1]]
    view = box.w
    box.w *= 3
    return box.n + np.sum(view * x) + box.items[0] + box.items[2] + box.table["k"]


def unpacking_into_attributes_and_items(x):
    box, items = Box(), [0.0] * 3
    box.a, (items[0], box.b), *items[1:] = x[0], (x[1], x[2]), 1.0, 2.0
    for box.c in range(3):
        pass
    for items[1] in x:
        pass
    with np.errstate() as box.d:
        pass
    return box.a * items[0] + box.b * box.c + items[1] * items[2]


LOCAL = [
    lists_of_arrays_keep_what_is_stored,
    lists_in_lists,
    lists_of_attributes,
    dictionaries_of_lists,
    aliases_of_lists,
    arrays_in_lists_are_shared,
    deques_and_sets,
    class_attributes_of_local_classes,
    attribute_protocols,
    augmented_attributes_and_items,
    unpacking_into_attributes_and_items,
]


@pytest.mark.parametrize("function", LOCAL, ids=lambda function: function.__name__)
def test_things_made_inside(function):
    """Nothing of them lies outside: all of Python's mutability holds."""
    assert_agrees(function, X)


# Things outside that are read


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(TABLE[np.argmax(x)] * x),
        lambda x: np.sum(TABLE[np.argsort(x)[:2], 1:] * x[1:]),
        lambda x: np.sum(TABLE[:, x > 0]) * x[0],
        lambda x: np.sum(TABLE[np.newaxis, ..., np.argmin(x)]) * x[1],
        lambda x: np.sum(TABLE[1:].dot(x)) + np.sum(TABLE.T.take([0, 1], axis=1).T @ x),
        lambda x: np.sum(TABLE.take(np.argmax(x), axis=0) * x),
        lambda x: TABLE[1].dot(x) + np.sum(TABLE.sum(axis=0) * x) + TABLE.shape[0] * x[0],
        lambda x: np.sum(np.r_[x, 1.0, x[:2]] ** 2) + np.sum(np.c_[x, TABLE[0]] * 2.0),
        lambda x: np.sum(np.r_[0:3, x, [1.0, 2.0]] * np.arange(8.0)),
        lambda x: np.sum(TABLE * RATE @ x) + LISTS["a"][1] * x[0] + np.pi * x[1],
        lambda x: sum(float(row @ x) for row in TABLE),
        lambda x: [one * x[0] for one in LISTS["a"]][-1] + sum(LISTS["a"]) * x[1],
        lambda x: np.sum(np.searchsorted(TABLE[:, 0], x)) * x[0],
    ],
)
def test_things_outside_with_traced_values(function):
    """What NumPy's protocols do not show: a plain array indexed by, or bound to, traced values."""
    assert_agrees(function, X)


def test_local_copies_of_outside_containers_are_ones_own():
    """``list(outside)``, slices and comprehensions make lists that may grow."""
    outside = SimpleNamespace(items=[X, X * 2], table={"a": 1.0})

    def loss(x):
        items = list(outside.items)
        items.append(x)
        more = [*outside.items, x][1:] + outside.items[:1]
        table = dict(outside.table)
        table["b"] = x[0]
        merged = {**outside.table, "c": x[1]}
        copied = outside.items.copy()
        copied.clear()
        total = sum(np.sum(one * x) for one in [*items, *more])
        return total + table["b"] + merged["c"] + len(table) + len(copied)

    assert_agrees(loss, X)
    assert (len(outside.items), list(outside.table)) == (2, ["a"])


def test_local_views_of_outside_arrays():
    """A view of an outside array that is stored to changes the outside array; a copy does not."""
    outside = SimpleNamespace(w=np.zeros((2, 3)))

    def loss(x):
        row = outside.w[1]
        row += x
        copied = outside.w.copy()
        copied[0] = x
        part = np.array(outside.w)
        part[0] = 9.0
        return np.sum(outside.w * 2) + np.sum(copied)

    compiled = compile_grad(loss)
    twin = np.zeros((2, 3))
    for _ in range(2):
        np.testing.assert_allclose(compiled.grad(X), np.full(3, 4.0))
        twin[1] += X
        np.testing.assert_allclose(outside.w, twin)


def test_arrays_made_in_default_arguments_and_enclosing_functions():
    """Made once, when the function was made: they lie outside, and remember."""

    def make():
        memory = np.zeros(3)

        def loss(x, seen=np.zeros(3)):  # noqa: B008
            memory[:] = memory + x
            seen += 1.0
            return np.sum(memory * x) + np.sum(seen)

        return loss, memory

    (loss, memory), (twin, expected) = make(), make()
    compiled = compile_grad(loss)
    for _ in range(3):
        np.testing.assert_allclose(compiled(X), twin(X))
        np.testing.assert_allclose(memory, expected)


def test_mutable_default_that_is_a_list():
    """Python's well-known trap: the list is one for all calls. It may not grow, it may change."""

    def loss(x, seen=[0.0]):  # noqa: B006
        seen[0] = seen[0] + 1.0
        return np.sum(x) * seen[0]

    compiled = compile_grad(loss)
    assert [float(compiled(X)) for _ in range(3)] == [1.0, 2.0, 3.0]


def test_private_names():
    """``self.__w`` read, stored and deleted inside of a class, also from a nested function."""

    class Account:
        __rate = 2.0

        def __init__(self, w):
            self.__w = w
            self.__extra = 1.0

        def loss(self, x):
            def inner():
                self.__w = self.__w * 1.5
                return np.sum(self.__w * x) * self.__rate * Account.__rate

            local = Account(x * 2)
            del local.__extra
            return inner() + np.sum(local.__w) + hasattr(local, "_Account__extra")

        def weight(self):
            return self.__w

    account, twin = Account(X.copy()), Account(X.copy())
    compiled = compile_grad(account.loss)
    for _ in range(2):
        np.testing.assert_allclose(compiled(X), twin.loss(X))
        np.testing.assert_allclose(account.weight(), twin.weight())
