"""Operands on their way into primitives: tracers, arrays and numbers of one dtype and shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import CaptureError
from ...primitives import elementwise, shape
from ...types import SUPPORTED_DTYPES, Dim, Sym, broadcast_shapes
from .. import fence
from ..active import current_trace
from ..concrete import plain
from ..other_arrays import refuse_other_array
from ..trace import Trace
from ..tracer import Known, Storage, Tracer


def active() -> Trace:
    """Return the capture at work."""
    trace = current_trace()
    if trace is None:
        raise CaptureError("a traced array is used while nothing is captured")
    return trace


def is_weak(operand: Any) -> bool:
    """Whether an operand is a Python number, whose dtype yields to that of arrays."""
    if isinstance(operand, Tracer):
        return operand.weak and operand.dtype.kind != "b"
    return isinstance(operand, int | float) and not isinstance(operand, bool | np.generic)


def dtype_key(operand: Any) -> Any:
    """Return an operand's dtype, or ``int`` or ``float`` where it is weak (as NEP 50 wants)."""
    operand = nested(operand)
    if isinstance(operand, Tracer):
        if is_weak(operand):
            return float if operand.dtype.kind == "f" else int
        return operand.dtype
    if is_weak(operand):
        return float if isinstance(operand, float) else int
    return plain_array(operand).dtype


def common_dtype(operands: Sequence[Any], weak_numbers: bool = True) -> np.dtype[Any]:
    """Return the dtype that NumPy's promotion gives.

    Args:
        operands: Tracers, arrays, numbers.
        weak_numbers: Whether Python numbers yield to arrays; not where NumPy makes arrays of them.
    """
    keys = [dtype_key(operand) for operand in operands]
    if not weak_numbers:
        keys = [np.dtype(key) for key in keys]
    weak = [0.0 if key is float else 0 for key in keys if isinstance(key, type)]
    return np.result_type(*weak, *(key for key in keys if not isinstance(key, type)))


def tracer(operand: Any, dtype: np.dtype[Any] | None = None) -> Tracer:
    """Return an operand as a tracer of the capture at work, of ``dtype`` if one is given."""
    trace = active()
    operand = nested(operand)
    if not isinstance(operand, Tracer):
        array = plain_array(operand, dtype)
        value = trace.value_of(array)
        known = None if value.ndim else Known(array.item())
        return Tracer(trace, Storage(value, row_major=True), scalar=not value.ndim, known=known)
    if operand.tracing is not trace:
        value = trace.value_of(operand)
        operand = Tracer(trace, Storage(value), scalar=operand.scalar, weak=operand.weak)
    if dtype is not None and operand.dtype != dtype:
        check_dtype(dtype)
        operand = elementwise.cast(operand, dtype=dtype)
    return operand  # type: ignore[no-any-return]


def plain_array(operand: Any, dtype: np.dtype[Any] | None = None) -> np.ndarray[Any, Any]:
    """Return an operand that is not traced as an array.

    Raises:
        CaptureError: It is an unknown size, or an array of a class of its own.
    """
    if isinstance(operand, Sym):
        raise fence.unsupported(
            f"the unknown size {operand} as a number",
            "give gradc.spec a number for it, or use np.mean",
        )
    refuse_other_array(operand, "an operand")
    if is_weak(operand) and dtype is not None and dtype.kind in "iu":
        return np.asarray(operand, dtype)  # NumPy refuses a number that does not fit
    array = np.asarray(operand)
    return array if dtype is None else array.astype(dtype, copy=False)


def holds_tracer(parts: Any) -> bool:
    """Whether something is a tracer, or a nested list or tuple with one in it."""
    return isinstance(parts, Tracer) or (
        isinstance(parts, list | tuple) and any(holds_tracer(part) for part in parts)
    )


def nested(parts: Any, dtype: Any = None) -> Any:
    """Return nested lists with tracers in them joined to one array; all else as it is."""
    if isinstance(parts, Tracer) or not holds_tracer(parts):
        return parts
    parts = plain(parts)
    if not holds_tracer(parts):
        return parts
    rows = [nested(part, dtype) for part in parts]
    wanted = common_dtype(rows, weak_numbers=False) if dtype is None else dtype
    rows = [tracer(row, wanted) for row in rows]
    if any(row.shape != rows[0].shape for row in rows):
        raise ValueError("the nested lists have parts of different shapes")
    return shape.stack(*rows, axis=0)


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Refuse a dtype that gradc does not have.

    Raises:
        CaptureError: With those that it has.
    """
    if dtype not in SUPPORTED_DTYPES:
        supported = ", ".join(one.name for one in SUPPORTED_DTYPES)
        raise fence.unsupported(f"dtype {dtype}", f"use one of {supported}")


def broadcast(operand: Tracer, to: Sequence[Dim]) -> Tracer:
    """Return an operand broadcast to a shape."""
    if operand.shape == tuple(to):
        return operand
    return shape.broadcast_to(operand, shape=tuple(to))  # type: ignore[no-any-return]


def together(operands: Sequence[Any], dtypes: Sequence[np.dtype[Any]]) -> list[Tracer]:
    """Return operands as tracers of these dtypes and of their common shape."""
    traced = [tracer(one, dtype) for one, dtype in zip(operands, dtypes, strict=True)]
    common = broadcast_shapes(*(one.shape for one in traced))
    return [broadcast(one, common) for one in traced]


def truth(operand: Tracer) -> Tracer:
    """Return where an operand is not zero."""
    zero = broadcast(tracer(0, operand.dtype), operand.shape)
    return elementwise.not_equal(operand, zero)  # type: ignore[no-any-return]
