"""Numbers and constant arrays in generated code: the same value, dtype and bits as in the graph."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.numpy_source.context import MOST_WRITTEN_ELEMENTS
from gradc.compiler.ir import Builder, Value
from gradc.compiler.primitives.elementwise import cast, multiply, power, where
from gradc.compiler.primitives.elementwise.arithmetic import maximum
from gradc.compiler.primitives.elementwise.comparison import greater, less
from gradc.compiler.primitives.linalg import matmul
from gradc.runtime.loader import load

from ...build import array_type, build
from ...emitted import body_of, emitted, function_of

FLOATS = [0.0, -0.0, 1.0, -2.5, 0.1, 1e-7, 1e22, 5e-324, 1.7976931348623157e308, 1 / 3]
SPECIAL = [np.inf, -np.inf, np.nan]
INTEGERS = {
    dtype: [0, 1, np.iinfo(dtype).min, np.iinfo(dtype).max]
    for dtype in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
}


def same_bits(got: Any, expected: Any) -> bool:
    got, expected = np.asarray(got), np.asarray(expected)
    return got.dtype == expected.dtype and got.tobytes() == expected.tobytes()


def constant(array: Any) -> Value:
    return Builder.current().constant(array)


def numbers() -> list[Any]:
    """Return rank-0 arrays of every dtype."""
    with np.errstate(over="ignore"):
        found = [np.asarray(one, dtype) for dtype in ("f4", "f8") for one in FLOATS + SPECIAL]
    found += [np.asarray(one, dtype) for dtype, values in INTEGERS.items() for one in values]
    return [*found, np.asarray(True), np.asarray(False)]


@pytest.mark.parametrize("number", numbers(), ids=lambda one: f"{one.dtype}-{one}")
def test_numbers_are_written_exactly(number: Any) -> None:
    """Alone, repeated, in an array, and beside an array of their dtype, where they lose theirs."""

    def program(x: Value) -> Any:
        builder = Builder.current()
        alone = constant(number)
        listed = constant(np.stack([number, number]))
        beside = where(greater(x, 0.0), builder.full(x.type, number), builder.full(x.type, 1))
        if number.dtype == bool:
            beside = where(cast(x, dtype=number.dtype), builder.full(x.type, number), x)
        return alone, builder.full(array_type(2, 3, dtype=number.dtype), number), listed, beside

    kind = array_type(2, dtype=number.dtype)
    if number.dtype == bool:

        def program(x: Value) -> Any:
            builder = Builder.current()
            full = builder.full(kind, number)
            return constant(number), full, constant(np.stack([number, number])), where(x, full, x)

    module = emitted(build(program, x=kind))
    alone, repeated, listed, beside = function_of(module)(np.ones(2, number.dtype))
    assert isinstance(alone, np.generic)
    assert same_bits(alone, number)
    assert same_bits(repeated, np.full(repeated.shape, number))
    assert same_bits(listed, np.stack([number, number]))
    assert same_bits(beside, np.stack([number, number]))


def test_shortest_text_of_each_precision() -> None:
    """0.1 in float32 is no 0.10000000149011612."""
    for dtype in ("f4", "f8"):
        graph = build(lambda x: x * 0.1, x=array_type(2, dtype=dtype))
        assert body_of(emitted(graph))[0] == "t1 = x * 0.1"


@pytest.mark.parametrize("settings", [{"precision": 2}, {"legacy": "1.13"}, {"legacy": False}])
def test_print_options_of_the_user_do_not_matter(settings: Any) -> None:
    graph = build(lambda x: (x * (1 / 3), x + constant(np.full(2, 1 / 3))), x=array_type(2))
    with np.printoptions(**settings):
        first, second = function_of(emitted(graph))(np.ones(2))
    np.testing.assert_array_equal(first, np.full(2, 1 / 3))
    np.testing.assert_array_equal(second, np.full(2, 1 + 1 / 3))


def test_negative_numbers_keep_their_parentheses() -> None:
    """``-2.0 ** x`` is another number than ``(-2.0) ** x``."""
    graph = build(
        lambda x: (power(constant(np.float64(-2.0)), x), x - -3.0, -(x * -1.0)), x=array_type()
    )
    assert function_of(emitted(graph))(np.float64(2.0)) == (4.0, 5.0, 2.0)


# Dtypes that NumPy would not give by itself


def test_float32_stays_where_no_operand_tells() -> None:
    """``np.where(mask, 1.0, 2.0)`` would be float64, ``np.maximum(True, False)`` bool."""
    kind = array_type(3, dtype="f4")

    def program(x: Value) -> Any:
        mask = greater(x, 0.0)
        full = Builder.current().full
        flags = cast(mask, dtype=kind.dtype)
        return (
            where(mask, full(kind, 1.0), full(kind, 2.0)),
            maximum(flags, cast(less(x, 0.5), dtype=kind.dtype)),
            flags * full(kind, 2.0),
            multiply(flags, flags),
            x * flags,
            full(kind, 0.1),
        )

    graph = build(program, x=kind)
    x = np.array([-1, 0.25, 1], "f4")
    expected = [[2, 1, 1], [1, 1, 1], [0, 2, 2], [0, 1, 1], [0, 0.25, 1], [0.1, 0.1, 0.1]]
    for got, wanted in zip(function_of(emitted(graph))(x), expected, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, np.array(wanted, "f4"))


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "f4"])
def test_small_dtypes_stay(dtype: str) -> None:
    """Literals beside arrays are weak, and so do not widen them; scalars say their dtype."""

    def program(x: Value, s: Value) -> Any:
        return x * 3 + 1, s * 2, x + Builder.current().full(x.type, 1)

    graph = build(program, x=array_type(2, dtype=dtype), s=array_type(dtype=dtype))
    results = function_of(emitted(graph))(np.ones(2, dtype), np.ones((), dtype)[()])
    assert [result.dtype for result in results] == [np.dtype(dtype)] * 3


# Constant arrays


def test_small_constants_stand_in_the_text_and_large_ones_beside_it(tmp_path: Any) -> None:
    """Up to 64 elements; equal ones have one name; in an ``.npz`` they keep dtype and shape."""
    rng = np.random.default_rng(1)
    small = rng.normal(size=MOST_WRITTEN_ELEMENTS).astype("f4")
    large = rng.normal(size=(1, MOST_WRITTEN_ELEMENTS + 1)).astype("f4")

    def program(x: Value) -> Any:
        return constant(small), constant(large), constant(large.copy()), x

    module = emitted(build(program, x=array_type(1, dtype="f4")))
    assert list(module.constants) == ["c2"]
    assert "c1 = np.array([" in module.text
    assert 'c2 = _arrays["c2"]' in module.text
    function, path = load(module)
    assert path.with_suffix(".npz").exists()
    first, second, third, _ = function(np.zeros(1, "f4"))
    assert same_bits(first, small)
    assert same_bits(second, large)
    assert same_bits(third, large)
    second[...] = 0
    assert same_bits(function(np.zeros(1, "f4"))[1], large), "results are copies of constants"


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1, 1), (2, 2, 2)])
@pytest.mark.parametrize("dtype", ["f8", "i8", "?"])
def test_shapes_of_constants(shape: Any, dtype: str) -> None:
    """Also of those without elements."""
    array = np.zeros(shape, dtype)
    graph = build(lambda x: (constant(array), x), x=array_type())
    assert same_bits(function_of(emitted(graph))(np.float64(0))[0], array)


def test_constants_of_special_floats() -> None:
    array = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    graph = build(lambda x: matmul(constant(np.eye(5)), x) + constant(array), x=array_type(5))
    got = function_of(emitted(graph))(np.array([0, 0, 0, -0.0, 0]))[0]
    np.testing.assert_array_equal(got, array)
