"""NumPy's ufuncs, by NumPy's own choice of loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...primitive import REGISTRY
from ...primitives import elementwise
from .. import fence
from ..tracer import Tracer
from .indexing import add_at
from .operands import (
    broadcast,
    check_dtype,
    common_dtype,
    dtype_key,
    is_weak,
    together,
    tracer,
    truth,
)
from .products import matmul
from .reductions import REDUCTIONS
from .table import FUNCTIONS, implements, uncaptured

# Of bools, arithmetic is logic.
_ON_BOOLS = {
    "add": "logical_or",
    "multiply": "logical_and",
    "maximum": "logical_or",
    "minimum": "logical_and",
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
# Between Python numbers these give a Python number.
_ARITHMETIC = {
    np.add,
    np.subtract,
    np.multiply,
    np.true_divide,
    np.floor_divide,
    np.remainder,
    np.power,
    np.negative,
    np.positive,
    np.absolute,
}


@lru_cache(maxsize=4096)
def _loop(ufunc: np.ufunc, keys: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    return ufunc.resolve_dtypes((*keys, *(None,) * ufunc.nout))


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: Any) -> Any:
    """Do to tracers what a ufunc does.

    Raises:
        CaptureError: The ufunc, its method or an option is not captured.
    """
    out = options.pop("out", (None,))[0]
    if method == "reduce" and ufunc in REDUCTIONS:
        result = FUNCTIONS[REDUCTIONS[ufunc]](*inputs, **{"axis": 0, **options})
    elif method == "at" and ufunc is np.add and len(inputs) == 3:
        return add_at(*inputs)
    elif method != "__call__":
        raise fence.unsupported(f"np.{ufunc.__name__}.{method}")
    elif options:
        raise fence.unsupported(f"np.{ufunc.__name__} with {', '.join(options)}=")
    else:
        result = _call(ufunc, inputs)
    return result if out is None else _into(out, result, ufunc)


def _call(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    if ufunc is np.matmul:
        return matmul(*inputs)
    rule = _RULES.get(ufunc)
    if rule is None:
        raise uncaptured(f"np.{ufunc.__name__}")
    keys = [dtype_key(one) for one in inputs]
    if all(isinstance(key, type) for key in keys):  # Python numbers only
        keys = [np.dtype(key) for key in keys]
    dtypes = _loop(ufunc, tuple(keys))
    for dtype in dtypes:
        check_dtype(dtype)
    if len(set(dtypes[:-1])) > 1:
        listed = " and ".join(dtype.name for dtype in dtypes[:-1])
        raise fence.unsupported(f"np.{ufunc.__name__} of {listed}", "convert one with astype")
    result = rule(*together(_in_range(ufunc, inputs, dtypes), dtypes[:-1]))
    if result.dtype != dtypes[-1]:
        result = elementwise.cast(result, dtype=dtypes[-1])
    if ufunc in _ARITHMETIC and all(is_weak(one) for one in inputs):
        result.weak = True
    return result


def _in_range(ufunc: np.ufunc, inputs: Sequence[Any], dtypes: Sequence[Any]) -> Sequence[Any]:
    """Return the operands of a comparison with integers that no element can reach clipped.

    A comparison is right for any Python integer: what is below all uint8 is below any of them.
    Where clipping would change the result, the other operand is moved away from it too.
    """
    if dtypes[-1] != np.bool_ or dtypes[0].kind not in "iu" or len(inputs) != 2:
        return inputs
    limits = np.iinfo(dtypes[0])
    for place, one in enumerate(inputs):
        if (
            isinstance(one, int)
            and not isinstance(one, bool | Tracer)
            and not (limits.min <= one <= limits.max)
        ):
            low, high = (limits.min, limits.max) if one < 0 else (limits.max, limits.min)
            other = np.full_like(tracer(inputs[1 - place]), high)
            return (low, other) if place == 0 else (other, low)
    return inputs


def _into(out: Any, result: Tracer, ufunc: np.ufunc) -> Any:
    if not isinstance(out, Tracer):
        raise fence.unsupported(
            f"np.{ufunc.__name__} storing a traced result in a plain array (out= or an in-place "
            "operator)",
            "write x = x + y for x += y, or make the array with np.zeros_like of a traced one",
        )
    if out.scalar or out.weak:  # s += x rebinds a number, it does not store
        return result
    if not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise TypeError(
            f"cannot cast the result of np.{ufunc.__name__} from {result.dtype} to {out.dtype}"
        )
    if not result.ndim <= out.ndim:
        raise ValueError(f"non-broadcastable output operand with shape {out.shape}")
    result = broadcast(tracer(result, out.dtype), out.shape)
    out.trace.store(out, result.value)
    return out


def _by_kind(name: str) -> Callable[..., Any]:
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
        if name in ("isnan", "isinf", "isfinite"):
            return primitive(*(tracer(one, np.dtype(np.float64)) for one in operands))
        if name in ("floor", "ceil", "trunc", "rint", "absolute"):
            return _copy(operands[0])
        raise fence.unsupported(f"np.{name} of {operands[0].dtype} arrays")

    return rule


def _copy(x: Tracer) -> Any:
    """Return a copy: a value of its own, so that a hook on it sees its own gradient only."""
    return elementwise.copy(x)


def _scaled(factor: float) -> Callable[[Tracer], Any]:
    return lambda x: x * factor


_RULES: dict[np.ufunc, Callable[..., Any]] = {
    getattr(np, name): _by_kind(name)
    for name, primitive in REGISTRY.items()
    if primitive.elementwise and isinstance(getattr(np, name, None), np.ufunc)
}
_RULES |= {ufunc: _by_kind(name) for ufunc, name in _RENAMED.items()}
_RULES |= {
    np.positive: _copy,
    np.deg2rad: _scaled(np.pi / 180),
    np.radians: _scaled(np.pi / 180),
    np.rad2deg: _scaled(180 / np.pi),
    np.degrees: _scaled(180 / np.pi),
    np.logaddexp2: lambda x, y: np.logaddexp(x * np.log(2.0), y * np.log(2.0)) / np.log(2.0),
}


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """``np.where`` of three operands."""
    if x is None or y is None:
        raise fence.unsupported("np.where(condition) without x and y", "use boolean indexing")
    dtype = common_dtype((x, y))
    mask = tracer(condition)
    mask = mask if mask.dtype == np.bool_ else truth(mask)
    return elementwise.where(*together((mask, x, y), (mask.dtype, dtype, dtype)))


@implements(np.clip, method="clip")
def clip(a: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """``np.clip``; at a bound the gradient passes, as in PyTorch's clamp."""
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    if options:
        raise fence.unsupported(f"np.clip with {', '.join(options)}=")
    if low is not None:
        a = where((a < low) | np.isnan(low), low, a) if _may_be_nan(low) else where(a < low, low, a)
    if high is not None:
        over = a > high
        a = where(over | np.isnan(high), high, a) if _may_be_nan(high) else where(over, high, a)
    return a


def _may_be_nan(bound: Any) -> bool:
    if isinstance(bound, Tracer):
        return bound.dtype.kind == "f"
    return bool(np.any(np.isnan(bound)))


@implements(np.copy, method="copy")
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """``np.copy``."""
    return _copy(a)


@implements(method="astype")
def astype(a: Tracer, dtype: Any, order: str = "K", casting: str = "unsafe", **options: Any) -> Any:
    """``ndarray.astype``; it always copies."""
    wanted = np.dtype(dtype)
    check_dtype(wanted)
    if wanted == a.dtype and options.get("copy") is False:
        return a
    if wanted == np.bool_ and a.dtype != np.bool_:
        return truth(a)
    return elementwise.cast(a, dtype=wanted)
