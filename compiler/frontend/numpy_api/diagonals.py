"""NumPy's functions on diagonals and triangles."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ...primitives import diagonal as primitives
from ...primitives import index, shape
from ...primitives.selection import Slice
from ...types import normalize_axis
from .. import fence
from ..tracer import Tracer
from .memory import assign, own
from .nesting import nested
from .operands import broadcast, tracer
from .rearranging import resize
from .shapes import ravel
from .table import implements


def _diagonal(x: Tracer, offset: Any, axis1: int, axis2: int) -> Any:
    if x.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    axes = {"axis1": normalize_axis(axis1, x.ndim), "axis2": normalize_axis(axis2, x.ndim)}
    if len(set(axes.values())) == 1:
        raise ValueError("axis1 and axis2 cannot be the same")
    return primitives.diagonal(x, offset=integer(offset), **axes)


@implements(np.diagonal, method="diagonal")
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """``np.diagonal``, a read-only view."""
    shown = _diagonal(tracer(a), offset, axis1, axis2)
    # A broadcast to its own shape: it changes nothing, and makes the view read-only.
    return shape.broadcast_to(shown, shape=shown.shape)


@implements(np.linalg.diagonal)
def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """``np.linalg.diagonal``: of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """``np.diag``: the diagonal of a matrix, or the matrix with a diagonal."""
    x = tracer(v)
    if x.ndim == 1:
        return primitives.diag(x, k=integer(k))
    if x.ndim != 2:
        raise ValueError("Input must be 1- or 2-d.")
    return diagonal(x, k)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """``np.diagflat``."""
    return primitives.diag(ravel(v), k=integer(k))


def _trace(x: Any, offset: int, axis1: int, axis2: int, dtype: Any, out: Any) -> Any:
    return np.sum(_diagonal(tracer(x), offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@implements(np.trace, method="trace")
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    """``np.trace``."""
    return _trace(a, offset, axis1, axis2, dtype, out)


@implements(np.linalg.trace)
def matrix_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """``np.linalg.trace``: over the last two axes."""
    return _trace(x, offset, -2, -1, dtype, None)


def _square(x: Tracer) -> Tracer:
    """Return a vector as the rows of a square matrix, as np.tril and np.triu take it."""
    return broadcast(x, x.shape * 2) if x.ndim == 1 else x


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """``np.tril``, a copy."""
    return primitives.tril(_square(tracer(m)), k=integer(k))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """``np.triu``, a copy."""
    return primitives.triu(_square(tracer(m)), k=integer(k))


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """``np.tril_indices_from``: plain integers, since the shape is known."""
    return np.tril_indices(*_matrix_sizes(arr, k))


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """``np.triu_indices_from``: plain integers, since the shape is known."""
    return np.triu_indices(*_matrix_sizes(arr, k))


def _matrix_sizes(array: Any, k: int) -> tuple[int, int, int]:
    x = tracer(array)
    if x.ndim != 2:
        raise ValueError("input array must be 2-d")
    return integer(x.shape[0]), integer(k), integer(x.shape[1])


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    """``np.diag_indices_from``: plain integers, since the shape is known."""
    x = tracer(arr)
    if x.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    if len(set(x.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    return np.diag_indices(integer(x.shape[0]), x.ndim)


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """``np.fill_diagonal``, a store: every so many elements of the array row by row."""
    if not isinstance(a, Tracer):
        raise fence.unsupported(
            "np.fill_diagonal of a plain array with traced values",
            "make the array with np.zeros_like of a traced one",
        )
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    sizes = [integer(dim) for dim in a.shape]
    total = int(np.prod(sizes))
    if a.ndim == 2:
        step = sizes[1] + 1
        end = total if wrap else min(total, sizes[1] * sizes[1])
    elif len(set(sizes)) == 1:
        step, end = 1 + int(np.cumprod(sizes[:-1]).sum()), total
    else:
        raise ValueError("All dimensions of input must be of equal length")
    count = len(range(0, end, step))
    stored = tracer(nested(val), a.dtype)
    stored = resize(stored, (count,)) if stored.ndim else broadcast(stored, (count,))
    flat = shape.reshape(own(a), shape=(total,))
    filled = index.update(flat, stored, index=(Slice(0, end, step),))
    assign(a, shape.reshape(filled, shape=a.shape))
