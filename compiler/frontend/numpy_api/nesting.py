"""Lists and tuples that hold traced values, where NumPy takes them for arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CaptureError
from .. import fence
from .operands import holds_tracer, nested

__all__ = ["holds_tracer", "known_array", "nested"]


def known_array(array: Any, what: str) -> np.ndarray[Any, Any]:
    """Return a plain array of what has to be known while capturing.

    Raises:
        CaptureError: It depends on the arguments.
    """
    try:
        return np.asarray(array)
    except CaptureError as error:
        if not holds_tracer(array):
            raise
        raise fence.unsupported(
            f"{what} that depends on the arguments",
            "make it from Python numbers, or name its argument in static_argnames",
            got=error.got,
        ) from None
