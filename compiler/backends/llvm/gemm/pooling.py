"""Maxima and means over windows of images, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

import llvmlite.ir as ir

from .convolution import Axis, row_major
from .emission import BYTE, ELEMENTS, INDEX, POINTER, SIZES, VOID, counted, element, load
from .staging import clear

_UNSET, _TAKEN = BYTE(0), BYTE(1)
_FEW_TAPS = 16


@dataclass(frozen=True)
class Pool:
    """A reduction over the windows of images with 1, 2 or 3 axes; arrays are dense.

    Attributes:
        dtype: "float32" or "float64".
        planes: Images times channels.
        size: Extents of an image.
        window: Extents of a window.
        stride: Between windows, for each axis.
        padding: Places (before, after) each axis that have no element.
        dilation: Between the elements of a window.
        kind: "max", where the first of equal ones is the maximum and NaN wins, or "mean".
        counts_padding: Whether a mean is divided by the size of the window, or by the number of
            elements in it.
    """

    dtype: str
    planes: int
    size: tuple[int, ...]
    window: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    kind: Literal["max", "mean"] = "max"
    counts_padding: bool = True

    @property
    def out(self) -> tuple[int, ...]:
        """Extents of a result."""
        return tuple(
            max(0, (extent + sum(around) - gap * (taps - 1) - 1) // step + 1)
            for extent, taps, step, around, gap in zip(
                self.size, self.window, self.stride, self.padding, self.dilation, strict=True
            )
        )

    @property
    def is_plain(self) -> bool:
        """Whether windows are small, and have all of their elements."""
        return prod(self.window) <= _FEW_TAPS and not any(sum(pair) for pair in self.padding)

    @property
    def is_tiled(self) -> bool:
        """Whether they also lie side by side: no element is in two of them."""
        dense = all(
            gap == 1 or taps == 1 for gap, taps in zip(self.dilation, self.window, strict=True)
        )
        return self.is_plain and dense and self.window == self.stride and self.kind == "max"

    def axis(self, number: int, tap: int) -> Axis:
        """Return which elements a place in the window meets along an axis."""
        shift = tap * self.dilation[number] - self.padding[number][0]
        return Axis(self.out[number], self.size[number], self.stride[number], shift)


def emit_pool(module: Any, pool: Pool) -> Any:
    """Return ``void (ptr x, ptr out, i64 start, i64 stop)`` for the planes from start to stop."""
    kind, size = ELEMENTS[pool.dtype], SIZES[pool.dtype]
    first = float("-inf") if pool.kind == "max" else 0.0

    def body(builder: Any, arguments: list[Any]) -> None:
        images, out, start, stop = arguments
        with _rows(builder, pool, (start, stop)) as (plane, places, row):
            line = element(builder, out, kind, (row, pool.out[-1]))
            if pool.is_plain:
                _reduce(builder, pool, line, images, _first(builder, pool, plane, places))
                return
            with counted(builder, pool.out[-1]) as i:
                place = element(builder, line, kind, (i, 1))
                builder.store(ir.Constant(kind, first), place, align=size)

            def meet(i: Any, at: Any) -> None:
                place = element(builder, line, kind, (i, 1))
                known = load(builder, place, kind, size)
                value = load(builder, element(builder, images, kind, (at, 1)), kind, size)
                builder.store(_joined(builder, pool, known, value), place, align=size)

            _taps(builder, pool, plane, places, meet)
            if pool.kind == "mean":
                _divide(builder, pool, places, line, line)

    return _function(module, "gradc_pool", [POINTER, POINTER], body)


def pool_workspace_bytes(pool: Pool) -> int:
    """Return what the gradient needs in memory, for each thread."""
    return pool.out[-1] * (1 if pool.kind == "max" else SIZES[pool.dtype])


def emit_pool_gradient(module: Any, pool: Pool) -> Any:
    """Return the gradient's function.

    It is ``void (ptr x, ptr out, ptr slope, ptr gradient, ptr workspace, i64 start, i64 stop)``,
    for the planes from start to stop; ``x`` and ``out`` are not read for a mean.
    """
    kind, size = ELEMENTS[pool.dtype], SIZES[pool.dtype]
    wide = pool.out[-1]

    def body(builder: Any, arguments: list[Any]) -> None:
        images, out, slopes, gradient, workspace, start, stop = arguments
        covered = tuple(a * b for a, b in zip(pool.out, pool.stride, strict=True))
        if not (pool.is_tiled and covered == pool.size):
            with counted(builder, stop, start) as plane:
                whole = element(builder, gradient, kind, (plane, prod(pool.size)))
                clear(builder, pool.dtype, whole, prod(pool.size))
        with _rows(builder, pool, (start, stop)) as (plane, places, row):
            slope = element(builder, slopes, kind, (row, wide))
            line = element(builder, out, kind, (row, wide))
            if pool.is_tiled:
                at = _first(builder, pool, plane, places)
                _hand_back(builder, pool, (line, images, slope, gradient), at)
                return
            if pool.kind == "mean":
                _divide(builder, pool, places, slope, workspace)
            else:
                with counted(builder, wide) as i:
                    builder.store(_UNSET, element(builder, workspace, BYTE, (i, 1)))

            def meet(i: Any, at: Any) -> None:
                place = element(builder, gradient, kind, (at, 1))
                source = workspace if pool.kind == "mean" else slope
                value = load(builder, element(builder, source, kind, (i, 1)), kind, size)
                if pool.kind == "max":
                    held = load(builder, element(builder, images, kind, (at, 1)), kind, size)
                    best = load(builder, element(builder, line, kind, (i, 1)), kind, size)
                    mark = element(builder, workspace, BYTE, (i, 1))
                    free = builder.icmp_unsigned("==", builder.load(mark, typ=BYTE), _UNSET)
                    wins = builder.and_(free, _same(builder, held, best))
                    taken = builder.select(wins, _TAKEN, builder.load(mark, typ=BYTE))
                    builder.store(taken, mark)
                    value = builder.select(wins, value, ir.Constant(kind, 0.0))
                known = load(builder, place, kind, size)
                builder.store(builder.fadd(known, value), place, align=size)

            _taps(builder, pool, plane, places, meet)

    return _function(module, "gradc_pool_gradient", [POINTER] * 5, body)


def _joined(builder: Any, pool: Pool, known: Any, value: Any) -> Any:
    """Return the maximum, or the sum, of what is known of a window and one more element."""
    if pool.kind == "mean":
        return builder.fadd(known, value)
    is_greater = builder.fcmp_ordered(">", value, known)
    wins = builder.or_(is_greater, builder.fcmp_unordered("uno", value, value))
    return builder.select(wins, value, known)


def _first(builder: Any, pool: Pool, plane: Any, places: list[Any]) -> Any:
    """Return where in the images the first window of a row begins, where it has no padding."""
    at = builder.mul(plane, INDEX(prod(pool.size)))
    for place, step, stride in zip(places, pool.stride, row_major(pool.size), strict=False):
        at = builder.add(at, builder.mul(place, INDEX(step * stride)))
    return at


def _row(builder: Any, pool: Pool) -> Any:
    """Return how many windows a row has, as a number that LLVM does not look through.

    It would unroll the loop over a short row, and make no vector code of what is left. Measured on
    rows of 8 windows of 2 x 2, their gradient takes a third of the time. By the bound that the mask
    tells, LLVM chooses vectors that a row can fill.
    """
    count = pool.out[-1]
    made = builder.asm(ir.FunctionType(INDEX, [INDEX]), "", "=r,0", [INDEX(count)], False)
    return builder.and_(made, INDEX((1 << count.bit_length()) - 1))


def _window(builder: Any, pool: Pool, at: Any, i: Any) -> Iterator[Any]:
    """Yield where in the images the elements of a window of a row lie, in their order."""
    begin = builder.add(at, builder.mul(i, INDEX(pool.stride[-1])))
    for taps in product(*map(range, pool.window)):
        steps = zip(taps, pool.dilation, row_major(pool.size), strict=True)
        yield builder.add(begin, INDEX(sum(tap * gap * stride for tap, gap, stride in steps)))


def _reduce(builder: Any, pool: Pool, line: Any, images: Any, at: Any) -> None:
    """Emit a row of maxima or means, each window at once: that makes vector code."""
    kind, size = ELEMENTS[pool.dtype], SIZES[pool.dtype]
    with counted(builder, _row(builder, pool)) as i:
        known = ir.Constant(kind, 0.0) if pool.kind == "mean" else None
        for place in _window(builder, pool, at, i):
            value = load(builder, element(builder, images, kind, (place, 1)), kind, size)
            known = value if known is None else _joined(builder, pool, known, value)
        if pool.kind == "mean":
            known = builder.fdiv(known, ir.Constant(kind, float(prod(pool.window))))
        builder.store(known, element(builder, line, kind, (i, 1)), align=size)


def _hand_back(builder: Any, pool: Pool, arrays: tuple[Any, Any, Any, Any], at: Any) -> None:
    """Emit the gradient of a row of windows that lie side by side."""
    line, images, slope, gradient = arrays
    kind, size = ELEMENTS[pool.dtype], SIZES[pool.dtype]

    def read(array: Any, place: Any) -> Any:
        return load(builder, element(builder, array, kind, (place, 1)), kind, size)

    with counted(builder, _row(builder, pool)) as i:
        value, free = read(slope, i), ir.IntType(1)(1)
        if pool.kind == "mean":
            value = builder.fdiv(value, ir.Constant(kind, float(prod(pool.window))))
        best = read(line, i) if pool.kind == "max" else None
        for place in _window(builder, pool, at, i):
            given = value
            if pool.kind == "max":
                wins = builder.and_(free, _same(builder, read(images, place), best))
                free = builder.and_(free, builder.not_(wins))
                given = builder.select(wins, value, ir.Constant(kind, 0.0))
            builder.store(given, element(builder, gradient, kind, (place, 1)), align=size)


def _same(builder: Any, first: Any, second: Any) -> Any:
    """Return whether numbers are equal, or both NaN."""
    neither = builder.and_(
        builder.fcmp_unordered("uno", first, first), builder.fcmp_unordered("uno", second, second)
    )
    return builder.or_(builder.fcmp_ordered("==", first, second), neither)


@contextmanager
def _rows(builder: Any, pool: Pool, span: tuple[Any, Any]) -> Iterator[tuple[Any, list[Any], Any]]:
    """Emit a loop over the rows of the result: (plane, places along all axes but one, row)."""
    count = prod(pool.out[:-1])
    with (
        counted(builder, span[1], span[0]) as plane,
        counted(builder, count if pool.out[-1] else 0) as number,
    ):
        places, rest = [], number
        for stride in row_major(pool.out[:-1]):
            places.append(builder.sdiv(rest, INDEX(stride)))
            rest = builder.srem(rest, INDEX(stride))
        yield plane, places, builder.add(builder.mul(plane, INDEX(count)), number)


def _taps(
    builder: Any, pool: Pool, plane: Any, places: list[Any], meet: Callable[[Any, Any], None]
) -> None:
    """Emit ``meet(place in the row, element of the images)`` for each element of the windows.

    A window's elements come in their order; along a row, loops have no bounds to check.
    """
    with _outer_taps(builder, pool, plane, places) as (at, inside), builder.if_then(inside):
        for tap in range(pool.window[-1]):
            axis = pool.axis(len(pool.size) - 1, tap)
            start, stop = axis.range
            if start < stop:
                with counted(builder, stop, start) as i:
                    step = builder.mul(i, INDEX(axis.scale))
                    meet(i, builder.add(at, builder.add(step, INDEX(axis.shift))))


@contextmanager
def _outer_taps(
    builder: Any, pool: Pool, plane: Any, places: list[Any]
) -> Iterator[tuple[Any, Any]]:
    """Emit loops over a window along all axes but the last: (first element, whether it is one)."""
    strides = row_major(pool.size)
    at = builder.mul(plane, INDEX(prod(pool.size)))
    inside: Any = ir.IntType(1)(1)
    with ExitStack() as loops:
        for number, place in enumerate(places):
            tap = loops.enter_context(counted(builder, pool.window[number]))
            axis = pool.axis(number, 0)
            index = builder.add(builder.mul(place, INDEX(axis.scale)), INDEX(axis.shift))
            index = builder.add(index, builder.mul(tap, INDEX(pool.dilation[number])))
            below = builder.icmp_unsigned("<", index, INDEX(axis.extent))
            inside = builder.and_(inside, below)
            at = builder.add(at, builder.mul(index, INDEX(strides[number])))
        yield at, inside


def _divide(builder: Any, pool: Pool, places: list[Any], source: Any, out: Any) -> None:
    """Emit the division of a row by how many elements its windows count."""
    kind, size = ELEMENTS[pool.dtype], SIZES[pool.dtype]
    total: Any = INDEX(1)
    if not pool.counts_padding:
        for number, place in enumerate(places):
            count: Any = INDEX(0)
            for tap in range(pool.window[number]):
                start, stop = pool.axis(number, tap).range
                inside = builder.icmp_unsigned(
                    "<", builder.sub(place, INDEX(start)), INDEX(stop - start)
                )
                count = builder.add(count, builder.zext(inside, INDEX))
            total = builder.mul(total, count)
    with counted(builder, pool.out[-1]) as i:
        divisor: Any = INDEX(prod(pool.window))
        if not pool.counts_padding:
            along: Any = INDEX(0)
            for tap in range(pool.window[-1]):
                start, stop = pool.axis(len(pool.size) - 1, tap).range
                inside = builder.icmp_unsigned(
                    "<", builder.sub(i, INDEX(start)), INDEX(stop - start)
                )
                along = builder.add(along, builder.zext(inside, INDEX))
            divisor = builder.mul(total, along)
        value = load(builder, element(builder, source, kind, (i, 1)), kind, size)
        value = builder.fdiv(value, builder.sitofp(divisor, kind))
        builder.store(value, element(builder, out, kind, (i, 1)), align=size)


def _function(
    module: Any, name: str, pointers: list[Any], body: Callable[[Any, list[Any]], None]
) -> Any:
    signature = ir.FunctionType(VOID, [*pointers, INDEX, INDEX])
    function = ir.Function(module, signature, module.get_unique_name(name))
    function.linkage = "internal"
    for argument in function.args[: len(pointers)]:
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    body(builder, list(function.args))
    builder.ret_void()
    return function
