"""Products of which one matrix is made of staged images, row by row at an offset."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ..target import Target
from .blocked import call_driver, workspace_parts
from .convolution import Layout
from .emission import ELEMENTS, INDEX, SIZES, counted, element, offsets
from .product import matrix
from .staging import Delivery, clear, stage
from .tiles import lanes_of, rounded, tiles


class Implicit:
    """The product ``(rows, depth) @ (depth, columns)`` of weights and staged channels.

    Attributes:
        dtype: Of the elements.
        layout: How the channels are staged.
        channels: How many.
        rows: Of the weights, of the product.
        depth: Channels times taps.
        columns: Of the product, in memory: whole vectors.
    """

    def __init__(
        self, dtype: str, target: Target, layout: Layout, channels: int, sizes: tuple[int, int]
    ) -> None:
        self.dtype, self.layout, self.channels = dtype, layout, channels
        self.rows, self.depth = sizes
        self.lanes = lanes_of(dtype, target)
        self.columns = rounded(layout.columns, self.lanes)
        self.tiles = tiles(dtype, self.rows, self.columns, max(1, self.depth), target)

    @property
    def bytes(self) -> tuple[int, int, int]:
        """Of the staged channels (reads may end in a slack), of the product, of its packing."""
        size = SIZES[self.dtype]
        staged = (self.channels * self.layout.elements + self.layout.behind + self.lanes) * size
        packed = workspace_parts(self.dtype, self.tiles)[2]
        return staged, self.rows * self.columns * size, packed

    def stage(self, builder: Any, source: Any, place: Any, index: Any) -> None:
        """Emit the copy of an image's channels, and of zeros behind the last."""
        stage(builder, self.dtype, self.layout, self.channels, source, place, index)
        count = self.channels * self.layout.elements + self.layout.behind
        end = element(builder, place, ELEMENTS[self.dtype], (count, 1))
        clear(builder, self.dtype, end, self.lanes)

    def multiply(
        self,
        builder: Any,
        weights: Any,
        places: Sequence[Any],
        tabled: tuple[int, Any] | None = None,
    ) -> None:
        """Emit the product of weights and what is staged.

        Args:
            builder: Where.
            weights: Their address.
            places: The addresses of the three parts that ``bytes`` tells the sizes of.
            tabled: The stride of the weights' rows and the offsets of their columns, where they
                do not lie as a dense matrix.
        """
        staged, columns, packed = places
        sizes, lanes = self.tiles, self.lanes
        if not (self.columns and self.depth):
            return
        values = (
            channel * self.layout.elements + offset
            for channel in range(self.channels)
            for offset in self.layout.offsets
        )
        table = offsets(builder.module, values)
        strides, columns_of = ((self.depth, 1), None)
        if tabled is not None:
            strides, columns_of = (tabled[0], 0), ("depth", tabled[1])
        heights = (sizes.rows, sizes.edge_rows)
        left = matrix(builder, self.dtype, weights, strides, heights, lanes, columns_of)
        widths = (sizes.columns, sizes.edge_vectors * lanes)
        right = matrix(builder, self.dtype, staged, (1, 0), widths, lanes, ("depth", table))
        ranges = (0, self.rows, 0, self.columns, self.depth)
        call_driver(
            builder, self.dtype, sizes, ranges, left, right, (columns, self.columns, 1), False,
            packed,
        )  # fmt: skip

    def deliver(
        self, builder: Any, delivery: Delivery, columns: Any, index: Any, given: Any
    ) -> None:
        """Emit the copy of the product's rows into the channels of an image.

        Args:
            builder: Where.
            delivery: How a row is copied.
            columns: The address of the product.
            index: Which of the images it is.
            given: The address of all images, the number of the group of an image.
        """
        out, number = given
        kind = ELEMENTS[self.dtype]
        image = prod(axis.extent for axis in delivery.axes)
        with counted(builder, self.rows) as i:
            row = builder.add(builder.mul(number, INDEX(self.rows)), i)
            place = element(builder, out, kind, (row, image))
            source = None
            if self.depth:
                source = element(
                    builder, columns, kind, (i, self.columns), (index, self.layout.phase)
                )
            delivery.emit(builder, source, place)
