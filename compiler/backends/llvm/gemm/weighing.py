"""The gradient of a convolution's kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

from ..target import Target
from .blocked import call_driver, workspace_parts
from .convolution import Axis, Conv, Layout, forward_layout
from .convolving import Convolving, Space, function_of, held, moved
from .correlating import correlation
from .dots import horizontal
from .emission import (
    ELEMENTS,
    FLAG,
    INDEX,
    POINTER,
    SIZES,
    carried,
    counted,
    element,
    fused,
    load,
    local,
    offsets,
    shared,
    smaller,
    vector,
    zero,
)
from .product import matrix
from .staging import clear, stage
from .tiles import Tiles, even_split, lanes_of, tiles

_DEPTH = 512  # of a product: a chain of sums
_COLUMNS = 288  # that a chunk has at least, where there are so many
_MOST_PARTS = 8  # of a group's channels
_FEW_FILTERS = 8  # of a group; for so few, dots are faster,
_FEW = 128  # and for so many vectors of elements of the gradient
_FEW_ROWS = 16  # filters of a product, the images of which each chunk copies and packs again
_WANTED = 4  # chunks; where channels give fewer, the filters are divided too


def emit_kernel_gradient(module: Any, conv: Conv, target: Target) -> Convolving:
    """Emit the kernels' gradient; first is the image, second the result's gradient.

    The sum runs along the places of some images at a time, in their order. A chunk consists of
    some channels and filters of a group.
    """
    taps, size = prod(conv.kernel), SIZES[conv.dtype]
    images = min(-(-_DEPTH // max(1, prod(conv.out))), max(1, conv.batch))
    layout = forward_layout(conv, images)
    lanes = lanes_of(conv.dtype, target)
    channels, rows, is_dots = _division(conv, lanes)
    parts, bands = -(-conv.group_channels // channels), max(1, -(-conv.group_filters // rows))
    sizes = tiles(conv.dtype, rows, channels * taps, max(1, layout.columns), target)
    counts = [axis.count for axis in layout.copies[0]]
    copy = tuple(Axis(count, extent, 1, 0) for count, extent in zip(counts, conv.out, strict=True))
    spread = Layout(images, (copy,), layout.image_columns, layout.steps, (0,), 0)
    space = Space()
    staged = space.take((channels * layout.elements + layout.behind + lanes) * size)
    slopes = space.take((rows * spread.elements + lanes) * size)
    packed = space.take(workspace_parts(conv.dtype, sizes)[2])

    with function_of(module, "gradc_conv_kernel") as (builder, arguments, function):
        image, slope, out, workspace, chunk = arguments
        places = [moved(builder, workspace, at) for at in (staged, slopes, packed)]
        group = builder.udiv(chunk, INDEX(parts * bands))
        chunk = builder.urem(chunk, INDEX(parts * bands))
        block = _Block(
            conv, (layout, spread), group,
            _share(builder, builder.urem(chunk, INDEX(parts)), channels, conv.group_channels),
            _share(builder, builder.udiv(chunk, INDEX(parts)), rows, conv.group_filters),
        )  # fmt: skip
        place = block.place(builder, out)
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
            with counted(builder, conv.batch, step=images) as first:
                count, plain = block.stage(builder, first, (image, slope), places, lanes)
                adds: Any = FLAG(1)
                if not conv.accumulate:
                    adds = builder.icmp_signed("!=", first, INDEX(0))
                with block.runs(builder, places, count, plain) as (here, depth, is_later):
                    given = place, depth, builder.or_(adds, is_later)
                    if is_dots:
                        block.correlate(builder, here, table, given, lanes)
                    else:
                        block.multiply(builder, here, table, given, sizes)
    return Convolving(function, conv.groups * parts * bands, space.size)


def finite(module: Any, dtype: str, lanes: int) -> Any:
    """Return the function of (elements, count, flag) that clears the flag unless all are finite."""
    kind, size = ELEMENTS[dtype], SIZES[dtype]

    def body(builder: Any, arguments: list[Any]) -> None:
        place, count, flag = arguments

        def added(start: Any, total: Any) -> list[Any]:
            line = load(builder, element(builder, place, kind, (start, 1)), total.type, size)
            return [fused(builder, line, zero(total.type), total)]  # a finite one adds nothing

        times = builder.sdiv(count, INDEX(lanes))
        sums = carried(
            builder, times, [zero(vector(kind, lanes))],
            lambda index, sums: added(builder.mul(index, INDEX(lanes)), sums[0]),
        )  # fmt: skip
        done = builder.mul(times, INDEX(lanes))
        (total,) = carried(
            builder, builder.sub(count, done), [horizontal(builder, sums[0])],
            lambda index, sums: added(builder.add(done, index), sums[0]),
        )  # fmt: skip
        with builder.if_then(builder.fcmp_unordered("uno", total, total), likely=False):
            builder.store(FLAG(0), flag)

    return shared(module, f"gradc_finite_{dtype}_{lanes}", [POINTER, INDEX, POINTER], body)


def _division(conv: Conv, lanes: int) -> tuple[int, int, bool]:
    """Return how many channels and filters a chunk has, and whether it is done by dots."""
    taps, rows = prod(conv.kernel), conv.group_filters
    most = max(-(-conv.group_channels // _MOST_PARTS), -(-_COLUMNS // taps))
    channels = even_split(conv.group_channels, most)
    is_dots = rows <= _FEW_FILTERS or rows * channels * taps <= _FEW * lanes
    parts = conv.groups * -(-conv.group_channels // channels)
    least = _FEW_FILTERS if is_dots else _FEW_ROWS
    bands = max(1, min(rows // least, _WANTED // parts))
    rows = even_split(rows, max(1, -(-rows // bands)))
    return channels, rows, is_dots


def _share(builder: Any, part: Any, size: int, extent: int) -> tuple[Any, Any]:
    """Emit where a part begins, and how much there is of it."""
    start = builder.mul(part, INDEX(size))
    return start, smaller(builder, size, builder.sub(INDEX(extent), start))


class _Block:
    """Some channels of a group, whose taps are the columns of the product, and some filters."""

    def __init__(
        self,
        conv: Conv,
        layouts: tuple[Layout, Layout],
        group: Any,
        channels: tuple[Any, Any],
        filters: tuple[Any, Any],
    ) -> None:
        self.conv, self.layouts, self.group = conv, layouts, group
        (self.start, self.count), (self.row, self.rows) = channels, filters

    def place(self, builder: Any, out: Any) -> Any:
        """Return where its gradient begins."""
        taps = prod(self.conv.kernel)
        width = self.conv.group_channels * taps
        whole = element(
            builder, out, ELEMENTS[self.conv.dtype], (self.group, self.conv.group_filters * width)
        )
        return element(
            builder, whole, ELEMENTS[self.conv.dtype], (self.row, width), (self.start, taps)
        )

    def stage(
        self, builder: Any, first: Any, sources: Any, places: Any, lanes: int
    ) -> tuple[Any, Any]:
        """Emit the copies of some images and slopes.

        Returns:
            How many, and where it is noted whether the images consist of finite numbers.
        """
        conv, (layout, spread) = self.conv, self.layouts
        rest = builder.sub(INDEX(conv.batch), first)
        images = smaller(builder, layout.images, rest)
        plain = local(builder, FLAG)
        builder.store(FLAG(1), plain)
        with counted(builder, images) as index:
            image = builder.add(first, index)
            number = builder.add(builder.mul(image, INDEX(conv.groups)), self.group)
            source = held(builder, conv.dtype, sources[0], number, conv.group_channels, conv.size)
            source = element(builder, source, ELEMENTS[conv.dtype], (self.start, prod(conv.size)))
            stage(builder, conv.dtype, layout, self.count, source, places[0], index)
            extent = builder.mul(self.count, INDEX(prod(conv.size)))
            builder.call(finite(builder.module, conv.dtype, lanes), [source, extent, plain])
            source = held(builder, conv.dtype, sources[1], number, conv.group_filters, conv.out)
            source = element(builder, source, ELEMENTS[conv.dtype], (self.row, prod(conv.out)))
            stage(builder, conv.dtype, spread, self.rows, source, places[1], index)
        return images, plain

    @contextmanager
    def runs(
        self, builder: Any, places: Any, images: Any, plain: Any
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Emit a loop over parts of what is staged; what follows stands in its body.

        Between two rows of slopes lie zeros, which meet elements of the image that have nothing to
        do with them. If all of these are finite there is one part; else each row is one, for zero
        times infinity is no number.

        Yields:
            Where the part begins, how long it is, and whether another one was before it.
        """
        layout, (*outer, width) = self.layouts[0], self.conv.out
        rows = prod(outer)
        whole = builder.mul(builder.sub(images, INDEX(1)), INDEX(layout.phase))
        whole = builder.add(whole, INDEX(layout.image_columns))
        is_plain = builder.load(plain, typ=FLAG)
        count = builder.select(is_plain, INDEX(1), builder.mul(images, INDEX(rows)))
        depth = builder.select(is_plain, whole, INDEX(width))
        with counted(builder, count) as part:
            rest = builder.urem(part, INDEX(rows))
            terms = [(builder.udiv(part, INDEX(rows)), layout.phase)]
            for extent, step in zip(outer[::-1], layout.steps[-2::-1], strict=True):
                terms.append((builder.urem(rest, INDEX(extent)), step))
                rest = builder.udiv(rest, INDEX(extent))
            kind = ELEMENTS[self.conv.dtype]
            here = [element(builder, place, kind, *terms) for place in places[:2]]
            is_later = builder.icmp_signed("!=", part, INDEX(0))
            yield (*here, places[2]), depth, is_later

    def multiply(
        self, builder: Any, places: Any, table: Any, given: tuple[Any, Any, Any], sizes: Tiles
    ) -> None:
        """Emit the product of what is staged, given the address of the gradient, depth, adds."""
        conv, spread, lanes = self.conv, self.layouts[1], sizes.lanes
        place, depth, adds = given
        taps, dtype = prod(conv.kernel), conv.dtype
        heights, widths = (
            (sizes.rows, sizes.edge_rows), (sizes.columns, sizes.edge_vectors * lanes),
        )  # fmt: skip
        left = matrix(builder, dtype, places[1], (spread.elements, 1), heights, lanes)
        right = matrix(builder, dtype, places[0], (0, 1), widths, lanes, ("width", table))
        ranges = (0, self.rows, 0, builder.mul(self.count, INDEX(taps)), depth)
        call_driver(
            builder, dtype, sizes, ranges, left, right, (place, conv.group_channels * taps, 1),
            adds, places[2],
        )  # fmt: skip

    def correlate(
        self, builder: Any, places: Any, table: Any, given: tuple[Any, Any, Any], lanes: int
    ) -> None:
        """Emit the same by dot products: a tile of so few rows would be mostly empty."""
        conv, taps = self.conv, prod(self.conv.kernel)
        place, depth, adds = given
        function = correlation(builder.module, conv.dtype, lanes)
        kind = ELEMENTS[conv.dtype]
        with counted(builder, self.rows) as row:
            slopes = element(builder, places[1], kind, (row, self.layouts[1].elements))
            out = element(builder, place, kind, (row, conv.group_channels * taps))
            count = builder.mul(self.count, INDEX(taps))
            builder.call(function, [slopes, depth, places[0], table, count, out, adds])

    def clear(self, builder: Any, place: Any) -> None:
        """Emit zeros: the gradient where nothing depends on the kernels."""
        conv, taps = self.conv, prod(self.conv.kernel)
        with counted(builder, self.rows) as row, counted(builder, self.count) as channel:
            stride = conv.group_channels * taps
            line = element(builder, place, ELEMENTS[conv.dtype], (row, stride), (channel, taps))
            clear(builder, conv.dtype, line, taps)
