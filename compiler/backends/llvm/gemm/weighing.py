"""The gradient of a convolution's kernels."""

from __future__ import annotations

from math import prod
from typing import Any

from ..target import Target
from .blocked import call_driver, workspace_parts
from .convolution import Axis, Conv, Layout, forward_layout
from .convolving import Convolving, Space, function_of, held, moved
from .emission import ELEMENTS, INDEX, SIZES, counted, element, smaller
from .implicit import offsets
from .product import matrix
from .staging import clear, stage
from .tiles import even_split, lanes_of, tiles

_DEPTH = 512  # of a product: a chain of sums
_COLUMNS = 288  # that a chunk has at least, where there are so many
_MOST_PARTS = 8  # of a group's channels


def emit_kernel_gradient(module: Any, conv: Conv, target: Target) -> Convolving:
    """Emit the kernels' gradient; first is the image, second the result's gradient.

    The sum runs along the places of some images at a time, in their order. A chunk consists of
    some channels of a group. There is no epilogue.
    """
    taps, rows, size = prod(conv.kernel), conv.group_filters, SIZES[conv.dtype]
    images = min(-(-_DEPTH // max(1, prod(conv.out))), max(1, conv.batch))
    layout = forward_layout(conv, images)
    channels = even_split(
        conv.group_channels, max(-(-conv.group_channels // _MOST_PARTS), -(-_COLUMNS // taps))
    )
    parts = -(-conv.group_channels // channels)
    sizes = tiles(conv.dtype, rows, channels * taps, max(1, layout.columns), target)
    lanes = lanes_of(conv.dtype, target)
    counts = [axis.count for axis in layout.copies[0]]
    copy = tuple(Axis(count, extent, 1, 0) for count, extent in zip(counts, conv.out, strict=True))
    spread = Layout(images, (copy,), layout.image_columns, layout.steps, (0,), 0)
    space = Space()
    staged = space.take((channels * layout.elements + layout.behind + lanes) * size)
    slopes = space.take((rows * spread.elements + lanes) * size)
    packed = space.take(workspace_parts(conv.dtype, sizes)[2])

    with function_of(module, "gradc_conv_kernel") as (builder, arguments, function):
        image, slope, out, workspace, context, chunk = arguments
        places = [moved(builder, workspace, at) for at in (staged, slopes, packed)]
        group = builder.udiv(chunk, INDEX(parts))
        start = builder.mul(builder.urem(chunk, INDEX(parts)), INDEX(channels))
        count = smaller(builder, channels, builder.sub(INDEX(conv.group_channels), start))
        block = _Block(conv, (layout, spread), group, start, count)
        width = conv.group_channels * taps
        place = element(builder, out, ELEMENTS[conv.dtype], (group, rows * width), (start, taps))
        if not (conv.batch and layout.columns):
            if not conv.accumulate:
                block.clear(builder, place)
        else:
            values = (
                channel * layout.elements + offset
                for channel in range(channels)
                for offset in layout.offsets
            )
            table = offsets(module, values)
            left = matrix(
                builder, conv.dtype, places[1], (spread.elements, 1),
                (sizes.rows, sizes.edge_rows), lanes,
            )  # fmt: skip
            right = matrix(
                builder, conv.dtype, places[0], (0, 1),
                (sizes.columns, sizes.edge_vectors * lanes), lanes, ("width", table),
            )  # fmt: skip
            with counted(builder, conv.batch, step=images) as first:
                depth = block.stage(builder, first, (image, slope), places)
                adds = conv.accumulate or builder.icmp_signed("!=", first, INDEX(0))
                ranges = (0, rows, 0, builder.mul(count, INDEX(taps)), depth)
                call_driver(
                    builder, conv.dtype, sizes, ranges, left, right, (place, width, 1), adds,
                    None, context, places[2],
                )  # fmt: skip
    return Convolving(function, conv.groups * parts, space.size)


class _Block:
    """Some channels of a group, whose taps are the columns of the product."""

    def __init__(
        self, conv: Conv, layouts: tuple[Layout, Layout], group: Any, start: Any, count: Any
    ) -> None:
        self.conv, self.layouts = conv, layouts
        self.group, self.start, self.count = group, start, count

    def stage(self, builder: Any, first: Any, sources: Any, places: Any) -> Any:
        """Emit the copies of some images and slopes; return the depth of their product."""
        conv, (layout, spread) = self.conv, self.layouts
        rest = builder.sub(INDEX(conv.batch), first)
        images = smaller(builder, layout.images, rest)
        with counted(builder, images) as index:
            image = builder.add(first, index)
            number = builder.add(builder.mul(image, INDEX(conv.groups)), self.group)
            source = held(builder, conv.dtype, sources[0], number, conv.group_channels, conv.size)
            source = element(builder, source, ELEMENTS[conv.dtype], (self.start, prod(conv.size)))
            stage(builder, conv.dtype, layout, self.count, source, places[0], index)
            source = held(builder, conv.dtype, sources[1], number, conv.group_filters, conv.out)
            stage(builder, conv.dtype, spread, conv.group_filters, source, places[1], index)
        before = builder.mul(builder.sub(images, INDEX(1)), INDEX(layout.phase))
        return builder.add(before, INDEX(layout.image_columns))

    def clear(self, builder: Any, place: Any) -> None:
        """Emit zeros: the gradient where nothing depends on the kernels."""
        conv, taps = self.conv, prod(self.conv.kernel)
        with counted(builder, conv.group_filters) as row, counted(builder, self.count) as channel:
            stride = conv.group_channels * taps
            line = element(builder, place, ELEMENTS[conv.dtype], (row, stride), (channel, taps))
            clear(builder, conv.dtype, line, taps)
