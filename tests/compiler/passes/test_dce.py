"""What nobody reads is not computed."""

from typing import Any

from gradc.compiler.ir import Builder, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import exp
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

VECTOR = array_type(3)


def test_chains_of_dead_nodes_go() -> None:
    """Also what only they read; what a live node reads too stays."""

    def program(x: Value) -> Any:
        y = exp(x)
        cos(sin(y))
        return y

    graph = build(program, x=VECTOR)
    assert names_of(verify(dce(graph)).nodes) == ["exp"]


def test_params_and_outputs_stay() -> None:
    """Unused params are part of the signature; an output may be a param."""
    graph = build(lambda x, y: (y, exp(y)), x=VECTOR, y=VECTOR)
    result = dce(graph)
    assert result.params == graph.params
    assert result.outputs == graph.outputs
    assert names_of(result.nodes) == ["exp"]


def test_effects_stay_with_what_they_read() -> None:
    """A hook on a value that is not returned may still be reached by a gradient."""

    def program(x: Value) -> Any:
        builder = Builder.current()
        builder.add(hook, (exp(x),), {"hook": None})
        attrs = {"callback": Callback("note", print), "types": (VECTOR,)}
        builder.add(callback, (sin(x),), attrs)
        cos(x)
        return x

    assert names_of(dce(build(program, x=VECTOR)).nodes) == ["exp", "hook", "sin", "callback"]


def test_order_is_kept_and_nothing_is_left_to_do() -> None:
    graph = build(lambda x: (sin(x), cos(exp(x))), x=VECTOR)
    assert dce(graph).nodes == graph.nodes
    assert dce(dce(graph)).nodes == graph.nodes
