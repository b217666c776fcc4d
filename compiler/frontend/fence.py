"""What capture refuses: the construct, the user's line, and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CaptureError
from ..types import ArrayType, format_shape
from .active import current_trace
from .source import user_frame, user_line

if TYPE_CHECKING:
    from .tracer import Tracer

BINDINGS = "__gradc__"  # what rewritten code calls capture by
_RETURN = (
    "return it: with what is carried, or from both branches; gradc.scan stacks what each iteration "
    "gives, and gradc.debug.callback sees it"
)

_READS = {
    "bool": (
        "the truth of a value that depends on the arguments decides a Python `if` or `while`",
        "use np.where(condition, a, b), gradc.cond or gradc.while_loop; what is the same in every "
        "call may be a Python number or named in static_argnames",
    ),
    "index": (
        "a value that depends on the arguments is used as a Python integer (a shape, a range, a "
        "slice bound)",
        "pass it as a Python int, or name it in static_argnames; gradc.fori_loop runs as often as "
        "an argument says",
    ),
    "text": (
        "a value that depends on the arguments is written as text",
        "use gradc.debug.print to see the values of each call",
    ),
    "float": (
        "a value that depends on the arguments is converted to a Python number",
        "keep it as an array, and compute with NumPy's functions",
    ),
}


def _name(tracer: Tracer) -> str:
    name = tracer.value.name
    return f"{name}: {tracer.type}" if name else str(tracer.type)


def value_read(tracer: Tracer, what: str) -> CaptureError:
    """Return the error for reading a number that is not known while capturing."""
    if not tracer.tracing.alive:
        return leaked(tracer)
    message, fix = _READS.get(what, _READS["float"])
    if what == "index" and tracer.tracing.body is not None:
        fix = (
            "shapes are the same in each iteration: choose by a mask, "
            "np.where(np.arange(n) < i, x, 0.0), or let gradc.fori_loop run that often"
        )
    if what not in ("bool", "index", "text"):
        fix = _for_plain_code(fix)
    return CaptureError(message, got=_name(tracer), where=user_line(), fix=fix)


def _for_plain_code(fix: str) -> str:
    """Return what to do where the code that runs could not be rewritten."""
    frame = user_frame()
    if frame is None or BINDINGS in frame.f_code.co_freevars:
        return fix
    return (
        "save the function in a file: its source was not found (it was made by exec, or changed "
        "since), so that NumPy functions of traced arrays are all that is seen; or use np.exp for "
        "math.exp, np.stack for np.array, np.zeros_like of a traced array for np.zeros"
    )


def became_array(tracer: Tracer) -> CaptureError:
    """Return the error for turning a traced array into a plain one."""
    if not tracer.tracing.alive:
        return leaked(tracer)
    return CaptureError(
        "a traced array is converted to a plain NumPy array",
        got=_name(tracer),
        where=user_line(),
        fix=_for_plain_code("write what it is needed for with NumPy functions of traced arrays"),
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
    if tracer.tracing.body is not None:
        return CaptureError(
            "a value from the body of a loop or a branch is used outside of it",
            got=_name(tracer),
            where=user_line(),
            fix="return it from the body: as part of what is carried, or stacked by gradc.scan",
        )
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
        "an array is stored to while a reshape of it is alive, or a view of it that a checkpointed "
        "function returned: whether the two share memory depends on the memory layout of the "
        "arguments",
        where=user_line(),
        fix="reshape after the store, or add .copy() to the other array",
    )


def stored_from_within(place: str) -> CaptureError:
    """Return the error for a store to the outside of an inner compiled function, or of a body."""
    trace = current_trace()
    if trace is not None and trace.body is not None:
        return CaptureError(
            f"the body of a loop, a branch or a checkpoint stores to {place}, which lies outside "
            "of it",
            where=user_line(),
            fix=_RETURN,
        )
    return CaptureError(
        f"{place} is stored to inside a compiled function that another one calls",
        where=user_line(),
        fix="return the value, and store it in the outer function",
    )


def stored_from_body() -> CaptureError:
    """Return the error for a store to an array outside from the body of a loop or a branch."""
    return CaptureError(
        "the body of a loop, a branch or a rule stores to an array that was made outside of it",
        where=user_line(),
        fix="carry the array: pass it in init (or as an operand of a branch) and return it",
    )


def changed_from_body(name: str, kind: str) -> CaptureError:
    """Return the error for a body that changes what the function around it holds."""
    return CaptureError(
        f"the body of a loop or a branch changes {name}, which lies outside of it: that would be "
        "done once, while capturing",
        got=f"a {kind}",
        where=user_line(),
        fix=_RETURN,
    )


def changed_argument(name: str) -> CaptureError:
    """Return the error for a checkpointed function that changes a container it is given."""
    return CaptureError(
        f"{name} runs again in backward, and changes a list, dict or object that it is given",
        where=user_line(),
        fix="return the new value (stores to arrays are all right)",
    )


def stored_and_shared(name: str | None) -> CaptureError:
    """Return the error for a checkpointed function that reads under two names what it stores to."""
    return CaptureError(
        "a checkpointed function stores to an argument that it also gets in another way",
        got=name or "",
        where=user_line(),
        fix="pass the array once, or a copy of it",
    )


def reshaped(what: str, before: ArrayType, after: ArrayType) -> CaptureError:
    """Return the error for a carried value of another shape."""
    return CaptureError(
        f"{what} changes its shape from one iteration to the next",
        got=f"{format_shape(before.shape)}, then {format_shape(after.shape)}",
        where=user_line(),
        fix="let it have its final shape from the start, and store into it",
    )


def unlike_branches(got: str) -> CaptureError:
    """Return the error for branches of which one result cannot stand for the other."""
    return CaptureError(
        "the branches of cond return different structures or shapes",
        got=got,
        where=user_line(),
        fix="return the same containers, with arrays of the same shapes",
    )


def restructured(got: str, nothing: bool) -> CaptureError:
    """Return the error for a body that does not return what it is given."""
    if nothing:
        return CaptureError(
            "the body of a loop returns nothing, and stores nothing to what is carried",
            where=user_line(),
            fix="return the next carry",
        )
    return CaptureError(
        "the body of a loop returns another structure than it is given",
        got=got,
        where=user_line(),
        fix="return the carried values as they come in: the same containers with the same keys",
    )


def unlike_function(what: str, takes: str, got: str, usage: str) -> CaptureError:
    """Return the error for something that cannot be called as it would have to be."""
    message = f"{what} is a function of {takes}"
    return CaptureError(message, got=got, where=user_line(), fix=f"write {usage}")


def hooked_from_body() -> CaptureError:
    """Return the error for a hook that a body registers on a value from outside."""
    return CaptureError(
        "the body of a loop or a branch registers a hook on a value from outside of it, whose "
        "gradient is complete only when the loop is done",
        where=user_line(),
        fix="register the hook outside of the body",
    )


def resized(place: str, container: Any) -> CaptureError:
    """Return the error for an outside container that would grow with each call."""
    kind = type(container).__name__
    return CaptureError(
        f"the {kind} {place}, which lies outside of the function, changes its length",
        where=user_line(),
        fix="return what belongs into it, or write gradc.debug.callback(items.append, value)",
    )


def not_python(function: Any) -> CaptureError:
    """Return the error for a compiled function of a library that gets what is traced."""
    name = f"{getattr(function, '__module__', None) or 'builtins'}.{function.__name__}"
    return CaptureError(
        f"{name}, which is not written in Python, gets a value that depends on the arguments",
        where=user_line(),
        fix="write what it does with NumPy functions, or call it outside of the function",
    )


def not_looked_into(function: Any) -> CaptureError:
    """Return the error for a library's function that fails on what is traced."""
    name = f"{getattr(function, '__module__', '')}.{getattr(function, '__name__', function)}"
    return CaptureError(
        f"{name}, whose code is not looked into, gets a value that depends on the arguments",
        where=user_line(),
        fix="write what it does with NumPy functions, or call it outside of the function",
    )


def endless(where: object) -> CaptureError:
    """Return the error for calls, or containers, in each other without end."""
    return CaptureError(
        "a function calls itself, or a container contains itself, without an end that is seen "
        "while capturing",
        where=where or user_line(),
        fix="let a Python number or a static argument decide when it ends",
    )


def text_read() -> CaptureError:
    """Return the error for looking into text that is known at each call only."""
    return CaptureError(*_READS["text"][:1], where=user_line(), fix=_READS["text"][1])


def traced_key(tracer: Tracer) -> CaptureError:
    """Return the error for a dict or set that is asked for a value that is not known."""
    return CaptureError(
        "a value that depends on the arguments is used as the key of a dict or set",
        got=_name(tracer),
        where=user_line(),
        fix="make arrays of the keys and values, and choose by comparison: np.where(keys == key, "
        "values, 0.0).sum()",
    )


def changed_meanwhile(what: str) -> CaptureError:
    """Return the error for state that a capture changed, by code that it could not look into."""
    return CaptureError(
        "what the function reads outside was changed while it was captured",
        got=what,
        where=user_line(),
        fix="let code that changes it run outside of the function, or in gradc.debug.callback",
    )


def shared_memory(name: str, other: str) -> CaptureError:
    """Return the error for an array that is stored to and overlaps with another input."""
    return CaptureError(
        f"{name} is changed in place, and shares memory with {other}",
        where=user_line(),
        fix=f"let one of them have memory of its own: {other}.copy()",
    )


def written_read_only(name: str) -> CaptureError:
    """Return the error for a read-only array that the function changes."""
    return CaptureError(
        f"{name} is changed in place, but it is read-only",
        where=user_line(),
        fix="pass an array that can be written to",
    )


def returned_object(value: Any) -> CaptureError:
    """Return the error for an object in what a function returns or stores."""
    return CaptureError(
        "an object that is no array, number or container of these would be made at each call",
        got=type(value).__name__,
        where=user_line(),
        fix="return or store arrays, or tuples, lists, dicts or dataclasses of them",
    )


def numpy_error(error: Exception) -> Exception:
    """Return the refusal that NumPy hides in an error of its own while it stores an element."""
    return error.__cause__ if isinstance(error.__cause__, CaptureError) else error


def random_numbers() -> CaptureError:
    """Return the error for numbers drawn while capturing."""
    return CaptureError(
        "random numbers are drawn while the function is captured: they would be the same in every "
        "call",
        where=user_line(),
        fix="draw them outside and pass them as an argument",
    )


def outside_iterator(place: str) -> CaptureError:
    """Return the error for an iterator that gives other items at each call."""
    return CaptureError(
        f"{place}, an iterator that lies outside of the function, would give the same at each call",
        where=user_line(),
        fix="call next() outside, and pass what it gives as an argument",
    )


def changing_answer(function: Any) -> CaptureError:
    """Return the error for a question whose answer is another one at each call."""
    return CaptureError(
        f"{function.__name__}() is asked while the function is captured: its answer would be the "
        "same at each call",
        where=user_line(),
        fix="ask outside and pass the answer as an argument, or ask in gradc.debug.callback",
    )


def indexed_list(items: Any, key: Tracer) -> CaptureError:
    """Return the error for a list that is indexed with what depends on the arguments."""
    return CaptureError(
        f"a {type(items).__name__} is indexed with a value that depends on the arguments",
        got=_name(key),
        where=user_line(),
        fix="make an array of it, and index that: np.stack(items)[index]",
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
