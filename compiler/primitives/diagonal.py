"""Primitives on diagonals: reading and making them, and triangles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import TypeRuleError
from ..ir import Builder, Value
from ..primitive import Attrs, Example, Expand, IndexMap, Linear, NumPy, Primitive
from ..types import ArrayType, Dim, Shape, normalize_axis
from .batching import along
from .elementwise import equal, less_equal, where
from .elementwise.casting import arange, numbered
from .index import update
from .selection import Slice
from .shape import broadcast_to, reshape, transpose


def diagonal_length(rows: Dim, columns: Dim, offset: int) -> Dim:
    """Return the length of a diagonal of a matrix.

    Of an unknown size, matrices must be square; the size is taken to be large enough.

    Raises:
        TypeRuleError: It depends on which of two unknown sizes is the smaller.
    """
    if rows == columns and not isinstance(rows, int):
        return rows - abs(offset)
    if not (isinstance(rows, int) and isinstance(columns, int)):
        raise TypeRuleError(
            f"the length of a diagonal of a ({rows}, {columns}) matrix is unknown",
            fix="give gradc.spec numbers for these sizes",
        )
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


def _diagonal_type(x: ArrayType, offset: int, axis1: int, axis2: int) -> ArrayType:
    if x.ndim < 2:
        raise TypeRuleError(f"takes an array of at least two axes, not of {x.ndim}")
    if axis1 == axis2:
        raise TypeRuleError("axis1 and axis2 cannot be the same")
    for axis in (axis1, axis2):
        if normalize_axis(axis, x.ndim) != axis:
            raise TypeRuleError(f"axis {axis} must be counted from the front")
    length = diagonal_length(x.shape[axis1], x.shape[axis2], offset)
    rest = [dim for axis, dim in enumerate(x.shape) if axis not in (axis1, axis2)]
    return x.with_shape((*rest, length))


def _diagonal_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    offset, axes = attrs["offset"], (attrs["axis1"], attrs["axis2"])
    if axes != (0, 1):
        return f"{{0}}.diagonal({offset}, {axes[0]}, {axes[1]})"
    return f"{{0}}.diagonal({offset or ''})"


def _diagonal_transpose(ct: Any, x: Any, offset: int, axis1: int, axis2: int) -> tuple[Any]:
    rest = tuple(axis for axis in range(len(x.shape)) if axis not in (axis1, axis2))
    order = (*rest, axis1, axis2)
    placed = _placed(ct, tuple(x.shape[axis] for axis in order), offset)
    if order == tuple(range(len(order))):
        return (placed,)
    return (transpose(placed, axes=tuple(order.index(axis) for axis in range(len(order)))),)


def _placed(ct: Any, shape: Shape, offset: int) -> Any:
    """Return zeros, with ``ct`` (..., length) on a diagonal of the last two axes."""
    *batch, rows, columns = shape
    length = ct.shape[-1]
    if not batch and rows == columns == length + abs(offset):
        return diag(ct, k=offset)
    lead = (Slice(),) * len(batch)
    if isinstance(rows, int) and isinstance(columns, int):
        # In row-major order the places of a diagonal lie one row and one element apart.
        first = max(offset, 0) + max(-offset, 0) * columns
        places = Slice(first, first + length * (columns + 1), columns + 1)
        if not length:
            places = Slice(0, 0)
        elif places.stop > rows * columns:  # type: ignore[operator]
            places = Slice(first, rows * columns, columns + 1)
        flat = _zeros(ct, (*batch, rows * columns))
        return reshape(update(flat, ct, index=(*lead, places)), shape=shape)
    return _compared(ct, shape, offset)


def _compared(ct: Any, shape: Shape, offset: int) -> Any:
    """Return what ``_placed`` does for square matrices, by comparing rows and columns."""
    *batch, rows, _ = shape
    below, lead = max(-offset, 0), (Slice(),) * len(batch)
    padded = _zeros(ct, (*batch, rows))
    padded = update(padded, ct, index=(*lead, Slice(below, below + ct.shape[-1])))
    counted = numbered(_zeros(ct, (rows,)))
    row = broadcast_to(reshape(counted + offset, shape=(rows, 1)), shape=shape)
    on_it = equal(row, broadcast_to(counted, shape=shape))
    spread = broadcast_to(reshape(padded, shape=(*batch, rows, 1)), shape=shape)
    return where(on_it, spread, 0.0)


def _diagonal_index(
    at: Sequence[Any], x: ArrayType, offset: int, axis1: int, axis2: int
) -> list[Any]:
    """Return where an element of a diagonal lies."""
    *rest, place = at
    others = iter(rest)
    ends = {axis1: max(-offset, 0), axis2: max(offset, 0)}
    return [place + ends[axis] if axis in ends else next(others) for axis in range(x.ndim)]


def _zeros(like: Any, shape: Shape) -> Any:
    if isinstance(like, Value):
        return Builder.current().full(like.type.with_shape(shape), 0)
    return np.zeros(shape, like.dtype)


# What np.diagonal gives is a read-only view.
diagonal: Primitive = Primitive(
    "diagonal",
    type=_diagonal_type,
    derivative=Linear(_diagonal_transpose),
    numpy=NumPy(_diagonal_text),
    lower=IndexMap(_diagonal_index),
    view=True,
    dtypes="fib",
    examples=(
        Example(((3, 3),), {"offset": 0, "axis1": 0, "axis2": 1}),
        Example(((3, 3),), {"offset": -1, "axis1": 1, "axis2": 0}),
        Example(((2, 4),), {"offset": 1, "axis1": 0, "axis2": 1}),
        Example(((4, 2),), {"offset": 0, "axis1": 0, "axis2": 1}),
        Example(((2, 3, 3),), {"offset": 1, "axis1": 1, "axis2": 2}),
        Example(((3, 2, 4),), {"offset": -1, "axis1": 2, "axis2": 0}),
        Example(((2, 3),), {"offset": 3, "axis1": 0, "axis2": 1}),
        Example(((0, 2, 2),), {"offset": 0, "axis1": 1, "axis2": 2}),
    ),
    batch=along("axis1", "axis2"),
)


def _diag_type(x: ArrayType, k: int) -> ArrayType:
    if x.ndim != 1:
        raise TypeRuleError(f"takes an array of one axis, not of {x.ndim}")
    size = x.shape[0] + abs(k)
    return x.with_shape((size, size))


def _diag_by_place(x: Any, k: int) -> Any:
    size = x.shape[0] + abs(k)
    return _compared(x, (size, size), k)


def _diag_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    (x,), k = operands, attrs["k"]
    rows = x.shape[1] + abs(k)
    return _placed(x, (x.shape[0], rows, rows), k)


# (n,) -> (n + |k|, n + |k|): the matrix with this diagonal.
diag: Primitive = Primitive(
    "diag",
    type=_diag_type,
    derivative=Linear(lambda ct, x, k: (diagonal(ct, offset=k, axis1=0, axis2=1),)),
    numpy=NumPy(lambda types, attrs: f"np.diag({{0}}{', %d' % attrs['k'] if attrs['k'] else ''})"),
    lower=Expand(_diag_by_place),
    dtypes="fib",
    examples=(
        Example(((3,),), {"k": 0}),
        Example(((2,),), {"k": 2}),
        Example(((1,),), {"k": -1}),
        Example(((0,),), {"k": 0}),
    ),
    batch=_diag_batch,
)


def _counted(count: Dim) -> Any:
    return Builder.current().add(arange, (), {"count": count})[0]


def _triangle(name: str) -> Primitive:
    def rule(x: ArrayType, k: int) -> ArrayType:
        if x.ndim < 2:
            raise TypeRuleError(f"takes an array of at least two axes, not of {x.ndim}")
        return x

    def by_place(x: Any, k: int) -> Any:
        *lead, rows, columns = x.shape
        last = len(x.shape) - 1
        column = broadcast_to(_counted(columns), shape=x.shape)
        row = broadcast_to(_counted(rows) + k, shape=(*lead, columns, rows))
        row = transpose(row, axes=(*range(last - 1), last, last - 1))
        is_kept = less_equal(column, row) if name == "tril" else less_equal(row, column)
        return where(is_kept, x, 0)

    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        return f"np.{name}({{0}}{', %d' % attrs['k'] if attrs['k'] else ''})"

    found: Primitive = Primitive(
        name,
        type=rule,
        derivative=Linear(lambda ct, x, k: (found(ct, k=k),)),
        numpy=NumPy(text),
        lower=Expand(by_place),
        dtypes="fib",
        examples=(
            Example(((3, 3),), {"k": 0}),
            Example(((2, 4),), {"k": 1}),
            Example(((2, 3, 2),), {"k": -1}),
            Example(((0, 2),), {"k": 0}),
        ),
        batch=along(),
    )
    return found


tril = _triangle("tril")
triu = _triangle("triu")
