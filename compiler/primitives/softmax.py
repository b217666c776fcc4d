"""Softmax and its logarithms, made stable by a shift; expanded into other primitives."""

from __future__ import annotations

from typing import Any

from ..primitive import REGISTRY, Adjoint, Example, Expand, Primitive
from ..types import ArrayType, reduced_shape
from .batching import along
from .elementwise import exp, log, where
from .elementwise.kind import check_kinds
from .elementwise.logic import isfinite
from .reduce import check_axes, max_, spread, sum_

Axes = tuple[int, ...]

_EXAMPLES = (
    Example(((3,),), {"axes": (0,)}),
    Example(((2, 3),), {"axes": (1,)}),
    Example(((2, 1, 3),), {"axes": (0, 2)}),
    Example(((2, 1),), {"axes": (1,)}),
    Example(((0, 2),), {"axes": (1,)}),
)


def _same(x: ArrayType, axes: Axes) -> ArrayType:
    check_kinds(x, "f")
    check_axes(x, axes)
    return x


def _shift(x: Any, axes: Axes) -> Any:
    # Where the largest element is infinite there is nothing to shift by.
    top = max_(x, axes=axes, keepdims=True)
    return where(isfinite(top), top, 0.0)


def _softmax(x: Any, axes: Axes) -> Any:
    powers = exp(x - spread(_shift(x, axes), x, axes, True))
    return powers / spread(sum_(powers, axes=axes, keepdims=True), x, axes, True)


def _softmax_adjoint(ct: Any, out: Any, x: Any, axes: Axes) -> tuple[Any]:
    inner = sum_(ct * out, axes=axes, keepdims=True)
    return (out * (ct - spread(inner, x, axes, True)),)


softmax = Primitive(
    "softmax",
    type=_same,
    derivative=Adjoint(_softmax_adjoint),
    numpy=Expand(_softmax),
    examples=_EXAMPLES,
    batch=along("axes"),
)


def _log_softmax(x: Any, axes: Axes) -> Any:
    shifted = x - spread(_shift(x, axes), x, axes, True)
    total = log(sum_(exp(shifted), axes=axes, keepdims=True))
    return shifted - spread(total, x, axes, True)


def _log_softmax_adjoint(ct: Any, out: Any, x: Any, axes: Axes) -> tuple[Any]:
    total = sum_(ct, axes=axes, keepdims=True)
    return (ct - exp(out) * spread(total, x, axes, True),)


log_softmax = Primitive(
    "log_softmax",
    type=_same,
    derivative=Adjoint(_log_softmax_adjoint),
    numpy=Expand(_log_softmax),
    examples=_EXAMPLES,
    batch=along("axes"),
)


def _logsumexp_type(x: ArrayType, axes: Axes, keepdims: bool) -> ArrayType:
    check_kinds(x, "f")
    check_axes(x, axes)
    return x.with_shape(reduced_shape(x.shape, axes, keepdims))


def _logsumexp(x: Any, axes: Axes, keepdims: bool) -> Any:
    shift = _shift(x, axes)
    powers = exp(x - spread(shift, x, axes, True))
    result = log(sum_(powers, axes=axes, keepdims=True)) + shift
    if keepdims:
        return result
    return REGISTRY["reshape"](result, shape=reduced_shape(x.shape, axes, False))


def _logsumexp_adjoint(ct: Any, out: Any, x: Any, axes: Axes, keepdims: bool) -> tuple[Any]:
    return (spread(ct, x, axes, keepdims) * exp(x - spread(out, x, axes, keepdims)),)


logsumexp = Primitive(
    "logsumexp",
    type=_logsumexp_type,
    derivative=Adjoint(_logsumexp_adjoint),
    numpy=Expand(_logsumexp),
    examples=tuple(
        Example(example.operands, {**example.attrs, "keepdims": keepdims})
        for example in _EXAMPLES
        for keepdims in (False, True)
    ),
    batch=along("axes"),
)
