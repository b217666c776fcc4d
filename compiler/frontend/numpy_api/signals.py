"""Convolution, correlation and polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...primitives import convolution
from ...types import Sym
from ..tracer import Tracer
from .nesting import nested
from .operands import common_dtype, tracer
from .reductions import array_of, known_extent
from .table import implements


def _vectors(a: Any, v: Any, function: str) -> tuple[Tracer, Tracer]:
    a, v = nested(a), nested(v)
    dtype = common_dtype((a, v), weak_numbers=False)
    first, second = np.atleast_1d(array_of(a, dtype), array_of(v, dtype))
    if first.ndim > 1 or second.ndim > 1:
        raise ValueError(f"{function} takes vectors")
    if 0 in (*first.shape, *second.shape):
        raise ValueError(f"{function}: a vector cannot be empty")
    return first, second  # type: ignore[return-value]


def _longer_first(a: Tracer, v: Tracer, function: str) -> tuple[Tracer, Tracer]:
    if a.shape == v.shape:
        return a, v
    sizes = [known_extent(one, 0, f"{function} of another mode than 'full'") for one in (a, v)]
    return (a, v) if sizes[0] >= sizes[1] else (v, a)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``np.convolve``."""
    a, v = _vectors(a, v, "np.convolve")
    if mode == "full":
        return convolution.convolve(a, v)
    if mode not in ("same", "valid"):
        raise ValueError(f"mode must be 'full', 'same' or 'valid' (got {mode!r})")
    a, v = _longer_first(a, v, "np.convolve")
    if mode == "valid":
        return convolution.correlate(a, v[::-1])
    start = (v.shape[0] - 1) // 2 if not isinstance(v.shape[0], Sym) else _half(v, "np.convolve")
    return np.copy(convolution.convolve(a, v)[start : start + a.shape[0]])


def _half(v: Tracer, function: str) -> int:
    return (known_extent(v, 0, f"{function} with mode='same'") - 1) // 2


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """``np.correlate``; where the second is longer, the result runs the other way."""
    a, v = _vectors(a, v, "np.correlate")
    if mode == "full":
        return convolution.convolve(a, v[::-1])
    if mode not in ("same", "valid"):
        raise ValueError(f"mode must be 'full', 'same' or 'valid' (got {mode!r})")
    longer, shorter = _longer_first(a, v, "np.correlate")
    if mode == "valid":
        result = convolution.correlate(longer, shorter)
    else:
        start = _half(shorter, "np.correlate")
        whole = convolution.convolve(longer, shorter[::-1])
        result = np.copy(whole[start : start + longer.shape[0]])
    return result if longer is a else np.copy(result[::-1])


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """``np.polyval``, by Horner's rule; the coefficient of the highest power comes first."""
    p, x = nested(p), nested(x)
    dtype = common_dtype((p, x), weak_numbers=False)
    coefficients: Any = np.atleast_1d(array_of(p, dtype))
    x = tracer(x, dtype)
    count = known_extent(coefficients, 0, "np.polyval")
    total: Any = np.zeros_like(x)
    for i in range(count):
        total = total * x + coefficients[i] if i else coefficients[i] + total
    return total


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:  # noqa: N803
    """``np.vander``: the powers of a vector, as columns."""
    x = array_of(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    count = known_extent(x, 0, "np.vander") if N is None else int(N)
    x = tracer(x, np.promote_types(x.dtype, np.int64))
    powers = [np.ones_like(x)]
    while len(powers) < count:
        powers.append(powers[-1] * x if len(powers) > 1 else x)
    if not count:
        return np.copy(np.reshape(x, (-1, 1))[:, :0])
    powers = powers[:count]
    return np.stack(powers if increasing else powers[::-1], axis=1)


def _added(sign: int) -> Any:
    def function(a1: Any, a2: Any) -> Any:
        first, second = np.atleast_1d(array_of(a1), array_of(a2))
        missing = first.shape[0] - second.shape[0]
        longer = first if missing >= 0 else second
        zeros = np.zeros_like(longer, shape=(abs(missing),))
        if missing > 0:
            second = np.concatenate([zeros, second])
        elif missing < 0:
            first = np.concatenate([zeros, first])
        return first + second if sign > 0 else first - second

    return function


implements(np.polyadd)(_added(1))
implements(np.polysub)(_added(-1))


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """``np.polyder``: the coefficients of the m-th derivative."""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    x: Any = np.atleast_1d(array_of(p))
    for _ in range(m):
        degree = known_extent(x, 0, "np.polyder") - 1
        x = x[:-1] * np.arange(max(degree, 0), 0, -1)
    return x


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """``np.polyint``: the coefficients of the m-th antiderivative, with its constants."""
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants: Any = [0.0] * m if k is None else k
    if not isinstance(constants, list | tuple):
        constants = np.atleast_1d(tracer(constants))
    if len(constants) == 1:
        constants = [constants[0]] * m
    if len(constants) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    x: Any = np.atleast_1d(array_of(p))
    for i in range(m):
        count = known_extent(x, 0, "np.polyint")
        x = np.concatenate([x / np.arange(count, 0, -1), np.atleast_1d(constants[i])])
    return x
