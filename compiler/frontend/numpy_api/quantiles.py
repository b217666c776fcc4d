"""Medians, quantiles and percentiles: what lies at a place, or between two, of the sorted array.

The gradient goes to the elements at these places. Methods are numbered by Hyndman and Fan, Sample
quantiles in statistical packages (1996), as in NumPy's documentation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import TypeRuleError
from ...types import Dim, normalize_axes, reduced_shape, size_of
from ..concrete import plain
from ..tracer import Tracer
from .memory import given
from .nan import present
from .nesting import nested
from .operands import is_weak, tracer
from .reductions import array_of, extent, floating, is_given, keeps, number_of
from .table import implements, refuse

_NONE = np._NoValue

# The constants alpha and beta of the continuous methods (4 to 9).
_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
_DISCRETE = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")
_BETWEEN = ("averaged_inverted_cdf", "midpoint")


class _Sorted(NamedTuple):
    """An array sorted along its first axis, which takes the place of the reduced ones.

    Attributes:
        rows: The sorted elements, NaN last.
        count: How many of them count: a number that may be traced, or an array like a row.
        kept: The shape that the result has with ``keepdims``.
        shape: The shape that it has without.
    """

    rows: Any
    count: Any
    kept: tuple[Dim, ...]
    shape: tuple[Dim, ...]


def _sorted(x: Any, axis: Any, function: str) -> _Sorted:
    axes = normalize_axes(axis, x.ndim)
    kept, shape = reduced_shape(x.shape, axes, True), reduced_shape(x.shape, axes, False)
    front = np.moveaxis(x, axes, range(len(axes)))
    size = size_of([x.shape[one] for one in axes])
    rows = np.reshape(front, (size, *shape)) if len(axes) != 1 else front
    count = number_of(size)
    if size == 0:
        raise TypeRuleError(f"{function} of no elements has no value", got=str(x.type))
    return _Sorted(np.sort(rows, axis=0), count, kept, shape)


def _marked(result: Any, ordered: _Sorted) -> Any:
    """Return the result with NaN where there is one among the elements."""
    last: Any = ordered.rows[-1]
    return np.where(np.isnan(last), np.nan, result) if last.dtype.kind == "f" else result


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """``np.median``."""
    x = array_of(a)
    if extent(x, axis) == 0:  # NaN, as the mean
        return np.mean(x, axis, out=out, keepdims=keepdims)
    ordered = _sorted(x, axis, "np.median")
    half, below, rows = ordered.count // 2, (ordered.count - 1) // 2, ordered.rows
    if not isinstance(half, Tracer) and half == below:
        middle: Any = floating(rows[half])
    else:
        middle = (floating(rows[below]) + floating(rows[half])) / 2
    result: Any = _marked(middle, ordered)
    result = np.reshape(result, ordered.kept) if keepdims else result
    return given(out, result, "np.median")


@implements(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = _NONE,
) -> Any:
    """``np.nanmedian``."""
    x = array_of(a)
    if x.dtype.kind != "f" or extent(x, axis) == 0:
        return median(x, axis, out, False, keeps(keepdims))
    ordered = _without_nan(x, axis, "np.nanmedian")
    low, high = np.maximum((ordered.count - 1) // 2, 0), ordered.count // 2
    result: Any = (_taken(ordered.rows, low) + _taken(ordered.rows, high)) / 2
    result = np.reshape(result, ordered.kept) if keeps(keepdims) else result
    return given(out, result, "np.nanmedian")


def _without_nan(x: Tracer, axis: Any, function: str) -> _Sorted:
    ordered = _sorted(x, axis, function)
    return ordered._replace(count=np.sum(present(ordered.rows), axis=0))


def _taken(rows: Any, places: Any) -> Any:
    """Return the elements at places that differ from column to column, ``(..., *shape)``."""
    lead = places.shape[: places.ndim - rows.ndim + 1]
    wanted = np.reshape(places, (size_of(lead), *rows.shape[1:]))
    return np.reshape(np.take_along_axis(rows, wanted, axis=0), places.shape)


def _virtual_place(count: Any, q: Any, method: str) -> Any:
    """Return where a quantile lies: an index that may have a fraction, or be out of range."""
    if method in ("linear", "lower", "higher", "nearest", "midpoint"):
        return (count - 1) * q
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        return count * q + (alpha + q * (1 - alpha - beta)) - 1
    return count * q - (1.5 if method == "closest_observation" else 1)


def _discrete(place: Any, method: str) -> Any:
    """Return the index of the element that a discrete method takes."""
    if method == "lower":
        return np.floor(place)
    if method == "higher":
        return np.ceil(place)
    if method == "nearest":
        return np.rint(place)
    below = np.floor(place)
    exact = place == below
    if method == "closest_observation":  # of two equally near ones the even one, counted from 1
        exact = exact & (below % 2 == 1)
    return np.where(exact, below, below + 1)


def _share(place: Any, method: str) -> Any:
    """Return how much of the upper neighbour is taken."""
    share = place - np.floor(place)
    if method == "averaged_inverted_cdf":
        return np.where(share == 0, 0.5, 1.0)
    if method == "midpoint":
        return np.where(share == 0, 0.0, 0.5)
    return share


def _between(ordered: _Sorted, q: Any, method: str) -> Any:
    if method not in (*_CONTINUOUS, *_DISCRETE, *_BETWEEN):
        raise ValueError(f"{method!r} is not a valid method")
    rank, columns = np.ndim(q), np.ndim(ordered.count)
    if columns:
        q = np.reshape(q, (*np.shape(q), *(1,) * columns))
    place, last = _virtual_place(ordered.count, q, method), ordered.count - 1

    def element(index: Any) -> Any:
        index = np.minimum(np.maximum(index, 0), last)
        if isinstance(index, Tracer):
            index = tracer(index, np.dtype(np.int64))
            return _taken(ordered.rows, np.maximum(index, 0)) if columns else ordered.rows[index]
        return ordered.rows[index.astype(np.int64) if rank else int(index)]

    if method in _DISCRETE:
        return element(_discrete(place, method))
    low = np.floor(place)
    share = _share(place, method)
    if type(q) is float and not isinstance(share, Tracer):
        share = float(share)
    if not columns:
        share = np.reshape(share, (*np.shape(share), *(1,) * len(ordered.shape))) if rank else share
    below = element(low)
    if not isinstance(share, Tracer) and not np.any(share):  # inf - inf has no place here
        exact = floating(below)
        return exact if type(share) is float else tracer(exact, np.result_type(exact.dtype, share))
    return below + (element(low + 1) - below) * share


def _quantile(
    a: Any, q: Any, axis: Any, method: str, keepdims: bool, function: str, nan: bool
) -> Any:
    x, q = array_of(a), nested(plain(q))
    weak = is_weak(q)
    if not isinstance(q, Tracer):
        q = float(q) if weak else np.asarray(q, np.float64)
        if not np.all((q >= 0) & (q <= 1)):
            raise ValueError("Quantiles must be in the range [0, 1]")
    if x.dtype == np.bool_ and method not in _DISCRETE:
        raise TypeError("quantiles of bools need a method that does not interpolate")
    if nan and x.dtype.kind == "f":
        ordered = _without_nan(x, axis, function)
        result = _between(ordered, q, method)
    else:
        ordered = _sorted(x, axis, function)
        result = _marked(_between(ordered, q, method), ordered)
    if weak and x.dtype.kind == "f":
        result = tracer(result, x.dtype)
    return np.reshape(result, (*np.shape(q), *ordered.kept)) if keepdims else result


def _function(name: str, parts: int, nan: bool) -> Any:
    def function(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = _NONE,
        *,
        weights: Any = None,
        interpolation: Any = None,
    ) -> Any:
        refuse(name, weights=weights, interpolation=interpolation)
        q = nested(plain(q))
        if parts != 1:
            q = q / parts if isinstance(q, float | int | np.ndarray) else np.asarray(q) / parts
        kept = is_given(keepdims) and bool(keepdims)
        return given(out, _quantile(a, q, axis, method, kept, name, nan), name)

    return function


implements(np.quantile)(_function("np.quantile", 1, nan=False))
implements(np.percentile)(_function("np.percentile", 100, nan=False))
implements(np.nanquantile)(_function("np.nanquantile", 1, nan=True))
implements(np.nanpercentile)(_function("np.nanpercentile", 100, nan=True))
