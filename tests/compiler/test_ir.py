"""The IR: values, nodes, graphs, and the builder that makes them."""

import threading
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import GradcError, TypeRuleError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Constant, Graph, Node, SourceLine, Value
from gradc.compiler.primitives.elementwise import add, exp, where
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.verify import verify

from .build import array_type, build, names_of

HERE = SourceLine("model.py", 7, "loss")


# Building


def test_numbers_take_the_type_of_their_neighbour() -> None:
    """A literal in a rule is of the values' dtype and shape; a mask does not count."""
    graph = build(
        lambda mask, x: where(mask, x, 1.0),
        mask=array_type(3, dtype="?"),
        x=array_type(3, dtype="f4"),
    )
    verify(graph)
    assert graph.nodes[-1].operands[2].type == array_type(3, dtype="f4")


def test_arrays_become_constants_of_their_own_dtype() -> None:
    """An array says its dtype: one that does not fit is an error, not a cast."""
    graph = build(lambda x: x + np.arange(2.0), x=array_type(2))
    np.testing.assert_array_equal(evaluate(graph, np.ones(2))[0], [1, 2])
    with pytest.raises(TypeRuleError, match="same shape and dtype"):
        build(lambda x: x + np.arange(2.0), x=array_type(2, dtype="f4"))


def test_error_of_a_type_rule_says_who_what_and_where() -> None:
    """The primitive, the operands by their names, and the user's line."""

    def program(x: Value, y: Value) -> Any:
        Builder.current().origin = HERE
        return add(x, y)

    with pytest.raises(TypeRuleError) as error:
        build(program, x=array_type(2), y=array_type(3))
    assert str(error.value) == (
        "add: operands must have the same shape and dtype\n"
        "  got:   x (2,) float64, y (3,) float64\n"
        "  where: model.py:7 in loss"
    )


def test_error_of_a_type_rule_keeps_what_the_rule_got() -> None:
    """Where a rule says what it got, or what to do, this stays."""
    with pytest.raises(TypeRuleError) as error:
        build(lambda x, y: matmul(x, y), x=array_type(2, 3), y=array_type(2))
    assert "got:   (2, 3) float64 @ (2,) float64" in str(error.value)


def test_failed_node_is_not_added() -> None:
    """A graph stays sound when an error is caught and capture goes on."""
    with Builder() as builder:
        with pytest.raises(TypeRuleError):
            builder.add(add, (Value(array_type(2)), Value(array_type(3))), {})
        assert builder.nodes == []


def test_line_and_mark_of_a_node_are_lent() -> None:
    """`at` gives what is built within to the line of a node, and back after an error too."""
    node = Node(sin, (), {}, (), HERE, detached=True)
    builder = Builder()
    builder.origin = SourceLine("model.py", 1)
    with pytest.raises(TypeRuleError), builder, builder.at(node):
        add(builder.constant(1.0), builder.constant(np.ones(2)))
    assert (builder.nodes[0].origin, builder.nodes[0].detached) == (HERE, True)
    assert (builder.origin, builder.detached) == (SourceLine("model.py", 1), False)


def test_builders_nest_and_belong_to_a_thread() -> None:
    """The innermost gets the nodes; another thread's builder is not seen."""
    x = Value(array_type())
    with Builder() as outer:
        with Builder() as inner:
            sin(x)
        exp(x)
        seen: list[str] = []

        def other() -> None:
            try:
                sin(x)
            except GradcError as error:
                seen.append(error.what)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert (names_of(inner.nodes), names_of(outer.nodes)) == (["sin"], ["exp"])
    assert seen == ["a primitive was applied to a Value outside any graph"]


def test_inlined_graph_is_a_copy() -> None:
    """Its nodes with lines, names and marks, on new values: it can be inlined twice."""

    def inner(x: Value) -> Any:
        Builder.current().origin = HERE
        y = sin(x)
        y.name = "y"
        return y, x

    graph = build(inner, x=array_type())

    def outer(a: Value) -> Any:
        builder = Builder.current()
        once, same = builder.inline(graph, (a,))
        builder.detached = True
        twice, _ = builder.inline(graph, (once,))
        return once, same, twice

    whole = verify(build(outer, a=array_type()))
    assert [node.origin for node in whole.nodes] == [HERE, HERE]
    assert [node.detached for node in whole.nodes] == [False, True]
    assert [node.out.name for node in whole.nodes] == ["y", "y"]
    assert whole.outputs[1] is whole.params[0]
    assert evaluate(whole, 0.5)[2] == np.sin(np.sin(0.5))


def test_full_repeats_one_number() -> None:
    """Of any type; a scalar needs no broadcast."""
    with Builder() as builder:
        builder.full(array_type(2, 3, dtype="i4"), 7)
        builder.full(array_type(dtype="f4"), 0.5)
    assert names_of(builder.nodes) == ["constant", "broadcast_to", "constant"]
    assert [node.out.dtype.name for node in builder.nodes] == ["int32", "int32", "float32"]


# Parts


def test_constants_are_equal_by_content() -> None:
    """What cse merges: the same bits, dtype and shape, and nothing that only compares equal."""
    assert Constant(np.arange(3)) == Constant(np.arange(6)[:3])
    assert hash(Constant(np.nan)) == hash(Constant(np.nan))
    assert Constant(np.nan) == Constant(np.nan)
    different = [1.0, 1, True, np.float32(1), [1.0], -0.0, 0.0]
    for i, one in enumerate(different):
        assert [j for j, other in enumerate(different) if Constant(one) == Constant(other)] == [i]


def test_constant_is_a_copy() -> None:
    """A later store of the user's must not change a compiled program."""
    array = np.zeros(2)
    constant = Constant(array)
    array[0] = 5
    np.testing.assert_array_equal(constant.array, 0)


def test_producers_and_users() -> None:
    """Who yields a value and who reads it, in order, once each."""
    graph = build(lambda x: (y := sin(x)) * y + exp(x), x=array_type())
    (x,) = graph.params
    first, product, other, _ = graph.nodes
    assert x not in graph.producers()
    assert graph.producers()[product.out] is product
    assert graph.users()[x] == [first, other]
    assert graph.users()[first.out] == [product]
    assert graph.outputs[0] not in graph.users()


def test_only_output_is_asked_for_by_name() -> None:
    """A node of several outputs has no `out`."""
    values = Value(array_type()), Value(array_type())
    assert Node(sin, (), {}, values[:1]).out is values[0]
    with pytest.raises(ValueError, match="too many values"):
        Node(sin, (), {}, values).out  # noqa: B018


def test_source_line_prints_as_an_editor_finds_it() -> None:
    """In full with its text for messages, short for comments."""
    line = SourceLine(__file__, 1, "loss")
    assert line.short == "test_ir.py:1"
    assert str(line) == f"{__file__}:1 in loss: {__doc__!r}".replace("'", '"""')
    assert str(HERE) == "model.py:7 in loss"


def test_graphs_of_nothing() -> None:
    """A function that returns its argument has no nodes."""
    x = Value(array_type())
    graph = Graph((x,), (), (x,))
    assert (graph.producers(), graph.users()) == ({}, {})
