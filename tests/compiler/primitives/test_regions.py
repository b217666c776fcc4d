"""Type rules of loops, branches and blocks, and what evaluating them gives."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import TypeRuleError, VerifyError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Node
from gradc.compiler.primitives.elementwise import add, cast, less, multiply
from gradc.compiler.primitives.records import FIRST_ROOM, push, record, trim
from gradc.compiler.primitives.regions import block, cond, for_loop
from gradc.compiler.primitives.shape import broadcast_to
from gradc.compiler.types import BOOL, Sym
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..regions import INDEX, branch, loop, loop_while, only, part

VECTOR, SCALAR, FLAG = array_type(3), array_type(), array_type(dtype=BOOL)
X = np.array([0.5, -1.0, 2.0])


def typed(node: Node, **attrs: Any) -> Any:
    """Ask the type rule of a node about it with other attrs."""
    types = [one.type for one in node.operands]
    return node.primitive.infer(types, {**node.attrs, **attrs})


@pytest.fixture
def for_node() -> Node:
    return only(build(lambda x: loop(lambda i, c, v: c * v, [x], [x]), x=VECTOR))


def test_loop_gives_what_it_carries(for_node: Node) -> None:
    assert typed(for_node) == (VECTOR,)
    assert for_node.primitive.regions == ("body",)


def test_loop_checks_its_bounds(for_node: Node) -> None:
    """Integers of rank 0 and 64 bits, each of them."""
    start, stop, step, *rest = (one.type for one in for_node.operands)
    for bounds in (
        (SCALAR, stop, step),
        (start, array_type(1, dtype=np.int64), step),
        (start, stop, array_type(dtype=np.int32)),
    ):
        with pytest.raises(TypeRuleError, match="integers of rank 0"):
            for_loop.infer([*bounds, *rest], for_node.attrs)


@pytest.mark.parametrize(
    ("body", "part_of"),
    [
        (build(lambda i, c: c, i=INDEX, c=VECTOR), "params"),
        (build(lambda c, v: c, c=VECTOR, v=VECTOR), "params"),
        (build(lambda i, c, v: c, i=INDEX, c=VECTOR, v=SCALAR), "params"),
        (build(lambda i, c, v: (c, v), i=INDEX, c=VECTOR, v=VECTOR), "outputs"),
        (build(lambda i, c, v: less(c, v), i=INDEX, c=VECTOR, v=VECTOR), "outputs"),
        (build(lambda i, c, v: i, i=INDEX, c=VECTOR, v=VECTOR), "outputs"),
    ],
    ids=["no_invariant", "no_index", "other_shape", "two_outputs", "other_dtype", "other_rank"],
)
def test_loop_checks_its_body(for_node: Node, body: Any, part_of: str) -> None:
    with pytest.raises(TypeRuleError, match=f"the {part_of} of the body"):
        typed(for_node, body=body)


def test_while_checks_its_condition() -> None:
    node = only(
        build(lambda x: loop_while(lambda c: less(c, 5.0), lambda c: c + 1.0, [x]), x=SCALAR)
    )
    assert typed(node) == (SCALAR,)
    with pytest.raises(TypeRuleError, match="the outputs of the condition"):
        typed(node, condition=build(lambda c: c, c=SCALAR))
    with pytest.raises(TypeRuleError, match="the params of the condition"):
        typed(node, condition=build(lambda c, v: less(c, v), c=SCALAR, v=SCALAR))


def test_branches_have_the_same_types() -> None:
    graph = build(lambda p, x: branch(p, lambda x: x, lambda x: x * x, x), p=FLAG, x=VECTOR)
    node = only(graph)
    assert typed(node) == (VECTOR,)
    with pytest.raises(TypeRuleError, match="the outputs of the second branch"):
        typed(node, false=build(lambda x: (x, x), x=VECTOR))
    with pytest.raises(TypeRuleError, match="the params of the first branch"):
        typed(node, true=build(lambda x: x, x=SCALAR))
    with pytest.raises(TypeRuleError, match="a condition is one bool"):
        cond.infer([SCALAR, VECTOR], node.attrs)


def test_block_checks_its_operands() -> None:
    node = only(build(lambda x: part(lambda x: (x, x + 1.0), x), x=VECTOR))
    assert typed(node) == (VECTOR, VECTOR)
    with pytest.raises(TypeRuleError, match="the params of the block"):
        block.infer([SCALAR], node.attrs)


def test_verifier_looks_into_bodies() -> None:
    """A body that reads what is no param of its own is refused."""

    def program(x: Any) -> Any:
        return loop(lambda i, c: c + x, [x])

    with pytest.raises(VerifyError, match="reads a value before it is defined"):
        verify(build(program, x=VECTOR), "test")


@pytest.mark.parametrize("bounds", [(0, 4, 1), (1, 8, 3), (5, -2, -2), (3, 3, 1), (4, 0, 1)])
@pytest.mark.parametrize("reverse", [False, True])
def test_loop_runs_as_range_does(bounds: Any, reverse: bool) -> None:
    """The last index wins; ``reverse`` runs the very same indices from the last."""

    def program(x: Any) -> Any:
        zero = Builder.current().constant(np.int64(0))
        body = lambda i, c, k: (c * 2.0 + cast(i, dtype=c.dtype), add(k, i))  # noqa: E731
        return loop(body, [x, zero], bounds=bounds, reverse=reverse)

    expected, steps = 1.5, list(range(*bounds))
    for i in reversed(steps) if reverse else steps:
        expected = expected * 2.0 + i
    value, total = evaluate(build(program, x=SCALAR), np.float64(1.5))
    assert value == expected
    assert total == sum(steps)


def test_while_stops_when_the_condition_is_false() -> None:
    def program(x: Any, limit: Any) -> Any:
        return loop_while(
            lambda c, limit: less(c, limit), lambda c, limit: multiply(c, 2.0), [x], [limit]
        )

    graph = build(program, x=SCALAR, limit=SCALAR)
    assert evaluate(graph, np.float64(1.0), np.float64(10.0)) == (16.0,)
    assert evaluate(graph, np.float64(11.0), np.float64(10.0)) == (11.0,)


def test_branch_runs_one_side() -> None:
    graph = build(lambda p, x: branch(p, lambda x: x + 1.0, lambda x: -x, x), p=FLAG, x=VECTOR)
    np.testing.assert_array_equal(evaluate(graph, np.bool_(True), X)[0], X + 1)
    np.testing.assert_array_equal(evaluate(graph, np.bool_(False), X)[0], -X)


# Records


def test_record_checks_its_size() -> None:
    attrs = {"size": 4, "shape": (2,), "dtype": np.dtype(float), "grows": False}
    assert record.infer([INDEX], attrs) == (array_type(4, 2),)
    with pytest.raises(TypeRuleError, match="the size of a record is one integer"):
        record.infer([SCALAR], attrs)


@pytest.mark.parametrize("value", [array_type(2), array_type(3, 3), array_type(3, dtype=np.int64)])
def test_push_checks_the_row(value: Any) -> None:
    with pytest.raises(TypeRuleError, match="does not fit the record"):
        push.infer([array_type(5, 3), value, INDEX], {})


@pytest.mark.parametrize("count", [0, 1, FIRST_ROOM, FIRST_ROOM + 1, 3 * FIRST_ROOM])
def test_record_grows_as_needed(count: int) -> None:
    """Rows beyond its first room are kept, and those not filled are cut."""
    size = Sym.named("rows")

    def program(stop: Any) -> Any:
        room_count = Builder.current().constant(np.int64(FIRST_ROOM))
        attrs = {"size": size, "shape": (2,), "dtype": np.dtype(float), "grows": True}
        (rows,) = Builder.current().add(record, (room_count,), attrs)

        def body(i: Any, rows: Any, one: Any) -> Any:
            factor = broadcast_to(cast(i, dtype=one.dtype), shape=(2,))
            return push(rows, one * factor, i)

        one = Builder.current().constant(np.array([1.0, -1.0]))
        (rows,) = loop(body, [rows], [one], bounds=(0, stop, 1))
        return trim(rows, stop, size=size)

    (rows,) = evaluate(build(program, stop=INDEX), np.int64(count))
    np.testing.assert_array_equal(rows, np.outer(np.arange(count), [1.0, -1.0]))
