"""A joint graph split into a forward and a backward program, and what passes between them."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.frontend.capture import capture
from gradc.compiler.frontend.signature import Parameters, sign
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.passes.mincut import cost, is_cheap
from gradc.compiler.passes.residuals import residuals
from gradc.compiler.pipeline import Log, derive, optimise
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import cast, constant, exp, sqrt
from gradc.compiler.primitives.elementwise.comparison import greater
from gradc.compiler.primitives.elementwise.logic import logical_not
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import gather, slice_, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import mean, sum_
from gradc.compiler.primitives.selection import Mask, Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.types import Sym
from gradc.compiler.verify import verify
from hypothesis import given, settings

from ..build import array_type, build, names_of
from ..emitted import function_of, lowered
from .random_graphs import arguments, graph_of, steps

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
    _, forward, backward = split(graph)
    saved = forward.outputs[2:]
    made = {out: node.primitive.name for node in forward.nodes for out in node.outs}
    assert [one.name or made[one] for one in saved] == ["x", "w", "exp", "cos"]
    read = {one for node in backward.nodes for one in node.operands} | set(backward.outputs)
    assert set(saved) <= read, "what nobody reads is not saved"
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


def unsplit(joint: Graph, cts: int) -> int:
    """Return the bytes that are saved where only constants and views are made again."""
    late = set(joint.params[len(joint.params) - cts :])
    pending: list[Value] = []
    for node in joint.nodes:
        if any(operand in late for operand in node.operands):
            late.update(node.outs)
            pending += [one for one in node.operands if one not in late]
    producers, saved = joint.producers(), set()
    while pending:
        value = pending.pop()
        node = producers.get(value)
        if node is not None and node.primitive in (constant, broadcast_to, reshape, transpose):
            pending += node.operands
        elif value not in late:
            saved.add(value)
    return sum(cost(value.type) for value in saved)


def perceptron(x: Any, w: Any, v: Any) -> Any:
    hidden = np.maximum(x @ w, 0.0)
    return np.mean((hidden @ v) ** 2)


def logistic_regression(w: Any, x: Any, y: Any) -> Any:
    p = 1.0 / (1.0 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p) + (1.0 - y) * np.log(1.0 - p))


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ k.T / np.sqrt(q.shape[-1])
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return weights / np.sum(weights, axis=-1, keepdims=True) @ v


def joint_of(function: Any, shapes: Any) -> tuple[Graph, int]:
    """Return the joint graph of a NumPy function by all of its arguments, and its outputs."""
    rng = np.random.default_rng(5)
    parameters = Parameters(function, ())
    values = parameters.bind([rng.normal(size=shape) for shape in shapes], {})
    signature, leaves = sign(parameters, values)
    captured = capture(parameters, signature, values, leaves, range(len(shapes)))
    graph = optimise(captured.graph, Log())
    return derive(graph, range(len(shapes)), (0,), None, Log()), len(graph.outputs)


@pytest.mark.parametrize(
    ("function", "shapes", "without", "with_cut"),
    [
        # The hidden layer (the derivative at 0 counts both bools), once and not three times.
        (perceptron, ((64, 30), (30, 50), (50, 8)), 85_856, 60_256),
        (logistic_regression, ((20,), (100, 20), (100,)), 20_960, 20_160),
        # The softmax and the operands of its products: nothing can be left out.
        (attention, ((40, 16), (48, 16), (48, 16)), 32_768, 32_768),
    ],
)
def test_bytes_of_models(function: Any, shapes: Any, without: int, with_cut: int) -> None:
    """They do not grow; and nothing but cheap nodes runs twice."""
    joint, outputs = joint_of(function, shapes)
    forward, backward = residuals(joint, outputs, 1)
    saved = forward.outputs[outputs:]
    assert unsplit(joint, 1) <= without
    assert sum(cost(value.type) for value in saved) <= with_cut
    twice = set(forward.nodes) & set(backward.nodes)
    assert all(is_cheap(node) for node in twice)


@settings(max_examples=150, deadline=None)
@given(steps())
def test_random_programs(drawn: Any) -> None:
    """Views, stores and masks: split, it is the joint program to the bit, and saves no more."""
    graph = graph_of(drawn)
    chosen = [i for i, output in enumerate(graph.outputs) if output.type.is_float]
    joint = dce(differentiate(graph, range(4), chosen))
    forward, backward = residuals(joint, len(graph.outputs), len(chosen))
    verify(forward)
    verify(backward)
    rng = np.random.default_rng(3)
    cts = [rng.normal(size=graph.outputs[i].shape)[()] for i in chosen]
    results = evaluate(forward, *arguments())
    saved = results[len(graph.outputs) :]
    expected = evaluate(joint, *arguments(), *cts)
    got = (*results[: len(graph.outputs)], *evaluate(backward, *saved, *cts))
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert sum(cost(value.type) for value in backward.params[: len(saved)]) <= unsplit(
        joint, len(cts)
    )
    assert all(is_cheap(node) for node in set(forward.nodes) & set(backward.nodes))


def run_split(graph: Graph, outputs: int, inputs: Any, cts: Any) -> tuple[Any, ...]:
    """Return what the two generated modules of a joint graph give, one after the other."""
    forward, backward = residuals(graph, outputs, len(cts))
    results = function_of(lowered(forward, outputs))(*inputs)
    return (*results[:outputs], *function_of(lowered(backward))(*results[outputs:], *cts))


def test_sizes_that_only_forward_knows() -> None:
    """The mean over a named size: nothing is saved and no cotangent has it, but its gradient has.

    The size comes as the length of a residual without elements.
    """
    n = Sym.named("n")

    def program(x: Value, w: Value) -> Any:
        return mean(x * 2.0, axes=(0,), keepdims=False) * w

    graph = build(program, x=array_type(n), w=array_type())
    joint = derive(graph, (0,), (0,), None, Log())
    forward, backward = residuals(joint, 1, 1)
    assert [value.shape for value in verify(backward).params] == [(), (n, 0), ()]
    assert verify(forward).outputs[-1].type.nbytes in (0, None)
    for count in (1, 3, 8):
        x = np.arange(1.0, count + 1.0)
        value, gradient = run_split(joint, 1, (x, np.float64(3.0)), [np.float64(2.0)])
        np.testing.assert_allclose(value, x.mean() * 6.0)
        np.testing.assert_allclose(gradient, np.full(count, 12.0 / count))


def test_sizes_that_a_mask_counts() -> None:
    """The mask is saved, and tells backward how many elements it selects."""
    some = Sym.named("some")

    def program(x: Value, w: Value) -> Any:
        mask = greater(x, 0.0)
        return mean(gather(x, mask, index=(Mask(1, some),)), axes=(0,), keepdims=False) * w

    graph = build(program, x=array_type(6), w=array_type())
    joint = derive(graph, (0,), (0,), None, Log())
    x = np.array([1.0, -1.0, 2.0, -3.0, 0.0, 6.0])
    value, gradient = run_split(joint, 1, (x, np.float64(2.0)), [np.float64(1.0)])
    np.testing.assert_allclose(value, 6.0)
    np.testing.assert_allclose(gradient, np.where(x > 0, 2.0 / 3.0, 0.0))


def test_mask_that_is_made_again_late() -> None:
    """Its count is read before it is: then the size comes by itself."""
    some = Sym.named("some")

    def program(x: Value, flags: Value) -> Any:
        mask = logical_not(flags)
        chosen = gather(x, mask, index=(Mask(1, some),))
        total = mean(chosen, axes=(0,), keepdims=False)
        return total, exp(cast(flags, dtype=np.dtype("f8")) * x)

    graph = build(program, x=array_type(4), flags=array_type(4, dtype=bool))
    joint = derive(graph, (0,), (0, 1), None, Log())
    _, backward = residuals(joint, 2, 2)
    assert (some, 0) in [param.shape for param in backward.params]
    assert "logical_not" in names_of(backward.nodes)
    x, flags = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, False, True])
    cts = [np.float64(3.0), np.ones(4)]
    *_, gradient = run_split(joint, 2, (x, flags), cts)
    np.testing.assert_allclose(gradient, np.where(flags, np.exp(x), 1.5))
