"""The canonical form of views and stores, and what the walk that applies rewrites guarantees."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, SourceLine, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.simplify import MOST_ROUNDS, simplify
from gradc.compiler.primitives.control import hook
from gradc.compiler.primitives.elementwise import cast, copy, exp, log, negative
from gradc.compiler.primitives.index import add_at, slice_, update
from gradc.compiler.primitives.reduce import argmax, sum_, var
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.verify import verify

from gradc import compile_grad, no_grad, register_hook

from ..build import array_type, build, names_of

ALL = Slice()
HEAD = (Slice(0, 2), ALL)


def zeros(like: Value) -> Value:
    return Builder.current().full(like.type, 0)


def added(x: Value) -> Value:
    """Return what ``x[:2] += 1`` leaves: the sum is stored, and then the view into its place."""
    stored = update(x, slice_(x, index=HEAD) + 1.0, index=HEAD)
    return update(stored, slice_(stored, index=HEAD), index=HEAD)


# What a function of x (3, 4) and v (2, 4) becomes.
CASES: dict[str, tuple[Callable[[Value, Value], Any], list[str]]] = {
    "reshape to the same shape": (lambda x, v: reshape(x, shape=(3, 4)), []),
    "reshape of reshape": (lambda x, v: reshape(reshape(x, shape=(12,)), shape=(3, 4)), []),
    "reshape of reshape, to another": (
        lambda x, v: reshape(reshape(x, shape=(12,)), shape=(4, 3)),
        ["reshape"],
    ),
    "axes put back after a sum": (
        lambda x, v: reshape(sum_(x, axes=(1,), keepdims=False), shape=(3, 1)),
        ["sum"],
    ),
    "axes put back after a variance": (
        lambda x, v: reshape(var(x, axes=(1,), keepdims=False, ddof=1), shape=(3, 1)),
        ["var"],
    ),
    "axes put back elsewhere": (
        lambda x, v: reshape(sum_(x, axes=(1,), keepdims=False), shape=(1, 3)),
        ["sum", "reshape"],
    ),
    "axes put back after argmax": (
        lambda x, v: reshape(argmax(x, axes=(1,), keepdims=False), shape=(3, 1)),
        ["argmax"],
    ),
    "transpose by nothing": (lambda x, v: transpose(x, axes=(0, 1)), []),
    "transpose of transpose": (lambda x, v: transpose(transpose(x, axes=(1, 0)), axes=(1, 0)), []),
    "broadcast to the same shape": (lambda x, v: broadcast_to(x, shape=(3, 4)), []),
    "broadcast of broadcast": (
        lambda x, v: broadcast_to(broadcast_to(x, shape=(1, 3, 4)), shape=(2, 3, 4)),
        ["broadcast_to"],
    ),
    "cast to the same dtype": (lambda x, v: cast(x, dtype=np.dtype("f8")), []),
    "copy": (lambda x, v: copy(x), []),
    "sum over nothing": (lambda x, v: sum_(x, axes=(), keepdims=False), []),
    "slice of everything": (lambda x, v: slice_(x, index=(ALL, ALL)), []),
    "new axis": (lambda x, v: slice_(x, index=(None, ALL, ALL)), ["reshape"]),
    "first contribution": (
        lambda x, v: add_at(zeros(x), v, index=HEAD),
        ["constant", "broadcast_to", "update"],
    ),
    "second contribution": (lambda x, v: add_at(x, v, index=HEAD), ["add_at"]),
    "store of everything": (lambda x, v: update(x, x + 1.0, index=(ALL, ALL)),
                            ["constant", "broadcast_to", "add"]),
    "augmented store": (
        lambda x, v: added(x),
        ["constant", "broadcast_to", "add_at"],
    ),
    "store of another part": (
        lambda x, v: update(x, slice_(x, index=(Slice(1, 3), ALL)), index=HEAD),
        ["slice", "update"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_canonical_form(name: str) -> None:
    """Chains of views are one view or none, and the value is the same to the bit."""
    function, expected = CASES[name]
    graph = build(function, x=array_type(3, 4), v=array_type(2, 4))
    simplified = dce(verify(simplify(graph)))
    assert names_of(simplified.nodes) == expected
    arrays = np.arange(12.0).reshape(3, 4), np.ones((2, 4))
    (got,), (wanted,) = evaluate(simplified, *arrays), evaluate(graph, *arrays)
    np.testing.assert_array_equal(got, wanted)
    assert got.dtype == wanted.dtype


def test_sum_of_a_repeated_number_is_a_product() -> None:
    """The gradient of a broadcast scalar needs no array."""
    graph = build(
        lambda x: sum_(broadcast_to(x, shape=(3, 4)), axes=(1,), keepdims=False), x=array_type()
    )
    simplified = dce(simplify(graph))
    assert "sum" not in names_of(simplified.nodes)
    np.testing.assert_array_equal(evaluate(simplified, 0.5)[0], [2.0, 2.0, 2.0])


def test_result_is_a_fixed_point() -> None:
    """Simplified again it stays the same: no two rewrites undo each other."""
    for function, _ in CASES.values():
        graph = simplify(build(function, x=array_type(3, 4), v=array_type(2, 4)))
        assert simplify(graph).nodes == graph.nodes


def test_long_chains_need_no_more_rounds() -> None:
    """A round works front to back, so that rewrites follow each other within it."""

    def chain(x: Value) -> Any:
        for _ in range(4 * MOST_ROUNDS):
            x = transpose(x, axes=(1, 0)) * 1.0
        return x

    assert dce(simplify(build(chain, x=array_type(3, 3)))).nodes == ()


def test_line_and_name_are_kept() -> None:
    """What takes a node's place has its line, and the user's name where it has none."""
    here = SourceLine("model.py", 3)

    def program(x: Value) -> Any:
        Builder.current().origin = here
        y = log(exp(x) + 1.0)
        y.name = "y"
        return negative(negative(exp(y)))

    nodes = dce(simplify(build(program, x=array_type(3)))).nodes
    assert {node.origin for node in nodes} == {here}
    assert [node.out.name for node in nodes if node.out.name] == ["y"]


# Gradients that simplification must not change


def test_identity_under_no_grad_stays() -> None:
    """``y = x * 1`` under no_grad is not x: no gradient goes through it."""

    def times_one(x: Any) -> Any:
        with no_grad():
            y = x * 1.0
        return np.sum(x * y)

    def twice_negated(x: Any) -> Any:
        with no_grad():
            y = np.negative(-x)
        return np.sum(x * y)

    def copied(x: Any) -> Any:
        with no_grad():
            y = x.copy()
        return np.sum(x * y)

    def moved(x: Any) -> Any:
        with no_grad():
            y = x.reshape(3, 1).reshape(3)
        return np.sum(x * y)

    x = np.array([1.0, 2.0, 3.0])
    for function in (times_one, twice_negated, copied, moved):
        np.testing.assert_array_equal(compile_grad(function).grad(x), x)


def test_no_detached_node_is_replaced_by_an_attached_one() -> None:
    """The same on the graph, for every canonical form that is the operand itself."""
    for function, expected in CASES.values():
        graph = build(function, x=array_type(3, 4), v=array_type(2, 4))
        nodes = tuple(replace(node, detached=True) for node in graph.nodes)
        simplified = simplify(replace(graph, nodes=nodes))
        if not expected:
            assert simplified.outputs[0] is not graph.params[0]
            assert simplified.producers()[simplified.outputs[0]].detached


def test_repeated_number_is_not_looked_into_through_a_hook() -> None:
    """``exp`` of a hooked broadcast is not the broadcast of ``exp``: the hook would be lost."""

    def program(s: Any) -> Any:
        y = np.broadcast_to(s, (3,))
        register_hook(y, lambda gradient: gradient * 2.0)
        return np.sum(np.exp(y) * 2.0)

    assert compile_grad(program).grad(np.array(0.0)) == 12.0


def test_repeated_number_is_not_looked_into_across_no_grad() -> None:
    """The broadcast was made under no_grad: what is computed from it has no gradient."""

    def program(s: Any) -> Any:
        with no_grad():
            y = np.broadcast_to(s, (3,))
        return np.sum(np.exp(y) + y * 2.0) + s

    assert compile_grad(program).grad(np.array(0.0)) == 1.0


def test_hooked_values_stay() -> None:
    """Even where they equal their operand."""

    def program(x: Value) -> Any:
        y = copy(x)
        Builder.current().add(hook, (y,), {"hook": None})
        return exp(y)

    graph = build(program, x=array_type(3))
    assert simplify(graph).nodes == graph.nodes


def test_stable_forms_as_users_write_them() -> None:
    """Softmax and its logarithm, over rows and over everything, at 800 and -800."""
    x = np.array([800.0, 0.0, -800.0])
    rows = np.stack([x, -x])

    def softmax(x: Any) -> Any:
        return np.exp(x) / np.sum(np.exp(x))

    def softmax_of_rows(x: Any) -> Any:
        powers = np.exp(x)
        return powers / powers.sum(axis=1, keepdims=True)

    def softmax_of_rows_by_newaxis(x: Any) -> Any:
        return np.exp(x) / np.exp(x).sum(axis=1)[:, None]

    def log_softmax(x: Any) -> Any:
        return x - np.log(np.sum(np.exp(x)))

    def sigmoid_loss(x: Any) -> Any:
        return np.log(1.0 + np.exp(-x))

    for function, argument, first in [
        (softmax, x, 1.0),
        (softmax_of_rows, rows, 1.0),
        (softmax_of_rows_by_newaxis, rows, 1.0),
        (log_softmax, x, 0.0),
        (sigmoid_loss, -x, 800.0),
    ]:
        out, pullback = compile_grad(function).vjp(argument)
        assert out.flat[0] == first, function.__name__
        assert np.all(np.isfinite(out))
        assert np.all(np.isfinite(pullback(np.ones_like(out))))
