"""What is to be convolved, and where its elements lie once an image is staged.

A staged image is a copy with its padding, divided by the phases of the stride, so that a step of
the output is a step of one element: for each tap of the kernel, what the outputs of a row need is
contiguous. A convolution then is a product of matrices of which one is read at an offset per row,
and outputs are columns of a matrix as wide as the staged rows (a few columns mean nothing).

Source of the arithmetic: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep
learning", arXiv:1603.07285.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import NamedTuple

from .tiles import even_split


@dataclass(frozen=True)
class Conv:
    """A convolution (cross-correlation) of images with 1, 2 or 3 axes.

    Arrays are dense: images (batch, channels, *size), kernels (filters, channels / groups,
    *kernel), results (batch, filters, *out).

    Attributes:
        dtype: "float32" or "float64".
        batch: How many images.
        channels: Of an image; a multiple of ``groups``.
        filters: Channels of a result; a multiple of ``groups``.
        size: Extents of an image.
        kernel: Extents of a kernel.
        stride: Between outputs, for each axis.
        padding: Zeros (before, after) each axis.
        dilation: Between taps, for each axis.
        groups: Into how many the channels are divided.
        accumulate: Whether what is computed is added to what its array holds.
    """

    dtype: str
    batch: int
    channels: int
    filters: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    accumulate: bool = False

    @property
    def out(self) -> tuple[int, ...]:
        """Extents of a result."""
        return tuple(
            max(0, (extent + sum(around) - gap * (taps - 1) - 1) // step + 1)
            for extent, taps, step, around, gap in zip(
                self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )

    @property
    def group_channels(self) -> int:
        """Channels of an image that a filter sees."""
        return self.channels // self.groups

    @property
    def group_filters(self) -> int:
        """Filters that see the same channels."""
        return self.filters // self.groups


@dataclass(frozen=True)
class Axis:
    """How one axis is copied: place ``q`` holds element ``q * scale + shift``, or zero.

    Attributes:
        count: How many places.
        extent: How many elements there are.
        scale: Between neighbouring places, in elements.
        shift: The element of the first place.
    """

    count: int
    extent: int
    scale: int
    shift: int

    @property
    def range(self) -> tuple[int, int]:
        """The places that hold elements: from, to."""
        start = min(self.count, max(0, -(self.shift // self.scale)))
        stop = (self.extent - 1 - self.shift) // self.scale + 1
        return start, max(start, min(self.count, stop))


@dataclass(frozen=True)
class Layout:
    """Staged channels of some images, and how the product reads them.

    Of a channel lie first all images of the first phase, then those of the next.

    Attributes:
        images: How many.
        copies: For each phase, how the axes of a channel are copied; all have the same size.
        image_columns: How many columns the product has of an image: up to the last output that
            means something.
        steps: How far the outputs are apart along each axis, in columns.
        offsets: Where each tap reads, from the start of a channel.
        behind: How many elements behind an image have to be zeros.
    """

    images: int
    copies: tuple[tuple[Axis, ...], ...]
    image_columns: int
    steps: tuple[int, ...]
    offsets: tuple[int, ...]
    behind: int

    @property
    def elements(self) -> int:
        """Elements of a staged channel of all images."""
        return len(self.copies) * self.images * self.phase

    @property
    def phase(self) -> int:
        """Elements of a phase of a channel of an image."""
        return prod(axis.count for axis in self.copies[0])

    @property
    def columns(self) -> int:
        """Columns of the product for all images."""
        if not self.image_columns:
            return 0
        return (self.images - 1) * self.phase + self.image_columns


def images_at_once(conv: Conv, places: int, most: int) -> int:
    """Return how many images a product covers: enough columns, and some products for threads.

    Args:
        conv: What is computed.
        places: Columns that an image makes.
        most: How many columns are enough.
    """
    wanted = min(-(-most // max(1, places)), max(1, conv.batch * conv.groups // 4))
    return even_split(max(1, conv.batch), max(1, wanted))


def row_major(extents: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a dense array."""
    return tuple(prod(extents[axis + 1 :]) for axis in range(len(extents)))


def forward_layout(conv: Conv, images: int) -> Layout:
    """Return how images are staged for the result, and for the gradient of the kernels."""
    counts = [
        extent + gap * (taps - 1) // step
        for extent, gap, taps, step in zip(
            conv.out, conv.dilation, conv.kernel, conv.stride, strict=True
        )
    ]
    taps = list(product(*(range(extent) for extent in conv.kernel)))
    reaches = [[k * gap for k, gap in zip(tap, conv.dilation, strict=True)] for tap in taps]
    phase_of = [
        tuple(reach % step for reach, step in zip(one, conv.stride, strict=True)) for one in reaches
    ]
    phases = sorted(set(phase_of))
    copies = tuple(
        tuple(
            Axis(count, extent, step, at - before)
            for count, extent, step, at, (before, _) in zip(
                counts, conv.size, conv.stride, phase, conv.padding, strict=True
            )
        )
        for phase in phases
    )
    copies, steps, behind = _overlapped(copies, conv.out)
    size = prod(axis.count for axis in copies[0])
    offsets = tuple(
        phases.index(phase) * images * size
        + sum(
            reach // stride * step
            for reach, stride, step in zip(one, conv.stride, steps, strict=True)
        )
        for one, phase in zip(reaches, phase_of, strict=True)
    )
    return Layout(images, copies, _columns(conv.out, steps), steps, offsets, behind)


def _overlapped(
    copies: tuple[tuple[Axis, ...], ...], least: Sequence[int]
) -> tuple[tuple[tuple[Axis, ...], ...], tuple[int, ...], int]:
    """Let the zeros behind a row be those before the next one.

    Args:
        copies: For each phase, the axes with zeros on both sides.
        least: Places that an axis must have: columns of the product do not overlap.

    Returns:
        The shorter axes, the strides of the places, how far reads go beyond the end.
    """
    counts, cuts = [], []
    for axis, places in enumerate(least):
        ranges = [copy[axis].range for copy in copies]
        count = copies[0][axis].count
        cut = min(min(start, count - stop) for start, stop in ranges)
        cuts.append(max(0, min(cut, count - places)))
        counts.append(count - cuts[-1])
    shorter = tuple(
        tuple(replace(axis, count=count) for axis, count in zip(copy, counts, strict=True))
        for copy in copies
    )
    steps = row_major(counts)
    return shorter, steps, sum(cut * step for cut, step in zip(cuts, steps, strict=True))


class Part(NamedTuple):
    """The elements of an image's gradient that the same taps of the kernel lead to.

    Attributes:
        taps: The numbers of these taps.
        axes: Where in the image the columns of the product belong.
        layout: How the result's gradient is read.
    """

    taps: tuple[int, ...]
    axes: tuple[Axis, ...]
    layout: Layout


def backward_parts(conv: Conv, images: int) -> list[Part]:
    """Return the products that the gradient of images consists of: one per phase.

    Element ``i`` belongs to phase ``r = (i + before) % stride``; of the taps, those with
    ``k * dilation % stride == r`` lead to it, from output ``(i + before - k * dilation) / stride``.
    """
    phases = [_axis_phases(conv, axis) for axis in range(len(conv.size))]
    fronts, counts = [], []
    for axis in phases:
        reads = [(start - e, stop - e) for start, stop, taps, _ in axis for _, e in taps]
        front = max(0, *(-low for low, _ in reads)) if reads else 0
        fronts.append(front)
        counts.append(max([1, *(front + high for _, high in reads)]))
    copy = tuple(
        Axis(count, extent, 1, -front)
        for count, extent, front in zip(counts, conv.out, fronts, strict=True)
    )
    tap_strides = row_major(conv.kernel)
    longest = [max(stop - start for start, stop, _, _ in axis) for axis in phases]
    copies, steps, behind = _overlapped((copy,), longest)
    parts = []
    for combination in product(*phases):
        extents = [stop - start for start, stop, _, _ in combination]
        if not all(extents):
            continue
        numbers, offsets = [], []
        for taps in product(*(taps for _, _, taps, _ in combination)):
            numbers.append(sum(k * step for (k, _), step in zip(taps, tap_strides, strict=True)))
            offsets.append(
                sum(
                    (start - e + front) * step
                    for (_, e), (start, *_), front, step in zip(
                        taps, combination, fronts, steps, strict=True
                    )
                )
            )
        axes = tuple(
            Axis(count, extent, step, first)
            for count, extent, step, (_, _, _, first) in zip(
                extents, conv.size, conv.stride, combination, strict=True
            )
        )
        layout = Layout(images, copies, _columns(extents, steps), steps, tuple(offsets), behind)
        parts.append(Part(tuple(numbers), axes, layout))
    return parts


def _axis_phases(conv: Conv, axis: int) -> list[tuple[int, int, list[tuple[int, int]], int]]:
    """Return for each phase of an axis: (start, stop) of t, (tap, e) of its taps, first element.

    Elements are ``i = t * stride + r - before``, read from outputs ``t - e``.
    """
    extent, step, gap = conv.size[axis], conv.stride[axis], conv.dilation[axis]
    before = conv.padding[axis][0]
    found = []
    for r in range(step):
        start = -((r - before) // step)
        stop = (extent - 1 + before - r) // step + 1
        taps = [(k, (k * gap - r) // step) for k in range(conv.kernel[axis]) if k * gap % step == r]
        found.append((start, max(start, stop), taps, start * step + r - before))
    return found


def _columns(extents: Sequence[int], steps: Sequence[int]) -> int:
    """Return the number of the last output's column, plus one."""
    if not all(extents):
        return 0
    return sum((extent - 1) * step for extent, step in zip(extents, steps, strict=True)) + 1
