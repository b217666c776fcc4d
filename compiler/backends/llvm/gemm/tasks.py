"""Products divided into chunks that threads take as they come free."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from ..target import Target
from .blocked import workspace_parts
from .emission import BYTE, ELEMENTS, INDEX, LANE, LINE, POINTER, VOID, element, smaller
from .product import blocks, emit, emit_blocks, is_blocked, workspace_bytes
from .spec import Gemm
from .tiles import Tiles, even_split, lanes_of, register_tile, rounded

# What a task is given: a, b, c, the workers' workspaces, and which of these are free, as bits:
# ``2**workers - 1`` at the start, at most 64 of them. The caller's own values may stand behind.
CONTEXT = ir.LiteralStructType([POINTER, POINTER, POINTER, POINTER, INDEX])

_BLOCK_ROWS, _BLOCK_COLUMNS = 256, 512  # of a chunk: packing costs some 4 % of its product
_FEW_CHUNKS = 4  # with fewer, chunks are made smaller, as long as they
_LEAST_WORK = 1 << 24  # have so many multiply-adds: some hundred microseconds
_GRAIN = 1 << 18  # multiply-adds of a chunk of a thin product: some microseconds
_MOST_CHUNKS = 64  # of a thin product


@dataclasses.dataclass(frozen=True)
class Task:
    """A product for threads.

    Attributes:
        function: ``void task(ptr context, i64 chunk)``; the context is a ``CONTEXT``.
        chunks: How many there are; the shape and the target alone decide.
        worker_bytes: The size of a workspace, of which each thread at work needs one; a multiple
            of 64. Those of all workers lie one after the other, aligned to 64.
        grid: How the result is divided, as that of the ordered product.
        is_swapped: Whether that is the other way round.
    """

    function: Any
    chunks: int
    worker_bytes: int
    grid: Grid
    is_swapped: bool

    @property
    def shares(self) -> tuple[int, int]:
        """Into how many parts the rows of the result are divided, and its columns."""
        high, wide = self.grid.high, self.grid.wide
        return (wide, high) if self.is_swapped else (high, wide)

    def spans(self, builder: Any, chunk: Any) -> list[Span]:
        """Emit where the rows of a chunk start and stop, and where its columns do."""
        spans = self.grid.spans(builder, chunk)
        return spans[::-1] if self.is_swapped else spans


Span = tuple[Any, Any]


@dataclasses.dataclass(frozen=True)
class Grid:
    """How ``c`` is divided.

    Attributes:
        rows: Of a chunk.
        columns: Of a chunk.
        extents: Rows and columns of ``c``.
    """

    rows: int
    columns: int
    extents: tuple[int, int]

    @property
    def high(self) -> int:
        """How many chunks lie below each other."""
        return max(1, -(-self.extents[0] // self.rows))

    @property
    def wide(self) -> int:
        """How many chunks lie beside each other."""
        return max(1, -(-self.extents[1] // self.columns))

    def spans(self, builder: Any, chunk: Any) -> list[Span]:
        """Emit where the rows of a chunk start and stop, and where its columns do."""
        found = []
        places = builder.udiv(chunk, INDEX(self.wide)), builder.urem(chunk, INDEX(self.wide))
        sizes = zip(places, (self.rows, self.columns), self.extents, strict=True)
        for place, size, extent in sizes:
            start = builder.mul(place, INDEX(size))
            found.append((start, smaller(builder, builder.add(start, INDEX(size)), extent)))
        return found


def emit_task(module: Any, spec: Gemm, target: Target) -> Task:
    """Emit a product in chunks; the result has the same bits for any number of threads."""
    whole = spec.ordered()
    packed = is_blocked(whole, target)
    grid = _block_grid(whole, target) if packed else _thin_grid(whole)
    name = module.get_unique_name(f"gradc_gemm_task_{spec.m}x{spec.n}x{spec.k}")
    function = ir.Function(module, ir.FunctionType(VOID, [POINTER, INDEX]), name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    context, chunk = function.args
    values = [
        builder.load(builder.gep(context, [INDEX(0), LANE(i)], source_etype=CONTEXT), typ=POINTER)
        for i in range(4)
    ]
    if spec.is_swapped:
        values[0], values[1] = values[1], values[0]
    rows, columns = grid.spans(builder, chunk)
    if packed:
        sizes = _chunk_tiles(whole, target, grid)
        size = workspace_parts(spec.dtype, sizes)[2]
        with _workspace(builder, context, values[3], size) as workspace:
            ranges = (*rows, *columns)
            emit_blocks(builder, whole, target, sizes, ranges, (*values[:3], workspace))
    else:
        size = _emit_thin(builder, whole, target, grid, (context, values, rows[0], columns[0]))
    builder.ret_void()
    return Task(function, grid.high * grid.wide, size, grid, spec.is_swapped)


def _block_grid(spec: Gemm, target: Target) -> Grid:
    rows, vectors = register_tile(target)
    unit = vectors * lanes_of(spec.dtype, target)
    most_rows, most_columns = _BLOCK_ROWS, _BLOCK_COLUMNS
    while True:
        high = rounded(even_split(spec.m, most_rows), rows)
        wide = rounded(even_split(spec.n, most_columns), unit)
        grid = Grid(high, wide, (spec.m, spec.n))
        work = high * wide * spec.k
        is_tile = high <= rows and wide <= unit
        if grid.high * grid.wide >= _FEW_CHUNKS or work < 2 * _LEAST_WORK or is_tile:
            return grid
        if wide >= high and wide > unit:
            most_columns = -(-wide // 2)
        else:
            most_rows = -(-high // 2)


def _chunk_tiles(spec: Gemm, target: Target, grid: Grid) -> Tiles:
    """Return the sizes of blocks within a chunk; the edges are those of the whole product."""
    sizes = blocks(spec, target)
    left, right = min(sizes.left, grid.rows), min(sizes.right, grid.columns)
    return sizes._replace(left=left, right=right)


def _thin_grid(spec: Gemm) -> Grid:
    """Divide a product that is not packed along its longer side."""
    extent, other = max(spec.m, spec.n), min(spec.m, spec.n)
    size = max(-(-_GRAIN // max(1, other * spec.k)), -(-extent // _MOST_CHUNKS))
    size = rounded(min(max(1, extent), size), LINE)
    size = min(size, max(1, extent))
    rows, columns = (spec.m, size) if spec.n >= spec.m else (size, spec.n)
    return Grid(max(1, rows), max(1, columns), (spec.m, spec.n))


def _emit_thin(builder: Any, spec: Gemm, target: Target, grid: Grid, given: Any) -> int:
    """Emit a chunk of a product that is not packed; return the bytes of its workspace."""
    context, values, row, column = given
    kind = ELEMENTS[spec.dtype]
    along_columns = spec.n >= spec.m
    extent, size = (spec.n, grid.columns) if along_columns else (spec.m, grid.rows)
    last = extent - (grid.high * grid.wide - 1) * size
    parts = [
        dataclasses.replace(spec, n=part) if along_columns else dataclasses.replace(spec, m=part)
        for part in (size, last)
    ]
    left = element(builder, values[0], kind, (row, spec.a[0]))
    right = element(builder, values[1], kind, (column, spec.b[1]))
    out = element(builder, values[2], kind, (row, spec.c[0]), (column, spec.c[1]))
    start = column if along_columns else row
    is_last = builder.icmp_signed("==", start, INDEX(extent - last))
    needed = rounded(max(workspace_bytes(part, target) for part in parts), LINE)
    with (
        _workspace(builder, context, values[3], needed) as workspace,
        builder.if_else(is_last) as (then, otherwise),
    ):
        for branch, part in ((then, parts[1]), (otherwise, parts[0])):
            with branch:
                function = emit(builder.module, part, target)
                builder.call(function, [left, right, out, workspace])
    return needed


@contextmanager
def _workspace(builder: Any, context: Any, first: Any, size: int) -> Iterator[Any]:
    free = builder.gep(context, [INDEX(0), LANE(4)], source_etype=CONTEXT)
    with taken_workspace(builder, free, first, size) as workspace:
        yield workspace


@contextmanager
def taken_workspace(builder: Any, free: Any, first: Any, size: int) -> Iterator[Any]:
    """Take a free workspace for what is emitted within; spin while there is none.

    Args:
        builder: Where.
        free: The address of 64 bits, one for each workspace that is free.
        first: The address of the first one.
        size: Of one; they lie one behind the other.
    """
    if not size:
        yield POINTER(None)
        return
    again, attempt, taken = (builder.append_basic_block(name) for name in ("look", "take", "work"))
    builder.branch(again)
    builder.position_at_end(again)
    bits = builder.load_atomic(free, "monotonic", 8, typ=INDEX)
    builder.cbranch(builder.icmp_unsigned("==", bits, INDEX(0)), again, attempt)
    builder.position_at_end(attempt)
    bit = builder.and_(bits, builder.neg(bits))
    result = builder.cmpxchg(free, bits, builder.xor(bits, bit), "acquire", "monotonic")
    builder.cbranch(builder.extract_value(result, 1), taken, again)
    builder.position_at_end(taken)
    number = builder.cttz(bit, ir.IntType(1)(1))
    yield builder.gep(first, [builder.mul(number, INDEX(size))], source_etype=BYTE)
    builder.atomic_rmw("or", free, bit, "release")
