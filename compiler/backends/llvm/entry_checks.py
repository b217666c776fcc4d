"""What an entry asks of its arguments, and the pointers that the kernel gets for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir
import numpy as np

from .entry_arrays import (
    FEW,
    check_all_function,
    check_function,
    records,
    shape_constant,
    table_of_pointers,
    type_number,
)
from .entry_context import Context
from .entry_layout import (
    ALIGNED,
    BYTE,
    CONTIGUOUS,
    INT,
    NULL,
    NUMBER,
    POINTER,
    SIZE,
    TYPE,
    WRITEABLE,
    address_of,
    load_field,
    python_function,
)
from .entry_signature import Argument, type_slot


class Checks:
    """Emits the checks of one entry; ``builder`` goes on where all that was asked is so."""

    def __init__(self, builder: ir.IRBuilder, context: Context, mismatch: Any) -> None:
        self.builder = builder
        self.context = context
        self._mismatch = mismatch

    def require(self, condition: Any) -> None:
        """Emit a jump to the fallback unless the condition holds."""
        passed = self.builder.append_basic_block("passed")
        self.builder.cbranch(condition, passed, self._mismatch).set_weights([2000, 1])
        self.builder.position_at_end(passed)

    def arguments(self, given: Any, arguments: Sequence[Argument]) -> list[Any]:
        """Emit the checks of all arguments, which lie in a table; return the kernel's pointers."""
        many = sum(one.kind == "array" for one in arguments) > FEW
        pointers = self._many(given, arguments) if many else {}
        for i, expected in enumerate(arguments):
            if i not in pointers:
                one = load_field(self.builder, given, 8 * i, POINTER)
                pointers[i] = self._argument(one, expected)
        found = [pointers[i] for i in range(len(arguments))]
        self._apart(found, arguments)
        return found

    def _argument(self, given: Any, expected: Argument) -> Any:
        """Emit the checks of one argument; return the pointer that the kernel gets."""
        slot = "ndarray" if expected.kind == "array" else type_slot(expected.kind, expected.dtype)
        wanted = self.context.slot(self.builder, slot)
        found = load_field(self.builder, given, TYPE, POINTER)
        self.require(self.builder.icmp_unsigned("==", found, wanted))
        if expected.kind == "array":
            return self._array(given, expected)
        if expected.kind == "int":
            return self._integer(given, expected.dtype)
        if expected.kind == "bool":
            true = self.builder.icmp_unsigned("==", given, self.context.slot(self.builder, "True"))
            return self._copy(self.builder.zext(true, BYTE))
        if expected.kind == "float" and expected.dtype.itemsize == 4:
            return self._single(given)
        return address_of(self.builder, given, NUMBER)

    def _apart(self, pointers: list[Any], arguments: Sequence[Argument]) -> None:
        """Emit the check that arrays which are written share no memory with other arguments."""
        arrays = [i for i, one in enumerate(arguments) if one.kind == "array" and one.nbytes]
        starts = {i: self.builder.ptrtoint(pointers[i], SIZE) for i in arrays}
        ends = {i: self.builder.add(starts[i], SIZE(arguments[i].nbytes)) for i in arrays}
        for i in arrays:
            for j in arrays:
                # Two that are written are compared once.
                if not arguments[i].written or i == j or (arguments[j].written and j < i):
                    continue
                before = self.builder.icmp_unsigned("<=", ends[i], starts[j])
                behind = self.builder.icmp_unsigned("<=", ends[j], starts[i])
                self.require(self.builder.or_(before, behind))

    def _many(self, given: Any, arguments: Sequence[Argument]) -> dict[int, Any]:
        """Emit the checks of all arrays in a loop."""
        builder, module = self.builder, self.context.module
        arrays = [i for i, one in enumerate(arguments) if one.kind == "array"]
        table = records(
            self.context,
            "arguments",
            [(i, arguments[i].shape, arguments[i].dtype, _flags(arguments[i])) for i in arrays],
        )
        data = table_of_pointers(builder, len(arrays))
        ndarray = self.context.slot(builder, "ndarray")
        values = [given, table, SIZE(len(arrays)), ndarray, data]
        self.require(builder.call(check_all_function(module), values))
        return {
            argument: load_field(builder, data, 8 * i, POINTER) for i, argument in enumerate(arrays)
        }

    def _array(self, given: Any, expected: Argument) -> Any:
        shape = shape_constant(self.context.module, expected.shape)
        rank, number = INT(len(expected.shape)), type_number(expected.dtype)
        data = self.builder.call(
            check_function(self.context.module),
            [given, shape, rank, number, INT(_flags(expected))],
            attrs=("alwaysinline",),
        )
        self.require(self.builder.icmp_unsigned("!=", data, NULL))
        return data

    def _integer(self, given: Any, dtype: np.dtype[Any]) -> Any:
        """An int that does not fit goes to the fallback."""
        builder = self.builder
        with builder.goto_entry_block():
            overflow = builder.alloca(INT)
        convert = python_function(self.context.module, "PyLong_AsLongLongAndOverflow")
        value = builder.call(convert, [given, overflow])
        self.require(builder.icmp_signed("==", builder.load(overflow, typ=INT), INT(0)))
        if dtype.kind == "f":
            # By float64, as NumPy converts an int.
            wide = builder.sitofp(value, ir.DoubleType())
            return self._copy(wide if dtype.itemsize == 8 else self._narrow(wide))
        if dtype.itemsize == 8:
            if dtype.kind == "u":
                self.require(builder.icmp_signed(">=", value, SIZE(0)))
            return self._copy(value)
        short = builder.trunc(value, ir.IntType(8 * dtype.itemsize))
        back = builder.sext(short, SIZE) if dtype.kind == "i" else builder.zext(short, SIZE)
        self.require(builder.icmp_signed("==", back, value))
        return self._copy(short)

    def _single(self, given: Any) -> Any:
        """A float that is infinite as float32 only goes to the fallback: NumPy warns of it."""
        wide = load_field(self.builder, given, NUMBER, ir.DoubleType())
        return self._copy(self._narrow(wide))

    def _narrow(self, wide: Any) -> Any:
        builder = self.builder
        narrow = builder.fptrunc(wide, ir.FloatType())
        infinite = self._infinite(builder.fpext(narrow, ir.DoubleType()))
        self.require(builder.or_(builder.not_(infinite), self._infinite(wide)))
        return narrow

    def _infinite(self, value: Any) -> Any:
        inf = ir.Constant(ir.DoubleType(), float("inf"))
        negative = ir.Constant(ir.DoubleType(), float("-inf"))
        return self.builder.or_(
            self.builder.fcmp_ordered("==", value, inf),
            self.builder.fcmp_ordered("==", value, negative),
        )

    def _copy(self, value: Any) -> Any:
        with self.builder.goto_entry_block():
            place = self.builder.alloca(value.type)
        self.builder.store(value, place)
        return place


def _flags(expected: Argument) -> int:
    return CONTIGUOUS | ALIGNED | (WRITEABLE if expected.written else 0)
