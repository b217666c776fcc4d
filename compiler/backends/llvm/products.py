"""What a product of arrays is as a product of matrices, or of a batch of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import llvmlite.ir as ir
import numpy as np

from ...ir import Node, Value
from .chunks import WORTHWHILE, chunk_size
from .costs import RATES
from .emission import Emission
from .followers import Span, calls_of, scaled
from .fusion import Division
from .gemm import Gemm, Task, emit, workspace_bytes
from .gemm import emit_task as emit_gemm_task
from .gemm.tiles import rounded
from .layout import Strides, row_major, strides_of
from .loops import loop
from .parallel import call_each, context_of, emit_task, run_job, span_of
from .scalars import I64, llvm_type
from .workspace import ALIGNMENT

if TYPE_CHECKING:
    from .section import Section

_LEAST = 1024  # elements of a matrix for which a nest is called


class Batch(NamedTuple):
    """Products that are all alike.

    Attributes:
        product: One of them.
        shape: How many there are, by axis.
        strides: Of these axes, in the two operands and in the result.
    """

    product: Gemm
    shape: tuple[int, ...]
    strides: tuple[Strides, Strides, Strides]

    @property
    def elements(self) -> int:
        """Of a result of one of them."""
        return self.product.m * self.product.n


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


class Work(NamedTuple):
    """How the products of a batch are done.

    Attributes:
        batch: The products.
        function: Does one of them; or, as a task, a chunk of the only one.
        chunks: How many there are for threads; 1 where it is not worth it.
        products: How many of the batch are one chunk; 0 where a chunk is a part of one.
        worker_bytes: The size of a workspace, of which each thread at work needs one.
        task: Where a chunk is a part of a product, which.
    """

    batch: Batch
    function: Any
    chunks: int
    products: int
    worker_bytes: int
    task: Task | None = None


def work_of(emission: Emission, node: Node, layouts: Mapping[Value, Strides]) -> Work:
    """Emit the functions of a contraction whose result is not empty."""
    batch, module, target = batch_of(node, layouts), emission.products, emission.target
    spec, count = batch.product, prod(batch.shape)
    each = 2.0 * spec.m * spec.n * spec.k / RATES[spec.dtype]
    if count == 1 and each >= WORTHWHILE:
        task = emit_gemm_task(module, spec, target)
        if task.chunks > 1:
            function = emission.imported(task.function)
            return Work(batch, function, task.chunks, 0, task.worker_bytes, task)
    function = emission.imported(emit(module, spec, target))
    size = workspace_bytes(spec, target)
    products = chunk_size(count, each)
    return Work(batch, function, -(-count // products), products, rounded(size, ALIGNMENT))


def division_of(node: Node, work: Work) -> Division | None:
    """Return how the result of a contraction comes in parts; None where it comes at once."""
    if work.chunks == 1:
        return None
    rank, product = node.out.ndim, work.batch.product
    if work.task is None:
        axes = tuple(axis for axis, dim in enumerate(work.batch.shape) if dim > 1)
        is_often = len(axes) > 1 and product.m * product.n < _LEAST
        return Division(None if is_often else axes, True, work.chunks, prod(node.out.shape))
    x, y = node.operands
    high, wide = work.task.shares
    rows, columns = rank - 1 - (y.ndim > 1), rank - 1
    axes = (rows,) * (high > 1) + (columns,) * (wide > 1)
    is_run = wide == 1 or product.m == 1
    return Division(axes, is_run, work.chunks, prod(node.out.shape))


def emit_product(section: Section, node: Node) -> None:
    """Call the product of matrices, for each of a batch, and the nests that are done with it."""
    out = node.out
    target = section.target(out)
    pointers = [*(section.pointer(operand) for operand in node.operands), target]
    if 0 not in out.shape:
        work = section.work[node]
        if work.task is not None:
            _multiply_parts(section, node, work, work.task, pointers)
        else:
            _multiply_all(section, node, work, pointers)
    section.place_at(out, target)


def _multiply_parts(
    section: Section, node: Node, work: Work, task: Task, pointers: Sequence[ir.Value]
) -> None:
    """Append a product of which chunks are parts."""
    emission, function = section.emission, work.function
    calls = calls_of(section, node, pointers[-1])
    free = I64((1 << emission.workers) - 1)
    values = [*pointers, section.in_workspace(node), free, *calls.values]
    context, kind = context_of(emission, values)
    if calls.functions:

        def body(builder: ir.IRBuilder, given: Sequence[ir.Value], chunk: ir.Value) -> None:
            builder.call(work.function, [builder.function.args[0], chunk])
            rows, columns = task.spans(builder, chunk)
            high, wide = task.shares
            spans = [rows] * (high > 1) + [columns] * (wide > 1)
            run = scaled(builder, rows, work.batch.product.n) if high > 1 else columns
            calls.emit(builder, given[len(values) - len(calls.values) :], spans, run)

        function = emit_task(emission, emission.name(f"{function.name}.task"), kind, body)
    run_job(emission, function, context, work.chunks)


def _multiply_all(section: Section, node: Node, work: Work, pointers: Sequence[ir.Value]) -> None:
    """Append the products of a batch."""
    batch, workspace = work.batch, section.in_workspace(node)
    count = prod(batch.shape)
    if work.chunks == 1:
        with loop(section.builder, count) as place:
            _one(section.builder, work, pointers, workspace, _index(section.builder, batch, place))
        return
    calls = calls_of(section, node, pointers[-1])
    axes = [axis for axis, dim in enumerate(batch.shape) if dim > 1]
    at_once = len(axes) == 1 or calls.takes_runs

    def body(
        builder: ir.IRBuilder, given: Sequence[ir.Value], own: ir.Value, chunk: ir.Value
    ) -> None:
        span = span_of(builder, chunk, work.products, count)
        rest = given[len(pointers) :]
        with loop(builder, span[1], span[0]) as place:
            index = _index(builder, batch, place)
            _one(builder, work, given[: len(pointers)], own, index)
            if not at_once:
                spans = [_single(builder, index[axis]) for axis in axes]
                run = scaled(builder, _single(builder, place), batch.elements)
                calls.emit(builder, rest, spans, run)
        if at_once:
            calls.emit(builder, rest, [span], scaled(builder, span, batch.elements))

    task = section.emission.name(f"{work.function.name}.task")
    values = [*pointers, *calls.values]
    call_each(section.emission, task, values, work.chunks, workspace, work.worker_bytes, body)


def _single(builder: ir.IRBuilder, place: ir.Value) -> Span:
    return place, builder.add(place, I64(1))


def _index(builder: ir.IRBuilder, batch: Batch, place: ir.Value) -> list[ir.Value]:
    """Return where in a batch a place of it is, in row-major order."""
    index: list[ir.Value] = []
    after = 1
    for dim in reversed(batch.shape):
        rest = builder.udiv(place, I64(after)) if after > 1 else place
        index.insert(0, builder.urem(rest, I64(dim)) if after * dim < prod(batch.shape) else rest)
        after *= dim
    return index


def _one(
    builder: ir.IRBuilder,
    work: Work,
    pointers: Sequence[ir.Value],
    workspace: ir.Value,
    index: Sequence[ir.Value],
) -> None:
    """Append one product of a batch."""
    batch, kind = work.batch, llvm_type(np.dtype(work.batch.product.dtype))
    given = []
    for pointer, strides in zip(pointers, batch.strides, strict=True):
        for at, stride in zip(index, strides, strict=True):
            if stride:
                offset = builder.mul(at, I64(stride))
                pointer = builder.gep(pointer, [offset], inbounds=True, source_etype=kind)
        given.append(pointer)
    builder.call(work.function, [*given, workspace])
