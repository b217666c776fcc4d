"""Reverse mode on graphs: what is built, what is not, and in which order."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import DerivativeError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, SourceLine, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import cast, exp, power, sqrt, stop_gradient
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin, tan
from gradc.compiler.primitives.index import gather, slice_
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import prod, sum_
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.types import Sym
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

SCALAR, VECTOR = array_type(), array_type(4)


def backward_of(graph: Graph, wrt: Any, outputs: Any = (0,)) -> list[Any]:
    """Return the nodes that differentiation adds and that are of use."""
    joint = verify(differentiate(graph, wrt, outputs))
    assert joint.nodes[: len(graph.nodes)] == graph.nodes
    return [node for node in dce(joint).nodes if node not in graph.nodes]


def total(x: Any) -> Any:
    return sum_(x, axes=tuple(range(x.ndim)), keepdims=False)


# Activity


def test_frozen_operand_costs_no_node() -> None:
    """Of x @ w one product, not two; of x ** w no logarithm; of a frozen branch nothing at all."""
    graph = build(lambda x, w: total(matmul(x, w)), x=array_type(2, 3), w=array_type(3, 4))
    assert names_of(backward_of(graph, [1])).count("matmul") == 1
    assert names_of(backward_of(graph, [0, 1])).count("matmul") == 2
    graph = build(lambda x, w: x * w, x=VECTOR, w=VECTOR)
    assert names_of(differentiate(graph, [0], [0]).nodes) == ["multiply", "multiply"]
    graph = build(lambda x, w: power(x, w), x=VECTOR, w=VECTOR)
    assert "log" not in names_of(backward_of(graph, [0]))
    assert "log" in names_of(backward_of(graph, [1]))
    graph = build(lambda x, w: sin(x) + tan(exp(w)), x=VECTOR, w=VECTOR)
    assert names_of(backward_of(graph, [0])) == ["cos", "multiply"]


def test_frozen_branch_keeps_no_value_for_backward() -> None:
    """Memory: backward reads neither the frozen input nor anything computed from it alone."""
    graph = build(lambda x, w: sin(x) + exp(tan(w)), x=VECTOR, w=VECTOR)
    forward = {value for node in graph.nodes for value in node.outs} | set(graph.params)
    read = {value for node in backward_of(graph, [0]) for value in node.operands}
    assert read & forward == {graph.params[0]}


def test_what_does_not_reach_an_output_costs_no_node() -> None:
    """A value that is computed and returned, but not differentiated, adds nothing."""
    graph = build(lambda x: (sin(x), exp(tan(x))), x=VECTOR)
    assert names_of(backward_of(graph, [0], [0])) == ["cos", "multiply"]


def test_zeros_are_not_computed() -> None:
    """A path through integers or stop_gradient contributes nothing: no add, no array of zeros."""

    def program(x: Value) -> Any:
        rounded = cast(cast(x, dtype=np.dtype("i8")), dtype=x.dtype)
        return x + rounded + stop_gradient(exp(x))

    graph = build(program, x=VECTOR)
    joint = differentiate(graph, [0], [0])
    assert joint.nodes == graph.nodes
    assert joint.outputs[1] is joint.params[1]


def test_param_that_nothing_depends_on_gets_zeros() -> None:
    """Of its own type; and so does one that reaches no chosen output."""
    graph = build(lambda x, y: (sin(x), y), x=VECTOR, y=array_type(2, 0, dtype="f4"))
    joint = verify(differentiate(graph, [1, 0], [0]))
    by_y, by_x = joint.outputs[2:]
    assert (by_y.type, by_x.type) == (graph.params[1].type, VECTOR)
    zeros = evaluate(joint, np.ones(4), np.ones((2, 0), "f4"), np.ones(4))[2]
    assert zeros.shape == (2, 0)
    assert zeros.dtype == np.float32


# Outputs and cotangents


def test_several_outputs_add_up() -> None:
    """Each chosen output has a cotangent param, named for it, in order."""

    def program(x: Value, y: Value) -> Any:
        first, last = sin(x), x * y
        first.name, last.name = "first", "last"
        return first, exp(y), last

    joint = verify(differentiate(build(program, x=VECTOR, y=VECTOR), [0, 1], [0, 2]))
    assert [param.name for param in joint.params] == ["x", "y", "ct_first", "ct_last"]
    x, y, u, v = np.random.default_rng(0).normal(size=(4, 4))
    _, _, _, by_x, by_y = evaluate(joint, x, y, u, v)
    np.testing.assert_allclose(by_x, u * np.cos(x) + v * y, rtol=1e-14)
    np.testing.assert_allclose(by_y, v * x, rtol=1e-14)


def test_output_may_be_a_param_or_occur_twice() -> None:
    """Its cotangents are its gradient."""
    joint = differentiate(build(lambda x: (x, x), x=SCALAR), [0], [0, 1])
    assert evaluate(joint, 1.0, 2.0, 3.0) == (1.0, 1.0, 5.0)


def test_param_may_be_wanted_twice() -> None:
    """``wrt=("x", "x")``: the second is not zero."""
    joint = differentiate(build(lambda x: sin(x), x=SCALAR), [0, 0], [0])
    _, first, second = evaluate(joint, 0.0, 3.0)
    assert (first, second) == (3.0, 3.0)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_seed_is_the_cotangent(dtype: str) -> None:
    """A number in place of a param, of the output's shape and dtype."""
    joint = verify(
        differentiate(build(lambda x: sin(x), x=array_type(3, dtype=dtype)), [0], [0], 2.0)
    )
    assert len(joint.params) == 1
    gradient = evaluate(joint, np.zeros(3, dtype))[1]
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(gradient, 2)


def test_value_used_many_times_gets_the_sum() -> None:
    """X * x * x, and x as both operands of one node."""
    joint = differentiate(build(lambda x: x * x * x, x=SCALAR), [0], [0], 1.0)
    assert evaluate(joint, 2.0)[1] == 12.0


# Regions


def test_no_gradient_passes_a_detached_node() -> None:
    """A no_grad region: values go through, gradients do not, and backward is not marked."""

    def program(x: Value) -> Any:
        builder = Builder.current()
        builder.detached = True
        y = sin(x)
        builder.detached = False
        return x * y

    graph = build(program, x=SCALAR)
    joint = differentiate(graph, [0], [0], 1.0)
    assert evaluate(joint, 1.0)[1] == np.sin(1.0)
    assert "cos" not in names_of(joint.nodes)
    assert [node.detached for node in joint.nodes[:2]] == [True, False]
    assert not any(node.detached for node in joint.nodes[2:])


def test_all_detached_is_all_zero() -> None:
    """Not an error: PyTorch says so at ``.backward()``, which is the facade's matter."""
    graph = build(lambda x: sin(x), x=SCALAR)
    graph = replace(graph, nodes=tuple(replace(node, detached=True) for node in graph.nodes))
    assert evaluate(differentiate(graph, [0], [0], 1.0), 1.0)[1] == 0.0


def test_effects_are_there_once() -> None:
    """Call-backs of the forward program are neither lost, repeated nor differentiated."""
    seen: list[float] = []

    def program(x: Value) -> Any:
        y = sin(x)
        attrs = {"callback": Callback("show", seen.append), "types": ()}
        Builder.current().add(callback, (y,), attrs)
        return y * y

    joint = differentiate(build(program, x=SCALAR), [0], [0], 1.0)
    evaluate(differentiate(joint, [0], [1], 1.0), 0.5)
    assert seen == [np.sin(0.5)]


# Hooks


class Recorder:
    """A hook that writes down its name when it is resolved, and changes the gradient."""

    def __init__(self, name: str, change: Any, order: list[str]) -> None:
        self.name, self.change, self.order = name, change, order

    def apply(self, ct: Any) -> Any:
        self.order.append(self.name)
        return self.change(ct)


def attach(value: Value, recorder: Recorder) -> None:
    Builder.current().add(hook, (value,), {"hook": recorder})


def test_hooks_see_the_complete_gradient_in_order() -> None:
    """Once, when all uses of the value have contributed; in order of registration; params last."""
    order: list[str] = []

    def program(x: Value) -> Any:
        attach(x, Recorder("x", lambda ct: ct * 10.0, order))
        y = sin(x)
        attach(y, Recorder("double", lambda ct: ct * 2.0, order))
        z = y * y + exp(y)
        attach(y, Recorder("one more", lambda ct: ct + 1.0, order))
        attach(z, Recorder("z", lambda ct: ct, order))
        return z

    graph = build(program, x=SCALAR)
    joint = verify(differentiate(graph, [0], [0], 1.0))
    assert order == ["z", "double", "one more", "x"]
    y = np.sin(0.5)
    expected = 10 * ((2 * y + np.exp(y)) * 2 + 1) * np.cos(0.5)
    assert evaluate(joint, 0.5)[1] == pytest.approx(expected, rel=1e-14)
    assert "hook" not in names_of(joint.nodes)


def test_hook_is_not_called_without_a_gradient() -> None:
    """On a frozen value, on one that reaches no output, and on one behind stop_gradient."""
    order: list[str] = []

    def program(x: Value, w: Value) -> Any:
        hidden = exp(x)
        for value in (w, hidden, tan(x)):
            attach(value, Recorder("never", lambda ct: ct, order))
        return x * w + stop_gradient(hidden)

    differentiate(build(program, x=SCALAR, w=SCALAR), [0], [0], 1.0)
    assert order == []


def test_hook_on_an_output_sees_its_cotangent() -> None:
    """As ``loss.register_hook`` does."""
    order: list[str] = []

    def program(x: Value) -> Any:
        y = sin(x)
        attach(y, Recorder("y", lambda ct: ct * 5.0, order))
        return y

    joint = differentiate(build(program, x=SCALAR), [0], [0])
    assert evaluate(joint, 0.0, 2.0)[1] == 10.0


def test_nodes_of_a_hook_have_its_line() -> None:
    """Where the user registered it, not where the value was computed."""
    here = SourceLine("model.py", 7)

    def program(x: Value) -> Any:
        y = sin(x)
        Builder.current().origin = here
        attach(y, Recorder("y", sqrt, []))
        return y

    joint = differentiate(build(program, x=SCALAR), [0], [0])
    assert [node.origin for node in joint.nodes if node.primitive is sqrt] == [here]


# Names and lines


def test_backward_nodes_have_the_line_and_name_of_their_forward_node() -> None:
    """So that generated code says which line a statement of the backward program is of."""
    lines = [SourceLine("model.py", number) for number in (1, 2)]

    def program(x: Value) -> Any:
        builder = Builder.current()
        builder.origin = lines[0]
        y = sin(x)
        y.name = "y"
        builder.origin = lines[1]
        return exp(y) * y

    graph = build(program, x=SCALAR)
    added = backward_of(graph, [0])
    assert [node.origin for node in added if node.primitive is cos] == [lines[0]]
    assert {node.origin for node in added} == set(lines)
    assert [node.out.name for node in added if node.out.name] == ["ct_y", "ct_x"]  # the sum alone
    assert [value.name for value in graph.params] == ["x"]


# Higher order


def test_differentiated_again_and_again() -> None:
    """A joint graph is a graph: sin has the derivatives cos, -sin, -cos, sin."""
    graph = build(lambda x: sin(x), x=SCALAR)
    x = 0.7
    for order, expected in enumerate([np.cos(x), -np.sin(x), -np.cos(x), np.sin(x)]):
        graph = differentiate(graph, [0], [order], 1.0)
        assert evaluate(graph, x)[-1] == pytest.approx(expected, rel=1e-13)


def test_gradient_by_a_cotangent() -> None:
    """The cotangent is a param like others: by it, the pulled-back sum is the slope."""
    joint = differentiate(build(lambda x: exp(x) * x, x=SCALAR), [0], [0])
    again = differentiate(joint, [1], [1], 1.0)
    assert evaluate(again, 0.5, 3.0)[-1] == pytest.approx(np.exp(0.5) * 1.5, rel=1e-14)


# Reads of parts


def many_reads(x: Value, count: int) -> Any:
    result = slice_(x, index=(0,))
    for i in range(1, count):
        result = result + slice_(x, index=(i,)) * 2.0
    return result


def test_reads_of_parts_share_one_accumulator() -> None:
    """Of 4 reads one array of zeros and 4 adds in place: no zeros and dense sum for each."""
    graph = build(lambda x: many_reads(x, 4), x=array_type(4))
    added = backward_of(graph, [0])
    dense = [node for node in added if node.outs[0].shape == (4,)]
    assert names_of(dense) == ["broadcast_to", *["add_at"] * 4]
    accumulator = dense[0].out
    for node in dense[1:]:
        assert node.operands[0] is accumulator
        accumulator = node.out
    gradient = evaluate(differentiate(graph, [0], [0], 1.0), np.arange(4.0))[1]
    np.testing.assert_array_equal(gradient, [1, 2, 2, 2])


def test_reads_of_parts_add_to_what_is_there() -> None:
    """A dense contribution that came first is the accumulator: no array of zeros at all."""

    def program(x: Value, rows: Value) -> Any:
        part = gather(x, rows, index=(Gather(),))
        head = slice_(x, index=(Slice(0, 2),))
        return total(part) + total(head) + total(x * x)

    graph = build(program, x=VECTOR, rows=array_type(3, dtype="i8"))
    joint = differentiate(graph, [0], [0], 1.0)
    dense = [node for node in joint.nodes[len(graph.nodes) :] if node.outs[0].shape == (4,)]
    assert names_of(dense).count("add_at") == 2
    assert names_of(dense).count("add") == 1
    assert not [node for node in dense if node.primitive.name == "constant"]
    x, rows = np.arange(4.0), np.array([1, 1, 3])
    np.testing.assert_array_equal(evaluate(joint, x, rows)[1], 2 * x + [1, 3, 0, 1])


def test_nodes_are_linear_in_the_program() -> None:
    """An unrolled program of twice the length has twice the nodes."""

    def chain(x: Value, length: int) -> Any:
        for _ in range(length):
            x = sin(x) * x
        return x

    counts = []
    for length in (20, 40, 80):
        graph = build(lambda x, length=length: chain(x, length), x=SCALAR)
        counts.append(len(differentiate(graph, [0], [0]).nodes) - len(graph.nodes))
    assert counts[1] - counts[0] == (counts[2] - counts[1]) / 2


# Errors


def test_missing_derivative_names_the_primitive_and_the_line() -> None:
    """A rule that gives up says so at the user's line."""
    here = SourceLine("model.py", 12)

    def program(x: Value) -> Any:
        Builder.current().origin = here
        return prod(x, axes=(0,), keepdims=False)

    graph = build(program, x=array_type(Sym.named("n")))
    with pytest.raises(DerivativeError, match="prod: over the unknown size n") as error:
        differentiate(graph, [0], [0])
    assert error.value.where == here
    assert error.value.fix
