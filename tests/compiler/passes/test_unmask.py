"""What masks select is computed for all elements where that gives the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.unmask import unmask
from gradc.compiler.primitives.elementwise import divide, exp, greater, multiply, power
from gradc.compiler.primitives.elementwise.casting import extent
from gradc.compiler.primitives.index import add_at, gather, update
from gradc.compiler.primitives.reduce import all_, any_, max_, prod, sum_
from gradc.compiler.primitives.selection import Mask, Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape
from gradc.compiler.primitives.sort import sort
from gradc.compiler.types import BOOL, Sym
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..primitives.cases import emitted

COUNT = Sym.named("count1")
X = np.array([[1.0, -2.0, 0.5], [np.nan, 3.0, 0.0], [2.0, 4.0, -1.0], [np.inf, 0.0, 1.0]])
MASKS = [np.array(one) for one in ([True, False, True, False], [False] * 4)]
ROWS = (Mask(1, COUNT), Slice())


def whole(function: Callable[..., Any], **types: Any) -> Graph:
    """Return the rewritten graph of a function of an array and a mask of its rows."""
    types = types or {"x": array_type(4, 3), "mask": array_type(4, dtype=BOOL)}
    return verify(unmask(build(function, **types)), "unmask")


def has_counts(graph: Graph) -> bool:
    return not all(out.type.is_static for node in graph.nodes for out in node.outs)


def doubled(x: Value, mask: Value) -> Any:
    return update(x, gather(x, mask, index=ROWS) * 2.0, mask, index=ROWS)


def added(x: Value, mask: Value) -> Any:
    return add_at(x, exp(gather(x, mask, index=ROWS)), mask, index=ROWS)


def filled(x: Value, mask: Value) -> Any:
    five = Builder.current().constant(np.float64(5.0))
    return update(x, broadcast_to(five, shape=(COUNT, 3)), mask, index=ROWS)


def centred(x: Value, mask: Value) -> Any:
    """Return rows minus their mean, which is folded, spread and kept in its axis."""
    rows = gather(x, mask, index=ROWS)
    number = Builder.current().add(extent, (), {"dim": COUNT, "dtype": x.dtype})[0]
    centre = divide(sum_(rows, axes=(0,), keepdims=True), broadcast_to(number, shape=(1, 3)))
    return update(x, rows - broadcast_to(centre, shape=(COUNT, 3)), mask, index=ROWS)


def scaled(x: Value, mask: Value) -> Any:
    """Return rows over their sums, which are as many as there are rows."""
    rows = gather(x, mask, index=ROWS)
    sums = reshape(sum_(rows, axes=(1,), keepdims=False), shape=(COUNT, 1))
    return sum_(rows / broadcast_to(sums, shape=(COUNT, 3)), axes=(0, 1), keepdims=False)


def folded(x: Value, mask: Value) -> Any:
    rows = gather(x, mask, index=ROWS)
    positive = greater(rows, 0.0)
    axes: dict[str, Any] = {"axes": (0, 1), "keepdims": False}
    return prod(rows, **axes), any_(positive, **axes), all_(positive, **axes)


def sized(x: Value, mask: Value) -> Any:
    number = Builder.current().add(extent, (), {"dim": COUNT * 3, "dtype": x.dtype})[0]
    return sum_(gather(x, mask, index=ROWS), axes=(0, 1), keepdims=False) / number


@pytest.mark.parametrize("mask", MASKS, ids=["some", "none"])
@pytest.mark.parametrize(
    "function",
    [doubled, added, filled, centred, scaled, folded, sized],
    ids=lambda one: one.__name__,
)
def test_the_results_are_the_same_and_no_size_is_unknown(function: Any, mask: Any) -> None:
    before = build(function, x=array_type(4, 3), mask=array_type(4, dtype=BOOL))
    graph = whole(function)
    assert not has_counts(graph)
    with np.errstate(all="ignore"):
        pairs = zip(evaluate(graph, X, mask), emitted(before)(X, mask), strict=True)
        for got, wanted in pairs:
            np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_a_mask_of_all_axes_is_one_too() -> None:
    def program(x: Value, mask: Value) -> Any:
        taken = gather(x, mask, index=(Mask(2, COUNT),))
        return sum_(taken * taken, axes=(0,), keepdims=False)

    graph = whole(program, x=array_type(4, 3), mask=array_type(4, 3, dtype=BOOL))
    assert not has_counts(graph)
    mask = np.isfinite(X) & (X > 0)
    assert evaluate(graph, X, mask)[0] == np.sum(X[mask] ** 2)


def largest(x: Value, mask: Value) -> Any:
    """Of nothing it is an error."""
    return max_(gather(x, mask, index=ROWS), axes=(0, 1), keepdims=False)


def in_order(x: Value, mask: Value) -> Any:
    return sum_(sort(gather(x, mask, index=ROWS), axis=0), axes=(0, 1), keepdims=False)


def given_back(x: Value, mask: Value) -> Any:
    return gather(x, mask, index=ROWS)


@pytest.mark.parametrize("function", [largest, in_order, given_back], ids=lambda f: f.__name__)
def test_what_depends_on_the_selection_as_a_whole_is_left_as_it_is(function: Any) -> None:
    types = {"x": array_type(4, 3), "mask": array_type(4, dtype=BOOL)}
    before = build(function, **types)
    assert unmask(before) is before


def test_elements_that_are_left_out_cause_no_errors() -> None:
    """NumPy raises for integers to the power of negative ones."""

    def program(x: Value, mask: Value) -> Any:
        taken = gather(x, mask, index=(Mask(1, COUNT),))
        return sum_(power(taken, taken), axes=(0,), keepdims=False)

    types = {"x": array_type(4, dtype=np.int64), "mask": array_type(4, dtype=BOOL)}
    assert has_counts(whole(program, **types))


def test_one_mask_that_does_not_fit_leaves_the_others() -> None:
    def program(x: Value, mask: Value, other: Value) -> Any:
        rows = gather(x, other, index=(Mask(1, Sym.named("count2")), Slice()))
        return multiply(doubled(x, mask), 2.0), rows

    flags = array_type(4, dtype=BOOL)
    graph = whole(program, x=array_type(4, 3), mask=flags, other=flags)
    assert [node.primitive.name for node in graph.nodes if node.primitive is gather] == ["gather"]
    for mask in MASKS:
        got = evaluate(graph, X, mask, MASKS[0])
        expected = X.copy()
        expected[mask] *= 2
        np.testing.assert_array_equal(got[0], expected * 2)
        np.testing.assert_array_equal(got[1], X[MASKS[0]])
