"""Arithmetic on constants is done by the compiler, exactly as the program would do it."""

import warnings
from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Value
from gradc.compiler.passes.dce import dce
from gradc.compiler.passes.fold import MOST_ELEMENTS, fold
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import add, cast, divide, exp, log, multiply
from gradc.compiler.primitives.elementwise.arithmetic import floor_divide
from gradc.compiler.primitives.elementwise.casting import extent_of
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.shape import broadcast_to
from gradc.compiler.types import Sym
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

VECTOR = array_type(3)


def constant(array: Any) -> Value:
    return Builder.current().constant(array)


def folded(program: Any, **types: Any) -> Any:
    return dce(verify(fold(build(program, **types))))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_constants_are_computed_in_their_dtype(dtype: str) -> None:
    """To the bit: 0.1 + 0.2 in float32 is rounded in float32, and integers stay integers."""

    def program(x: Value) -> Any:
        return add(constant(np.asarray(0.1, dtype)), constant(np.asarray(0.2, dtype))) + 3.0

    result = folded(program, x=VECTOR)
    assert names_of(result.nodes) == ["constant"]
    (value,) = evaluate(result, np.zeros(3))
    expected = np.asarray(0.1, dtype) + np.asarray(0.2, dtype) + np.asarray(3, dtype)
    assert (value, value.dtype) == (expected, np.dtype(dtype))


def test_repeated_numbers_are_computed_once() -> None:
    """Elementwise on broadcast scalars, known ones or not: on the scalars, and then broadcast."""

    def program(x: Value) -> Any:
        return exp(broadcast_to(x, shape=(3, 4))) * 2.0

    result = folded(program, x=array_type())
    assert [node.out.shape for node in result.nodes if node.primitive is exp] == [()]
    assert names_of(result.nodes)[-1] == "broadcast_to"
    np.testing.assert_array_equal(evaluate(result, 0.5)[0], np.full((3, 4), 2 * np.exp(0.5)))


def test_small_results_are_folded_and_large_ones_are_not() -> None:
    """Up to 64 elements; what is larger would stand in the code."""
    for size in (MOST_ELEMENTS, MOST_ELEMENTS + 1):

        def program(x: Value, size: int = size) -> Any:
            array = constant(np.arange(float(size)))
            return exp(array), sum_(array, axes=(0,), keepdims=False)

        names = names_of(folded(program, x=VECTOR).nodes)
        assert ("exp" in names) == (size > MOST_ELEMENTS)
        assert "sum" not in names


def test_unknown_sizes_are_not_folded() -> None:
    n = Sym.named("n")
    result = folded(lambda x: divide(constant(1.0), extent_of(x, n)), x=array_type(n))
    assert names_of(result.nodes) == ["constant", "extent", "divide"]


def test_params_and_effects_are_not_folded() -> None:
    """A call-back on constants is called each time the program runs."""

    def program(x: Value) -> Any:
        attrs = {"callback": Callback("give", abs), "types": (array_type(),)}
        (y,) = Builder.current().add(callback, (constant(1.0),), attrs)
        return x * 2.0, y

    assert names_of(folded(program, x=VECTOR).nodes) == [
        "constant", "callback", "constant", "broadcast_to", "multiply",
    ]  # fmt: skip


def test_special_values_are_folded_without_warnings() -> None:
    """What the program would warn of when it runs is no warning of the compiler."""

    def program(x: Value) -> Any:
        zero = constant(0.0)
        whole = constant(np.array([1, 0], "i4"))
        return log(zero), divide(zero, zero), multiply(zero, -1.0), floor_divide(whole, whole)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = folded(program, x=VECTOR)
    low, none, negative, whole = evaluate(result, np.zeros(3))
    assert (low, np.signbit(negative)) == (-np.inf, True)
    assert np.isnan(none)
    np.testing.assert_array_equal(whole, [1, 0])


def test_casts_are_folded() -> None:
    """Where they are small: to the value that NumPy gives."""
    result = folded(lambda x: cast(constant(np.array([1.7, -1.7])), dtype=np.dtype("i8")), x=VECTOR)
    assert names_of(result.nodes) == ["constant"]
    np.testing.assert_array_equal(evaluate(result, np.zeros(3))[0], [1, -1])
