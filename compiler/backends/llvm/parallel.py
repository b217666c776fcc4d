"""Jobs for the pool of threads: calls of one function for each of many chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import llvmlite.ir as ir

from .chunks import Chunks
from .emission import Emission
from .gemm import taken_workspace
from .gemm.emission import pointer_to
from .pool import PARALLEL
from .scalars import I8, I64, PTR

_TASK = ir.FunctionType(ir.VoidType(), [PTR, I64])
_LANE = ir.IntType(32)


def run_job(emission: Emission, task: ir.Value, context: ir.Value, chunks: int) -> None:
    """Call ``task(context, chunk)`` for each chunk, by as many threads as there are."""
    module, builder = emission.module, emission.builder
    kind = ir.FunctionType(ir.VoidType(), [PTR, PTR, I64])
    run = module.globals.get(PARALLEL) or ir.Function(module, kind, PARALLEL)
    given = [pointer_to(builder, one) for one in (task, context)]
    builder.call(run, [*given, I64(chunks)])


def context_of(emission: Emission, values: Sequence[ir.Value]) -> tuple[ir.Value, ir.Type]:
    """Return the address and the type of a structure on the stack with these values."""
    builder = emission.builder
    kind = ir.LiteralStructType([_plain(one.type) for one in values])
    with builder.goto_entry_block():
        room = builder.alloca(kind)
        room.align = 64
        context = pointer_to(builder, room)
    for i, one in enumerate(values):
        plain = pointer_to(builder, one) if isinstance(one.type, ir.PointerType) else one
        builder.store(plain, builder.gep(context, [I64(0), _LANE(i)], source_etype=kind))
    return context, kind


def emit_task(
    emission: Emission, name: str, kind: ir.Type, body: Callable[..., None]
) -> ir.Function:
    """Return ``void task(ptr context, i64 chunk)``: ``body(builder, values, chunk)`` emits it."""
    function = ir.Function(emission.module, _TASK, name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    context, chunk = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    values = [
        builder.load(builder.gep(context, [I64(0), _LANE(i)], source_etype=kind), typ=one)
        for i, one in enumerate(kind.elements)
    ]
    body(builder, values, chunk)
    builder.ret_void()
    return function


def span_of(
    builder: ir.IRBuilder, chunk: ir.Value, size: int, extent: int
) -> tuple[ir.Value, ir.Value]:
    """Return where a chunk of so many places starts and stops; the last one may be smaller."""
    start = builder.mul(chunk, I64(size))
    stop = builder.add(start, I64(size))
    is_short = builder.icmp_signed(">", stop, I64(extent))
    return start, builder.select(is_short, I64(extent), stop)


def call_in_chunks(
    emission: Emission,
    function: ir.Function,
    given: Sequence[ir.Value],
    chunks: Chunks,
    partials: ir.Value,
) -> None:
    """Call a nest for each of its chunks."""

    def body(builder: ir.IRBuilder, values: Sequence[ir.Value], chunk: ir.Value) -> None:
        *given, partials = values
        start, stop = span_of(builder, chunk, chunks.size, chunks.extent)
        offset = builder.mul(chunk, I64(chunks.partial_bytes))
        own = builder.gep(partials, [offset], source_etype=I8)
        builder.call(function, [*given, start, stop, own])

    context, kind = context_of(emission, [*given, partials])
    name = f"{function.name}.task"
    task = emission.module.globals.get(name) or emit_task(emission, name, kind, body)
    run_job(emission, task, context, chunks.count)


Body = Callable[[ir.IRBuilder, Sequence[ir.Value], ir.Value, ir.Value], None]


def call_each(
    emission: Emission,
    name: str,
    values: Sequence[ir.Value],
    chunks: int,
    workspace: ir.Value,
    worker_bytes: int,
    body: Body,
) -> None:
    """Do something for each of many chunks.

    Args:
        emission: What is being written.
        name: Of the task.
        values: What the task is given.
        chunks: How many there are.
        workspace: The address of ``emission.workers`` workspaces.
        worker_bytes: The size of one, a multiple of 64.
        body: ``body(builder, values, workspace, chunk)`` emits it.
    """
    free = I64((1 << emission.workers) - 1)
    context, kind = context_of(emission, [*values, workspace, free])

    def task(builder: ir.IRBuilder, given: Sequence[ir.Value], chunk: ir.Value) -> None:
        bits = builder.gep(builder.function.args[0], [I64(0), _LANE(len(given) - 1)],
                           source_etype=kind)  # fmt: skip
        with taken_workspace(builder, bits, given[-2], worker_bytes) as own:
            body(builder, given[:-2], own, chunk)

    run_job(emission, emit_task(emission, name, kind, task), context, chunks)


def _plain(kind: ir.Type) -> ir.Type:
    return PTR if isinstance(kind, ir.PointerType) else kind
