"""The native function that is being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import llvmlite.ir as ir

from ...ir import Node
from .gemm.emission import pointer_to
from .scalars import I8, I64, PTR, Scalars
from .target import Target

STATUS = ir.IntType(32)


@dataclass(eq=False)
class Emission:
    """A function under construction, and what all parts of it share.

    Attributes:
        module: The module that it stands in.
        function: The function: its last param is the workspace.
        builder: Where the next instruction goes.
        scalars: Appends operations on numbers there.
        target: For which machine.
        numbers: For names.
        calls: The nodes that are calls of Python, by the names of the objects that are called.
    """

    module: ir.Module
    function: ir.Function
    builder: ir.IRBuilder
    scalars: Scalars
    target: Target
    numbers: Iterator[int]
    calls: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def start(cls, module: ir.Module, name: str, pointers: int, target: Target) -> Emission:
        """Begin a function that takes so many pointers and a workspace, and returns a status."""
        kind = ir.FunctionType(STATUS, [PTR] * (pointers + 1))
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        return cls(module, function, builder, Scalars(builder, target), target, count())

    def name(self, what: str) -> str:
        """Return a new name for something that belongs to the function."""
        return f"{self.function.name}.{what}.{next(self.numbers)}"

    def in_workspace(self, offset: int) -> ir.Value:
        """Return an address in the workspace."""
        workspace = self.function.args[-1]
        return self.builder.gep(workspace, [I64(offset)], inbounds=True, source_etype=I8)

    def text(self, message: str) -> ir.Value:
        """Return the address of a C string."""
        raw = bytearray(message.encode() + b"\0")
        data = ir.GlobalVariable(self.module, ir.ArrayType(I8, len(raw)), self.name("text"))
        data.global_constant, data.linkage = True, "internal"
        data.initializer = ir.Constant(data.value_type, raw)
        return self.builder.gep(data, [I64(0)], source_etype=I8)

    def require(self, condition: ir.Value, message: str) -> None:
        """Return from the function with an IndexError unless a condition holds."""
        right = self.builder.append_basic_block("right")
        wrong = self.builder.append_basic_block("wrong")
        self.builder.cbranch(condition, right, wrong).set_weights([2000, 1])
        self.builder.position_at_end(wrong)
        kind = self.builder.load(self._object("PyExc_IndexError"), typ=PTR)
        self.python("PyErr_SetString", ir.VoidType(), kind, self.text(message))
        self.builder.ret(STATUS(1))
        self.builder.position_at_end(right)

    def call(self, node: Node, pointers: Sequence[ir.Value]) -> None:
        """Call Python with addresses, as integers; return from the function where it raises."""
        builder, name = self.builder, self.name("call")
        self.calls[name] = node
        numbers = [self.python("PyLong_FromVoidPtr", PTR, one) for one in pointers]
        with builder.goto_entry_block():
            table = builder.alloca(PTR, max(1, len(pointers)))
        for i, number in enumerate(numbers):
            builder.store(number, builder.gep(table, [I64(i)], source_etype=PTR))
        result = self.python(
            "PyObject_Vectorcall",
            PTR,
            self._object(name),
            table,
            I64(len(pointers)),
            ir.Constant(PTR, None),
        )
        for number in numbers:
            self.python("Py_DecRef", ir.VoidType(), number)
        null = ir.Constant(PTR, None)
        right, wrong = (builder.append_basic_block(one) for one in ("returned", "raised"))
        raised = builder.icmp_unsigned("==", result, null)
        builder.cbranch(raised, wrong, right).set_weights([1, 2000])
        builder.position_at_end(wrong)
        builder.ret(STATUS(1))
        builder.position_at_end(right)
        self.python("Py_DecRef", ir.VoidType(), result)

    def _object(self, name: str) -> Any:
        known = self.module.globals.get(name)
        return known or ir.GlobalVariable(self.module, PTR, name)

    def python(self, name: str, kind: ir.Type, *operands: ir.Value) -> ir.Value:
        """Call a function of Python's C interface."""
        given = [
            pointer_to(self.builder, one) if isinstance(one.type, ir.PointerType) else one
            for one in operands
        ]
        function = self.module.globals.get(name) or ir.Function(
            self.module, ir.FunctionType(kind, [one.type for one in given]), name
        )
        return self.builder.call(function, given)
