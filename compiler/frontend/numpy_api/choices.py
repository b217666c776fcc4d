"""NumPy's elementwise functions that are no ufuncs: choices, bounds, copies, conversions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitives import elementwise
from .. import fence
from ..tracer import Tracer
from .loops import copied
from .memory import given, laid_out
from .operands import check_dtype, common_dtype, nested, together, tracer, truth
from .table import FUNCTIONS, implements


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """``np.where``; of a condition alone, the places where it holds."""
    if x is None and y is None:
        return FUNCTIONS[np.nonzero](condition)
    if x is None or y is None:
        raise ValueError("either both or neither of x and y should be given")
    dtype = common_dtype((x, y))
    mask = tracer(condition)
    mask = mask if mask.dtype == np.bool_ else truth(mask)
    return elementwise.where(*together((mask, x, y), (mask.dtype, dtype, dtype)))


@implements(np.clip, method="clip")
def clip(a: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """``np.clip``; at a bound the gradient passes, as in PyTorch's clamp."""
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    a, low, high = nested(a), nested(low), nested(high)
    a = tracer(a) if isinstance(a, list | tuple) else a
    out = options.pop("out", None)
    if options:
        raise fence.unsupported(f"np.clip with {', '.join(options)}=")
    if low is not None:
        a = where((a < low) | np.isnan(low), low, a) if _may_be_nan(low) else where(a < low, low, a)
    if high is not None:
        over = a > high
        a = where(over | np.isnan(high), high, a) if _may_be_nan(high) else where(over, high, a)
    return given(out[0] if isinstance(out, tuple) else out, a, "np.clip")


def _may_be_nan(bound: Any) -> bool:
    if isinstance(bound, Tracer):
        return bound.dtype.kind == "f"
    return bool(np.any(np.isnan(bound)))


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``np.select``: the first choice whose condition holds."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if not len(condlist):
        raise ValueError("select with an empty condition list is not possible")
    conditions = [tracer(one) for one in condlist]
    for place, one in enumerate(conditions):
        if one.dtype != np.bool_:
            raise TypeError(f"invalid entry {place} in condlist: should be boolean ndarray")
    choices = [*choicelist, default]
    dtype = common_dtype(choices)
    *rest, result = [tracer(one, dtype) for one in choices]
    for condition, choice in zip(reversed(conditions), reversed(rest), strict=True):
        result = where(condition, choice, result)
    return result


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """``np.piecewise``: each function gets the elements where its condition holds."""
    x = tracer(x)
    single = isinstance(condlist, bool | np.bool_) or (
        x.ndim and not isinstance(condlist[0], list | np.ndarray)
    )
    if single:
        condlist = [condlist]
    conditions = [tracer(one, np.dtype(bool)) for one in condlist]
    if len(conditions) + 1 == len(funclist):
        covered = conditions[0]
        for one in conditions[1:]:
            covered = covered | one
        conditions.append(~covered)
    elif len(conditions) != len(funclist):
        raise ValueError(
            f"with {len(conditions)} condition(s), either {len(conditions)} or "
            f"{len(conditions) + 1} functions are expected"
        )
    result = tracer(np.zeros_like(x))
    for condition, function in zip(conditions, funclist, strict=True):
        result = _piece(result, condition, function, x, args, kw)
    return result


def _piece(result: Any, condition: Any, function: Any, x: Any, args: Any, kw: Any) -> Any:
    if not x.ndim:  # one number is chosen, nothing is selected
        given = function(x, *args, **kw) if callable(function) else function
        return where(condition, tracer(given, x.dtype), result)
    if callable(function):
        function = function(x[condition], *args, **kw)
    result[condition] = function
    return result


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """``np.copy``."""
    a = nested(a)
    made = copied(a)
    if isinstance(a, Tracer):
        made.scalar = a.scalar  # an array of rank 0 stays one
    return laid_out(made) if order == "C" else made


@implements(method="copy")
def copy_method(a: Tracer, order: str = "C") -> Any:
    """``ndarray.copy``: row by row, if not told otherwise."""
    return copy(a, order)


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
