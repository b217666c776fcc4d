"""Workspaces: the memory that a kernel needs during one call.

A small one lies on the stack. Of the larger ones up to four wait in the entry's context for the
next call; whoever takes one does so by an atomic exchange, so that calls from several threads, and
calls from within a call, get one each without a lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from .entry_context import CACHE, CACHED, TRIM, Context
from .entry_layout import BYTE, NULL, POINTER, SIZE, VOID, address_of, python_function, seldom

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register
ON_STACK = 16384  # bytes
_BEFORE = 2 * ALIGNMENT  # to align what PyMem_RawMalloc gives, and to note where it began


def emit_take(builder: ir.IRBuilder, context: Context, nbytes: int) -> Any:
    """Emit what gets a workspace; it is null where there is no memory (or none is needed)."""
    if nbytes == 0:
        return NULL
    if nbytes <= ON_STACK:
        with builder.goto_entry_block():
            block = builder.alloca(ir.ArrayType(BYTE, nbytes), name="workspace")
        block.align = ALIGNMENT
        return block
    cache = context.address(builder, CACHE)
    return builder.call(_take(context.module), [cache, SIZE(nbytes)], name="workspace")


def emit_give(builder: ir.IRBuilder, context: Context, nbytes: int, workspace: Any) -> None:
    """Emit what puts a workspace back."""
    if nbytes > ON_STACK:
        builder.call(_give(context.module), [context.address(builder, CACHE), workspace])


def emit_trim(context: Context, nbytes: int) -> None:
    """Emit the function ``void()``, named in the context, that frees the waiting workspaces."""
    if nbytes <= ON_STACK:
        return
    trim = _internal(context.module, f"{context.name}.trim", VOID, ())
    seldom(trim)
    context.place(TRIM, trim)
    builder = ir.IRBuilder(trim.append_basic_block("entry"))
    with _each(builder, context.address(builder, CACHE)) as address:
        waiting = builder.atomic_rmw("xchg", address, NULL, "acquire")
        with builder.if_then(builder.icmp_unsigned("!=", waiting, NULL)):
            _emit_free(builder, context.module, waiting)
    builder.ret_void()


def _take(module: ir.Module) -> Any:
    """``ptr take(ptr cache, i64 bytes)``: a waiting workspace, or a new one."""
    name = "gradc.workspace.take"
    if name in module.globals:
        return module.globals[name]
    function = _internal(module, name, POINTER, (POINTER, SIZE))
    cache, nbytes = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    with _each(builder, cache) as address:
        # A load first: an exchange takes the cache line from other threads.
        seen = builder.load_atomic(address, "monotonic", 8, typ=POINTER)
        with builder.if_then(builder.icmp_unsigned("!=", seen, NULL)):
            taken = builder.atomic_rmw("xchg", address, NULL, "acquire")
            with builder.if_then(builder.icmp_unsigned("!=", taken, NULL), likely=True):
                builder.ret(taken)
    builder.ret(builder.call(_allocate(module), [nbytes]))
    return function


def _give(module: ir.Module) -> Any:
    """``void give(ptr cache, ptr block)``: the block waits where there is room, or is freed."""
    name = "gradc.workspace.give"
    if name in module.globals:
        return module.globals[name]
    function = _internal(module, name, VOID, (POINTER, POINTER))
    cache, block = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    with _each(builder, cache) as address:
        pair = builder.cmpxchg(address, NULL, block, "release", "monotonic")
        with builder.if_then(builder.extract_value(pair, 1), likely=True):
            builder.ret_void()
    _emit_free(builder, module, block)
    builder.ret_void()
    return function


def _allocate(module: ir.Module) -> Any:
    """``ptr allocate(i64 bytes)``: a new workspace, or null."""
    function = _internal(module, "gradc.workspace.allocate", POINTER, (SIZE,))
    seldom(function)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    allocate = python_function(module, "PyMem_RawMalloc")
    raw = builder.call(allocate, [builder.add(function.args[0], SIZE(_BEFORE))])
    with builder.if_then(builder.icmp_unsigned("==", raw, NULL), likely=False):
        builder.ret(NULL)
    behind = builder.add(builder.ptrtoint(raw, SIZE), SIZE(_BEFORE))
    offset = builder.sub(builder.and_(behind, SIZE(-ALIGNMENT)), builder.ptrtoint(raw, SIZE))
    block = builder.gep(raw, [offset], source_etype=BYTE)
    builder.store(raw, address_of(builder, block, -ALIGNMENT))
    builder.ret(block)
    return function


@contextmanager
def _each(builder: ir.IRBuilder, cache: Any) -> Iterator[Any]:
    """Emit a loop over the addresses of a cache; what is emitted within is its body."""
    before = builder.block
    head = builder.append_basic_block("place")
    done = builder.append_basic_block("done")
    builder.branch(head)
    builder.position_at_end(head)
    address = builder.phi(POINTER)
    address.add_incoming(cache, before)
    yield address
    following = builder.gep(address, [SIZE(1)], source_etype=POINTER)
    address.add_incoming(following, builder.block)
    end = builder.gep(cache, [SIZE(CACHED)], source_etype=POINTER)
    builder.cbranch(builder.icmp_unsigned("==", following, end), done, head)
    builder.position_at_end(done)


def _internal(module: ir.Module, name: str, returns: Any, parameters: tuple[Any, ...]) -> Any:
    function = ir.Function(module, ir.FunctionType(returns, parameters), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    return function


def _emit_free(builder: ir.IRBuilder, module: ir.Module, block: Any) -> None:
    raw = builder.load(address_of(builder, block, -ALIGNMENT), typ=POINTER)
    builder.call(python_function(module, "PyMem_RawFree"), [raw])
