"""Functions beside nests, which read values and write to memory in an order of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Value
from .layout import row_major
from .loops import loop
from .places import Buffer, Reader, Registers
from .scalars import PTR, Lane, Scalars, llvm_type

if TYPE_CHECKING:
    from .section import Section


class Kernel:
    """A function of the program that is emitted here, and called once.

    It takes what it reads, then addresses of what it writes, each in memory of its own.

    Attributes:
        function: The function.
        builder: Where its next instruction goes.
        scalars: Appends operations on numbers there.
        reader: Reads elements of values, and computes those of lazy ones.
        targets: The addresses of what it writes.
    """

    def __init__(
        self, section: Section, name: str, leaves: Sequence[Value], targets: Sequence[ir.Value]
    ) -> None:
        self._section = section
        self._given, registers = section.operands(leaves)
        self._given += targets
        emission = section.emission
        kinds = [llvm_type(one.dtype) if one in registers else PTR for one in leaves]
        kind = ir.FunctionType(ir.VoidType(), [*kinds, *(PTR for _ in targets)])
        self.function = ir.Function(emission.module, kind, emission.name(name))
        self.function.linkage = "internal"
        width = f'"prefer-vector-width"="{8 * emission.target.vector_bytes}"'
        for attribute in ("noinline", "nounwind", width):
            set.add(self.function.attributes, attribute)  # the last one llvmlite does not know
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.scalars = Scalars(self.builder, emission.target)
        places: dict[Value, Registers | Buffer] = {}
        for one, given in zip(leaves, self.function.args, strict=False):
            if one in registers:
                places[one] = Registers(one.shape, (Lane(given, one.dtype, self.scalars),))
            else:
                given.add_attribute("noalias")
                strides = section.plan.layouts.get(one) or row_major(one.shape)
                places[one] = Buffer(given, strides)
        self.targets = self.function.args[len(leaves) :]
        for target in self.targets:
            target.add_attribute("noalias")
        self.reader = Reader(self.scalars, places, section.plan.producers)

    def over(
        self,
        shape: Sequence[int],
        body: Callable[[list[Any]], None],
        index: Sequence[Any] = (),
    ) -> None:
        """Emit loops over a space; ``body`` takes the index of a point, behind ``index``."""
        if not shape:
            body(list(index))
            return
        dim, *rest = shape
        if dim == 1:
            self.over(rest, body, [*index, 0])
            return
        with loop(self.builder, dim) as i:
            self.over(rest, body, [*index, self.reader.index_lane(i)])

    def call(self) -> None:
        """End the function, and call it."""
        self.builder.ret_void()
        self._section.builder.call(self.function, self._given)
