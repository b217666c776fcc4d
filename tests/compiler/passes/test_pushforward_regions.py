"""Forward mode of loops, branches and blocks: one node that gives values and tangents."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import DerivativeError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, SourceLine, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.narrow import narrow
from gradc.compiler.passes.pushforward import pushforward
from gradc.compiler.passes.residuals import residuals
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import add, cast, exp, less, square
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin
from gradc.compiler.primitives.index import gather
from gradc.compiler.primitives.records import push, record, trim
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.regions import block, cond, for_loop, while_loop
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.types import BOOL, Sym
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

VECTOR, INDEX, FLAG = array_type(3), array_type(dtype=np.int64), array_type(dtype=BOOL)
STEP = 1e-4  # fourth-order differences: the error is about 1e-12 of functions of size 1
ROUGH = {"rtol": 1e-8, "atol": 1e-9}
X, W = np.array([0.3, -0.6, 0.9]), np.array([1.1, 0.7, -0.4])
T, U = np.array([1.0, -0.5, 0.25]), np.array([0.2, 0.4, -1.0])


def looped(
    body: Callable[..., Any], start: Sequence[Any], invariants: Sequence[Any], times: int = 3
) -> tuple[Any, ...]:
    """Append a loop whose body is a function of (i, *carried, *invariants)."""
    builder = Builder.current()
    params = {f"c{i}": one.type for i, one in enumerate(start)}
    params |= {f"v{i}": one.type for i, one in enumerate(invariants)}
    bounds = [builder.constant(np.int64(one)) for one in (0, times, 1)]
    attrs = {"carried": len(start), "reverse": False, "most": None, "checkpoint": None}
    attrs["body"] = build(body, i=INDEX, **params)
    return builder.add(for_loop, (*bounds, *start, *invariants), attrs)


def repeated(body: Callable[..., Any], below: float, start: Any, invariant: Any) -> tuple[Any, ...]:
    """Append a while loop that runs until the sum of what is carried is large enough."""
    condition = build(lambda c, v: less(total(c), below), c=start.type, v=invariant.type)
    attrs = {"condition": condition, "body": build(body, c=start.type, v=invariant.type)}
    attrs |= {"carried": 1, "checkpoint": None}
    return Builder.current().add(while_loop, (start, invariant), attrs)


def branched(flag: Any, true: Any, false: Any, *operands: Any) -> tuple[Any, ...]:
    """Append a branch."""
    types = {f"x{i}": one.type for i, one in enumerate(operands)}
    attrs = {"true": build(true, **types), "false": build(false, **types)}
    return Builder.current().add(cond, (flag, *operands), attrs)


def total(x: Any) -> Any:
    return sum_(x, axes=tuple(range(x.ndim)), keepdims=False)


def in_a_loop(x: Any, w: Any) -> Any:
    return looped(lambda i, c, v: sin(c) * v + c, [x], [w])


def in_a_loop_with_integers(x: Any, w: Any) -> Any:
    def body(i: Any, count: Any, c: Any, still: Any, v: Any) -> Any:
        return add(count, i), c * sin(v) + still, still

    zero = Builder.current().constant(np.int64(0))
    count, out, still = looped(body, [zero, x, w], [w])
    return out, still, count


def in_loops(x: Any, w: Any) -> Any:
    """The outer invariant is carried inside; the inner start has no tangent at first."""

    def outer(i: Any, c: Any, other: Any, v: Any) -> Any:
        inner = looped(lambda j, a, b: sin(a) + b * c0(b), [v], [c], 2)[0]
        return inner, cos(c)

    def c0(b: Any) -> Any:
        return cos(b)

    return looped(outer, [x, w], [w])


def until_large(x: Any, w: Any) -> Any:
    return repeated(lambda c, v: c + square(v) * exp(c * 0.1), 5.0, x, w)


def in_a_branch(x: Any, w: Any) -> Any:
    """One of two results depends on x in one branch only."""
    flag = less(total(w), 10.0)
    return branched(flag, lambda a, b: (sin(a) * b, b), lambda a, b: (b, a), x, w)


def in_the_other_branch(x: Any, w: Any) -> Any:
    flag = less(total(w), -10.0)
    return branched(flag, lambda a, b: (sin(a) * b, b), lambda a, b: (b, a * a), x, w)


def in_a_block(x: Any, w: Any) -> Any:
    attrs = {"body": build(lambda a, b: sin(a) * b, a=VECTOR, b=VECTOR)}
    attrs["name"] = "layer"
    return Builder.current().add(block, (x, w), attrs)


def recorded(x: Any, w: Any) -> Any:
    """What a loop saves, row by row, and a second loop reads: the tangent starts without one."""
    builder = Builder.current()
    count = builder.constant(np.int64(3))
    attrs = {"size": 3, "shape": (3,), "dtype": np.dtype(float), "grows": False}
    (rows,) = builder.add(record, (count,), attrs)
    saved, last = looped(lambda i, r, c, v: (push(r, c, i), sin(c) * v), [rows, x], [w])
    kept = trim(saved, count, size=3)
    index = (Gather(), Slice())

    def back(i: Any, c: Any, rows: Any) -> Any:
        return c * cos(gather(rows, i, index=index))

    return looped(back, [last], [kept])


PROGRAMS = (
    in_a_loop,
    in_a_loop_with_integers,
    in_loops,
    until_large,
    in_a_branch,
    in_the_other_branch,
    in_a_block,
    recorded,
)
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.__name__)


def graph_of(program: Callable[..., Any]) -> Graph:
    return verify(build(program, x=VECTOR, w=VECTOR))


def slopes(graph: Graph, inputs: Any, ways: Any) -> list[Any]:
    """Return the slope of each floating-point output, by fourth-order differences."""

    def at(t: float) -> Any:
        moved = [
            one if way is None else one + t * way for one, way in zip(inputs, ways, strict=True)
        ]
        return [out for out in evaluate(graph, *moved) if np.asarray(out).dtype.kind == "f"]

    near, far = zip(at(STEP), at(-STEP), strict=True), zip(at(2 * STEP), at(-2 * STEP), strict=True)
    pairs = zip(near, far, strict=True)
    return [(8 * (a - b) - (c - d)) / (12 * STEP) for (a, b), (c, d) in pairs]


@pytest.mark.parametrize("wrt", [(0,), (1,), (0, 1)])
@every_program
def test_tangents_are_what_differences_give(program: Any, wrt: Any) -> None:
    """By each operand, and by both; values are as they were."""
    graph = graph_of(program)
    forward = verify(pushforward(graph, wrt))
    results = evaluate(forward, X, W, *([T, U][i] for i in wrt))
    count = len(graph.outputs)
    for result, expected in zip(results, evaluate(graph, X, W), strict=False):
        np.testing.assert_array_equal(result, expected)
    ways = [way if i in wrt else None for i, way in enumerate((T, U))]
    for result, expected in zip(results[count:], slopes(graph, (X, W), ways), strict=True):
        np.testing.assert_allclose(result, expected, **ROUGH)


@every_program
def test_second_order_is_what_differences_give(program: Any) -> None:
    """Pushed forward twice: the tangents of values and of tangents."""
    once = pushforward(graph_of(program), [0, 1])
    twice = verify(pushforward(once, [0, 1, 2, 3]))
    ways = (U, T, X, W)
    results = evaluate(twice, X, W, T, U, *ways)[len(once.outputs) :]
    for result, expected in zip(results, slopes(once, (X, W, T, U), ways), strict=True):
        np.testing.assert_allclose(result, expected, **ROUGH)


@every_program
def test_passes_take_the_result(program: Any) -> None:
    """What dce and narrow make of it says the same."""
    forward = pushforward(graph_of(program), [0])
    expected = evaluate(forward, X, W, T)
    for result, other in zip(
        evaluate(verify(narrow(dce(forward))), X, W, T), expected, strict=True
    ):
        np.testing.assert_array_equal(result, other)


@every_program
def test_the_program_runs_once(program: Any) -> None:
    """There are as many loops, branches and blocks as before."""
    graph = graph_of(program)
    regions = [node.primitive for node in graph.nodes if node.regions]
    forward = pushforward(graph, [0, 1])
    assert [node.primitive for node in forward.nodes if node.regions] == regions


@every_program
def test_separate_tangents(program: Any) -> None:
    """The program can be split: values first, from what is saved then tangents, again and again."""
    graph = graph_of(program)
    forward = pushforward(graph, [0, 1], separate=True)
    count = len(graph.outputs)
    primal, tangent = map(verify, residuals(dce(forward), count, 2))
    results = evaluate(primal, X, W)
    for result, expected in zip(results, evaluate(graph, X, W), strict=False):
        np.testing.assert_array_equal(result, expected)
    for ways in ((T, U), (U, T)):
        pushed = evaluate(tangent, *results[count:], *ways)
        expected = evaluate(pushforward(graph, [0, 1]), X, W, *ways)[count:]
        for result, other in zip(pushed, expected, strict=True):
            np.testing.assert_allclose(result, other, rtol=1e-14)


def only_region(graph: Graph) -> Any:
    (node,) = [node for node in graph.nodes if node.regions]
    return node


def test_only_what_is_active_is_doubled() -> None:
    """Carried values and invariants that no tangent reaches stay single."""

    def program(x: Any, w: Any) -> Any:
        return looped(lambda i, a, b, v: (a * v, sin(b)), [x, w], [w])

    node = only_region(pushforward(graph_of(program), [0]))
    assert node.attrs["carried"] == 3
    assert names_of(node.attrs["body"].nodes).count("cos") == 0
    node = only_region(pushforward(graph_of(program), [1]))
    assert node.attrs["carried"] == 4
    assert [one.name for one in node.attrs["body"].params] == [
        *("i", "c0", "c1", "t_c0", "t_c1"),
        *("v0", "t_v0"),
    ]


def test_activity_that_takes_several_iterations_to_arrive() -> None:
    """A chain of carried values, each computed from the one before."""

    def program(x: Any, w: Any) -> Any:
        return looped(lambda i, a, b, c: (a * 2.0, a * b, b * c), [x, w, w], [], 4)

    graph = graph_of(program)
    tangents = evaluate(pushforward(graph, [0]), X, W, T)[3:]
    for result, expected in zip(tangents, slopes(graph, (X, W), (T, None)), strict=True):
        np.testing.assert_allclose(result, expected, **ROUGH)


def test_untouched_region_stays_as_it_is() -> None:
    """A loop over integers, or one that was captured without gradients."""

    def counted(x: Any, w: Any) -> Any:
        start = cast(total(x), dtype=np.dtype(np.int64))
        return looped(lambda i, c: add(c, i), [start], [])[0], x

    graph = graph_of(counted)
    assert only_region(pushforward(graph, [0])) is only_region(graph)

    def detached(x: Any, w: Any) -> Any:
        builder = Builder.current()
        builder.detached = True
        (out,) = looped(lambda i, c: sin(c), [x], [])
        builder.detached = False
        return out * x

    graph = graph_of(detached)
    forward = pushforward(graph, [0])
    assert only_region(forward) is only_region(graph)
    (out,) = evaluate(graph, X, W)
    np.testing.assert_allclose(evaluate(forward, X, W, T)[1], out / X * T, rtol=1e-14)


def test_call_back_in_a_body_is_refused_with_its_line() -> None:
    """The line of the call-back, not that of the loop; it is named once."""
    line = SourceLine("model.py", 9)
    made = Callback("hook_1", lambda array: array)

    def body(i: Any, c: Any) -> Any:
        builder = Builder.current()
        builder.origin = line
        return builder.add(callback, (c,), {"callback": made, "types": (VECTOR,)})

    graph = graph_of(lambda x, w: looped(body, [x], []))
    with pytest.raises(DerivativeError, match=r"^callback: hook_1 is a Python call-back") as caught:
        pushforward(graph, [0])
    assert caught.value.where == line


def test_call_backs_of_a_body_that_runs_again_for_its_tangents() -> None:
    """What only looks is not called again; what gives values cannot be left out."""
    seen: list[Any] = []

    def body(i: Any, c: Any) -> Any:
        attrs = {"callback": Callback("callback_1", seen.append), "types": ()}
        Builder.current().add(callback, (c,), attrs)
        return (sin(c),)

    graph = graph_of(lambda x, w: looped(body, [x], []))
    forward = pushforward(graph, [0], separate=True)
    expected = evaluate(pushforward(graph, [0]), X, W, T)
    assert len(seen) == 3
    for result, other in zip(evaluate(forward, X, W, T), expected, strict=True):
        np.testing.assert_array_equal(result, other)
    assert len(seen) == 6

    def giving(i: Any, c: Any, v: Any) -> Any:
        made = Callback("callback_1", lambda array: array)
        (given,) = Builder.current().add(callback, (v,), {"callback": made, "types": (VECTOR,)})
        return (c * given,)

    graph = graph_of(lambda x, w: looped(giving, [x], [w]))
    np.testing.assert_allclose(evaluate(pushforward(graph, [0]), X, W, T)[1], T * W**3)
    with pytest.raises(DerivativeError, match="would run again for each tangent"):
        pushforward(graph, [0], separate=True)


def test_record_of_unknown_size() -> None:
    """Its tangent is another record, and no array of zeros of a size that nobody knows."""
    size = Sym.named("rows")

    def program(x: Any, w: Any, count: Any) -> Any:
        attrs = {"size": size, "shape": (3,), "dtype": np.dtype(float), "grows": False}
        (rows,) = Builder.current().add(record, (count,), attrs)
        return looped(lambda i, r, c: (push(r, c, i), sin(c)), [rows, x], [])[1]

    graph = build(program, x=VECTOR, w=VECTOR, count=INDEX)
    forward = verify(pushforward(graph, [0]))
    assert names_of(forward.nodes).count("record") == 2
    assert "broadcast_to" not in names_of(forward.nodes)


def test_lines_and_names() -> None:
    """A doubled loop stands on its line, and results are named after theirs."""
    line = SourceLine("model.py", 3)
    x = Value(VECTOR, "x")
    with Builder() as builder:
        builder.origin = line
        (out,) = looped(lambda i, c: sin(c), [x], [])
        out.name = "state"
    node = only_region(pushforward(Graph((x,), tuple(builder.nodes), (out,)), [0]))
    assert node.origin == line
    assert [one.name for one in node.outs] == ["state", "t_state"]
