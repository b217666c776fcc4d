"""Reading from and storing to traced arrays by index."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitive import Primitive
from ...primitives import elementwise, shape
from ...primitives import index as primitives
from ...primitives.selection import Gather, Index, Mask, Slice, indexed_shape
from ...types import INDEX_DTYPE, Sym, format_shape
from .. import fence
from ..concrete import plain
from ..tracer import Storage, Tracer
from .nesting import nested
from .operands import active, broadcast, tracer


def getitem(x: Tracer, key: Any) -> Any:
    """``x[key]``: a view where the key has no arrays, else a copy."""
    x, key = tracer(x), plain(key)
    truth = _single_bool(key)
    if truth is not None:
        return elementwise.copy(getitem(getitem(x, (None, ...)), slice(0, int(truth))))
    index, arrays = parse(x, key)
    if arrays:
        if not any(array.ndim for array in arrays) and len(index) > len(arrays):
            row = active().row(x, {"index": index}, arrays)
            return row if row.ndim else Tracer(row.tracing, Storage(row.value), scalar=True)
        return primitives.gather(x, *arrays, index=index)
    if all(item == Slice() for item in index):
        index = (Slice(),) * x.ndim
    result = primitives.slice_(x, index=index)
    dotted = any(item is Ellipsis for item in (key if isinstance(key, tuple) else (key,)))
    if not result.ndim and not dotted:  # NumPy gives an immutable scalar
        result = Tracer(result.tracing, Storage(result.value), scalar=True)
    return result


def setitem(x: Tracer, key: Any, value: Any) -> None:
    """``x[key] = value``."""
    if x.scalar:
        raise fence.scalar_stored(x)
    key = plain(key)
    truth = _single_bool(key)
    if truth is not None:
        x, key = getitem(x, (None, ...)), slice(0, int(truth))
    stored = tracer(nested(value, x.dtype), x.dtype)
    if not stored.ndim and _is_mask_of(key, x):  # however many elements it selects
        chosen = elementwise.where(tracer(key), broadcast(stored, x.shape), x)
        active().store(x, chosen.value)
    else:
        index, arrays = parse(x, key)
        _store(primitives.update, x, stored, index, arrays)


def add_at(a: Any, indices: Any, b: Any) -> None:
    """``np.add.at``: of an index that occurs twice both values are added."""
    if not isinstance(a, Tracer):
        raise fence.unsupported(
            "np.add.at on a plain array", "make the array with np.zeros_like of a traced one"
        )
    index, arrays = parse(a, indices)
    _store(primitives.add_at, a, tracer(nested(b, a.dtype), a.dtype), index, arrays)


def _store(
    primitive: Primitive, x: Tracer, stored: Tracer, index: Index, arrays: list[Tracer]
) -> None:
    trace = active()
    region = indexed_shape(x.shape, index, [array.type for array in arrays])
    lead = stored.ndim - len(region)
    if lead > 0 and all(dim == 1 for dim in stored.shape[:lead]):
        stored = shape.reshape(stored, shape=stored.shape[lead:])
    try:
        stored = broadcast(stored, region)
    except TypeRuleError:
        raise TypeRuleError(
            "the value does not fit the place that it is stored to",
            got=f"{format_shape(stored.shape)} into {format_shape(region)}",
        ) from None
    operands = [trace.value_of(one) for one in (x, stored, *arrays)]
    trace.store(x, trace.add(primitive, operands, {"index": index}))


def _is_mask_of(key: Any, x: Tracer) -> bool:
    if not isinstance(key, Tracer | np.ndarray) or key.dtype != np.bool_ or not x.ndim:
        return False
    return key.shape == x.shape


def parse(x: Tracer, key: Any) -> tuple[Index, list[Tracer]]:
    """Split a key into the index attr, with an entry for every axis, and its arrays."""
    key = plain(key)
    items = [nested(item) for item in (key if isinstance(key, tuple) else (key,))]
    used = sum(_span(item) for item in items)
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > x.ndim:
        raise TypeRuleError(
            f"too many indices for an array of rank {x.ndim}", got=f"{used} indices"
        )
    at = dots[0] if dots else len(items)
    items[at : at + 1] = [slice(None)] * (x.ndim - used)
    index: list[Any] = []
    arrays: list[Tracer] = []
    axis = 0
    for item in items:
        span = _span(item)
        entry, array = _entry(x, item, axis)
        index.append(entry)
        arrays += [] if array is None else [array]
        axis += span
    return tuple(index), arrays


def _single_bool(key: Any) -> bool | None:
    """Return a key that is nothing but one bool: it selects all of the array, or nothing."""
    if isinstance(key, tuple) and len(key) == 1:
        key = key[0]
    if isinstance(key, Tracer):
        known = key.known is not None and not key.ndim and key.dtype == np.bool_
        return bool(key) if known else None
    return bool(key) if isinstance(key, bool | np.bool_) else None


def _span(item: Any) -> int:
    """Return how many axes an item of a key takes."""
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, Tracer):
        return item.ndim if item.dtype == np.bool_ else 1
    if isinstance(item, bool | np.bool_):
        raise fence.unsupported("indexing with a bool among other indices", "use np.where")
    if isinstance(item, slice | int | np.integer):
        return 1
    array = _plain(item)
    return array.ndim if array.dtype == np.bool_ else 1


def _entry(x: Tracer, item: Any, axis: int) -> tuple[Any, Tracer | None]:
    if item is None:
        return None, None
    if isinstance(item, slice):
        return _slice(item), None
    if isinstance(item, Tracer) and item.known is not None and not item.known.varies:
        return integer(item), None
    if isinstance(item, int | np.integer) and not isinstance(item, Tracer):
        return int(item), None
    array = tracer(item if isinstance(item, Tracer) else _plain(item))
    if array.dtype == np.bool_:
        plain_mask = item.peek() if isinstance(item, Tracer) else item
        if plain_mask is None:
            return Mask(array.ndim, active().count_of(array.value)), array
        return Mask(array.ndim, int(np.count_nonzero(plain_mask))), array
    if array.dtype.kind not in "iu":
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    return Gather(), tracer(array, INDEX_DTYPE)


def _slice(item: slice) -> Slice:
    start, stop = (
        one if one is None or isinstance(one, Sym) else integer(one)
        for one in (item.start, item.stop)
    )
    return Slice(start, stop, None if item.step is None else integer(item.step))


def _plain(item: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(item)
    return array.astype(INDEX_DTYPE) if not array.size and isinstance(item, list) else array
