"""Making arrays: filled ones, sequences of numbers, and arrays of traced parts.

Where all is known they are concrete: plain arrays until something traced is stored in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import elementwise
from ...primitives.elementwise.casting import arange as counted
from ...types import SUPPORTED_DTYPES, Dim, Sym
from .. import fence
from ..concrete import concrete
from ..tracer import Storage, Tracer
from .operands import active, broadcast, check_dtype, nested, tracer
from .table import implements, refuse


def _dims(shape: Any) -> tuple[Dim, ...]:
    sizes = shape if isinstance(shape, Sequence | Tracer) and np.ndim(shape) else (shape,)
    return tuple(one if isinstance(one, Sym) else integer(one) for one in sizes)


def _filled(shape: Any, value: Any, dtype: Any, order: str = "C") -> Tracer:
    """Return an array of one number: concrete, unless a size or the number is not known."""
    dims = _dims(shape)
    is_known = not isinstance(value, Tracer) or value.array is not None
    if is_known and all(isinstance(dim, int) for dim in dims):
        made: Tracer = concrete(active(), np.full(dims, value, dtype, order))  # type: ignore[call-overload]
        return made
    wanted = tracer(value).dtype if dtype is None else np.dtype(dtype)
    check_dtype(wanted)
    storage = Storage(broadcast(tracer(value, wanted), dims).value, row_major=order in "CA")
    return Tracer(active(), storage)


def _creator(name: str, value: Any) -> Any:
    def function(
        shape: Any, dtype: Any = float, order: str = "C", *, device: Any = None, like: Any = None
    ) -> Tracer:
        refuse(f"np.{name}", device=device)
        return _filled(shape, value, dtype, order)

    return function


zeros = implements(np.zeros)(_creator("zeros", 0))
implements(np.ones)(_creator("ones", 1))
# What is not written yet must not become a constant of the program: zeros, in every run.
empty = implements(np.empty)(_creator("empty", 0))


@implements(np.full)
def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "C",
    *,
    device: Any = None,
    like: Any = None,
) -> Tracer:
    """``np.full``."""
    refuse("np.full", device=device)
    fill_value = nested(fill_value)
    if np.ndim(fill_value):
        return np.copy(broadcast(tracer(fill_value, dtype and np.dtype(dtype)), _dims(shape)))  # type: ignore[return-value]
    return _filled(shape, fill_value, dtype, order)


def _like(like: Any, value: Any, dtype: Any, shape: Any, name: str, **options: Any) -> Tracer:
    refuse(name, **options)
    like = tracer(like)
    wanted = like.dtype if dtype is None else np.dtype(dtype)
    check_dtype(wanted)
    size = like.shape if shape is None else _dims(shape)
    filled = broadcast(tracer(value, wanted), size)
    # A storage of its own, laid out as the array is that it is made like.
    row_major = like.is_row_major or len(size) != like.ndim
    return Tracer(active(), Storage(filled.value, row_major=row_major))


def _creator_like(name: str, value: Any) -> Any:
    def function(
        a: Any,
        dtype: Any = None,
        order: str = "K",
        subok: bool = True,
        shape: Any = None,
        *,
        device: Any = None,
    ) -> Tracer:
        return _like(a, value, dtype, shape, f"np.{name}", device=device)

    return function


implements(np.zeros_like)(_creator_like("zeros_like", 0))
implements(np.ones_like)(_creator_like("ones_like", 1))


@implements(np.empty_like)
def empty_like(
    prototype: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Tracer:
    """``np.empty_like``; it holds zeros."""
    return _like(prototype, 0, dtype, shape, "np.empty_like", device=device)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Tracer:
    """``np.full_like``."""
    return _like(a, fill_value, dtype, shape, "np.full_like", device=device)


# Arrays of parts


@implements(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    ndmax: int = 0,
    like: Any = None,
) -> Any:
    """``np.array`` of traced values in nested lists and tuples, or a copy of an array."""
    if isinstance(object, Tracer):
        found = object if copy is None or copy is False else np.copy(object)
        found = _converted(found, dtype)
        if found.scalar:  # NumPy has an array here, which can be stored to
            found = Tracer(active(), Storage(found.value))
    else:
        found = tracer(nested(object, dtype and np.dtype(dtype)), dtype and np.dtype(dtype))
    for _ in range(ndmin - found.ndim):
        found = found[None]
    is_new = not isinstance(object, Tracer) or copy is True or found.storage is not object.storage
    if order in ("C", "F") and found.ndim and not is_new:
        return _in_order(found, order)
    return found


def _converted(x: Any, dtype: Any) -> Any:
    return x if dtype is None or np.dtype(dtype) == x.dtype else x.astype(dtype)


@implements(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    """``np.require``: layouts are the compiler's."""
    return array(a, dtype, copy=None)


@implements(np.asarray, np.asanyarray, np.asarray_chkfinite)
def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: Any = None,
    like: Any = None,
) -> Any:
    """``np.asarray``: a traced array as it is, unless its dtype has to change."""
    refuse("np.asarray", device=None if device == "cpu" else device)
    return array(a, dtype, copy=bool(copy) or None, order=order or "K")


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """``np.ascontiguousarray``: the array itself where it lies row by row, else a copy."""
    return _in_order(array(a, dtype, copy=None), "C")


@implements(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """``np.asfortranarray``: a copy of an array that lies row by row."""
    return _in_order(array(a, dtype, copy=None), "F")


def _in_order(x: Any, order: str) -> Any:
    if not x.ndim:
        return x[None]
    contiguous = x.is_contiguous
    if contiguous is None or (contiguous is False and order == "F"):
        return active().unsure_copy(x)
    if contiguous and (order == "C" or x.ndim == 1):
        return x
    return np.copy(x, order="C") if order == "C" else np.copy(x)


@implements(np.fromiter)
def fromiter(iter: Any, dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    """``np.fromiter``."""
    items = list(iter)
    return array(items if count < 0 else items[:count], dtype)


# Sequences of numbers


@implements(np.arange)
def arange(
    start_or_stop: Any = None,
    stop: Any = None,
    step: Any = 1,
    dtype: Any = None,
    *,
    start: Any = None,
    device: Any = None,
    like: Any = None,
) -> Any:
    """``np.arange`` to sizes that are not known, or between numbers that are read."""
    refuse("np.arange", device=None if device == "cpu" else device)
    start = start_or_stop if start is None else start
    if stop is None:
        start, stop = 0, start
    if isinstance(stop, Sym) and type(start) is int and start == 0:
        numbers = Tracer(active(), Storage(active().add(counted, (), {"count": stop})))
        return _converted(numbers, dtype)
    known = [_known(one) for one in (start, stop, 1 if step is None else step)]
    return concrete(active(), np.arange(*known, dtype=dtype))


def _known(number: Any) -> Any:
    if not isinstance(number, Tracer):
        return number
    return int(number) if number.dtype.kind in "iub" else float(number)


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """``np.linspace`` between traced ends."""
    refuse("np.linspace", device=device)
    count = integer(num)
    if count < 0:
        raise ValueError(f"Number of samples, {count}, must be non-negative.")
    start, stop = (one * 1.0 for one in np.broadcast_arrays(tracer(start), tracer(stop)))
    steps = count - 1 if endpoint else count
    step = (stop - start) / steps if steps > 0 else (stop - start) * np.nan
    weights = np.arange(count).reshape((count,) + (1,) * np.ndim(start))
    points = start + weights * (step if steps > 0 else stop - start)
    if endpoint and count > 1:
        points[-1] = stop  # exactly
    points = _converted(np.moveaxis(points, 0, axis) if axis else points, dtype)
    return (points, step) if retstep else points


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """``np.logspace`` between traced ends."""
    return _converted(base ** linspace(start, stop, num, endpoint, axis=axis), dtype)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """``np.geomspace`` between traced ends of one sign."""
    ends = [np.log(np.abs(one)) for one in (start, stop)]
    points = np.sign(start) * np.exp(linspace(*ends, num, endpoint, axis=axis))
    return _converted(points, dtype)


# ``np.float64(x)`` and its kin


def _scalar_type(kind: Any) -> Any:
    def made(value: Any = 0) -> Any:
        found = array(value, kind)
        return found if found.ndim else Tracer(found.tracing, Storage(found.value), scalar=True)

    return made


for _dtype in SUPPORTED_DTYPES:
    implements(_dtype.type)(_scalar_type(_dtype))


# ``np.r_[...]`` and ``np.c_[...]``


def row(key: Any) -> Any:
    """``np.r_[key]``: parts after each other along the first axis."""
    return np.concatenate([_part(one) for one in _items(key)])


def columns(key: Any) -> Any:
    """``np.c_[key]``: vectors beside each other as columns."""
    parts = [_part(one) for one in _items(key)]
    return np.concatenate([one[:, None] if one.ndim == 1 else one for one in parts], axis=-1)


def _items(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _part(item: Any) -> Any:
    if isinstance(item, str):
        raise fence.unsupported("np.r_ and np.c_ with a directive", "use np.concatenate")
    if isinstance(item, slice):
        step = 1 if item.step is None else item.step
        if isinstance(step, complex):
            return linspace(item.start or 0, item.stop, int(abs(step)))
        return arange(item.start or 0, item.stop, step)
    found = tracer(item)
    return found if found.ndim else elementwise.copy(found)[None]


INDEXERS: dict[int, Any] = {id(np.r_): row, id(np.c_): columns}
