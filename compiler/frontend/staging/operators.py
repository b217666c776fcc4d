"""Operators in rewritten code: those that the user's classes define are rewritten too."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from ..active import current_trace
from ..libraries import is_library
from ..tracer import Tracer
from .text import later, varies

# By the name of the node in Python's syntax tree: what it does, its method, and the method of the
# other operand.
_BINARY: dict[str, tuple[Callable[[Any, Any], Any], str, str]] = {
    "Add": (operator.add, "__add__", "__radd__"),
    "Sub": (operator.sub, "__sub__", "__rsub__"),
    "Mult": (operator.mul, "__mul__", "__rmul__"),
    "Div": (operator.truediv, "__truediv__", "__rtruediv__"),
    "FloorDiv": (operator.floordiv, "__floordiv__", "__rfloordiv__"),
    "Mod": (operator.mod, "__mod__", "__rmod__"),
    "Pow": (operator.pow, "__pow__", "__rpow__"),
    "MatMult": (operator.matmul, "__matmul__", "__rmatmul__"),
    "LShift": (operator.lshift, "__lshift__", "__rlshift__"),
    "RShift": (operator.rshift, "__rshift__", "__rrshift__"),
    "BitAnd": (operator.and_, "__and__", "__rand__"),
    "BitOr": (operator.or_, "__or__", "__ror__"),
    "BitXor": (operator.xor, "__xor__", "__rxor__"),
    "Eq": (operator.eq, "__eq__", "__eq__"),
    "NotEq": (operator.ne, "__ne__", "__ne__"),
    "Lt": (operator.lt, "__lt__", "__gt__"),
    "LtE": (operator.le, "__le__", "__ge__"),
    "Gt": (operator.gt, "__gt__", "__lt__"),
    "GtE": (operator.ge, "__ge__", "__le__"),
}
_IN_PLACE: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "Add": (operator.iadd, "__iadd__"),
    "Sub": (operator.isub, "__isub__"),
    "Mult": (operator.imul, "__imul__"),
    "Div": (operator.itruediv, "__itruediv__"),
    "FloorDiv": (operator.ifloordiv, "__ifloordiv__"),
    "Mod": (operator.imod, "__imod__"),
    "Pow": (operator.ipow, "__ipow__"),
    "MatMult": (operator.imatmul, "__imatmul__"),
    "LShift": (operator.ilshift, "__ilshift__"),
    "RShift": (operator.irshift, "__irshift__"),
    "BitAnd": (operator.iand, "__iand__"),
    "BitOr": (operator.ior, "__ior__"),
    "BitXor": (operator.ixor, "__ixor__"),
}
_UNARY: dict[str, tuple[Callable[[Any], Any], str]] = {
    "USub": (operator.neg, "__neg__"),
    "UAdd": (operator.pos, "__pos__"),
    "Invert": (operator.invert, "__invert__"),
}
_PLAIN = (Tracer, int, float, str, bool)


def users_method(value: Any, name: str) -> Callable[..., Any] | None:
    """Return a method by which a class of the user's defines an operation."""
    kind = type(value)
    if kind in _PLAIN or is_library(kind.__module__):
        return None
    method = getattr(kind, name, None)
    return method if isinstance(method, FunctionType) else None


def _is_traced(value: Any) -> bool:
    return type(value) is Tracer and value.known is None and value.array is None


class _Context:
    """A context manager of the user's class."""

    def __init__(self, call: Callable[..., Any], value: Any) -> None:
        self._call, self._value = call, value

    def __enter__(self) -> Any:
        return self._call(type(self._value).__enter__, self._value)

    def __exit__(self, *exception: object) -> Any:
        return self._call(type(self._value).__exit__, self._value, *exception)


class Operators:
    """The operators of rewritten code.

    Attributes:
        call: What calls a function.
    """

    call: Callable[..., Any]

    def binary(self, operation: str, left: Any, right: Any) -> Any:
        """Return ``left + right``, or what else the operation is."""
        compute, name, reflected = _BINARY[operation]
        if operation == "Mod" and type(left) is str and varies(right):
            return later(right, left.__mod__)
        if type(left) in _PLAIN and type(right) in _PLAIN or current_trace() is None:
            return compute(left, right)
        for method, one, other in (
            (users_method(left, name), left, right),
            (users_method(right, reflected), right, left),
        ):
            if method is not None:
                result = self.call(method, one, other)
                if result is not NotImplemented:
                    return result
        return compute(left, right)

    def operate(self, value: Any, operation: str, operand: Any) -> Any:
        """Return ``value + operand``, done in place where the value can do it."""
        compute, name = _IN_PLACE[operation]
        if type(value) in _PLAIN or current_trace() is None:
            return compute(value, operand)
        method = users_method(value, name)
        if method is not None:
            return self.call(method, value, operand)
        if users_method(value, _BINARY[operation][1]) is not None:
            return self.binary(operation, value, operand)
        return compute(value, operand)

    def unary(self, operation: str, value: Any) -> Any:
        """Return ``-value``, or what else the operation is."""
        compute, name = _UNARY[operation]
        method = None if current_trace() is None else users_method(value, name)
        return compute(value) if method is None else self.call(method, value)

    def negated(self, value: Any) -> Any:
        """Return ``not value``, where it is traced too."""
        return np.logical_not(value) if _is_traced(value) else not value

    def both(self, value: Any, other: Callable[[], Any]) -> Any:
        """Return ``value and other``, where they are traced too."""
        if _is_traced(value):
            return np.logical_and(value, other())
        return value and other()

    def either(self, value: Any, other: Callable[[], Any]) -> Any:
        """Return ``value or other``, where they are traced too."""
        if _is_traced(value):
            return np.logical_or(value, other())
        return value or other()

    def truth(self, value: Any) -> Any:
        """Return what decides as a condition."""
        if current_trace() is None:
            return value
        method = users_method(value, "__bool__")
        return value if method is None else self.call(method, value)

    def context(self, value: Any) -> Any:
        """Return what a ``with`` enters."""
        if current_trace() is None or users_method(value, "__enter__") is None:
            return value
        return _Context(self.call, value)

    def iterated(self, value: Any) -> Any:
        """Return what a ``for`` runs over."""
        trace = current_trace()
        if trace is None:
            return value
        if isinstance(value, list | tuple) and any(type(one) is np.ndarray for one in value):
            return [trace.own(one) for one in value]
        method = users_method(value, "__iter__")
        return value if method is None else self.call(method, value)
