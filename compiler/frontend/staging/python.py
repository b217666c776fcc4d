"""What Python's own functions, and those of ``math``, do to traced values."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import fence
from ..active import current_trace
from ..concrete import holds_traced, plain
from ..numpy_api.operands import tracer
from ..numpy_api.scalars import as_float, as_int, as_number
from ..numpy_api.special import SPECIAL
from ..tracer import Tracer
from .text import Text, later, varies

Function = Callable[..., Any]

PYTHON: dict[Any, Function] = {}


def _python(*functions: Any) -> Callable[[Function], Function]:
    """Enter the decorated function as what these do where something is traced."""

    def enter(implementation: Function) -> Function:
        for one in functions:
            PYTHON[one] = _of(one, implementation)
        return implementation

    return enter


def _of(function: Any, implementation: Function) -> Function:
    @functools.wraps(implementation)
    def called(*args: Any, **kwargs: Any) -> Any:
        trace = current_trace()
        listed = [_listed(one, function in _ITERATING) for one in args]
        if any(isinstance(one, Text) for one in listed):
            raise fence.text_read()
        if trace is None or not holds_traced(listed):
            return function(*plain(listed), **kwargs)
        return trace.dispatch(implementation, listed, kwargs)

    return called


_ITERATING = (sum, max, min, sorted, all, any, math.fsum, math.prod)


def _listed(value: Any, iterates: bool) -> Any:
    """Return the items that a function iterates over as a list: they are looked at before."""
    is_consumed = hasattr(value, "__next__") or (iterates and isinstance(value, dict))
    return list(value) if is_consumed else value


_python(float)(lambda x=0.0: as_float(x))
_python(int)(lambda x=0: as_int(x))


@_python(abs)
def _abs(x: Any) -> Any:
    return abs(x)


@_python(round)
def _round(x: Any, ndigits: Any = None) -> Any:
    if not isinstance(x, Tracer) or x.known is not None:
        return builtins.round(x, ndigits)
    rounded = np.round(x, 0 if ndigits is None else int(ndigits))
    return as_int(rounded) if ndigits is None and x.scalar else rounded


@_python(pow)
def _pow(base: Any, exp: Any, mod: Any = None) -> Any:
    return base**exp if mod is None else (base**exp) % mod


@_python(sum)
def _sum(iterable: Any, /, start: Any = 0) -> Any:
    for one in iterable:
        start = start + one
    return start


def _best(name: str, better: Callable[[Any, Any], Any]) -> Function:
    def best(*args: Any, **options: Any) -> Any:
        items = list(args[0]) if len(args) == 1 else list(args)
        key = options.pop("key", None) or (lambda one: one)
        if not items:
            return getattr(builtins, name)(items, **options)
        found, best_key = items[0], key(items[0])
        for one in items[1:]:
            this_key = key(one)
            test = better(this_key, best_key)
            if isinstance(test, Tracer) and test.known is None:
                found, best_key = np.where(test, one, found), np.where(test, this_key, best_key)
            elif test:
                found, best_key = one, this_key
        return found

    return best


_python(max)(_best("max", lambda one, other: one > other))
_python(min)(_best("min", lambda one, other: one < other))


@_python(sorted)
def _sorted(iterable: Any, /, *, key: Any = None, reverse: bool = False) -> Any:
    items = list(iterable)
    keys = items if key is None else [key(one) for one in items]
    if not holds_traced(keys):  # the items themselves, in another order
        order = sorted(range(len(items)), key=keys.__getitem__, reverse=reverse)
        return [items[place] for place in order]
    joined = np.stack([tracer(one) for one in keys])
    found = np.argsort(-joined if reverse else joined, stable=True)
    return list(np.stack([tracer(one) for one in items])[found])


def _reducing(name: str, reduce: Function) -> Function:
    def reduced(iterable: Any, /) -> Any:
        items = list(iterable)
        if any(getattr(one, "ndim", 0) for one in items):
            return getattr(builtins, name)(items)
        return reduce(np.stack([tracer(one) for one in items]))

    return reduced


_python(all)(_reducing("all", np.all))
_python(any)(_reducing("any", np.any))


@_python(type)
def _type(value: Any, *rest: Any) -> Any:
    return type(value, *rest) if rest else value.__class__


# Functions of math that NumPy has by the same or another name.
_RENAMED = {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "pow": "power",
}
_SAME = (
    *("cbrt", "exp", "exp2", "expm1", "log10", "log1p", "log2", "sqrt", "hypot", "fabs"),
    *("cos", "cosh", "sin", "sinh", "tan", "tanh", "degrees", "radians"),
    *("ceil", "floor", "trunc", "fmod", "copysign", "nextafter", "ldexp"),
    *("isfinite", "isinf", "isnan"),
)


def _of_math(name: str, numpy_name: str) -> None:
    function = getattr(math, name, None)
    found = getattr(np, numpy_name, None)
    if function is None or found is None:
        return

    def called(*args: Any) -> Any:
        result = as_number(found(*map(_as_float, args)))
        return as_int(result) if name in ("floor", "ceil", "trunc") else result

    _python(function)(called)


def _as_float(value: Any) -> Any:
    return as_float(value) if isinstance(value, Tracer) else value


for _name in _SAME:
    _of_math(_name, _name)
for _name, _numpy_name in _RENAMED.items():
    _of_math(_name, _numpy_name)


@_python(math.log)
def _log(x: Any, base: Any = None) -> Any:
    result = np.log(_as_float(x))
    return as_number(result if base is None else result / np.log(_as_float(base)))


@_python(math.remainder)
def _remainder(x: Any, y: Any) -> Any:
    return as_number(_as_float(x) - np.rint(_as_float(x) / _as_float(y)) * _as_float(y))


@_python(math.fsum)
def _fsum(iterable: Any) -> Any:
    return as_float(_sum(iterable))


@_python(math.prod)
def _prod(iterable: Any, *, start: Any = 1) -> Any:
    for one in iterable:
        start = start * one
    return start


@_python(math.hypot)
def _hypot(*coordinates: Any) -> Any:
    return as_number(functools.reduce(np.hypot, map(_as_float, coordinates), 0.0))


@_python(math.dist)
def _dist(p: Any, q: Any) -> Any:
    return _hypot(*(one - other for one, other in zip(p, q, strict=True)))


@_python(math.isclose)
def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    largest = np.maximum(np.abs(a), np.abs(b))
    return np.abs(a - b) <= np.maximum(rel_tol * largest, abs_tol)


for _function, _name in (
    (math.erf, "erf"),
    (math.erfc, "erfc"),
    (math.lgamma, "gammaln"),
    (math.gamma, "gamma"),
):
    _python(_function)(lambda x, special=SPECIAL[_name]: as_number(special(_as_float(x))))


def _text(convert: Callable[[Any], str]) -> Function:
    def called(value: Any = "") -> str:
        if current_trace() is None or not varies(value):
            return convert(value)
        return later(value, convert)

    return called


def _format(value: Any, layout: str = "") -> str:
    if current_trace() is None or not varies(value):
        return format(value, layout)
    return later(value, lambda found: format(found, layout))


PYTHON |= {str: _text(str), repr: _text(repr), ascii: _text(ascii), format: _format}
