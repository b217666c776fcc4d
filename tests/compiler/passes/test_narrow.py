"""Loops and branches take and give no more than they need."""

from typing import Any

import numpy as np
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph
from gradc.compiler.passes.narrow import narrow
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import add, less
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.shape import broadcast_to
from gradc.compiler.types import BOOL
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of
from ..regions import INDEX, branch, loop, loop_while, only, part, region_nodes

VECTOR, SCALAR, FLAG = array_type(3), array_type(), array_type(dtype=BOOL)
X, Y = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.2, 0.3])


def narrowed(graph: Graph, *arrays: Any) -> Graph:
    """Return the narrowed graph, after checking that it computes the same."""
    result = narrow(graph)
    verify(result, "narrow")
    for got, wanted in zip(evaluate(result, *arrays), evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(got, wanted)
    return result


def test_constants_move_into_bodies() -> None:
    """Where simplify and fold see them; a constant that is spread moves with its broadcast."""

    def program(x: Any) -> Any:
        two = Builder.current().constant(np.float64(2.0))
        ones = broadcast_to(Builder.current().constant(np.float64(1.0)), shape=(3,))
        return loop(lambda i, c, a, b: c * broadcast_to(a, shape=(3,)) + b, [x], [two, ones])

    node = only(narrowed(build(program, x=VECTOR), X))
    assert len(node.operands) == 4
    assert "constant" in names_of(node.attrs["body"].nodes)


def test_carried_constants_stay() -> None:
    """What begins as a constant does not stay one."""
    graph = build(lambda x: loop(lambda i, c, v: c + v, [x * 0.0], [x]), x=VECTOR)
    assert len(only(narrowed(graph, X)).operands) == 5


def test_unread_operands_go() -> None:
    graph = build(lambda x, y: loop(lambda i, c, v, w: c * w, [x], [y, x]), x=VECTOR, y=VECTOR)
    node = only(narrowed(graph, X, Y))
    assert [one.name for one in node.operands[3:]] == ["x", "x"]


def test_operand_handed_over_twice_is_one() -> None:
    graph = build(lambda x, y: loop(lambda i, c, v, w: c * v + w, [x], [y, y]), x=VECTOR, y=VECTOR)
    node = only(narrowed(graph, X, Y))
    assert len(node.operands) == 5
    assert len(node.attrs["body"].params) == 3


def test_carried_value_that_nobody_reads_goes() -> None:
    """And all that is computed for it alone; what a needed one reads stays."""

    def program(x: Any, y: Any) -> Any:
        def body(i: Any, a: Any, b: Any, c: Any) -> Any:
            return a + b, b * 2.0, sin(c)

        return loop(body, [x, y, x])[0]

    node = only(narrowed(build(program, x=VECTOR, y=VECTOR), X, Y))
    assert node.attrs["carried"] == len(node.outs) == 2
    assert "sin" not in names_of(node.attrs["body"].nodes)


def test_carried_value_that_a_condition_reads_stays() -> None:
    def program(x: Any) -> Any:
        zero = Builder.current().constant(np.int64(0))
        return loop_while(lambda k, c: less(k, 4), lambda k, c: (k + 1, c * 2.0), [zero, x])[1]

    node = only(narrowed(build(program, x=VECTOR), X))
    assert node.attrs["carried"] == 2


def test_carried_value_that_never_changes_is_an_invariant() -> None:
    """Readers of the result read the operand, so the earlier loop keeps it."""

    def program(x: Any, y: Any) -> Any:
        body = lambda i, a, b: (sin(a), b)  # noqa: E731
        a, b = loop(body, [x, y])
        a, b = loop(body, [a, b])
        return a * b

    result = narrowed(build(program, x=VECTOR, y=VECTOR), X, Y)
    assert [node.attrs["carried"] for node in region_nodes(result)] == [1, 1]
    assert result.nodes[-1].operands[1] is result.params[1]


def test_hooked_value_that_never_changes_stays_carried() -> None:
    """Each iteration changes its gradient."""

    def body(i: Any, a: Any) -> Any:
        Builder.current().add(hook, (a,), {"hook": "halves it"})
        return a

    graph = build(lambda x: loop(body, [x]), x=VECTOR)
    assert only(narrow(graph)).attrs["carried"] == 1


def test_loop_with_a_call_back_stays() -> None:
    """Though nobody reads what it gives; and what the call-back is told stays with it."""
    seen: list[Any] = []

    def body(i: Any, a: Any, b: Any) -> Any:
        attrs = {"callback": Callback("note", seen.append), "types": ()}
        Builder.current().add(callback, (b,), attrs)
        return a + 1.0, b * 2.0

    def program(x: Any, y: Any) -> Any:
        loop(body, [x, y])
        return x

    result = narrow(build(program, x=VECTOR, y=VECTOR))
    verify(result, "narrow")
    assert only(result).attrs["carried"] == 1
    evaluate(result, X, Y)
    np.testing.assert_array_equal(seen, [Y, 2 * Y, 4 * Y])


def test_loop_that_nobody_reads_goes() -> None:
    def program(x: Any) -> Any:
        loop(lambda i, c: sin(c), [x])
        return x * 2.0

    assert not region_nodes(narrowed(build(program, x=VECTOR), X))


def test_results_of_branches_that_nobody_reads_go() -> None:
    def program(p: Any, x: Any, y: Any) -> Any:
        return branch(p, lambda x, y: (x, sin(y)), lambda x, y: (x * 2.0, y), x, y)[0]

    node = only(narrowed(build(program, p=FLAG, x=VECTOR, y=VECTOR), np.bool_(True), X, Y))
    assert len(node.outs) == 1
    assert [len(region.outputs) for region in node.regions] == [1, 1]


def test_operand_that_one_branch_reads_stays() -> None:
    def program(p: Any, x: Any, y: Any) -> Any:
        return branch(p, lambda x, y: x, lambda x, y: y, x, y)

    node = only(narrowed(build(program, p=FLAG, x=VECTOR, y=VECTOR), np.bool_(False), X, Y))
    assert len(node.operands) == 3


def test_blocks_are_narrowed_too() -> None:
    def program(x: Any, y: Any) -> Any:
        return part(lambda x, y: (sin(x), x * y), x, y)[0]

    node = only(narrowed(build(program, x=VECTOR, y=VECTOR), X, Y))
    assert len(node.outs) == 1


def test_carried_index_arithmetic_stays() -> None:
    """Two carries that are read only by each other go together."""

    def program(x: Any) -> Any:
        zero = Builder.current().constant(np.int64(0))

        def body(i: Any, j: Any, k: Any, c: Any) -> Any:
            return add(k, i), add(j, i), sin(c)

        return loop(body, [zero, zero, x])[2]

    node = only(narrowed(build(program, x=VECTOR), X))
    assert node.attrs["carried"] == 1
    assert node.operands[0].type == INDEX
