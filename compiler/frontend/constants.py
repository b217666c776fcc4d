"""Plain arrays that become part of a program."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Builder, SourceLine, Value
from ..types import SUPPORTED_DTYPES, type_of
from . import fence


def constant(
    builder: Builder, array: np.ndarray[Any, Any], origin: SourceLine | None = None
) -> Value:
    """Append an array; one that repeats a number takes no memory.

    Args:
        builder: Where to.
        array: The array.
        origin: The line where it was made, if not the one that is running.

    Raises:
        CaptureError: Its dtype is not supported.
    """
    if array.dtype.newbyteorder("=") not in SUPPORTED_DTYPES:
        supported = ", ".join(dtype.name for dtype in SUPPORTED_DTYPES)
        raise fence.unsupported(
            f"an array of dtype {array.dtype}", f"use one of {supported}", got=repr(array)
        )
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    before, builder.origin = builder.origin, origin or builder.origin
    try:
        if array.size > 1 and _is_uniform(array):
            return builder.full(type_of(array), array.flat[0])
        return builder.constant(array)
    finally:
        builder.origin = before


def _is_uniform(array: np.ndarray[Any, Any]) -> bool:
    """Whether all elements are the same, bit by bit."""
    bits = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
    return bool((bits == bits.flat[0]).all())
