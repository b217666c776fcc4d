"""Buffers are reused where nobody reads them any more; stores are in place where they may be."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.numpy_source.schedule import schedule
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes import lifetimes as module
from gradc.compiler.passes.lifetimes import is_worth_reusing, lifetimes
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import constant, exp
from gradc.compiler.primitives.elementwise.comparison import equal, greater, less
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import add_at, slice_, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.primitives.shape import broadcast_to, transpose
from gradc.compiler.types import Sym
from gradc.compiler.verify import verify
from hypothesis import given, settings

from ..build import array_type, build
from ..emitted import body_of, emitted, function_of, lowered, shares_nothing
from .random_graphs import arguments, graph_of, steps

LARGE = array_type(100, 100)
TAIL = (Slice(1, None),)


@pytest.fixture
def reuse_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let memory of any size be reused, so that small graphs show it."""
    monkeypatch.setattr(module, "WORTH_REUSING", 0)


def check(graph: Graph, *arrays: Any) -> list[str]:
    """Check that the emitted module computes the graph and keeps its params; return its body."""
    given = [np.array(array) for array in arrays]
    made = emitted(verify(graph))
    results = function_of(made)(*arrays)
    for got, expected in zip(results, evaluate(graph, *given), strict=True):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype
    for array, kept in zip(arrays, given, strict=True):
        np.testing.assert_array_equal(array, kept)
    return body_of(made)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(5).normal(size=shape)


# Donors


def test_dead_operand_gives_its_memory() -> None:
    """A chain on large arrays needs one buffer; the param is none."""
    graph = build(lambda x: exp(sin(exp(x))), x=LARGE)
    body = check(graph, numbers(100, 100))
    assert body == [
        "t1 = np.exp(x)",
        "t2 = np.sin(t1, out=t1)",
        "t3 = np.exp(t2, out=t2)",
        "return t3",
    ]


def test_operators_become_augmented() -> None:
    """Without names of the user, ``t1 + x`` into the memory of ``t1`` is ``t1 += x``."""
    graph = build(lambda x: exp(x) + x, x=LARGE)
    assert "t1 += x" in check(graph, numbers(100, 100))


@pytest.mark.parametrize("compare", [equal, less, greater])
def test_comparisons_of_bools_are_not_augmented(compare: Any) -> None:
    """``t1 <= t2`` as a statement would do nothing, ``t1 === t2`` is none."""
    shape = array_type(200, 200)
    graph = build(lambda x, y: compare(greater(x, 0.0), greater(y, 0.0)), x=shape, y=shape)
    check(graph, *numbers(2, 200, 200))


def test_small_arrays_are_left_to_numpy() -> None:
    """Below the threshold; unknown sizes may be large; scalars have no memory to give."""
    assert not is_worth_reusing(array_type(10))
    assert not is_worth_reusing(array_type())
    assert is_worth_reusing(array_type(Sym.named("n")))
    assert is_worth_reusing(array_type(16 * 1024, dtype="i1"))
    assert not any("out=" in line for line in check(build(exp, x=array_type(10)), numbers(10)))


@pytest.mark.usefixtures("reuse_all")
def test_what_is_read_later_gives_nothing() -> None:
    """By a later node, through a view, or because it is returned."""

    def later(x: Value) -> Any:
        y = exp(x)
        return sin(y) * y

    def viewed(x: Value) -> Any:
        y = exp(x)
        part = slice_(y, index=(Slice(None, None, -1),))
        return sin(y), part

    def returned(x: Value) -> Any:
        y = exp(x)
        return y, sin(y)

    for function in (later, viewed, returned):
        graph = build(function, x=array_type(4))
        check(graph, numbers(4))
        first = graph.nodes[0].out
        assert found(graph).donor.get(graph.producers()[graph.nodes[1].outs[0]]) is not first


def found(graph: Graph) -> module.Lifetimes:
    plan = schedule(graph)
    return lifetimes(graph, plan.position, plan.inlined)


@pytest.mark.usefixtures("reuse_all")
def test_what_a_call_back_got_gives_nothing() -> None:
    """A hook that returns None hands its gradient back: the same memory under two names."""

    def program(x: Value) -> Any:
        y = exp(x)
        attrs = {"callback": Callback("hand_on", lambda one: one), "types": (y.type,)}
        (z,) = Builder.current().add(callback, (y,), attrs)
        first = sin(x)
        second = matmul(first, x)  # takes whatever memory is free
        return z * second

    check(build(program, x=array_type(3, 3)), numbers(3, 3))


@pytest.mark.usefixtures("reuse_all")
def test_views_overlapping_their_buffer() -> None:
    """``y + y[::-1]`` into the memory of ``y``: NumPy sees the overlap."""

    def program(x: Value) -> Any:
        y = exp(x)
        return y + slice_(y, index=(Slice(None, None, -1),))

    check(build(program, x=array_type(5)), numbers(5))


# Stores


def test_store_into_what_is_dead_is_in_place() -> None:
    """No copy; a second store follows in the same array."""

    def program(x: Value, v: Value) -> Any:
        y = update(exp(x), v, index=TAIL)
        return add_at(y, v, index=TAIL)

    graph = build(program, x=array_type(4), v=array_type(3))
    body = check(graph, numbers(4), numbers(3))
    assert body == ["t1 = np.exp(x)", "t1[1:] = v", "t1[1:] += v", "return t1"]
    assert emitted(graph).copies == ()


@pytest.mark.parametrize("kind", ["param", "constant", "zeros", "callback", "view", "read later"])
def test_stores_copy_exactly_where_they_must(kind: str) -> None:
    """Into a param, a constant, a call-back's result, a view, or what is read later; not zeros."""

    def base(x: Value) -> Value:
        builder = Builder.current()
        if kind == "param":
            return x
        if kind == "constant":
            return builder.constant(np.arange(4.0))
        if kind == "zeros":
            return builder.full(x.type, 0)
        if kind == "callback":
            attrs = {"callback": Callback("give", np.array), "types": (x.type,)}
            return builder.add(callback, (x,), attrs)[0]
        return transpose(exp(x), axes=(0,)) if kind == "view" else exp(x)

    def program(x: Value, v: Value) -> Any:
        old = base(x)
        new = update(old, v, index=TAIL)
        return (new, sin(old)) if kind == "read later" else new

    graph = build(program, x=array_type(4), v=array_type(3))
    check(graph, numbers(4), numbers(3))
    assert len(emitted(graph).copies) == (0 if kind == "zeros" else 1)


def test_sum_into_a_scalar() -> None:
    """NumPy's scalars are immutable: what is stored into at rank 0 is an array first."""
    graph = build(lambda x, v: add_at(exp(x), v, index=()), x=array_type(), v=array_type())
    check(graph, np.float64(0.5), np.float64(2.0))
    assert type(function_of(emitted(graph))(np.float64(0.5), np.float64(2.0))[0]) is np.float64


def test_scattering_an_array_into_itself() -> None:
    """``y[i] = y[:3]`` has to read all before it writes."""

    def program(x: Value) -> Any:
        y = exp(x)
        indices = Builder.current().constant(np.array([1, 2, 3]))
        part = slice_(y, index=(Slice(0, 3),))
        return update(y, part, indices, index=(Gather(),))

    check(build(program, x=array_type(4)), numbers(4))


def test_nested_expression_is_not_moved_over_a_store() -> None:
    """``exp(y)``, broadcast to two readers, one of them written after ``y`` was stored into."""

    def program(x: Value, m: Value) -> Any:
        y = sin(x)
        y.name = "y"
        spread = broadcast_to(exp(y), shape=m.shape)
        early, late = m * spread, m + spread
        early.name = "early"
        stored = update(y, slice_(x, index=TAIL), index=TAIL)
        stored.name = "stored"
        return early, stored, sum_(late, axes=(0, 1), keepdims=False)

    graph = build(program, x=array_type(4), m=array_type(3, 4))
    body = check(graph, numbers(4), numbers(3, 4))
    assert sum(line.count("np.exp") for line in body) == 1  # and it is computed once


def test_returned_broadcast_is_not_moved_over_a_store() -> None:
    """``return np.broadcast_to(np.exp(y), ...)`` would come after the store into ``y``."""

    def program(x: Value) -> Any:
        y = sin(x)
        y.name = "y"
        spread = broadcast_to(exp(y), shape=(3, 4))
        return spread, update(y, slice_(x, index=TAIL), index=TAIL)

    check(build(program, x=array_type(4)), numbers(4))


# Anything


@pytest.mark.usefixtures("reuse_all")
@settings(max_examples=250)
@given(steps())
def test_random_graphs(drawn: Any) -> None:
    """Views, stores and reuse of memory: bit for bit what node-by-node evaluation gives."""
    graph = graph_of(drawn)
    arrays = arguments()
    given = [array.copy() for array in arrays]
    expected = evaluate(graph, *given)
    with np.errstate(all="ignore"):
        results = function_of(emitted(graph))(*arrays)
    for got, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(got, wanted, strict=isinstance(wanted, np.ndarray))
    for array, kept in zip(arrays, given, strict=True):
        np.testing.assert_array_equal(array, kept)
    assert shares_nothing(results, arrays)
    assert all(one.flags.writeable for one in results if isinstance(one, np.ndarray))


@pytest.mark.usefixtures("reuse_all")
@settings(max_examples=150)
@given(steps())
def test_random_graphs_after_all_passes(drawn: Any) -> None:
    """The same after lowering, which reorders sums of a few terms: within 64 ulp."""
    graph = graph_of(drawn)
    arrays = arguments()
    given = [array.copy() for array in arrays]
    expected = evaluate(graph, *given)
    with np.errstate(all="ignore"):
        results = function_of(lowered(graph))(*arrays)
    for got, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-14, atol=2e-14)
    for array, kept in zip(arrays, given, strict=True):
        np.testing.assert_array_equal(array, kept)
    assert shares_nothing(results, arrays)


@settings(max_examples=100)
@given(steps())
def test_donors_of_random_graphs(drawn: Any) -> None:
    """Each is dead, an array of its own, of the type of what takes its memory, and gives once."""
    graph = graph_of(drawn)
    plan = schedule(graph)
    made = lifetimes(graph, plan.position, plan.inlined)
    producer = graph.producers()
    given = list(made.donor.values())
    assert len(given) == len(set(given))
    for node, donor in made.donor.items():
        assert donor.type == node.out.type
        assert not producer[donor].primitive.view
        assert producer[donor].primitive not in (constant, callback)
        assert made.last_use[donor] <= plan.position[node]
    assert all(a < b for a, b in pairwise(plan.position[node] for node in made.donor))
