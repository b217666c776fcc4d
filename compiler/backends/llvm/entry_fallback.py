"""The call of what stands behind an entry: another one, or a function of Python."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from .entry_layout import (
    CELL_CONTENTS,
    INT,
    NULL,
    POINTER,
    SIZE,
    TUPLE_ITEMS,
    load_field,
    python_function,
    seldom,
)

# PyCFunctionFastWithKeywords: (self, arguments, their number, names of keyword arguments).
ENTRY = ir.FunctionType(POINTER, (POINTER, POINTER, SIZE, POINTER))


def fallback_function(module: ir.Module) -> Any:
    """Return the function, of the type ``ENTRY``, that calls what stands in the cell.

    ``__self__`` is ``(cell, ...)``. The callable is held while it runs: another one may be put into
    the cell meanwhile. The cell is empty when the garbage collector has taken the entry apart.
    """
    name = "gradc.fallback"
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ENTRY, name)
    function.linkage = "internal"
    seldom(function)
    itself, given, count, keywords = function.args
    entry = function.append_basic_block("entry")
    named = function.append_basic_block("named")
    call = function.append_basic_block("call")
    builder = ir.IRBuilder(entry)
    cell = load_field(builder, itself, TUPLE_ITEMS, POINTER)
    behind = load_field(builder, cell, CELL_CONTENTS, POINTER)
    with builder.if_then(builder.icmp_unsigned("==", behind, NULL), likely=False):
        builder.call(python_function(module, "PyErr_BadInternalCall"), [])
        builder.ret(NULL)
    positional = builder.block
    builder.cbranch(builder.icmp_unsigned("==", keywords, NULL), call, named)
    builder.position_at_end(named)
    made = builder.call(_keywords_function(module), [given, count, keywords])
    with builder.if_then(builder.icmp_unsigned("==", made, NULL), likely=False):
        builder.ret(NULL)
    packed = builder.block
    builder.branch(call)
    builder.position_at_end(call)
    values = builder.phi(POINTER, "keywords")
    values.add_incoming(NULL, positional)
    values.add_incoming(made, packed)
    builder.call(python_function(module, "Py_IncRef"), [behind])
    vectorcall = python_function(module, "PyObject_VectorcallDict")
    result = builder.call(vectorcall, [behind, given, count, values])
    builder.call(python_function(module, "Py_DecRef"), [behind])
    builder.call(python_function(module, "Py_DecRef"), [values])  # NULL is allowed
    builder.ret(result)
    return function


def _keywords_function(module: ir.Module) -> Any:
    """``ptr keywords(ptr arguments, i64 count, ptr names)``: a dict, or NULL with an exception.

    ``PyObject_Vectorcall``, which takes the names as they are, is no symbol of CPython 3.10.
    """
    kind = ir.FunctionType(POINTER, (POINTER, SIZE, POINTER))
    function = ir.Function(module, kind, "gradc.keywords")
    function.linkage = "internal"
    seldom(function)
    given, count, names = function.args
    entry = function.append_basic_block("entry")
    head, body, done, failed = map(function.append_basic_block, ("head", "body", "done", "failed"))
    builder = ir.IRBuilder(entry)
    made = builder.call(python_function(module, "PyDict_New"), [])
    with builder.if_then(builder.icmp_unsigned("==", made, NULL), likely=False):
        builder.ret(NULL)
    size = builder.call(python_function(module, "PyTuple_Size"), [names])
    before = builder.block
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(SIZE)
    i.add_incoming(SIZE(0), before)
    builder.cbranch(builder.icmp_signed("<", i, size), body, done)
    builder.position_at_end(body)
    key = builder.call(python_function(module, "PyTuple_GetItem"), [names, i])
    place = builder.gep(given, [builder.add(count, i)], source_etype=POINTER)
    value = builder.load(place, typ=POINTER)
    status = builder.call(python_function(module, "PyDict_SetItem"), [made, key, value])
    i.add_incoming(builder.add(i, SIZE(1)), body)
    builder.cbranch(builder.icmp_signed("==", status, INT(0)), head, failed)
    builder.position_at_end(done)
    builder.ret(made)
    builder.position_at_end(failed)
    builder.call(python_function(module, "Py_DecRef"), [made])
    builder.ret(NULL)
    return function
