"""Products of few rows by many where both run along ``k``: dot products, matrix times vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from ..target import Target
from .emission import (
    ELEMENTS,
    LANE,
    POINTER,
    SIZES,
    carried,
    counted,
    element,
    fused,
    load,
    load_part,
    shared,
    vector,
    zero,
)
from .spec import Gemm
from .tiles import lanes_of

_MOST_ROWS = 4
_CHAINS = 8  # that hide the latency of a multiply-add: 4 cycles on 2 units
_COLUMNS = {1: 8, 2: 4, 3: 4, 4: 4}  # of a tile, by its rows


def is_dots(spec: Gemm, target: Target) -> bool:
    """Whether a product (ordered) is done by lanes along ``k``."""
    along = spec.a[1] == 1 and spec.b[0] == 1
    return along and spec.m <= _MOST_ROWS and spec.k >= 2 * lanes_of(spec.dtype, target)


def emit_dots(builder: Any, spec: Gemm, target: Target, left: Any, right: Any, out: Any) -> None:
    """Emit a product ``(m, k) @ (k, n)``, m at most 4, of which both have dense lines along k.

    Each element is the sum of a fixed number of chains, added in pairs at the end: the same for
    every place in the result.
    """
    kind = ELEMENTS[spec.dtype]
    columns = min(_COLUMNS[spec.m], spec.n)
    whole = spec.n // columns
    for start, count, width in ((0, whole, columns), (whole * columns, 1, spec.n % columns)):
        if not width or not count:
            continue
        tile = _tile(builder.module, spec, target, width, columns)
        with counted(builder, count) as j:
            second = element(builder, right, kind, (j, columns * spec.b[1]), (start, spec.b[1]))
            place = element(builder, out, kind, (j, columns * spec.c[1]), (start, spec.c[1]))
            builder.call(tile, [left, second, place])


def _tile(module: Any, spec: Gemm, target: Target, width: int, columns: int) -> Any:
    """Return the function of (a, b, c) that computes ``width`` columns of the result."""
    kind, size = ELEMENTS[spec.dtype], SIZES[spec.dtype]
    lanes = lanes_of(spec.dtype, target)
    chains = max(1, _CHAINS // (spec.m * columns))

    def body(builder: Any, arguments: list[Any]) -> None:
        left, right, out = arguments
        sums = _chains(builder, spec, (width, chains, lanes), left, right, target)
        for i in range(spec.m):
            for j in range(width):
                at = (i * width + j) * chains
                value = horizontal(builder, _added(builder, sums[at : at + chains]))
                if target.vector_bytes < 32:
                    value = _tail(builder, spec, lanes, (i, j), (left, right), value)
                place = element(builder, out, kind, (i * spec.c[0] + j * spec.c[1], 1))
                if spec.accumulate:
                    value = builder.fadd(load(builder, place, kind, size), value)
                builder.store(value, place, align=size)

    strides = f"{spec.a[0]}.{spec.b[1]}.{spec.c[0]}.{spec.c[1]}".replace("-", "m")
    name = (
        f"gradc_dots_{spec.dtype}_{spec.m}x{width}of{columns}x{spec.k}_{strides}"
        f"_{'adds' if spec.accumulate else 'sets'}_{target.vector_bytes}"
    )
    return shared(module, name, [POINTER, POINTER, POINTER], body)


def _chains(
    builder: Any, spec: Gemm, tile: tuple[int, int, int], left: Any, right: Any, target: Target
) -> list[Any]:
    """Emit the sums along k; return them in the order (row, column, chain)."""
    width, chains, lanes = tile
    kind, size = ELEMENTS[spec.dtype], SIZES[spec.dtype]
    wide = vector(kind, lanes)

    def added(base: Any, sums: Sequence[Any], starts: Sequence[tuple[int, int]]) -> list[Any]:
        """Add the products of one vector for each chain: (start, lanes in use)."""
        following = list(sums)
        for chain, (start, used) in enumerate(starts):
            firsts, seconds = (
                [
                    load_part(
                        builder, element(builder, one, kind, (i * stride + start, 1)), wide,
                        size, used,
                    )
                    for i in range(count)
                ]
                for one, stride, count in (
                    (base[0], spec.a[0], spec.m), (base[1], spec.b[1], width),
                )
            )  # fmt: skip
            for i, first in enumerate(firsts):
                for j, second in enumerate(seconds):
                    at = (i * width + j) * chains + chain
                    following[at] = fused(builder, first, second, following[at])
        return following

    stride = lanes * chains

    def turn(index: Any, sums: list[Any]) -> list[Any]:
        base = [element(builder, one, kind, (index, stride)) for one in (left, right)]
        return added(base, sums, [(chain * lanes, lanes) for chain in range(chains)])

    sums = carried(builder, spec.k // stride, [zero(wide)] * (spec.m * width * chains), turn)
    done = spec.k // stride * stride
    rest = [(start, min(lanes, spec.k - start)) for start in range(done, spec.k, lanes)]
    if target.vector_bytes < 32:  # no masks: single elements follow
        rest = [(start, used) for start, used in rest if used == lanes]
    return added((left, right), sums, rest)


def _tail(builder: Any, spec: Gemm, lanes: int, at: tuple[int, int], bases: Any, value: Any) -> Any:
    """Add the products behind the last whole vector, one by one."""
    kind, size = ELEMENTS[spec.dtype], SIZES[spec.dtype]
    for step in range(spec.k // lanes * lanes, spec.k):
        first, second = (
            load(builder, element(builder, base, kind, (row * stride + step, 1)), kind, size)
            for base, row, stride in zip(bases, at, (spec.a[0], spec.b[1]), strict=True)
        )
        value = fused(builder, first, second, value)
    return value


def _added(builder: Any, values: Sequence[Any]) -> Any:
    """Return the sum of vectors, in pairs."""
    values = list(values)
    while len(values) > 1:
        values = [
            builder.fadd(values[i], values[i + 1]) if i + 1 < len(values) else values[i]
            for i in range(0, len(values), 2)
        ]
    return values[0]


def horizontal(builder: Any, value: Any) -> Any:
    """Return the sum of a vector's lanes, in pairs: the upper half added to the lower."""
    lanes = value.type.count
    while lanes > 1:
        lanes //= 2
        masks = [
            ir.Constant(ir.VectorType(LANE, lanes), list(range(start, start + lanes)))
            for start in (0, lanes)
        ]
        low, high = (builder.shuffle_vector(value, value, mask) for mask in masks)
        value = builder.fadd(low, high)
    return builder.extract_element(value, LANE(0))
