"""The native function that is being written."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import llvmlite.ir as ir

from ...ir import Node
from .clock import Clock
from .gemm.emission import pointer_to
from .scalars import I8, I64, PTR, Scalars
from .target import Target

STATUS = ir.IntType(32)
INLINED = 96  # functions of numbers in registers: long straight code would compile for minutes


@dataclass(eq=False)
class Emission:
    """A function under construction, and what all parts of it share.

    Attributes:
        module: The module that it stands in.
        products: The module of the products that it calls, which LLVM's passes do not improve.
        function: The function: its last param is the workspace.
        builder: Where the next instruction goes.
        scalars: Appends operations on numbers there.
        target: For which machine.
        workers: How many threads have workspaces of their own: 1 to 63.
        numbers: For names.
        kernels: The functions of nests, by their structure; and of each what joins its chunks.
        calls: The nodes that are calls of Python, by the names of the objects that are called.
        memory: Where the addresses of memory that it allocates are kept; null where there is none.
        clock: Notes when steps begin; None where nobody asks.
        pauses: Before which steps of the program Python may handle signals.
    """

    module: ir.Module
    products: ir.Module
    function: ir.Function
    builder: ir.IRBuilder
    scalars: Scalars
    target: Target
    workers: int
    numbers: Iterator[int]
    kernels: dict[Hashable, tuple[ir.Function, ir.Function | None]] = field(default_factory=dict)
    calls: dict[str, Node] = field(default_factory=dict)
    memory: list[ir.Value] = field(default_factory=list)
    clock: Clock | None = None
    pauses: Collection[int] = ()
    _failed: ir.Block | None = None
    _wrong: dict[tuple[str, str, Any], ir.Block] = field(default_factory=dict)

    @classmethod
    def start(
        cls, module: ir.Module, name: str, pointers: int, target: Target, workers: int
    ) -> Emission:
        """Begin a function that takes so many pointers and a workspace, and returns a status."""
        kind = ir.FunctionType(STATUS, [PTR] * (pointers + 1))
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        scalars = Scalars(builder, target, INLINED)
        products = ir.Module(name="gradc.products")
        return cls(module, products, function, builder, scalars, target, workers, count())

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

    def require(
        self,
        condition: ir.Value,
        message: str,
        exception: str = "IndexError",
        got: ir.Value | None = None,
    ) -> None:
        """Return from the function with an exception unless a condition holds.

        Args:
            condition: A bit.
            message: Of the exception; "{}" in it is what was got.
            exception: Its name.
            got: An integer of 64 bits.
        """
        right, key = self.builder.append_basic_block("right"), (exception, message, got)
        is_new = key not in self._wrong
        if is_new:
            self._wrong[key] = self.builder.append_basic_block("wrong")
        self.builder.cbranch(condition, right, self._wrong[key]).set_weights([2000, 1])
        if is_new:
            self.builder.position_at_end(self._wrong[key])
            state = self.python("PyGILState_Ensure", STATUS)  # it may be released
            kind = self.builder.load(self._object(f"PyExc_{exception}"), typ=PTR)
            text = self.text(message.replace("%", "%%").replace("{}", "%lld"))
            known = self.module.globals.get("PyErr_Format") or ir.Function(
                self.module, ir.FunctionType(PTR, [PTR, PTR], var_arg=True), "PyErr_Format"
            )
            numbers = [] if got is None else [got]
            self.builder.call(known, [kind, pointer_to(self.builder, text), *numbers])
            self.python("PyGILState_Release", ir.VoidType(), state)
            self._fail()
        self.builder.position_at_end(right)

    def begin_step(self, step: int) -> None:
        """Say that a step of the program begins."""
        if step in self.pauses:
            self.heed_signals()
        if self.clock is not None:
            self.clock.begin(self.builder, step)

    def finish(self) -> None:
        """End the function; where it fails, what it allocated is freed."""
        if self.clock is not None:
            self.clock.end(self.builder)
        self.builder.ret(STATUS(0))
        if self._failed is not None:
            self.builder.position_at_end(self._failed)
            for place in self.memory:
                self.free(place)
            self.builder.ret(STATUS(1))

    @property
    def may_fail(self) -> bool:
        """Whether the function may return with an exception, as far as it is written."""
        return self._failed is not None

    def free(self, place: ir.Value) -> None:
        """Free the memory whose address is kept at a place, if there is any."""
        pointer = self.builder.load(place, typ=PTR)
        self.python("PyMem_RawFree", ir.VoidType(), pointer)
        self.builder.store(ir.Constant(PTR, None), place)

    def _fail(self) -> None:
        """Leave the function; an exception is set."""
        if self._failed is None:
            self._failed = self.function.append_basic_block("failed")
        self.builder.branch(self._failed)

    def imported(self, function: ir.Function) -> ir.Function:
        """Return a function of the other module as one to be called from this one."""
        function.linkage = "external"
        known = self.module.globals.get(function.name)
        return known or ir.Function(self.module, function.function_type, function.name)

    def heed_signals(self) -> None:
        """Return from the function where Python has an exception to raise, as for Ctrl-C."""
        state = self.python("PyGILState_Ensure", STATUS)
        found = self.python("PyErr_CheckSignals", STATUS)
        self.python("PyGILState_Release", ir.VoidType(), state)
        self.leave_if(self.builder.icmp_signed("!=", found, STATUS(0)))

    def leave_if(self, condition: ir.Value) -> None:
        """Return from the function, with an exception that is set, if a condition holds."""
        wrong, right = (self.builder.append_basic_block(one) for one in ("raised", "right"))
        self.builder.cbranch(condition, wrong, right).set_weights([1, 2000])
        self.builder.position_at_end(wrong)
        self._fail()
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
            "PyObject_VectorcallDict",  # PyObject_Vectorcall is no symbol of CPython 3.10
            PTR,
            self._object(name),
            table,
            I64(len(pointers)),
            ir.Constant(PTR, None),
        )
        for number in numbers:
            self.python("Py_DecRef", ir.VoidType(), number)
        self.leave_if(builder.icmp_unsigned("==", result, ir.Constant(PTR, None)))
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
