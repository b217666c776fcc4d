"""Dot products of a row with a matrix that is read at an offset per row."""

from __future__ import annotations

from typing import Any

from .dots import horizontal
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
    shared,
    smaller,
    vector,
    zero,
)

_ROWS = 8  # at a time: chains that hide the latency of a multiply-add


def correlation(module: Any, dtype: str, lanes: int) -> Any:
    """Return the function that computes ``out[i] (+)= sum(row[j] * base[table[i] + j])``.

    Its arguments are (row, depth, base, table, count, out, adds). Each sum runs in one chain for
    each lane, added in pairs, then what is left, one by one.
    """

    def body(builder: Any, arguments: list[Any]) -> None:
        row, depth, base, table, count, out, adds = arguments
        with counted(builder, count, step=_ROWS) as first:
            # The last rows are read again where there are fewer: no second kind of loop.
            last = builder.sub(count, INDEX(1))
            numbers = [smaller(builder, builder.add(first, INDEX(i)), last) for i in range(_ROWS)]
            places = []
            for one in numbers:
                entry = element(builder, table, INDEX, (one, 1))
                offset = builder.load(entry, typ=INDEX)
                places.append(element(builder, base, ELEMENTS[dtype], (offset, 1)))
            sums = _sums(builder, dtype, lanes, (row, depth), places)
            for i, value in enumerate(sums):
                given = builder.icmp_signed("<", builder.add(first, INDEX(i)), count)
                with builder.if_then(given):
                    place = element(builder, out, ELEMENTS[dtype], (numbers[i], 1))
                    known = load(builder, place, ELEMENTS[dtype], SIZES[dtype])
                    total = builder.select(adds, builder.fadd(known, value), value)
                    builder.store(total, place, align=SIZES[dtype])

    kinds = [POINTER, INDEX, POINTER, POINTER, INDEX, POINTER, FLAG]
    return shared(module, f"gradc_correlation_{dtype}_{lanes}", kinds, body)


def _sums(
    builder: Any, dtype: str, lanes: int, given: tuple[Any, Any], places: list[Any]
) -> list[Any]:
    """Emit the loops over the depth; return a sum for each place."""
    kind, size = ELEMENTS[dtype], SIZES[dtype]
    row, depth = given
    wide = vector(kind, lanes)

    def added(start: Any, sums: list[Any], held: Any) -> list[Any]:
        factor = load(builder, element(builder, row, kind, (start, 1)), held, size)
        lines = [
            load(builder, element(builder, one, kind, (start, 1)), held, size) for one in places
        ]
        return [
            fused(builder, factor, line, value) for line, value in zip(lines, sums, strict=True)
        ]

    count = builder.sdiv(depth, INDEX(lanes))
    sums = carried(
        builder, count, [zero(wide)] * len(places),
        lambda index, sums: added(builder.mul(index, INDEX(lanes)), sums, wide),
    )  # fmt: skip
    done = builder.mul(count, INDEX(lanes))
    return carried(
        builder, builder.sub(depth, done), [horizontal(builder, value) for value in sums],
        lambda index, sums: added(builder.add(done, index), sums, kind),
    )  # fmt: skip
