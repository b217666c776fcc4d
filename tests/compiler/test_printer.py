"""The text form of a graph: stable, with the user's names and lines."""

import keyword
from typing import Any

import numpy as np
from gradc.compiler.ir import Builder, Constant, Graph, SourceLine, Value
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.primitive import REGISTRY
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import exp, maximum
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.printer import format_node, name_values, print_graph
from gradc.compiler.types import Sym

from .build import array_type, build


def loss(x: Value, y: Value) -> Any:
    h = sin(x) * y
    h.name = "h"
    return sum_(h + 2.0, axes=(0,), keepdims=False)


def test_text_of_a_graph() -> None:
    """Params with types, a line for each node, the outputs: what `inspect` shows."""
    graph = build(loss, x=array_type(3), y=array_type(3))
    assert print_graph(graph) == (
        "graph(x: float64[3], y: float64[3])\n"
        "    t1: float64[3] = sin(x)\n"
        "    h: float64[3] = multiply(t1, y)\n"
        "    t2: float64[] = constant(value=2.0)\n"
        "    t3: float64[3] = broadcast_to(t2, shape=(3,))\n"
        "    t4: float64[3] = add(h, t3)\n"
        "    t5: float64[] = sum(t4, axes=(0,), keepdims=False)\n"
        "    return t5\n"
    )


def test_text_is_a_function_of_the_graph() -> None:
    """No address, no order of a set: two builds print alike, the joint graph too."""
    graphs = [build(loss, x=array_type(3), y=array_type(3)) for _ in range(2)]
    joints = [differentiate(graph, [0, 1], [0], seed=1.0) for graph in graphs]
    assert print_graph(graphs[0]) == print_graph(graphs[1])
    assert print_graph(joints[0]) == print_graph(joints[1])
    assert "ct_h: float64[3] = broadcast_to(" in print_graph(joints[0])
    assert print_graph(joints[0]).startswith(print_graph(graphs[0]).rpartition("    return")[0])


def test_lines_and_marks_stand_at_the_end() -> None:
    """The user's line and no_grad, in one column."""
    x = Value(array_type(2, dtype="f4"), "x")
    with Builder() as builder:
        builder.origin = SourceLine("/home/me/model.py", 41, "loss")
        y = sin(x)
        builder.detached = True
        z = exp(y)
        builder.origin = None
        exp(z)
    lines = print_graph(Graph((x,), tuple(builder.nodes), (z,))).splitlines()
    assert lines[1].split("  # ") == ["    t1: float32[2] = sin(x)".ljust(72), "model.py:41"]
    assert lines[2].split("  # ")[1] == "model.py:41 · no_grad"
    assert lines[3].split("  # ")[1] == "no_grad"


def test_names_are_the_users() -> None:
    """A name that is bound again gets a number; it is never a keyword, builtin or taken name."""

    def rebound(x: Value, *others: Value) -> Any:
        values = [sin(x) for _ in range(7)]
        for value, name in zip(values, ["x", "x", "x_1", "np", "t1", "sum", None], strict=True):
            value.name = name
        return values

    graph = build(rebound, x=array_type(), t=array_type(), **{"lambda": array_type()})
    names = list(name_values(graph, taken=["x_2"]).values())
    assert names == ["x", "t", "lambda_1", "x_1", "x_3", "x_1_1", "np_1", "t1", "sum_1", "t2"]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


def test_values_without_a_name() -> None:
    """Params are arg, arg_1 ...; what is skipped takes no number."""
    x, y = Value(array_type()), Value(array_type())
    with Builder() as builder:
        first = maximum(x, y)
        last = sin(first)
    graph = Graph((x, y), tuple(builder.nodes), (last,))
    assert list(name_values(graph).values()) == ["arg", "arg_1", "t1", "t2"]
    assert name_values(graph, skip={first}) == {x: "arg", y: "arg_1", last: "t1"}


def test_constants_and_unknown_sizes() -> None:
    """Numbers are written, arrays described, sizes named: no megabyte in a message."""
    x = Value(array_type(Sym.named("n") * 2), "x")
    with Builder() as builder:
        builder.constant(np.arange(3))
        builder.constant(np.float32(0.5))
        builder.constant(True)
        y = exp(x)
    text = print_graph(Graph((x,), tuple(builder.nodes), (y,)))
    assert "t1: int64[3] = constant(value=<(3,) int64 constant>)" in text
    assert "t2: float32[] = constant(value=0.5)" in text
    assert "t3: bool[] = constant(value=True)" in text
    assert "t4: float64[n*2] = exp(x)" in text
    assert repr(Constant(np.ones((2, 2)))) == "<(2, 2) float64 constant>"


def test_nodes_of_no_or_several_outputs() -> None:
    """Call-backs print like calls; an unknown operand is a question mark, never an error."""
    x = Value(array_type(), "x")
    shown = Callback("show", print)
    with Builder() as builder:
        builder.add(callback, (x,), {"callback": shown, "types": ()})
        builder.add(callback, (x,), {"callback": shown, "types": (x.type, x.type)})
    none, several = builder.nodes
    names = name_values(Graph((x,), tuple(builder.nodes), ()))
    assert format_node(none, names) == "callback(x, callback=<show>, types=())"
    assert format_node(several, names).startswith("t1: float64[], t2: float64[] = callback(x, ")
    assert format_node(none, {}).startswith("callback(?")


def test_every_primitive_has_a_readable_name() -> None:
    """It stands in messages."""
    assert repr(REGISTRY["add"]) == "<primitive add>"
    assert repr(Value(array_type(2), "w")) == "<w: (2,) float64>"
    assert repr(Value(array_type(2))) == "<value: (2,) float64>"
