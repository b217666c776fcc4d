"""Functions of the package as compiled loops over arrays."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import llvmlite.ir as ir
import numpy as np
from gradc.compiler.backends.llvm.math import declare, names
from gradc.compiler.backends.llvm.target import Compiled, Target, compile_text
from gradc.runtime.native import Library, load

# What is known of a function beside its operands.
Attrs = tuple[tuple[str, Any], ...]
ATTRS: dict[str, Attrs] = {"polygamma": (("n", 2),)}
TYPES = {np.float64: ir.DoubleType(), np.float32: ir.FloatType()}


@cache
def compiled(
    name: str,
    dtype: Any,
    target: Target | None = None,
    fused: bool = True,
    attrs: Attrs | None = None,
) -> Compiled:
    """Compile ``void loop(i64 size, ptr operands..., ptr result)``."""
    type, count = TYPES[dtype], names()[name]
    module = ir.Module()
    pointers = [ir.PointerType()] * (count + 1)
    size = ir.IntType(64)
    loop = ir.Function(module, ir.FunctionType(ir.VoidType(), [size, *pointers]), "loop")
    for pointer in loop.args[1:]:
        pointer.add_attribute("noalias")
    known = dict(ATTRS.get(name, ()) if attrs is None else attrs)
    function = declare(module, name, type, fused, **known)
    entry, body, end = (loop.append_basic_block(one) for one in ("entry", "body", "end"))
    builder = ir.IRBuilder(entry)
    builder.cbranch(builder.icmp_signed(">", loop.args[0], size(0)), body, end)
    builder = ir.IRBuilder(body)
    index = builder.phi(size)
    places = [builder.gep(one, [index], source_etype=type) for one in loop.args[1:]]
    operands = [builder.load(one, typ=type) for one in places[:-1]]
    builder.store(builder.call(function, operands), places[-1])
    following = builder.add(index, size(1))
    index.add_incoming(size(0), entry)
    index.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, loop.args[0]), body, end)
    ir.IRBuilder(end).ret_void()
    # LLVM takes half of the widest registers on some machines unless it is told otherwise.
    text = str(module).replace("\n{\nentry:", ' "prefer-vector-width"="512"\n{\nentry:')
    return compile_text(text, target or Target.host())


@dataclass
class Loop:
    """A function of arrays.

    Attributes:
        name: Of the function.
        dtype: Of its operands and its result.
        fused: Whether its code may multiply and add in one instruction.
        attrs: What is known of it beside its operands, if not what ``ATTRS`` has.
    """

    name: str
    dtype: Any
    fused: bool = True
    attrs: Attrs | None = None
    _library: Library = field(init=False)

    def __post_init__(self) -> None:
        code = compiled(self.name, self.dtype, fused=self.fused, attrs=self.attrs)
        self._library = load([code.object], ["loop"])
        pointers = [ctypes.c_void_p] * (names()[self.name] + 1)
        signature = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)
        self.entry = signature(self._library.address("loop"))

    def __call__(self, *operands: Any) -> Any:
        """Return the results, elementwise, of operands of one length."""
        arrays = [np.ascontiguousarray(one, self.dtype) for one in operands]
        result = np.empty_like(arrays[0])
        places = [one.ctypes.data for one in (*arrays, result)]
        self.entry(result.size, *places)
        return result
