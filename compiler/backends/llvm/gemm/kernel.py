"""The micro-kernel: a tile of the product stays in registers while the sums run.

Source of the scheme: K. Goto and R. A. van de Geijn, "Anatomy of high-performance matrix
multiplication", ACM TOMS 34 (2008); F. G. Van Zee and R. A. van de Geijn, "BLIS", ACM TOMS 41
(2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .emission import (
    BYTE,
    ELEMENTS,
    FLAG,
    INDEX,
    LINE,
    POINTER,
    SIZES,
    carried,
    element,
    fused,
    load,
    number,
    prefetch,
    shared,
    splat,
    vector,
    zero,
)


def kernel(module: Any, dtype: str, rows: int, vectors: int, lanes: int) -> Any:
    """Return the function that computes one whole tile of ``c = a @ b`` or ``c += a @ b``.

    Its arguments are (depth, a, b, c, stride of c's rows in elements, whether to add, what to ask
    for). ``a`` is a packed panel (depth, rows) and ``b`` one of (depth, vectors * lanes), aligned
    to a vector; the elements of a row of c are neighbours. With each step a line of the cache is
    asked for, from the last argument on: part of what comes next. Each element is one chain of
    multiply-adds in the order of depth, then, where it is to be added, one addition: the same for
    every shape of tile.
    """

    def body(builder: Any, arguments: list[Any]) -> None:
        depth, left, right, out, stride, adds, ahead = arguments
        lines = [element(builder, out, ELEMENTS[dtype], (row, stride)) for row in range(rows)]
        for line in lines:
            for start in range(0, vectors * lanes * SIZES[dtype], LINE):
                prefetch(builder, builder.gep(line, [INDEX(start)], source_etype=BYTE))
        sums = _products(builder, dtype, (rows, vectors, lanes), (depth, left, right, ahead))
        with builder.if_else(adds) as (then, otherwise):
            with then:
                _store(builder, dtype, lines, sums, adds=True)
            with otherwise:
                _store(builder, dtype, lines, sums, adds=False)

    name = f"gradc_gemm_{dtype}_{rows}x{vectors}x{lanes}"
    kinds = [INDEX, POINTER, POINTER, POINTER, INDEX, FLAG, POINTER]
    function = shared(module, name, kinds, body)
    function.attributes.add("noinline")
    return function


def _products(builder: Any, dtype: str, tile: tuple[int, int, int], given: Any) -> list[list[Any]]:
    """Emit the loop over the depth; return the sums, a list of vectors for each row."""
    rows, vectors, lanes = tile
    kind, size = ELEMENTS[dtype], SIZES[dtype]
    depth, left, right, ahead = given
    wide = vector(kind, lanes)

    def turn(step: Any, state: list[Any]) -> Sequence[Any]:
        first, second, *sums = state
        prefetch(builder, element(builder, ahead, BYTE, (step, LINE)), writes=False)
        lines = [
            load(builder, element(builder, second, kind, (lanes, j)), wide, size * lanes)
            for j in range(vectors)
        ]
        for i in range(rows):
            scalar = load(builder, element(builder, first, kind, (i, 1)), kind, size)
            factor = splat(builder, scalar, lanes)
            for j in range(vectors):
                at = i * vectors + j
                sums[at] = fused(builder, factor, lines[j], sums[at])
        return [
            element(builder, first, kind, (rows, 1)),
            element(builder, second, kind, (vectors * lanes, 1)),
            *sums,
        ]

    start = [left, right, *([zero(wide)] * (rows * vectors))]
    sums = carried(builder, number(depth), start, turn)[2:]
    return [sums[i * vectors : (i + 1) * vectors] for i in range(rows)]


def _store(
    builder: Any, dtype: str, lines: list[Any], sums: list[list[Any]], *, adds: bool
) -> None:
    kind, size = ELEMENTS[dtype], SIZES[dtype]
    for line, row in zip(lines, sums, strict=True):
        lanes = row[0].type.count if hasattr(row[0].type, "count") else 1
        for j, value in enumerate(row):
            address = element(builder, line, kind, (lanes, j))
            if adds:
                value = builder.fadd(load(builder, address, value.type, size), value)
            builder.store(value, address, align=size)
