"""How a primitive is applied: a node on values, a computation on arrays."""

import numpy as np
import pytest
from gradc.compiler.errors import GradcError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Value
from gradc.compiler.primitive import REGISTRY, NoGradient, NumPy, Primitive, Scatter
from gradc.compiler.primitives.elementwise import add, where
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.types import type_of
from gradc.compiler.verify import verify

from .build import array_type, build, names_of


def test_name_is_taken_once() -> None:
    """A second entry of a name would silently take the place of the first."""
    with pytest.raises(GradcError, match="'add' is registered already"):
        Primitive("add", type=add.type, derivative=NoGradient())
    assert REGISTRY["add"] is add


def test_value_outside_a_graph_is_an_error() -> None:
    """A rule that builds graph where no builder is at work is a mistake in gradc."""
    with pytest.raises(GradcError, match="outside any graph"):
        sin(Value(type_of(1.0)))


def test_any_operand_decides() -> None:
    """One value among arrays and numbers makes a node; arrays and numbers alone are computed."""
    mask, x = np.array([True, False]), Value(array_type(2), "x")
    with Builder() as builder:
        assert isinstance(where(mask, 1.0, x), Value)
    assert names_of(builder.nodes)[-1] == "where"
    np.testing.assert_array_equal(where(mask, 1.0, np.zeros(2)), [1, 0])


def test_operators_build_the_primitives() -> None:
    """Rules read like formulas; numbers take the type of the value, on either side."""
    graph = verify(
        build(lambda x: (1.0 - x) / 2.0 + (3.0 / x) * -x - 1.0, x=array_type(2, dtype="f4"))
    )
    assert {node.out.dtype for node in graph.nodes} == {np.dtype("f4")}
    (result,) = evaluate(graph, np.array([1.0, 2.0], "f4"))
    np.testing.assert_array_equal(result, [-4.0, -4.5])
    graph = build(lambda x: 2.0 + 3.0 * x * 0.5 - 1.0, x=array_type())
    assert evaluate(graph, 4.0) == (7.0,)


def test_text_may_depend_on_types_and_attrs() -> None:
    """A template is text with slots, or a function that makes it."""
    plain = NumPy("np.sin({0})")
    chosen = NumPy(lambda types, attrs: f"{{0}}.sum(axis={attrs['axis']})  # {types[0]}")
    assert plain.text([], {}) == "np.sin({0})"
    assert chosen.text([array_type(2)], {"axis": 0}) == "{0}.sum(axis=0)  # (2,) float64"


@pytest.mark.parametrize(
    ("index", "arrays", "ct", "expected"),
    [
        ((Slice(1),), (), [10.0, 20.0], [1, 11, 21]),
        ((Gather(),), (np.array([2, 2]),), [10.0, 20.0], [1, 1, 31]),
    ],
)
def test_scatter_adds_to_its_accumulator(
    index: tuple, arrays: tuple, ct: list, expected: list
) -> None:
    """In its place, repeated places more than once; the accumulator is not changed."""
    accumulator = np.ones(3)
    result = Scatter(np.array(ct), arrays, index).into(accumulator)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(accumulator, 1)
