"""Reductions over axes: ``axes`` is a sorted tuple of axes counted from the front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DerivativeError, TypeRuleError
from ..primitive import (
    REGISTRY,
    Adjoint,
    Attrs,
    Example,
    Expand,
    Linear,
    NoGradient,
    NumPy,
    Primitive,
    Reduction,
    Winner,
)
from ..types import INDEX_DTYPE, ArrayType, Sym, normalize_axes, reduced_shape, size_of
from .batching import along
from .elementwise import cast, divide, equal, multiply, sqrt, square, where
from .elementwise.casting import extent_of, filled
from .elementwise.kind import check_kinds
from .index import slice_
from .selection import Slice

Axes = tuple[int, ...]

EXAMPLES = (
    Example(((3,),), {"axes": (0,), "keepdims": False}),
    Example(((2, 3),), {"axes": (0, 1), "keepdims": False}),
    Example(((2, 3),), {"axes": (1,), "keepdims": True}),
    Example(((2, 1, 3),), {"axes": (0, 2), "keepdims": False}),
    Example(((1, 2),), {"axes": (0, 1), "keepdims": True}),
    Example(((),), {"axes": (), "keepdims": False}),
    Example(((2, 3),), {"axes": (), "keepdims": False}),
    Example(((0, 3),), {"axes": (1,), "keepdims": False}),
)
EMPTY = (
    Example(((0, 3),), {"axes": (0,), "keepdims": False}),
    Example(((3, 0),), {"axes": (0,), "keepdims": True}),
)


def _count(x: Any, axes: Axes) -> Any:
    return extent_of(x, size_of([x.shape[axis] for axis in axes]))


def spread(reduced: Any, x: Any, axes: Axes, keepdims: bool) -> Any:
    """Broadcast the result of a reduction back over the axes of its operand."""
    if not keepdims and axes:
        reduced = REGISTRY["reshape"](reduced, shape=reduced_shape(x.shape, axes, True))
    return REGISTRY["broadcast_to"](reduced, shape=x.shape)


def check_axes(x: ArrayType, axes: Axes, *, empty: bool = False) -> None:
    """Refuse axes that are not sorted, distinct, in range and counted from the front.

    Args:
        x: What is reduced.
        axes: Its axes.
        empty: Whether a reduction of no elements has a value.

    Raises:
        TypeRuleError: With the axes, or because there is no value.
    """
    if normalize_axes(axes, x.ndim) != axes:
        raise TypeRuleError("axes must be sorted and counted from the front", got=f"axes={axes}")
    if not empty and size_of([x.shape[axis] for axis in axes]) == 0:
        raise TypeRuleError("a reduction of no elements has no value")


def _same(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype


def accumulated(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which NumPy adds up: 64 bits for integers and bools."""
    return dtype if dtype.kind == "f" else np.dtype("u8" if dtype.kind == "u" else "i8")


def _type(
    kinds: str, *, empty: bool, result: Callable[[np.dtype[Any]], np.dtype[Any]] = _same
) -> Callable[..., ArrayType]:
    def rule(x: ArrayType, axes: Axes, keepdims: bool, ddof: int = 0) -> ArrayType:
        check_kinds(x, kinds)
        check_axes(x, axes, empty=empty)
        return ArrayType(reduced_shape(x.shape, axes, keepdims), result(x.dtype))

    return rule


def _text(method: str) -> Callable[[Sequence[ArrayType], Attrs], str]:
    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        axes, options = attrs["axes"], []
        if axes != tuple(range(types[0].ndim)):
            options.append(f"axis={axes[0] if len(axes) == 1 else axes}")
        if attrs["keepdims"]:
            options.append("keepdims=True")
        if attrs.get("ddof"):
            options.append(f"ddof={attrs['ddof']}")
        return f"{{0}}.{method}({', '.join(options)})"

    return text


def _sum_transpose(ct: Any, x: Any, axes: Axes, keepdims: bool) -> tuple[Any]:
    return (spread(ct, x, axes, keepdims),)


sum_ = Primitive(
    "sum",
    type=_type("fib", empty=True, result=accumulated),
    derivative=Linear(_sum_transpose),
    numpy=NumPy(_text("sum")),
    lower=Reduction("add", 0.0),
    dtypes="fib",
    examples=EXAMPLES + EMPTY,
    batch=along("axes"),
)


def _mean_transpose(ct: Any, x: Any, axes: Axes, keepdims: bool) -> tuple[Any]:
    return (spread(_over(ct, _count(x, axes)), x, axes, keepdims),)


def _mean_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    # What ndarray.mean does, without its detour through Python.
    count = size_of([types[0].shape[axis] for axis in attrs["axes"]])
    return f"{_text('sum')(types, attrs)} / {f'({count})' if isinstance(count, Sym) else count}"


def _over(ct: Any, count: Any) -> Any:
    # A known size is a Python number; another is a scalar, which ct has to meet in its own shape.
    if not isinstance(count, int) and ct.shape:
        count = REGISTRY["broadcast_to"](count, shape=ct.shape)
    return divide(ct, count)


def _mean_by_sum(x: Any, axes: Axes, keepdims: bool) -> Any:
    return _over(sum_(x, axes=axes, keepdims=keepdims), _count(x, axes))


mean = Primitive(
    "mean",
    type=_type("f", empty=True),
    derivative=Linear(_mean_transpose),
    numpy=NumPy(_mean_text),
    lower=Expand(_mean_by_sum),
    examples=EXAMPLES,
    batch=along("axes"),
)


def _deviation(x: Any, axes: Axes) -> Any:
    return x - spread(mean(x, axes=axes, keepdims=True), x, axes, True)


def _var_adjoint(ct: Any, out: Any, x: Any, axes: Axes, keepdims: bool, ddof: int) -> tuple[Any]:
    scale = _over(2.0 * ct, _count(x, axes) - ddof)
    return (spread(scale, x, axes, keepdims) * _deviation(x, axes),)


def _var_by_sums(x: Any, axes: Axes, keepdims: bool, ddof: int) -> Any:
    centre = _mean_by_sum(x, axes, True)
    squares = square(x - spread(centre, x, axes, True))
    return _over(sum_(squares, axes=axes, keepdims=keepdims), _count(x, axes) - ddof)


VARIANCES = tuple(
    Example(example.operands, {**example.attrs, "ddof": ddof})
    for example in (*EXAMPLES[:4], EXAMPLES[7])
    for ddof in (0, 1)
)
var = Primitive(
    "var",
    type=_type("f", empty=False),
    derivative=Adjoint(_var_adjoint),
    numpy=NumPy(_text("var")),
    lower=Expand(_var_by_sums),
    examples=VARIANCES,
    batch=along("axes"),
)


def _std_adjoint(ct: Any, out: Any, x: Any, axes: Axes, keepdims: bool, ddof: int) -> tuple[Any]:
    # Of equal elements the deviation is at its kink: 0, as for a norm.
    flat = equal(out, 0.0)
    scale = where(flat, 0.0, _over(ct, _count(x, axes) - ddof) / where(flat, 1.0, out))
    return (spread(scale, x, axes, keepdims) * _deviation(x, axes),)


std = Primitive(
    "std",
    type=_type("f", empty=False),
    derivative=Adjoint(_std_adjoint),
    numpy=NumPy(_text("std")),
    lower=Expand(lambda x, **attrs: sqrt(_var_by_sums(x, **attrs))),
    examples=VARIANCES,
    batch=along("axes"),
)


def _norm_adjoint(ct: Any, out: Any, x: Any, axes: Axes, keepdims: bool) -> tuple[Any]:
    # At 0 a norm has a kink: 0, as in PyTorch.
    flat = equal(out, 0.0)
    scale = where(flat, 0.0, ct / where(flat, 1.0, out))
    return (spread(scale, x, axes, keepdims) * x,)


def _norm_text(types: Sequence[ArrayType], attrs: Attrs) -> str:
    if attrs["axes"] == tuple(range(types[0].ndim)) and not attrs["keepdims"]:
        return "np.linalg.norm({0})"
    return f"np.sqrt({_text('sum')(types, attrs).replace('{0}', 'np.square({0})')})"


# The square root of the sum of squares.
norm = Primitive(
    "norm",
    type=_type("f", empty=True),
    derivative=Adjoint(_norm_adjoint),
    numpy=NumPy(_norm_text),
    lower=Expand(lambda x, **attrs: sqrt(sum_(square(x), **attrs))),
    examples=EXAMPLES + EMPTY,
    batch=along("axes"),
)


def _extremum_adjoint(ct: Any, out: Any, x: Any, axes: Axes, keepdims: bool) -> tuple[Any]:
    # Equal extrema share the gradient evenly, as in PyTorch's amax.
    hit = cast(equal(x, spread(out, x, axes, keepdims)), dtype=x.dtype)
    share = divide(ct, sum_(hit, axes=axes, keepdims=keepdims))
    return (multiply(hit, spread(share, x, axes, keepdims)),)


max_ = Primitive(
    "max",
    type=_type("fib", empty=False),
    derivative=Adjoint(_extremum_adjoint),
    numpy=NumPy(_text("max")),
    lower=Reduction("maximum"),
    dtypes="fib",
    examples=EXAMPLES,
    batch=along("axes"),
)
min_ = Primitive(
    "min",
    type=_type("fib", empty=False),
    derivative=Adjoint(_extremum_adjoint),
    numpy=NumPy(_text("min")),
    lower=Reduction("minimum"),
    dtypes="fib",
    examples=EXAMPLES,
    batch=along("axes"),
)


def _prod_adjoint(ct: Any, out: Any, x: Any, axes: Axes, keepdims: bool) -> tuple[Any]:
    if not axes:
        return (ct,)
    rest = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    order = rest + axes
    shape = tuple(x.shape[axis] for axis in rest)
    rows = REGISTRY["transpose"](x, axes=order)
    count = size_of([x.shape[axis] for axis in axes])
    rows = REGISTRY["reshape"](rows, shape=(*shape, count))
    others = _product_of_others(rows, count)
    others = REGISTRY["reshape"](others, shape=tuple(x.shape[axis] for axis in order))
    back = tuple(order.index(axis) for axis in range(len(order)))
    return (spread(ct, x, axes, keepdims) * REGISTRY["transpose"](others, axes=back),)


def _product_of_others(rows: Any, count: Any) -> Any:
    """Return, along the last axis, the product of all elements but each.

    Products of what lies before and behind, by doubling: no division, so zeros are no exception,
    in any order of derivative.
    """
    if not isinstance(count, int):
        raise DerivativeError(
            f"over the unknown size {count} it has no derivative",
            fix="give gradc.spec a number for this size",
        )
    last = len(rows.shape) - 1
    before = shifted(rows, 1, last, 1.0)
    behind = shifted(rows, -1, last, 1.0)
    step = 1
    while step < count - 1:
        before = before * shifted(before, step, last, 1.0)
        behind = behind * shifted(behind, -step, last, 1.0)
        step *= 2
    return before * behind


def shifted(x: Any, by: int, axis: int, number: float) -> Any:
    """Move along an axis of known size, with a number coming in at the end that gets free."""
    lead, count = (Slice(),) * axis, x.shape[axis]
    trail = (Slice(),) * (len(x.shape) - axis - 1)
    lost = slice_(x, index=(*lead, Slice(0, min(abs(by), count)), *trail))
    place = Slice(0, max(count - by, 0)) if by > 0 else Slice(min(-by, count), None)
    kept = slice_(x, index=(*lead, place, *trail))
    parts = (filled(lost, number), kept) if by > 0 else (kept, filled(lost, number))
    return REGISTRY["concatenate"](*parts, axis=axis)


prod = Primitive(
    "prod",
    type=_type("fib", empty=True, result=accumulated),
    derivative=Adjoint(_prod_adjoint),
    numpy=NumPy(_text("prod")),
    lower=Reduction("multiply", 1.0),
    dtypes="fib",
    examples=EXAMPLES + EMPTY,
    batch=along("axes"),
)
any_ = Primitive(
    "any",
    type=_type("b", empty=True),
    derivative=NoGradient(),
    numpy=NumPy(_text("any")),
    lower=Reduction("logical_or", 0.0),
    dtypes="b",
    examples=EXAMPLES + EMPTY,
    batch=along("axes"),
)
all_ = Primitive(
    "all",
    type=_type("b", empty=True),
    derivative=NoGradient(),
    numpy=NumPy(_text("all")),
    lower=Reduction("logical_and", 1.0),
    dtypes="b",
    examples=EXAMPLES + EMPTY,
    batch=along("axes"),
)


def _arg_batch(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    # Over all axes it counts the elements in row-major order, and with a batch it cannot.
    (x,), axes = operands, attrs["axes"]
    if len(axes) == len(x.shape) - 1 != 1:
        size = x.shape[0]
        flat = REGISTRY["reshape"](x, shape=(size, size_of(x.shape[1:])))
        found = primitive(flat, axes=(1,), keepdims=False)
        if not attrs["keepdims"]:
            return found
        return REGISTRY["reshape"](found, shape=(size, *(1 for _ in axes)))
    return along("axes")(primitive, operands, is_batched, attrs)


_reduced_to_index = _type("fib", empty=False, result=lambda dtype: INDEX_DTYPE)


def _arg_type(x: ArrayType, axes: Axes, keepdims: bool) -> ArrayType:
    if len(axes) not in (1, x.ndim):
        raise TypeRuleError("takes one axis, or all of them")
    return _reduced_to_index(x, axes, keepdims)


argmax = Primitive(
    "argmax",
    type=_arg_type,
    derivative=NoGradient(),
    numpy=NumPy(_text("argmax")),
    lower=Winner("greater"),
    dtypes="fib",
    examples=(*EXAMPLES[:3], EXAMPLES[5], EXAMPLES[7]),
    batch=_arg_batch,
)
argmin = Primitive(
    "argmin",
    type=_arg_type,
    derivative=NoGradient(),
    numpy=NumPy(_text("argmin")),
    lower=Winner("less"),
    dtypes="fib",
    examples=(*EXAMPLES[:3], EXAMPLES[5], EXAMPLES[7]),
    batch=_arg_batch,
)
