"""Stores through views: what they change of the storage that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir import Value
from ..primitives.elementwise import with_value
from ..primitives.index import gather, slice_, update
from . import fence
from .grad_mode import is_grad_enabled
from .storage import View
from .tracer import Tracer

if TYPE_CHECKING:
    from .trace import Trace


def store(trace: Trace, target: Tracer, value: Value) -> None:
    """Make ``value`` the new content of what ``target`` shows.

    Raises:
        CaptureError: It is read-only, shares memory in a way that is not known, or belongs to an
            enclosing function or the outside of a loop's body.
    """
    storage = target.storage
    if target.tracing.body is not trace.body:
        raise fence.stored_from_body()
    if target.tracing is not trace:
        raise fence.unsupported("a store to an array of an enclosing function")
    if storage.is_unsure or any(sibling() is not None for sibling in storage.siblings):
        raise fence.ambiguous_memory()
    held = [storage.value_in(trace)]
    for view in target.views:
        held.append(trace.add(view.primitive, (held[-1], *view.indices), view.attrs))
    if target.is_broadcast:
        raise fence.read_only()
    for view, base in zip(reversed(target.views), reversed(held[:-1]), strict=True):
        value = _put_back(trace, view, base, value)
    if not is_grad_enabled():
        trace.builder.detached = False  # what was there before keeps its gradient, as in PyTorch
        (value,) = trace.builder.add(with_value, (held[0], value), {})
    value.name = value.name or held[0].name
    storage.hold(value)


def _put_back(trace: Trace, view: View, base: Value, value: Value) -> Value:
    if view.primitive in (slice_, gather):
        return trace.add(update, (base, value, *view.indices), view.attrs)
    if view.primitive.name == "transpose":
        axes = view.attrs["axes"]
        back = tuple(axes.index(axis) for axis in range(len(axes)))
        return trace.add(view.primitive, (value,), {"axes": back})
    return trace.add(view.primitive, (value,), {"shape": base.shape})
