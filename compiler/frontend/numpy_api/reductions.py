"""NumPy's reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitives import reduce
from ...types import normalize_axes
from ..tracer import Tracer
from .operands import check_dtype, tracer, truth
from .table import implements, refuse

# What ufunc.reduce is called by name.
REDUCTIONS: dict[np.ufunc, Any] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
_NONE = np._NoValue


def _keeps(keepdims: Any) -> bool:
    return False if keepdims is _NONE else bool(keepdims)


def _reduced(primitive: Any, x: Tracer, axis: Any, keepdims: Any, **attrs: Any) -> Any:
    axes = normalize_axes(axis, x.ndim)
    return primitive(x, axes=axes, keepdims=_keeps(keepdims), **attrs)


def _accumulator(x: Tracer, dtype: Any) -> np.dtype[Any]:
    """Return the dtype in which NumPy adds and multiplies: small integers become int64."""
    if dtype is not None:
        wanted: np.dtype[Any] = np.dtype(dtype)
        check_dtype(wanted)
        return wanted
    wide = {"b": np.int64, "i": np.int64, "u": np.uint64}
    kind = x.dtype.kind
    return np.dtype(wide.get(kind, x.dtype.type))


def _accumulated(primitive: Any) -> Any:
    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        refuse(f"np.{primitive.name}", out=out, initial=initial, where=where)
        x = tracer(a)
        return _reduced(primitive, tracer(x, _accumulator(x, dtype)), axis, keepdims)

    return function


implements(np.sum, method="sum")(_accumulated(reduce.sum_))
implements(np.prod, method="prod")(_accumulated(reduce.prod))


def _floating(a: Any, dtype: Any) -> Tracer:
    x = tracer(a)
    if dtype is not None:
        return tracer(x, np.dtype(dtype))
    return x if x.dtype.kind == "f" else tracer(x, np.dtype(np.float64))


@implements(np.mean, method="mean")
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NONE,
    *,
    where: Any = _NONE,
) -> Any:
    """``np.mean``."""
    refuse("np.mean", out=out, where=where)
    return _reduced(reduce.mean, _floating(a, dtype), axis, keepdims)


def _spread(primitive: Any, name: str) -> Any:
    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: int = 0,
        keepdims: Any = _NONE,
        *,
        where: Any = _NONE,
        mean: Any = _NONE,
        correction: Any = _NONE,
    ) -> Any:
        refuse(f"np.{name}", out=out, where=where, mean=mean)
        ddof = ddof if correction is _NONE else correction
        return _reduced(primitive, _floating(a, dtype), axis, keepdims, ddof=int(ddof))

    return function


implements(np.var, method="var")(_spread(reduce.var, "var"))
implements(np.std, method="std")(_spread(reduce.std, "std"))


def _extremum(primitive: Any) -> Any:
    def function(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        refuse(f"np.{primitive.name}", out=out, initial=initial, where=where)
        return _reduced(primitive, tracer(a), axis, keepdims)

    return function


implements(np.max, np.amax, method="max")(_extremum(reduce.max_))
implements(np.min, np.amin, method="min")(_extremum(reduce.min_))


def _place(primitive: Any) -> Any:
    def function(a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = _NONE) -> Any:
        refuse(f"np.{primitive.name}", out=out)
        return _reduced(primitive, tracer(a), axis, keepdims)

    return function


implements(np.argmax, method="argmax")(_place(reduce.argmax))
implements(np.argmin, method="argmin")(_place(reduce.argmin))


def _quantifier(primitive: Any) -> Any:
    def function(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NONE, *, where: Any = _NONE
    ) -> Any:
        refuse(f"np.{primitive.name}", out=out, where=where)
        x = tracer(a)
        if x.dtype != np.bool_:
            x = truth(x)
        return _reduced(primitive, x, axis, keepdims)

    return function


implements(np.any, method="any")(_quantifier(reduce.any_))
implements(np.all, method="all")(_quantifier(reduce.all_))
