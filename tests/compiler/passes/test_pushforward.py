"""Forward mode of every primitive, against differences and against reverse mode."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import DerivativeError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, SourceLine
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.passes.pushforward import pushforward
from gradc.compiler.primitive import REGISTRY, Adjoint, Primitive
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import (
    cast,
    exp,
    greater,
    maximum,
    power,
    square,
    stop_gradient,
    subtract,
    with_value,
)
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import add_at, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.selection import Slice
from gradc.compiler.primitives.shape import concatenate
from gradc.compiler.types import type_of
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of
from ..primitives.cases import (
    DIFFERENTIABLE,
    FAITHFUL,
    LAYOUTS,
    Case,
    Executor,
    every_executor,
    joint_of,
    laid_out,
    over,
    random_like,
)
from ..primitives.test_derivatives import EXACT, SINGLE, precision, slope

VECTOR = array_type(4)


def pushed(graph: Graph, wanted: Any) -> Graph:
    """Return (*outputs, *tangents) of (*operands, *tangents), verified."""
    return verify(pushforward(graph, wanted), "pushforward")


def along(arrays: Any, wanted: Any, directions: Any, by: float) -> list[Any]:
    """Return the arrays, moved along directions."""
    moved = list(arrays)
    for position, direction in zip(wanted, directions, strict=True):
        moved[position] = moved[position] + by * direction
    return moved


def weighted(arrays: Any, weights: Any) -> tuple[float, float]:
    """Return the sum of weight x array, and that of its absolute terms."""
    terms = [np.multiply(a, w) for a, w in zip(arrays, weights, strict=True)]
    return sum(float(np.sum(t)) for t in terms), sum(float(np.sum(np.abs(t))) for t in terms)


@every_executor
@over(FAITHFUL)
def test_tangent_is_what_differences_give(case: Case, executor: Executor) -> None:
    """The slope along a random direction of all operands; the value is the primitive's own."""
    arrays, wanted = case.arrays(), case.wanted()
    step, tolerance = precision(case, arrays)
    directions = random_like([arrays[i] for i in wanted], seed=2)
    forward = pushed(case.graph(), wanted)
    out, tangent = executor(forward)(*arrays, *directions)
    assert [type_of(out), type_of(tangent)] == [one.type for one in forward.outputs]
    expected = slope(
        lambda t: case.primitive.evaluate(*along(arrays, wanted, directions, t), **case.attrs), step
    )
    np.testing.assert_allclose(out, case.primitive.evaluate(*arrays, **case.attrs), rtol=1e-12)
    np.testing.assert_allclose(tangent, expected, **tolerance)


@every_executor
@over(DIFFERENTIABLE)
def test_forward_and_reverse_mode_are_transposes(case: Case, executor: Executor) -> None:
    """Dot-product test: <ct, J v> = <pull(ct), v>, for each operand alone and for all."""
    arrays, wanted = case.arrays(), case.wanted()
    (ct,) = random_like(evaluate(case.graph(), *arrays))
    gradients = evaluate(joint_of(case.graph(), wanted), *arrays, ct)[1:]
    directions = random_like([arrays[i] for i in wanted], seed=2)
    every = list(range(len(wanted)))
    for chosen in [every] if len(every) == 1 else [every, *([i] for i in every)]:
        forward = executor(pushed(case.graph(), [wanted[i] for i in chosen]))
        tangent = forward(*arrays, *(directions[i] for i in chosen))[1]
        there, _ = weighted([ct], [tangent])
        back, scale = weighted([gradients[i] for i in chosen], [directions[i] for i in chosen])
        single = np.float32 in (np.asarray(tangent).dtype, np.asarray(ct).dtype)
        assert there == pytest.approx(back, rel=0, abs=(1e-5 if single else 1e-12) * scale)


@every_executor
@over(FAITHFUL)
def test_second_order_is_what_differences_give(case: Case, executor: Executor) -> None:
    """The result pushed forward again, and pulled back; the joint graph pushed forward."""
    arrays, wanted = case.arrays(), case.wanted()
    step, tolerance = precision(case, arrays)
    count = len(wanted)
    forward = pushed(case.graph(), wanted)
    directions = random_like([arrays[i] for i in wanted], seed=2)
    inputs = [*arrays, *directions]
    by = [*wanted, *range(len(arrays), len(inputs))]
    ways = random_like([inputs[i] for i in by], seed=3)

    def tangent(t: float) -> Any:
        return evaluate(forward, *along(inputs, by, ways, t))[1]

    expected = slope(tangent, step)
    again = executor(pushed(forward, by))(*inputs, *ways)
    np.testing.assert_allclose(again[-1], expected, **tolerance)
    (weight,) = random_like([tangent(0.0)], seed=5)
    back = executor(verify(differentiate(forward, by, [1])))(*inputs, weight)[2:]
    assert [type_of(one) for one in back] == [type_of(inputs[i]) for i in by]
    found, scale = weighted(back, ways)
    rough = tolerance["rtol"]
    assert found == pytest.approx(float(np.sum(weight * expected)), rel=rough, abs=rough * scale)
    joint = joint_of(case.graph(), wanted)
    operands = [*arrays, weight]
    over_reverse = executor(pushed(joint, wanted))(*operands, *directions)[-count:]
    for i, result in enumerate(over_reverse):
        gradient = slope(
            lambda t, i=i: evaluate(joint, *along(operands, wanted, directions, t))[1 + i], step
        )
        largest = max(1.0, float(np.max(np.abs(gradient), initial=0.0)))
        np.testing.assert_allclose(result, gradient, rtol=rough, atol=rough * largest)


@every_executor
@over(DIFFERENTIABLE)
def test_float32_stays_float32(case: Case, executor: Executor) -> None:
    """No number may lift a tangent to float64, and it says the same as in float64."""
    singles, wanted = case.arrays(np.float32), case.wanted()
    doubles = [a.astype(np.float64) if i in wanted else a for i, a in enumerate(singles)]
    found = []
    for dtype, arrays in ((np.float32, singles), (np.float64, doubles)):
        graph = pushed(case.graph(dtype), wanted)
        directions = random_like([arrays[i] for i in wanted], seed=3)
        found.append(executor(graph)(*arrays, *directions))
        dtypes = {node.out.dtype for node in dce(graph).nodes}
        assert dtype == np.float64 or np.float64 not in dtypes or case.primitive.name == "cast"
        assert [type_of(one) for one in found[-1]] == [one.type for one in graph.outputs]
    for single, double in zip(*found, strict=True):
        scale = max(1.0, float(np.max(np.abs(double), initial=0.0)))
        np.testing.assert_allclose(single, double, rtol=SINGLE, atol=SINGLE * scale / 10)


@every_executor
@over(DIFFERENTIABLE)
def test_layout_does_not_change_the_tangent(case: Case, executor: Executor) -> None:
    """Strided, reversed, repeated and Fortran-ordered operands and tangents."""
    graph = pushed(case.graph(), case.wanted())
    run = executor(graph)
    for layout in LAYOUTS:
        arrays = case.arrays(layout=layout)
        directions = random_like([arrays[i] for i in case.wanted()])
        moved = [laid_out(one, layout) for one in directions]
        plain = [laid_out(array, "contiguous") for array in (*arrays, *moved)]
        for result, expected in zip(run(*arrays, *moved), evaluate(graph, *plain), strict=True):
            np.testing.assert_allclose(result, expected, **EXACT)


# What is built, and what is not


def added(graph: Graph, wrt: Any) -> list[Any]:
    """Return the nodes that forward mode adds and that are of use."""
    return [node for node in dce(pushed(graph, wrt)).nodes if node not in graph.nodes]


def test_outputs_are_those_of_the_graph_then_a_tangent_of_each_float() -> None:
    """Zeros where it does not depend; an integer has none; params are named after theirs."""
    graph = build(
        lambda x, w: (square(x), greater(x, w), exp(w), x),
        x=VECTOR,
        w=VECTOR,
    )
    forward = pushed(graph, [0])
    assert [param.name for param in forward.params] == ["x", "w", "t_x"]
    assert forward.outputs[:4] == graph.outputs
    x, w, t = (np.arange(4.0) + i for i in range(3))
    results = evaluate(forward, x, w, t)
    assert len(results) == 4 + 3
    np.testing.assert_array_equal(results[4], 2 * x * t)
    np.testing.assert_array_equal(results[5], np.zeros(4))
    np.testing.assert_array_equal(results[6], t)


def test_operand_without_tangent_costs_no_node() -> None:
    """No product, no logarithm, no zeros for what is frozen."""
    graph = build(lambda x, w: x * w, x=VECTOR, w=VECTOR)
    assert names_of(added(graph, [0])) == ["multiply"]
    assert names_of(added(graph, [0, 1])) == ["multiply", "multiply", "add"]
    graph = build(lambda x, w: power(x, w), x=VECTOR, w=VECTOR)
    assert "log" not in names_of(added(graph, [0]))
    assert "log" in names_of(added(graph, [1]))
    graph = build(lambda x, w: matmul(x, w), x=array_type(2, 3), w=array_type(3, 4))
    assert names_of(added(graph, [1])).count("matmul") == 1
    graph = build(lambda x, w: sin(x) + exp(w), x=VECTOR, w=VECTOR)
    assert names_of(added(graph, [0])) == ["cos", "multiply"]


@pytest.mark.parametrize(
    ("function", "wrt", "nodes"),
    [
        (lambda x, w: x + w, 1, []),
        (lambda x, w: subtract(x, w), 0, []),
        (lambda x, w: subtract(x, w), 1, ["negative"]),
        (lambda x, w: add_at(x, w, index=(Slice(),)), 0, []),
        (lambda x, w: add_at(x, w, index=(Slice(),)), 1, ["constant", "broadcast_to", "add_at"]),
        (lambda x, w: update(x, w, index=(Slice(),)), 0, ["constant", "broadcast_to", "update"]),
        (lambda x, w: concatenate(x, w, axis=0), 0, ["constant", "broadcast_to", "concatenate"]),
    ],
)
def test_linear_operations_with_one_tangent(function: Any, wrt: int, nodes: list[str]) -> None:
    """Sums hand it on; what joins or stores puts zeros in the other place."""
    assert names_of(added(build(function, x=VECTOR, w=VECTOR), [wrt])) == nodes


def test_two_tangents_of_one_param_add_up() -> None:
    """As two params that are given the same value would."""
    graph = build(lambda x: square(x), x=VECTOR)
    x, t, u = (np.arange(4.0) + i for i in range(3))
    assert evaluate(pushed(graph, [0, 0]), x, t, u)[1].tolist() == (2 * x * (t + u)).tolist()


def test_names_and_lines() -> None:
    """A tangent is called after its value, and stands on the line that computes this."""
    builder = Builder()
    line = SourceLine("model.py", 7)
    graph = build(lambda x: x, x=VECTOR)
    (x,) = graph.params
    with builder:
        builder.origin = line
        hidden = sin(x)
        hidden.name = "hidden"
        out = maximum(hidden, x)
    graph = Graph((x,), tuple(builder.nodes), (out,))
    forward = pushed(graph, [0])
    assert {node.origin for node in forward.nodes} == {line}
    names = {one.name for node in forward.nodes for one in node.outs if one.name}
    assert names == {"hidden", "t_hidden"}


# What stops tangents, and what does not


def test_gradients_that_are_stopped_are_tangents_that_are_stopped() -> None:
    """stop_gradient, no_grad regions, and what is converted to integers and back."""
    x, t = np.arange(4.0) + 0.5, np.ones(4)
    stopped = build(lambda x: x * stop_gradient(x), x=VECTOR)
    np.testing.assert_array_equal(evaluate(pushed(stopped, [0]), x, t)[1], x)
    integer, double = np.dtype(np.int64), np.dtype(np.float64)
    rounded = build(lambda x: cast(cast(x, dtype=integer), dtype=double) * x, x=VECTOR)
    np.testing.assert_array_equal(evaluate(pushed(rounded, [0]), x, t)[1], np.floor(x))
    (param,) = stopped.params
    with Builder() as builder:
        builder.detached = True
        hidden = square(param)
        builder.detached = False
        out = hidden * param
    graph = Graph((param,), tuple(builder.nodes), (out,))
    np.testing.assert_array_equal(evaluate(pushed(graph, [0]), x, t)[1], x**2)


def test_numbers_replaced_unseen_keep_the_tangent() -> None:
    """``with_value`` hands on the tangent of what was there before, as it does the gradient."""
    graph = build(lambda x, w: with_value(square(x), sin(w)), x=VECTOR, w=VECTOR)
    x, w, t, u = (np.arange(4.0) + i for i in range(4))
    out, tangent = evaluate(pushed(graph, [0, 1]), x, w, t, u)
    np.testing.assert_array_equal(out, np.sin(w))
    np.testing.assert_array_equal(tangent, 2 * x * t)


class Doubling:
    """A hook that doubles the gradient."""

    def apply(self, ct: Any) -> Any:
        return ct * 2.0


def test_hooks_touch_no_tangent_and_still_the_gradients_of_one() -> None:
    """They stay in the graph: what is pushed forward may be pulled back later."""
    (x,) = (graph := build(lambda x: x, x=VECTOR)).params
    with Builder() as builder:
        hidden = square(x)
        builder.add(hook, (hidden,), {"hook": Doubling()})
        out = hidden * 3.0
    graph = Graph((x,), tuple(builder.nodes), (out,))
    forward = pushed(graph, [0])
    at, t = np.arange(4.0), np.ones(4)
    np.testing.assert_array_equal(evaluate(dce(forward), at, t)[1], 6 * at)
    back = differentiate(forward, [0], [0], seed=1.0)
    np.testing.assert_array_equal(evaluate(back, at, t)[-1], 2 * 6 * at)


def test_opaque_call_back_is_refused_with_its_line() -> None:
    """Where a tangent would pass it; beside it, it runs as ever."""
    (x, w) = (graph := build(lambda x, w: x, x=VECTOR, w=VECTOR)).params
    line = SourceLine("model.py", 7)
    with Builder() as builder:
        builder.origin = line
        made = Callback("hook_1", lambda array: array * 2)
        (hidden,) = builder.add(callback, (square(x),), {"callback": made, "types": (VECTOR,)})
        builder.origin = None
        out = hidden * w
    graph = Graph((x, w), tuple(builder.nodes), (out,))
    with pytest.raises(DerivativeError, match="hook_1 is a Python call-back") as caught:
        pushforward(graph, [0])
    assert caught.value.where == line
    at, t = np.arange(4.0), np.ones(4)
    np.testing.assert_array_equal(evaluate(pushed(graph, [1]), at, at, t)[1], 2 * at**2)


def test_adjoint_that_is_not_linear_is_refused() -> None:
    """A wrong tangent would come of it."""
    name = "not_linear_in_ct"
    wrong = Primitive(name, type=lambda x: x, derivative=Adjoint(lambda ct, out, x: (ct * ct * x,)))
    try:
        with pytest.raises(DerivativeError, match="not linear in the cotangent"):
            pushforward(build(lambda x: wrong(x), x=VECTOR), [0])
    finally:
        del REGISTRY[name]
