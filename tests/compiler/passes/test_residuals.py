"""A joint graph split into a forward and a backward program, and what passes between them."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.passes.residuals import residuals
from gradc.compiler.pipeline import Log, derive
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import exp, sqrt
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import Slice, slice_, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

SQUARE, ROW = array_type(4, 4), array_type(4)


def model(x: Value, w: Value) -> Any:
    hidden = sin(matmul(x, w))
    return exp(hidden) * 0.5, sum_(hidden, axes=(0,), keepdims=False)


def stores(x: Value, w: Value) -> Any:
    row = slice_(w, index=(0, Slice()))
    stored = update(exp(x), row * row, index=(1, Slice()))
    return stored * w, row


def squares(x: Value, w: Value) -> Any:
    spread = broadcast_to(slice_(x, index=(0, Slice())), shape=(4, 4))
    return sqrt(exp(spread * transpose(w, axes=(1, 0)))), reshape(x, shape=(16,))


def split(graph: Graph, wrt: Any = (0, 1)) -> tuple[Graph, Graph, Graph]:
    outputs = range(len(graph.outputs))
    joint = derive(graph, wrt, outputs, None, Log())
    forward, backward = residuals(joint, len(outputs), len(outputs))
    return joint, verify(forward), verify(backward)


@pytest.mark.parametrize("program", [model, stores, squares], ids=lambda one: one.__name__)
def test_forward_and_then_backward_is_the_joint_program(program: Any) -> None:
    """The same nodes on the same numbers: the same to the bit, for one cotangent after another."""
    graph = build(program, x=SQUARE, w=SQUARE)
    joint, forward, backward = split(graph)
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(2, 4, 4))
    results = evaluate(forward, x, w)
    saved = results[2:]
    for _ in range(2):
        cts = [rng.normal(size=output.shape) for output in graph.outputs]
        expected = evaluate(joint, x, w, *cts)
        got = (*results[:2], *evaluate(backward, *saved, *cts))
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def saved_by(program: Any, wrt: Any = (0, 1)) -> list[Value]:
    graph = build(program, x=SQUARE, w=SQUARE)
    _, forward, backward = split(graph, wrt)
    saved = list(forward.outputs[len(graph.outputs) :])
    assert saved == list(backward.params[: len(saved)])
    assert len(set(saved)) == len(saved)
    return saved


def test_what_is_saved() -> None:
    """The operands of the product and its cosine's; of exp the result; not x where it is frozen."""
    graph = build(model, x=SQUARE, w=SQUARE)
    joint, forward, backward = split(graph)
    saved = set(forward.outputs[2:])
    assert {*joint.params[:2], joint.outputs[0]} & saved >= set(joint.params[:2])
    forward_values = {out for node in forward.nodes for out in node.outs} | set(forward.params)
    assert saved <= forward_values
    read = {one for node in backward.nodes for one in node.operands} | set(backward.outputs)
    assert saved <= read, "what nobody reads is not saved"
    assert graph.params[1] not in saved_by(model, wrt=(1,))


def test_linear_programs_save_nothing() -> None:
    assert saved_by(lambda x, w: x * 2.0 - w) == []


def test_views_are_made_again() -> None:
    """Of a broadcast the small array is saved, of a constant nothing; of a slice the slice."""
    saved = saved_by(lambda x, w: broadcast_to(slice_(x, index=(0, Slice())), shape=(4, 4)) * w)
    assert sorted(value.shape for value in saved) == [(4,), (4, 4)]
    saved = saved_by(lambda x, w: slice_(x, index=(0, Slice())) * slice_(w, index=(1, Slice())))
    assert sorted(value.shape for value in saved) == [(4,), (4,)]


def test_constants_are_made_again() -> None:
    def program(x: Value, w: Value) -> Any:
        table = Builder.current().constant(np.arange(100.0).reshape(25, 4))
        return matmul(table, x) - matmul(table, w)

    assert saved_by(program) == []


def test_gradient_that_depends_on_no_cotangent() -> None:
    """Of a param that no output depends on: zeros, which the backward program makes itself."""
    graph = build(lambda x, w: exp(x), x=SQUARE, w=ROW)
    joint = dce(differentiate(graph, [0, 1], [0]))
    forward, backward = residuals(joint, 1, 1)
    assert [value.shape for value in forward.outputs] == [(4, 4), (4, 4)]
    x = np.zeros((4, 4))
    by_x, by_w = evaluate(verify(backward), np.exp(x), np.ones((4, 4)))
    np.testing.assert_array_equal(by_w, np.zeros(4))
    np.testing.assert_array_equal(by_x, np.ones((4, 4)))


def test_call_backs_of_the_forward_program_run_forward() -> None:
    """Once for each call, not once for each pullback."""

    def program(x: Value, w: Value) -> Any:
        attrs = {"callback": Callback("note", print), "types": ()}
        Builder.current().add(callback, (x,), attrs)
        return exp(x) * w

    _, forward, backward = split(build(program, x=SQUARE, w=SQUARE))
    assert names_of(forward.nodes).count("callback") == 1
    assert "callback" not in names_of(backward.nodes)
