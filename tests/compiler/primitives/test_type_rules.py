"""A type rule says what NumPy gives, in every dtype and layout, and refuses what does not fit."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import TypeRuleError
from gradc.compiler.primitive import REGISTRY
from gradc.compiler.types import ArrayType, type_of

from .cases import CASES, LAYOUTS, Case, kind_of, laid_out, over

# The emitter writes constants itself, so their entry has no NumPy text to compare with.
COMPUTED = [case for case in CASES if case.primitive.numpy is not None]
OF_SHAPES = [case for case in COMPUTED if case.shaped]
OF_SEVERAL = [case for case in OF_SHAPES if len(case.shaped) > 1]
ONE_DTYPE_OF_A_KIND = {"f": np.float64, "i": np.int64, "b": np.bool_}


def types_of(arrays: Any) -> list[ArrayType]:
    return [type_of(array) for array in arrays]


@over(COMPUTED)
def test_type_is_what_numpy_gives(case: Case) -> None:
    """Shape and dtype of the result, of all dtypes and layouts that the primitive takes."""
    for dtype, layout in product(case.dtypes() or [None], LAYOUTS):
        arrays = case.arrays(dtype, layout)
        result = case.primitive.evaluate(*arrays, **case.attrs)
        assert case.primitive.infer(types_of(arrays), case.attrs) == (type_of(result),), dtype


@over(COMPUTED)
def test_layout_does_not_change_the_value(case: Case) -> None:
    """Strides are nobody's business but NumPy's: no text may rely on memory order."""
    for layout in LAYOUTS:
        arrays = case.arrays(layout=layout)
        plain = [laid_out(array, "contiguous") for array in arrays]
        before = [array.copy() for array in plain]
        result = case.primitive.evaluate(*arrays, **case.attrs)
        # Sums may be taken in another order: a few roundings of float64.
        np.testing.assert_allclose(
            result, case.primitive.evaluate(*plain, **case.attrs), rtol=1e-13, atol=1e-15
        )
        for array, old in zip(plain, before, strict=True):
            np.testing.assert_array_equal(array, old)  # a store changes a copy


@over(OF_SHAPES)
def test_kinds_that_it_does_not_take_are_refused(case: Case) -> None:
    """What ``dtypes`` leaves out must not get through: NumPy would do something else with it."""
    types = types_of(case.arrays())
    for kind, dtype in ONE_DTYPE_OF_A_KIND.items():
        if kind not in case.kinds:
            refused = [
                one.with_dtype(dtype) if i in case.shaped else one for i, one in enumerate(types)
            ]
            with pytest.raises(TypeRuleError):
                case.primitive.infer(refused, case.attrs)


@over(OF_SEVERAL)
def test_operands_of_different_dtypes_are_refused(case: Case) -> None:
    """Promotion is the frontend's; below it operands are alike."""
    for dtype, position in product(case.dtypes(), case.shaped):
        types = types_of(case.arrays(dtype))
        other = np.float32 if dtype != np.float32 else np.float64
        types[position] = types[position].with_dtype(other)
        with pytest.raises(TypeRuleError):
            case.primitive.infer(types, case.attrs)


@over([case for case in OF_SEVERAL if case.primitive.elementwise])
def test_elementwise_operands_of_different_shapes_are_refused(case: Case) -> None:
    """Broadcasting is explicit: adjoint rules rely on it."""
    for position in case.shaped:
        types = types_of(case.arrays())
        types[position] = types[position].with_shape((*types[position].shape, 1))
        with pytest.raises(TypeRuleError):
            case.primitive.infer(types, case.attrs)


def other_shapes(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return shapes near this one: an axis longer, empty, missing, or one more."""
    longer = [(*shape[:i], shape[i] + 1, *shape[i + 1 :]) for i in range(len(shape))]
    empty = [(*shape[:i], 0, *shape[i + 1 :]) for i in range(len(shape))]
    return [*longer, *empty, shape[1:], (2, *shape)]


def other_attrs(attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """Return attrs with axes from the end, out of range, twice and in other order."""
    found = []
    if "axis" in attrs:
        found += [{**attrs, "axis": axis} for axis in (-1, 0, 7)]
    if "axes" in attrs:
        changed = ((-1,), (7,), (0, 0), (1, 0), ())
        found += [{**attrs, "axes": axes} for axes in changed]
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of variances of too few elements
@over(OF_SHAPES)
def test_what_it_accepts_numpy_computes(case: Case) -> None:
    """Near each example: either refused, or computed with the type that the rule says."""
    tries = [
        (*case.operands[:i], shape, *case.operands[i + 1 :])
        for i in case.shaped
        for shape in other_shapes(case.operands[i])
    ]
    variants = [Case(case.primitive, operands, case.attrs, case.label) for operands in tries]
    variants += [
        Case(case.primitive, case.operands, attrs, case.label) for attrs in other_attrs(case.attrs)
    ]
    for variant in variants:
        arrays = variant.arrays()
        try:
            types = case.primitive.infer(types_of(arrays), variant.attrs)
        except TypeRuleError:
            continue
        try:
            result = case.primitive.evaluate(*arrays, **variant.attrs)
        except IndexError:  # the numbers in an index array are known only when it runs
            assert len(case.shaped) < len(case.operands)
            continue
        assert types == (type_of(result),), (variant.operands, variant.attrs)


@pytest.mark.parametrize("name", ["argmax", "argmin", "max", "min", "var"])
def test_reductions_of_no_elements_are_refused(name: str) -> None:
    """NumPy has no value for them; of a mean it is NaN, as in NumPy."""
    with pytest.raises(TypeRuleError, match="no elements"):
        REGISTRY[name].infer(
            [ArrayType((3, 0), np.dtype(float))], {"axes": (1,), "keepdims": False}
        )


@pytest.mark.parametrize(
    ("name", "shapes", "attrs", "message"),
    [
        ("matmul", [(2, 3), (4, 5)], {}, "inner sizes"),
        ("matmul", [(), (3,)], {}, "inner sizes"),
        ("matmul", [(2, 1, 3), (4, 3, 1)], {}, "batch"),
        ("reshape", [(2, 3)], {"shape": (4,)}, "number of elements"),
        ("reshape", [(2, 3)], {"shape": (-1, -1)}, "number of elements"),
        ("transpose", [(2, 3)], {"axes": (0,)}, "rank 2"),
        ("broadcast_to", [(3,)], {"shape": (2,)}, "broadcast"),
        ("concatenate", [(2,), (2, 2)], {"axis": 0}, "alike"),
        ("concatenate", [()], {"axis": 0}, "out of bounds"),
        ("stack", [(2,), (3,)], {"axis": 0}, "same shape"),
        ("sum", [(2,)], {"axes": (1,), "keepdims": False}, "axis 1"),
    ],
)
def test_message_says_what_does_not_fit(
    name: str, shapes: list[Any], attrs: dict[str, Any], message: str
) -> None:
    """The rule's own words reach the user, so they must name the trouble."""
    types = [ArrayType(shape, np.dtype(float)) for shape in shapes]
    with pytest.raises(TypeRuleError, match=message):
        REGISTRY[name].infer(types, attrs)


def test_kind_of_names_each_supported_dtype() -> None:
    """The cases are made by kind: a dtype of no kind would never be tried."""
    tried = {dtype for case in CASES for dtype in case.dtypes()}
    assert {kind_of(dtype) for dtype in tried} == {"f", "i", "b"}
    assert len(tried) == 11
