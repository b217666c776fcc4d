"""Differences, slopes and integrals of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...types import Sym, normalize_axes
from ..tracer import Tracer
from .nesting import nested
from .operands import common_dtype, tracer
from .reductions import array_of, axis_of, floating, known_extent
from .table import implements

_NONE = np._NoValue


def _part(x: Any, axis: int, *places: Any) -> Any:
    """Return a part of an array along an axis: an index, or the ends of a slice."""
    place = places[0] if len(places) == 1 else slice(*places)
    return x[(*(slice(None),) * axis, place)]


def _beside(x: Any, edge: Any, axis: int) -> Any:
    edge = array_of(edge)
    if edge.ndim == 0:
        return np.broadcast_to(edge, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    return edge


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = _NONE, append: Any = _NONE) -> Any:
    """``np.diff``."""
    if n == 0:
        return a
    if n < 0:
        raise ValueError("order must be non-negative but got " + repr(n))
    x: Any = array_of(a)
    if x.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = axis_of(axis, x)
    parts = [x]
    if prepend is not _NONE:
        parts.insert(0, _beside(x, prepend, axis))
    if append is not _NONE:
        parts.append(_beside(x, append, axis))
    x = np.concatenate(parts, axis=axis) if len(parts) > 1 else x
    for _ in range(n):
        later, sooner = _part(x, axis, 1, None), _part(x, axis, None, -1)
        x = later != sooner if x.dtype == np.bool_ else later - sooner
    return x


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``np.ediff1d``."""
    x: Any = np.ravel(array_of(ary))
    parts = [*_edge(to_begin, x), x[1:] - x[:-1], *_edge(to_end, x)]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _edge(edge: Any, x: Any) -> list[Any]:
    if edge is None:
        return []
    edge = np.ravel(array_of(edge))
    if not np.can_cast(edge.dtype, x.dtype, "same_kind"):
        raise TypeError(f"cannot cast {edge.dtype} to {x.dtype} (to_begin=, to_end=)")
    return [tracer(edge, x.dtype)]


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``np.trapezoid``."""
    y = array_of(y)
    axis = axis_of(axis, y)
    width = dx
    if x is not None:
        places = array_of(x)
        if places.ndim == 1:
            width = np.reshape(np.diff(places), (-1,) + (1,) * (y.ndim - axis - 1))
        else:
            width = np.diff(places, axis=axis)
    return np.sum(width * (_part(y, axis, 1, None) + _part(y, axis, None, -1)) / 2.0, axis=axis)


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``np.gradient``: central differences, one-sided ones at the ends."""
    f = array_of(f)
    axes = normalize_axes(None, f.ndim)
    if axis is not None:
        axes = tuple(axis_of(one, f) for one in (axis if isinstance(axis, tuple) else (axis,)))
    spacings: list[Any] = [nested(one) for one in varargs] or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if f.dtype == np.bool_:
        raise TypeError("np.gradient of bools: numpy boolean subtract is not supported")
    f = floating(f)
    found = [_slope(f, one, along, edge_order) for along, one in zip(axes, spacings, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slope(f: Tracer, spacing: Any, axis: int, edge_order: int) -> Any:
    size = f.shape[axis]
    if not isinstance(size, Sym) and size < edge_order + 1:
        raise ValueError("Shape of array too small to calculate a numerical gradient, at least "
                         "(edge_order + 1) elements are required.")  # fmt: skip
    if np.ndim(spacing) == 0:
        parts = _even_slopes(f, spacing, axis, edge_order)
    else:
        known_extent(f, axis, "np.gradient with coordinates")
        widths = np.diff(tracer(spacing, common_dtype((f, spacing))))
        parts = _uneven_slopes(f, widths, axis, edge_order)
    return tracer(np.concatenate(parts, axis=axis), f.dtype)


def _even_slopes(f: Tracer, h: Any, axis: int, edge_order: int) -> list[Any]:
    middle = (_part(f, axis, 2, None) - _part(f, axis, None, -2)) / (2.0 * h)
    if edge_order == 1:
        first = (_part(f, axis, 1, 2) - _part(f, axis, 0, 1)) / h
        last = (_part(f, axis, -1, None) - _part(f, axis, -2, -1)) / h
        return [first, middle, last]
    near, next_, far = (_part(f, axis, i, i + 1) for i in range(3))
    first = (-1.5 / h) * near + (2.0 / h) * next_ + (-0.5 / h) * far
    far, next_, near = (_part(f, axis, i, i + 1 or None) for i in (-3, -2, -1))
    last = (0.5 / h) * far + (-2.0 / h) * next_ + (1.5 / h) * near
    return [first, middle, last]


def _uneven_slopes(f: Tracer, widths: Any, axis: int, edge_order: int) -> list[Any]:
    """Return the slopes of the parabolas through three points each (of lines at edge_order 1)."""

    def parabola(left: Any, right: Any, at: int) -> Any:
        # The slope at -left, 0 or right of the parabola through the points at these places.
        both = left + right
        if at == 0:
            return -right / (left * both), (right - left) / (left * right), left / (right * both)
        near, far = (left, right) if at < 0 else (right, left)
        weights = (-(2 * near + far) / (near * both), both / (near * far), -near / (far * both))
        return weights if at < 0 else tuple(-one for one in weights[::-1])

    def combined(weights: Any, first: Any, count: Any) -> Any:
        total: Any = 0
        for i, weight in enumerate(weights):
            start = first + i
            values = _part(f, axis, start, (start + count) or None)
            if np.ndim(weight):
                weight = np.reshape(weight, (-1,) + (1,) * (f.ndim - axis - 1))
            total = weight * values + total
        return total

    size = f.shape[axis]
    middle = combined(parabola(widths[:-1], widths[1:], 0), 0, size - 2)
    if edge_order == 1:
        first = (_part(f, axis, 1, 2) - _part(f, axis, 0, 1)) / widths[0]
        last = (_part(f, axis, -1, None) - _part(f, axis, -2, -1)) / widths[-1]
    else:
        first = combined(parabola(widths[0], widths[1], -1), 0, 1)
        last = combined(parabola(widths[-2], widths[-1], 1), size - 3, 1)
    return [first, middle, last]
