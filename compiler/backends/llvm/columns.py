"""Folds of rows into one row: the innermost loop goes over what stays.

Where the numbers of a column lie one behind the other in memory, NumPy sums them pairwise. So there
the sum of many rows is taken in blocks, each of which is added to the total with its rounding
error: as exact, and no slower. Of other arrays NumPy adds row after row, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import llvmlite.ir as ir

from ...ir import Node, Value
from ...primitive import Rows
from ...primitives.elementwise import copy
from ...primitives.shape import transpose
from ...types import INDEX_DTYPE
from .chunks import folded_axes
from .folds import add_block, combine, first, is_sum, kept_place, taken_in, targets_of
from .layout import dot, row_major, strides_of
from .loops import loop
from .scalars import I64, Lane, llvm_type
from .workspace import ALIGNMENT

if TYPE_CHECKING:
    from .nests import NestEmitter
    from .plan import Plan
    from .steps import Nest

_ROWS = 32  # of a block: few have small errors, many add seldom to the total
_NUMBERS = 1024  # of a row that are summed at a time: blocks and errors stay in the nearest cache
_LEAST = 64  # of them for each fold, where there are many

_Span = tuple[Any, Any]


def fold_columns(nest: NestEmitter) -> None:
    """Fold rows into one row."""
    shape, axes = nest.space.shape, folded_axes(nest.space)
    rows = _parted(shape, axes, _ROWS)
    sums = [node for node in nest.space.folds if is_sum(node)]
    if rows.axis is not None and lies_in_columns(nest.plan, nest.space, nest.reader.places):
        _BlockedSums(nest, rows, sums).emit()
        return
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    targets, start = targets_of(nest), [0] * len(shape)
    nest.over(kept, start, lambda index: _begin(nest, _places(nest, targets, index)))
    nest.over(
        [*axes, *kept], start, lambda index: _fold(nest, index, _places(nest, targets, index))
    )


def lies_in_columns(plan: Plan, nest: Nest, leaves: Container[Value]) -> bool:
    """Whether something that is summed lies in memory along an axis over which it is.

    Or would, as NumPy has it: views that NumPy takes in another shape may be copied here.
    """
    todo = [node.operands[0] for node in nest.folds if is_sum(node)]
    axes, seen = folded_axes(nest) if todo else (), set()
    while todo:
        one = todo.pop()
        node = plan.producers.get(one)
        if one in seen:
            continue
        seen.add(one)
        if node is not None and node.primitive is transpose:
            return True
        if one in leaves and one.shape == nest.shape:
            steps = zip(strides_of(one, plan.layouts), one.shape, range(one.ndim), strict=True)
            moving = [(abs(step), axis) for step, extent, axis in steps if step and extent > 1]
            if moving and min(moving)[1] in axes:
                return True
        is_reshaped = node is not None and (
            isinstance(node.primitive.lower, Rows) or node.primitive is copy
        )
        if node is not None and (is_reshaped or one not in leaves):
            todo += node.operands
    return False


def _places(
    nest: NestEmitter, targets: Mapping[Node, ir.Value], index: list[Any]
) -> dict[Node, ir.Value]:
    """Return where in each result a point goes."""
    return {
        node: nest.scalars.element(target, node.out.dtype, kept_place(nest, node, index))
        for node, target in targets.items()
    }


def _begin(nest: NestEmitter, places: Mapping[Node, ir.Value]) -> None:
    for node, place in places.items():
        nest.scalars.store(first(nest.scalars, node), place)


def _fold(nest: NestEmitter, index: list[Any], places: Mapping[Node, ir.Value]) -> None:
    """Compute a point, and fold it into what is in these places."""
    reader = nest.reader.fresh()
    nest.compute(index, reader)
    for node, place in places.items():
        total = nest.scalars.load(place, node.out.dtype)
        nest.scalars.store(combine(node, total, taken_in(nest, node, reader, index)), place)


class _Parts(NamedTuple):
    """Some axes, part by part: at each point of ``outer`` spans of an axis, with all of ``inner``.

    Attributes:
        outer: Axes before the one that is in parts.
        axis: That one; None if there is one part only.
        step: The extent of a part along it.
        inner: Axes that are whole in each part.
    """

    outer: Sequence[int]
    axis: int | None
    step: int
    inner: Sequence[int]

    def over(
        self,
        nest: NestEmitter,
        index: list[Any],
        body: Callable[[list[Any], _Span], None],
    ) -> None:
        """Emit loops over the parts; ``body`` takes the span of one."""
        axis = self.axis

        def parts(index: list[Any]) -> None:
            if axis is None:
                body(index, (0, 0))
                return
            builder, (start, stop) = nest.builder, nest.span(axis)
            with loop(builder, stop, start, self.step) as begin:
                end = builder.add(begin, I64(self.step), flags=["nuw", "nsw"])
                if nest.is_chunk_of(axis) or stop % self.step:
                    stop = I64(stop) if isinstance(stop, int) else stop
                    end = builder.select(builder.icmp_signed("<", end, stop), end, stop)
                body(index, (begin, end))

        nest.over(self.outer, index, parts)

    def within(
        self,
        nest: NestEmitter,
        index: list[Any],
        span: _Span,
        body: Callable[[list[Any]], None],
    ) -> None:
        """Emit loops over the points of a part."""
        if self.axis is None:
            nest.over(self.inner, index, body)
            return
        start, stop = span
        with loop(nest.builder, stop, start) as i:
            place = nest.reader.counter(i, nest.space.shape[self.axis])
            index = [*index[: self.axis], place, *index[self.axis + 1 :]]
            nest.over(self.inner, index, body)


def _parted(shape: Sequence[int], axes: Sequence[int], most: int) -> _Parts:
    """Return parts that have about so many points at most, as many of them as can be."""
    points = 1
    for k in reversed(range(len(axes))):
        extent = shape[axes[k]]
        if points * extent > most:
            return _Parts(axes[:k], axes[k], most // points, axes[k + 1 :])
        points *= extent
    return _Parts((), None, 1, axes)


class _BlockedSums:
    """Emits folds of which some are sums of many rows.

    Rows are cut into spans of columns, each of which has a block and an error in memory of its own.
    """

    def __init__(self, nest: NestEmitter, rows: _Parts, sums: Sequence[Node]) -> None:
        self.nest, self.rows, self.sums = nest, rows, sums
        shape, axes = nest.space.shape, folded_axes(nest.space)
        kept = [axis for axis in range(len(shape)) if axis not in axes]
        before = [axis for axis in kept if axis < axes[0]]
        most = max(_NUMBERS // len(sums), _LEAST)
        columns = _parted(shape, kept[len(before) :], most)
        self.columns = columns._replace(outer=[*before, *columns.outer])
        extents = [shape[axis] for axis in columns.inner]
        self.strides = row_major([columns.step, *extents])
        self.targets = targets_of(nest)
        with nest.builder.goto_entry_block():
            self.blocks, self.errors = (
                {node: self._room(node, columns.step * self.strides[0]) for node in sums}
                for _ in range(2)
            )

    def _room(self, node: Node, size: int) -> ir.Value:
        made = self.nest.builder.alloca(llvm_type(node.out.dtype), size)
        made.align = ALIGNMENT
        return made

    def emit(self) -> None:
        """Emit all loops."""
        self.columns.over(self.nest, [0] * len(self.nest.space.shape), self._span)

    def _span(self, index: list[Any], span: _Span) -> None:
        """Emit the fold of a span of columns."""
        nest, rows, columns = self.nest, self.rows, self.columns

        def begin(index: list[Any]) -> None:
            _begin(nest, _places(nest, self.targets, index))
            for node in self.sums:
                zero = nest.scalars.number(0, node.out.dtype)
                for row in self.blocks, self.errors:
                    nest.scalars.store(zero, self._place(node, row[node], index, span))

        def fold(index: list[Any]) -> None:
            blocks = {node: self._place(node, self.blocks[node], index, span) for node in self.sums}
            _fold(nest, index, {**_places(nest, self.targets, index), **blocks})

        def add(index: list[Any]) -> None:
            totals = _places(nest, self.targets, index)
            for node in self.sums:
                block, error = (
                    self._place(node, row[node], index, span) for row in (self.blocks, self.errors)
                )
                lane = nest.scalars.load(block, node.out.dtype)
                add_block(nest.scalars, node, (totals[node], error), lane.value)
                nest.scalars.store(nest.scalars.number(0, node.out.dtype), block)

        def end(index: list[Any]) -> None:
            totals = _places(nest, self.targets, index)
            for node in self.sums:
                places = totals[node], self._place(node, self.errors[node], index, span)
                total, error = (nest.scalars.load(place, node.out.dtype) for place in places)
                nest.scalars.store(nest.scalars.add(total, error), totals[node])

        def block(index: list[Any], some: _Span) -> None:
            def each(index: list[Any]) -> None:
                columns.within(nest, index, span, fold)

            rows.within(nest, index, some, each)
            columns.within(nest, index, span, add)

        columns.within(nest, index, span, begin)
        rows.over(nest, index, block)
        columns.within(nest, index, span, end)

    def _place(self, node: Node, row: ir.Value, index: list[Any], span: _Span) -> ir.Value:
        """Return where a number of a block, or an error, is."""
        axis, inner = self.columns.axis, [index[one] for one in self.columns.inner]
        here = 0 if axis is None else index[axis] - Lane(span[0], INDEX_DTYPE, self.nest.scalars)
        return self.nest.scalars.element(row, node.out.dtype, dot([here, *inner], self.strides))
