"""Arrays whose numbers are known while capturing: NumPy itself computes with them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..types import Sym
from . import fence
from .source import assigned_name, source_line, user_frame
from .tracer import Storage, Tracer

if TYPE_CHECKING:
    from .trace import Trace

# What changes arrays that it is given.
STORES = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
STORING_METHODS = {"fill", "sort", "partition", "put", "resize", "setfield", "byteswap"}


def holds_traced(value: Any) -> bool:
    """Whether something in a value depends on the arguments of the captured function."""
    kind = type(value)
    if kind is Tracer:
        return value.storage.array is None
    if kind is Sym:
        return True
    if kind is dict:
        return any(map(holds_traced, value.values()))
    if kind is slice:
        return any(map(holds_traced, (value.start, value.stop, value.step)))
    return isinstance(value, list | tuple) and any(map(holds_traced, value))


def holds_tracer(value: Any) -> bool:
    """Whether there is a tracer in a value, traced or concrete."""
    if isinstance(value, dict):
        return any(map(holds_tracer, value.values()))
    if isinstance(value, list | tuple | deque):
        return any(map(holds_tracer, value))
    attributes = getattr(value, "__dict__", None) if is_dataclass(value) else None
    return type(value) is Tracer or (bool(attributes) and holds_tracer(attributes))


def plain(value: Any, found: list[tuple[Tracer, Any]] | None = None) -> Any:
    """Return a value with plain arrays in place of concrete tracers.

    Args:
        value: An array or number, or lists, tuples, dicts and slices of these.
        found: Gets the concrete tracers, and what took their place.
    """
    kind = type(value)
    if kind is Tracer:
        array = value.array
        if array is None:
            return value
        if found is not None:
            found.append((value, array))
        return array
    if kind in (list, tuple):
        parts = [plain(one, found) for one in value]
        same = all(part is one for part, one in zip(parts, value, strict=True))
        return value if same else kind(parts)
    if kind is dict:
        filled = {key: plain(one, found) for key, one in value.items()}
        return value if all(filled[key] is value[key] for key in value) else filled
    if kind is slice:
        return slice(*(plain(one, found) for one in (value.start, value.stop, value.step)))
    return value


def known(value: Any) -> Any:
    """Return a value with what tracers are in their places, where it may be looked at.

    Raises:
        LookupError: It depends on the arguments.
    """
    if type(value) is Tracer:
        content = value.peek()
        if content is None:
            raise LookupError
        return content
    if type(value) in (list, tuple):
        return type(value)(map(known, value))
    if type(value) is dict:
        return {key: known(one) for key, one in value.items()}
    return value


def concrete(trace: Trace, value: Any) -> Any:
    """Return a value with concrete tracers in place of plain arrays."""
    if type(value) is np.ndarray:
        return Tracer(trace, Storage.of(value))
    if isinstance(value, tuple) and any(type(one) is np.ndarray for one in value):
        parts = [concrete(trace, one) for one in value]
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    if type(value) is list and any(isinstance(one, np.ndarray | list) for one in value):
        return [concrete(trace, one) for one in value]
    return value


def compute(
    trace: Trace | None,
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    captured: Callable[[], Any] | None = None,
    stores: bool = False,
) -> Any:
    """Call a function on the plain arrays in place of concrete tracers.

    Args:
        trace: The capture at work; without one, results stay plain arrays.
        function: The function.
        args: Its positional arguments; nothing in them is traced.
        kwargs: Its other arguments.
        captured: Does the same by views of the tracers; called where the result shares memory.
        stores: Whether it may change its arguments.
    """
    found: list[tuple[Tracer, Any]] = []
    plain_args, plain_kwargs = plain(args, found), plain(kwargs, found)
    may_store = stores or function in STORES
    if (
        may_store
        and trace is not None
        and any(one.tracing.body is not trace.body for one, _ in found[:1])
    ):
        raise fence.stored_from_body()
    result = function(*plain_args, **plain_kwargs)
    if may_store:
        for one, _ in found:
            one.storage.changed()
    if trace is None:
        return result
    for one, array in found:
        if result is array:
            return one
    views = [array for _, array in found if array.dtype.kind in "fiub"]
    if captured is not None and any(_share(result, array) for array in views):
        return captured()
    made = concrete(trace, result)
    if type(made) is Tracer:
        frame = user_frame()
        made.storage.origin, made.storage.name = source_line(frame), assigned_name(frame)
    return made


def _share(result: Any, array: Any) -> bool:
    if isinstance(result, list | tuple):
        return any(_share(one, array) for one in result)
    return isinstance(result, np.ndarray) and np.may_share_memory(result, array)
