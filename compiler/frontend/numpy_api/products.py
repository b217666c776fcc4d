"""NumPy's products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitives import linalg
from ...types import broadcast_shapes
from ..tracer import Tracer
from .operands import broadcast, common_dtype, tracer
from .table import implements, refuse


def _alike(x: Any, y: Any) -> tuple[Tracer, Tracer]:
    dtype = common_dtype((x, y), weak_numbers=False)
    return tracer(x, dtype), tracer(y, dtype)


def matmul(x: Any, y: Any) -> Any:
    """``np.matmul``; batch dimensions are broadcast unless one side has none."""
    x, y = _alike(x, y)
    if x.ndim > 2 and y.ndim > 2:
        batch = broadcast_shapes(x.shape[:-2], y.shape[:-2])
        x = broadcast(x, (*batch, *x.shape[-2:]))
        y = broadcast(y, (*batch, *y.shape[-2:]))
    return linalg.matmul(x, y)


@implements(np.dot, method="dot")
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """``np.dot``."""
    refuse("np.dot", out=out)
    a, b = _alike(a, b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 2,)))


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """``np.outer``."""
    refuse("np.outer", out=out)
    a, b = _alike(a, b)
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``: the summed axes are brought together, and one product is taken."""
    a, b = _alike(a, b)
    if isinstance(axes, int):
        left, right = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        left, right = ([one] if isinstance(one, int) else list(one) for one in axes)
    left, right = [axis % a.ndim for axis in left], [axis % b.ndim for axis in right]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise TypeRuleError(
            "shapes do not fit: the summed axes must have equal sizes",
            got=f"{a.type} over axes {left}, {b.type} over axes {right}",
        )
    kept_left = [axis for axis in range(a.ndim) if axis not in left]
    kept_right = [axis for axis in range(b.ndim) if axis not in right]
    shape = tuple(a.shape[i] for i in kept_left) + tuple(b.shape[i] for i in kept_right)
    inner = np.prod([b.shape[i] for i in right], dtype=object) if right else 1
    rows = np.reshape(np.transpose(a, kept_left + left), (-1, inner))
    columns = np.reshape(np.transpose(b, right + kept_right), (inner, -1))
    return np.reshape(matmul(rows, columns), shape)


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """``np.vdot`` of real arrays."""
    return matmul(np.ravel(tracer(a)), np.ravel(tracer(b)))


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """``np.inner``."""
    a, b = _alike(a, b)
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))
