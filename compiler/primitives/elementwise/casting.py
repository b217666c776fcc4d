"""Numbers in a graph, conversions of dtype, and the markers that differentiation obeys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...ir import Builder, Constant, Value
from ...primitive import (
    REGISTRY,
    Attrs,
    Example,
    Generated,
    Linear,
    NoGradient,
    NumPy,
    Primitive,
    Scalar,
)
from ...types import INDEX_DTYPE, SUPPORTED_DTYPES, ArrayType, Dim, size_of, type_of
from ..batching import along
from .kind import elementwise, same_type

# The emitter writes constants itself (as literals where it can).
constant = Primitive(
    "constant",
    type=lambda value: type_of(value.array),
    derivative=NoGradient(),
    examples=(Example((), {"value": Constant(np.float64(2.0))}),),
    cheap=True,
)


def filled(like: Any, number: float, dtype: np.dtype[Any] | None = None) -> Any:
    """Return an array of the type of ``like``, or another dtype, that repeats one number."""
    if isinstance(like, Value):
        return Builder.current().full(like.type.with_dtype(dtype or like.dtype), number)
    return np.full_like(like, number, dtype)


def extent_of(like: Any, dim: Dim) -> Any:
    """Return a size as an operand beside ``like``: a Python number where it is known."""
    if isinstance(dim, int):
        return dim
    return Builder.current().add(extent, (), {"dim": dim, "dtype": like.dtype})[0]


def dtype_name(dtype: np.dtype[Any]) -> str:
    """Return how NumPy code writes a dtype: ``np.float32``, ``bool``."""
    return "bool" if dtype == np.bool_ else f"np.{dtype.name}"


def _extent_type(dim: Dim, dtype: np.dtype[Any]) -> ArrayType:
    return ArrayType((), dtype)


# A size as a number: what mean divides by where a dimension is not known.
extent = Primitive(
    "extent",
    type=_extent_type,
    derivative=NoGradient(),
    numpy=NumPy(lambda types, attrs: f"{dtype_name(attrs['dtype'])}({attrs['dim']})"),
    examples=(Example((), {"dim": 3, "dtype": np.dtype(np.float64)}),),
    cheap=True,
)

# 0, 1, 2 ... to a number that may be unknown.
arange = Primitive(
    "arange",
    type=lambda count: ArrayType((count,), INDEX_DTYPE),
    derivative=NoGradient(),
    numpy=NumPy(lambda types, attrs: f"np.arange({attrs['count']})"),
    lower=Generated(lambda index, count: index[0]),
    examples=(Example((), {"count": 3}), Example((), {"count": 0})),
    cheap=True,
)


def numbered(like: Any) -> Any:
    """Return 0, 1, 2 ... in the shape of ``like``."""
    count = size_of(like.shape)
    if not isinstance(like, Value):
        return np.arange(int(count)).reshape(like.shape)
    numbers = Builder.current().add(arange, (), {"count": count})[0]
    return numbers if like.ndim == 1 else REGISTRY["reshape"](numbers, shape=like.shape)


def _cast_type(x: ArrayType, dtype: np.dtype[Any]) -> ArrayType:
    if dtype not in SUPPORTED_DTYPES:
        supported = ", ".join(one.name for one in SUPPORTED_DTYPES)
        raise TypeRuleError(f"dtype {dtype} is not supported", fix=f"use one of {supported}")
    return x.with_dtype(dtype)


def _cast_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    name = dtype_name(attrs["dtype"])
    # Calling the type serves Python numbers and NumPy scalars alike.
    return f"{name}({{0}})" if types[0].ndim == 0 and name != "bool" else f"{{0}}.astype({name})"


cast: Primitive = Primitive(
    "cast",
    type=_cast_type,
    derivative=Linear(lambda ct, x, dtype: (cast(ct, dtype=x.dtype),)),
    numpy=NumPy(_cast_text),
    lower=Scalar("cast"),
    examples=(
        Example(((2, 3),), {"dtype": np.dtype(np.float32)}),
        Example(((),), {"dtype": np.dtype(np.float64)}),
        Example(((0, 2),), {"dtype": np.dtype(np.int64)}),
    ),
    dtypes="fib",
    batch=along(),
    cheap=True,
)
# A value of its own, whatever happens to the first.
copy = elementwise(
    "copy",
    transpose=lambda ct, x: (ct,),
    expression="{0}.copy()",
    dtypes="fib",
    cheap=True,
)
stop_gradient = elementwise(
    "stop_gradient", expression="{0}", type=same_type("fib"), dtypes="fib", cheap=True
)
# An array whose numbers were replaced unseen by autograd: a store under no_grad.
with_value = elementwise(
    "with_value",
    transpose=lambda ct, x, value: (ct, None),
    expression="{1}",
    arity=2,
    dtypes="fib",
    cheap=True,
)
