"""Primitives that are defined outside of the package, as functions that users call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import GradcError, TypeRuleError
from ..primitive import REGISTRY, Primitive
from ..types import SUPPORTED_DTYPES, type_of
from . import fence
from .concrete import holds_traced
from .numpy_api.operands import common_dtype, dtype_key, nested, together, tracer
from .tracer import Tracer


class Operations:
    """The primitives by name, for derivative rules: on values they build graph, on arrays compute.

    Example:
        >>> import numpy as np
        >>> operations = Operations()
        >>> float(operations.exp(np.float64(0.0)))
        1.0
    """

    def __getattr__(self, name: str) -> Primitive:
        found = REGISTRY.get(name)
        if found is None:
            raise AttributeError(f"gradc has no primitive {name!r}")
        return found

    def __dir__(self) -> list[str]:
        return sorted(REGISTRY)


def function(primitive: Primitive, *, promote: bool | None = None) -> Callable[..., Any]:
    """Return the NumPy-style function that applies a primitive.

    It takes the operands by position (arrays, numbers, nested lists) and the attrs as keywords. In
    compiled functions it is captured; elsewhere it computes, and gives NumPy's scalars for rank 0.
    Integers and bools become float64 where the primitive takes floating-point operands only.

    Args:
        primitive: The primitive.
        promote: Whether operands are brought to one dtype by NumPy's promotion. If None, those of
            elementwise primitives are, and they are broadcast to one shape in any case.

    Raises:
        GradcError: What is given is no primitive.

    Example:
        >>> import numpy as np
        >>> from gradc.compiler.primitives.elementwise import hypot
        >>> function(hypot)([3.0, 6.0], 4)
        array([5.        , 7.21110255])
    """
    if not isinstance(primitive, Primitive):
        raise GradcError("extend.function takes a primitive", got=repr(primitive))
    promote = primitive.elementwise if promote is None else promote

    def apply(*operands: Any, **attrs: Any) -> Any:
        given = [nested(one) for one in operands]
        dtypes = _dtypes(primitive, given, promote)
        if any(isinstance(one, Tracer) for one in given):
            if primitive.elementwise:
                return primitive(*together(given, dtypes), **attrs)
            pairs = zip(given, dtypes, strict=True)
            return primitive(*(tracer(one, dtype) for one, dtype in pairs), **attrs)
        arrays = [np.asarray(one, dtype) for one, dtype in zip(given, dtypes, strict=True)]
        if primitive.elementwise:
            arrays = list(np.broadcast_arrays(*arrays))
        primitive.infer([type_of(one) for one in arrays], attrs)  # it refuses what does not fit
        return np.asarray(primitive(*arrays, **attrs))[()]

    def applied(*operands: Any, **attrs: Any) -> Any:
        arity = len(primitive.domain)
        if primitive.elementwise and arity and len(operands) != arity:
            raise TypeError(f"{primitive.name} takes {arity} operands, not {len(operands)}")
        if holds_traced(attrs):
            raise fence.unsupported(
                f"{primitive.name} with a keyword that depends on the arguments",
                "pass it by position if it is an operand, or as a Python number",
            )
        traced = _first_tracer(operands)
        if traced is None:
            return apply(*operands, **attrs)
        return traced.tracing.dispatch(apply, operands, attrs)

    applied.__name__ = applied.__qualname__ = primitive.name
    applied.__doc__ = f"Apply the primitive {primitive.name}; as a NumPy function."
    return applied


def _first_tracer(value: Any) -> Tracer | None:
    if isinstance(value, Tracer):
        return value
    if isinstance(value, list | tuple):
        return next((found for one in value if (found := _first_tracer(one)) is not None), None)
    return None


def _dtypes(primitive: Primitive, operands: Sequence[Any], promote: bool) -> list[np.dtype[Any]]:
    """Return the dtype in which the primitive takes each operand.

    Raises:
        TypeRuleError: It takes no such arrays.
    """
    if promote:
        found = [common_dtype(operands)] * len(operands) if operands else []
    else:
        found = [np.dtype(dtype_key(one)) for one in operands]
    return [_taken(primitive, dtype) for dtype in found]


def _taken(primitive: Primitive, dtype: np.dtype[Any]) -> np.dtype[Any]:
    kind = dtype.kind.replace("u", "i")
    if kind not in primitive.dtypes:
        if kind == "b" and "i" in primitive.dtypes:
            return np.dtype(np.int64)
        if kind in "bi" and "f" in primitive.dtypes:
            return np.dtype(np.float64)
    if dtype in SUPPORTED_DTYPES and kind in primitive.dtypes:
        return dtype
    raise TypeRuleError(
        f"{primitive.name} does not take {dtype} arrays",
        fix="convert them, for example with .astype(np.float64)",
    )
