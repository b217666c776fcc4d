"""Hooks on gradients."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ..errors import CaptureError, GradcError
from ..ir import Builder, Graph, Node, Value
from ..primitives.control import Callback, callback, hook
from ..types import ArrayType, format_shape
from . import fence, numpy_api
from .active import current_trace
from .fence import BINDINGS
from .signature import LeafType
from .source import user_line
from .staging import call_root
from .trace import Trace
from .tracer import Tracer
from .tree import is_leaf


class Hook:
    """A hook on a value: lines of the backward program where it is pure, else a call-back."""

    def __init__(
        self, function: Callable[[Any], Any], type: ArrayType, number: int, where: object
    ) -> None:
        self.graph = _pure(function, type)
        self.callback = Callback(
            f"hook_{number}", lambda gradient: _called(function, gradient, where)
        )

    def apply(self, ct: Value) -> Value:
        """Return the gradient that takes the place of ``ct``."""
        builder = Builder.current()
        if self.graph is not None:
            return builder.inline(self.graph, (ct,))[0] if self.graph.outputs else ct
        attrs = {"callback": self.callback, "types": (ct.type,)}
        (out,) = builder.add(callback, (ct,), attrs)
        out.name = ct.name
        return out

    def __repr__(self) -> str:
        return f"<{self.callback.name}>"


def _called(function: Callable[[Any], Any], gradient: Any, where: object) -> Any:
    """Call a hook with a gradient of its own, and check what it gives in its place."""
    given = np.array(gradient)
    result = function(given)
    if result is None:
        return gradient
    replaced = np.array(result)
    if replaced.shape != given.shape or replaced.dtype.kind not in "fiub":
        name = getattr(function, "__name__", "a hook")
        raise GradcError(
            f"the hook {name} must return None or a gradient of the same shape",
            got=f"{format_shape(replaced.shape)} {replaced.dtype} in place of "
            f"{format_shape(given.shape)} {given.dtype}",
            where=where,
            fix="return None where the gradient is only looked at",
        )
    return replaced.astype(given.dtype, copy=False)[()]


def _pure(function: Callable[[Any], Any], type: ArrayType) -> Graph | None:
    """Return what a hook does as a graph, if its result depends on the gradient alone.

    That is so if its code reads its parameter, literals and captured functions only; what closures
    and globals hold may change between calls.
    """
    if isinstance(function, FunctionType) and set(function.__code__.co_freevars) - {BINDINGS}:
        return None
    try:
        with Trace(numpy_api, strict=True) as trace:
            result = call_root(function, trace.input(LeafType(type, "array"), "gradient"))
            if result is None:
                return trace.graph(()) if not _has_effects(trace) else None
            value = trace.value_of(result)
    except Exception:
        return None  # it runs, and fails if it does, with the concrete gradient
    changed = any(storage.version for storage in trace.inputs)
    if value.type != type or trace.lifted or changed or _has_effects(trace):
        return None
    return trace.graph((value,))


def _has_effects(trace: Trace) -> bool:
    return any(node.has_effect for node in trace.builder.nodes)


class Handle:
    """What ``register_hook`` returns.

    Attributes:
        hook: The node in the graph under construction; None where nothing is captured.
    """

    def __init__(self, trace: Trace | None = None, node: Node | None = None) -> None:
        self._trace, self._node = trace, node

    def remove(self) -> None:
        """Take the hook away; a second call does nothing."""
        if self._trace is not None and self._node in self._trace.builder.nodes:
            self._trace.builder.nodes.remove(self._node)
        self._trace = self._node = None


def register_hook(value: Any, function: Callable[[Any], Any]) -> Handle:
    """Call ``function`` with the gradient of ``value`` when it is complete.

    Hooks on one value run in the order of their registration. What a hook returns, unless it is
    None, takes the place of the gradient for everything that is computed from it.

    Args:
        value: A value inside a compiled function. Of a plain array there is no gradient, and
            nothing happens.
        function: Takes the gradient, an array of the shape of ``value``; returns None, or the array
            that takes its place.

    Returns:
        A handle; ``handle.remove()`` takes the hook away again.

    Example:
        >>> import numpy as np
        >>> from gradc import compile_grad, register_hook
        >>> @compile_grad
        ... def f(x):
        ...     y = x * 2.0
        ...     register_hook(y, lambda g: np.clip(g, -1.0, 1.0))
        ...     return np.sum(5.0 * y)
        >>> f.grad(np.ones(2))
        array([2., 2.])
    """
    if not callable(function) or not is_leaf(value):
        raise CaptureError(
            "a hook is a function, registered on one array",
            got=f"{type(function).__name__} on {type(value).__name__}",
            where=user_line(),
            fix="write register_hook(array, lambda gradient: ...), once for each array",
        )
    if not isinstance(value, Tracer):
        return Handle()
    trace = current_trace()
    if trace is None:
        raise fence.leaked(value)
    if value.tracing.body is not trace.body:
        raise fence.hooked_from_body()
    made = Hook(function, value.type, trace.next_number(), trace.line())
    operand = trace.value_of(value)
    trace.effect(hook, (operand,), {"hook": made})
    return Handle(trace, trace.builder.nodes[-1])
