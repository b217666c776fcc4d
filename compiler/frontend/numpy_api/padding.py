"""``np.pad``."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import index, shape
from ...primitives.selection import Slice
from ...types import normalize_axis
from .. import fence
from ..tracer import Tracer
from .editing import assembled
from .indexing import getitem
from .memory import own
from .nesting import known_array, nested
from .operands import broadcast, tracer
from .table import implements

# Modes whose new elements are elements of the array, axis by axis, and their options.
COPYING_MODES = {
    "edge": (),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
    "wrap": (),
}


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """``np.pad`` with a constant, or with elements of the array itself."""
    x = tracer(nested(array))
    if mode != "empty" and mode != "constant" and mode not in COPYING_MODES:
        raise fence.unsupported(f"np.pad with mode={mode!r}", "write it with np.concatenate")
    known = ("constant_values",) if mode == "constant" else COPYING_MODES.get(mode, ())
    unknown = sorted(set(kwargs) - set(known))
    if unknown:
        raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {', '.join(unknown)}")
    if kwargs.get("reflect_type", "even") != "even":
        raise fence.unsupported("np.pad with reflect_type='odd'", "write it with np.concatenate")
    widths = _widths(x, pad_width)
    if not any(map(any, widths)):
        return own(x)
    if mode in COPYING_MODES:
        for axis, width in enumerate(widths):
            if any(width):
                places = np.pad(np.arange(integer(x.shape[axis])), width, mode=mode)
                x = assembled([x], places, axis)
        return x
    value = nested(kwargs.get("constant_values", 0))
    if np.ndim(value):
        return _padded_by_pairs(x, widths, value)
    wanted = tuple(dim + sum(width) for dim, width in zip(x.shape, widths, strict=True))
    filled = broadcast(tracer(value, x.dtype), wanted)
    middle = tuple(
        Slice(before, before + dim) for dim, (before, _) in zip(x.shape, widths, strict=True)
    )
    return index.update(filled, x, index=middle)


def _widths(x: Tracer, pad_width: Any) -> list[list[int]]:
    """Return how much is added before and after each axis."""
    if isinstance(pad_width, dict):
        each: list[Any] = [(0, 0)] * x.ndim
        for axis, width in pad_width.items():
            each[normalize_axis(axis, x.ndim)] = np.broadcast_to(width, (2,)).tolist()
        pad_width = np.asarray(each).reshape(x.ndim, 2)
    given = known_array(pad_width, "the width of a pad")
    if given.dtype.kind not in "iu":
        raise TypeError("`pad_width` must be of integral type.")
    widths: list[list[int]] = np.broadcast_to(given, (x.ndim, 2)).tolist()
    if np.min(widths, initial=0) < 0:
        raise TypeRuleError("the widths of a pad must not be negative", got=str(widths))
    return widths


def _padded_by_pairs(x: Tracer, widths: list[list[int]], value: Any) -> Tracer:
    """Pad axis after axis: a corner has the constant of the last axis."""
    values = broadcast(tracer(value, x.dtype), (x.ndim, 2))
    for axis, width in enumerate(widths):
        ends = [
            broadcast(
                getitem(values, (axis, place)), (*x.shape[:axis], count, *x.shape[axis + 1 :])
            )
            for place, count in enumerate(width)
        ]
        x = shape.concatenate(ends[0], x, ends[1], axis=axis)
    return x
