"""Tables of constants that formulas look numbers up in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import llvmlite.ir as ir

from .scalar import DOUBLE, Bits, Scalar


def constant_table(
    module: ir.Module, name: str, values: Callable[[], Sequence[float]]
) -> ir.GlobalVariable:
    """Return a table of float64 of a module, which it defines there at the first use."""
    if name in module.globals:
        return module.globals[name]
    numbers = values()
    kind = ir.ArrayType(DOUBLE.type, len(numbers))
    table = ir.GlobalVariable(module, kind, name)
    table.linkage = "internal"
    table.global_constant = True
    table.align = 64
    table.initializer = ir.Constant(kind, list(numbers))
    return table


def entry(table: ir.GlobalVariable, index: Bits) -> Scalar:
    """Return a number of a table. In a vector loop that is one instruction which gathers many."""
    builder = index.at.builder
    place = builder.gep(table, [index.value], source_etype=DOUBLE.type)
    return Scalar(index.at, builder.load(place, typ=DOUBLE.type))
