"""Folds that keep what they pass: cumulative sums, products and extrema, in NumPy's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ...ir import Node
from ...primitive import Cumulative
from .kernel import SingleKernel
from .layout import dot, row_major
from .loops import loop
from .scalars import I64, Lane, llvm_type

if TYPE_CHECKING:
    from .section import Section

ROWS = 8  # rows that are folded at one time: each of them waits for its last addition


def emit_scan(section: Section, node: Node) -> None:
    """Fold along an axis, and write every total."""
    target = section.target(node.out)
    if 0 not in node.out.shape:
        kernel = SingleKernel(section, "scan", section.plan.leaves_of(node), [target])
        _Scan(kernel, node).emit()
        kernel.call()
    section.place_at(node.out, target)


class _Scan:
    def __init__(self, kernel: SingleKernel, node: Node) -> None:
        lower = node.primitive.lower
        assert isinstance(lower, Cumulative)
        self.kernel, self.node, self.lower = kernel, node, lower
        self.axis, self.shape, self.dtype = node.attrs["axis"], node.out.shape, node.out.dtype
        self.extent = self.shape[self.axis]
        self.strides = row_major(self.shape)

    def emit(self) -> None:
        """Emit the loops: along the axis innermost where nothing lies behind it."""
        outer, inner = self.shape[: self.axis], self.shape[self.axis + 1 :]
        if prod(inner) > 1:
            self.kernel.over(outer, lambda index: self._columns(index, inner))
            return
        behind = [0] * len(inner)
        widest = max(range(self.axis), key=lambda axis: outer[axis], default=None)
        if widest is None:
            self._rows([[I64(0), *behind]])
            return
        others = [dim for axis, dim in enumerate(outer) if axis != widest]
        self.kernel.over(others, lambda index: self._groups(index, widest, behind))

    def _groups(self, others: list[Any], axis: int, behind: list[Any]) -> None:
        """Fold rows side by side along another axis, in groups."""
        kernel, dim = self.kernel, self.shape[axis]

        def group(first: Any, count: int) -> None:
            rows = [kernel.builder.add(first, I64(i), flags=["nuw", "nsw"]) for i in range(count)]
            places = [kernel.reader.index_lane(row) for row in rows]
            self._rows(
                [[*others[:axis], place, *others[axis:], I64(0), *behind] for place in places]
            )

        whole = dim // ROWS * ROWS
        if whole:
            with loop(kernel.builder, whole, step=ROWS) as first:
                group(first, ROWS)
        if dim > whole:
            group(I64(whole), dim - whole)

    def _turn(self, place: Lane) -> Lane:
        return self.extent - 1 - place if self.lower.reverse else place

    def _taken(self, index: Sequence[Any]) -> Lane:
        lane = self.kernel.reader.fresh().read(self.node.operands[0], index)
        return self.kernel.scalars.cast(lane, self.dtype)

    def _element(self, index: Sequence[Any]) -> Any:
        offset = dot(index, self.strides)
        return self.kernel.scalars.element(self.kernel.targets[0], self.dtype, offset)

    def _combined(self, total: Lane, lane: Lane) -> Lane:
        combine: Callable[[Lane, Lane], Lane] = getattr(self.kernel.scalars, self.lower.combine)
        return combine(total, lane)

    def _rows(self, rows: Sequence[list[Any]]) -> None:
        """Fold rows of which the indices are given, but for the place along the axis."""
        builder, scalars = self.kernel.builder, self.kernel.scalars
        kind = llvm_type(self.dtype)
        with builder.goto_entry_block():
            totals = [builder.alloca(kind) for _ in rows]

        def step(place: Lane, is_first: bool) -> None:
            at = self._turn(place)
            for row, room in zip(rows, totals, strict=True):
                index = [*row[: self.axis], at, *row[self.axis + 1 :]]
                lane = self._taken(index)
                if not is_first:
                    total = Lane(builder.load(room, typ=kind), self.dtype, scalars)
                    lane = self._combined(total, lane)
                builder.store(lane.value, room)
                scalars.store(lane, self._element(index))

        step(self.kernel.reader.index_lane(I64(0)), True)
        if self.extent == 1:
            return
        with loop(builder, self.extent, 1) as k:
            step(self.kernel.reader.index_lane(k), False)

    def _columns(self, outer: list[Any], inner: Sequence[int]) -> None:
        """Fold rows into the next ones: the innermost loop goes over what lies behind the axis."""
        kernel = self.kernel
        first = self._turn(kernel.reader.index_lane(I64(0)))

        def begin(behind: list[Any]) -> None:
            index = [*outer, first, *behind]
            kernel.scalars.store(self._taken(index), self._element(index))

        kernel.over(inner, begin)
        if self.extent == 1:
            return
        with loop(kernel.builder, self.extent, 1) as k:
            place = self._turn(kernel.reader.index_lane(k))
            last = place + 1 if self.lower.reverse else place - 1

            def step(behind: list[Any]) -> None:
                index = [*outer, place, *behind]
                total = kernel.scalars.load(self._element([*outer, last, *behind]), self.dtype)
                lane = self._combined(total, self._taken(index))
                kernel.scalars.store(lane, self._element(index))

            kernel.over(inner, step)
