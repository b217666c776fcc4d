"""NumPy's functions that join arrays and split them."""

from __future__ import annotations

from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import shape as primitives
from ...types import normalize_axis
from ..tracer import Tracer
from .indexing import getitem
from .memory import check_casting, given, own
from .nesting import nested
from .operands import check_dtype, common_dtype, tracer
from .shapes import atleast_1d, atleast_2d, atleast_3d, moveaxis, ravel
from .table import implements


def _alike(function: str, arrays: Any, out: Any, dtype: Any, casting: Any) -> list[Tracer]:
    """Return arrays as tracers of the dtype that a join of them has."""
    parts = [nested(one) for one in arrays]
    if not parts:
        raise ValueError("need at least one array to join")
    wanted = common_dtype(parts, weak_numbers=False) if dtype is None else np.dtype(dtype)
    check_dtype(wanted)
    if dtype is not None:
        if out is not None:
            raise TypeError(f"{function} takes out= or dtype=, not both")
        for one in parts:
            check_casting(tracer(one).dtype, wanted, casting)
    return [tracer(one, wanted) for one in parts]


@implements(np.concatenate)
def concatenate(
    arrays: Any,
    axis: int | None = 0,
    out: Any = None,
    dtype: Any = None,
    casting: str = "same_kind",
) -> Any:
    """``np.concatenate``."""
    parts = _alike("np.concatenate", arrays, out, dtype, casting)
    if axis is None:
        parts, axis = [ravel(one) for one in parts], 0
    if not parts[0].ndim:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    joined = primitives.concatenate(*parts, axis=normalize_axis(axis, parts[0].ndim))
    return given(out, joined, "np.concatenate", casting)


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """``np.stack``."""
    parts = _alike("np.stack", arrays, out, dtype, casting)
    joined = primitives.stack(*parts, axis=normalize_axis(axis, parts[0].ndim + 1))
    return given(out, joined, "np.stack", casting)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.vstack``."""
    return concatenate([atleast_2d(nested(one)) for one in tup], 0, None, dtype, casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.hstack``."""
    parts = [atleast_1d(nested(one)) for one in tup]
    axis = 0 if parts and parts[0].ndim == 1 else 1
    return concatenate(parts, axis, None, dtype, casting)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """``np.dstack``."""
    return concatenate([atleast_3d(nested(one)) for one in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """``np.column_stack``: vectors are columns."""
    parts = [tracer(nested(one)) for one in tup]
    if all(one.ndim == 1 for one in parts):
        return stack(parts, 1)
    return concatenate([one if one.ndim > 1 else _column(one) for one in parts], 1)


def _column(x: Tracer) -> Any:
    return getitem(atleast_1d(x), (slice(None), None))


@implements(np.block)
def block(arrays: Any) -> Any:
    """``np.block``: a matrix of blocks, by nested lists."""
    depth = _depth(arrays)
    ndim = max(depth, *(tracer(leaf).ndim for leaf in _leaves(arrays)))

    def built(part: Any, level: int) -> Any:
        if level == 0:
            x = tracer(part)
            return getitem(x, (*(None,) * (ndim - x.ndim), ...))
        return concatenate([built(one, level - 1) for one in part], -level)

    return built(arrays, depth) if depth else own(tracer(arrays))


def _depth(part: Any) -> int:
    if isinstance(part, tuple):
        raise TypeError("np.block takes lists of blocks, not tuples")
    if not isinstance(part, list):
        return 0
    depths = {_depth(one) for one in part}
    if len(depths) != 1:
        raise ValueError("the lists of np.block must all be nested alike, and not be empty")
    return depths.pop() + 1


def _leaves(part: Any) -> list[Any]:
    if not isinstance(part, list):
        return [part]
    return [leaf for one in part for leaf in _leaves(one)]


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """``np.append``."""
    parts = [tracer(nested(arr)), tracer(nested(values))]
    return concatenate(parts, axis)


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
    if np.ndim(indices_or_sections) == 0:
        count = integer(indices_or_sections)
        if count <= 0:
            raise ValueError("the number of parts must be larger than 0")
        widths = [size // count + (i < size % count) for i in range(count)]
        ends = np.cumsum(widths)[:-1].tolist()
    else:
        ends = [integer(one) for one in indices_or_sections]
    lead = (slice(None),) * axis
    return [
        getitem(x, (*lead, slice(start, end)))
        for start, end in zip([0, *ends], [*ends, size], strict=True)
    ]


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.hsplit``: along axis 1, or 0 of a vector."""
    x = _of_rank("np.hsplit", ary, 1)
    parts: list[Any] = split(x, indices_or_sections, 1 if x.ndim > 1 else 0)
    return parts


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.vsplit``: along axis 0."""
    parts: list[Any] = split(_of_rank("np.vsplit", ary, 2), indices_or_sections, 0)
    return parts


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.dsplit``: along axis 2."""
    parts: list[Any] = split(_of_rank("np.dsplit", ary, 3), indices_or_sections, 2)
    return parts


def _of_rank(function: str, array: Any, least: int) -> Tracer:
    x = tracer(array)
    if x.ndim < least:
        raise ValueError(f"{function} only works on arrays of {least} or more dimensions")
    return x


@implements(*([np.unstack] if hasattr(np, "unstack") else []))  # from NumPy 2.1 on
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """``np.unstack``: views of the parts along an axis."""
    if tracer(x).ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(moveaxis(x, axis, 0))
