"""NumPy's products of vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import linalg, shape
from ...types import (
    BOOL,
    Dim,
    Sym,
    broadcast_shapes,
    format_shape,
    normalize_axis,
    size_of,
)
from .. import fence
from ..tracer import Tracer
from .indexing import getitem
from .memory import given
from .nesting import nested
from .operands import broadcast, common_dtype, tracer, truth
from .shapes import moveaxis, ravel, sizes_of
from .table import implements


def _alike(x: Any, y: Any) -> tuple[Tracer, Tracer]:
    x, y = nested(x), nested(y)
    dtype = common_dtype((x, y), weak_numbers=False)
    return tracer(x, dtype), tracer(y, dtype)


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    """``np.matmul``; batch dimensions are broadcast unless one side has none."""
    x, y = _alike(x1, x2)
    if x.dtype == BOOL:  # whether any of the pairs is true in both
        return truth(matmul(tracer(x, np.dtype(np.int64)), tracer(y, np.dtype(np.int64))))
    if x.ndim > 2 and y.ndim > 2:
        batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
        x = broadcast(x, (*batch, *x.shape[-2:]))
        y = broadcast(y, (*batch, *y.shape[-2:]))
    return linalg.matmul(x, y)


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """``np.dot``."""
    x, y = _alike(a, b)
    if not x.ndim or not y.ndim:
        result = x * y
    elif y.ndim <= 2:
        result = matmul(x, y)
    else:
        result = tensordot(x, y, axes=((x.ndim - 1,), (y.ndim - 2,)))
    return given(out, result, "np.dot", "no")


@implements(method="dot")
def dot_method(a: Tracer, b: Any, out: Any = None) -> Any:
    """``ndarray.dot``."""
    return dot(a, b, out)


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """``np.outer``: (m,), (n,) -> (m, n); other arrays are flattened."""
    x, y = map(ravel, _alike(a, b))
    return given(out, getitem(x, (slice(None), None)) * y, "np.outer")


@implements(np.linalg.outer)
def outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.outer``: (m,), (n,) -> (m, n)."""
    if tracer(x1).ndim != 1 or tracer(x2).ndim != 1:
        raise ValueError("Input arrays must be one-dimensional")
    return outer(x1, x2)


def as_matrix(x: Tracer, rows: Sequence[int], columns: Sequence[int]) -> Tracer:
    """Return an array as a matrix, of these axes in rows and those in columns.

    Without axes in rows or in columns it is a vector. Where its own order is columns first, it is
    reshaped to the transpose: a view, which the product takes as it is.
    """
    sides = [axes for axes in (rows, columns) if axes]
    order = tuple(axis for axes in sides for axis in axes)
    sizes = [size_of([x.shape[axis] for axis in axes]) for axes in sides]
    if len(sides) == 2 and (*columns, *rows) == tuple(range(x.ndim)):
        flat = shape.reshape(x, shape=tuple(sizes[::-1])) if x.ndim > 2 else x
        return shape.transpose(flat, axes=(1, 0))  # type: ignore[no-any-return]
    if order != tuple(range(x.ndim)):
        x = shape.transpose(x, axes=order)
    return x if x.shape == tuple(sizes) else shape.reshape(x, shape=tuple(sizes))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``: the summed axes are brought together, and one product is taken."""
    x, y = _alike(a, b)
    if np.ndim(axes) == 0:
        count = integer(axes)
        left, right = tuple(range(x.ndim - count, x.ndim)), tuple(range(count))
    else:
        left, right = (sizes_of(one) for one in axes)
    left = tuple(normalize_axis(axis, x.ndim) for axis in left)
    right = tuple(normalize_axis(axis, y.ndim) for axis in right)
    if [x.shape[i] for i in left] != [y.shape[i] for i in right]:
        raise TypeRuleError(
            "shapes do not fit: the summed axes must have equal sizes",
            got=f"{x.type} over axes {list(left)}, {y.type} over axes {list(right)}",
        )
    pairs = sorted(zip(left, right, strict=True))
    left, right = tuple(one for one, _ in pairs), tuple(one for _, one in pairs)
    rows = tuple(axis for axis in range(x.ndim) if axis not in left)
    columns = tuple(axis for axis in range(y.ndim) if axis not in right)
    wanted = tuple(x.shape[i] for i in rows) + tuple(y.shape[i] for i in columns)
    if not left:
        spread = shape.reshape(x, shape=(*x.shape, *(1,) * y.ndim)) if y.ndim else x
        return spread * y
    product = matmul(as_matrix(x, rows, left), as_matrix(y, right, columns))
    return product if product.shape == wanted else shape.reshape(product, shape=wanted)


@implements(np.linalg.tensordot)
def tensordot_of_arrays(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """``np.linalg.tensordot``."""
    return tensordot(x1, x2, axes)


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """``np.vdot`` of real arrays."""
    return matmul(ravel(nested(a)), ravel(nested(b)))


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """``np.inner``."""
    x, y = _alike(a, b)
    if not x.ndim or not y.ndim:
        return x * y
    return tensordot(x, y, axes=((x.ndim - 1,), (y.ndim - 1,)))


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.vecdot``: (..., n), (..., n) -> (...), in the dtype of the vectors."""
    x, y = _alike(x1, x2)
    if not x.ndim or not y.ndim:
        raise ValueError("np.vecdot takes arrays of at least one axis")
    x, y = (moveaxis(one, axis, -1) if axis != -1 else one for one in (x, y))
    if x.shape[-1] != y.shape[-1]:
        got = f"{format_shape(x.shape)} and {format_shape(y.shape)}"
        raise TypeRuleError("shapes do not fit: the vectors must have equal lengths", got=got)
    if x.ndim == y.ndim == 1:
        return matmul(x, y)
    product = x * y
    return np.any(product, axis=-1) if x.dtype == BOOL else np.sum(product, axis=-1, dtype=x.dtype)


@implements(np.linalg.vecdot)
def vecdot_of_arrays(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.vecdot``."""
    return vecdot(x1, x2, axis=axis)


def matvec(x1: Any, x2: Any, /) -> Any:
    """``np.matvec``: (..., m, n), (..., n) -> (..., m)."""
    if tracer(x2).ndim == 1:
        return matmul(x1, x2)
    return getitem(matmul(x1, getitem(x2, (..., None))), (..., 0))


def vecmat(x1: Any, x2: Any, /) -> Any:
    """``np.vecmat`` of real vectors: (..., m), (..., m, n) -> (..., n)."""
    if tracer(x1).ndim == 1:
        return matmul(x1, x2)
    return getitem(matmul(getitem(x1, (..., None, slice(None))), x2), (..., 0, slice(None)))


# The ufuncs that work on vectors and matrices.
GENERALIZED: dict[np.ufunc, Any] = {
    np.matmul: matmul,
    np.vecdot: vecdot,
}
if hasattr(np, "matvec"):  # from NumPy 2.2 on
    GENERALIZED |= {np.matvec: matvec, np.vecmat: vecmat}


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """``np.kron``: each element of ``a`` times all of ``b``, in its place."""
    x, y = _alike(a, b)
    rank = max(x.ndim, y.ndim)
    left, right = ((1,) * (rank - one.ndim) + one.shape for one in (x, y))
    x = shape.reshape(x, shape=tuple(size for dim in left for size in (dim, 1)))
    y = shape.reshape(y, shape=tuple(size for dim in right for size in (1, dim)))
    total = tuple(dim * other for dim, other in zip(left, right, strict=True))
    product = x * y
    return shape.reshape(product, shape=total) if rank else product


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """``np.linalg.multi_dot``: the products in the order of the fewest multiplications."""
    parts = [tracer(nested(one)) for one in arrays]
    if len(parts) < 2:
        raise ValueError("Expecting at least two arrays.")
    ends = (parts[0].ndim in (1, 2), parts[-1].ndim in (1, 2))
    if not all(ends) or any(one.ndim != 2 for one in parts[1:-1]):
        raise ValueError("np.linalg.multi_dot takes matrices, and vectors at its ends")
    rows: Dim = 1 if parts[0].ndim == 1 else parts[0].shape[0]
    sizes = [rows, *(one.shape[0] for one in parts[1:])]
    sizes.append(1 if parts[-1].ndim == 1 else parts[-1].shape[1])
    if any(isinstance(size, Sym) for size in sizes):
        product: Any = parts[0]
        for one in parts[1:]:
            product = matmul(product, one)
        return given(out, product, "np.linalg.multi_dot")
    split = _best_splits([integer(size) for size in sizes])

    def chain(first: int, last: int) -> Any:
        if first == last:
            return parts[first]
        middle = split[first, last]
        return matmul(chain(first, middle), chain(middle + 1, last))

    return given(out, chain(0, len(parts) - 1), "np.linalg.multi_dot")


def _best_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Return where to split each chain of matrices; matrix i is sizes[i] x sizes[i + 1].

    Source: Cormen, Leiserson, Rivest, Stein: Introduction to Algorithms, section 15.2.
    """
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            cost[first, last], split[first, last] = min(
                (
                    cost[first, middle]
                    + cost[middle + 1, last]
                    + sizes[first] * sizes[middle + 1] * sizes[last + 1],
                    middle,
                )
                for middle in range(first, last)
            )
    return split


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """``np.linalg.matrix_power`` by squarings; without negative powers."""
    x, power = tracer(a), integer(n)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise TypeRuleError("np.linalg.matrix_power takes square matrices", got=str(x.type))
    if power < 0:
        raise fence.unsupported("np.linalg.matrix_power with a negative power")
    if power == 0:
        return broadcast(tracer(np.eye(integer(x.shape[-1]), dtype=x.dtype)), x.shape)
    result: Any = None
    while power:
        if power % 2:
            result = x if result is None else matmul(result, x)
        power //= 2
        x = matmul(x, x) if power else x
    return result


def _components(x: Tracer, axis: int) -> list[Any]:
    x = moveaxis(x, axis, -1)
    count = integer(x.shape[-1])
    if count not in (2, 3):
        raise ValueError(
            "incompatible dimensions for cross product (dimension must be 2 or 3), "
            f"got {format_shape(x.shape)}"
        )
    return [getitem(x, (..., i)) for i in range(count)]


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """``np.cross`` of vectors of 2 or 3 elements."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = _alike(a, b)
    left, right = _components(x, axisa), _components(y, axisb)
    third = left[0] * right[1] - left[1] * right[0]
    if len(left) == len(right) == 2:
        return third
    if len(left) == 2:  # with 0 for the missing component
        parts = [left[1] * right[2], -left[0] * right[2], third]
    elif len(right) == 2:
        parts = [-left[2] * right[1], left[2] * right[0], third]
    else:
        parts = [
            left[1] * right[2] - left[2] * right[1],
            left[2] * right[0] - left[0] * right[2],
            third,
        ]
    return np.stack(parts, axis=normalize_axis(axisc, third.ndim + 1))


@implements(np.linalg.cross)
def cross_of_vectors(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.cross`` of vectors of 3 elements."""
    x, y = tracer(nested(x1)), tracer(nested(x2))
    if x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return cross(x, y, axis=axis)
