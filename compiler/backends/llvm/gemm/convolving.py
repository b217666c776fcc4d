"""Convolutions and their gradients as products of matrices that are never made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple

import llvmlite.ir as ir

from ..target import Target
from .convolution import Axis, Conv, backward_parts, forward_layout, images_at_once
from .emission import BYTE, ELEMENTS, INDEX, LINE, POINTER, VOID, counted, element, offsets, smaller
from .implicit import Implicit
from .staging import Delivery
from .tiles import lanes_of, rounded

_COLUMNS = 384  # of a product: weights are packed once for so many


class Convolving(NamedTuple):
    """An emitted convolution or gradient.

    Attributes:
        function: ``void (ptr first, ptr second, ptr out, ptr workspace, i64 chunk)``;
            the workspace is aligned to 64. Chunks may run at the same time, each with its own
            workspace, and together compute the whole.
        chunks: How many there are; the shape alone decides.
        workspace_bytes: What a chunk needs; a multiple of 64.
        images: How many of them a chunk makes, where it makes whole ones; the last one may make
            fewer.
    """

    function: Any
    chunks: int
    workspace_bytes: int
    images: int | None = None


class Space:
    """Parts of a workspace, handed out one after the other.

    Attributes:
        size: Bytes handed out.
    """

    def __init__(self) -> None:
        self.size = 0

    def take(self, nbytes: int) -> int:
        """Return where the next part begins."""
        start = self.size
        self.size += rounded(nbytes, LINE)
        return start


def emit_convolution(module: Any, conv: Conv, target: Target) -> Convolving:
    """Emit the result; first is the image, second the kernels.

    A chunk is a group of some images.
    """
    images = images_at_once(conv, prod(conv.out), _COLUMNS)
    layout = forward_layout(conv, images)
    depth = conv.group_channels * len(layout.offsets)
    plan = Implicit(conv.dtype, target, layout, conv.group_channels, (conv.group_filters, depth))
    space = Space()
    staged, columns, packed = (space.take(nbytes) for nbytes in plan.bytes)
    axes = [Axis(extent, extent, 1, 0) for extent in conv.out]
    delivery = _delivery(conv, target, axes, layout.steps)

    def body(builder: Any, arguments: list[Any]) -> None:
        image, kernels, out, workspace, chunk = arguments
        places = [moved(builder, workspace, at) for at in (staged, columns, packed)]
        group, first, count = share(builder, conv, images, chunk)
        with counted(builder, count) as index:
            number = unit(builder, conv, first, index, group)
            source = held(builder, conv.dtype, image, number, conv.group_channels, conv.size)
            plan.stage(builder, source, places[0], index)
        left = element(builder, kernels, ELEMENTS[conv.dtype], (group, plan.rows * depth))
        plan.multiply(builder, left, places)
        with counted(builder, count) as index:
            number = unit(builder, conv, first, index, group)
            plan.deliver(builder, delivery, places[1], index, (out, number))

    function = _function(module, "gradc_conv", body)
    return _made(conv, function, images, space.size)


def emit_image_gradient(module: Any, conv: Conv, target: Target) -> Convolving:
    """Emit the image's gradient; first is the result's, second the kernels.

    A chunk is a group of some images.
    """
    images = images_at_once(conv, prod(conv.out), _COLUMNS)
    taps, space, plans = prod(conv.kernel), Space(), []
    for part in backward_parts(conv, images):
        sizes = (conv.group_channels, conv.group_filters * len(part.taps))
        plan = Implicit(conv.dtype, target, part.layout, conv.group_filters, sizes)
        plans.append((part, plan, _delivery(conv, target, part.axes, part.layout.steps)))
    needed = [plan.bytes for _, plan, _ in plans] or [(0, 0, 0)]
    staged, columns, packed = (space.take(max(sizes)) for sizes in zip(*needed, strict=True))
    width = conv.group_channels * taps

    def body(builder: Any, arguments: list[Any]) -> None:
        slope, kernels, out, workspace, chunk = arguments
        places = [moved(builder, workspace, at) for at in (staged, columns, packed)]
        group, first, count = share(builder, conv, images, chunk)
        left = element(builder, kernels, ELEMENTS[conv.dtype], (group, conv.group_filters * width))
        for at, (part, plan, delivery) in enumerate(plans):
            if at == 0:  # all read the same
                with counted(builder, count) as index:
                    number = unit(builder, conv, first, index, group)
                    source = held(builder, conv.dtype, slope, number, conv.group_filters, conv.out)
                    plan.stage(builder, source, places[0], index)
            if plan.depth:
                numbers = (
                    one * width + tap for one in range(conv.group_filters) for tap in part.taps
                )
                tabled = (taps, offsets(module, numbers))
                plan.multiply(builder, left, places, tabled)
            with counted(builder, count) as index:
                number = unit(builder, conv, first, index, group)
                plan.deliver(builder, delivery, places[1], index, (out, number))

    function = _function(module, "gradc_conv_image", body)
    return _made(conv, function, images, space.size)


def _made(conv: Conv, function: Any, images: int, size: int) -> Convolving:
    whole = images if conv.groups == 1 else None
    return Convolving(function, chunks(conv, images), size, whole)


def chunks(conv: Conv, images: int) -> int:
    """Return how many shares of so many images there are."""
    return -(-conv.batch // images) * conv.groups


def share(builder: Any, conv: Conv, images: int, chunk: Any) -> tuple[Any, Any, Any]:
    """Emit what a chunk consists of: its group, its first image, how many images."""
    group = builder.urem(chunk, INDEX(conv.groups))
    first = builder.mul(builder.udiv(chunk, INDEX(conv.groups)), INDEX(images))
    return group, first, smaller(builder, images, builder.sub(INDEX(conv.batch), first))


def unit(builder: Any, conv: Conv, first: Any, index: Any, group: Any) -> Any:
    """Return the number of a group of an image, counted through all images."""
    image = builder.add(first, index)
    return builder.add(builder.mul(image, INDEX(conv.groups)), group)


def held(
    builder: Any, dtype: str, base: Any, number: Any, channels: int, extents: Sequence[int]
) -> Any:
    """Return the address of a group of an image."""
    return element(builder, base, ELEMENTS[dtype], (number, channels * prod(extents)))


def moved(builder: Any, base: Any, nbytes: int) -> Any:
    """Return the address of a part of a workspace."""
    return builder.gep(base, [INDEX(nbytes)], source_etype=BYTE)


def _delivery(conv: Conv, target: Target, axes: Sequence[Axis], steps: Sequence[int]) -> Delivery:
    return Delivery(
        conv.dtype, lanes_of(conv.dtype, target), axes, steps,
        accumulate=conv.accumulate,
    )  # fmt: skip


def _function(module: Any, name: str, body: Callable[[Any, list[Any]], None]) -> Any:
    with function_of(module, name) as (builder, arguments, function):
        body(builder, arguments)
    return function


@contextmanager
def function_of(module: Any, name: str) -> Iterator[tuple[Any, list[Any], Any]]:
    """Emit a function as ``Convolving`` says; what follows is its body."""
    kinds = [POINTER, POINTER, POINTER, POINTER, INDEX]
    function = ir.Function(module, ir.FunctionType(VOID, kinds), module.get_unique_name(name))
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    yield builder, list(function.args), function
    builder.ret_void()
