"""Nests as functions: loops over a space, in which elements are computed, stored and folded.

The functions of large ones take a chunk of the space: see ``chunks.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Value
from .borders import borders
from .chunks import Chunks, Part, ends_in_kept, is_flat
from .columns import fold_columns
from .counters import lies_within
from .folds import emit_merge, fill, fold_rows
from .kernel import Kernel
from .layout import dot, row_major
from .loops import loop
from .overwriting import overwritten, place_in
from .parallel import call_in_chunks
from .places import Buffer, Reader
from .scalars import I64, PTR, Lane
from .steps import Nest
from .structure import structure

if TYPE_CHECKING:
    from .section import Section


def emit_nest(section: Section, nest: Nest, leaves: Sequence[Value]) -> None:
    """Call a nest's function."""
    emission, chunks = section.emission, section.chunks.get(nest)
    function, merge, given = kernel_of(section, nest, leaves, chunks)
    if chunks is None:
        section.builder.call(function, given)
        return
    partials = section.in_workspace((nest, "partials"))
    call_in_chunks(emission, function, given, chunks, partials)
    if merge is not None:
        folded = [section.address(node.out) for node in nest.folds]
        section.builder.call(merge, [partials, *folded])


def kernel_of(
    section: Section, nest: Nest, leaves: Sequence[Value], chunks: Chunks | Part | None
) -> tuple[ir.Function, ir.Function | None, list[ir.Value]]:
    """Return a nest's function, which is emitted unless there is one of the same structure.

    Returns:
        The function, what joins its chunks, and what the function is given.
    """
    emission, replaced = section.emission, overwritten(section.plan, nest, leaves)
    leaves = [leaf for leaf in leaves if leaf not in replaced]
    given, registers = section.operands(leaves)
    key = structure(section.plan, nest, leaves, registers, chunks, replaced)
    if key not in emission.kernels:
        emitter = NestEmitter(section, nest, leaves, registers, chunks, replaced)
        emission.kernels[key] = emitter.emit(), emitter.merge()
    for value in written_by(nest):
        pointer = section.address(value)
        section.places[value] = Buffer(pointer, row_major(value.shape))
        given.append(pointer)
    return *emission.kernels[key], given


def written_by(nest: Nest) -> list[Value]:
    """Return the values that a nest writes."""
    return [*nest.values, *(node.outs[0] for node in nest.folds)]


class NestEmitter(Kernel):
    """Emits one nest as a function: pointers to what it reads and writes, then a chunk.

    Of a chunk it takes where it starts and stops, and memory for what it folds; of a part where it
    starts and stops along each of its axes.

    Attributes:
        space: The nest.
        chunks: How it is divided.
        replaced: What it writes over, each with that which takes its place.
        spans: Where it starts and stops along the axes of which it takes a span.
        is_flat: Whether all points are one axis.
        target_of: The address of each value that it writes.
    """

    def __init__(
        self,
        section: Section,
        nest: Nest,
        leaves: Sequence[Value],
        registers: frozenset[Value],
        chunks: Chunks | Part | None,
        replaced: Mapping[Value, Value],
    ) -> None:
        written = written_by(nest)
        axes = chunks.axes if chunks else ()
        more = [I64, I64] * len(axes) + [PTR] * isinstance(chunks, Chunks)
        super().__init__(section, "nest", leaves, registers, len(written), more)
        self.plan, self.space, self.chunks = section.plan, nest, chunks
        self.is_flat = None in axes if chunks else is_flat(self.plan, nest, (*leaves, *replaced))
        self.target_of = dict(zip(written, self.targets, strict=True))
        for one, other in replaced.items():
            start, strides = place_in(self.plan, one)
            pointer = self.scalars.element(self.target_of[other], one.dtype, start)
            self.reader.places[one] = Buffer(pointer, strides)
        self.replaced = replaced
        ends = list(self.more)
        self.spans = {axis: (ends.pop(0), ends.pop(0)) for axis in axes}
        self.partials = ends[0] if ends else None

    def emit(self) -> ir.Function:
        """Emit the function."""
        if 0 in self.space.shape:
            fill(self)
        elif not self.space.folds:
            self._map()
        elif ends_in_kept(self.space):
            fold_columns(self)
        else:
            fold_rows(self)
        self.builder.ret_void()
        return self.function

    def merge(self) -> ir.Function | None:
        """Emit the function that joins what chunks have folded, where they have."""
        if not isinstance(self.chunks, Chunks) or not self.chunks.partial_bytes:
            return None
        return emit_merge(self, self.chunks)

    def is_chunk_of(self, axis: int | None) -> bool:
        """Whether the function takes a chunk of an axis; None stands for all points."""
        return axis in self.spans

    def store(self, value: Value, offset: Any, lane: Lane) -> None:
        """Write an element."""
        pointer = self.scalars.element(self.target_of[value], value.dtype, offset)
        self.scalars.store(lane, pointer)

    def span(self, axis: int | None) -> tuple[Any, Any]:
        """Return where a loop along an axis, or over all points as one, starts and stops."""
        if axis in self.spans:
            return self.spans[axis]
        return 0, prod(self.space.shape) if axis is None else self.space.shape[axis]

    def over(
        self, axes: Sequence[int], index: list[Any], body: Callable[[list[Any]], None]
    ) -> None:
        """Emit loops over some axes, the last one innermost."""
        if not axes:
            body(index)
            return
        axis, *rest = axes
        if self.space.shape[axis] == 1:
            self.over(rest, _with(index, axis, 0), body)
            return
        start, stop = self.span(axis)
        with loop(self.builder, stop, start) as i:
            place = self.reader.counter(i, self.space.shape[axis])
            self.over(rest, _with(index, axis, place), body)

    def compute(self, index: list[Any], reader: Reader) -> None:
        """Compute the values at one point, and write them when all of that has been read."""
        values = self.space.values
        folded = [fold.operands[0] for fold in self.space.folds] if self.replaced else []
        lanes = [reader.read(value, index) for value in (*values, *folded)]
        for value, lane in zip(values, lanes, strict=False):
            self.store(value, dot(index, row_major(value.shape)), lane)

    def _map(self) -> None:
        shape = self.space.shape
        if self.is_flat:
            start, stop = self.span(None)
            with loop(self.builder, stop, start) as i:
                flat = [0] * (len(shape) - 1) + [self.reader.counter(i, prod(shape))]
                self.compute(flat, self.reader.fresh())
            return
        self._split(0, [0] * len(shape), self._inner_parts())

    def _inner_parts(self) -> dict[int, tuple[int, int]]:
        """Return the largest part of each axis in which no store begins or ends."""
        found = {}
        for axis, places in borders(self.plan, self.space, self.reader.places).items():
            ends = sorted({0, self.space.shape[axis], *places})
            pairs = list(pairwise(ends))
            if len(pairs) > 1:
                found[axis] = max(pairs, key=lambda pair: pair[1] - pair[0])
        return found

    def _split(self, axis: int, index: list[Any], parts: Mapping[int, tuple[int, int]]) -> None:
        """Emit loops from an axis on, with code of its own for the inner part."""
        if axis == len(self.space.shape):
            self.compute(index, self.reader.fresh())
            return
        extent, builder = self.space.shape[axis], self.builder
        part = parts.get(axis)
        if part is None or extent == 1 or (axis == len(index) - 1 and self.is_chunk_of(axis)):
            rest = {one: pair for one, pair in parts.items() if one > axis}
            self.over([axis], index, lambda index: self._split(axis + 1, index, rest))
            return
        if axis == len(index) - 1:
            spans = ((0, part[0]), part, (part[1], extent))
            for start, stop in [span for span in spans if span[0] < span[1]]:
                with loop(builder, stop, start) as i:
                    place = self.reader.counter(i, stop, start)
                    self.compute(_with(index, axis, place), self.reader.fresh())
            return
        start, stop = self.span(axis)
        with loop(builder, stop, start) as i:
            inner = self.reader.counter(i, *reversed(part))
            anywhere = self.reader.counter(i, extent)
            is_inner = lies_within(anywhere, *part)
            with builder.if_else(is_inner) as (then, otherwise):
                with then:
                    self._split(axis + 1, _with(index, axis, inner), parts)
                with otherwise:
                    self._split(axis + 1, _with(index, axis, anywhere), {})


def _with(index: Sequence[Any], axis: int, place: Any) -> list[Any]:
    return [*index[:axis], place, *index[axis + 1 :]]
