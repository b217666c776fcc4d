"""Rounding, comparison within a tolerance, repair of what is no number, parts of real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitives.elementwise import stop_gradient
from ...primitives.elementwise.parts import sinc as sinc_of_floats
from ...primitives.special.bessel import i0 as bessel_zero
from ...types import Sym, normalize_axis
from .. import fence
from ..tracer import Tracer
from .choices import copy as copy_of
from .choices import where
from .indexing import setitem
from .memory import given as into
from .operands import common_dtype, tracer
from .table import METHODS, PROPERTIES, implements


@implements(np.round, np.around, method="round")
def round_(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    """``np.round``: halves go to the even neighbour; the gradient is 0."""
    x = tracer(a)
    digits = int(decimals)
    result: Any
    if x.dtype.kind in "iu" and digits >= 0:
        result = copy_of(x)
    elif digits == 0:
        result = np.rint(x)
    elif digits > 0:
        result = np.rint(x * 10.0**digits) / 10.0**digits
    else:
        result = tracer(np.rint(x / 10.0**-digits) * 10.0**-digits, x.dtype)
    return into(out, result, "np.round")


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    """``np.fix``."""
    whole: Any = np.trunc(tracer(x))
    return into(out, whole, "np.fix")


def _infinite(x: Any, is_negative: bool, out: Any, name: str) -> Any:
    x = tracer(x)
    sign = np.signbit(x)
    result = np.isinf(x) & (sign if is_negative else ~sign)
    return into(out, result, name)


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    """``np.isposinf``."""
    return _infinite(x, False, out, "np.isposinf")


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    """``np.isneginf``."""
    return _infinite(x, True, out, "np.isneginf")


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """``np.nan_to_num``; what is replaced gets no gradient."""
    given = tracer(x)
    if given.dtype.kind != "f":
        return copy_of(given) if copy else given
    limits = np.finfo(given.dtype)
    result = where(np.isnan(given), tracer(nan, given.dtype), given)
    for places, number, limit in (
        (isposinf(given), posinf, limits.max),
        (isneginf(given), neginf, limits.min),
    ):
        result = where(places, tracer(limit if number is None else number, given.dtype), result)
    if copy or not isinstance(x, Tracer) or not given.ndim:
        return result
    setitem(given, Ellipsis, result)
    return given


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """``np.isclose``: abs(a - b) <= atol + rtol abs(b), or equal."""
    x, y = tracer(a), tracer(b)
    y = tracer(y, common_dtype((y, 1.0)))
    finite = np.isfinite(y)
    size = where(finite, y, 0.0)  # of infinities there is no difference
    near = np.less_equal(np.abs(x - size), atol + rtol * np.abs(size)) & finite
    result = near | (x == y)
    if equal_nan:
        result = result | (np.isnan(x) & np.isnan(y))
    return result


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """``np.allclose``."""
    return np.all(isclose(a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """``np.array_equal``."""
    x, y = tracer(a1), tracer(a2)
    if x.shape != y.shape:
        _check_known("np.array_equal", x, y)
        return False
    same = x == y
    if equal_nan and x.dtype.kind == "f" and y.dtype.kind == "f":
        same = same | (np.isnan(x) & np.isnan(y))
    return np.all(same)


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """``np.array_equiv``: equal after broadcasting."""
    x, y = tracer(a1), tracer(a2)
    _check_known("np.array_equiv", x, y)
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return np.all(x == y)


def _check_known(name: str, *arrays: Tracer) -> None:
    if any(isinstance(size, Sym) for one in arrays for size in one.shape):
        raise fence.unsupported(
            f"{name} of arrays whose sizes are not known", "give gradc.spec numbers for the sizes"
        )


def floating(x: Any) -> Tracer:
    """Return an operand in floats: what is none becomes float64."""
    x = tracer(x)
    return x if x.dtype.kind == "f" else tracer(x, np.dtype(np.float64))


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """``np.sinc``: sin(pi x) / (pi x), 1 at 0."""
    return sinc_of_floats(floating(x))


@implements(np.i0)
def i0(x: Any) -> Any:
    """``np.i0``."""
    return bessel_zero(floating(x))


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 6.283185307179586) -> Any:
    """``np.unwrap``: whole periods, which have no gradient, are added."""
    p = tracer(p)
    axis = normalize_axis(axis, p.ndim)
    step = np.diff(p, axis=axis)
    whole = common_dtype((step, period)).kind in "iu"
    half, rest = divmod(period, 2) if whole else (period / 2, 0)
    if whole and discont is None:
        discont = period / 2
    folded = np.mod(step + half, period) - half
    if not whole or rest == 0:
        folded = where((folded == -half) & (step > 0), half, folded)
    limit = period / 2 if discont is None else discont
    correction = where(np.abs(step) < limit, 0, folded - step)
    total = np.cumsum(stop_gradient(tracer(correction)), axis=axis)
    lead = (slice(None),) * axis
    first = p[(*lead, slice(None, 1))]
    return np.concatenate([first, p[(*lead, slice(1, None))] + total], axis=axis)


@implements(np.real)
def real(val: Any) -> Any:
    """``np.real`` of a real array, which it is itself."""
    return tracer(val)


@implements(np.imag)
def imag(val: Any) -> Any:
    """``np.imag`` of a real array."""
    return np.zeros_like(tracer(val))


PROPERTIES["real"] = real
PROPERTIES["imag"] = imag
METHODS["conj"] = METHODS["conjugate"] = real
