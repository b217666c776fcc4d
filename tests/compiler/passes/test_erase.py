"""After differentiation no marker is left, and no value is another one."""

from dataclasses import replace
from typing import Any

import numpy as np
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, SourceLine, Value
from gradc.compiler.passes.erase import erase
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import exp, stop_gradient, with_value
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

VECTOR = array_type(3)


def test_markers_go_and_values_stay() -> None:
    """Of ``with_value`` the second operand is the value; markers of markers go too."""

    def program(x: Value) -> Any:
        y = stop_gradient(stop_gradient(exp(x)))
        Builder.current().add(hook, (y,), {"hook": None})
        z = with_value(x, stop_gradient(sin(y)))
        return z * y, z, stop_gradient(x)

    graph = build(program, x=VECTOR)
    erased = verify(erase(graph))
    assert names_of(erased.nodes) == ["exp", "sin", "multiply"]
    assert erased.outputs[2] is graph.params[0]
    x = np.array([0.1, 0.2, 0.3])
    for got, expected in zip(evaluate(erased, x), evaluate(graph, x), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_marks_of_no_grad_go_and_lines_stay() -> None:
    """Equal expressions inside and outside a region can then be merged."""
    line = SourceLine("model.py", 3)
    graph = build(lambda x: exp(x), x=VECTOR)
    nodes = tuple(replace(node, detached=True, origin=line) for node in graph.nodes)
    (node,) = erase(replace(graph, nodes=nodes)).nodes
    assert (node.detached, node.origin) == (False, line)


def test_call_backs_stay() -> None:
    def program(x: Value) -> Any:
        attrs = {"callback": Callback("note", print), "types": ()}
        Builder.current().add(callback, (stop_gradient(x),), attrs)
        return x

    graph = build(program, x=VECTOR)
    (node,) = erase(graph).nodes
    assert node.primitive is callback
    assert node.operands == graph.params
