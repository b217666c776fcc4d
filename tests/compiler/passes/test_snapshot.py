"""Before a store in place, the parts of the array that are read later are copied, not the whole."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, SourceLine, Value
from gradc.compiler.passes.snapshot import snapshot, snapshot_parts
from gradc.compiler.primitives.elementwise import copy, exp
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import slice_, update
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.primitives.shape import broadcast_to
from gradc.compiler.verify import verify
from hypothesis import given, settings

from ..build import array_type, build, names_of
from ..emitted import emitted, function_of
from .random_graphs import arguments, graph_of, steps

VECTOR = array_type(6)
HEAD, TAIL = (Slice(0, 2),), (Slice(2, None),)


def read_later(*indices: Any, view: Any = slice_) -> Any:
    """Return a program that stores into an array of which these parts are read afterwards."""

    def program(x: Value, v: Value) -> Any:
        y = exp(x)
        parts = [view(y, index=index) for index in indices]
        for part in parts:
            part.name = "part"
        z = update(y, v, index=HEAD)
        return z, *(sin(part) for part in parts)

    return program


def copies_of(program: Any) -> tuple[list[Value], int]:
    """Return what is copied before stores, and how many whole arrays the module then copies."""
    graph = build(program, x=VECTOR, v=array_type(2))
    made = verify(snapshot(graph))
    arrays = np.arange(6.0), np.array([7.0, 8.0])
    expected = evaluate(graph, *arrays)
    for result in (evaluate(made, *arrays), function_of(emitted(made))(*arrays)):
        for got, wanted in zip(result, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
    parts = [node.out for node in made.nodes if node.primitive is copy]
    return parts, len(emitted(made).copies)


def test_slice_that_is_read_later_is_copied() -> None:
    """Two elements, and the store of the whole array is in place."""
    parts, whole = copies_of(read_later(HEAD))
    assert [(part.shape, part.name) for part in parts] == [((2,), "part")]
    assert whole == 0


def test_parts_together_may_not_be_larger_than_the_array() -> None:
    """Then one copy of the whole is better, as it is where the array itself is read."""
    parts, whole = copies_of(read_later(HEAD, TAIL))
    assert ([part.shape for part in parts], whole) == ([(2,), (4,)], 0)
    assert copies_of(read_later(HEAD, TAIL, HEAD)) == ([], 1)


def test_native_code_keeps_small_parts_only() -> None:
    """Of large ones it makes a new array, in which it stores what it computes."""
    for extent, copies in ((8, 1), (7, 0)):
        graph = build(read_later(HEAD), x=array_type(extent), v=array_type(2))
        made = verify(snapshot_parts(graph))
        assert [node.primitive for node in made.nodes].count(copy) == copies


def read_whole(x: Value, v: Value) -> Any:
    y = exp(x)
    part = slice_(y, index=HEAD)
    return update(y, v, index=HEAD), sin(part), sin(y)


def into_param(x: Value, v: Value) -> Any:
    part = slice_(x, index=HEAD)
    return update(x, v, index=HEAD), sin(part)


def read_before(x: Value, v: Value) -> Any:
    y = exp(x)
    part = sin(slice_(y, index=HEAD))
    return update(y, v, index=HEAD) * 2.0, part


def spread(x: Value, v: Value) -> Any:
    y = exp(x)
    rows = broadcast_to(y, shape=(3, 6))
    return update(y, v, index=HEAD), sin(rows)


@pytest.mark.parametrize(
    ("program", "whole"), [(read_whole, 1), (into_param, 1), (read_before, 0), (spread, 1)]
)
def test_nothing_is_copied_where_it_would_not_help(program: Any, whole: int) -> None:
    """The array is read itself, or is a param; or nothing of it is read any more."""
    assert copies_of(program) == ([], whole)


def test_view_of_a_view_shows_the_copy() -> None:
    """A view made after the store, of a view made before it, shows the old numbers.

    The copy has no name, but is not written into the expression that reads it: that comes too late.
    """

    def program(x: Value, v: Value) -> Any:
        y = exp(x)
        part = slice_(y, index=HEAD)
        z = update(y, v, index=HEAD)
        return z, slice_(part, index=(Slice(None, None, -1),)) * 2.0

    parts, whole = copies_of(program)
    assert [part.shape for part in parts] == [(2,)]
    assert whole == 0


def test_copies_have_the_line_of_the_store() -> None:
    here = SourceLine("model.py", 9)

    def program(x: Value, v: Value) -> Any:
        y = exp(x)
        part = slice_(y, index=HEAD)
        Builder.current().origin = here
        return update(y, v, index=HEAD), sin(part)

    made = snapshot(build(program, x=VECTOR, v=array_type(2)))
    assert [node.origin for node in made.nodes if node.primitive is copy] == [here]


def test_without_stores_nothing_changes() -> None:
    graph = build(lambda x: sin(exp(x)), x=VECTOR)
    assert names_of(snapshot(graph).nodes) == names_of(graph.nodes)


@settings(max_examples=150)
@given(steps())
def test_random_graphs_keep_their_values(drawn: Any) -> None:
    """Bit for bit, evaluated and as a module."""
    graph = graph_of(drawn)
    made = verify(snapshot(graph))
    with np.errstate(all="ignore"):
        results = function_of(emitted(made))(*arguments())
    for got, wanted in zip(results, evaluate(graph, *arguments()), strict=True):
        np.testing.assert_array_equal(got, wanted)
