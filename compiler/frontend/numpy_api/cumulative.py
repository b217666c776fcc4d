"""NumPy's cumulative functions, and the ``accumulate`` of ufuncs."""

from __future__ import annotations

from collections.abc import Callable
from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import cumulative as primitives
from ..tracer import Tracer
from .memory import given
from .operands import check_dtype, tracer
from .reductions import accumulator, array_of, axis_of, known_extent
from .table import implements


def _along(a: Any, axis: Any) -> tuple[Tracer, int]:
    """Return the array and its axis; without an axis it is taken as a vector."""
    x = array_of(a)
    if axis is None or (not x.ndim and integer(axis) in (0, -1)):
        return (x, 0) if x.ndim == 1 else (np.ravel(x), 0)  # type: ignore[return-value]
    return x, axis_of(axis, x)


def _running(primitive: Any, a: Any, axis: Any, dtype: Any, out: Any, name: str) -> Any:
    x, axis = _along(a, axis)
    wanted = accumulator(x, dtype, out)
    x = tracer(x, wanted)
    if wanted == np.bool_:  # NumPy's sums and products of bools are logic
        logic = primitives.cummax if primitive is primitives.cumsum else primitives.cummin
        result = logic(x, axis=axis)
    else:
        result = tracer(primitive(x, axis=axis), wanted)
    return given(out, result, name)


@implements(np.cumsum, method="cumsum")
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """``np.cumsum``."""
    return _running(primitives.cumsum, a, axis, dtype, out, "np.cumsum")


@implements(np.cumprod, method="cumprod")
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """``np.cumprod``."""
    return _running(primitives.cumprod, a, axis, dtype, out, "np.cumprod")


def _of_array_api(running: Callable[..., Any], start: int) -> Callable[..., Any]:
    def function(
        x: Any,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        x = array_of(x)
        if axis is None:
            if x.ndim > 1:
                raise ValueError("For arrays which have more than one dimension ``axis`` argument "
                                 "is required.")  # fmt: skip
            axis = 0
        name = "np.cumulative_sum" if start == 0 else "np.cumulative_prod"
        result = running(np.atleast_1d(x), axis, dtype)
        if include_initial:
            at = axis_of(axis, result)
            first = np.full_like(
                result, start, shape=(*result.shape[:at], 1, *result.shape[at + 1 :])
            )
            result = np.concatenate([first, result], axis=axis)
        return given(out, result, name)

    return function


# NumPy 2.0 does not have them.
if hasattr(np, "cumulative_sum"):
    implements(np.cumulative_sum)(_of_array_api(cumsum, 0))
    implements(np.cumulative_prod)(_of_array_api(cumprod, 1))


def _extremum(primitive: Any) -> Callable[..., Any]:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        x = tracer(array, None if dtype is None else np.dtype(dtype))
        result = primitive(x, axis=axis_of(axis, x))
        return given(out, result, f"np.{primitive.name[3:]}imum.accumulate")

    return accumulate


def _logaddexp(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """``np.logaddexp.accumulate``, by doubling: each step joins twice as many elements."""
    x: Any = array_of(array)
    if dtype is not None or x.dtype.kind != "f":
        wanted = np.dtype(np.float64 if dtype is None else dtype)
        check_dtype(wanted)
        x = tracer(x, wanted)
    axis = axis_of(axis, x)
    count = known_extent(x, axis, "np.logaddexp.accumulate")
    total: Any = np.moveaxis(x, axis, 0)
    step = 1
    while step < count:
        joined = np.logaddexp(total[step:], total[:-step])
        total = np.concatenate([total[:step], joined])
        step *= 2
    result: Any = np.copy(x) if count < 2 else np.moveaxis(total, 0, axis)
    return given(out, result, "np.logaddexp.accumulate")


def _accumulated(function: Callable[..., Any]) -> Callable[..., Any]:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return function(array, axis, dtype, out)

    return accumulate


# What ufunc.accumulate does: ``(array, axis=0, dtype=None, out=None)``.
ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _accumulated(cumsum),
    np.multiply: _accumulated(cumprod),
    np.maximum: _extremum(primitives.cummax),
    np.minimum: _extremum(primitives.cummin),
    np.logaddexp: _logaddexp,
}
