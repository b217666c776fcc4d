"""Reductions within a nest: of rows into registers, and of chunks; columns: ``columns.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Node
from ...primitive import Reduction
from .chunks import BLOCK, Chunks, folded_axes
from .layout import dot, row_major
from .loops import loop
from .places import Reader
from .scalars import I8, I64, PTR, DType, Lane, Scalars, literal, llvm_type

if TYPE_CHECKING:
    from .nests import NestEmitter

_SHORT, _STRAIGHT = 63, 256  # places of a row, and operations, that stand one after the other
_ACCUMULATORS = 8
_FREE = ("reassoc", "contract")  # sums within a block may be taken in any order


def fold_of(node: Node) -> Reduction:
    """Return how a reduction folds."""
    lower = node.primitive.lower
    assert isinstance(lower, Reduction)
    return lower


def fill(nest: NestEmitter) -> None:
    """Give what nothing is folded into its first value."""
    for node in nest.space.folds:
        lane = nest.scalars.number(fold_of(node).initial or 0, node.out.dtype)
        with loop(nest.builder, prod(node.out.shape)) as i:
            nest.store(node.out, nest.reader.counter(i, prod(node.out.shape)), lane)


def fold_rows(nest: NestEmitter) -> None:
    """Fold innermost: the total of each row is in a register."""
    rank, axes = len(nest.space.shape), folded_axes(nest.space)
    kept = [axis for axis in range(rank) if axis not in axes]
    if nest.is_flat:
        _fold_run(nest, [0] * rank, (), rank - 1, prod(nest.space.shape))
        return
    last = axes[-1]
    nest.over(
        kept,
        [0] * rank,
        lambda index: _fold_run(nest, index, axes[:-1], last, nest.space.shape[last]),
    )


def combine(node: Node, total: Lane, lane: Lane) -> Lane:
    """Append one step of a fold."""
    made: Lane = getattr(total.scalars, fold_of(node).combine)(total, lane)
    return made


def first(scalars: Scalars, node: Node) -> Lane:
    """Return what a fold starts with."""
    lower, dtype = fold_of(node), node.out.dtype
    initial: Any = lower.initial
    if initial is None:
        initial = _extreme(dtype, largest=lower.combine == "minimum")
    return Lane(literal(initial, dtype), dtype, scalars)


def _extreme(dtype: DType, largest: bool) -> Any:
    if dtype.kind == "f":
        return float("inf") if largest else float("-inf")
    if dtype.kind == "b":
        return largest
    bits = dtype.itemsize * 8
    low, high = (0, 2**bits - 1) if dtype.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return high if largest else low


def kept_place(nest: NestEmitter, node: Node, index: list[Any]) -> Any:
    """Return where in the result of a fold an element goes."""
    axes = node.attrs["axes"]
    kept = [axis for axis in range(len(index)) if axis not in axes]
    strides = row_major([nest.space.shape[axis] for axis in kept])
    return dot([index[axis] for axis in kept], strides)


def taken_in(nest: NestEmitter, node: Node, reader: Reader, index: list[Any]) -> Lane:
    """Return what a fold takes in at a point."""
    lane = reader.read(node.operands[0], index)
    return nest.scalars.cast(lane, node.out.dtype)


def _fold_run(
    nest: NestEmitter, index: list[Any], outer: Sequence[int], last: int, extent: int
) -> None:
    """Fold over the axes ``outer``, and in blocks over ``extent`` places of the last one."""
    totals = []
    for node in nest.space.folds:
        kind = llvm_type(node.out.dtype)
        with nest.builder.goto_entry_block():
            places = [nest.builder.alloca(kind) for _ in range(3)]
        nest.builder.store(first(nest.scalars, node).value, places[0])
        nest.builder.store(ir.Constant(kind, 0), places[1])
        totals.append(places)
    whole = extent // BLOCK * BLOCK
    is_short = _ACCUMULATORS <= extent <= _SHORT and nest.space.cost * extent <= _STRAIGHT

    def blocks(index: list[Any]) -> None:
        if whole:
            with loop(nest.builder, whole, step=BLOCK) as start:
                _fold_block(nest, index, last, start, BLOCK, totals)
        if extent > whole:
            _fold_block(nest, index, last, I64(whole), extent - whole, totals)

    if nest.is_chunk_of(None):
        _blocks_of_chunk(nest, index, last, extent, totals)
    elif is_short and not (outer or nest.space.values):
        _fold_short(nest, index, last, extent, totals)
    else:
        nest.over(outer, index, blocks)
    for i, (node, places) in enumerate(zip(nest.space.folds, totals, strict=True)):
        total, error = (nest.builder.load(one, typ=llvm_type(node.out.dtype)) for one in places[:2])
        lane = Lane(total, node.out.dtype, nest.scalars)
        if nest.chunks is not None and nest.chunks.partial_bytes:
            for k, one in enumerate((total, error)):
                place = _bytes_on(nest.builder, nest.partials, 16 * i + 8 * k)
                nest.scalars.store(Lane(one, node.out.dtype, nest.scalars), place)
            continue
        if is_sum(node):
            lane = nest.scalars.lane(nest.builder.fadd(total, error), lane)
        nest.store(node.out, kept_place(nest, node, index), lane)


def _blocks_of_chunk(
    nest: NestEmitter, index: list[Any], last: int, extent: int, totals: Sequence[Any]
) -> None:
    """Fold over the blocks of a chunk, which begins with a block; the last one has the rest."""
    builder, whole = nest.builder, extent // BLOCK * BLOCK
    begin, end = nest.span(None)
    is_short = builder.icmp_signed("<", end, I64(whole))
    stop = builder.select(is_short, end, I64(whole))
    with (
        builder.if_then(builder.icmp_signed("<", begin, stop)),
        loop(builder, stop, begin, BLOCK) as start,
    ):
        _fold_block(nest, index, last, start, BLOCK, totals)
    if extent > whole:
        with builder.if_then(builder.icmp_signed("==", end, I64(extent))):
            _fold_block(nest, index, last, I64(whole), extent - whole, totals)


def is_sum(node: Node) -> bool:
    """Whether a fold adds floating-point numbers."""
    return fold_of(node).combine == "add" and node.out.dtype.kind == "f"


def _fold_block(
    nest: NestEmitter,
    index: list[Any],
    last: int,
    start: ir.Value,
    extent: int,
    totals: Sequence[Any],
) -> None:
    for node, places in zip(nest.space.folds, totals, strict=True):
        nest.builder.store(first(nest.scalars, node).value, places[2])
    length = prod(nest.space.shape) if nest.is_flat else nest.space.shape[last]
    with loop(nest.builder, extent) as i:
        place = nest.builder.add(start, i, flags=["nuw", "nsw"])
        index = [*index]
        index[last] = nest.reader.counter(place, length)
        reader = nest.reader.fresh()
        nest.compute(index, reader)
        for node, places in zip(nest.space.folds, totals, strict=True):
            kind = llvm_type(node.out.dtype)
            total = Lane(nest.builder.load(places[2], typ=kind), node.out.dtype, nest.scalars)
            lane = taken_in(nest, node, reader, index)
            if is_sum(node):
                made = nest.builder.fadd(total.value, lane.value, flags=_FREE)
            else:
                made = combine(node, total, lane).value
            nest.builder.store(made, places[2])
    for node, places in zip(nest.space.folds, totals, strict=True):
        block = nest.builder.load(places[2], typ=llvm_type(node.out.dtype))
        add_block(nest.scalars, node, places, block)


def _fold_short(
    nest: NestEmitter, index: Sequence[Any], last: int, extent: int, totals: Sequence[Any]
) -> None:
    """Fold a short row without a loop, which LLVM would unroll to one chain of additions.

    With as many chains as NumPy has: so it is as exact, equal numbers have an exact mean, and
    nothing waits.
    """
    builder = nest.builder
    taken: list[list[Lane]] = [[] for _ in nest.space.folds]
    for place in range(extent):
        here = [*index]
        here[last] = place
        reader = nest.reader.fresh()
        for lanes, node in zip(taken, nest.space.folds, strict=True):
            lanes.append(taken_in(nest, node, reader, here))
    for lanes, node, places in zip(taken, nest.space.folds, totals, strict=True):
        if not is_sum(node):
            block = reduce(partial(combine, node), lanes).value
        else:
            chains = [one.value for one in lanes[:_ACCUMULATORS]]
            for i, lane in enumerate(lanes[_ACCUMULATORS:]):
                at = i % _ACCUMULATORS
                chains[at] = builder.fadd(chains[at], lane.value, flags=["contract"])
            while len(chains) > 1:
                chains = [
                    builder.fadd(*pair) for pair in zip(chains[::2], chains[1::2], strict=True)
                ]
            (block,) = chains
        add_block(nest.scalars, node, places, block)


def add_block(scalars: Scalars, node: Node, places: Sequence[ir.Value], block: ir.Value) -> None:
    """Add the total of a block to that of all; of a sum with its rounding error (Knuth)."""
    builder, kind = scalars.builder, llvm_type(node.out.dtype)
    total = builder.load(places[0], typ=kind)
    if not is_sum(node):
        lanes = [Lane(one, node.out.dtype, scalars) for one in (total, block)]
        builder.store(combine(node, *lanes).value, places[0])
        return
    added = builder.fadd(total, block)
    part = builder.fsub(added, total)
    rest = builder.fadd(builder.fsub(total, builder.fsub(added, part)), builder.fsub(block, part))
    error = builder.fadd(builder.load(places[1], typ=kind), rest)
    builder.store(added, places[0])
    # Of an infinite sum the error is no number.
    finite = builder.fcmp_ordered("==", builder.fsub(added, added), ir.Constant(kind, 0.0))
    builder.store(builder.select(finite, error, ir.Constant(kind, 0.0)), places[1])


# Chunks


def _bytes_on(builder: ir.IRBuilder, pointer: ir.Value, offset: Any) -> ir.Value:
    offset = I64(offset) if isinstance(offset, int) else offset
    return builder.gep(pointer, [offset], inbounds=True, source_etype=I8)


def targets_of(nest: NestEmitter) -> dict[Node, ir.Value]:
    """Return where folds of columns go: into the results, or into what a chunk has of its own."""
    if nest.chunks is None or not nest.chunks.partial_bytes:
        return {node: nest.target_of[node.out] for node in nest.space.folds}
    offsets = _offsets(nest.space.folds)
    return {node: _bytes_on(nest.builder, nest.partials, offsets[node]) for node in offsets}


def _offsets(folds: Sequence[Node]) -> dict[Node, int]:
    found, offset = {}, 0
    for node in folds:
        found[node] = offset
        offset += 8 * prod(node.out.shape)
    return found


def emit_merge(nest: NestEmitter, chunks: Chunks) -> ir.Function:
    """Emit ``void (ptr partials, ptr of each fold)``, which joins the chunks in their order."""
    folds = nest.space.folds
    kind = ir.FunctionType(ir.VoidType(), [PTR] * (1 + len(folds)))
    function = ir.Function(nest.function.module, kind, f"{nest.function.name}.merge")
    function.linkage = "internal"
    for attribute in ("noinline", "nounwind"):
        function.attributes.add(attribute)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    scalars = Scalars(builder, nest.scalars.target)
    partials, *targets = function.args
    merge: Callable[..., None] = _merge_totals if nest.is_flat else _merge_columns
    for i, (node, target) in enumerate(zip(folds, targets, strict=True)):
        offset = 16 * i if nest.is_flat else _offsets(folds)[node]
        merge(scalars, node, chunks, _bytes_on(builder, partials, offset), target)
    builder.ret_void()
    return function


def _merge_totals(
    scalars: Scalars, node: Node, chunks: Chunks, partials: ir.Value, target: ir.Value
) -> None:
    builder, kind = scalars.builder, llvm_type(node.out.dtype)
    with builder.goto_entry_block():
        places = [builder.alloca(kind) for _ in range(2)]
    builder.store(first(scalars, node).value, places[0])
    builder.store(ir.Constant(kind, 0), places[1])
    with loop(builder, chunks.count) as chunk:
        place = _bytes_on(builder, partials, builder.mul(chunk, I64(chunks.partial_bytes)))
        block, error = (
            scalars.load(_bytes_on(builder, place, 8 * k), node.out.dtype).value for k in range(2)
        )
        add_block(scalars, node, places, block)
        if is_sum(node):
            builder.store(builder.fadd(builder.load(places[1], typ=kind), error), places[1])
    lane = Lane(builder.load(places[0], typ=kind), node.out.dtype, scalars)
    if is_sum(node):
        lane = scalars.lane(builder.fadd(lane.value, builder.load(places[1], typ=kind)), lane)
    scalars.store(lane, target)


def _merge_columns(
    scalars: Scalars, node: Node, chunks: Chunks, partials: ir.Value, target: ir.Value
) -> None:
    builder, dtype = scalars.builder, node.out.dtype

    def each(body: Callable[..., None], *places: ir.Value) -> None:
        with loop(builder, prod(node.out.shape)) as i:
            at = Lane(i, dtype, scalars)
            body(*(scalars.element(one, dtype, at) for one in places))

    def begin(total: ir.Value, partial: ir.Value) -> None:
        scalars.store(scalars.load(partial, dtype), total)
        if is_sum(node):  # from here on there are errors in the place of the first partials
            scalars.store(scalars.number(0, dtype), partial)

    def add(total: ir.Value, error: ir.Value, partial: ir.Value) -> None:
        add_block(scalars, node, (total, error), scalars.load(partial, dtype).value)

    def end(total: ir.Value, error: ir.Value) -> None:
        lanes = [scalars.load(one, dtype) for one in (total, error)]
        scalars.store(scalars.add(*lanes), total)

    each(begin, target, partials)
    with loop(builder, chunks.count, start=1) as chunk:
        offset = builder.mul(chunk, I64(chunks.partial_bytes))
        each(add, target, partials, _bytes_on(builder, partials, offset))
    if is_sum(node):
        each(end, target, partials)
