"""Functions for which the user gives derivative rules: what both kinds share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from ..errors import CaptureError
from ..primitive import Primitive
from .active import current_trace
from .bodies import Body, Slot, entering, invariants_of, leaving
from .rule_capture import (
    Call,
    Pending,
    capture_primal,
    capture_rules,
    pending_rules,
)
from .source import user_line
from .trace import Trace
from .tree import Tree, flatten, unflatten

P = ParamSpec("P")
R = TypeVar("R")
_COPIED = tuple(name for name in functools.WRAPPER_ASSIGNMENTS if name != "__module__")


class Ruled(Generic[P, R]):
    """A function with derivative rules; what both kinds share."""

    primitive: Primitive
    kind: str
    define: str
    __name__: str
    __wrapped__: Callable[P, R]

    def __init__(self, function: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()) -> None:
        if not callable(function):
            raise CaptureError(
                f"{self.kind} takes a function",
                got=type(function).__name__,
                where=user_line(),
                fix=f"write f = gradc.{self.kind}(f), or use it as a decorator",
            )
        static = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)
        if not all(isinstance(one, int) and one >= 0 for one in static):
            raise CaptureError(
                "nondiff_argnums takes positions of parameters",
                got=repr(nondiff_argnums),
                where=user_line(),
                fix="write it as in nondiff_argnums=(0,)",
            )
        self._static = frozenset(static)
        # Its module stays gradc's, so that capture runs it as it is.
        functools.update_wrapper(self, function, assigned=_COPIED)
        self._name = getattr(function, "__name__", type(function).__name__)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Return the method that it is of an object."""
        return self if instance is None else MethodType(self, instance)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute it; in a compiled function its derivative will be that of the rules."""
        self._check_rules()
        trace = current_trace()
        if trace is None:
            return self.__wrapped__(*args, **kwargs)
        result: R = self._recorded(trace, self._positional(args, kwargs))
        return result

    def _check_rules(self) -> None:
        if not self._is_defined():
            raise CaptureError(
                f"{self._name} has no derivative rules",
                where=user_line(),
                fix=f"write {self._name}.{self.define} before it is called",
            )

    def _is_defined(self) -> bool:
        raise NotImplementedError

    def _names(self) -> list[str]:
        try:
            return list(inspect.signature(self.__wrapped__).parameters)
        except (TypeError, ValueError):
            return []

    def _positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return all arguments by position, defaults too."""
        inner = self.__wrapped__
        while isinstance(inner, functools.partial):
            inner = inner.func
        # Options of ufuncs are no arguments of the rules; some built-in functions tell nothing.
        if not kwargs and (isinstance(inner, np.ufunc) or not self._names()):
            return tuple(args)
        bound = inspect.signature(self.__wrapped__).bind(*args, **kwargs)
        if bound.kwargs:
            raise CaptureError(
                f"{self._name} has derivative rules, and parameters that are keywords only",
                got=", ".join(bound.kwargs),
                where=user_line(),
                fix="let them be parameters that can be given by position",
            )
        bound.apply_defaults()
        return bound.args

    def _recorded(self, trace: Trace, args: tuple[Any, ...]) -> Any:
        call, leaves = self._call(args)
        pending = pending_rules(self, call)
        if pending is None:
            body = capture_primal(self.__wrapped__, call)
            pending = self._captured(call, body)
        body, closed = pending.body, pending.closed
        attrs = {"body": body.graph(closed), "rules": pending.rules}
        given = [entering(trace, leaf, slot) for leaf, slot in zip(leaves, call.slots, strict=True)]
        outs = trace.structured(self.primitive, [*given, *closed], attrs)
        return unflatten(
            body.tree,
            [leaving(trace, out, slot) for out, slot in zip(outs, body.slots, strict=True)],
        )

    def _call(self, args: tuple[Any, ...]) -> tuple[Call, list[Any]]:
        beyond = [one for one in self._static if one >= len(args)]
        if beyond:
            raise CaptureError(
                f"nondiff_argnums of {self._name} names a parameter that there is not",
                got=f"{min(beyond)}, of {len(args)} arguments",
                where=user_line(),
                fix="count positions from 0",
            )
        names = self._names()
        trees: list[Tree] = []
        leaves: list[Any] = []
        labels: list[str] = []
        for i, one in enumerate(args):
            if i not in self._static:
                name = names[i] if i < len(names) else f"argument_{i}"
                trees.append(flatten(one, name, leaves, labels))
        slots = tuple(Slot.of(leaf, label) for leaf, label in zip(leaves, labels, strict=True))
        static = {i: args[i] for i in sorted(self._static)}
        return Call(self._name, static, tuple(trees), slots), leaves

    def _captured(self, call: Call, body: Body) -> Pending:
        pending, bodies = capture_rules(
            self,
            call,
            body,
            invariants_of([body]),
            lambda pending: self._attempt(call, body, pending),
            invariants_of,
        )
        self._enter(pending, bodies)
        return pending

    def _attempt(self, call: Call, body: Body, pending: Pending) -> list[Body]:
        raise NotImplementedError

    def _enter(self, pending: Pending, bodies: Sequence[Body]) -> None:
        raise NotImplementedError
