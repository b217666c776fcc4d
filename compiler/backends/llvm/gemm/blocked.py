"""The loops over the blocks of a large product, around packing and the micro-kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

from .emission import (
    BYTE,
    ELEMENTS,
    FLAG,
    INDEX,
    LINE,
    POINTER,
    SIZES,
    call_pointer,
    compact,
    counted,
    element,
    number,
    pointer_to,
    shared,
    smaller,
)
from .kernel import kernel
from .merging import merge
from .tiles import Tiles, rounded


class Side(NamedTuple):
    """Where the panels of one side come from.

    Attributes:
        pack: Packs a panel as wide as a tile; called as ``packing.PACKING`` says.
        pack_edge: Packs a panel of the edge.
        source: What these are given first.
    """

    pack: Any
    pack_edge: Any
    source: Any


class _Driver(NamedTuple):
    """The driver's arguments, in order; counts of elements unless a comment says otherwise."""

    row: Any  # the first one of ``c`` to compute
    row_stop: Any
    column: Any
    column_stop: Any
    k: Any
    depth: Any  # of a block
    left: Any  # rows of ``a`` packed at a time
    right: Any  # columns of ``b`` packed at a time
    edge_rows: Any  # of the tiles at the lower edge
    edge_columns: Any  # of the tiles at the right edge
    right_start: Any  # where packed ``b`` begins in the workspace, in bytes
    left_start: Any  # where packed ``a`` begins there
    whole: Any  # the micro-kernel
    right_edge: Any  # that of the right edge
    lower_edge: Any
    corner: Any  # that of both edges
    pack_left: Any
    pack_left_edge: Any
    source_left: Any
    pack_right: Any
    pack_right_edge: Any
    source_right: Any
    out: Any
    out_rows: Any  # stride
    out_columns: Any  # stride
    adds: Any  # a flag
    workspace: Any


_TYPES = (
    *([INDEX] * 12), *([POINTER] * 10), POINTER, INDEX, INDEX, FLAG, POINTER,
)  # fmt: skip


def workspace_parts(dtype: str, tiles: Tiles) -> tuple[int, int, int]:
    """Return where packed b and packed a begin in the workspace, and its size, all in bytes."""
    size = SIZES[dtype]
    slack = tiles.lanes * size  # packing may write so far past the end
    right = rounded(tiles.rows * tiles.columns * size, LINE)
    left = right + rounded(tiles.depth * tiles.right * size + slack, LINE)
    packed_rows = rounded(tiles.left, tiles.rows)
    return right, left, left + rounded(tiles.depth * packed_rows * size + slack, LINE)


def driver(module: Any, dtype: str, tiles: Tiles) -> Any:
    """Return the function that does a packed product of any shape; ``call_driver`` calls it."""

    def body(builder: Any, arguments: list[Any]) -> None:
        _Emission(module, builder, dtype, tiles, _Driver(*arguments)).columns()

    name = f"gradc_blocked_{dtype}_{tiles.rows}x{tiles.vectors}x{tiles.lanes}"
    function = shared(module, name, _TYPES, body)
    return compact(function)


def call_driver(
    builder: Any, dtype: str, tiles: Tiles, ranges: tuple[Any, ...], left: Side,
    right: Side, out: tuple[Any, Any, Any], adds: Any, workspace: Any,
) -> None:  # fmt: skip
    """Call the driver.

    Args:
        builder: Where.
        dtype: Of the elements.
        tiles: The sizes of blocks.
        ranges: Rows of ``c`` (start, stop), columns (start, stop), and k, which is above 0.
        left: The panels of ``a``.
        right: The panels of ``b``.
        out: The address of ``c`` and its strides.
        adds: Whether the product is added to ``c``: known, or a flag.
        workspace: Aligned to ``LINE``.
    """
    sides = [pointer_to(builder, one) for side in (left, right) for one in side]
    sizes = [number(value) for value in ranges]
    right_start, left_start, _ = workspace_parts(dtype, tiles)
    blocks = [
        tiles.depth, tiles.left, tiles.right, tiles.edge_rows, tiles.edge_vectors * tiles.lanes,
        right_start, left_start,
    ]  # fmt: skip
    kernels = [
        pointer_to(builder, kernel(builder.module, dtype, rows, vectors, tiles.lanes))
        for rows in (tiles.rows, tiles.edge_rows)
        for vectors in (tiles.vectors, tiles.edge_vectors)
    ]
    strides = [number(value) for value in out[1:]]
    counts = [*sizes, *map(INDEX, blocks)]
    rest = [
        out[0],
        *strides,
        FLAG(int(adds)) if isinstance(adds, bool) else adds,
        workspace,
    ]
    builder.call(driver(builder.module, dtype, tiles), [*counts, *kernels, *sides, *rest])


class _Emission:
    """What is known while the driver's loops are emitted."""

    def __init__(self, module: Any, builder: Any, dtype: str, tiles: Tiles, given: _Driver) -> None:
        self.module, self.builder, self.dtype = module, builder, dtype
        self.tiles, self.given, self.kind = tiles, given, ELEMENTS[dtype]
        self.scratch = given.workspace
        self.right, self.left = (
            builder.gep(given.workspace, [start], source_etype=BYTE)
            for start in (given.right_start, given.left_start)
        )
        self.is_dense = builder.icmp_signed("==", given.out_columns, INDEX(1))

    def columns(self) -> None:
        """Emit the loops over blocks of columns and of depth."""
        builder, given = self.builder, self.given
        with counted(builder, given.column_stop, given.column, given.right) as column:
            width = smaller(builder, given.right, builder.sub(given.column_stop, column))
            with counted(builder, given.k, step=given.depth) as start:
                rest = builder.sub(given.k, start)
                depth = smaller(builder, given.depth, rest)
                self.first = builder.icmp_signed("==", start, INDEX(0))
                self.adds = builder.or_(given.adds, builder.not_(self.first))
                self.column, self.width, self.start, self.depth = column, width, start, depth
                self._pack_right()
                with counted(builder, given.row_stop, given.row, given.left) as row:
                    self.row = row
                    rest = builder.sub(given.row_stop, row)
                    self.height = smaller(builder, given.left, rest)
                    self._pack_left()
                    self._tiles()

    def _pack_right(self) -> None:
        builder, given = self.builder, self.given
        with counted(builder, self.width, step=self.tiles.columns) as j:
            count = smaller(builder, self.tiles.columns, builder.sub(self.width, j))
            edge = self._is_narrow(count)
            pack = builder.select(edge, given.pack_right_edge, given.pack_right)
            panel = element(builder, self.right, self.kind, (j, self.depth))
            first = builder.add(self.column, j)
            call_pointer(
                builder, pack, [given.source_right, first, count, self.start, self.depth, panel]
            )

    def _pack_left(self) -> None:
        builder, given = self.builder, self.given
        with counted(builder, self.height, step=self.tiles.rows) as i:
            count = smaller(builder, self.tiles.rows, builder.sub(self.height, i))
            pack = builder.select(self._is_low(count), given.pack_left_edge, given.pack_left)
            panel = element(builder, self.left, self.kind, (i, self.depth))
            first = builder.add(self.row, i)
            call_pointer(
                builder, pack, [given.source_left, first, count, self.start, self.depth, panel]
            )

    def _is_narrow(self, count: Any) -> Any:
        return self._within(count, self.given.edge_columns, self.tiles.columns)

    def _is_low(self, count: Any) -> Any:
        return self._within(count, self.given.edge_rows, self.tiles.rows)

    def _within(self, count: Any, edge: Any, whole: int) -> Any:
        """Return whether a tile is one of the edge: less than a whole one, and within its size."""
        builder = self.builder
        return builder.and_(
            builder.icmp_signed("<=", count, edge), builder.icmp_signed("<", count, INDEX(whole))
        )

    def _tiles(self) -> None:
        """Emit the loops over the tiles of a block; a panel of b stays in the first cache."""
        builder, tiles = self.builder, self.tiles
        with counted(builder, self.width, step=tiles.columns) as j:
            columns = smaller(builder, tiles.columns, builder.sub(self.width, j))
            with counted(builder, self.height, step=tiles.rows) as i:
                rows = smaller(builder, tiles.rows, builder.sub(self.height, i))
                self._tile(i, j, rows, columns)

    def _tile(self, i: Any, j: Any, rows: Any, columns: Any) -> None:
        builder, tiles, given = self.builder, self.tiles, self.given
        low, narrow = self._is_low(rows), self._is_narrow(columns)
        function = builder.select(
            low,
            builder.select(narrow, given.corner, given.lower_edge),
            builder.select(narrow, given.right_edge, given.whole),
        )
        held_rows = builder.select(low, given.edge_rows, INDEX(tiles.rows))
        held_columns = builder.select(narrow, given.edge_columns, INDEX(tiles.columns))
        fits = builder.and_(
            builder.icmp_signed("==", rows, held_rows),
            builder.icmp_signed("==", columns, held_columns),
        )
        direct = builder.and_(fits, self.is_dense)
        row, column = builder.add(self.row, i), builder.add(self.column, j)
        out = element(
            builder, given.out, self.kind, (row, given.out_rows), (column, given.out_columns)
        )
        place = builder.select(direct, out, self.scratch)
        stride = builder.select(direct, given.out_rows, INDEX(tiles.columns))
        adds = builder.and_(direct, self.adds)
        left = element(builder, self.left, self.kind, (i, self.depth))
        right = element(builder, self.right, self.kind, (j, self.depth))
        ahead = self._ahead(i, j, left)
        call_pointer(builder, function, [self.depth, left, right, place, stride, adds, ahead])
        with builder.if_then(builder.not_(direct)):
            merging = merge(self.module, self.dtype, tiles.columns, tiles.lanes)
            where = [out, given.out_rows, given.out_columns, rows, columns]
            builder.call(merging, [*where, self.scratch, self.adds])

    def _ahead(self, i: Any, j: Any, left: Any) -> Any:
        """Return what a tile asks for: the first ones b's next panel, then a's next panel."""
        builder, tiles, depth = self.builder, self.tiles, self.depth
        lines = tiles.columns * SIZES[self.dtype] // LINE  # of a step of a panel of b
        number = builder.sdiv(i, INDEX(tiles.rows))
        following = builder.add(j, INDEX(tiles.columns))
        panel = element(builder, self.right, self.kind, (following, depth))
        part = element(builder, panel, BYTE, (builder.mul(number, INDEX(LINE)), depth))
        rest = element(builder, left, self.kind, (depth, tiles.rows))
        return builder.select(builder.icmp_signed("<", number, INDEX(lines)), part, rest)
