"""Convolution of images, and the gradients by the image and by the kernels.

What is called convolution here is the cross-correlation that networks are made of. The three are
one sum of products, of an image, kernels and a result, by each of these in turn; so the derivative
of each is made of the other two, to any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import TypeRuleError
from ..primitive import REGISTRY, Adjoint, Attrs, Example, NumPy, Primitive, Windowed
from ..types import ArrayType, Dim, Shape, divide_exactly
from .batching import batch_size, move_axis
from .windows import (
    BORDERED,
    COUNTED,
    CROPPED,
    INSIDE,
    STEPS,
    Padding,
    bordered_bytes,
    check_images,
    check_result,
    extents,
)

# The axes of the three before the spatial ones; where two are written as one axis, the group comes
# first: batch n, group g, channel of a group c, filter of a group f.
_AXES = {"image": "ngc", "kernels": "gfc", "result": "ngf"}
_JOINED = {"image": 1, "kernels": 0, "result": 1}  # where the axis of groups begins


# What operands and result are.
_CONV_ROLES = ("image", "kernels", "result")
_IMAGE_ROLES = ("result", "kernels", "image")
_KERNEL_ROLES = ("image", "result", "kernels")


def _grouped(channels: Dim, groups: int, what: str) -> Dim:
    found = divide_exactly(channels, groups)
    if found is None:
        raise TypeRuleError(
            f"the number of {what} must be a multiple of that of groups",
            got=f"{channels} {what} in {groups} groups",
        )
    return found


def _check_groups(groups: int) -> None:
    if not isinstance(groups, int) or groups < 1:
        raise TypeRuleError("the number of groups must be at least 1", got=str(groups))


def _conv_type(
    image: ArrayType,
    kernels: ArrayType,
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> ArrayType:
    check_images(image, kernels)
    _check_groups(groups)
    _grouped(kernels.shape[0], groups, "filters")
    if image.shape[1] != kernels.shape[1] * groups:
        raise TypeRuleError(
            "the channels of the image are not those of the kernels",
            got=f"{image.shape[1]}, where {groups} groups of {kernels.shape[1]} are wanted",
        )
    out = extents(image.shape[2:], kernels.shape[2:], stride, padding, dilation)
    return image.with_shape((image.shape[0], kernels.shape[0], *out))


def _image_gradient_type(
    result: ArrayType,
    kernels: ArrayType,
    size: Shape,
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> ArrayType:
    check_images(result, kernels)
    _check_groups(groups)
    _grouped(kernels.shape[0], groups, "filters")
    if result.shape[1] != kernels.shape[0]:
        raise TypeRuleError(
            "the channels of the result are not the filters",
            got=f"{result.shape[1]} and {kernels.shape[0]}",
        )
    check_result(result, extents(size, kernels.shape[2:], stride, padding, dilation))
    return result.with_shape((result.shape[0], kernels.shape[1] * groups, *size))


def _kernel_gradient_type(
    image: ArrayType,
    result: ArrayType,
    kernel: Shape,
    stride: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> ArrayType:
    check_images(image, result)
    _check_groups(groups)
    channels = _grouped(image.shape[1], groups, "channels")
    _grouped(result.shape[1], groups, "filters")
    if image.shape[0] != result.shape[0]:
        raise TypeRuleError(
            "there are not as many images as results",
            got=f"{image.shape[0]} and {result.shape[0]}",
        )
    check_result(result, extents(image.shape[2:], kernel, stride, padding, dilation))
    return image.with_shape((result.shape[1], channels, *kernel))


# Derivatives


def _conv_adjoint(ct: Any, out: Any, image: Any, kernels: Any, **attrs: Any) -> tuple[Any, Any]:
    return (
        conv_image_gradient(ct, kernels, size=image.shape[2:], **attrs),
        conv_kernel_gradient(image, ct, kernel=kernels.shape[2:], **attrs),
    )


def _image_gradient_adjoint(
    ct: Any, out: Any, result: Any, kernels: Any, size: Shape, **attrs: Any
) -> tuple[Any, Any]:
    return (
        conv(ct, kernels, **attrs),
        conv_kernel_gradient(ct, result, kernel=kernels.shape[2:], **attrs),
    )


def _kernel_gradient_adjoint(
    ct: Any, out: Any, image: Any, result: Any, kernel: Shape, **attrs: Any
) -> tuple[Any, Any]:
    return (
        conv_image_gradient(result, ct, size=image.shape[2:], **attrs),
        conv(image, ct, **attrs),
    )


# Batches: what two of the three have in common gets one more axis, which joins one that they share.


def _shared(one: str, other: str) -> str:
    (axis,) = set(_AXES[one]) & set(_AXES[other]) - {"g"}
    return axis


def _merged(x: Any, what: str, axis: str, groups: int) -> Any:
    """Return an array with the axis of the batch, which is in front, as part of another one."""
    size, *own = x.shape
    at = _JOINED[what]
    apart = [*own[:at], groups, own[at] // groups, *own[at + 1 :]]
    place = _AXES[what].index(axis)
    x = move_axis(REGISTRY["reshape"](x, shape=(size, *apart)), 0, place)
    apart[place] *= size
    return REGISTRY["reshape"](x, shape=_joined(apart, at))


def _parted(x: Any, what: str, axis: str, groups: int, size: int) -> Any:
    """Return an array with the axis of the batch in front again."""
    own, at = x.shape, _JOINED[what]
    outer = groups * size if axis == "g" else groups
    apart = [*own[:at], outer, own[at] // outer, *own[at + 1 :]]
    place = _AXES[what].index(axis)
    apart[place : place + 1] = [size, apart[place] // size]
    x = move_axis(REGISTRY["reshape"](x, shape=tuple(apart)), place, 0)
    _, *apart = x.shape
    return REGISTRY["reshape"](x, shape=(size, *_joined(apart, at)))


def _joined(apart: Sequence[Dim], at: int) -> Shape:
    return (*apart[:at], apart[at] * apart[at + 1], *apart[at + 2 :])


def _batch(*roles: str) -> Any:
    """Return the rule for a batch; roles are those of the operands, and of what is computed."""

    def rule(
        primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
    ) -> Any:
        size, groups = batch_size(operands, is_batched), attrs["groups"]
        if not isinstance(size, int):  # groups are a number
            return NotImplemented
        if size == 0:  # there would be no groups
            return _nothing(primitive, operands, is_batched, attrs)
        alone = roles[is_batched.index(True)]
        axis = "g" if all(is_batched) else _shared(alone, roles[-1])
        merged = [
            _merged(x, role, axis, groups) if flag else x
            for x, role, flag in zip(operands, roles, is_batched, strict=False)
        ]
        inner = {**attrs, "groups": groups * size} if axis == "g" else attrs
        return _parted(primitive(*merged, **inner), roles[-1], axis, groups, size)

    return rule


def _nothing(
    primitive: Primitive, operands: Sequence[Any], is_batched: Sequence[bool], attrs: Attrs
) -> Any:
    """Return the results of no operands."""
    types = [
        x.type.with_shape(x.shape[1:]) if flag else x.type
        for x, flag in zip(operands, is_batched, strict=True)
    ]
    (result,) = primitive.infer(types, attrs)
    empty = operands[is_batched.index(True)]
    return REGISTRY["reshape"](empty, shape=(0, *result.shape))


# NumPy: a matrix of all elements that each place of a kernel meets, and products with it.

_UNFOLDED = '''
def _unfolded(images, window, stride, padding, dilation, groups):
    """Return what each place of a kernel meets: a matrix (channels x window, places) per group."""
    out = _counted(images.shape[2:], window, stride, padding, dilation)
    images = _bordered(images, padding, 0)
    (count, channels), (image, channel, *steps) = images.shape[:2], images.strides
    taps = [one * gap for one, gap in zip(steps, dilation)]
    places = [one * step for one, step in zip(steps, stride)]
    met = np.lib.stride_tricks.as_strided(
        images, (channels, *window, count, *out), (channel, *taps, image, *places)
    )
    depth = channels // groups * int(np.prod(window))
    return met.reshape(groups, depth, count * int(np.prod(out)))
'''

_ROWS = '''
def _rows(result, groups):
    """Return results as a matrix (filters, places) per group."""
    count, filters, *out = result.shape
    places = count * int(np.prod(out))
    return result.swapaxes(0, 1).reshape(groups, filters // groups, places)
'''

_CONV = '''
def _conv(images, kernels, stride, padding, dilation, groups):
    """Return the cross-correlation of images (n, c, ...) and kernels (f, c / groups, ...)."""
    out = _counted(images.shape[2:], kernels.shape[2:], stride, padding, dilation)
    met = _unfolded(images, kernels.shape[2:], stride, padding, dilation, groups)
    filters = len(kernels)
    result = kernels.reshape(groups, filters // groups, met.shape[1]) @ met
    return result.reshape(filters, len(images), *out).swapaxes(0, 1).copy()
'''

_CONV_IMAGE_GRADIENT = '''
def _conv_image_gradient(result, kernels, size, stride, padding, dilation, groups):
    """Return the gradient of _conv by its images of this size, given that of its result."""
    (count, filters), out, window = result.shape[:2], result.shape[2:], kernels.shape[2:]
    channels = kernels.shape[1] * groups
    depth = kernels.shape[1] * int(np.prod(window))
    turned = kernels.reshape(groups, filters // groups, depth).swapaxes(1, 2)
    met = (turned @ _rows(result, groups)).reshape(channels, *window, count, *out)
    room = [extent + sum(pair) for extent, pair in zip(size, padding)]
    gradient = np.zeros((count, channels, *room), result.dtype)
    for taps in np.ndindex(*window):
        places = map(_steps, taps, out, stride, dilation)
        gradient[(..., *places)] += met[(slice(None), *taps)].swapaxes(0, 1)
    return _cropped(gradient, padding)
'''

_CONV_KERNEL_GRADIENT = '''
def _conv_kernel_gradient(images, result, kernel, stride, padding, dilation, groups):
    """Return the gradient of _conv by its kernels of this size, given that of its result."""
    met = _unfolded(images, kernel, stride, padding, dilation, groups)
    gradient = _rows(result, groups) @ met.swapaxes(1, 2)
    return gradient.reshape(result.shape[1], images.shape[1] // groups, *kernel)
'''


def _text(name: str) -> Any:
    def text(types: Sequence[ArrayType], attrs: Attrs) -> str:
        options = ", ".join(f"{key}={value}" for key, value in attrs.items())
        return f"_{name}({{0}}, {{1}}, {options})"

    return text


def _numpy(name: str, roles: Sequence[str], *functions: str) -> NumPy:
    def room(types: Sequence[ArrayType], attrs: Attrs) -> int:
        """Return the bytes of the matrix, and of a product or a copy with a border beside it."""
        by_role = dict(zip(roles, types, strict=True))
        image, kernels, result = (by_role[name] for name in _AXES)
        places = (image.shape[1], *kernels.shape[2:], image.shape[0], *result.shape[2:])
        beside = max(bordered_bytes(image, attrs["padding"]), result.nbytes or 0)
        return (image.with_shape(places).nbytes or 0) + beside

    return NumPy(_text(name), functions=(INSIDE, *functions), room=room)


# Shapes of an image and of kernels, then the attrs.
_NAMES = ("stride", "padding", "dilation", "groups")
_CASES: tuple[tuple[Any, ...], ...] = (
    ((2, 2, 5), (3, 2, 2), (1,), ((0, 0),), (1,), 1),
    ((1, 2, 6), (4, 1, 2), (2,), ((1, 0),), (2,), 2),
    ((2, 2, 3, 4), (3, 2, 2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((1, 2, 5, 4), (2, 2, 3, 2), (2, 2), ((1, 1), (1, 1)), (1, 2), 1),
    ((2, 3, 3, 3), (2, 3, 1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((1, 2, 4, 3), (2, 1, 2, 2), (3, 1), ((1, 0), (1, 1)), (1, 1), 2),
    ((1, 1, 2, 3, 2), (2, 1, 2, 1, 2), (1, 2, 1), ((0, 0), (0, 0), (1, 1)), (1, 1, 1), 1),
    ((0, 2, 3, 3), (2, 2, 2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
)


def _examples(first: str, second: str, **extent: str) -> tuple[Example, ...]:
    """Return examples; ``extent`` is the attr with the extents of the array that is no operand."""
    found = []
    for image, kernels, *numbers in _CASES:
        attrs = dict(zip(_NAMES, numbers, strict=True))
        types = [ArrayType(shape, np.dtype(float)) for shape in (image, kernels)]
        result = _conv_type(types[0], types[1], **attrs)
        shapes = {"image": image, "kernels": kernels, "result": result.shape}
        own = {name: shapes[what][2:] for name, what in extent.items()}
        found.append(Example((shapes[first], shapes[second]), {**own, **attrs}))
    return tuple(found)


# (n, c, *size), (filters, c / groups, *kernel) -> (n, filters, *out)
conv: Primitive = Primitive(
    "conv",
    type=_conv_type,
    derivative=Adjoint(_conv_adjoint),
    numpy=_numpy("conv", _CONV_ROLES, COUNTED, BORDERED, _UNFOLDED, _CONV),
    lower=Windowed("convolution"),
    examples=_examples("image", "kernels"),
    batch=_batch(*_CONV_ROLES),
)
# (n, filters, *out), (filters, c / groups, *kernel) -> (n, c, *size)
conv_image_gradient: Primitive = Primitive(
    "conv_image_gradient",
    type=_image_gradient_type,
    derivative=Adjoint(_image_gradient_adjoint),
    numpy=_numpy("conv_image_gradient", _IMAGE_ROLES, CROPPED, STEPS, _ROWS, _CONV_IMAGE_GRADIENT),
    lower=Windowed("image gradient"),
    examples=_examples("result", "kernels", size="image"),
    batch=_batch(*_IMAGE_ROLES),
)
# (n, c, *size), (n, filters, *out) -> (filters, c / groups, *kernel)
conv_kernel_gradient: Primitive = Primitive(
    "conv_kernel_gradient",
    type=_kernel_gradient_type,
    derivative=Adjoint(_kernel_gradient_adjoint),
    numpy=_numpy(
        "conv_kernel_gradient",
        _KERNEL_ROLES,
        COUNTED,
        BORDERED,
        _UNFOLDED,
        _ROWS,
        _CONV_KERNEL_GRADIENT,
    ),
    lower=Windowed("kernel gradient"),
    examples=_examples("image", "result", kernel="kernels"),
    batch=_batch(*_KERNEL_ROLES),
)
