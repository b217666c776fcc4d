"""What a NumPy ufunc does to operands that have the dtypes of its loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...primitive import REGISTRY
from ...primitives import elementwise
from ...primitives.elementwise import parts
from .. import fence
from ..tracer import Tracer
from .operands import tracer, truth

Rule = Callable[..., Any]

# Of bools, arithmetic is logic.
_ON_BOOLS = {
    "add": "logical_or",
    "multiply": "logical_and",
    "maximum": "logical_or",
    "minimum": "logical_and",
    "fmax": "logical_or",
    "fmin": "logical_and",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
}
# ufuncs whose primitive has another name.
_RENAMED = {
    np.true_divide: "divide",
    np.float_power: "power",
    np.fabs: "absolute",
}


def _by_kind(name: str) -> Rule:
    """Return the rule of a ufunc: the primitive, with NumPy's meaning for ints and bools."""
    primitive = REGISTRY[name]

    def rule(*operands: Tracer) -> Any:
        kind = operands[0].dtype.kind
        kind = "i" if kind == "u" else kind
        if kind in primitive.dtypes:
            return primitive(*operands)
        if kind == "b" and name in _ON_BOOLS:
            return REGISTRY[_ON_BOOLS[name]](*operands)
        if name.startswith("logical_"):
            return primitive(*(truth(one) for one in operands))
        if name in ("isnan", "isinf", "isfinite", "signbit"):
            return primitive(*(tracer(one, np.dtype(np.float64)) for one in operands))
        if name in ("floor", "ceil", "trunc", "rint", "absolute"):
            return copied(operands[0])
        raise fence.unsupported(f"np.{name} of {operands[0].dtype} arrays")

    return rule


def copied(x: Tracer) -> Any:
    """Return a copy: a value of its own, so that a hook on it sees its own gradient only."""
    return elementwise.copy(x)


def _scaled(factor: float) -> Rule:
    return lambda x: x * factor


RULES: dict[np.ufunc, Rule] = {
    getattr(np, name): _by_kind(name)
    for name, primitive in REGISTRY.items()
    if primitive.elementwise and isinstance(getattr(np, name, None), np.ufunc)
}
RULES |= {ufunc: _by_kind(name) for ufunc, name in _RENAMED.items()}
RULES |= {
    np.positive: copied,
    np.conjugate: copied,
    np.deg2rad: _scaled(np.pi / 180),
    np.radians: _scaled(np.pi / 180),
    np.rad2deg: _scaled(180 / np.pi),
    np.degrees: _scaled(180 / np.pi),
    np.logaddexp2: lambda x, y: np.logaddexp(x * np.log(2.0), y * np.log(2.0)) / np.log(2.0),
}


def _frexp(x: Tracer) -> tuple[Any, Any]:
    exponent = parts.exponent(x)
    return parts.ldexp(x, elementwise.negative(exponent)), exponent


# ufuncs with several results.
SEVERAL: dict[np.ufunc, Rule] = {
    np.frexp: _frexp,
    np.modf: lambda x: (parts.fraction(x), np.trunc(x)),
    np.divmod: lambda x, y: (np.floor_divide(x, y), np.remainder(x, y)),
}
