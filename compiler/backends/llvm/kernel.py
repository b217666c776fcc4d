"""Functions of a program that read values and write to memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Value
from .layout import strides_of
from .loops import loop
from .places import Buffer, Reader, Registers
from .scalars import PTR, Lane, Scalars, llvm_type

if TYPE_CHECKING:
    from .section import Section


class Kernel:
    """A function that is emitted here.

    It takes what it reads, then addresses of what it writes, each in memory of its own.

    Attributes:
        function: The function.
        builder: Where its next instruction goes.
        scalars: Appends operations on numbers there.
        reader: Reads elements of values, and computes those of lazy ones.
        targets: The addresses of what it writes.
        more: What it takes besides.
    """

    def __init__(
        self,
        section: Section,
        name: str,
        leaves: Sequence[Value],
        registers: Collection[Value],
        writes: int,
        more: Sequence[ir.Type] = (),
    ) -> None:
        """Begin it.

        Args:
            section: Where it is called.
            name: What kind of function it is.
            leaves: The values that it reads.
            registers: Those of them that it takes as numbers.
            writes: The number of its targets.
            more: The types of what it takes besides.
        """
        emission, layouts = section.emission, section.plan.layouts
        kinds = [llvm_type(one.dtype) if one in registers else PTR for one in leaves]
        kind = ir.FunctionType(ir.VoidType(), [*kinds, *[PTR] * writes, *more])
        self.function = ir.Function(emission.module, kind, emission.name(name))
        self.function.linkage = "internal"
        # LLVM prefers half the width where it has 64 bytes; our functions gain from all of it.
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
                places[one] = Buffer(given, strides_of(one, layouts))
        behind = len(leaves) + writes
        self.targets = self.function.args[len(leaves) : behind]
        self.more = self.function.args[behind:]
        for target in self.targets:
            target.add_attribute("noalias")
        self.reader = Reader(self.scalars, places, section.plan.producers)


class SingleKernel(Kernel):
    """A function that is called once, and goes over its points in an order of its own."""

    def __init__(
        self, section: Section, name: str, leaves: Sequence[Value], targets: Sequence[ir.Value]
    ) -> None:
        """Begin it; ``targets`` are the addresses with which it is called."""
        self._section = section
        self._given, registers = section.operands(leaves)
        self._given += targets
        super().__init__(section, name, leaves, registers, len(targets))

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
