"""What a function can reach by its closure, and whether it was changed."""

import functools
from collections import deque
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.frontend.enclosed import MOST_LOOKED_AT, enclosed


def using(value: Any) -> Any:
    """Return a function that has this in its closure."""
    return lambda: value


def changed(function: Any, change: Any) -> list[tuple[str, str]]:
    """Return the names and kinds of what a change changes."""
    found = enclosed(function)
    assert not any(one.is_changed for one in found)
    change()
    return [(one.name, one.kind) for one in found if one.is_changed]


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [1], lambda one: one.append(2)),
        (lambda: [1], lambda one: one.__setitem__(0, 3)),
        (lambda: {"a": 1}, lambda one: one.update(a=2)),
        (lambda: {"a": 1}, lambda one: one.pop("a")),
        (lambda: {1}, lambda one: one.add(2)),
        (lambda: deque([1]), lambda one: one.append(1)),
        (lambda: SimpleNamespace(a=1), lambda one: setattr(one, "a", 2)),
        (lambda: iter([1, 2]), next),
        (lambda: iter(range(3)), next),
        (lambda: count(), next),
        (lambda: (one + 1 for one in [1, 2]), next),
    ],
    ids=[
        "append",
        "item",
        "key",
        "pop",
        "add",
        "deque",
        "attribute",
        "iter",
        "range",
        "count",
        "generator",
    ],
)
@pytest.mark.parametrize(
    "holding",
    [
        lambda one: one,
        lambda one: (1, one),
        lambda one: {"key": [one]},
        lambda one: SimpleNamespace(inner=one),
        using,
    ],
    ids=["itself", "tuple", "dict", "object", "function"],
)
def test_changes_of_what_is_reached(make: Any, change: Any, holding: Any) -> None:
    """At first hand, and in containers, objects and functions; by the name of the variable."""
    value = make()
    found = changed(using(holding(value)), lambda: change(value))
    assert found[0] == ("value", type(value).__name__)


def test_variables() -> None:
    number = 1

    def inner() -> int:
        return number

    def change() -> None:
        nonlocal number
        number = 1000

    assert changed(inner, change) == [("number", "variable")]


def test_methods_partials_and_defaults() -> None:
    class Counter:
        def __init__(self) -> None:
            self.number = 0

        def step(self) -> None:
            self.number += 1

    counter: Any = Counter()
    assert changed(counter.step, counter.step) == [("self", "Counter")]
    items: list[int] = []
    bound = functools.partial(print, items)
    assert changed(bound, lambda: items.append(1)) == [("", "list")]

    def default(kept: Any = items) -> Any:
        return kept

    assert changed(default, lambda: items.append(1)) == [("default", "list")]


def test_variables_without_values_and_cycles() -> None:
    """A variable may get its value later, and a list may hold itself."""
    items: list[Any] = []
    items.append(items)

    def f() -> Any:
        return items, later

    found = enclosed(f)
    later = 1
    assert later
    assert [one.kind for one in found] == ["variable", "list"]
    assert not any(one.is_changed for one in found)


def test_arrays_are_not_looked_into() -> None:
    """Stores to them are seen otherwise."""
    array = np.zeros(3)
    assert changed(lambda: array, lambda: array.fill(1.0)) == []


def test_number_of_objects_is_bounded() -> None:
    many = [[i] for i in range(3 * MOST_LOOKED_AT)]
    assert len(enclosed(lambda: many)) <= MOST_LOOKED_AT
