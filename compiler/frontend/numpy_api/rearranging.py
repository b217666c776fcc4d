"""NumPy's functions that move or repeat the elements along axes."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import shape as primitives
from ...types import Sym, normalize_axes, normalize_axis
from .. import fence
from ..tracer import Tracer
from .indexing import getitem
from .memory import laid_out, own
from .nesting import known_array
from .operands import active, broadcast, tracer
from .shapes import broadcast_to, ravel, reshape, sizes_of, transpose
from .table import implements

# Flips: views


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """``np.flip``, a view."""
    x = tracer(m)
    axes = normalize_axes(axis, x.ndim)
    key = tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))
    return getitem(x, (*key, ...))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """``np.fliplr``, a view."""
    if tracer(m).ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """``np.flipud``, a view."""
    if tracer(m).ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """``np.rot90``, a view: quarter turns from the first axis towards the second."""
    x = tracer(m)
    first, second = (normalize_axis(one, x.ndim) for one in sizes_of(axes))
    if first == second:
        raise ValueError("Axes must be different.")
    turns = integer(k) % 4
    if turns == 0:
        return getitem(x, ...)
    if turns == 2:
        return flip(flip(x, first), second)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    if turns == 1:
        return transpose(flip(x, second), order)
    return flip(transpose(x, order), second)


# Copies


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """``np.lib.stride_tricks.sliding_window_view``, read-only."""
    if writeable:
        raise fence.unsupported("sliding_window_view with writeable=True")
    base = tracer(x)
    found: Any = base
    sizes = [window_shape] if isinstance(window_shape, int | np.integer) else list(window_shape)
    axes = range(base.ndim) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    if len(sizes) != len(axes):
        raise ValueError("window_shape must have a size for each of the axes")
    for size, one in zip(sizes, axes, strict=True):
        along = normalize_axis(one, base.ndim)
        count = integer(found.shape[along]) - size + 1
        if count < 1:
            raise ValueError("window shape cannot be larger than input array shape")
        places = np.arange(count)[:, None] + np.arange(size)
        found = np.moveaxis(np.take(found, places, axis=along), along + 1, -1)
    shown = active().unsure_copy(base, found.value)
    return broadcast(Tracer(shown.tracing, shown.storage), shown.shape)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """``np.roll``."""
    x = tracer(a)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axes = [normalize_axis(one, x.ndim) for one in sizes_of(axis)]
    shifts, places = np.broadcast_arrays(known_array(shift, "a shift"), axes)
    if not places.size:
        return own(x)
    pairs = [(integer(by), integer(place)) for by, place in zip(shifts, places, strict=True)]
    return primitives.roll(x, shift=tuple(by for by, _ in pairs), axis=tuple(i for _, i in pairs))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """``np.repeat``: each element as many times as is said for it, or for all."""
    x = tracer(a)
    if axis is None or not x.ndim:  # to NumPy a scalar has one axis here
        x, axis = ravel(x), axis or 0
    axis = normalize_axis(axis, x.ndim)
    if isinstance(repeats, Sym):
        counts: Any = repeats
    else:
        counts = known_array(repeats, "a number of repeats")
        counts = counts if counts.size else counts.astype(int)
        if counts.dtype.kind not in "iub":
            raise TypeError(f"the numbers of repeats are integers, not {counts.dtype}")
        if np.any(counts < 0):
            raise ValueError("repeats may not contain negative values.")
        if counts.size != 1:
            return _repeated_each(x, counts, axis)
        counts = integer(counts.item())
    lead, trail = x.shape[:axis], x.shape[axis + 1 :]
    spread = broadcast(
        getitem(x, (*(slice(None),) * (axis + 1), None, ...)),
        (*lead, x.shape[axis], counts, *trail),
    )
    return own(primitives.reshape(spread, shape=(*lead, x.shape[axis] * counts, *trail)))


def _repeated_each(x: Tracer, counts: np.ndarray[Any, Any], axis: int) -> Any:
    size = integer(x.shape[axis])
    if counts.shape != (size,):
        raise ValueError(f"{counts.size} numbers of repeats for an axis of size {size}")
    places = np.repeat(np.arange(size), counts)
    return laid_out(getitem(x, (*(slice(None),) * axis, places)))


@implements(method="repeat")
def repeat_method(a: Tracer, repeats: Any, axis: int | None = None) -> Any:
    """``ndarray.repeat``."""
    return repeat(a, repeats, axis)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:  # noqa: N803 - NumPy's name for it
    """``np.tile``: the array as one block, repeated along each axis."""
    x, times = tracer(A), sizes_of(reps)
    times = (1,) * (x.ndim - len(times)) + times
    shape = (1,) * (len(times) - x.ndim) + x.shape
    between = tuple(size for dim in shape for size in (1, dim))
    spread = tuple(size for pair in zip(times, shape, strict=True) for size in pair)
    repeated = broadcast(primitives.reshape(x, shape=between), spread)
    total = tuple(dim * count for dim, count in zip(shape, times, strict=True))
    return own(primitives.reshape(repeated, shape=total))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """``np.resize``: the elements over again, as many as there is room for."""
    x, shape = ravel(a), sizes_of(new_shape)
    if any(not isinstance(dim, Sym) and dim < 0 for dim in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    size, count = integer(x.size), integer(np.prod(shape, dtype=object))
    if size == 0 or count == 0:
        return own(broadcast(tracer(0, x.dtype), shape))
    enough = x if count <= size else tile(x, -(-count // size))
    return own(reshape(getitem(enough, slice(0, count)), shape))


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """``np.meshgrid``: copies."""
    if not copy:
        raise fence.unsupported("np.meshgrid with copy=False", "leave it out, or use np.ix_")
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = [1, 0]
    vectors = [ravel(one) for one in xi]
    sizes = [vectors[axes.index(place)].shape[0] for place in range(len(xi))]
    grids = []
    for axis, vector in zip(axes, vectors, strict=True):
        thin = tuple(size if place == axis else 1 for place, size in enumerate(sizes))
        shown = primitives.reshape(vector, shape=thin)
        grids.append(own(shown if sparse else broadcast_to(shown, tuple(sizes))))
    return tuple(grids)
