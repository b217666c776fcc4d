"""Sorting, and searching in what is sorted. Equal elements keep their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import TypeRuleError
from ..ir import Builder, Value
from ..primitive import (
    REGISTRY,
    Adjoint,
    Attrs,
    Example,
    Expand,
    Linear,
    NoGradient,
    NumPy,
    Primitive,
)
from ..types import INDEX_DTYPE, ArrayType, Dim, normalize_axis
from .batching import along
from .elementwise.casting import arange, filled
from .elementwise.kind import check_kinds
from .index import gather, update
from .selection import Gather

EXAMPLES = (
    Example(((5,),), {"axis": 0}),
    Example(((2, 3),), {"axis": 0}),
    Example(((2, 3),), {"axis": 1}),
    Example(((2, 4, 3),), {"axis": 1}),
    Example(((1,),), {"axis": 0}),
    Example(((0, 2),), {"axis": 0}),
    Example(((3, 0),), {"axis": 0}),
)


def _numbers(like: Any, count: Dim) -> Any:
    if isinstance(like, Value):
        return Builder.current().add(arange, (), {"count": count})[0]
    return np.arange(int(count))


def _placed(numbers: Any, axis: int, rank: int) -> Any:
    shape = (1,) * axis + (numbers.shape[0],) + (1,) * (rank - axis - 1)
    return REGISTRY["reshape"](numbers, shape=shape) if rank > 1 else numbers


def numbers_along(like: Any, axis: int) -> Any:
    """Return 0, 1, 2 ... along an axis, in the shape of ``like``."""
    numbers = _placed(_numbers(like, like.shape[axis]), axis, len(like.shape))
    return REGISTRY["broadcast_to"](numbers, shape=like.shape)


def places_along(places: Any, axis: int) -> tuple[Any, ...]:
    """Return the index arrays, one for each axis, of places along one axis."""
    rank = len(places.shape)
    return tuple(
        places if i == axis else _placed(_numbers(places, dim), i, rank)
        for i, dim in enumerate(places.shape)
    )


def _check(x: ArrayType, axis: int) -> None:
    check_kinds(x, "fib")
    if normalize_axis(axis, x.ndim) != axis:
        raise TypeRuleError(f"axis {axis} must be counted from the front")


def _sort_type(x: ArrayType, axis: int) -> ArrayType:
    _check(x, axis)
    return x


def _order_type(x: ArrayType, axis: int) -> ArrayType:
    _check(x, axis)
    return x.with_dtype(INDEX_DTYPE)


def _text(function: str, *options: str) -> Callable[[Sequence[ArrayType], Attrs], str]:
    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        along = (f"axis={attrs['axis']}",) if types[0].ndim > 1 else ()
        return f"{function}({', '.join(('{0}', *along, *options))})"

    return text


argsort = Primitive(
    "argsort",
    type=_order_type,
    derivative=NoGradient(),
    numpy=NumPy(_text("np.argsort", "kind='stable'")),
    dtypes="fib",
    examples=EXAMPLES,
    batch=along("axis"),
)


def _permute_type(x: ArrayType, order: ArrayType, axis: int) -> ArrayType:
    _check(x, axis)
    if order != x.with_dtype(INDEX_DTYPE):
        raise TypeRuleError(f"takes an order of dtype {INDEX_DTYPE}, of the shape of the array")
    return x


def _inverse(order: Any, axis: int) -> Any:
    places = places_along(order, axis)
    numbers = numbers_along(order, axis)
    return update(filled(order, 0), numbers, *places, index=(Gather(),) * len(places))


def _permute_transpose(ct: Any, x: Any, order: Any, axis: int) -> tuple[Any, None]:
    return permute(ct, _inverse(order, axis), axis=axis), None


def _permute_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    if types[0].ndim == 1:
        return "{0}[{1}]"
    return f"np.take_along_axis({{0}}, {{1}}, axis={attrs['axis']})"


def _permute_by_gather(x: Any, order: Any, axis: int) -> Any:
    places = places_along(order, axis)
    return gather(x, *places, index=(Gather(),) * len(places))


# Elements in another order along an axis; ``order`` names each place once.
permute: Primitive = Primitive(
    "permute",
    type=_permute_type,
    derivative=Linear(_permute_transpose),
    numpy=NumPy(_permute_text),
    lower=Expand(_permute_by_gather),
    dtypes="fib",
    examples=(
        Example(((3,), np.array([2, 0, 1])), {"axis": 0}),
        Example(((2, 3), np.array([[2, 0, 1], [0, 2, 1]])), {"axis": 1}),
        Example(((2, 3), np.array([[1, 0, 1], [0, 1, 0]])), {"axis": 0}),
        Example(((0, 2), np.zeros((0, 2), np.int64)), {"axis": 0}),
    ),
    batch=along("axis"),
)


def _sort_adjoint(ct: Any, out: Any, x: Any, axis: int) -> tuple[Any]:
    return (permute(ct, _inverse(argsort(x, axis=axis), axis), axis=axis),)


sort = Primitive(
    "sort",
    type=_sort_type,
    derivative=Adjoint(_sort_adjoint),
    numpy=NumPy(_text("np.sort")),
    dtypes="fib",
    examples=EXAMPLES,
    batch=along("axis"),
)


def _searchsorted_type(a: ArrayType, v: ArrayType, side: str) -> ArrayType:
    check_kinds(a, "fib")
    if a.ndim != 1 or a.dtype != v.dtype:
        raise TypeRuleError("takes a vector, and values of its dtype")
    return v.with_dtype(INDEX_DTYPE)


def _searchsorted_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    if is_batched[0]:
        return NotImplemented  # NumPy searches one vector at a time
    return primitive(*operands, **attrs)


# Where in the sorted vector ``a`` each of ``v`` would be inserted.
searchsorted = Primitive(
    "searchsorted",
    type=_searchsorted_type,
    derivative=NoGradient(),
    numpy=NumPy(lambda types, attrs: f"np.searchsorted({{0}}, {{1}}, side={attrs['side']!r})"),
    dtypes="fib",
    examples=(
        Example(((4,), (3,)), {"side": "left"}),
        Example(((4,), (2, 3)), {"side": "right"}),
        Example(((1,), ()), {"side": "right"}),
        Example(((0,), (2, 0)), {"side": "left"}),
    ),
    batch=_searchsorted_batch,
)
