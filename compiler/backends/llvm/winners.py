"""Where in an array the largest or the smallest element is: the first one, or the first NaN."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Node
from ...primitive import Winner
from ...types import INDEX_DTYPE
from .kernel import SingleKernel
from .loops import loop
from .places import Buffer
from .scalars import I64, Lane, llvm_type

if TYPE_CHECKING:
    from .section import Section

BLOCK = 128  # elements of a row of which the extremum is found before its place is
COLUMNS = 128  # that are compared side by side


def emit_winner(section: Section, node: Node) -> None:
    """Find the place of an extremum along an axis, or over all axes in row-major order."""
    target = section.target(node.out)
    if 0 not in node.out.shape:
        kernel = SingleKernel(section, "winner", section.plan.leaves_of(node), [target])
        _Search(kernel, node).emit()
        kernel.call()
    section.place_at(node.out, target)


class _Search:
    """The array has three axes for it, of which it searches the middle one."""

    def __init__(self, kernel: SingleKernel, node: Node) -> None:
        lower = node.primitive.lower
        assert isinstance(lower, Winner)
        self.kernel, self.builder, self.scalars = kernel, kernel.builder, kernel.scalars
        (x,), self.beats, axes = node.operands, lower.beats, node.attrs["axes"]
        self.dtype, self.place = x.dtype, kernel.reader.places[x]
        axis, end = (0, x.ndim) if len(axes) == x.ndim else (axes[0], axes[0] + 1)
        self.before, self.extent = prod(x.shape[:axis]), prod(x.shape[axis:end])
        self.behind = prod(x.shape[end:])

    def emit(self) -> None:
        """Emit the loops."""
        with loop(self.builder, self.before) as row:
            if self.behind == 1:
                self._row(row)
                return
            whole = self.behind // COLUMNS * COLUMNS
            if whole:
                with loop(self.builder, whole, step=COLUMNS) as first:
                    self._columns(row, first, COLUMNS)
            if self.behind > whole:
                self._columns(row, I64(whole), self.behind - whole)

    def _read(self, row: ir.Value, place: ir.Value, column: ir.Value) -> Lane:
        if not isinstance(self.place, Buffer):
            return self.place.lanes[0]
        offset = self._offset(row, place, column)
        pointer = self.scalars.element(self.place.pointer, self.dtype, offset)
        return self.scalars.load(pointer, self.dtype)

    def _offset(self, row: ir.Value, place: ir.Value, column: ir.Value) -> Any:
        number = self.kernel.reader.index_lane
        return (number(row) * self.extent + number(place)) * self.behind + number(column)

    def _wins(self, lane: Lane, best: Lane) -> Lane:
        """Return whether an element takes the place of the best one before it."""
        wins: Lane = getattr(self.scalars, self.beats)(lane, best)
        if self.dtype.kind != "f":
            return wins
        first = self.scalars.greater(self.scalars.isnan(lane), self.scalars.isnan(best))
        return self.scalars.logical_or(wins, first)

    def _extremum(self, one: Lane, other: Lane) -> Lane:
        combine = self.scalars.maximum if self.beats == "greater" else self.scalars.minimum
        return combine(one, other)

    def _store(self, row: ir.Value, column: ir.Value, place: ir.Value) -> None:
        number = self.kernel.reader.index_lane
        offset = number(row) * self.behind + number(column)
        target = self.scalars.element(self.kernel.targets[0], INDEX_DTYPE, offset)
        self.scalars.store(number(place), target)

    def _room(self, kind: ir.Type, count: int | None = None) -> ir.Value:
        with self.builder.goto_entry_block():
            return self.builder.alloca(kind, count)

    def _row(self, row: ir.Value) -> None:
        """Find the block of the extremum by comparing those of blocks, then its place there."""
        builder, kind, zero = self.builder, llvm_type(self.dtype), I64(0)
        best, total, found = self._room(kind), self._room(kind), self._room(I64)
        builder.store(self._read(row, zero, zero).value, best)
        builder.store(zero, found)

        def lane(room: ir.Value) -> Lane:
            return Lane(builder.load(room, typ=kind), self.dtype, self.scalars)

        def block(first: ir.Value, count: int) -> None:
            builder.store(self._read(row, first, zero).value, total)
            with loop(builder, count) as i:
                one = self._read(row, builder.add(first, i, flags=["nuw", "nsw"]), zero)
                builder.store(self._extremum(lane(total), one).value, total)
            wins = self._wins(lane(total), lane(best)).value
            builder.store(builder.select(wins, lane(total).value, lane(best).value), best)
            before = builder.load(found, typ=I64)
            builder.store(builder.select(wins, first, before), found)

        whole = self.extent // BLOCK * BLOCK
        if whole:
            with loop(builder, whole, step=BLOCK) as first:
                block(first, BLOCK)
        if self.extent > whole:
            block(I64(whole), self.extent - whole)
        self._store(row, zero, self._first(row, builder.load(found, typ=I64), lane(best)))

    def _first(self, row: ir.Value, block: ir.Value, best: Lane) -> ir.Value:
        """Return the first place in a block at which the best element is.

        A short block at the end is looked at with what is before it, where it cannot be.
        """
        builder, count = self.builder, min(BLOCK, self.extent)
        last = I64(self.extent - count)
        is_short = builder.icmp_signed(">", block, last)
        start = builder.select(is_short, last, block)
        found = self._room(I64)
        builder.store(I64(count - 1), found)
        with loop(builder, count) as i:
            one = self._read(row, builder.add(start, i, flags=["nuw", "nsw"]), I64(0))
            is_it = self.scalars.equal(one, best)
            if self.dtype.kind == "f":
                is_it = self.scalars.logical_or(is_it, self.scalars.isnan(one))
            place = builder.select(is_it.value, i, I64(count - 1))
            before = builder.load(found, typ=I64)
            is_first = builder.icmp_signed("<", place, before)
            builder.store(builder.select(is_first, place, before), found)
        return builder.add(start, builder.load(found, typ=I64))

    def _columns(self, row: ir.Value, first: ir.Value, count: int) -> None:
        """Compare columns side by side: the best elements so far, and where they are, wait."""
        builder, kind, scalars = self.builder, llvm_type(self.dtype), self.scalars
        best, found = self._room(kind, count), self._room(I64, count)

        def rooms(column: ir.Value) -> tuple[ir.Value, ir.Value]:
            return (
                builder.gep(best, [column], source_etype=kind),
                builder.gep(found, [column], source_etype=I64),
            )

        with loop(builder, count) as column:
            at_best, at_found = rooms(column)
            one = self._read(row, I64(0), builder.add(first, column))
            builder.store(one.value, at_best)
            builder.store(I64(0), at_found)
        with loop(builder, self.extent) as place, loop(builder, count) as column:
            at_best, at_found = rooms(column)
            one = self._read(row, place, builder.add(first, column))
            known = Lane(builder.load(at_best, typ=kind), self.dtype, scalars)
            wins = self._wins(one, known).value
            builder.store(builder.select(wins, one.value, known.value), at_best)
            before = builder.load(at_found, typ=I64)
            builder.store(builder.select(wins, place, before), at_found)
        with loop(builder, count) as column:
            _, at_found = rooms(column)
            self._store(row, builder.add(first, column), builder.load(at_found, typ=I64))
