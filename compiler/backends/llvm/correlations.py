"""Correlations of vectors: a block of results at a time, each in a register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Node
from .kernel import SingleKernel
from .loops import loop
from .scalars import I64, DType, Lane, literal, llvm_type

if TYPE_CHECKING:
    from .section import Section

VECTORS = 8  # of results in a block; each hides the time that another one's addition takes
_FREE = ("reassoc", "contract")


def emit_correlation(section: Section, node: Node) -> None:
    """Add up the products of a vector with each part of another one that is as long."""
    (long, short), out = node.operands, node.out
    target = section.target(out)
    pointers = section.pointer(long), section.pointer(short), target
    kernel = SingleKernel(section, "correlation", (), pointers)
    block = VECTORS * max(1, section.emission.target.vector_bytes // out.dtype.itemsize)
    count, taps = out.shape[0], short.shape[0]
    whole = count // block * block
    if whole:
        with loop(kernel.builder, whole, step=block) as first:
            _block(kernel, out.dtype, first, block // VECTORS, taps)
    if count > whole:
        with loop(kernel.builder, count, whole) as place:
            _one(kernel, out.dtype, place, taps)
    kernel.call()
    section.place_at(out, target)


def _plus_product(builder: ir.IRBuilder, dtype: DType, total: Any, x: Any, y: Any) -> ir.Value:
    if dtype.kind != "f":
        return builder.add(total, builder.mul(x, y))
    return builder.fadd(total, builder.fmul(x, y, flags=_FREE), flags=_FREE)


def _block(kernel: SingleKernel, dtype: DType, first: ir.Value, lanes: int, taps: int) -> None:
    """Compute results side by side: each element of the short vector meets all of them."""
    builder, scalars = kernel.builder, kernel.scalars
    long, short, target = kernel.targets
    kind = ir.VectorType(llvm_type(dtype), lanes)
    with builder.goto_entry_block():
        totals = [builder.alloca(kind) for _ in range(VECTORS)]
    for total in totals:
        builder.store(ir.Constant(kind, [literal(0, dtype)] * lanes), total)

    def vector(pointer: ir.Value, place: ir.Value, which: int) -> ir.Value:
        moved = builder.add(place, I64(which * lanes), flags=["nuw", "nsw"])
        return scalars.element(pointer, dtype, kernel.reader.index_lane(moved))

    with loop(builder, taps) as tap:
        factor = scalars.load(scalars.element(short, dtype, kernel.reader.index_lane(tap)), dtype)
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), factor.value, I64(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        factors = builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)
        place = builder.add(first, tap, flags=["nuw", "nsw"])
        for which, total in enumerate(totals):
            element = builder.load(vector(long, place, which), align=dtype.itemsize, typ=kind)
            before = builder.load(total, typ=kind)
            builder.store(_plus_product(builder, dtype, before, element, factors), total)
    for which, total in enumerate(totals):
        made = builder.load(total, typ=kind)
        builder.store(made, vector(target, first, which), align=dtype.itemsize)


def _one(kernel: SingleKernel, dtype: DType, place: ir.Value, taps: int) -> None:
    builder, scalars = kernel.builder, kernel.scalars
    long, short, target = kernel.targets
    with builder.goto_entry_block():
        total = builder.alloca(llvm_type(dtype))
    builder.store(literal(0, dtype), total)

    def element(pointer: ir.Value, index: ir.Value) -> ir.Value:
        return scalars.element(pointer, dtype, kernel.reader.index_lane(index))

    with loop(builder, taps) as tap:
        moved = builder.add(place, tap, flags=["nuw", "nsw"])
        x, y = (scalars.load(element(*one), dtype).value for one in ((long, moved), (short, tap)))
        before = builder.load(total, typ=llvm_type(dtype))
        builder.store(_plus_product(builder, dtype, before, x, y), total)
    lane = Lane(builder.load(total, typ=llvm_type(dtype)), dtype, scalars)
    scalars.store(lane, element(target, place))
