"""Sorting, places in sorted arrays, and counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitive import REGISTRY
from ...primitives import sort as primitives
from ...primitives.elementwise.casting import arange
from ...primitives.selection import Gather
from ...types import INDEX_DTYPE
from .. import fence
from ..concrete import plain
from ..tracer import Storage, Tracer
from .indexing import getitem
from .nesting import nested
from .operands import active, broadcast, common_dtype, tracer, truth
from .reductions import array_of, axis_of, number_of
from .table import implements, refuse


def _along(a: Any, axis: Any) -> tuple[Tracer, int]:
    x: Any = array_of(a)
    if axis is None:
        return np.ravel(x), 0  # type: ignore[return-value]
    return x, axis_of(axis, x)


@implements(np.sort)
def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """``np.sort``; of equal elements each keeps its gradient, in their order."""
    refuse("np.sort", order=order)
    x, along = _along(a, axis)
    return primitives.sort(x, axis=along)


@implements(method="sort")
def sort_in_place(
    a: Tracer, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> None:
    """``ndarray.sort``, which stores."""
    a[...] = sort(a, axis, kind, order)


@implements(np.argsort, method="argsort")
def argsort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """``np.argsort``; equal elements stay in their order, whatever ``kind`` is."""
    refuse("np.argsort", order=order)
    x, along = _along(a, axis)
    return primitives.argsort(x, axis=along)


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """``np.partition``: sorted, which is one of the orders that it may give."""
    return sort(a, axis, order=order)


@implements(method="partition")
def partition_in_place(
    a: Tracer, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None
) -> None:
    """``ndarray.partition``, which stores."""
    sort_in_place(a, axis, order=order)


@implements(np.argpartition, method="argpartition")
def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """``np.argpartition``: the order of sorting, which is one of those that it may give."""
    return argsort(a, axis, order=order)


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """``np.lexsort``: by the last key first."""
    parts = list(keys)
    order = argsort(parts[0], axis)
    for key in parts[1:]:
        x = array_of(key)
        along = axis_of(axis, x)
        again = primitives.argsort(primitives.permute(x, order, axis=along), axis=along)
        order = primitives.permute(order, again, axis=along)
    return order


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """``np.searchsorted``."""
    if side not in ("left", "right"):
        raise ValueError(f"search side must be 'left' or 'right' (got {side!r})")
    a, v = nested(a), nested(v)
    dtype = common_dtype((a, v), weak_numbers=False)
    vector: Any = array_of(a, dtype)
    if sorter is not None:
        vector = np.take(vector, sorter)
    return primitives.searchsorted(vector, array_of(v, dtype), side=side)


@implements(method="searchsorted")
def searchsorted_method(a: Tracer, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """``ndarray.searchsorted``."""
    return searchsorted(a, v, side, sorter)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """``np.digitize``. Of traced bins the ends say whether they rise or fall."""
    side, bins = "left" if right else "right", nested(plain(bins))
    if not isinstance(bins, Tracer):
        bins = np.asarray(bins)
        steps = np.diff(bins)
        if np.all(steps >= 0):
            return searchsorted(bins, x, side)
        if not np.all(steps <= 0):
            raise ValueError("bins must be monotonically increasing or decreasing")
        return bins.shape[0] - searchsorted(bins[::-1], x, side)
    rising = searchsorted(bins, x, side)
    falling = bins.size - searchsorted(bins[::-1], x, side)
    return np.where(bins[0] <= bins[-1], rising, falling)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """``np.bincount`` of integers that are not traced: their largest is the size of the result."""
    x = plain(x)
    if isinstance(x, Tracer):
        raise fence.unsupported(
            "np.bincount of traced integers, whose largest would be the size of the result,",
            "fill an array of known size: counts = np.zeros_like(...); np.add.at(counts, x, "
            "weights)",
        )
    places = np.asarray(x)
    size = max(int(np.max(places, initial=-1)) + 1, int(minlength))
    if places.ndim != 1 or places.dtype.kind not in "iu" or np.min(places, initial=0) < 0:
        raise ValueError("takes one axis of integers that are not negative")
    if weights is None:
        return np.bincount(places, minlength=size)
    weight = array_of(weights, np.dtype(np.float64))
    if weight.shape != places.shape:
        raise ValueError("The weights and list don't have the same length.")
    empty = broadcast(tracer(0.0, weight.dtype), (size,))
    return REGISTRY["add_at"](empty, weight, tracer(places, INDEX_DTYPE), index=(Gather(),))


def _numbers(x: Tracer, axis: int) -> Any:
    """Return 0, 1, 2 ... along an axis, in the shape of an array."""
    counted = active().add(arange, (), {"count": x.shape[axis]})
    along = (1,) * axis + (-1,) + (1,) * (x.ndim - axis - 1)
    numbers: Any = Tracer(active(), Storage(counted))
    numbers = np.reshape(numbers, along)
    return broadcast(numbers, x.shape)


@implements(np.nonzero, method="nonzero")
def nonzero(a: Any) -> Any:
    """``np.nonzero``: how many there are is known only when the program runs."""
    x = array_of(a)
    if not x.ndim:
        raise ValueError("Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d first.")
    mask = x if x.dtype == np.bool_ else truth(x)
    return tuple(getitem(_numbers(x, axis), mask) for axis in range(x.ndim))


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    """``np.flatnonzero``."""
    x = array_of(a)
    return nonzero(x if x.ndim == 1 else np.ravel(x))[0]


@implements(np.argwhere)
def argwhere(a: Any) -> Any:
    """``np.argwhere``."""
    x = array_of(a)
    if not x.ndim:
        raise ValueError("argwhere of a scalar has a shape that depends on its value")
    return np.stack(nonzero(x), axis=1)


@implements(np.isin)
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    """``np.isin``, by comparing all with all."""
    element, test_elements = nested(element), nested(test_elements)
    dtype = common_dtype((element, test_elements), weak_numbers=False)
    x, tested = tracer(element, dtype), np.ravel(tracer(test_elements, dtype))
    found = np.any(np.expand_dims(x, -1) == tested, axis=-1)
    return ~found if invert else found


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """``np.interp``; beyond the ends the gradient goes to the value there, and none to ``x``."""
    double = np.dtype(np.float64)
    x, xp, fp = (array_of(one, double) for one in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape:
        raise ValueError("fp and xp are not of the same length.")
    if period is not None:
        left = right = None
        x, xp = x % abs(period), xp % abs(period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    low, high = fp[0] if left is None else left, fp[-1] if right is None else right
    if xp.shape[0] == 1:
        inside = np.broadcast_to(fp[0], x.shape)
    else:
        after = primitives.searchsorted(xp, x, side="right")
        at = np.minimum(np.maximum(after, 1), number_of(xp.shape[0] - 1))
        slopes = (fp[1:] - fp[:-1]) / (xp[1:] - xp[:-1])
        inside = slopes[at - 1] * (x - xp[at - 1]) + fp[at - 1]
    return np.where(x < xp[0], low, np.where(x > xp[-1], high, inside))
