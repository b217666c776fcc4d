"""Small products: tiles in registers that read the matrices where they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..target import Target
from .emission import (
    ELEMENTS,
    FLAG,
    INDEX,
    POINTER,
    SIZES,
    carried,
    counted,
    element,
    fused,
    load,
    load_part,
    shared,
    smaller,
    splat,
    store_part,
    vector,
    zero,
)
from .spec import Gemm
from .tiles import even_split, lanes_of, most_depth, register_tile, registers

_MOST_ROWS = 24
_MOST_VECTORS = 8


class Part(NamedTuple):
    """Neighbouring columns of a tile that one register holds.

    Attributes:
        start: The first one.
        lanes: How many the register holds.
        used: How many of them there are.
    """

    start: int
    lanes: int
    used: int


def parts(columns: int, lanes: int, *, masks: bool) -> list[Part]:
    """Return what covers the columns of a tile: whole registers, then the rest.

    Args:
        columns: Of the tile.
        lanes: Of a register.
        masks: Whether the machine loads and stores a part of a register; if not, the rest
            consists of smaller registers, of powers of two.
    """
    found = [Part(start, lanes, lanes) for start in range(0, columns - lanes + 1, lanes)]
    start = columns // lanes * lanes
    if masks and start < columns:
        size = lanes
        while size // 2 >= max(columns - start, 16 // lanes):
            size //= 2
        return [*found, Part(start, size, columns - start)]
    while start < columns:
        lanes //= 2
        if lanes <= columns - start:
            found.append(Part(start, lanes, lanes))
            start += lanes
    return found


def emit_direct(
    builder: Any, spec: Gemm, target: Target, left: Any, right: Any, out: Any, step: int
) -> None:
    """Emit a product without packing.

    Args:
        builder: Where.
        spec: The product; rows of ``c`` are dense, and so are those of ``b``.
        target: The machine.
        left: The address of ``a``.
        right: The address of ``b``.
        out: The address of ``c``.
        step: How far the panels of ``b`` (as wide as a tile) lie apart, in elements.
    """
    kind = ELEMENTS[spec.dtype]
    size = even_split(spec.k, most_depth(spec.dtype))
    with counted(builder, spec.k, step=size) as start:
        rest = builder.sub(INDEX(spec.k), start)
        depth = INDEX(spec.k) if size == spec.k else smaller(builder, size, rest)
        later = builder.icmp_signed("!=", start, INDEX(0))
        adds = FLAG(1) if spec.accumulate else later
        first = element(builder, left, kind, (start, spec.a[1]))
        second = element(builder, right, kind, (start, spec.b[0]))
        _block(builder, spec, target, (first, second, out), (depth, adds), step)


def _block(
    builder: Any, spec: Gemm, target: Target, places: Any, given: tuple[Any, Any], step: int
) -> None:
    """Emit the loops over the tiles of a block of the depth."""
    kind = ELEMENTS[spec.dtype]
    left, right, out = places
    rows, columns = direct_tile(spec, target)
    for column, count in _runs(spec.n, columns):
        width = min(columns, spec.n - column)
        with counted(builder, count) as j:
            second = element(builder, right, kind, (j, step), (column // columns, step))
            for row, times in _runs(spec.m, rows):
                tile = _tile(builder.module, spec, target, min(rows, spec.m - row), width)
                with counted(builder, times) as i:
                    first = element(builder, left, kind, (i, rows * spec.a[0]), (row, spec.a[0]))
                    corner = row * spec.c[0] + column
                    place = element(
                        builder, out, kind, (i, rows * spec.c[0]), (j, columns), (corner, 1)
                    )
                    builder.call(tile, [first, second, place, *given])


def direct_tile(spec: Gemm, target: Target) -> tuple[int, int]:
    """Return rows and columns of a tile, chosen so that the last one is nearly as large.

    Or as large, which spares a kernel, if that takes a third of the rows at most. The products of a
    perceptron compile in 0.9 times the time, and take between 0.5 and 1.04 times theirs.
    """
    _, vectors = register_tile(target)
    lanes, available = lanes_of(spec.dtype, target), registers(target)
    most = -(-spec.n // lanes)
    vectors = min(vectors, most)
    most_rows = min(_MOST_ROWS, (available - 1 - vectors) // vectors)
    even = even_split(spec.m, most_rows)
    rows = next((one for one in range(most_rows, 2 * even // 3, -1) if spec.m % one == 0), even)
    vectors = min(_MOST_VECTORS, (available - 1) // (rows + 1), most)
    return rows, vectors * lanes


def _runs(extent: int, size: int) -> list[tuple[int, int]]:
    """Return (start, how many) of the whole blocks of an extent, and of the last that is less."""
    whole = extent // size
    runs = [(0, whole)] if whole else []
    return runs + ([(whole * size, 1)] if extent % size else [])


def _tile(module: Any, spec: Gemm, target: Target, rows: int, columns: int) -> Any:
    """Return the function of (a, b, c, depth, adds) that computes a tile or adds it to c."""
    masks = target.vector_bytes >= 32
    covering = parts(columns, lanes_of(spec.dtype, target), masks=masks)

    def body(builder: Any, arguments: list[Any]) -> None:
        left, right, out, depth, adds = arguments
        depth = INDEX(spec.k) if spec.k <= most_depth(spec.dtype) else depth
        sums = _sums(builder, spec, rows, covering, (left, right, depth))
        kind, size = ELEMENTS[spec.dtype], SIZES[spec.dtype]
        places = [
            element(builder, out, kind, (row * spec.c[0] + part.start, 1))
            for row in range(rows)
            for part in covering
        ]
        used = [part.used for part in covering] * rows
        with builder.if_else(adds) as (then, otherwise):
            with then:
                for place, value, count in zip(places, sums, used, strict=True):
                    known = load_part(builder, place, value.type, size, count)
                    store_part(builder, builder.fadd(known, value), place, size, count)
            with otherwise:
                for place, value, count in zip(places, sums, used, strict=True):
                    store_part(builder, value, place, size, count)

    strides = f"{spec.a[0]}.{spec.a[1]}.{spec.b[0]}.{spec.c[0]}".replace("-", "m")
    name = f"gradc_direct_{spec.dtype}_{rows}x{columns}x{spec.k}_{strides}_{target.vector_bytes}"
    return shared(module, name, [POINTER, POINTER, POINTER, INDEX, FLAG], body)


def _sums(
    builder: Any, spec: Gemm, rows: int, covering: list[Part], given: tuple[Any, Any, Any]
) -> list[Any]:
    """Emit the loop over the depth; return the sums, row by row."""
    left, right, depth = given
    kind, size = ELEMENTS[spec.dtype], SIZES[spec.dtype]
    kinds = [vector(kind, part.lanes) for part in covering]

    def turn(_: Any, state: list[Any]) -> list[Any]:
        first, second, *sums = state
        lines = [
            load_part(
                builder, element(builder, second, kind, (part.start, 1)), wide, size, part.used
            )
            for part, wide in zip(covering, kinds, strict=True)
        ]
        for i in range(rows):
            address = element(builder, first, kind, (i * spec.a[0], 1))
            factor = load(builder, address, kind, size)
            for j, (part, line) in enumerate(zip(covering, lines, strict=True)):
                at = i * len(covering) + j
                sums[at] = fused(builder, splat(builder, factor, part.lanes), line, sums[at])
        following = element(builder, first, kind, (spec.a[1], 1))
        return [following, element(builder, second, kind, (spec.b[0], 1)), *sums]

    start = [left, right, *([zero(wide) for wide in kinds] * rows)]
    return carried(builder, depth, start, turn)[2:]
