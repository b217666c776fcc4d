"""Convolution and pooling; the public names are in ``functional``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..compiler.frontend.numpy_api import images
from ..compiler.frontend.tracer import Tracer

Extents = int | tuple[int, ...]


def applied(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function of arrays gives, which may be traced."""
    traced = next((one for one in args if isinstance(one, Tracer)), None)
    return function(*args) if traced is None else traced.tracing.dispatch(function, args, {})


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Extents = 1,
    padding: Extents | str = 0,
    dilation: Extents = 1,
    groups: int = 1,
) -> Any:
    """Return the cross-correlation of images with kernels.

    Shapes: (n, c, length), (f, c / groups, taps), bias (f,) -> (n, f, (length + 2 padding -
    dilation (taps - 1) - 1) // stride + 1). ``padding`` may be "valid" (none), or "same" for
    stride 1.

    Raises:
        TypeRuleError: Shapes do not fit (ValueError for ranks and options of plain arrays).

    >>> import numpy as np
    >>> conv1d(np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2))).tolist()
    [[[1.0, 3.0, 5.0]]]
    """
    return applied(images.conv, 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Extents = 1,
    padding: Extents | str = 0,
    dilation: Extents = 1,
    groups: int = 1,
) -> Any:
    """Return the cross-correlation of images with kernels; options are one number, or two.

    Shapes: (n, c, rows, columns), (f, c / groups, ...), bias (f,) -> (n, f, ...); see ``conv1d``.

    >>> import numpy as np
    >>> conv2d(np.ones((1, 2, 3, 3)), np.ones((1, 2, 3, 3)), padding="same").tolist()
    [[[[8.0, 12.0, 8.0], [12.0, 18.0, 12.0], [8.0, 12.0, 8.0]]]]
    """
    return applied(images.conv, 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Extents = 1,
    padding: Extents | str = 0,
    dilation: Extents = 1,
    groups: int = 1,
) -> Any:
    """Return the cross-correlation of images with kernels; options are one number, or three.

    Shapes: (n, c, ...), (f, c / groups, ...), bias (f,) -> (n, f, ...); see ``conv1d``.

    >>> import numpy as np
    >>> conv3d(np.ones((1, 1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2))).tolist()
    [[[[[8.0]]]]]
    """
    return applied(images.conv, 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Extents = 1,
    padding: Extents = 0,
    output_padding: Extents = 0,
    groups: int = 1,
    dilation: Extents = 1,
) -> Any:
    """Return the transpose of ``conv1d``: the gradient by its images, of a gradient ``input``.

    Shapes: (n, c, length), (c, f / groups, taps), bias (f,) -> (n, f, (length - 1) stride -
    2 padding + dilation (taps - 1) + output_padding + 1). ``output_padding`` is smaller than the
    stride.

    >>> import numpy as np
    >>> conv_transpose1d(np.ones((1, 1, 2)), np.ones((1, 1, 2)), stride=2).tolist()
    [[[1.0, 1.0, 1.0, 1.0]]]
    """
    return applied(
        images.conv_transpose,
        1, input, weight, bias, stride, padding, output_padding, groups, dilation,
    )  # fmt: skip


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Extents = 1,
    padding: Extents = 0,
    output_padding: Extents = 0,
    groups: int = 1,
    dilation: Extents = 1,
) -> Any:
    """Return the transpose of ``conv2d``; options are one number, or two.

    Shapes: (n, c, rows, columns), (c, f / groups, ...), bias (f,) -> (n, f, ...); see
    ``conv_transpose1d``.

    >>> import numpy as np
    >>> conv_transpose2d(np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 2))).tolist()
    [[[[1.0, 1.0]]]]
    """
    return applied(
        images.conv_transpose,
        2, input, weight, bias, stride, padding, output_padding, groups, dilation,
    )  # fmt: skip


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Extents = 1,
    padding: Extents = 0,
    output_padding: Extents = 0,
    groups: int = 1,
    dilation: Extents = 1,
) -> Any:
    """Return the transpose of ``conv3d``; options are one number, or three.

    Shapes: (n, c, ...), (c, f / groups, ...), bias (f,) -> (n, f, ...); see ``conv_transpose1d``.

    >>> import numpy as np
    >>> conv_transpose3d(np.ones((1, 1, 1, 1, 1)), np.ones((1, 1, 1, 1, 2))).tolist()
    [[[[[1.0, 1.0]]]]]
    """
    return applied(
        images.conv_transpose,
        3, input, weight, bias, stride, padding, output_padding, groups, dilation,
    )  # fmt: skip


def max_pool1d(
    input: Any,
    kernel_size: Extents,
    stride: Extents | None = None,
    padding: Extents = 0,
    dilation: Extents = 1,
) -> Any:
    """Return the maxima of windows; the stride is the window's size if it is not given.

    Of equal elements the first one gets the gradient; NaN is a maximum; what is padded is none.

    Shapes: (n, c, length) -> (n, c, ...), as many as ``conv1d`` has.

    Raises:
        TypeRuleError: The window is larger than the padded image.
        ValueError: The padding is more than half of the window.

    >>> import numpy as np
    >>> max_pool1d(np.arange(4.0).reshape(1, 1, 4), 2).tolist()
    [[[1.0, 3.0]]]
    """
    return applied(images.max_pool, 1, input, kernel_size, stride, padding, dilation)


def max_pool2d(
    input: Any,
    kernel_size: Extents,
    stride: Extents | None = None,
    padding: Extents = 0,
    dilation: Extents = 1,
) -> Any:
    """Return the maxima of windows; options are one number, or two.

    Shapes: (n, c, rows, columns) -> (n, c, ...); see ``max_pool1d``.

    >>> import numpy as np
    >>> max_pool2d(np.arange(4.0).reshape(1, 1, 2, 2), 2).tolist()
    [[[[3.0]]]]
    """
    return applied(images.max_pool, 2, input, kernel_size, stride, padding, dilation)


def max_pool3d(
    input: Any,
    kernel_size: Extents,
    stride: Extents | None = None,
    padding: Extents = 0,
    dilation: Extents = 1,
) -> Any:
    """Return the maxima of windows; options are one number, or three.

    Shapes: (n, c, ...) -> (n, c, ...); see ``max_pool1d``.

    >>> import numpy as np
    >>> max_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 2).tolist()
    [[[[[7.0]]]]]
    """
    return applied(images.max_pool, 3, input, kernel_size, stride, padding, dilation)


def avg_pool1d(
    input: Any,
    kernel_size: Extents,
    stride: Extents | None = None,
    padding: Extents = 0,
    *,
    count_include_pad: bool = True,
) -> Any:
    """Return the means of windows; the stride is the window's size if it is not given.

    What is padded counts as zeros, or not at all (``count_include_pad=False``).

    Shapes: (n, c, length) -> (n, c, ...), as many as ``conv1d`` has.

    Raises:
        TypeRuleError: The window is larger than the padded image.
        ValueError: The padding is more than half of the window.

    >>> import numpy as np
    >>> avg_pool1d(np.arange(4.0).reshape(1, 1, 4), 2).tolist()
    [[[0.5, 2.5]]]
    """
    return applied(images.avg_pool, 1, input, kernel_size, stride, padding, count_include_pad)


def avg_pool2d(
    input: Any,
    kernel_size: Extents,
    stride: Extents | None = None,
    padding: Extents = 0,
    *,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Return the means of windows, or their sums over ``divisor_override``.

    Shapes: (n, c, rows, columns) -> (n, c, ...); see ``avg_pool1d``.

    >>> import numpy as np
    >>> avg_pool2d(np.ones((1, 1, 2, 2)), 2, divisor_override=1).tolist()
    [[[[4.0]]]]
    """
    return applied(
        images.avg_pool,
        2, input, kernel_size, stride, padding, count_include_pad, divisor_override,
    )  # fmt: skip


def avg_pool3d(
    input: Any,
    kernel_size: Extents,
    stride: Extents | None = None,
    padding: Extents = 0,
    *,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """Return the means of windows, or their sums over ``divisor_override``.

    Shapes: (n, c, ...) -> (n, c, ...); see ``avg_pool1d``.

    >>> import numpy as np
    >>> avg_pool3d(np.ones((1, 1, 2, 2, 2)), 2).tolist()
    [[[[[1.0]]]]]
    """
    return applied(
        images.avg_pool,
        3, input, kernel_size, stride, padding, count_include_pad, divisor_override,
    )  # fmt: skip
