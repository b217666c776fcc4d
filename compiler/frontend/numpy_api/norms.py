"""Norms of vectors and matrices. At 0 their gradient is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import reduce
from .. import fence
from ..tracer import Tracer
from .reductions import axis_of, extent, floating, reduced
from .table import implements

_OF_SINGULAR_VALUES = (2, -2, "nuc")


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``."""
    x = floating(x)
    if axis is None and ord is None:
        return reduced(reduce.norm, x, None, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(axis_of(one, x) for one in axes)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


@implements(np.linalg.vector_norm)
def vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: float | None = 2
) -> Any:
    """``np.linalg.vector_norm``: of all elements, or over any axes."""
    x = floating(x)
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return _of_vectors(x, ord, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm``: of the last two axes."""
    x = floating(x)
    if x.ndim < 2:
        raise TypeRuleError("takes matrices", got=str(x.type))
    return _of_matrices(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def _of_vectors(x: Tracer, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return reduced(reduce.norm, x, axes, keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if isinstance(ord, Tracer) and ord.known is None:
        raise fence.unsupported("a norm of an order that is not known", "use a Python number")
    if ord == np.inf:
        return _largest(np.abs(x), axes, keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(x != 0, axis=axes, dtype=x.dtype, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes, keepdims=keepdims)
    return _of_order(x, float(ord), axes, keepdims)


def _of_order(x: Tracer, ord: float, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Return ``(sum |x|^p)^(1/p)``, with no slope where that of a power is infinite."""
    size: Any = np.abs(x)
    total = np.sum(_power(size, ord) if ord < 1 else size**ord, axis=axes, keepdims=keepdims)
    return _power(total, 1 / ord)


def _power(x: Any, exponent: float) -> Any:
    """Return the power of what is not negative; at 0 its slope is 0."""
    none = x == 0
    return np.where(none, 0.0 if exponent > 0 else np.inf, np.where(none, 1.0, x) ** exponent)


def _of_matrices(x: Tracer, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    if axes[0] == axes[1]:
        raise ValueError("Duplicate axes given.")
    if ord in (None, "fro", "f"):
        return reduced(reduce.norm, x, axes, keepdims)
    if ord in _OF_SINGULAR_VALUES:
        raise fence.unsupported(
            f"a norm of singular values (ord={ord!r})", "use ord='fro', or another norm"
        )
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    summed, compared = axes if abs(ord) == 1 else axes[::-1]
    totals = np.sum(np.abs(x), axis=summed, keepdims=True)
    if ord < 0:
        result = np.min(totals, axis=compared, keepdims=True)
    else:
        result = _largest(totals, compared, True)
    return result if keepdims else np.squeeze(result, axis=axes)


def _largest(size: Any, axis: Any, keepdims: bool) -> Any:
    if extent(size, axis) == 0:  # NumPy's norm of nothing
        return np.max(size, axis=axis, keepdims=keepdims, initial=0.0)
    return np.max(size, axis=axis, keepdims=keepdims)
