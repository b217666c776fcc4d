"""Markers and call-backs: what leaves the array program.

``hook`` marks a value; ``differentiate`` resolves it. ``callback`` calls Python in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import DerivativeError
from ..primitive import Adjoint, NoGradient, Primitive
from ..types import ArrayType


@dataclass(frozen=True, slots=True, eq=False)
class Callback:
    """A Python function that a compiled program calls with concrete arrays.

    Attributes:
        name: What generated code calls it.
        function: Gets the arrays; gives the results, checked for type by whoever made it.
    """

    name: str
    function: Callable[..., Any]

    def __repr__(self) -> str:
        return f"<{self.name}>"


def _hook_type(value: ArrayType, hook: Any) -> tuple[ArrayType, ...]:
    return ()


# attrs: hook, an object whose ``apply(ct)`` gives the gradient that takes the place of ``ct``.
hook = Primitive("hook", type=_hook_type, derivative=NoGradient(), effect=True, dtypes="fib")


def _callback_type(
    *operands: ArrayType, callback: Callback, types: tuple[ArrayType, ...]
) -> tuple[ArrayType, ...]:
    return types


def _opaque(ct: Any, out: Any, *operands: Any, callback: Callback, types: Any) -> tuple[Any, ...]:
    raise DerivativeError(
        f"{callback.name} is a Python call-back, and what it does cannot be differentiated",
        fix="write the hook with NumPy functions of the gradient alone, so that it becomes part of "
        "the program, or do not differentiate twice",
    )


callback = Primitive(
    "callback", type=_callback_type, derivative=Adjoint(_opaque), effect=True, dtypes="fib"
)
