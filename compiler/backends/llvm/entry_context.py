"""The table of pointers beside an entry, which ``runtime.entry`` fills when the code is loaded."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from .entry_layout import BYTE, NULL, POINTER, SIZE
from .entry_signature import Signature

TEXT, TABLES, TRIM = 0, 1, 2  # the signature's text; see entry.py and entry_workspace.py
RUN, PLAIN = 3, 4  # see entry.py
CACHE, CACHED = 5, 4  # where workspaces wait for the next call, and how many do
SLOTS = CACHE + CACHED  # of Signature.slots


class Context:
    """The table of one entry: a global array of pointers, exported as ``<name>.context``.

    Attributes:
        module: Which gets the table.
        name: The entry's.
        table: The global variable.
    """

    def __init__(self, module: ir.Module, name: str, signature: Signature) -> None:
        self.module = module
        self.name = name
        self._slots = {slot: SLOTS + i for i, slot in enumerate(signature.slots)}
        kind = ir.ArrayType(POINTER, SLOTS + len(self._slots))
        self.table = ir.GlobalVariable(module, kind, f"{name}.context")
        self.table.align = 64
        self._initial = [NULL] * kind.count
        text = signature.text.encode("ascii") + b"\0"
        self.place(TEXT, constant(module, f"{name}.signature", BYTE, list(text)))

    def place(self, index: int, value: Any) -> None:
        """Let an entry of the table be the address of something in the module."""
        self._initial[index] = value
        self.table.initializer = ir.Constant(self.table.value_type, self._initial)

    def address(self, builder: ir.IRBuilder, index: int) -> Any:
        """Emit the address of an entry of the table."""
        return builder.gep(self.table, [SIZE(index)], source_etype=POINTER, inbounds=True)

    def slot(self, builder: ir.IRBuilder, name: str) -> Any:
        """Emit the load of what the process put into a slot."""
        address = self.address(builder, self._slots[name])
        return builder.load(address, typ=POINTER, name=name.replace(" ", "."))

    def function(self, builder: ir.IRBuilder, name: str, parameters: tuple[Any, ...]) -> Any:
        """Emit the load of a function, which returns a pointer, from a slot."""
        kind = ir.FunctionType(POINTER, parameters).as_pointer()
        address = self.address(builder, self._slots[name])
        return builder.load(address, typ=kind, name=name.replace(" ", "."))


def constant(module: ir.Module, name: str, kind: Any, values: list[int]) -> Any:
    """Return a constant array of integers, the same one for the same name."""
    if name in module.globals:
        return module.globals[name]
    array = ir.ArrayType(kind, len(values))
    made = ir.GlobalVariable(module, array, name)
    made.linkage, made.global_constant, made.unnamed_addr = "private", True, True
    made.initializer = ir.Constant(array, values)
    return made
