"""Copies of images into their staged form, and of products out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

from .convolution import Axis, Layout, row_major
from .emission import ELEMENTS, INDEX, SIZES, counted, element, load, number, offsets, vector, zero


def stage(
    builder: Any, dtype: str, layout: Layout, channels: Any, source: Any, place: Any, index: Any
) -> None:
    """Emit the copy of an image's channels into their staged form; images come in their order.

    Args:
        builder: Where.
        dtype: Of the elements.
        layout: How the channels are staged.
        channels: How many.
        source: Their address in the image (channels, *extents), dense.
        place: Where the first staged channel of the first image begins.
        index: Which of the images it is.
    """
    kind = ELEMENTS[dtype]
    extents = [axis.extent for axis in layout.copies[0]]
    with counted(builder, channels) as channel:
        first = element(builder, source, kind, (channel, prod(extents)))
        line = element(builder, place, kind, (channel, layout.elements), (index, layout.phase))
        with _phases(builder, layout) as (phase, axes):
            start = element(builder, line, kind, (phase, layout.images * layout.phase))
            _stage_axis(builder, dtype, axes, row_major(extents), first, start)
            end = element(builder, start, kind, (layout.phase, 1))
            clear(builder, dtype, end, layout.behind)


@dataclass(frozen=True)
class _Copied:
    """An axis that is copied: its places from start to stop hold elements, the others zeros.

    Attributes:
        count: How many places.
        scale: Between neighbouring places, in elements.
        shift: The element of the first place.
        start: The first place with an element.
        stop: The one behind the last.
    """

    count: int
    scale: int
    shift: Any
    start: Any
    stop: Any


@contextmanager
def _phases(builder: Any, layout: Layout) -> Iterator[tuple[Any, list[_Copied]]]:
    """Emit a loop over the phases, which differ in where elements are: (number, axes).

    Code for each of them would take LLVM seconds where there are many.
    """
    first, *others = layout.copies
    numbers = [[(axis.shift, *axis.range) for axis in copy] for copy in layout.copies]
    if not others:
        pairs = zip(first, numbers[0], strict=True)
        yield 0, [_Copied(axis.count, axis.scale, *known) for axis, known in pairs]
        return
    table = offsets(builder.module, (one for copy in numbers for known in copy for one in known))
    with counted(builder, len(layout.copies)) as phase:
        axes = []
        for i, axis in enumerate(first):
            known = []
            for k in range(3):
                place = element(builder, table, INDEX, (phase, 3 * len(first)), (3 * i + k, 1))
                known.append(builder.load(place, typ=INDEX))
            axes.append(_Copied(axis.count, axis.scale, *known))
        yield phase, axes


def _stage_axis(
    builder: Any,
    dtype: str,
    axes: Sequence[_Copied],
    strides: Sequence[int],
    source: Any,
    place: Any,
) -> None:
    """Emit the copy along the first of these axes, with zeros where there are no elements."""
    kind, size = ELEMENTS[dtype], SIZES[dtype]
    axis, inner = axes[0], prod(one.count for one in axes[1:])
    clear(builder, dtype, place, _product(builder, axis.start, inner))
    with counted(builder, axis.stop, axis.start) as index:
        out = element(builder, place, kind, (index, inner))
        held = element(
            builder, source, kind, (index, axis.scale * strides[0]), (axis.shift, strides[0])
        )
        if len(axes) > 1:
            _stage_axis(builder, dtype, axes[1:], strides[1:], held, out)
        else:
            builder.store(load(builder, held, kind, size), out, align=size)
    end = element(builder, place, kind, (axis.stop, inner))
    known = isinstance(axis.stop, int)
    rest = axis.count - axis.stop if known else builder.sub(number(axis.count), axis.stop)
    clear(builder, dtype, end, _product(builder, rest, inner))


def _product(builder: Any, count: Any, factor: int) -> Any:
    return count * factor if isinstance(count, int) else builder.mul(count, number(factor))


def clear(builder: Any, dtype: str, place: Any, count: Any) -> None:
    """Emit the stores of zeros."""
    if not isinstance(count, int) or count > 0:
        kind, size = ELEMENTS[dtype], SIZES[dtype]
        with counted(builder, count) as index:
            builder.store(zero(kind), element(builder, place, kind, (index, 1)), align=size)


class Delivery:
    """The way of a product's columns into an image.

    Attributes:
        dtype: Of the elements.
        lanes: Of a register.
        axes: Where the places of each axis belong.
        steps: How far they are apart in the product, in columns.
        accumulate: Whether they are added to the image.
    """

    def __init__(
        self, dtype: str, lanes: int, axes: Sequence[Axis], steps: Sequence[int], *,
        accumulate: bool,
    ) -> None:  # fmt: skip
        self.dtype, self.lanes, self.axes, self.steps = dtype, lanes, axes, steps
        self.accumulate = accumulate
        self.strides = row_major([axis.extent for axis in axes])

    def emit(self, builder: Any, source: Any | None, place: Any) -> None:
        """Emit the copy of a row of the product (of zeros, if None) into a channel."""
        self._axis(builder, 0, source, number(0), place)

    def _axis(self, builder: Any, depth: int, source: Any, column: Any, place: Any) -> None:
        kind, axis = ELEMENTS[self.dtype], self.axes[depth]
        if depth + 1 == len(self.axes):
            whole = axis.count // self.lanes * self.lanes if axis.scale == 1 else 0
            for start, stop, lanes in ((0, whole, self.lanes), (whole, axis.count, 1)):
                if start == stop:
                    continue
                with counted(builder, stop, start, lanes) as index:
                    held = source and element(builder, source, kind, (index, self.steps[depth]))
                    self._store(
                        builder, held, self._at(builder, column, index, depth), lanes, place
                    )
            return
        with counted(builder, axis.count) as index:
            held = source and element(builder, source, kind, (index, self.steps[depth]))
            self._axis(builder, depth + 1, held, self._at(builder, column, index, depth), place)

    def _at(self, builder: Any, column: Any, index: Any, depth: int) -> Any:
        """Return the place in the image, counted from its first element."""
        axis, stride = self.axes[depth], self.strides[depth]
        step = builder.mul(index, INDEX(axis.scale * stride))
        return builder.add(column, builder.add(step, INDEX(axis.shift * stride)))

    def _store(self, builder: Any, held: Any, column: Any, lanes: int, place: Any) -> None:
        kind, size = vector(ELEMENTS[self.dtype], lanes), SIZES[self.dtype]
        address = element(builder, place, ELEMENTS[self.dtype], (column, 1))
        value = zero(kind) if held is None else load(builder, held, kind, size)
        if self.accumulate:
            value = builder.fadd(load(builder, address, kind, size), value)
        builder.store(value, address, align=size)
