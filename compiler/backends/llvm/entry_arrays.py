"""The arrays of an entry: the check of one given, and the functions that see to many in a loop.

A few arrays are checked and made one by one in the entry itself. Of many, each has a record in a
constant table instead: copies of the code would cost more time to compile than they save in a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir
import numpy as np

from .entry_context import Context, constant
from .entry_layout import (
    ARRAY_DATA,
    ARRAY_DTYPE,
    ARRAY_FLAGS,
    ARRAY_RANK,
    ARRAY_SHAPE,
    BYTE,
    DTYPE_BYTE_ORDER,
    DTYPE_NUMBER,
    INT,
    NULL,
    POINTER,
    SIZE,
    TYPE,
    VOID,
    load_field,
    python_function,
)

FEW = 6  # so many are seen to one by one: each takes 2 ms to compile

# The shape, the rank, the type's number, the flags needed, the position among the arguments.
_RECORD = ir.LiteralStructType((POINTER, INT, INT, INT, INT))
_SWAPPED = ord(">")  # the machines that gradc compiles for are all little-endian

# PyArray_New(type, rank, shape, number, strides, data, itemsize, flags, base)
NEW_ARRAY = (POINTER, INT, POINTER, INT, POINTER, POINTER, INT, INT, POINTER)
BOOL = ir.IntType(1)


def type_number(dtype: np.dtype[Any]) -> Any:
    """Return NumPy's number of the type that it makes for this kind and size."""
    return INT(np.dtype(dtype.str).num)


def shape_constant(module: ir.Module, shape: tuple[int, ...]) -> Any:
    """Return a shape as a constant of the module."""
    name = "gradc.shape." + "x".join(map(str, shape))
    return constant(module, name, SIZE, list(shape) or [0])


def records(
    context: Context,
    name: str,
    arrays: Sequence[tuple[int, tuple[int, ...], np.dtype[Any], int]],
) -> Any:
    """Return the table of arrays, each given as position, shape, dtype, flags needed."""
    kind = ir.ArrayType(_RECORD, len(arrays))
    table = ir.GlobalVariable(context.module, kind, f"{context.name}.{name}")
    table.linkage, table.global_constant = "private", True
    table.initializer = ir.Constant(
        kind,
        [
            ir.Constant(
                _RECORD,
                (
                    shape_constant(context.module, shape),
                    INT(len(shape)),
                    type_number(dtype),
                    INT(flags),
                    INT(position),
                ),
            )
            for position, shape, dtype, flags in arrays
        ],
    )
    return table


def check_function(module: ir.Module) -> Any:
    """``ptr check(array, shape, rank, number, flags)``: where its data lies, or null.

    The array is an ``ndarray``. One of size 0 without data may go to the fallback.
    """
    function, is_new = _internal(module, "gradc.array", POINTER, (POINTER, POINTER, INT, INT, INT))
    if not is_new:
        return function
    given, shape, rank, number, flags = function.args
    wrong = function.append_basic_block("wrong")
    ir.IRBuilder(wrong).ret(NULL)
    builder = ir.IRBuilder(function.entry_basic_block)
    dtype = load_field(builder, given, ARRAY_DTYPE, POINTER)
    order = load_field(builder, dtype, DTYPE_BYTE_ORDER, BYTE)
    present = builder.and_(load_field(builder, given, ARRAY_FLAGS, INT), flags)
    fits = builder.icmp_unsigned("!=", order, BYTE(_SWAPPED))
    for found, wanted in (
        (load_field(builder, given, ARRAY_RANK, INT), rank),
        (load_field(builder, dtype, DTYPE_NUMBER, INT), number),
        (present, flags),
    ):
        fits = builder.and_(fits, builder.icmp_unsigned("==", found, wanted))
    dims = load_field(builder, given, ARRAY_SHAPE, POINTER)
    _require(builder, fits, wrong)
    with _counted(builder, builder.sext(rank, SIZE)) as axis:
        found, wanted = (_item(builder, table, axis, SIZE) for table in (dims, shape))
        _require(builder, builder.icmp_unsigned("==", found, wanted), wrong)
    builder.ret(load_field(builder, given, ARRAY_DATA, POINTER))
    return function


def check_all_function(module: ir.Module) -> Any:
    """``i1 check(arguments, records, count, ndarray, data)``: as ``check_function`` for each.

    Where the data of each lies is written into ``data``.
    """
    kinds = (POINTER, POINTER, SIZE, POINTER, POINTER)
    function, is_new = _internal(module, "gradc.arrays", BOOL, kinds)
    if not is_new:
        return function
    given, table, count, ndarray, data = function.args
    wrong = function.append_basic_block("wrong")
    ir.IRBuilder(wrong).ret(BOOL(0))
    builder = ir.IRBuilder(function.entry_basic_block)
    with _counted(builder, count) as i:
        *expected, position = _fields(builder, table, i)
        array = _item(builder, given, builder.sext(position, SIZE), POINTER)
        found = load_field(builder, array, TYPE, POINTER)
        _require(builder, builder.icmp_unsigned("==", found, ndarray), wrong)
        pointer = builder.call(check_function(module), [array, *expected])
        _require(builder, builder.icmp_unsigned("!=", pointer, NULL), wrong)
        builder.store(pointer, builder.gep(data, [i], source_etype=POINTER))
    builder.ret(BOOL(1))
    return function


def make_all_function(module: ir.Module) -> Any:
    """``i1 make(records, count, ndarray, PyArray_New, arrays, data)``: whether all could be made.

    The arrays and where their data lies are written into the last two.
    """
    new = ir.FunctionType(POINTER, NEW_ARRAY).as_pointer()
    kinds = (POINTER, SIZE, POINTER, new, POINTER, POINTER)
    function, is_new = _internal(module, "gradc.arrays.make", BOOL, kinds)
    if not is_new:
        return function
    table, count, ndarray, make, arrays, data = function.args
    builder = ir.IRBuilder(function.entry_basic_block)
    with _counted(builder, count) as i:
        shape, rank, number, *_ = _fields(builder, table, i)
        array = builder.call(make, [ndarray, rank, shape, number, NULL, NULL, INT(0), INT(0), NULL])
        with builder.if_then(builder.icmp_unsigned("==", array, NULL), likely=False):
            builder.call(drop_all_function(module), [arrays, i])
            builder.ret(BOOL(0))
        builder.store(array, builder.gep(arrays, [i], source_etype=POINTER))
        pointer = load_field(builder, array, ARRAY_DATA, POINTER)
        builder.store(pointer, builder.gep(data, [i], source_etype=POINTER))
    builder.ret(BOOL(1))
    return function


def drop_all_function(module: ir.Module) -> Any:
    """``void drop(objects, count)``: give back a reference to each."""
    function, is_new = _internal(module, "gradc.drop", VOID, (POINTER, SIZE))
    if is_new:
        objects, count = function.args
        builder = ir.IRBuilder(function.entry_basic_block)
        with _counted(builder, count) as i:
            one = _item(builder, objects, i, POINTER)
            builder.call(python_function(module, "Py_DecRef"), [one])
        builder.ret_void()
    return function


def table_of_pointers(builder: ir.IRBuilder, count: int) -> Any:
    """Emit room for pointers on the stack."""
    with builder.goto_entry_block():
        return builder.alloca(ir.ArrayType(POINTER, count))


def _internal(
    module: ir.Module, name: str, returns: Any, parameters: tuple[Any, ...]
) -> tuple[Any, bool]:
    """Return a function of the module, with an entry block, and whether it is new."""
    if name in module.globals:
        return module.globals[name], False
    function = ir.Function(module, ir.FunctionType(returns, parameters), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    function.append_basic_block("entry")
    return function, True


def _require(builder: ir.IRBuilder, condition: Any, otherwise: Any) -> None:
    passed = builder.append_basic_block("passed")
    builder.cbranch(condition, passed, otherwise).set_weights([2000, 1])
    builder.position_at_end(passed)


def _item(builder: ir.IRBuilder, table: Any, index: Any, kind: Any) -> Any:
    return builder.load(builder.gep(table, [index], source_etype=kind), typ=kind)


def _fields(builder: ir.IRBuilder, table: Any, index: Any) -> list[Any]:
    """Emit the loads of a record."""
    return [
        builder.load(builder.gep(table, [index, INT(field)], source_etype=_RECORD), typ=kind)
        for field, kind in enumerate(_RECORD.elements)
    ]


@contextmanager
def _counted(builder: ir.IRBuilder, count: Any) -> Iterator[Any]:
    """Emit a loop over 0 to ``count`` - 1; what is emitted within is its body."""
    before = builder.block
    head, body, done = map(builder.append_basic_block, ("head", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    i = builder.phi(SIZE)
    i.add_incoming(SIZE(0), before)
    builder.cbranch(builder.icmp_signed("<", i, count), body, done)
    builder.position_at_end(body)
    yield i
    i.add_incoming(builder.add(i, SIZE(1)), builder.block)
    builder.branch(head)
    builder.position_at_end(done)
