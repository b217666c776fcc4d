"""Special functions under the names of scipy.special, of traced arrays and of plain ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...primitive import Primitive
from ...primitives import softmax as shifted
from ...primitives.elementwise import log_sigmoid, stop_gradient
from ...primitives.elementwise.exponential import expit
from ...primitives.elementwise.logic import isfinite
from ...primitives.special import bessel, error, gamma, logarithm
from ...types import normalize_axes
from .. import fence
from ..tracer import Tracer
from .operands import common_dtype, nested, together, tracer
from .table import Function, refuse

# The implementation of each function, by its name in scipy.special.
SPECIAL: dict[str, Function] = {}


def _floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return in which of float32 and float64 SciPy computes."""
    return np.dtype(np.float32 if dtype == np.float32 else np.float64)


def _operands(given: Sequence[Any]) -> list[Any]:
    """Return operands as floats of one dtype and shape; tracers if there is one among them."""
    given = [*map(nested, given)]
    dtype = _floating(common_dtype(given))
    if any(isinstance(one, Tracer) for one in given):
        return list(together(given, [dtype] * len(given)))
    return list(np.broadcast_arrays(*(np.asarray(one, dtype) for one in given)))


def _value(result: Any) -> Any:
    """Return a result; of plain arrays a scalar where NumPy gives one."""
    return result if isinstance(result, Tracer) else np.asarray(result)[()]


def _elementwise(name: str, primitive: Primitive) -> Callable[..., Any]:
    arity = len(primitive.domain)

    def function(*operands: Any, out: Any = None) -> Any:
        refuse(f"special.{name}", out=out)
        if len(operands) != arity:
            raise TypeError(f"{name} takes {arity} arguments, not {len(operands)}")
        return _value(primitive(*_operands(operands)))

    function.__name__ = name
    SPECIAL[name] = function
    return function


for _name, _primitive in {
    "erf": error.erf,
    "erfc": error.erfc,
    "erfcx": error.erfcx,
    "erfinv": error.erfinv,
    "erfcinv": error.erfcinv,
    "ndtr": error.ndtr,
    "ndtri": error.ndtri,
    "log_ndtr": error.log_ndtr,
    "gamma": gamma.gamma,
    "gammaln": gamma.gammaln,
    "digamma": gamma.digamma,
    "psi": gamma.digamma,
    "beta": gamma.beta,
    "betaln": gamma.betaln,
    "i0": bessel.i0,
    "i0e": bessel.i0e,
    "i1": bessel.i1,
    "i1e": bessel.i1e,
    "expit": expit,
    "logit": logarithm.logit,
    "log_expit": log_sigmoid,
    "xlogy": logarithm.xlogy,
    "xlog1py": logarithm.xlog1py,
    "entr": logarithm.entr,
}.items():
    _elementwise(_name, _primitive)


def _enter(function: Function) -> Function:
    SPECIAL[function.__name__] = function
    return function


@_enter
def polygamma(n: Any, x: Any) -> Any:
    """Return the n-th derivative of digamma."""
    try:
        order = integer(n)
    except (TypeError, ValueError):
        raise fence.unsupported(
            "special.polygamma with an order that is not one whole number",
            "call it for each order, with a Python int",
        ) from None
    if order < 0:
        raise ValueError("the order of polygamma must not be negative")
    # SciPy multiplies by n!, which is float64, so that float32 is lifted.
    (operand,) = _operands([x])
    operand = (
        tracer(operand, np.dtype(np.float64))
        if isinstance(operand, Tracer)
        else operand.astype(np.float64)
    )
    result = gamma.polygamma(operand, n=order) if order else gamma.digamma(operand)
    return _value(result)


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    return normalize_axes(axis, x.ndim)


@_enter
def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x) / sum(exp(x)) along ``axis``."""
    (operand,) = _operands([x])
    return _value(shifted.softmax(operand, axes=_axes(operand, axis)))


@_enter
def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return log(softmax(x))."""
    (operand,) = _operands([x])
    return _value(shifted.log_softmax(operand, axes=_axes(operand, axis)))


@_enter
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Return log(sum(b * exp(a))) along ``axis``."""
    refuse("special.logsumexp", return_sign=return_sign or None)
    if b is None:
        (operand,) = _operands([a])
        axes = _axes(operand, axis)
        return _value(shifted.logsumexp(operand, axes=axes, keepdims=bool(keepdims)))
    a, b = _operands([a, b])
    axes = _axes(a, axis)
    counted = np.where(b != 0, a, -np.inf)
    top = stop_gradient(np.max(counted, axis=axes, keepdims=True))
    shift = np.where(isfinite(top), top, 0.0)
    kept = (b != 0) | (a - shift < 80)  # 0 x infinity would be no number
    total = np.sum(b * np.exp(np.where(kept, a, -np.inf) - shift), axis=axes, keepdims=True)
    result = np.log(total) + shift
    return _value(result if keepdims else np.squeeze(result, axis=axes))
