"""NumPy's functions that arrange elements."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitive import REGISTRY
from ...primitives import shape as primitives
from ...primitives.index import Slice
from ...types import Sym, normalize_axes, normalize_axis, resolve_reshape
from .. import fence
from ..tracer import Tracer
from .indexing import getitem
from .operands import broadcast, common_dtype, tracer
from .table import PROPERTIES, implements, refuse


def _shape(given: Any) -> tuple[Any, ...]:
    sizes = (given,) if not isinstance(given, Sequence) else tuple(given)
    return tuple(one if isinstance(one, Sym) else integer(one) for one in sizes)


@implements(np.reshape)
def reshape(
    a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None
) -> Any:
    """``np.reshape`` in row-major order."""
    refuse("np.reshape", copy=copy)
    if order != "C":
        raise fence.unsupported(f"reshape with order={order!r}", "transpose before and after")
    x = tracer(a)
    wanted = resolve_reshape(x.shape, _shape(shape if newshape is None else newshape))
    return primitives.reshape(x, shape=wanted)


@implements(method="reshape")
def reshape_method(a: Tracer, *shape: Any, order: str = "C") -> Any:
    """``ndarray.reshape``, which takes its sizes one by one too."""
    return reshape(a, shape[0] if len(shape) == 1 else shape, order)


@implements(np.ravel, method="ravel")
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``."""
    return reshape(a, (-1,), order)


@implements(method="flatten")
def flatten(a: Tracer, order: str = "C") -> Any:
    """``ndarray.flatten``, a copy."""
    return reshape(np.copy(a), (-1,), order)


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """``np.transpose``."""
    x = tracer(a)
    order = range(x.ndim)[::-1] if axes is None else [normalize_axis(one, x.ndim) for one in axes]
    return primitives.transpose(x, axes=tuple(order))


@implements(method="transpose")
def transpose_method(a: Tracer, *axes: Any) -> Any:
    """``ndarray.transpose``, which takes its axes one by one too."""
    if not axes or axes[0] is None:
        return transpose(a)
    return transpose(a, axes if isinstance(axes[0], int) else axes[0])


PROPERTIES["T"] = transpose


@implements(np.swapaxes, method="swapaxes")
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """``np.swapaxes``."""
    x = tracer(a)
    order = list(range(x.ndim))
    first, second = normalize_axis(axis1, x.ndim), normalize_axis(axis2, x.ndim)
    order[first], order[second] = second, first
    return transpose(x, order)


PROPERTIES["mT"] = lambda a: swapaxes(a, -1, -2)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """``np.moveaxis``."""
    x = tracer(a)
    sources = [normalize_axis(one, x.ndim) for one in _shape(source)]
    targets = [normalize_axis(one, x.ndim) for one in _shape(destination)]
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for target, axis in sorted(zip(targets, sources, strict=True)):
        order.insert(target, axis)
    return transpose(x, order)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """``np.expand_dims``."""
    x = tracer(a)
    axes = _shape(axis)
    new = {normalize_axis(one, x.ndim + len(axes)) for one in axes}
    return getitem(x, tuple(None if i in new else slice(None) for i in range(x.ndim + len(axes))))


@implements(np.squeeze, method="squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    """``np.squeeze``."""
    x = tracer(a)
    ones = [i for i, dim in enumerate(x.shape) if dim == 1]
    axes = ones if axis is None else normalize_axes(axis, x.ndim)
    if any(one not in ones for one in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return getitem(x, (*(0 if i in axes else slice(None) for i in range(x.ndim)), ...))


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """``np.broadcast_to``."""
    return broadcast(tracer(array), _shape(shape))


def _alike(arrays: Any) -> list[Tracer]:
    dtype = common_dtype(arrays, weak_numbers=False)
    return [tracer(one, dtype) for one in arrays]


@implements(np.concatenate)
def concatenate(
    arrays: Any,
    axis: int | None = 0,
    out: Any = None,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    """``np.concatenate``."""
    refuse("np.concatenate", out=out, dtype=dtype)
    parts = _alike(list(arrays))
    if axis is None:
        parts, axis = [ravel(one) for one in parts], 0
    if not parts[0].ndim:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    return primitives.concatenate(*parts, axis=normalize_axis(axis, parts[0].ndim))


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """``np.stack``."""
    refuse("np.stack", out=out, dtype=dtype)
    parts = _alike(list(arrays))
    return primitives.stack(*parts, axis=normalize_axis(axis, parts[0].ndim + 1))


@implements(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    """``np.atleast_2d``."""
    parts = [x if x.ndim > 1 else getitem(x, None) for x in map(atleast_1d, arrays)]
    return parts[0] if len(parts) == 1 else tuple(parts)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.vstack``."""
    return concatenate([atleast_2d(one) for one in tup], 0, dtype=dtype)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.hstack``."""
    parts = [atleast_1d(one) for one in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.split``: equal parts where a number of them is given."""
    parts: list[Any] = array_split(ary, indices_or_sections, axis)
    if np.ndim(indices_or_sections) == 0 and parts[0].shape != parts[-1].shape:
        raise TypeRuleError(
            "the parts would not be of equal size",
            got=f"axis {axis} of {tracer(ary).type} in {len(parts)} parts",
            fix="use np.array_split",
        )
    return parts


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.array_split``: parts are views."""
    x = tracer(ary)
    axis = normalize_axis(axis, x.ndim)
    size = integer(x.shape[axis])
    if isinstance(indices_or_sections, int | np.integer | Tracer):
        count = integer(indices_or_sections)
        widths = [size // count + (i < size % count) for i in range(count)]
        ends = np.cumsum(widths)[:-1].tolist()
    else:
        ends = [int(one) for one in indices_or_sections]
    lead = (slice(None),) * axis
    return [
        getitem(x, (*lead, slice(start, end)))
        for start, end in zip([0, *ends], [*ends, size], strict=True)
    ]


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """``np.flip``, a view."""
    x = tracer(m)
    axes = normalize_axes(axis, x.ndim)
    return getitem(x, tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim)))


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    """``np.pad`` with a constant: a store into the middle of a filled array."""
    if mode != "constant" or set(options) - {"constant_values"}:
        raise fence.unsupported(f"np.pad with mode={mode!r} or {', '.join(options) or 'options'}")
    value = options.get("constant_values", 0)
    if np.ndim(value):
        raise fence.unsupported("np.pad with several constant_values")
    x = tracer(array)
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    if np.min(widths, initial=0) < 0:
        raise TypeRuleError("the widths of a pad must not be negative", got=str(widths))
    wanted = tuple(dim + sum(width) for dim, width in zip(x.shape, widths, strict=True))
    filled = broadcast(tracer(value, x.dtype), wanted)
    index = tuple(
        Slice(before, before + dim) for dim, (before, _) in zip(x.shape, widths, strict=True)
    )
    return REGISTRY["update"](filled, x, index=index)


@implements(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    """``np.atleast_1d``."""
    parts = [x if (x := tracer(one)).ndim else getitem(x, None) for one in arrays]
    return parts[0] if len(parts) == 1 else tuple(parts)


@implements(np.shape)
def shape_of(a: Any) -> Any:
    """``np.shape``."""
    return tracer(a).shape


@implements(np.ndim)
def ndim_of(a: Any) -> int:
    """``np.ndim``."""
    return tracer(a).ndim


@implements(np.size)
def size_of(a: Any, axis: int | None = None) -> Any:
    """``np.size``."""
    x = tracer(a)
    return x.size if axis is None else x.shape[axis]
