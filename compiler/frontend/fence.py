"""What capture refuses: the construct, the user's line, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CaptureError
from .source import user_line

if TYPE_CHECKING:
    from .tracer import Tracer

_READS = {
    "bool": (
        "the truth of a value that depends on the arguments decides a Python `if` or `while`",
        "use np.where(condition, a, b), or gradc.no_grad and a mask, or make the argument static",
    ),
    "index": (
        "a value that depends on the arguments is used as a Python integer (a shape, a range, a "
        "slice bound)",
        "pass it as a Python int, or name it in static_argnames",
    ),
    "float": (
        "a value that depends on the arguments is converted to a Python number",
        "keep it as an array: np functions in place of math functions, no float() and int(); an "
        "array that takes traced values is made with np.zeros_like or np.stack, not with np.zeros",
    ),
}


def _name(tracer: Tracer) -> str:
    name = tracer.value.name
    return f"{name}: {tracer.type}" if name else str(tracer.type)


def value_read(tracer: Tracer, what: str) -> CaptureError:
    """Return the error for reading a number that is not known while capturing."""
    message, fix = _READS.get(what, _READS["float"])
    return CaptureError(message, got=_name(tracer), where=user_line(), fix=fix)


def became_array(tracer: Tracer) -> CaptureError:
    """Return the error for turning a traced array into a plain one."""
    return CaptureError(
        "a traced array is converted to a plain NumPy array",
        got=_name(tracer),
        where=user_line(),
        fix="call np functions on it directly; build arrays of traced values with np.stack or "
        "np.concatenate, and fill arrays made with np.zeros_like or from traced values",
    )


def unsupported(what: str, fix: str | None = None, got: str | None = None) -> CaptureError:
    """Return the error for a function or option that capture does not know."""
    return CaptureError(
        f"{what} is not supported inside a compiled function",
        got=got,
        where=user_line(),
        fix=fix or "write it with supported NumPy functions, or move it out of the function",
    )


def leaked(tracer: Tracer) -> CaptureError:
    """Return the error for a traced array that outlived its capture."""
    return CaptureError(
        "a traced array was used after the capture of its function had ended",
        got=_name(tracer),
        where=user_line(),
        fix="do not store intermediate arrays in globals, attributes or outer containers; return "
        "them (has_aux=True)",
    )


def ambiguous_memory() -> CaptureError:
    """Return the error for a store that may or may not show through a reshaped array."""
    return CaptureError(
        "an array is stored to while a reshape of it is alive, and whether the two share memory "
        "depends on the memory layout of the arguments",
        where=user_line(),
        fix="reshape after the store, or add .copy() to the reshape",
    )


def argument_stored(name: str) -> CaptureError:
    """Return the error for an argument that the function changes in place."""
    return CaptureError(
        f"the argument {name} is changed in place",
        where=user_line(),
        fix=f"change a copy: {name} = {name}.copy()",
    )


def numpy_error(error: Exception) -> Exception:
    """Translate what NumPy raises where it could not use a traced array."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, CaptureError):
            return cause
        cause = cause.__cause__ or cause.__context__
    if "setting an array element" in str(error):
        return CaptureError(
            "a traced value is stored in a plain NumPy array",
            got=str(error),
            where=_innermost(error),
            fix="make the array with np.zeros_like(x) of a traced x, or build it with np.stack or "
            "np.concatenate",
        )
    return error


def _innermost(error: Exception) -> str | None:
    traceback = error.__traceback__
    place = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{code.co_filename}:{traceback.tb_lineno} in {code.co_name}"
        traceback = traceback.tb_next
    return place
