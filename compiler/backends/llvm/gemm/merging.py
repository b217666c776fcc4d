"""Tiles that cannot be written where they belong in one piece."""

from __future__ import annotations

from typing import Any

from .emission import (
    ELEMENTS,
    FLAG,
    INDEX,
    POINTER,
    SIZES,
    compact,
    counted,
    element,
    load,
    shared,
    vector,
    zero,
)
from .spec import Gemm


def merge(module: Any, dtype: str, width: int, lanes: int) -> Any:
    """Return the function that copies a tile from the workspace, or adds it to what is there.

    Its arguments are (out, stride of its rows, of its columns, rows, columns, tile, adds); the
    rows of the tile are ``width`` elements apart.
    """

    def body(builder: Any, arguments: list[Any]) -> None:
        out, out_rows, out_columns, rows, columns, tile, adds = arguments
        kind, size = ELEMENTS[dtype], SIZES[dtype]

        def store(value: Any, address: Any) -> None:
            with builder.if_else(adds) as (then, otherwise):
                with then:
                    known = load(builder, address, value.type, size)
                    builder.store(builder.fadd(known, value), address, align=size)
                with otherwise:
                    builder.store(value, address, align=size)

        with counted(builder, rows) as row:
            line = element(builder, out, kind, (row, out_rows))
            source = element(builder, tile, kind, (row, width))
            for column, count in along(builder, out_columns, columns, lanes):
                held = element(builder, source, kind, (column, 1))
                value = load(builder, held, vector(kind, count), size)
                store(value, element(builder, line, kind, (column, out_columns)))

    kinds = [POINTER, INDEX, INDEX, INDEX, INDEX, POINTER, FLAG]
    function = shared(module, f"gradc_merge_{dtype}_{width}x{lanes}", kinds, body)
    return compact(function)


def along(builder: Any, stride: Any, extent: Any, lanes: int) -> Any:
    """Emit loops over a row, vectors where it is dense; yield (start, how many lanes) in each."""
    dense = builder.icmp_signed("==", stride, INDEX(1))
    whole = builder.select(dense, builder.and_(extent, INDEX(-lanes)), INDEX(0))
    with counted(builder, whole, step=lanes) as start:
        yield start, lanes
    with counted(builder, extent, whole) as start:
        yield start, 1


def cleared(builder: Any, spec: Gemm, out: Any) -> None:
    """Emit the stores of zeros that a product over an empty axis consists of."""
    kind, size = ELEMENTS[spec.dtype], SIZES[spec.dtype]
    with counted(builder, spec.m) as row, counted(builder, spec.n) as column:
        address = element(builder, out, kind, (row, spec.c[0]), (column, spec.c[1]))
        builder.store(zero(kind), address, align=size)
