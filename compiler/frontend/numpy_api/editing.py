"""Arrays with parts left out, put in or repeated at places that are known: runs of slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import shape as primitives
from ...types import normalize_axis
from ..tracer import Tracer
from .indexing import getitem
from .memory import laid_out, own
from .nesting import known_array, nested
from .operands import broadcast, tracer
from .shapes import moveaxis, ravel
from .table import implements

# More pieces than this are gathered: a program of slices would be long.
MOST_PIECES = 8


def assembled(parts: Sequence[Tracer], places: Any, axis: int) -> Tracer:
    """Return what lies at ``places`` (plain integers) along an axis of all parts joined.

    A few runs of neighbours are slices that are joined: in the gradient these are added as such,
    without a scatter of single elements.
    """
    ends = np.cumsum([integer(part.shape[axis]) for part in parts]).tolist()
    pieces = list(_runs(np.asarray(places, np.int64).tolist(), ends))
    lead = (slice(None),) * axis
    if len(pieces) > MOST_PIECES or not pieces:
        whole = primitives.concatenate(*parts, axis=axis) if len(parts) > 1 else parts[0]
        return laid_out(getitem(whole, (*lead, np.asarray(places, np.int64))))
    found = []
    for first, count, step in pieces:
        number = next(i for i, end in enumerate(ends) if first < end)
        part, start = parts[number], first - (ends[number - 1] if number else 0)
        if step == 0:
            one = getitem(part, (*lead, slice(start, start + 1), ...))
            found.append(broadcast(one, (*one.shape[:axis], count, *one.shape[axis + 1 :])))
            continue
        stop: int | None = start + step * count
        found.append(getitem(part, (*lead, slice(start, None if stop == -1 else stop, step), ...)))
    return own(found[0]) if len(found) == 1 else primitives.concatenate(*found, axis=axis)


def _runs(places: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (first, count, step) of runs of step 1, -1 or 0 that stay within one part."""

    def part(place: int) -> int:
        return next(i for i, end in enumerate(ends) if place < end)

    at = 0
    while at < len(places):
        first, step, count = places[at], 1, 1
        rest = places[at + 1 :]
        if rest and rest[0] - first in (1, -1, 0) and part(rest[0]) == part(first):
            step = rest[0] - first
        for place in rest:
            if place != first + count * step or part(place) != part(first):
                break
            count += 1
        yield first, count, step
        at += count


def _known_key(key: Any, what: str) -> Any:
    if isinstance(key, slice):
        ends = (key.start, key.stop, key.step)
        return slice(*(None if end is None else integer(end) for end in ends))
    return known_array(key, what)


def _along(arr: Any, axis: int | None) -> tuple[Tracer, int]:
    """Return an array and the axis that is edited; with none given, it is flattened."""
    x = tracer(nested(arr))
    if axis is None:
        return ravel(x), 0
    return x, normalize_axis(axis, x.ndim)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """``np.delete`` of places that are known."""
    x, axis = _along(arr, axis)
    size = integer(x.shape[axis])
    key = _known_key(obj, "a place to delete")
    if isinstance(key, np.ndarray) and not key.size and isinstance(obj, list):
        key = key.astype(np.int64)
    kept = np.delete(np.arange(size), key)
    return assembled([x], kept, axis)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """``np.insert`` at places that are known."""
    x, axis = _along(arr, axis)
    size = integer(x.shape[axis])
    key = _known_key(obj, "a place to insert at")
    count = len(range(*key.indices(size))) if isinstance(key, slice) else key.size
    if isinstance(key, np.ndarray) and key.dtype == np.bool_:
        count = int(np.count_nonzero(key))
    added = tracer(nested(values), x.dtype)
    if count == 1:
        added = getitem(added, (*(None,) * (x.ndim - added.ndim), ...))
        if not isinstance(key, slice) and key.ndim == 0:
            added = moveaxis(added, 0, axis)
        count = integer(added.shape[axis])
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    while added.ndim > x.ndim and added.shape[0] == 1:  # as an assignment does
        added = getitem(added, 0)
    added = broadcast(added, shape)
    if isinstance(key, np.ndarray) and not key.size:
        key = key.astype(np.int64)
    places = np.insert(np.arange(size), key, np.arange(size, size + count))
    return assembled([x, added], places, axis)
