"""NumPy's functions that change the shape or the order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import shape as primitives
from ...types import Sym, broadcast_shapes, normalize_axes, normalize_axis, resolve_reshape
from .. import fence
from ..tracer import Tracer
from .indexing import getitem
from .memory import own
from .operands import active, broadcast, tracer
from .table import PROPERTIES, implements, refuse


def sizes_of(given: Any) -> tuple[Any, ...]:
    """Return one size or axis, or a sequence of them, as a tuple of integers."""
    if isinstance(given, Tracer | np.ndarray) and given.ndim:
        given = np.asarray(given).tolist()
    sizes = (given,) if not isinstance(given, Sequence) else tuple(given)
    return tuple(one if isinstance(one, Sym) else integer(one) for one in sizes)


# Reshape


@implements(np.reshape)
def reshape(
    a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None
) -> Any:
    """``np.reshape``."""
    x = tracer(a)
    if copy:
        x = own(x)
    elif copy is not None and not x.is_row_major:
        raise fence.unsupported(
            "reshape with copy=False of an array whose memory layout is not known", "leave it out"
        )
    if order not in ("C", "F", "A"):
        raise ValueError(f"order must be one of 'C', 'F', 'A' (got {order!r})")
    wanted = resolve_reshape(x.shape, sizes_of(shape if newshape is None else newshape))
    if order == "C" or (x.ndim < 2 and len(wanted) < 2) or not _is_column_major(x, order):
        return primitives.reshape(x, shape=wanted)
    # Column by column is row by row with all axes reversed, before and after.
    return transpose(primitives.reshape(transpose(x), shape=wanted[::-1]))


def _is_column_major(x: Tracer, order: str) -> bool:
    """Whether an order, which "A" leaves to the memory layout, is column by column.

    Raises:
        CaptureError: It depends on a layout that is not known.
    """
    if order != "A":
        return order == "F"
    axes = _axes_in_memory(x)
    if axes == tuple(range(x.ndim)):
        return False
    if axes == tuple(range(x.ndim))[::-1]:
        return True
    raise _unknown_layout(order)


def _axes_in_memory(x: Tracer) -> tuple[int, ...] | None:
    """Return the axes from the outermost to the innermost in memory, where that is known."""
    active().layout_read = True
    if x.is_row_major:
        return tuple(range(x.ndim))
    if not x.storage.row_major or any(v.primitive is not primitives.transpose for v in x.views):
        return None
    order = tuple(range(x.ndim))
    for view in x.views:
        order = tuple(order[axis] for axis in view.attrs["axes"])
    return tuple(order.index(axis) for axis in range(x.ndim))


def _unknown_layout(order: str) -> Exception:
    return fence.unsupported(
        f"order={order!r} of an array whose memory layout is not known", "say order='C' or 'F'"
    )


@implements(method="reshape")
def reshape_method(a: Tracer, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    """``ndarray.reshape``, which takes its sizes one by one too."""
    return reshape(a, shape[0] if len(shape) == 1 else shape, order, copy=copy)


@implements(np.ravel, method="ravel")
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``."""
    x = tracer(a)
    if order == "K" and x.ndim > 1:
        axes = _axes_in_memory(x)
        if axes is None:
            raise _unknown_layout(order)
        x, order = transpose(x, axes), "C"
    if order in "CK" and x.is_contiguous is False:  # where a reshape may be a view
        return own(reshape(np.copy(x), (-1,)))
    if x.ndim == 1 and x.is_contiguous is None:
        return active().unsure_copy(x)
    return reshape(x, (-1,), "C" if order == "K" else order)


@implements(method="flatten")
def flatten(a: Tracer, order: str = "C") -> Any:
    """``ndarray.flatten``, a copy."""
    return own(ravel(a, order))


@implements(method="view")
def view(a: Tracer, dtype: Any = None, type: Any = None) -> Any:
    """``ndarray.view`` of the same dtype."""
    if dtype is not None and np.dtype(dtype) != a.dtype:
        raise fence.unsupported("ndarray.view with another dtype", "convert with astype")
    refuse("ndarray.view", type=type)
    return getitem(a, ...)


# Axes


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """``np.transpose``."""
    x = tracer(a)
    order = range(x.ndim)[::-1]
    if axes is not None:
        order = [normalize_axis(one, x.ndim) for one in sizes_of(axes)]  # type: ignore[assignment]
    return primitives.transpose(x, axes=tuple(order))


@implements(method="transpose")
def transpose_method(a: Tracer, *axes: Any) -> Any:
    """``ndarray.transpose``, which takes its axes one by one too."""
    if not axes or axes[0] is None:
        return transpose(a)
    return transpose(a, axes[0] if len(axes) == 1 else axes)


PROPERTIES["T"] = transpose


@implements(np.swapaxes, method="swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """``np.swapaxes``."""
    x = tracer(a)
    order = list(range(x.ndim))
    first, second = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order[first], order[second] = second, first
    return transpose(x, order)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """``np.matrix_transpose``: the last two axes swapped."""
    if tracer(x).ndim < 2:
        raise ValueError("the transpose of a matrix needs an array of at least two axes")
    return swapaxes(x, -1, -2)


PROPERTIES["mT"] = matrix_transpose


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """``np.moveaxis``."""
    x = tracer(a)
    sources = [normalize_axis(one, x.ndim) for one in sizes_of(source)]
    targets = [normalize_axis(one, x.ndim) for one in sizes_of(destination)]
    if len(sources) != len(targets):
        raise ValueError("source and destination must have the same number of axes")
    if len(set(sources)) < len(sources) or len(set(targets)) < len(targets):
        raise ValueError("an axis occurs twice in source or destination")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return transpose(x, order)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """``np.rollaxis``: an axis moved until it lies before another."""
    x = tracer(a)
    axis, before = normalize_axis(axis, x.ndim), start + x.ndim if start < 0 else start
    if not 0 <= before <= x.ndim:
        raise ValueError(f"start is {start}, of an array of {x.ndim} axes")
    return moveaxis(x, axis, before - 1 if axis < before else before)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """``np.expand_dims``."""
    x = tracer(a)
    axes = sizes_of(axis)
    new = normalize_axes(axes, x.ndim + len(axes))
    key = tuple(None if i in new else slice(None) for i in range(x.ndim + len(axes)))
    return getitem(x, (*key, ...))


@implements(np.squeeze, method="squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    """``np.squeeze``."""
    x = tracer(a)
    ones = [i for i, dim in enumerate(x.shape) if dim == 1]
    axes = ones if axis is None else normalize_axes(axis, x.ndim)
    if any(one not in ones for one in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return getitem(x, (*(0 if i in axes else slice(None) for i in range(x.ndim)), ...))


# More elements, or more axes


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """``np.broadcast_to``."""
    return broadcast(tracer(array), sizes_of(shape))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    """``np.broadcast_arrays``, a tuple of views."""
    arrays = [tracer(one) for one in args]
    common = broadcast_shapes(*(one.shape for one in arrays))
    return tuple(broadcast(one, common) for one in arrays)


def _at_least(ndim: int, arrays: Any, place: Any) -> Any:
    traced = [tracer(one) for one in arrays]
    parts = [x if x.ndim >= ndim else getitem(x, place(x.ndim)) for x in traced]
    return parts[0] if len(parts) == 1 else tuple(parts)


@implements(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    """``np.atleast_1d``."""
    return _at_least(1, arrays, lambda ndim: None)


@implements(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    """``np.atleast_2d``: new axes in front."""
    return _at_least(2, arrays, lambda ndim: (None,) * (2 - ndim))


@implements(np.atleast_3d)
def atleast_3d(*arrays: Any) -> Any:
    """``np.atleast_3d``: (n,) -> (1, n, 1) and (m, n) -> (m, n, 1)."""
    keys = ((None,) * 3, (None, slice(None), None), (..., None))
    return _at_least(3, arrays, lambda ndim: keys[ndim])


# What is known of a shape


@implements(np.shape)
def shape_of(a: Any) -> Any:
    """``np.shape``."""
    return tracer(a).shape


@implements(np.ndim)
def ndim_of(a: Any) -> int:
    """``np.ndim``."""
    return tracer(a).ndim


@implements(np.size)
def size_of(a: Any, axis: Any = None) -> Any:
    """``np.size``."""
    x = tracer(a)
    if axis is None:
        return x.size
    count: Any = 1
    for one in normalize_axes(axis, x.ndim):
        count = count * x.shape[one]
    return count
