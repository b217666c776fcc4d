"""Adjoints of loops, branches and blocks, against the adjoints of the same as straight code."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Node
from gradc.compiler.passes.reverse_regions import halve, silent
from gradc.compiler.pipeline import Log, derive, optimise
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import exp, less, square
from gradc.compiler.primitives.elementwise.trigonometric import cos, sin
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.types import BOOL
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of
from ..regions import branch, loop, only, part, region_nodes

VECTOR, FLAG = array_type(3), array_type(dtype=BOOL)
X, Y = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.2, 0.3])


def total(x: Any) -> Any:
    return sum_(x, axes=(0,), keepdims=False)


def joint(graph: Graph, wrt: Any = (0, 1)) -> Graph:
    """Return an optimised graph with its gradients."""
    result = derive(optimise(graph, Log()), wrt, [0], 1.0, Log())
    verify(result, "derive")
    return result


def agree(program: Any, straight: Any) -> Graph:
    """Compare value and gradients of a program with those of straight code."""
    graph = joint(build(program, x=VECTOR, y=VECTOR))
    expected = evaluate(joint(build(straight, x=VECTOR, y=VECTOR)), X, Y)
    for got, wanted in zip(evaluate(graph, X, Y), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-13)  # the same terms in another order
    return graph


def test_loop() -> None:
    """Carried cotangents, and an accumulator for the invariant."""

    def straight(x: Any, y: Any) -> Any:
        c = x
        for _ in range(3):
            c = sin(c) * y + c
        return total(c)

    def program(x: Any, y: Any) -> Any:
        return total(loop(lambda i, c, v: sin(c) * v + c, [x], [y])[0])

    graph = agree(program, straight)
    forward, backward = region_nodes(graph)
    assert (forward.attrs["reverse"], backward.attrs["reverse"]) == (False, True)
    assert backward.attrs["carried"] == 2


def test_reversed_loop_turns_round_again() -> None:
    graph = joint(
        build(
            lambda x, y: total(loop(lambda i, c, v: c * v, [x], [y], reverse=True)[0]),
            x=VECTOR,
            y=VECTOR,
        )
    )
    assert [node.attrs["reverse"] for node in region_nodes(graph)] == [True, False]


def test_operand_that_is_carried_and_invariant() -> None:
    """Its gradient is the sum of both."""

    def straight(x: Any, y: Any) -> Any:
        c = x
        for _ in range(3):
            c = c * x + y
        return total(c)

    def program(x: Any, y: Any) -> Any:
        return total(loop(lambda i, c, v, w: c * v + w, [x], [x, y])[0])

    agree(program, straight)


def test_operand_read_outside_too() -> None:
    """What its cotangent is before the loop is added to in the loop."""

    def straight(x: Any, y: Any) -> Any:
        c = x
        for _ in range(3):
            c = sin(c) * y
        return total(c * exp(y)) + total(square(y) * x)

    def program(x: Any, y: Any) -> Any:
        (c,) = loop(lambda i, c, v: sin(c) * v, [x], [y])
        return total(c * exp(y)) + total(square(y) * x)

    agree(program, straight)


def test_two_results_of_which_one_is_read() -> None:
    def straight(x: Any, y: Any) -> Any:
        a, b = x, y
        for _ in range(3):
            a, b = a * b, cos(b)
        return total(a)

    def program(x: Any, y: Any) -> Any:
        return total(loop(lambda i, a, b: (a * b, cos(b)), [x, y])[0])

    agree(program, straight)


def test_loop_in_a_loop() -> None:
    def straight(x: Any, y: Any) -> Any:
        c = x
        for _ in range(3):
            for _ in range(3):
                c = sin(c) + y
            c = c * y
        return total(c)

    def program(x: Any, y: Any) -> Any:
        def outer(i: Any, c: Any, v: Any) -> Any:
            return loop(lambda j, c, v: sin(c) + v, [c], [v])[0] * v

        return total(loop(outer, [x], [y])[0])

    agree(program, straight)


@pytest.mark.parametrize("flag", [True, False])
def test_branch_runs_one_adjoint(flag: bool) -> None:
    """What the two branches save of equal types shares a place."""

    def program(p: Any, x: Any, y: Any) -> Any:
        true = lambda x, y: sin(x) * y  # noqa: E731
        false = lambda x, y: exp(x * y)  # noqa: E731
        return total(branch(p, true, false, x, y)[0])

    graph = joint(build(program, p=FLAG, x=VECTOR, y=VECTOR), (1, 2))
    value, by_x, by_y = evaluate(graph, np.bool_(flag), X, Y)
    expected = (np.cos(X) * Y, np.sin(X)) if flag else (Y * np.exp(X * Y), X * np.exp(X * Y))
    np.testing.assert_allclose(value, (np.sin(X) * Y if flag else np.exp(X * Y)).sum(), rtol=1e-14)
    np.testing.assert_allclose(by_x, expected[0], rtol=1e-14)
    np.testing.assert_allclose(by_y, expected[1], rtol=1e-14)
    forward, _ = region_nodes(graph)
    assert len(forward.outs) <= 3, "the result, and room for what one branch saves"


@pytest.mark.parametrize("flag", [True, False])
def test_operand_of_one_branch(flag: bool) -> None:
    """The other branch hands its cotangent on as it is."""

    def program(p: Any, x: Any, y: Any) -> Any:
        return total(branch(p, lambda x, y: x * 2.0, lambda x, y: y * 3.0, x, y)[0] * x)

    graph = joint(build(program, p=FLAG, x=VECTOR, y=VECTOR), (1, 2))
    _, by_x, by_y = evaluate(graph, np.bool_(flag), X, Y)
    np.testing.assert_allclose(by_x, 4 * X if flag else 3 * Y, rtol=1e-14)
    np.testing.assert_allclose(by_y, 0 * X if flag else 3 * X, rtol=1e-14)


def test_block_saves_its_operands_only() -> None:
    """Backward runs its nodes again, where CSE cannot share them with forward."""

    def straight(x: Any, y: Any) -> Any:
        return total(sin(exp(x) * y))

    graph = agree(lambda x, y: total(part(lambda x, y: sin(exp(x) * y), x, y)[0]), straight)
    forward, backward = region_nodes(graph)
    assert len(forward.outs) == 1
    assert "exp" in names_of(backward.attrs["body"].nodes)
    assert backward.attrs["name"] == "part_backward"


def test_gradient_of_a_gradient() -> None:
    """The backward loop is a loop: it is differentiated as any other."""
    first = joint(build(lambda x: total(loop(lambda i, c: sin(c) * c, [x])[0]), x=VECTOR), (0,))
    second = derive(first, [0], [1], None, Log())
    verify(second, "derive")
    _, _, product = evaluate(second, X, Y)
    step = 1e-5
    ends = [evaluate(first, X + sign * step * Y)[1] for sign in (1, -1)]
    # Differences are good to about 1e-10 of numbers of size 1; the Hessian is diagonal.
    np.testing.assert_allclose(product, (ends[0] - ends[1]) / (2 * step), rtol=1e-8, atol=1e-8)


# Halves


def _product(x: Any, y: Any, ct: Any) -> Any:
    inner = sin(x)
    return inner * y, ct * y * cos(x), ct * inner


def test_halves_split_by_the_cotangents() -> None:
    half = halve(build(_product, x=VECTOR, y=VECTOR, ct=VECTOR), 1, 1, ())
    assert names_of(half.forward) == ["sin", "multiply", "cos"]
    assert names_of(half.backward) == ["multiply"] * 3
    assert [one.name for one in half.cts] == ["ct"]
    assert len(half.results) == 1
    assert len(half.gradients) == 2


def test_what_is_at_hand_is_not_saved() -> None:
    graph = build(_product, x=VECTOR, y=VECTOR, ct=VECTOR)
    everything = halve(graph, 1, 1, graph.params[:2])
    assert everything.saved == () or set(names_of(everything.again)).isdisjoint({"multiply"})
    assert graph.params[1] not in everything.saved


def test_only_what_may_be_saved_is_saved() -> None:
    """All else is run again."""
    graph = build(_product, x=VECTOR, y=VECTOR, ct=VECTOR)
    x, y, _ = graph.params
    half = halve(graph, 1, 1, (y,), kept=(x,))
    assert half.saved == (x,)
    assert sorted(names_of(half.again)) == ["cos", "sin"]


def test_calls_that_only_look_are_not_made_again() -> None:
    seen: list[Any] = []

    def body(i: Any, c: Any) -> Any:
        attrs = {"callback": Callback("note", seen.append), "types": ()}
        Builder.current().add(callback, (c,), attrs)
        return sin(c)

    node: Node = only(build(lambda x: loop(body, [x]), x=VECTOR))
    assert node.has_effect
    quiet = silent(node)
    assert not quiet.has_effect
    assert names_of(quiet.attrs["body"].nodes) == ["sin"]


def test_predicates_are_not_differentiated() -> None:
    def program(x: Any, y: Any) -> Any:
        flag = less(total(x), total(y))
        return total(branch(flag, lambda x: x * 2.0, lambda x: -x, x)[0])

    _, by_x, by_y = evaluate(joint(build(program, x=VECTOR, y=VECTOR)), X, Y)
    np.testing.assert_array_equal(by_x, np.full(3, -1.0))
    np.testing.assert_array_equal(by_y, np.zeros(3))
