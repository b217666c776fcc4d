"""Arrays made like traced ones; what they hold is known, and they may be stored to."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tracer import Storage, Tracer
from .operands import active, broadcast, check_dtype, tracer
from .table import implements, refuse


def _full(like: Any, value: Any, dtype: Any, shape: Any, function: str, **options: Any) -> Tracer:
    refuse(function, **options)
    like = tracer(like)
    wanted = like.dtype if dtype is None else np.dtype(dtype)
    check_dtype(wanted)
    size = like.shape if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    filled = broadcast(tracer(value, wanted), size)
    # A storage of its own, laid out as the array is that it is made like.
    row_major = like.is_row_major or len(size) != like.ndim
    return Tracer(active(), Storage(filled.value, row_major=row_major))


@implements(np.zeros_like)
def zeros_like(
    a: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Tracer:
    """``np.zeros_like``."""
    return _full(a, 0, dtype, shape, "np.zeros_like", device=device)


@implements(np.ones_like)
def ones_like(
    a: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Tracer:
    """``np.ones_like``."""
    return _full(a, 1, dtype, shape, "np.ones_like", device=device)


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
    return _full(prototype, 0, dtype, shape, "np.empty_like", device=device)


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
    return _full(a, fill_value, dtype, shape, "np.full_like", device=device)
