"""Calls of NumPy's ufuncs, by NumPy's own choice of loop, and their options."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...primitives import elementwise
from .. import fence
from ..tracer import Tracer
from .foreign import foreign
from .loops import RULES, SEVERAL
from .memory import assign
from .operands import broadcast, check_dtype, dtype_key, is_weak, nested, together, tracer
from .products import GENERALIZED
from .table import Function, uncaptured

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
    np.divmod,
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.invert,
    np.left_shift,
    np.right_shift,
}
_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}
# Their slope is finite whatever the operands are, so nothing has to be kept from them.
_HARMLESS = {np.add, np.subtract, np.negative, np.positive, np.absolute, np.conjugate}
# Where an operand is left out by ``where=``, this is computed instead: value and slope are finite.
_INNOCENT: dict[np.ufunc, float] = {
    np.arccosh: 2.0,
    np.arcsin: 0.5,
    np.arccos: 0.5,
    np.arctanh: 0.5,
}


@lru_cache(maxsize=4096)
def _loop(
    ufunc: np.ufunc, keys: tuple[Any, ...], dtype: Any, casting: str
) -> tuple[np.dtype[Any], ...]:
    places = (*keys, *(None,) * ufunc.nout)
    if dtype is None:
        return ufunc.resolve_dtypes(places, casting=casting)  # type: ignore[arg-type]
    signature = (*(None,) * ufunc.nin, *(dtype,) * ufunc.nout)
    return ufunc.resolve_dtypes(places, signature=signature, casting=casting)  # type: ignore[arg-type]


def name_of(ufunc: np.ufunc) -> str:
    """Return what users call a ufunc."""
    name = ufunc.__name__
    return f"np.{name}" if getattr(np, name, None) is ufunc else f"the ufunc {name}"


def call(ufunc: np.ufunc, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """Call a ufunc: ``out``, ``where``, ``dtype`` and ``casting`` as NumPy has them.

    Raises:
        CaptureError: The ufunc or an option is not captured.
    """
    inputs, given = [*map(nested, inputs[: ufunc.nin])], tuple(inputs[ufunc.nin :])
    out = options.pop("out", None)
    if out is None:
        out = (*given, *(None,) * (ufunc.nout - len(given)))
    outs = out if isinstance(out, tuple) else (out,)
    casting, dtype = options.pop("casting", "same_kind"), options.pop("dtype", None)
    mask = options.pop("where", True)
    whole: Function | None = GENERALIZED.get(ufunc) or foreign(ufunc)
    own = {"axis": options.pop("axis")} if ufunc is np.vecdot and "axis" in options else {}
    options = {k: v for k, v in options.items() if (k, v) not in (("order", "K"), ("subok", True))}
    if options:
        raise fence.unsupported(f"{name_of(ufunc)} with {', '.join(options)}=")
    if mask is not True and any(one is None for one in outs):
        raise fence.unsupported(
            f"{name_of(ufunc)} with where= and without out= (what is left out has no value)",
            "pass out=, for example np.zeros_like(x), or write np.where(mask, ..., other)",
        )
    if whole is not None:
        if dtype is not None or mask is not True:
            raise fence.unsupported(f"{name_of(ufunc)} with dtype= or where=")
        results = whole(*inputs, **own)
    else:
        if mask is not True:
            mask = tracer(mask)
            if mask.dtype != np.bool_:
                raise TypeError(f"where= must be an array of bools, not {mask.dtype}")
            inputs = _kept(ufunc, inputs, mask)
        dtype = None if dtype is None else np.dtype(dtype)
        results = _computed(ufunc, inputs, dtype, casting)
    several = results if isinstance(results, tuple) else (results,)
    stored = tuple(
        one if place is None else _into(place, one, ufunc, mask, casting)
        for place, one in zip(outs, several, strict=True)
    )
    return stored if isinstance(results, tuple) else stored[0]


def _computed(ufunc: np.ufunc, inputs: Sequence[Any], dtype: Any, casting: str) -> Any:
    rule = RULES.get(ufunc) or SEVERAL.get(ufunc)
    if rule is None:
        raise uncaptured(name_of(ufunc))
    keys = [dtype_key(one) for one in inputs]
    if all(isinstance(key, type) for key in keys):  # Python numbers only
        keys = [np.dtype(key) for key in keys]
    dtypes = _loop(ufunc, tuple(keys), dtype, casting)
    taken, given = dtypes[: ufunc.nin], dtypes[ufunc.nin :]
    if np.float16 not in given:  # a test of small integers, which NumPy makes in half precision
        taken = tuple(np.dtype(np.float32) if one == np.float16 else one for one in taken)
    for one in (*taken, *given):
        check_dtype(one)
    operands = together(_in_range(ufunc, inputs, dtypes), taken)
    results = rule(*operands)
    several = results if isinstance(results, tuple) else (results,)
    cast = [
        one if one.dtype == wanted else elementwise.cast(one, dtype=wanted)
        for one, wanted in zip(several, given, strict=True)
    ]
    are_numbers = all(is_weak(one) or type(one) is bool for one in inputs)
    of_numbers = ufunc in _ARITHMETIC or ufunc in _COMPARISONS
    if of_numbers and dtype is None and are_numbers and any(map(is_weak, inputs)):
        for one in cast:
            one.weak = True
    return tuple(cast) if isinstance(results, tuple) else cast[0]


def _kept(ufunc: np.ufunc, inputs: Sequence[Any], mask: Tracer) -> Sequence[Any]:
    """Return the operands with innocent numbers where the result is left out.

    NumPy does not compute there; a slope that is infinite there would make NaN of a cotangent 0.
    """
    if ufunc in _HARMLESS:
        return inputs
    return [one if is_weak(one) else _chosen(mask, one, _INNOCENT.get(ufunc, 1)) for one in inputs]


def _chosen(mask: Tracer, operand: Any, other: Any) -> Any:
    return np.where(mask, operand, True if tracer(operand).dtype == np.bool_ else other)


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


def _into(out: Any, result: Tracer, ufunc: np.ufunc, mask: Any, casting: Any) -> Any:
    if not isinstance(out, Tracer):
        raise fence.unsupported(
            f"np.{ufunc.__name__} storing a traced result in a plain array (out= or an in-place "
            "operator)",
            "write x = x + y for x += y, or make the array with np.zeros_like of a traced one",
        )
    if out.scalar or out.weak:  # s += x rebinds a number, it does not store
        return result
    if not np.can_cast(result.dtype, out.dtype, casting):
        raise TypeError(
            f"cannot cast the result of np.{ufunc.__name__} from {result.dtype} to {out.dtype}"
        )
    if not result.ndim <= out.ndim:
        raise ValueError(f"non-broadcastable output operand with shape {out.shape}")
    result = broadcast(tracer(result, out.dtype), out.shape)
    if mask is not True:
        result = elementwise.where(broadcast(mask, out.shape), result, out)
    assign(out, result)
    return out
