"""NumPy's reductions that leave NaN out.

The gradient of what is left out is 0. Where nothing is left NumPy's answer is NaN with a warning;
here it is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tracer import Tracer
from .memory import given
from .reductions import array_of, extent, is_given, keeps
from .table import implements

_NONE = np._NoValue


def _filled(a: Any, number: float) -> Tracer:
    """Return an array with a number in place of NaN."""
    x = array_of(a)
    return np.where(np.isnan(x), number, x) if x.dtype.kind == "f" else x  # type: ignore[return-value]


def present(x: Any, where: Any = _NONE) -> Any:
    """Return where an array is not NaN, and ``where`` leaves it."""
    there = ~np.isnan(x)
    return there & where if is_given(where) else there


def _accumulated(function: Callable[..., Any], neutral: int) -> Callable[..., Any]:
    def without_nan(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        return function(
            _filled(a, neutral), axis, dtype, out, keepdims=keepdims, initial=initial, where=where
        )

    return without_nan


implements(np.nansum)(_accumulated(np.sum, 0))
implements(np.nanprod)(_accumulated(np.prod, 1))


def _running(function: Callable[..., Any], neutral: int) -> Callable[..., Any]:
    def without_nan(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        return function(_filled(a, neutral), axis, dtype, out)

    return without_nan


implements(np.nancumsum)(_running(np.cumsum, 0))
implements(np.nancumprod)(_running(np.cumprod, 1))


def _extremum(function: Callable[..., Any], last: float) -> Callable[..., Any]:
    def without_nan(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        x = array_of(a)
        options = {"keepdims": keepdims, "initial": initial, "where": where}
        if x.dtype.kind != "f":
            return function(x, axis, out, **options)
        result = function(_filled(x, last), axis, **options)
        if not is_given(initial) and extent(x, axis) != 0:
            empty = np.all(np.isnan(x), axis, keepdims=keeps(keepdims))
            result = np.where(empty, np.nan, result)
        return given(out, result, f"np.nan{function.__name__}")

    return without_nan


implements(np.nanmax)(_extremum(np.max, -np.inf))
implements(np.nanmin)(_extremum(np.min, np.inf))


def _place(function: Callable[..., Any], last: float) -> Callable[..., Any]:
    def without_nan(
        a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = _NONE
    ) -> Any:
        return function(_filled(a, last), axis, out, keepdims=keepdims)

    return without_nan


# NumPy raises an error where all are NaN; that is known only when the program runs.
implements(np.nanargmax)(_place(np.argmax, -np.inf))
implements(np.nanargmin)(_place(np.argmin, np.inf))


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NONE,
    *,
    where: Any = _NONE,
) -> Any:
    """``np.nanmean``."""
    x = array_of(a)
    if x.dtype.kind != "f":
        return np.mean(x, axis, dtype, out, keepdims=keepdims, where=where)
    total = np.sum(_filled(x, 0), axis, dtype, keepdims=keepdims, where=where)
    count = np.sum(present(x, where), axis, dtype=total.dtype, keepdims=keepdims)
    return given(out, total / count, "np.nanmean")


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    def without_nan(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: int = 0,
        keepdims: Any = _NONE,
        *,
        where: Any = _NONE,
        mean: Any = _NONE,
        correction: Any = _NONE,
    ) -> Any:
        x = array_of(a)
        options = {"keepdims": keepdims, "mean": mean, "correction": correction}
        if x.dtype.kind != "f":
            return function(x, axis, dtype, out, ddof, where=where, **options)
        there = present(x, where)
        result = function(_filled(x, 0), axis, dtype, None, ddof, where=there, **options)
        free = ddof if correction is _NONE else correction
        if free > 0:  # without a degree of freedom np.var is infinite, and np.nanvar is NaN
            count = np.sum(there, axis, keepdims=keepdims)
            result = np.where(count <= free, np.nan, result)
        return given(out, result, f"np.nan{function.__name__}")

    return without_nan


implements(np.nanvar)(_spread(np.var))
implements(np.nanstd)(_spread(np.std))
