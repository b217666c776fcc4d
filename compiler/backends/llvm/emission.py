"""The native function that is being written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import llvmlite.ir as ir

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
    """

    module: ir.Module
    function: ir.Function
    builder: ir.IRBuilder
    scalars: Scalars
    target: Target
    numbers: Iterator[int]

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
        wrong, right = (self.builder.append_basic_block(one) for one in ("wrong", "right"))
        self.builder.cbranch(condition, right, wrong).set_weights([2000, 1])
        self.builder.position_at_end(wrong)
        kind = self.builder.load(self._external("PyExc_IndexError"), typ=PTR)
        self.builder.call(self._raise(), [kind, self.text(message)])
        self.builder.ret(STATUS(1))
        self.builder.position_at_end(right)

    def _external(self, name: str) -> Any:
        known = self.module.globals.get(name)
        return known or ir.GlobalVariable(self.module, PTR, name)

    def _raise(self) -> Any:
        known = self.module.globals.get("PyErr_SetString")
        kind = ir.FunctionType(ir.VoidType(), [PTR, PTR])
        return known or ir.Function(self.module, kind, "PyErr_SetString")
