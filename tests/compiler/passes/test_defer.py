"""Stores wait until what they overwrite has been read, and nothing else changes its place."""

from typing import Any

import numpy as np
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph
from gradc.compiler.passes.defer import defer
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin
from gradc.compiler.primitives.index import slice_, update
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

VECTOR, SCALAR = array_type(4), array_type()
FIRST = {"index": (0,)}
X, S = np.array([0.5, -1.0, 2.0, 3.0]), np.float64(7.0)


def deferred(graph: Graph, *arrays: Any) -> Graph:
    """Return the graph with its stores put off, after checking that it computes the same."""
    result = defer(graph)
    verify(result, "defer")
    for got, wanted in zip(evaluate(result, *arrays), evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(got, wanted)
    return result


def first_of(x: Any) -> Any:
    return slice_(x, index=(0,))


def test_store_waits_for_readers_of_its_array() -> None:
    def program(x: Any, s: Any) -> Any:
        y = x * 2.0
        z = update(y, s, **FIRST)
        return z, sin(y)

    result = deferred(build(program, x=VECTOR, s=SCALAR), X, S)
    assert names_of(result.nodes)[-2:] == ["sin", "update"]


def test_store_waits_for_readers_of_views() -> None:
    def program(x: Any, s: Any) -> Any:
        y = x * 2.0
        row = slice_(y, index=(Slice(1, 3, 1),))
        z = update(y, s, **FIRST)
        return z, cos(row), reshape(y, shape=(2, 2)) * 1.5

    names = names_of(deferred(build(program, x=VECTOR, s=SCALAR), X, S).nodes)
    assert names[-1] == "update"


def test_readers_that_need_the_store_come_behind_it() -> None:
    """It cannot wait for these: it goes as far as it can."""

    def program(x: Any, s: Any) -> Any:
        y = x * 2.0
        z = update(y, s, **FIRST)
        return sin(z) * y, first_of(y)

    names = names_of(deferred(build(program, x=VECTOR, s=SCALAR), X, S).nodes)
    assert names.index("update") < names.index("sin")


def test_chain_of_stores_stays_in_order() -> None:
    def program(x: Any, s: Any) -> Any:
        y = x * 2.0
        z = update(update(y, s, index=(0,)), s * 3.0, index=(0,))
        return update(z, s * 4.0, index=(0,)), first_of(y) * 2.0

    result = deferred(build(program, x=VECTOR, s=SCALAR), X, S)
    assert names_of(result.nodes).count("update") == 3


def test_store_of_what_was_read_does_not_wait_for_itself() -> None:
    """Each of two stores reads the other's array: a cross-over."""

    def program(x: Any, s: Any) -> Any:
        y, z = x * 2.0, x * 3.0
        return update(y, first_of(z), **FIRST), update(z, first_of(y), **FIRST)

    deferred(build(program, x=VECTOR, s=SCALAR), X, S)


def test_store_into_a_view() -> None:
    """A broadcast is a view of a smaller array."""

    def program(x: Any, s: Any) -> Any:
        wide = broadcast_to(s, shape=(4,))
        return update(wide, s * 2.0, **FIRST), s * 3.0, x + wide

    deferred(build(program, x=VECTOR, s=SCALAR), X, S)


def test_effects_keep_their_order() -> None:
    seen: list[Any] = []

    def note(value: Any) -> None:
        attrs = {"callback": Callback("note", lambda one: seen.append(one.tolist())), "types": ()}
        Builder.current().add(callback, (value,), attrs)

    def program(x: Any, s: Any) -> Any:
        y = x * 2.0
        z = update(y, s, **FIRST)
        note(first_of(z))
        note(first_of(y))
        return z

    graph = build(program, x=VECTOR, s=SCALAR)
    evaluate(graph, X, S)
    evaluate(defer(graph), X, S)
    assert seen == [7.0, 1.0] * 2


def test_without_stores_nothing_changes() -> None:
    graph = build(lambda x: sin(x) * x, x=VECTOR)
    assert defer(graph) is graph
