"""NumPy's reductions to one element: sums, products, extrema, places and quantifiers."""

from __future__ import annotations

from collections.abc import Callable
from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import elementwise, reduce
from ...primitives.elementwise.casting import extent as extent_
from ...types import (
    INDEX_DTYPE,
    Dim,
    Sym,
    broadcast_shapes,
    normalize_axes,
    normalize_axis,
    size_of,
)
from ..tracer import Storage, Tracer
from .memory import given
from .nesting import nested
from .operands import active, broadcast, check_dtype, is_weak, together, tracer, truth
from .table import implements

# What ufunc.reduce is called by name.
REDUCTIONS: dict[np.ufunc, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
_NONE = np._NoValue


def array_of(operand: Any, dtype: np.dtype[Any] | None = None) -> Tracer:
    """Return an operand as a tracer; lists with traced values in them are joined."""
    return tracer(nested(operand), dtype)


def is_given(option: Any) -> bool:
    """Whether an option is given (NumPy's sign for "not given" is an object of its own)."""
    return option is not _NONE


def keeps(keepdims: Any) -> bool:
    """Return ``keepdims`` as a bool."""
    return bool(keepdims) if is_given(keepdims) else False


def _axes(axis: Any, x: Tracer) -> tuple[int, ...]:
    # A scalar has an axis 0 to NumPy's ufuncs.
    if not x.ndim and axis is not None and not isinstance(axis, tuple) and integer(axis) in (0, -1):
        return ()
    return normalize_axes(axis, x.ndim)


def reduced(primitive: Any, x: Tracer, axis: Any, keepdims: Any, **attrs: Any) -> Any:
    """Apply the primitive of a reduction over ``axis`` as NumPy names it."""
    return primitive(x, axes=_axes(axis, x), keepdims=keeps(keepdims), **attrs)


def axis_of(axis: Any, x: Tracer) -> int:
    """Return an axis counted from the front; it may be a number that is known while capturing."""
    return normalize_axis(integer(axis), x.ndim)


def extent(x: Tracer, axis: Any) -> Dim:
    """Return how many elements a reduction over ``axis`` takes together."""
    return size_of([x.shape[one] for one in _axes(axis, x)])


def number_of(size: Dim) -> Any:
    """Return a size as a Python number, or where it is not known as what stands for one."""
    if isinstance(size, int):
        return size
    value = active().add(extent_, (), {"dim": size, "dtype": INDEX_DTYPE})
    return Tracer(active(), Storage(value), scalar=True, weak=True)


def known_extent(x: Tracer, axis: int, function: str) -> int:
    """Return the size of an axis as a number.

    Raises:
        TypeRuleError: It is not known while capturing.
    """
    size = x.shape[axis]
    if isinstance(size, Sym):
        raise TypeRuleError(
            f"{function} along the unknown size {size}",
            fix="give gradc.spec a number for this size",
        )
    return size


def only(x: Tracer, where: Any, number: Any) -> Tracer:
    """Return an array with a number in place of what ``where`` leaves out."""
    if not is_given(where) or where is True:
        return x
    mask = array_of(where)
    mask = mask if mask.dtype == np.bool_ else truth(mask)
    other = tracer(number, x.dtype)
    shape = broadcast_shapes(x.shape, mask.shape)
    if shape != x.shape:
        raise TypeRuleError(
            "where= has a shape that the array does not have", got=f"{mask.type} for {x.type}"
        )
    return elementwise.where(*together((mask, x, other), (mask.dtype, x.dtype, x.dtype)))  # type: ignore[no-any-return]


def started(result: Any, initial: Any, ufunc: np.ufunc) -> Any:
    """Return the result of a reduction that starts with ``initial``."""
    if not is_given(initial) or initial is None:
        return result
    if not is_weak(initial) or (isinstance(initial, float) and result.dtype.kind != "f"):
        kind = tracer(initial).dtype
        if not np.can_cast(kind, result.dtype, "same_kind"):
            raise TypeError(f"cannot cast initial= from {kind} to {result.dtype}")
    return ufunc(result, broadcast(tracer(initial, result.dtype), result.shape))


def accumulator(x: Tracer, dtype: Any, out: Any = None) -> np.dtype[Any]:
    """Return the dtype in which NumPy adds and multiplies: small integers become int64."""
    if dtype is None and isinstance(out, Tracer):
        dtype = out.dtype
        if not np.can_cast(x.dtype, dtype, "same_kind"):
            raise TypeError(f"cannot cast from {x.dtype} to the dtype of out=, {dtype}")
    if dtype is not None:
        wanted: np.dtype[Any] = np.dtype(dtype)
        check_dtype(wanted)
        return wanted
    wide = {"b": np.int64, "i": np.int64, "u": np.uint64}
    kind = x.dtype.kind
    return np.dtype(wide.get(kind, x.dtype.type))


def _accumulated(primitive: Any, ufunc: np.ufunc, neutral: int) -> Callable[..., Any]:
    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        x = array_of(a)
        wanted = accumulator(x, dtype, out)
        x = tracer(x, wanted)
        if wanted == np.bool_:  # NumPy's sums and products of bools are logic
            logic = reduce.any_ if ufunc is np.add else reduce.all_
            result = reduced(logic, only(x, where, neutral), axis, keepdims)
        else:
            result = reduced(primitive, only(x, where, neutral), axis, keepdims)
            if result.dtype != wanted:  # small integers on demand: they wrap around either way
                result = tracer(result, wanted)
        return given(out, started(result, initial, ufunc), f"np.{primitive.name}")

    return function


implements(np.sum, method="sum")(_accumulated(reduce.sum_, np.add, 0))
implements(np.prod, method="prod")(_accumulated(reduce.prod, np.multiply, 1))


def floating(a: Any, dtype: Any = None) -> Tracer:
    """Return an array of floats: of ``dtype``, or float64 for integers.

    Raises:
        TypeError: The dtype is not one of floats.
    """
    x = array_of(a)
    if dtype is not None:
        wanted: np.dtype[Any] = np.dtype(dtype)
        check_dtype(wanted)
        if wanted.kind != "f":
            raise TypeRuleError("a mean needs a dtype of floats", got=f"dtype={wanted}")
        return tracer(x, wanted)
    return x if x.dtype.kind == "f" else tracer(x, np.dtype(np.float64))


def counted(x: Tracer, axis: Any, keepdims: Any, where: Any) -> Any:
    """Return how many elements ``where`` leaves, in the dtype of ``x``."""
    ones = tracer(np.ones_like(x, dtype=np.int64))
    return tracer(reduced(reduce.sum_, only(ones, where, 0), axis, keepdims), x.dtype)


@implements(np.mean, method="mean")
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NONE,
    *,
    where: Any = _NONE,
) -> Any:
    """``np.mean``."""
    x = floating(a, dtype)
    if not is_given(where) or where is True:
        result = reduced(reduce.mean, x, axis, keepdims)
    else:
        total = reduced(reduce.sum_, only(x, where, 0), axis, keepdims)
        result = total / counted(x, axis, keepdims, where)
    return given(out, result, "np.mean")


def _extremum(primitive: Any, ufunc: np.ufunc) -> Callable[..., Any]:
    def function(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        x = array_of(a)
        masked = is_given(where) and where is not True
        if masked and not is_given(initial):
            raise ValueError(
                f"reduction operation '{ufunc.__name__}' does not have an identity, so to use a "
                "where mask one has to specify 'initial'"
            )
        if is_given(initial) and extent(x, axis) == 0:
            empty = reduced(reduce.sum_, x, axis, keepdims)
            result: Any = np.full_like(empty, initial, dtype=x.dtype)
        elif masked:
            result = started(
                reduced(primitive, only(x, where, initial), axis, keepdims), initial, ufunc
            )
        else:
            result = started(reduced(primitive, x, axis, keepdims), initial, ufunc)
        return given(out, result, f"np.{primitive.name}")

    return function


implements(np.max, np.amax, method="max")(_extremum(reduce.max_, np.maximum))
implements(np.min, np.amin, method="min")(_extremum(reduce.min_, np.minimum))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NONE) -> Any:
    """``np.ptp``: the largest minus the smallest."""
    x = array_of(a)
    high = reduced(reduce.max_, x, axis, keepdims)
    return given(out, high - reduced(reduce.min_, x, axis, keepdims), "np.ptp")


def _place(primitive: Any) -> Callable[..., Any]:
    def function(a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = _NONE) -> Any:
        result = reduced(primitive, array_of(a), axis, keepdims)
        return given(out, result, f"np.{primitive.name}")

    return function


implements(np.argmax, method="argmax")(_place(reduce.argmax))
implements(np.argmin, method="argmin")(_place(reduce.argmin))


def _quantifier(primitive: Any, neutral: bool) -> Callable[..., Any]:
    def function(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NONE, *, where: Any = _NONE
    ) -> Any:
        x = array_of(a)
        x = only(x if x.dtype == np.bool_ else truth(x), where, neutral)
        return given(out, reduced(primitive, x, axis, keepdims), f"np.{primitive.name}")

    return function


implements(np.any, method="any")(_quantifier(reduce.any_, False))
implements(np.all, method="all")(_quantifier(reduce.all_, True))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """``np.count_nonzero``."""
    x = array_of(a)
    x = x if x.dtype == np.bool_ else truth(x)
    return reduced(reduce.sum_, tracer(x, np.dtype(np.int64)), axis, keepdims)
