"""What a product of arrays is as a product of matrices, or of a batch of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir
import numpy as np

from ...ir import Node, Value
from .chunks import WORTHWHILE, chunk_size
from .costs import RATES
from .emission import Emission
from .gemm import Gemm, emit, emit_task, workspace_bytes
from .gemm.tiles import rounded
from .layout import Strides, row_major, strides_of
from .loops import loop
from .parallel import call_each, context_of, run_job, span_of
from .scalars import I64, PTR, llvm_type
from .workspace import ALIGNMENT

if TYPE_CHECKING:
    from .section import Section


@dataclass(frozen=True)
class Batch:
    """Products that are all alike.

    Attributes:
        product: One of them.
        shape: How many there are, by axis.
        strides: Of these axes, in the two operands and in the result.
    """

    product: Gemm
    shape: tuple[int, ...]
    strides: tuple[Strides, Strides, Strides]


def batch_of(node: Node, layouts: Mapping[Value, Strides]) -> Batch:
    """Return the products that a contraction is; a vector is one row, or one column.

    Args:
        node: The contraction.
        layouts: Strides of what is not laid out row by row.
    """
    (x, y), out = node.operands, node.out

    xs, ys, outs = strides_of(x, layouts), strides_of(y, layouts), row_major(out.shape)
    a = xs[-2:] if x.ndim > 1 else (0, xs[-1])
    b = ys[-2:] if y.ndim > 1 else (ys[-1], 0)
    rest = iter(outs[-((x.ndim > 1) + (y.ndim > 1)) :] if x.ndim > 1 or y.ndim > 1 else ())
    c = (next(rest) if x.ndim > 1 else 0, next(rest) if y.ndim > 1 else 0)
    product = Gemm(
        dtype=out.dtype.name,
        m=x.shape[-2] if x.ndim > 1 else 1,
        n=y.shape[-1] if y.ndim > 1 else 1,
        k=x.shape[-1],
        a=(a[0], a[1]),
        b=(b[0], b[1]),
        c=c,
    )
    lead = x.shape[:-2] if x.ndim > 2 else y.shape[:-2]
    none = (0,) * len(lead)
    strides = (
        xs[:-2] if x.ndim > 2 else none,
        ys[:-2] if y.ndim > 2 else none,
        outs[: len(lead)],
    )
    return Batch(product, lead, strides)


@dataclass(frozen=True)
class Work:
    """How the products of a batch are done.

    Attributes:
        batch: The products.
        function: Does one of them; or, as a task, a chunk of the only one.
        chunks: How many there are for threads; 1 where it is not worth it.
        products: How many of the batch are one chunk; 0 where a chunk is a part of one.
        worker_bytes: The size of a workspace, of which each thread at work needs one.
    """

    batch: Batch
    function: Any
    chunks: int
    products: int
    worker_bytes: int


def work_of(emission: Emission, node: Node, layouts: Mapping[Value, Strides]) -> Work:
    """Emit the functions of a contraction whose result is not empty."""
    batch, module, target = batch_of(node, layouts), emission.products, emission.target
    spec, count = batch.product, prod(batch.shape)
    each = 2.0 * spec.m * spec.n * spec.k / RATES[spec.dtype]
    if count == 1 and each >= WORTHWHILE:
        task = emit_task(module, spec, target)
        if task.chunks > 1:
            return Work(batch, emission.imported(task.function), task.chunks, 0, task.worker_bytes)
    function = emission.imported(emit(module, spec, target))
    size = workspace_bytes(spec, target)
    products = chunk_size(count, each)
    return Work(batch, function, -(-count // products), products, rounded(size, ALIGNMENT))


def emit_product(section: Section, node: Node) -> None:
    """Call the product of matrices, for each of a batch."""
    out = node.out
    target = section.target(out)
    if 0 not in out.shape:
        _multiply(section, node, section.work[node], target)
    section.place_at(out, target)


def _multiply(section: Section, node: Node, work: Work, target: ir.Value) -> None:
    pointers = [section.pointer(operand) for operand in node.operands]
    emission, workspace, name = section.emission, section.in_workspace(node), work.function.name
    none = ir.Constant(PTR, None)
    if not work.products:
        free = I64((1 << emission.workers) - 1)
        context, _ = context_of(emission, [*pointers, target, workspace, none, free])
        run_job(emission, work.function, context, work.chunks)
        return
    count = prod(work.batch.shape)
    if work.chunks == 1:
        with loop(section.builder, count) as place:
            _one(section.builder, work, (*pointers, target), workspace, place)
        return

    def body(
        builder: ir.IRBuilder, given: Sequence[ir.Value], own: ir.Value, chunk: ir.Value
    ) -> None:
        start, stop = span_of(builder, chunk, work.products, count)
        with loop(builder, stop, start) as place:
            _one(builder, work, given, own, place)

    task, values = emission.name(f"{name}.task"), [*pointers, target]
    call_each(emission, task, values, work.chunks, workspace, work.worker_bytes, body)


def _one(
    builder: ir.IRBuilder,
    work: Work,
    pointers: Sequence[ir.Value],
    workspace: ir.Value,
    place: ir.Value,
) -> None:
    """Append one product: that at a place of the batch, in row-major order."""
    batch, kind = work.batch, llvm_type(np.dtype(work.batch.product.dtype))
    index: list[ir.Value] = []
    after = 1
    for dim in reversed(batch.shape):
        rest = builder.udiv(place, I64(after)) if after > 1 else place
        index.insert(0, builder.urem(rest, I64(dim)) if after * dim < prod(batch.shape) else rest)
        after *= dim
    given = []
    for pointer, strides in zip(pointers, batch.strides, strict=True):
        for at, stride in zip(index, strides, strict=True):
            if stride:
                offset = builder.mul(at, I64(stride))
                pointer = builder.gep(pointer, [offset], inbounds=True, source_etype=kind)
        given.append(pointer)
    builder.call(work.function, [*given, workspace, ir.Constant(PTR, None)])
