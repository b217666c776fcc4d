"""Convolution and pooling of images, of traced arrays and of plain ones, as PyTorch has them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as integer
from typing import Any

import numpy as np

from ...primitive import Primitive
from ...primitives import image_convolution, pooling
from ...primitives.windows import Padding
from ...types import type_of
from ..tracer import Tracer
from .operands import common_dtype, nested, tracer


def floats(function: str, *given: Any) -> list[Any]:
    """Return operands as floats of one dtype; tracers if there is one among them.

    Args:
        function: Whose operands they are.
        *given: Arrays; None stays None.

    Raises:
        TypeError: They are no floats.
    """
    arrays = [nested(one) for one in given if one is not None]
    dtype = common_dtype(arrays, weak_numbers=False)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{function} takes arrays of float32 or float64, not {dtype.name}")
    convert: Any = tracer if any(isinstance(one, Tracer) for one in arrays) else np.asarray
    made = iter([convert(one, dtype) for one in arrays])
    return [None if one is None else next(made) for one in given]


def apply(primitive: Primitive, *operands: Any, **attrs: Any) -> Any:
    """Apply a primitive to tracers, or to arrays that its type rule takes."""
    if not any(isinstance(one, Tracer) for one in operands):
        primitive.infer([type_of(one) for one in operands], attrs)
    return primitive(*operands, **attrs)


def _numbers(given: Any, count: int, name: str) -> tuple[int, ...]:
    """Return an option as a number for each axis."""
    if isinstance(given, tuple | list):
        if len(given) not in (1, count):
            raise ValueError(f"{name} must be one integer or {count}, not {len(given)}")
        return tuple(map(integer, given)) * (count if len(given) == 1 else 1)
    return (integer(given),) * count


def _batched(function: str, x: Any, axes: int) -> tuple[Any, bool]:
    """Return images with the axis of the batch, and whether it was there."""
    if x.ndim not in (axes + 1, axes + 2):
        raise ValueError(
            f"{function} takes images (n, c, ...) or (c, ...), with {axes} axes behind the "
            f"channels, not an array of {x.ndim} axes"
        )
    is_batch = x.ndim == axes + 2
    return (x if is_batch else x[None]), is_batch


def _check_kernels(function: str, weight: Any, axes: int) -> None:
    if weight.ndim != axes + 2:
        raise ValueError(f"{function} takes a weight of {axes + 2} axes, not {weight.ndim}")


def _finished(function: str, result: Any, bias: Any, is_batch: bool) -> Any:
    if bias is not None:
        if bias.shape != result.shape[1:2]:
            raise ValueError(
                f"{function} takes a bias with a number for each channel of the result: "
                f"{result.shape[1]}, not {bias.shape}"
            )
        result = result + np.reshape(bias, (-1, *(1,) * (result.ndim - 2)))
    return result if is_batch else result[0]


def _around(
    padding: Any, kernel: Sequence[Any], stride: Sequence[int], dilation: Sequence[int]
) -> Padding:
    """Return the padding of a convolution before and after each axis."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if any(step != 1 for step in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        spare = [(integer(taps) - 1) * gap for taps, gap in zip(kernel, dilation, strict=True)]
        return tuple((one // 2, one - one // 2) for one in spare)
    if isinstance(padding, str):
        raise ValueError(f"padding must be numbers, 'valid' or 'same' (got {padding!r})")
    return tuple((one, one) for one in _numbers(padding, len(kernel), "padding"))


def conv(
    axes: int, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    """Return the convolution of images of so many axes."""
    function = f"conv{axes}d"
    x, weight, bias = floats(function, x, weight, bias)
    _check_kernels(function, weight, axes)
    images, is_batch = _batched(function, x, axes)
    steps = _numbers(stride, axes, "stride")
    gaps = _numbers(dilation, axes, "dilation")
    result = apply(
        image_convolution.conv,
        images,
        weight,
        stride=steps,
        padding=_around(padding, weight.shape[2:], steps, gaps),
        dilation=gaps,
        groups=integer(groups),
    )
    return _finished(function, result, bias, is_batch)


def conv_transpose(
    axes: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    """Return what a convolution's gradient by its images is of a cotangent ``x``."""
    function = f"conv_transpose{axes}d"
    x, weight, bias = floats(function, x, weight, bias)
    _check_kernels(function, weight, axes)
    images, is_batch = _batched(function, x, axes)
    steps = _numbers(stride, axes, "stride")
    gaps = _numbers(dilation, axes, "dilation")
    around = _numbers(padding, axes, "padding")
    more = _numbers(output_padding, axes, "output_padding")
    if not all(0 <= one < step for one, step in zip(more, steps, strict=True)):
        raise ValueError("output_padding must be smaller than the stride")
    size = tuple(
        (integer(extent) - 1) * step - 2 * border + gap * (integer(taps) - 1) + 1 + one
        for extent, step, border, gap, taps, one in zip(
            images.shape[2:], steps, around, gaps, weight.shape[2:], more, strict=True
        )
    )
    result = apply(
        image_convolution.conv_image_gradient,
        images,
        weight,
        size=size,
        stride=steps,
        padding=tuple((one, one) for one in around),
        dilation=gaps,
        groups=integer(groups),
    )
    return _finished(function, result, bias, is_batch)


def _windows(
    axes: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> dict[str, tuple[Any, ...]]:
    """Return the attrs of a pooling."""
    window = _numbers(kernel_size, axes, "kernel_size")
    gaps = _numbers(dilation, axes, "dilation")
    around = _numbers(padding, axes, "padding")
    for border, taps, gap in zip(around, window, gaps, strict=True):
        if 2 * border > (taps - 1) * gap + 1:
            raise ValueError(f"padding {border} is more than half of the window")
    return {
        "window": window,
        "stride": window if stride is None else _numbers(stride, axes, "stride"),
        "padding": tuple((one, one) for one in around),
        "dilation": gaps,
    }


def max_pool(axes: int, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Return the maxima of windows."""
    function = f"max_pool{axes}d"
    (x,) = floats(function, x)
    images, is_batch = _batched(function, x, axes)
    attrs = _windows(axes, kernel_size, stride, padding, dilation)
    return _finished(function, apply(pooling.max_pool, images, **attrs), None, is_batch)


def avg_pool(
    axes: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    count_include_pad: Any,
    divisor_override: Any = None,
) -> Any:
    """Return the means of windows, or their sums over a divisor."""
    function = f"avg_pool{axes}d"
    (x,) = floats(function, x)
    images, is_batch = _batched(function, x, axes)
    attrs = _windows(axes, kernel_size, stride, padding, 1)
    del attrs["dilation"]
    counts = bool(count_include_pad) or divisor_override is not None
    result = apply(pooling.avg_pool, images, counts_padding=counts, **attrs)
    if divisor_override is not None:
        divisor = integer(divisor_override)
        if not divisor:
            raise ValueError("divisor_override must not be zero")
        result = result * (int(np.prod(attrs["window"])) / divisor)
    return _finished(function, result, None, is_batch)
