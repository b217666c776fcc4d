"""Convolution of vectors, and the correlation that is its transpose."""

from __future__ import annotations

from typing import Any

from ..errors import TypeRuleError
from ..ir import Builder
from ..primitive import Adjoint, Correlation, Example, Expand, NumPy, Primitive
from ..types import ArrayType
from .elementwise.kind import check_kinds
from .index import slice_, update
from .selection import Slice


def _check(x: ArrayType, v: ArrayType) -> None:
    check_kinds(x, "fi")
    if x.ndim != 1 or v.ndim != 1 or x.dtype != v.dtype:
        raise TypeRuleError("takes two vectors of one dtype")
    if x.shape[0] == 0 or v.shape[0] == 0:
        raise TypeRuleError("takes no empty vectors")


def _convolve_type(x: ArrayType, v: ArrayType) -> ArrayType:
    _check(x, v)
    return x.with_shape((x.shape[0] + v.shape[0] - 1,))


def _convolve_by_correlating(x: Any, v: Any) -> Any:
    """Return the correlation of the turned shorter vector with the other one between zeros."""
    if not (isinstance(x.shape[0], int) and isinstance(v.shape[0], int)):
        return None
    if x.shape[0] < v.shape[0]:
        x, v = v, x
    around = v.shape[0] - 1
    zeros = Builder.current().full(x.type.with_shape((x.shape[0] + 2 * around,)), 0)
    padded = update(zeros, x, index=(Slice(around, around + x.shape[0]),))
    return correlate(padded, slice_(v, index=(Slice(None, None, -1),)))


def _convolve_adjoint(ct: Any, out: Any, x: Any, v: Any) -> tuple[Any, Any]:
    return correlate(ct, v), correlate(ct, x)


# (n,), (m,) -> (n + m - 1,)
convolve: Primitive = Primitive(
    "convolve",
    type=_convolve_type,
    derivative=Adjoint(_convolve_adjoint),
    numpy=NumPy("np.convolve({0}, {1})"),
    lower=Expand(_convolve_by_correlating),
    dtypes="fi",
    examples=(Example(((5,), (3,))), Example(((2,), (4,))), Example(((1,), (1,)))),
)


def _correlate_type(x: ArrayType, v: ArrayType) -> ArrayType:
    _check(x, v)
    length = x.shape[0] - v.shape[0] + 1
    if isinstance(length, int) and length < 1:
        raise TypeRuleError("the second vector must not be longer than the first")
    return x.with_shape((length,))


def _correlate_adjoint(ct: Any, out: Any, x: Any, v: Any) -> tuple[Any, Any]:
    return convolve(ct, v), correlate(x, ct)


# Where the second lies wholly in the first: (n,), (m,) -> (n - m + 1,)
correlate: Primitive = Primitive(
    "correlate",
    type=_correlate_type,
    derivative=Adjoint(_correlate_adjoint),
    numpy=NumPy("np.correlate({0}, {1})"),
    lower=Correlation(),
    dtypes="fi",
    examples=(Example(((5,), (3,))), Example(((4,), (4,))), Example(((3,), (1,)))),
)
