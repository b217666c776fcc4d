"""NumPy's functions that select elements by integers, masks and positions."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import elementwise, shape
from ...primitives.elementwise.casting import arange
from ...types import BOOL, INDEX_DTYPE, Dim, Sym, broadcast_shapes, normalize_axis
from .. import fence
from ..concrete import plain
from ..tracer import Tracer
from .indexing import getitem
from .memory import given, laid_out, own
from .nesting import nested
from .operands import active, broadcast, tracer, truth
from .shapes import ravel, reshape, sizes_of
from .table import implements


def counting(count: Dim) -> Any:
    """Return 0, 1, 2 ... up to a size, which may be unknown."""
    if isinstance(count, Sym):
        return active().apply(arange, (), {"count": count})
    return np.arange(count)


def places_of(indices: Any, function: str) -> Any:
    """Return indices as an integer tracer or array; bools are 0 and 1."""
    found = plain(nested(indices))
    if not isinstance(found, Tracer):
        found = np.asarray(found)
        found = found.astype(INDEX_DTYPE) if not found.size and found.dtype == float else found
    if found.dtype.kind not in "iub":
        raise TypeError(f"{function} takes integer indices, not {found.dtype}")
    return tracer(found, INDEX_DTYPE) if isinstance(found, Tracer) else found.astype(INDEX_DTYPE)


def within(indices: Any, size: Any, mode: str) -> Any:
    """Return integer indices brought into an axis as NumPy's ``mode`` says."""
    if mode == "raise":
        return indices
    if mode == "wrap":
        return indices % integer(size)
    if mode == "clip":
        return np.clip(indices, 0, integer(size) - 1)
    raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")


@implements(np.take, method="take")
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    """``np.take``."""
    x = tracer(nested(a))
    if axis is None or not x.ndim:  # to NumPy a scalar has one axis here
        x, axis = shape.reshape(x, shape=(x.size,)), axis or 0
    axis = normalize_axis(axis, x.ndim)
    places = within(places_of(indices, "np.take"), x.shape[axis], mode)
    taken = getitem(x, (*(slice(None),) * axis, places))
    return given(out, laid_out(taken) if places.ndim else own(taken), "np.take")


def along(indices: Any, sizes: Any, axis: int) -> tuple[Any, ...]:
    """Return the index arrays that pick, for each line along an axis, what ``indices`` say."""
    if indices.ndim != len(sizes):
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    key = []
    for place, size in enumerate(sizes):
        thin = (1,) * place + (-1,) + (1,) * (len(sizes) - place - 1)
        key.append(indices if place == axis else np.reshape(counting(size), thin))
    return tuple(key)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``."""
    x = tracer(arr)
    if axis is None:
        x, axis = ravel(x), 0
    places = places_of(indices, "np.take_along_axis")
    return laid_out(getitem(x, along(places, x.shape, normalize_axis(axis, x.ndim))))


def mask_of(condition: Any) -> Any:
    """Return a condition as bools: a tracer, or a plain array."""
    found = plain(nested(condition))
    if isinstance(found, Tracer):
        return found if found.dtype == BOOL else truth(found)
    return np.asarray(found).astype(bool)


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """``np.compress``."""
    x, mask = tracer(a), mask_of(condition)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    lead = (slice(None),) * axis
    if isinstance(mask, Tracer):
        if mask.shape[0] != x.shape[axis]:
            x = getitem(x, (*lead, slice(0, mask.shape[0])))
        return given(out, getitem(x, (*lead, mask)), "np.compress")
    return given(out, laid_out(getitem(x, (*lead, np.flatnonzero(mask)))), "np.compress")


@implements(method="compress")
def compress_method(a: Tracer, condition: Any, axis: int | None = None, out: Any = None) -> Any:
    """``ndarray.compress``."""
    return compress(condition, a, axis, out)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``."""
    mask = mask_of(condition)
    return compress(ravel(mask) if isinstance(mask, Tracer) else mask.ravel(), ravel(arr))


@implements(np.choose, method="choose")
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """``np.choose``: of each place, the element of the choice that ``a`` names."""
    options = tracer(nested(choices)) if isinstance(choices, Tracer) else None
    parts = list(options) if options is not None else [nested(one) for one in choices]
    dtype = np.result_type(*(tracer(one).dtype for one in parts))
    traced = [tracer(one, dtype) for one in parts]
    which = tracer(places_of(a, "np.choose"))
    common = broadcast_shapes(which.shape, *(one.shape for one in traced))
    rows = shape.stack(*(broadcast(one, common) for one in traced), axis=0)
    count = len(traced)
    if mode == "raise":  # a negative choice must not count from the end
        over = broadcast(tracer(np.int64(count)), which.shape)
        zero = broadcast(tracer(np.int64(0)), which.shape)
        which = elementwise.where(elementwise.less(which, zero), over, which)
    which = broadcast(tracer(within(which, count, mode)), common)
    chosen = getitem(rows, (which, *along(which, common, -1))) if common else getitem(rows, which)
    return given(out, laid_out(chosen), "np.choose", "unsafe")


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    """``np.unravel_index``; traced indices that are out of range are not noticed."""
    places = places_of(indices, "np.unravel_index")
    sizes = sizes_of(shape)
    if order not in ("C", "F"):
        raise ValueError("order must be 'C' or 'F'")
    found = []
    for size in sizes[:0:-1] if order == "C" else sizes[:-1]:
        found.append(places % integer(size))
        places = places // integer(size)
    found.append(places)
    return tuple(found[::-1] if order == "C" else found) if sizes else ()


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """``np.ravel_multi_index``; traced indices that are out of range are not noticed."""
    sizes = [integer(size) for size in sizes_of(dims)]
    modes = (mode,) * len(sizes) if isinstance(mode, str) else tuple(mode)
    parts = [places_of(one, "np.ravel_multi_index") for one in multi_index]
    if not len(parts) == len(sizes) == len(modes):
        raise ValueError(f"{len(parts)} index arrays for {len(sizes)} dimensions")
    if order not in ("C", "F"):
        raise ValueError("order must be 'C' or 'F'")
    triples = list(zip(parts, sizes, modes, strict=True))
    total: Any = 0
    for part, size, one in triples if order == "C" else triples[::-1]:
        total = total * size + within(part, size, one)
    return total


@implements(np.ix_)
def ix_(*args: Any) -> tuple[Any, ...]:
    """``np.ix_``: vectors of indices, each along an axis of its own."""
    found = []
    for place, one in enumerate(args):
        part = plain(nested(one))
        part = part if isinstance(part, Tracer) else np.asarray(part)
        if part.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if isinstance(part, Tracer) and part.dtype == BOOL:
            raise fence.unsupported("np.ix_ of a traced mask", "index with one mask after another")
        if part.dtype == BOOL:
            part = np.flatnonzero(part)
        elif not isinstance(part, Tracer) and not part.size:
            part = part.astype(INDEX_DTYPE)
        found.append(reshape(part, (1,) * place + (-1,) + (1,) * (len(args) - place - 1)))
    return tuple(found)
