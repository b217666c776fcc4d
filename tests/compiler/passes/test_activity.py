"""Through which values a gradient may pass: also around loops, and into branches."""

from typing import Any

import numpy as np
from gradc.compiler.ir import Builder
from gradc.compiler.passes.activity import active_values, carried_activity, grown, reaching
from gradc.compiler.primitives.elementwise import cast, less
from gradc.compiler.primitives.elementwise.arithmetic import floor
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.types import BOOL

from ..build import array_type, build
from ..regions import branch, loop, loop_while, only, part

SCALAR, FLAG = array_type(), array_type(dtype=BOOL)


def active_outs(graph: Any, *wanted: str) -> list[int]:
    """Return which outs of the only loop or branch are active by these params."""
    active = active_values(graph, [one for one in graph.params if one.name in wanted])
    return [i for i, out in enumerate(only(graph).outs) if out in active]


def test_activity_goes_round_the_loop() -> None:
    """X reaches the third carried value in the third iteration only."""

    def program(x: Any, y: Any) -> Any:
        return loop(lambda i, a, b, c: (a, sin(a), b * 2.0), [x, y, y])

    graph = build(program, x=SCALAR, y=SCALAR)
    assert active_outs(graph, "x") == [0, 1, 2]
    assert active_outs(graph, "y") == [1, 2]


def test_integers_carry_no_activity() -> None:
    def program(x: Any) -> Any:
        zero = Builder.current().constant(np.int64(0))
        body = lambda i, k, c: (cast(c, dtype=k.dtype), cast(k, dtype=c.dtype))  # noqa: E731
        return loop(body, [zero, x])

    graph = build(program, x=SCALAR)
    assert active_outs(graph, "x") == [1], "the first value itself, with no iteration"
    assert carried_activity(only(graph), set(graph.params)) == {1}


def test_invariants_make_carried_values_active() -> None:
    graph = build(lambda x, y: loop(lambda i, c, v: c * v, [x], [y]), x=SCALAR, y=SCALAR)
    assert active_outs(graph, "y") == [0]


def test_condition_gives_no_gradient() -> None:
    def program(x: Any, limit: Any) -> Any:
        body = lambda c, v: c * 2.0  # noqa: E731
        return loop_while(lambda c, v: less(c, v), body, [x], [limit])

    graph = build(program, x=SCALAR, limit=SCALAR)
    assert active_outs(graph, "limit") == []
    assert active_outs(graph, "x") == [0]


def test_predicate_gives_no_gradient() -> None:
    def program(x: Any, y: Any) -> Any:
        return branch(less(x, y), lambda y: (y, y), lambda y: (sin(y), floor(y)), y)

    graph = build(program, x=SCALAR, y=SCALAR)
    assert active_outs(graph, "x") == []
    assert active_outs(graph, "y") == [0, 1]


def test_active_in_one_branch_is_active() -> None:
    def program(p: Any, x: Any, y: Any) -> Any:
        return branch(p, lambda x, y: (x, y), lambda x, y: (y, y), x, y)

    graph = build(program, p=FLAG, x=SCALAR, y=SCALAR)
    assert active_outs(graph, "x") == [0]


def test_steps_end_activity() -> None:
    graph = build(lambda x: part(lambda x: (floor(x), sin(x)), x), x=SCALAR)
    assert active_outs(graph, "x") == [1]


def test_detached_loop_is_not_active() -> None:
    def program(x: Any) -> Any:
        Builder.current().detached = True
        return loop(lambda i, c: sin(c), [x])

    assert active_outs(build(program, x=SCALAR), "x") == []


def test_reaching_goes_back_from_outputs() -> None:
    graph = build(lambda x, y: (sin(x), sin(y)), x=SCALAR, y=SCALAR)
    active = active_values(graph, graph.params)
    assert reaching(graph, graph.outputs[:1], active) == {graph.params[0], graph.outputs[0]}


def test_grown_adds_until_nothing_is_new() -> None:
    assert grown({1}, lambda found: {i + 1 for i in found if i < 4}) == {1, 2, 3, 4}
    assert grown(set(), lambda found: found) == set()
