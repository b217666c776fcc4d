"""Variances, weighted means and correlations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...primitives import reduce
from ...types import Dim
from ..tracer import Tracer
from .memory import given
from .nesting import nested
from .operands import broadcast, check_dtype, common_dtype, tracer
from .reductions import array_of, axis_of, counted, extent, floating, is_given, number_of, reduced
from .table import implements

_NONE = np._NoValue


def _root(x: Any) -> Any:
    """Return the square root, with slope 0 at 0, where a deviation has its kink."""
    flat = x == 0
    return np.where(flat, 0.0, np.sqrt(np.where(flat, 1.0, x)))


def _spread(primitive: Any) -> Callable[..., Any]:
    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: Any = _NONE,
        *,
        where: Any = _NONE,
        mean: Any = _NONE,
        correction: Any = _NONE,
    ) -> Any:
        if is_given(correction):
            if ddof != 0:
                raise ValueError("ddof and correction can't be provided simultaneously.")
            ddof = correction
        x = floating(a, dtype)
        if extent(x, axis) == 0:  # NaN, as the mean
            return np.mean(x, axis, out=out, keepdims=keepdims)
        free = float(ddof)
        if where is True or not is_given(where):
            if not is_given(mean):
                free = int(free) if free.is_integer() else free
                return given(
                    out, reduced(primitive, x, axis, keepdims, ddof=free), f"np.{primitive.name}"
                )
            where = _NONE
        result = _variance(x, axis, keepdims, where, mean, free)
        result = _root(result) if primitive is reduce.std else result
        return given(out, result, f"np.{primitive.name}")

    return function


def _variance(x: Tracer, axis: Any, keepdims: Any, where: Any, mean: Any, ddof: float) -> Any:
    centre = mean if is_given(mean) else np.mean(x, axis, keepdims=True, where=where)
    apart = x - tracer(centre, x.dtype)
    total = np.sum(apart * apart, axis, keepdims=keepdims, where=where)
    if is_given(where):
        return total / np.maximum(counted(x, axis, keepdims, where) - ddof, 0.0)
    return total / _freedom(extent(x, axis), ddof)


def _freedom(count: Dim, ddof: float) -> Any:
    """Return the degrees of freedom: how many elements there are but ``ddof``."""
    return (
        max(count - ddof, 0) if isinstance(count, int) else np.maximum(number_of(count) - ddof, 0)
    )


implements(np.var, method="var")(_spread(reduce.var))
implements(np.std, method="std")(_spread(reduce.std))


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = _NONE
) -> Any:
    """``np.average``. Weights that sum to 0 give NaN; NumPy raises an error."""
    x = array_of(a)
    if weights is None:
        result = np.mean(x, axis, keepdims=keepdims)
        if not returned:
            return result
        count = number_of(extent(x, axis))
        return result, np.full_like(result, count)
    weight: Any = array_of(weights)
    keys: list[Any] = [x, weight]
    dtype = common_dtype(keys, weak_numbers=False)
    if x.dtype.kind != "f":
        dtype = np.result_type(dtype, np.float64)
    check_dtype(dtype)
    x, weight = tracer(x, dtype), tracer(weight, dtype)
    if x.shape != weight.shape:
        weight = _for_axes(weight, x, axis)
    scale: Any = np.sum(weight, axis, keepdims=keepdims)
    result = np.sum(x * weight, axis, keepdims=keepdims) / scale
    if not returned:
        return result
    return result, np.copy(broadcast(array_of(scale), tracer(result).shape))


def _for_axes(weight: Tracer, x: Tracer, axis: Any) -> Any:
    """Return weights of some axes in a shape that broadcasts against the array."""
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    given_axes = axis if isinstance(axis, tuple) else (axis,)
    places = [axis_of(one, x) for one in given_axes]
    if weight.shape != tuple(x.shape[one] for one in places):
        raise ValueError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    ordered = np.transpose(weight, np.argsort(places).tolist())
    return np.reshape(ordered, tuple(dim if i in places else 1 for i, dim in enumerate(x.shape)))


def _variables(m: Any, rowvar: bool, dtype: np.dtype[Any]) -> Any:
    """Return observations with a row for each variable."""
    x = array_of(m, dtype)
    if x.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    rows = np.atleast_2d(x)
    return rows if rowvar or x.ndim < 2 else rows.T


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """``np.cov``."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    given_arrays = [nested(one) for one in (m, y) if one is not None]
    wanted = np.result_type(common_dtype(given_arrays, weak_numbers=False), np.float64)
    wanted = wanted if dtype is None else np.dtype(dtype)
    check_dtype(wanted)
    x = _variables(m, rowvar, wanted)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar, wanted)], axis=0)
    free = (0 if bias else 1) if ddof is None else int(ddof)
    given_weights = [one for one in (fweights, aweights) if one is not None]
    if given_weights:
        weight = array_of(given_weights[0], wanted)
        if len(given_weights) == 2:
            weight = weight * array_of(given_weights[1], wanted)
        centre, total = average(x, 1, weight, True)
        total = total[0]
        if aweights is None or free == 0:
            scale = total - free
        else:
            scale = total - free * np.sum(weight * array_of(aweights, wanted)) / total
        x = x - centre[:, None]
        return np.squeeze(np.matmul(x, (x * weight).T) * (1 / scale))
    x = x - np.mean(x, axis=1, keepdims=True)
    freedom = _freedom(x.shape[1], free)
    return np.squeeze(np.matmul(x, x.T) * np.true_divide(1, freedom))


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """``np.corrcoef``."""
    c: Any = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    return np.clip(c / deviation[:, None] / deviation[None, :], -1, 1)
