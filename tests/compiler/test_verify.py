"""Every rule of the verifier fails on a graph that breaks it, and on no other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from gradc.compiler.errors import TypeRuleError, VerifyError
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.primitives.elementwise import add, where
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.types import ArrayType
from gradc.compiler.verify import verify

VECTOR = ArrayType((3,), np.dtype(float))


def sound() -> Graph:
    """Return z = sin(x) + y, and z."""
    x, y = Value(VECTOR, "x"), Value(VECTOR, "y")
    with Builder() as builder:
        z = add(sin(x), y)
    return Graph((x, y), tuple(builder.nodes), (z,))


def param_twice(graph: Graph) -> Graph:
    return replace(graph, params=(*graph.params, graph.params[0]))


def read_before_defined(graph: Graph) -> Graph:
    return replace(graph, nodes=graph.nodes[::-1])


def read_of_nothing(graph: Graph) -> Graph:
    first, last = graph.nodes
    return replace(graph, nodes=(first, replace(last, operands=(last.operands[0], Value(VECTOR)))))


def operand_that_is_no_value(graph: Graph) -> Graph:
    first, last = graph.nodes
    return replace(graph, nodes=(first, replace(last, operands=(last.operands[0], 1.0))))


def refused_by_the_type_rule(graph: Graph) -> Graph:
    first, last = graph.nodes
    scalar = Value(VECTOR.with_shape(()), "scalar")
    wrong = replace(last, operands=(last.operands[0], scalar))
    return replace(graph, params=(*graph.params, scalar), nodes=(first, wrong))


def an_operand_too_few(graph: Graph) -> Graph:
    first, last = graph.nodes
    return replace(graph, nodes=(first, replace(last, primitive=where)))


def output_of_another_shape(graph: Graph) -> Graph:
    first, last = graph.nodes
    other = Value(VECTOR.with_shape((4,)))
    return replace(graph, nodes=(first, replace(last, outs=(other,))), outputs=(other,))


def output_of_another_dtype(graph: Graph) -> Graph:
    first, last = graph.nodes
    other = Value(VECTOR.with_dtype("f4"))
    return replace(graph, nodes=(first, replace(last, outs=(other,))), outputs=(other,))


def an_output_too_many(graph: Graph) -> Graph:
    first, last = graph.nodes
    return replace(graph, nodes=(first, replace(last, outs=(*last.outs, Value(VECTOR)))))


def defined_twice(graph: Graph) -> Graph:
    return replace(graph, nodes=(*graph.nodes, graph.nodes[0]))


def param_defined_again(graph: Graph) -> Graph:
    x, _ = graph.params
    first, last = graph.nodes
    return replace(graph, nodes=(first, last, replace(first, outs=(x,))))


def dtype_that_is_not_supported(graph: Graph) -> Graph:
    with Builder() as builder:
        builder.constant(np.zeros(3, np.float16))
    return replace(graph, nodes=(*graph.nodes, *builder.nodes))


def output_that_is_not_defined(graph: Graph) -> Graph:
    return replace(graph, outputs=(*graph.outputs, Value(VECTOR)))


BROKEN = {
    param_twice: "a param occurs twice",
    read_before_defined: "node 0, add reads a value before it is defined",
    read_of_nothing: "node 1, add reads a value before it is defined",
    operand_that_is_no_value: "node 1, add",
    refused_by_the_type_rule: "node 1, add: operands must have the same shape",
    an_operand_too_few: "node 1, where: .* missing 1 required",
    output_of_another_shape: "node 1, add has outputs of other types",
    output_of_another_dtype: "node 1, add has outputs of other types",
    an_output_too_many: "node 1, add has outputs of other types",
    defined_twice: "node 2, sin defines a value again",
    param_defined_again: "node 2, sin defines a value again",
    dtype_that_is_not_supported: "node 2, constant has dtype float16",
    output_that_is_not_defined: "an output is not defined",
}


@pytest.mark.parametrize(
    ("broken", "message"), BROKEN.items(), ids=lambda one: getattr(one, "__name__", "")
)
def test_broken_graph_is_refused(broken: Callable[[Graph], Graph], message: str) -> None:
    """With the pass that made it and the node, so that the pass can be mended."""
    with pytest.raises(VerifyError, match=f"^after cse: {message}"):
        verify(broken(sound()), "cse")


def test_sound_graph_is_returned() -> None:
    """Passes are chained through it."""
    graph = sound()
    assert verify(graph) is graph


def test_graphs_that_look_odd_are_sound() -> None:
    """No nodes, an output that is a param, an output twice, a node nobody reads."""
    x = Value(VECTOR)
    verify(Graph((), (), ()))
    verify(Graph((x,), (), (x, x)))
    graph = sound()
    verify(replace(graph, outputs=()))


def test_message_shows_the_graph_of_a_type_rule_that_fails() -> None:
    """The reason of the rule and the printed graph, not only a position."""
    with pytest.raises(VerifyError) as error:
        verify(refused_by_the_type_rule(sound()))
    assert "operands must have the same shape" in str(error.value)
    assert "graph(x: float64[3], y: float64[3], scalar: float64[])" in str(error.value)
    assert isinstance(error.value.__cause__, TypeRuleError)
