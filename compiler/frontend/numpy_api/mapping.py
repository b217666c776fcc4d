"""Functions that NumPy applies to the vectors of an array, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...types import Sym
from .. import fence
from .operands import tracer
from .reductions import array_of, axis_of
from .table import implements


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """``np.apply_along_axis``, call by call."""
    x: Any = array_of(arr)
    axis = axis_of(axis, x)
    lead = (*x.shape[:axis], *x.shape[axis + 1 :])
    if any(isinstance(dim, Sym) for dim in lead):
        raise fence.unsupported(
            "np.apply_along_axis with an unknown number of calls",
            "call the function once on whole arrays, with axis=",
        )
    if 0 in lead:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    rows: Any = np.moveaxis(x, axis, -1)
    found = [tracer(func1d(rows[at], *args, **kwargs)) for at in np.ndindex(*lead)]
    if not lead:
        return np.copy(found[0])
    inner = found[0].ndim
    joined = np.reshape(np.stack(found), (*lead, *found[0].shape))
    last = range(joined.ndim - inner, joined.ndim)
    return np.moveaxis(joined, tuple(last), range(axis, axis + inner))


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``np.apply_over_axes``."""
    x: Any = array_of(a)
    for axis in np.atleast_1d(axes).tolist():
        along = axis_of(axis, x)
        result = func(x, along)
        if result.ndim != x.ndim:
            result = np.expand_dims(result, along)
            if result.ndim != x.ndim:
                raise ValueError("function is not returning an array of the correct shape")
        x = result
    return x
