"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import TypeRuleError
from ..primitive import Adjoint, Attrs, Contraction, Example, NumPy, Primitive
from ..types import ArrayType, Dim, format_shape, size_of
from .batching import move_axis, repeated
from .elementwise.kind import check_kinds
from .reduce import sum_
from .shape import broadcast_to, reshape, transpose


def _matmul_type(x: ArrayType, y: ArrayType) -> ArrayType:
    check_kinds(x, "fi")
    inner = y.shape[-2] if y.ndim > 1 else y.shape[0] if y.ndim else None
    if not x.ndim or not y.ndim or x.shape[-1] != inner or x.dtype != y.dtype:
        got = f"{format_shape(x.shape)} {x.dtype} @ {format_shape(y.shape)} {y.dtype}"
        raise TypeRuleError("shapes do not fit: the inner sizes must be equal", got=got)
    if y.ndim > 2 and x.ndim > 2 and x.shape[:-2] != y.shape[:-2]:
        raise TypeRuleError("batch dimensions must be equal")
    batch = x.shape[:-2] if x.ndim > 2 else y.shape[:-2]
    rows = x.shape[-2:-1] if x.ndim > 1 else ()
    columns = y.shape[-1:] if y.ndim > 1 else ()
    return x.with_shape((*batch, *rows, *columns))


def _swapped(x: Any) -> Any:
    rank = len(x.shape)
    return transpose(x, axes=(*range(rank - 2), rank - 1, rank - 2))


def _column(x: Any) -> Any:
    return reshape(x, shape=(*x.shape, 1))


def _row(x: Any) -> Any:
    return reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def _rows(x: Any) -> Any:
    return reshape(x, shape=(size_of(x.shape[:-1]), x.shape[-1])) if len(x.shape) > 2 else x


def _over_batch(x: Any, rank: int) -> Any:
    lead = tuple(range(len(x.shape) - rank))
    return sum_(x, axes=lead, keepdims=False) if lead else x


def _times(x: Any, y: Any, shape: Any) -> Any:
    return broadcast_to(x, shape=shape) * broadcast_to(y, shape=shape)


def _matmul_adjoint(ct: Any, out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    if len(x.shape) == 1 and len(y.shape) == 1:
        return _times(ct, y, y.shape), _times(ct, x, x.shape)
    if len(y.shape) == 1:  # (..., m, k) @ (k,) -> (..., m)
        by_y = matmul(reshape(ct, shape=(size_of(ct.shape),)), _rows(x))
        return _times(_column(ct), y, x.shape), by_y
    if len(x.shape) == 1:  # (k,) @ (..., k, n) -> (..., n)
        by_x = reshape(matmul(y, _column(ct)), shape=y.shape[:-1])
        return _over_batch(by_x, 1), _times(_column(x), _row(ct), y.shape)
    by_x = matmul(ct, _swapped(y))
    if len(y.shape) == 2 and len(x.shape) > 2:  # one matrix for the whole batch: one product
        return by_x, matmul(_swapped(_rows(x)), _rows(ct))
    return _over_batch(by_x, len(x.shape)), _over_batch(matmul(_swapped(x), ct), len(y.shape))


# Up to so many rows or columns of each of a batch, one product is faster than one for each of them
# although it needs its operand copied into another order (measured, 50 x 50 to 300 x 200).
FEW = 3


def _is_few(dim: Dim) -> bool:
    return isinstance(dim, int) and dim <= FEW


def _matmul_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    x, y = operands
    if all(is_batched):
        return _batched_by_batched(x, y)
    return _batched_by_one(x, y) if is_batched[0] else _one_by_batched(x, y)


def _batched_by_one(x: Any, y: Any) -> Any:
    """Return the products of (b, ...) with one (...): rows of one large product if it can be."""
    if len(y.shape) <= 2:
        if len(x.shape) == 2:
            return matmul(x, y)
        return reshape(matmul(_rows(x), y), shape=(*x.shape[:-1], *y.shape[1:]))
    lead, columns = y.shape[:-2], y.shape[-1]
    if len(x.shape) == 2:
        return move_axis(matmul(x, y), len(lead), 0)
    size, rows = x.shape[0], x.shape[-2]
    if len(x.shape) == 3:
        product = matmul(_rows(x), y)
    elif _is_few(rows):
        beside = move_axis(x, 0, len(lead))
        product = matmul(reshape(beside, shape=(*lead, size * rows, x.shape[-1])), y)
    else:
        return matmul(x, repeated(y, size))
    return move_axis(reshape(product, shape=(*lead, size, rows, columns)), len(lead), 0)


def _one_by_batched(x: Any, y: Any) -> Any:
    """Return the products of one (...) with (b, ...): columns of one if they are few."""
    if len(y.shape) == 2:
        if len(x.shape) == 1:
            return matmul(y, x)
        product = matmul(y, _swapped(_rows(x)))
        return reshape(product, shape=(y.shape[0], *x.shape[:-1]))
    size, columns = y.shape[0], y.shape[-1]
    if len(x.shape) <= 2:
        if len(x.shape) == 1 or not _is_few(columns):
            return matmul(x, y)
        turned = matmul(_rows(_swapped(y)), _swapped(x))
        shape = (*y.shape[:-2], columns, x.shape[0])
        return _swapped(reshape(turned, shape=shape))
    lead = x.shape[:-2]
    if len(y.shape) == 3:
        product = _one_by_batched(_rows(x), y)
        return reshape(product, shape=(size, *x.shape[:-1], columns))
    if not _is_few(columns):
        return matmul(repeated(x, size), y)
    beside = move_axis(_swapped(y), 0, len(lead))
    beside = reshape(beside, shape=(*lead, size * columns, y.shape[-2]))
    turned = reshape(matmul(beside, _swapped(x)), shape=(*lead, size, columns, x.shape[-2]))
    return _swapped(move_axis(turned, len(lead), 0))


def _batched_by_batched(x: Any, y: Any) -> Any:
    """Return the products of (b, ...) with (b, ...)."""
    size = x.shape[0]
    if len(y.shape) == 2:  # (b, ..., k) by (b, k)
        rows = size_of(x.shape[1:-1])
        product = matmul(reshape(x, shape=(size, rows, x.shape[-1])), _column(y))
        return reshape(product, shape=x.shape[:-1])
    lead = y.shape[:-2]
    if len(x.shape) == 2:  # (b, k) by (b, ..., k, n)
        row = reshape(x, shape=(size, *(1 for _ in lead), x.shape[-1]))
        product = matmul(broadcast_to(row, shape=(*lead, 1, x.shape[-1])), y)
        return reshape(product, shape=(*lead, y.shape[-1]))
    if len(x.shape) < len(y.shape):  # (b, m, k) by (b, ..., k, n)
        beside = reshape(x, shape=(size, *(1 for _ in lead[1:]), *x.shape[1:]))
        return matmul(broadcast_to(beside, shape=(*lead, *x.shape[1:])), y)
    if len(y.shape) < len(x.shape):  # (b, ..., m, k) by (b, k, n)
        rows = size_of(x.shape[1:-1])
        product = matmul(reshape(x, shape=(size, rows, x.shape[-1])), y)
        return reshape(product, shape=(*x.shape[:-1], y.shape[-1]))
    return matmul(x, y)


# (..., m, k) @ (..., k, n) -> (..., m, n). A vector stands for one row on the left and one column
# on the right; one side may lack the batch dimensions of the other.
matmul: Primitive = Primitive(
    "matmul",
    type=_matmul_type,
    derivative=Adjoint(_matmul_adjoint),
    numpy=NumPy("{0} @ {1}", out="np.matmul"),
    lower=Contraction(),
    dtypes="fi",
    examples=(
        Example(((2, 3), (3, 4))),
        Example(((3,), (3,))),
        Example(((2, 3), (3,))),
        Example(((3,), (3, 2))),
        Example(((2, 4, 3), (2, 3, 1))),
        Example(((2, 4, 3), (3, 2))),
        Example(((4, 3), (2, 3, 2))),
        Example(((2, 4, 3), (3,))),
        Example(((3,), (2, 3, 4))),
        Example(((2, 0), (0, 3))),
        Example(((0, 2), (2, 1))),
        Example(((2, 4, 0), (0,))),
        Example(((2, 4, 0), (0, 3))),
        Example(((0, 4, 3), (3,))),
    ),
    batch=_matmul_batch,
)
