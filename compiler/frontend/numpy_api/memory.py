"""Whose memory a result lies in: values of their own, and results that are given to ``out``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitives import elementwise
from ...types import format_shape
from .. import fence
from ..active import current_trace
from ..tracer import Tracer
from .operands import broadcast, tracer


def own(x: Tracer) -> Tracer:
    """Return a copy that NumPy would lay out row by row, with memory of its own."""
    return laid_out(elementwise.copy(x))


def laid_out(x: Tracer) -> Tracer:
    """Return a new array, known to be laid out row by row; a view is what it was."""
    if not x.views:
        x.storage.row_major = True
    return x


def given(out: Any, result: Tracer, function: str, casting: Any = "same_kind") -> Tracer:
    """Return a result, or store it in ``out`` where there is one, and return this.

    Raises:
        CaptureError: ``out`` is a plain array.
        TypeError: Its dtype does not take the result.
        ValueError: It has another shape.
    """
    if out is None:
        return result
    if not isinstance(out, Tracer):
        raise fence.unsupported(
            f"{function} storing a traced result in a plain array (out=)",
            "make the array with np.zeros_like of a traced one",
        )
    check_casting(result.dtype, out.dtype, casting)
    if out.shape != result.shape:
        raise ValueError(
            f"out has shape {format_shape(out.shape)}, the result of {function} "
            f"{format_shape(result.shape)}"
        )
    assign(out, tracer(result, out.dtype))
    return out


def assign(target: Tracer, value: Tracer) -> None:
    """Store a value of its dtype to all of an array.

    Raises:
        CaptureError: It is a scalar, an argument or read-only.
    """
    if target.scalar:
        raise fence.scalar_stored(target)
    (current_trace() or target.tracing).store(target, broadcast(value, target.shape).value)


def check_casting(source: Any, target: Any, casting: Any) -> None:
    """Refuse a conversion of dtype that NumPy's rule ``casting`` does not allow."""
    if not np.can_cast(source, target, casting):
        raise TypeError(
            f"Cannot cast array data from {source!r} to {target!r} according to the rule "
            f"{casting!r}"
        )
