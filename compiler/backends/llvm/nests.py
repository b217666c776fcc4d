"""Nests as functions: loops over a space, in which elements are computed, stored and folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import llvmlite.ir as ir

from ...ir import Node, Value
from ...primitive import IndexMap, Reduction
from .layout import dot, row_major
from .places import Buffer, Reader, Registers
from .plan import Nest, Plan
from .scalars import I64, PTR, Lane, Scalars, literal, llvm_type
from .target import Target

BLOCK = 512  # so many numbers are summed plainly before the sum is added with its error
_FREE = ("reassoc", "contract")  # sums within a block may be taken in any order


@contextmanager
def loop(builder: ir.IRBuilder, extent: int, start: int = 0, step: int = 1) -> Iterator[ir.Value]:
    """Emit ``for i in range(start, extent, step)``; what is emitted within is its body."""
    before = builder.block
    body = builder.append_basic_block("loop")
    after = builder.append_basic_block("end")
    builder.branch(body if start < extent else after)
    builder.position_at_end(body)
    counter = builder.phi(I64, "i")
    counter.add_incoming(I64(start), before)
    yield counter
    following = builder.add(counter, I64(step), flags=["nuw", "nsw"])
    counter.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, I64(extent)), body, after)
    builder.position_at_end(after)


def fold_of(node: Node) -> Reduction:
    """Return how a reduction folds."""
    lower = node.primitive.lower
    assert isinstance(lower, Reduction)
    return lower


class NestEmitter:
    """Emits one nest as a function: pointers to what it reads and writes, then numbers."""

    def __init__(
        self,
        plan: Plan,
        nest: Nest,
        module: ir.Module,
        name: str,
        target: Target,
        leaves: Sequence[Value],
        registers: frozenset[Value],
    ) -> None:
        self.plan, self.nest = plan, nest
        self.written = [*nest.values, *(node.outs[0] for node in nest.folds)]
        kinds = [llvm_type(one.dtype) if one in registers else PTR for one in leaves]
        kind = ir.FunctionType(ir.VoidType(), [*kinds, *(PTR for _ in self.written)])
        self.function = ir.Function(module, kind, name)
        self.function.linkage = "internal"
        # LLVM prefers half the width where it has 64 bytes; our functions gain from all of it.
        width = f'"prefer-vector-width"="{8 * target.vector_bytes}"'
        for attribute in ("noinline", "nounwind", width):
            set.add(self.function.attributes, attribute)  # the last one llvmlite does not know
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.scalars = Scalars(self.builder, target)
        places: dict[Value, Registers | Buffer] = {}
        for one, given in zip(leaves, self.function.args, strict=False):
            if one in registers:
                places[one] = Registers(one.shape, (Lane(given, one.dtype, self.scalars),))
            else:
                given.add_attribute("noalias")
                strides = plan.layouts.get(one) or row_major(one.shape)
                places[one] = Buffer(given, strides)
        self.targets = dict(zip(self.written, self.function.args[len(leaves) :], strict=True))
        for written in self.targets.values():
            written.add_attribute("noalias")
        self.reader = Reader(self.scalars, places, plan.producers)

    def emit(self) -> ir.Function:
        """Emit the function."""
        if 0 in self.nest.shape:
            self._fill()
        elif not self.nest.folds:
            self._map()
        elif self._ends_in_kept():
            self._fold_columns()
        else:
            self._fold_rows()
        self.builder.ret_void()
        return self.function

    def _axes(self) -> tuple[int, ...]:
        return self.nest.folds[0].attrs["axes"] if self.nest.folds else ()

    def _ends_in_kept(self) -> bool:
        rank, axes = len(self.nest.shape), self._axes()
        return len(axes) < rank and rank - 1 not in axes and self.nest.shape[-1] > 1

    def _fill(self) -> None:
        """Give what nothing is folded into its first value."""
        for node in self.nest.folds:
            initial = literal(fold_of(node).initial or 0, node.out.dtype)
            lane = Lane(initial, node.out.dtype, self.scalars)
            if not prod(node.out.shape):
                continue
            with loop(self.builder, prod(node.out.shape)) as i:
                self._store(node.out, self.reader.index_lane(i), lane)

    def _store(self, value: Value, offset: Any, lane: Lane) -> None:
        pointer = self.scalars.element(self.targets[value], value.dtype, offset)
        self.scalars.store(lane, pointer)

    def _is_flat(self) -> bool:
        """Whether one counter serves for all axes: everything is read in row-major order."""
        shape, todo, seen = self.nest.shape, self._roots(), set()
        if self.nest.folds and len(self._axes()) < len(shape):
            return False
        while todo:
            one = todo.pop()
            if one in seen or prod(one.shape) == 1:
                continue
            seen.add(one)
            if one in self.reader.places:
                place = self.reader.places[one]
                if not isinstance(place, Buffer) or one.shape != shape:
                    return False
                if place.strides != row_major(shape):
                    return False
            elif isinstance(self.plan.producers[one].primitive.lower, IndexMap):
                operand = self.plan.producers[one].operands[0]
                if prod(operand.shape) != 1:
                    return False
                todo.append(operand)
            elif not self.plan.producers[one].operands and len(shape) > 1:
                return False
            else:
                todo += self.plan.producers[one].operands
        return True

    def _roots(self) -> list[Value]:
        return [*self.nest.values, *(node.operands[0] for node in self.nest.folds)]

    def _over(
        self, axes: Sequence[int], index: list[Any], body: Callable[[list[Any]], None]
    ) -> None:
        """Emit loops over some axes, the last one innermost."""
        if not axes:
            body(index)
            return
        axis, *rest = axes
        if self.nest.shape[axis] == 1:
            index[axis] = 0
            self._over(rest, index, body)
            return
        with loop(self.builder, self.nest.shape[axis]) as i:
            index[axis] = self.reader.index_lane(i)
            self._over(rest, index, body)

    def _compute(self, index: list[Any], reader: Reader) -> None:
        for value in self.nest.values:
            self._store(value, dot(index, row_major(value.shape)), reader.read(value, index))

    def _map(self) -> None:
        shape = self.nest.shape
        if self._is_flat():
            with loop(self.builder, prod(shape)) as i:
                flat = [0] * (len(shape) - 1) + [self.reader.index_lane(i)]
                self._compute(flat, self.reader.fresh())
            return
        self._over(
            range(len(shape)),
            [0] * len(shape),
            lambda index: self._compute(index, self.reader.fresh()),
        )

    # Folds

    def _kept(self, node: Node, index: list[Any]) -> Any:
        """Return where in the result of a fold an element goes."""
        axes = node.attrs["axes"]
        kept = [axis for axis in range(len(index)) if axis not in axes]
        strides = row_major([self.nest.shape[axis] for axis in kept])
        return dot([index[axis] for axis in kept], strides)

    def _combine(self, node: Node, total: Lane, lane: Lane) -> Lane:
        combine: Callable[[Lane, Lane], Lane] = getattr(self.scalars, fold_of(node).combine)
        return combine(total, lane)

    def _first(self, node: Node) -> Lane:
        """Return what a fold starts with."""
        lower = fold_of(node)
        dtype = node.out.dtype
        initial: Any = lower.initial
        if initial is None:
            largest = lower.combine == "minimum"
            if dtype.kind == "f":
                initial = float("inf") if largest else float("-inf")
            elif dtype.kind == "b":
                initial = largest
            else:
                bits = dtype.itemsize * 8
                low, high = (
                    (0, 2**bits - 1)
                    if dtype.kind == "u"
                    else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
                )
                initial = high if largest else low
        return Lane(literal(initial, dtype), dtype, self.scalars)

    def _taken(self, node: Node, reader: Reader, index: list[Any]) -> Lane:
        lane = reader.read(node.operands[0], index)
        return self.scalars.cast(lane, node.out.dtype)

    def _fold_columns(self) -> None:
        """Fold rows into one row: the innermost loop goes over what stays."""
        rank, axes = len(self.nest.shape), self._axes()
        kept = [axis for axis in range(rank) if axis not in axes]
        for node in self.nest.folds:
            with loop(self.builder, prod(node.out.shape)) as i:
                self._store(node.out, self.reader.index_lane(i), self._first(node))

        def body(index: list[Any]) -> None:
            reader = self.reader.fresh()
            self._compute(index, reader)
            for node in self.nest.folds:
                place = self.scalars.element(
                    self.targets[node.out], node.out.dtype, self._kept(node, index)
                )
                total = self.scalars.load(place, node.out.dtype)
                self.scalars.store(
                    self._combine(node, total, self._taken(node, reader, index)), place
                )

        self._over([*axes, *kept], [0] * rank, body)

    def _fold_rows(self) -> None:
        """Fold innermost: the total of each row is in a register."""
        rank, axes = len(self.nest.shape), self._axes()
        kept = [axis for axis in range(rank) if axis not in axes]
        if self._is_flat():
            self._fold_run([0] * rank, (), rank - 1, prod(self.nest.shape))
            return
        last = axes[-1]
        self._over(
            kept,
            [0] * rank,
            lambda index: self._fold_run(index, axes[:-1], last, self.nest.shape[last]),
        )

    def _fold_run(self, index: list[Any], outer: Sequence[int], last: int, extent: int) -> None:
        """Fold over the axes ``outer``, and in blocks over ``extent`` places of the last one."""
        totals = []
        for node in self.nest.folds:
            kind = llvm_type(node.out.dtype)
            with self.builder.goto_entry_block():
                places = [self.builder.alloca(kind) for _ in range(3)]
            self.builder.store(self._first(node).value, places[0])
            self.builder.store(ir.Constant(kind, 0), places[1])
            totals.append(places)

        def blocks(index: list[Any]) -> None:
            whole = extent // BLOCK * BLOCK
            if whole:
                with loop(self.builder, whole, step=BLOCK) as start:
                    self._fold_block(index, last, start, BLOCK, totals)
            if extent > whole:
                self._fold_block(index, last, I64(whole), extent - whole, totals)

        self._over(outer, index, blocks)
        for node, places in zip(self.nest.folds, totals, strict=True):
            total = self.builder.load(places[0], typ=llvm_type(node.out.dtype))
            if self._is_sum(node):
                error = self.builder.load(places[1], typ=llvm_type(node.out.dtype))
                total = self.builder.fadd(total, error)
            self._store(
                node.out, self._kept(node, index), Lane(total, node.out.dtype, self.scalars)
            )

    def _is_sum(self, node: Node) -> bool:
        return fold_of(node).combine == "add" and node.out.dtype.kind == "f"

    def _fold_block(
        self, index: list[Any], last: int, start: ir.Value, extent: int, totals: Sequence[Any]
    ) -> None:
        for node, places in zip(self.nest.folds, totals, strict=True):
            self.builder.store(self._first(node).value, places[2])
        with loop(self.builder, extent) as i:
            place = self.builder.add(start, i, flags=["nuw", "nsw"])
            index = [*index]
            index[last] = self.reader.index_lane(place)
            reader = self.reader.fresh()
            self._compute(index, reader)
            for node, places in zip(self.nest.folds, totals, strict=True):
                kind = llvm_type(node.out.dtype)
                total = Lane(self.builder.load(places[2], typ=kind), node.out.dtype, self.scalars)
                lane = self._taken(node, reader, index)
                if self._is_sum(node):
                    made = self.builder.fadd(total.value, lane.value, flags=_FREE)
                else:
                    made = self._combine(node, total, lane).value
                self.builder.store(made, places[2])
        for node, places in zip(self.nest.folds, totals, strict=True):
            self._add_block(node, places)

    def _add_block(self, node: Node, places: Sequence[ir.Value]) -> None:
        """Add the total of a block to that of all; of a sum with its rounding error (Knuth)."""
        builder, kind = self.builder, llvm_type(node.out.dtype)
        total, block = (builder.load(places[i], typ=kind) for i in (0, 2))
        if not self._is_sum(node):
            lanes = [Lane(one, node.out.dtype, self.scalars) for one in (total, block)]
            builder.store(self._combine(node, *lanes).value, places[0])
            return
        added = builder.fadd(total, block)
        part = builder.fsub(added, total)
        rest = builder.fadd(
            builder.fsub(total, builder.fsub(added, part)), builder.fsub(block, part)
        )
        error = builder.fadd(builder.load(places[1], typ=kind), rest)
        builder.store(added, places[0])
        # Of an infinite sum the error is no number.
        finite = builder.fcmp_ordered("==", builder.fsub(added, added), ir.Constant(kind, 0.0))
        builder.store(builder.select(finite, error, ir.Constant(kind, 0.0)), places[1])
