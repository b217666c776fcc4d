"""What capture refuses: the construct, the user's line, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CaptureError
from .source import user_line

if TYPE_CHECKING:
    from ..ir import SourceLine
    from .tracer import Tracer

_READS = {
    "bool": (
        "the truth of a value that depends on the arguments decides a Python `if` or `while`",
        "use np.where(condition, a, b); what is the same in every call may be a Python number or "
        "named in static_argnames",
    ),
    "index": (
        "a value that depends on the arguments is used as a Python integer (a shape, a range, a "
        "slice bound)",
        "pass it as a Python int, or name it in static_argnames",
    ),
    "text": (
        "a value that depends on the arguments is written as text",
        "use gradc.debug.print to see the values of each call",
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
    if not tracer.trace.alive:
        return leaked(tracer)
    message, fix = _READS.get(what, _READS["float"])
    return CaptureError(message, got=_name(tracer), where=user_line(), fix=fix)


def became_array(tracer: Tracer) -> CaptureError:
    """Return the error for turning a traced array into a plain one."""
    if not tracer.trace.alive:
        return leaked(tracer)
    return CaptureError(
        "a traced array is converted to a plain NumPy array",
        got=_name(tracer),
        where=user_line(),
        fix="leave out np.asarray and np.array around traced arrays; build arrays of traced values "
        "with np.stack or np.concatenate, and fill arrays made with np.zeros_like of a traced one",
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
    """Return the refusal that NumPy hides in an error of its own while it stores an element."""
    return error.__cause__ if isinstance(error.__cause__, CaptureError) else error


def random_numbers(where: SourceLine | None) -> CaptureError:
    """Return the error for numbers drawn while capturing."""
    return CaptureError(
        "random numbers are drawn while the function is captured: they would be the same in every "
        "call",
        where=where,
        fix="draw them outside and pass them as an argument",
    )


def read_only() -> CaptureError:
    """Return the error for a store to an array that shows an element more than once."""
    return CaptureError(
        "a broadcast array, which is read-only, is stored to",
        where=user_line(),
        fix="store to a copy of it: .copy()",
    )


def scalar_stored(tracer: Tracer) -> CaptureError:
    """Return the error for a store to what is an immutable scalar in NumPy."""
    return CaptureError(
        "a NumPy scalar, which cannot be changed, is stored to by index",
        got=_name(tracer),
        where=user_line(),
        fix="give the variable a new value",
    )


def other_array(what: str, array: Any) -> CaptureError:
    """Return the error for an array whose class changes what operations do."""
    return CaptureError(
        f"{what} is a {type(array).__name__}, which means other things by the same operations",
        got=f"shape {array.shape}, dtype {array.dtype}",
        where=user_line(),
        fix="pass a plain array: np.asarray(...)",
    )
