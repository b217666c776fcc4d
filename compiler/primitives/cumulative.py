"""Primitives that work their way along an axis: sums, products and extrema so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DerivativeError, TypeRuleError
from ..primitive import (
    REGISTRY,
    Adjoint,
    Attrs,
    Cumulative,
    Derivative,
    Example,
    Linear,
    NumPy,
    Primitive,
    Scatter,
)
from ..types import ArrayType, normalize_axis
from .batching import along
from .elementwise import equal, where
from .elementwise.casting import filled
from .elementwise.kind import check_kinds
from .reduce import accumulated, shifted
from .selection import Gather
from .sort import numbers_along, places_along

EXAMPLES = (
    Example(((4,),), {"axis": 0}),
    Example(((2, 3),), {"axis": 0}),
    Example(((2, 3),), {"axis": 1}),
    Example(((2, 5, 1),), {"axis": 1}),
    Example(((1,),), {"axis": 0}),
    Example(((0, 2),), {"axis": 0}),
    Example(((3, 0),), {"axis": 0}),
)


def _type(result: Callable[[np.dtype[Any]], np.dtype[Any]]) -> Callable[..., ArrayType]:
    def rule(x: ArrayType, axis: int) -> ArrayType:
        check_kinds(x, "fib")
        if normalize_axis(axis, x.ndim) != axis:
            raise TypeRuleError(f"axis {axis} must be counted from the front")
        return x.with_dtype(result(x.dtype))

    return rule


def _text(call: str, *, reverse: bool = False) -> Callable[[Sequence[ArrayType], Attrs], str]:
    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        axis = attrs["axis"]
        turned = "[" + ":, " * axis + "::-1]" if reverse else ""
        options = f"axis={axis}" if types[0].ndim > 1 else ""
        if "{0}" in call:  # a function, and not a method
            return call + (f", {options})" if options else ")")
        return f"{{0}}{turned}.{call}({options}){turned}"

    return text


def _entry(
    name: str,
    text: Callable[[Sequence[ArrayType], Attrs], str],
    lower: Cumulative,
    derivative: Derivative,
    result: Callable[[np.dtype[Any]], np.dtype[Any]] = accumulated,
) -> Primitive:
    return Primitive(
        name,
        type=_type(result),
        derivative=derivative,
        numpy=NumPy(text),
        lower=lower,
        dtypes="fib",
        examples=EXAMPLES,
        batch=along("axis"),
    )


cumsum: Primitive = _entry(
    "cumsum",
    _text("cumsum"),
    Cumulative("add"),
    Linear(lambda ct, x, axis: (reverse_cumsum(ct, axis=axis),)),
)
# The sum of each element and all behind it.
reverse_cumsum: Primitive = _entry(
    "reverse_cumsum",
    _text("cumsum", reverse=True),
    Cumulative("add", reverse=True),
    Linear(lambda ct, x, axis: (cumsum(ct, axis=axis),)),
)


def _cumprod_adjoint(ct: Any, out: Any, x: Any, axis: int) -> tuple[Any]:
    """Return what comes before each element, times the sum of ct x products of what lies between.

    The sum is that of the recurrence ``s[i] = ct[i] + x[i + 1] s[i + 1]``, worked out by doubling
    (Hillis and Steele, Data parallel algorithms, 1986): no division, so zeros are no exception, in
    any order of derivative.
    """
    count = x.shape[axis]
    if not isinstance(count, int):
        raise DerivativeError(
            f"along the unknown size {count} it has no derivative",
            fix="give gradc.spec a number for this size",
        )
    factor, total = shifted(x, -1, axis, 0.0), ct
    step = 1
    while step < count:
        total = total + factor * shifted(total, -step, axis, 0.0)
        factor = factor * shifted(factor, -step, axis, 0.0)
        step *= 2
    return (shifted(out, 1, axis, 1.0) * total,)


cumprod = _entry("cumprod", _text("cumprod"), Cumulative("multiply"), Adjoint(_cumprod_adjoint))


def _extremum_adjoint(name: str) -> Callable[..., tuple[Any]]:
    def rule(ct: Any, out: Any, x: Any, axis: int) -> tuple[Any]:
        # The gradient goes to the last of those that are equal, as in PyTorch; NaN stays for good.
        nan = REGISTRY["not_equal"](x, x)
        reached = REGISTRY["logical_or"](equal(x, out), nan)
        numbers = numbers_along(x, axis)
        places = REGISTRY["cummax"](where(reached, numbers, filled(numbers, 0)), axis=axis)
        indices = places_along(places, axis)
        return (Scatter(ct, indices, (Gather(),) * len(indices)),)

    return rule


def _same(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype


cummax = _entry(
    "cummax",
    _text("np.maximum.accumulate({0}"),
    Cumulative("maximum"),
    Adjoint(_extremum_adjoint("cummax")),
    _same,
)
cummin = _entry(
    "cummin",
    _text("np.minimum.accumulate({0}"),
    Cumulative("minimum"),
    Adjoint(_extremum_adjoint("cummin")),
    _same,
)
