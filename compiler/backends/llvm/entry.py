"""The entry from Python: a function that CPython calls, and that calls the kernel.

Emitted into the program's own module, it checks the arguments by reading the objects' fields, makes
the outputs, calls the kernel and arranges the results; no other code runs in between. What does
not fit goes to a Python callable with the same arguments: the next specialisation or the slow path.
No address of the process stands in it: ``runtime.entry`` fills the context when it is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from .entry_checks import Checks
from .entry_context import PLAIN, RUN, TABLES, Context
from .entry_fallback import ENTRY, fallback_function
from .entry_layout import (
    INT,
    NULL,
    POINTER,
    SIZE,
    load_field,
    python_function,
    seldom,
)
from .entry_results import Results
from .entry_signature import Argument, Result, Signature, Tree
from .entry_workspace import ON_STACK, emit_give, emit_take, emit_trim

_FAILED = 1  # a status, as every number but 0: an exception is set


def emit_entry(
    module: ir.Module,
    name: str,
    kernel: ir.Function,
    arguments: Sequence[Argument],
    results: Sequence[Result],
    tree: Tree,
    workspace_bytes: int = 0,
    *,
    release: bool = False,
) -> Signature:
    """Add the function ``name`` and its table ``name.context``, both exported, to a module.

    Args:
        module: Which holds the kernel.
        name: Of the entry, and in front of what belongs to it.
        kernel: ``i32 (ptr of each argument, ptr of each result, ptr workspace)``. Numbers come by
            pointer as well; results of kind "argument" have no pointer; the workspace is null
            where none is needed. It returns 0, or another number when an exception is set.
            Instead of ``i32`` it may return nothing.
        arguments: What is accepted.
        results: What the kernel computes.
        tree: How they are arranged.
        workspace_bytes: How much memory the kernel needs beside that; aligned to 64 bytes.
        release: Release the interpreter's lock around the kernel.

    Returns:
        What the function takes and gives.

    Raises:
        ValueError: The parts do not belong together.
    """
    signature = Signature(tuple(arguments), tuple(results), tree, workspace_bytes, release)
    written = [one for one in results if one.kind != "argument"]
    if len(kernel.args) != len(arguments) + len(written) + 1:
        raise ValueError(f"{name}: the kernel takes {len(kernel.args)} pointers")
    context = Context(module, name, signature)
    run = _emit_run(context, kernel, signature)
    _emit_tables(context, run, len(arguments), len(written))
    _emit_plain(context, kernel, workspace_bytes)
    emit_trim(context, workspace_bytes)
    _emit_function(context, run, signature)
    return signature


def _emit_function(context: Context, run: Any, signature: Signature) -> None:
    """The function that Python calls."""
    function = ir.Function(context.module, ENTRY, context.name)
    function.attributes.add("nounwind")
    itself, given, count, keywords = function.args
    entry = function.append_basic_block("entry")
    first = function.append_basic_block("count")
    mismatch = function.append_basic_block("mismatch")
    builder = ir.IRBuilder(mismatch)
    fallback = fallback_function(context.module)
    builder.ret(builder.call(fallback, [itself, given, count, keywords], tail="musttail"))

    builder.position_at_end(first)
    checks = Checks(builder, context, mismatch)
    right = builder.icmp_unsigned("==", count, SIZE(len(signature.arguments)))
    checks.require(builder.and_(right, builder.icmp_unsigned("==", keywords, NULL)))
    pointers = checks.arguments(given, signature.arguments)
    results = Results(builder, context, given)
    places = results.make(signature.results)
    status = builder.call(run, [*pointers, *places])
    arranged = builder.append_basic_block("computed")
    fine = builder.icmp_signed("==", status, INT(0))
    builder.cbranch(fine, arranged, results.failed).set_weights([2000, 1])
    builder.position_at_end(arranged)
    builder.ret(results.arrange(signature.tree))
    ir.IRBuilder(entry).branch(first)  # the stack's slots stand before it


def _emit_run(context: Context, kernel: Any, signature: Signature) -> Any:
    """``i32 run(pointers)``, named in the context: the kernel with its workspace.

    The caller holds the interpreter's lock, which is released meanwhile if so wished.
    """
    parameters = [POINTER] * (len(kernel.args) - 1)
    run = ir.Function(context.module, ir.FunctionType(INT, parameters), f"{context.name}.run")
    run.linkage = "internal"
    context.place(RUN, run)
    large = signature.release or signature.workspace_bytes > ON_STACK
    run.attributes.add("noinline" if large else "alwaysinline")  # it has two callers
    entry = run.append_basic_block("entry")
    builder = ir.IRBuilder(run.append_basic_block("run"))
    nbytes = signature.workspace_bytes
    workspace = emit_take(builder, context, nbytes)
    if nbytes:
        with builder.if_then(builder.icmp_unsigned("==", workspace, NULL), likely=False):
            builder.call(python_function(context.module, "PyErr_NoMemory"), [])
            builder.ret(INT(_FAILED))
    state = None
    if signature.release:
        state = builder.call(python_function(context.module, "PyEval_SaveThread"), [])
    status = builder.call(kernel, [*run.args, workspace])
    if state is not None:
        builder.call(python_function(context.module, "PyEval_RestoreThread"), [state])
    emit_give(builder, context, nbytes, workspace)
    builder.ret(status if kernel.function_type.return_type == INT else INT(0))
    ir.IRBuilder(entry).branch(run.blocks[1])
    return run


def _emit_plain(context: Context, kernel: Any, nbytes: int) -> None:
    """``i32 plain(pointers)``, named in the context: as ``run``, for callers without the lock.

    Where it fails an exception is set if the thread is one of Python's, and lost in others.
    """
    kind = ir.FunctionType(INT, [POINTER] * (len(kernel.args) - 1))
    function = ir.Function(context.module, kind, f"{context.name}.plain")
    function.linkage = "internal"
    seldom(function)  # it calls the kernel and nothing else of weight
    context.place(PLAIN, function)
    entry = function.append_basic_block("entry")
    builder = ir.IRBuilder(function.append_basic_block("run"))
    workspace = emit_take(builder, context, nbytes)
    if nbytes:
        with builder.if_then(builder.icmp_unsigned("==", workspace, NULL), likely=False):
            state = builder.call(python_function(context.module, "PyGILState_Ensure"), [])
            builder.call(python_function(context.module, "PyErr_NoMemory"), [])
            builder.call(python_function(context.module, "PyGILState_Release"), [state])
            builder.ret(INT(_FAILED))
    status = builder.call(kernel, [*function.args, workspace])
    emit_give(builder, context, nbytes, workspace)
    builder.ret(status if kernel.function_type.return_type == INT else INT(0))
    ir.IRBuilder(entry).branch(function.blocks[1])


def _emit_tables(context: Context, run: Any, arguments: int, results: int) -> None:
    """``i32 tables(ptr arguments, ptr results)``, named in the context: for callers by ctypes."""
    kind = ir.FunctionType(INT, (POINTER, POINTER))
    function = ir.Function(context.module, kind, f"{context.name}.tables")
    function.linkage = "internal"
    context.place(TABLES, function)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    pointers = [
        load_field(builder, table, 8 * i, POINTER)
        for table, count in zip(function.args, (arguments, results), strict=True)
        for i in range(count)
    ]
    builder.ret(builder.call(run, pointers))
