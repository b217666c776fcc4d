"""Records whose length is known at run time only: rows in memory of their own.

A record keeps its memory until the outermost loop that makes it has ended: where it is made again,
it lies in the same place. What is left over is freed where the function ends, however it ends.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from ...ir import Node, Value
from ...primitive import Cut, Stored, Uninitialised
from ...types import INDEX_DTYPE, ArrayType
from .gemm.emission import local
from .layout import rows_first
from .places import Buffer, Record
from .scalars import I64, PTR, Lane
from .stores import store_part

if TYPE_CHECKING:
    import llvmlite.ir as ir

    from .section import Section

HANDLE = ArrayType((2,), INDEX_DTYPE)  # address and length: so records come and go
_LARGEST = 2**63 - 1  # bytes
_NO_MEMORY = "there is no memory for what a loop saves"


def emit_record(section: Section, node: Node) -> None:
    """Make a record, store a row, leave out those behind the first ones, or move its axes."""
    lower = node.primitive.lower
    if isinstance(lower, Uninitialised):
        _make(section, node)
        return
    rows = node.operands[0]
    record = section.records[rows]
    if isinstance(lower, Cut):
        most, wanted = length(section, rows).value, _number(section, node.operands[1])
        fits = section.builder.icmp_unsigned("<", wanted, most)
        record = replace(record, rows=section.builder.select(fits, wanted, most))
    elif isinstance(lower, Stored) and "index" not in node.attrs:
        _make_room(section, rows, _number(section, node.operands[2]))
    section.records[node.out] = record
    if isinstance(lower, Stored):
        store_part(section, node, current(section, rows))


def _make(section: Section, node: Node) -> None:
    builder, count = section.builder, _number(section, node.operands[0])
    record = Record(
        local(builder, PTR), local(builder, I64), None if node.attrs["grows"] else count
    )
    with builder.goto_entry_block():
        builder.store(PTR(None), record.pointer)
        builder.store(I64(0), record.capacity)
    section.emission.memory.append(record.pointer)
    section.records[node.out] = record
    is_short = builder.icmp_unsigned(">", count, _capacity(section, record))
    with builder.if_then(is_short, likely=False):
        _resize(section, node.out, count)


def _make_room(section: Section, rows: Value, place: ir.Value) -> None:
    """Let a record grow where it is full: to twice its length."""
    builder, capacity = section.builder, _capacity(section, section.records[rows])
    is_full = builder.icmp_unsigned("==", place, capacity)
    with builder.if_then(is_full, likely=False):
        _resize(section, rows, builder.shl(capacity, I64(1)))


def _number(section: Section, value: Value) -> ir.Value:
    section.backed(value)
    return section.reader.read(value, ()).value


def length(section: Section, value: Value) -> Lane:
    """Return how many rows of a record there are: so many may be read and written."""
    record = section.records[value]
    rows = _capacity(section, record) if record.rows is None else record.rows
    return Lane(rows, INDEX_DTYPE, section.scalars)


def current(section: Section, value: Value) -> Buffer:
    """Return where the rows of a record are now; they may move when it is stored to."""
    pointer = section.builder.load(section.records[value].pointer, typ=PTR)
    return Buffer(pointer, rows_first(value.shape))


def lent(section: Section, pointer: ir.Value) -> Record:
    """Return a record that lies with the caller, who gives its address and its length."""
    builder = section.builder
    record = Record(local(builder, PTR), local(builder, I64), None)
    builder.store(builder.load(pointer, typ=PTR), record.pointer)
    builder.store(builder.load(_second(section, pointer), typ=I64), record.capacity)
    return record


def given_away(section: Section, value: Value, pointer: ir.Value) -> Record:
    """Tell the caller where a record is, and how long; it is the caller's from here on."""
    builder, record = section.builder, section.records[value]
    builder.store(builder.load(record.pointer, typ=PTR), pointer)
    builder.store(length(section, value).value, _second(section, pointer))
    builder.store(PTR(None), record.pointer)
    return record


def _second(section: Section, pointer: ir.Value) -> ir.Value:
    return section.scalars.element(pointer, INDEX_DTYPE, 1)


def free_unread(section: Section, place: int) -> None:
    """Free the records that no step of a program behind this one reads.

    They are its own, and those of the bodies that run in this step.
    """
    records = {section.records[one].pointer: one for one in section.ends if one in section.records}
    for pointer in section.emission.memory:
        end = section.ends[records[pointer]] if pointer in records else place
        if end <= place and pointer not in section.freed:
            section.emission.free(pointer)
            section.freed.add(pointer)


def _capacity(section: Section, record: Record) -> ir.Value:
    return section.builder.load(record.capacity, typ=I64)


def _resize(section: Section, rows: Value, count: ir.Value) -> None:
    """Move a record to memory for so many rows; end with a MemoryError where there is none."""
    builder, emission, record = section.builder, section.emission, section.records[rows]
    row = prod(dim for dim in rows.shape if isinstance(dim, int)) * rows.dtype.itemsize
    size: ir.Value = I64(1)
    if row:
        fits = builder.icmp_unsigned("<=", count, I64(_LARGEST // row))
        emission.require(fits, _NO_MEMORY, "MemoryError")
        size = builder.mul(count, I64(row))
    old = builder.load(record.pointer, typ=PTR)
    moved = emission.python("PyMem_RawRealloc", PTR, old, size)
    emission.require(builder.icmp_unsigned("!=", moved, PTR(None)), _NO_MEMORY, "MemoryError")
    builder.store(moved, record.pointer)
    builder.store(count, record.capacity)
