"""NumPy's functions that store into an array, and ``ndarray.flat``."""

from __future__ import annotations

from collections.abc import Iterator
from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import elementwise, shape
from ...types import format_shape, normalize_axis
from .. import fence
from ..tracer import Tracer
from .gathering import along, mask_of, places_of, within
from .indexing import getitem, setitem
from .memory import assign, check_casting, own
from .nesting import nested
from .operands import broadcast, is_weak, tracer
from .rearranging import resize
from .table import PROPERTIES, implements


def _target(array: Any, function: str) -> Tracer:
    if not isinstance(array, Tracer):
        raise fence.unsupported(
            f"{function} storing traced values in a plain array",
            "make the array with np.zeros_like of a traced one",
        )
    if array.scalar:
        raise fence.scalar_stored(array)
    return array


def _flat_copy(x: Tracer) -> Tracer:
    return shape.reshape(own(x), shape=(x.size,))  # type: ignore[no-any-return]


def _put_flat(x: Tracer, key: Any, values: Any) -> None:
    """Store to the elements in the order of rows; too few values are taken over again."""
    flat = _flat_copy(x)
    stored = tracer(nested(values, x.dtype), x.dtype)
    place = getitem(flat, key)
    if stored.ndim:
        if integer(stored.size) == 0:
            return
        stored = resize(stored, place.shape)
    setitem(flat, key, stored)
    assign(x, shape.reshape(flat, shape=x.shape))


@implements(np.put, method="put")
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """``np.put``."""
    x = _target(a, "np.put")
    places = within(places_of(ind, "np.put"), x.size, mode)
    _put_flat(x, places.reshape(-1), v)


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """``np.put_along_axis``."""
    x = _target(arr, "np.put_along_axis")
    places = places_of(indices, "np.put_along_axis")
    if axis is None:
        if places.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        flat = _flat_copy(x)
        setitem(flat, places, values)
        assign(x, shape.reshape(flat, shape=x.shape))
    else:
        setitem(x, along(places, x.shape, normalize_axis(axis, x.ndim)), values)


def _choose(x: Tracer, mask: Any, values: Tracer) -> None:
    mask = broadcast(tracer(mask), x.shape)
    assign(x, elementwise.where(mask, broadcast(values, x.shape), x))


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """``np.putmask``: each element has a value of its own, whether it is taken or not."""
    x, chosen = _target(a, "np.putmask"), tracer(mask_of(mask))
    if chosen.shape != x.shape:
        raise ValueError("putmask: mask and data must be the same size")
    stored = tracer(nested(values, x.dtype), x.dtype)
    if stored.ndim and stored.shape != x.shape:
        if integer(stored.size) == 0:
            return
        stored = resize(stored, x.shape)
    _choose(x, chosen, stored)


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """``np.place``: the values go to the elements taken, one after the other."""
    x, chosen = _target(arr, "np.place"), mask_of(mask)
    stored = tracer(nested(vals, x.dtype), x.dtype)
    count = integer(stored.size)
    if not isinstance(chosen, Tracer):
        places = np.flatnonzero(chosen)
        if places.size and not count:
            raise ValueError("Cannot insert from an empty array!")
        if places.size:
            _put_flat(x, places, stored.reshape(-1))
        return
    if chosen.shape != x.shape:
        raise ValueError("place: mask and data must be the same size")
    values = stored.reshape(-1)
    if count > 1:
        numbers = np.cumsum(np.ravel(chosen).astype(np.int64)) - 1
        values = np.reshape(
            getitem(values, np.where(np.ravel(chosen), numbers % count, 0)), x.shape
        )
    _choose(x, chosen, values)


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """``np.copyto``."""
    x, source = _target(dst, "np.copyto"), nested(src)
    kind = tracer(source).dtype
    if not (is_weak(source) and kind.kind == "i" and x.dtype.kind in "iuf"):
        check_casting(kind, x.dtype, casting)
    values = tracer(source, x.dtype)
    while values.ndim > x.ndim and values.shape[0] == 1:
        values = getitem(values, 0)
    try:
        values = broadcast(values, x.shape)
    except TypeRuleError:
        raise ValueError(
            f"could not broadcast input array from shape {format_shape(values.shape)} into shape "
            f"{format_shape(x.shape)}"
        ) from None
    if where is True:
        assign(x, values)
    else:
        _choose(x, mask_of(where), values)


@implements(method="fill")
def fill(a: Tracer, value: Any) -> None:
    """``ndarray.fill``."""
    setitem(a, ..., value)


class Flat:
    """What ``ndarray.flat`` is: all elements in the order of rows, to read, store and iterate."""

    __slots__ = ("base",)

    def __init__(self, base: Tracer) -> None:
        self.base = base

    def __len__(self) -> int:
        return integer(self.base.size)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __getitem__(self, key: Any) -> Any:
        return self.base.tracing.dispatch(_read_flat, (self.base, key), {}, _read_plainly)

    def __setitem__(self, key: Any, value: Any) -> None:
        operands = (self.base, key, value)
        self.base.tracing.dispatch(_put_flat, operands, {}, _put_plainly, stores=True)

    def copy(self) -> Any:
        """Return the elements as an array of one axis."""
        return self.base.flatten()

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise fence.unsupported("ndarray.flat as an operand", "write x.ravel() in place of x.flat")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*map(_as_array, args), **kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(_as_array, args), **kwargs)


def _as_array(argument: Any) -> Any:
    if isinstance(argument, list | tuple):
        return type(argument)(map(_as_array, argument))
    return argument.copy() if isinstance(argument, Flat) else argument


def _read_flat(x: Tracer, key: Any) -> Any:
    read = getitem(_flat_copy(x), key)
    return own(read) if read.ndim else read


def _read_plainly(x: Any, key: Any) -> Any:
    return x.flat[key]


def _put_plainly(x: Any, key: Any, value: Any) -> None:
    x.flat[key] = value


PROPERTIES["flat"] = Flat
