"""The methods of NumPy's ufuncs: reduce, accumulate, outer, at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import fence
from ..tracer import Tracer
from .cumulative import ACCUMULATIONS
from .indexing import add_at
from .operands import nested, tracer, truth
from .reductions import REDUCTIONS
from .special import logsumexp
from .table import FUNCTIONS, refuse
from .ufuncs import call, name_of

_AT: dict[np.ufunc, str] = {
    np.multiply: "gather, multiply and store places that occur once: x[places] *= y",
    np.maximum: "np.max over an axis where equal places are stacked",
    np.minimum: "np.min over an axis where equal places are stacked",
}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: Any) -> Any:
    """Do to tracers what a ufunc or a method of it does.

    Raises:
        CaptureError: The ufunc, its method or an option is not captured.
    """
    if method == "__call__":
        return call(ufunc, inputs, dict(options))
    if method != "at":
        inputs = [*map(nested, inputs)]
    if method == "reduce":
        return _reduce(ufunc, *inputs, **options)
    if method == "accumulate" and ufunc in ACCUMULATIONS:
        return _accumulate(ufunc, *inputs, **options)
    if method == "outer":
        return _outer(ufunc, inputs, dict(options))
    if method == "at" and ufunc in (np.add, np.subtract) and len(inputs) == 3:
        array, places, values = inputs
        if array.dtype.kind in "iu" and tracer(values).dtype.kind == "f":
            raise fence.unsupported(
                f"np.{ufunc.__name__}.at of floats on an array of integers",
                "convert the values with astype, or make the array one of floats",
            )
        return add_at(array, places, values if ufunc is np.add else np.negative(values))
    fix = _AT.get(ufunc) if method == "at" else None
    raise fence.unsupported(f"{name_of(ufunc)}.{method}", fix and f"write {fix}")


def _reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
    """``ufunc.reduce``: the NumPy function that does the same, over axis 0 if none is named."""
    out = options.get("out")
    if isinstance(out, tuple):
        options["out"] = out[0]
    if ufunc in (np.add, np.multiply):
        return FUNCTIONS[REDUCTIONS[ufunc]](array, axis=axis, dtype=dtype, **options)
    x = tracer(array, None if dtype is None else np.dtype(dtype))
    if ufunc in REDUCTIONS:
        return FUNCTIONS[REDUCTIONS[ufunc]](x, axis=axis, **options)
    return _other_reduction(ufunc, x, axis, **options)


def _other_reduction(
    ufunc: np.ufunc, x: Tracer, axis: Any, keepdims: Any = False, **options: Any
) -> Any:
    name = f"{name_of(ufunc)}.reduce"
    refuse(name, **{key: one for key, one in options.items() if (key, one) != ("where", True)})
    if ufunc is np.logaddexp:
        return logsumexp(x, axis, None, keepdims)
    if ufunc is np.logical_xor:
        x = x if x.dtype == np.bool_ else truth(x)
        return np.sum(x, axis=axis, keepdims=keepdims) % 2 == 1
    if ufunc in (np.bitwise_and, np.bitwise_or) and x.dtype == np.bool_:
        return (np.all if ufunc is np.bitwise_and else np.any)(x, axis=axis, keepdims=keepdims)
    raise fence.unsupported(name)


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, **more: Any) -> Any:
    out = more.get("out")
    return ACCUMULATIONS[ufunc](array, axis, dtype, out[0] if isinstance(out, tuple) else out)


def _outer(ufunc: np.ufunc, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """``ufunc.outer``: every element of the first with every element of the second."""
    left, right = (_plain(one) for one in inputs)
    wide = np.reshape(left, (*left.shape, *(1,) * right.ndim)) if right.ndim else left
    return call(ufunc, (wide, right), options)


def _plain(operand: Any) -> Tracer:
    """Return an operand as NumPy makes an array of it, of a Python number too."""
    x = tracer(operand)
    return Tracer(x.tracing, x.storage, x.views, scalar=x.scalar) if x.weak else x
