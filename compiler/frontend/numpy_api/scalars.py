"""Traced values as Python numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tracer import Storage, Tracer
from .operands import tracer
from .table import implements


def as_number(value: Any) -> Any:
    """Return a traced array of one element as the Python number that it would be.

    Raises:
        TypeError: It has another number of elements.
    """
    if not isinstance(value, Tracer) or (value.scalar and value.weak):
        return value
    if value.size != 1:
        raise TypeError("only arrays of one element can be converted to Python scalars")
    wide = {"f": np.float64, "b": np.bool_}.get(value.dtype.kind, np.int64)
    value = tracer(value.reshape(()) if value.ndim else value, np.dtype(wide))
    is_weak = value.dtype != np.bool_
    storage = Storage(value.value)
    return Tracer(value.tracing, storage, scalar=True, weak=is_weak, known=value.known)


def as_float(value: Any) -> Any:
    """Return a traced value as ``float`` does."""
    return as_number(tracer(value, np.dtype(np.float64)))


def as_int(value: Any) -> Any:
    """Return a traced value as ``int`` does."""
    if value.known is not None:
        return int(value)
    whole = value if value.dtype.kind in "iub" else np.trunc(value)
    return as_number(tracer(whole, np.dtype(np.int64)))


@implements(method="item")
def item(x: Tracer, *args: Any) -> Any:
    """``ndarray.item``."""
    if not args:
        return as_number(x)
    if len(args) == 1 and not isinstance(args[0], tuple):
        return as_number(np.ravel(x)[args[0]])
    return as_number(x[args[0] if len(args) == 1 else args])


@implements(method="tolist")
def tolist(x: Tracer) -> Any:
    """``ndarray.tolist``: nested lists of numbers."""
    return [tolist(row) for row in x] if x.ndim else as_number(x)
