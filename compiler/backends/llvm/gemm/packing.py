"""Panels: parts of a matrix copied into the order in which the micro-kernel reads them.

A panel (depth, width) holds, for each step of the depth, ``width`` neighbours; missing ones at
the edge of the matrix are zeros.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import llvmlite.ir as ir

from .emission import (
    ELEMENTS,
    INDEX,
    LANE,
    POINTER,
    SIZES,
    compact,
    counted,
    element,
    load,
    number,
    shared,
    vector,
    zero,
)

# A matrix as packing reads it: its first element, the strides (in elements) of the axis that
# becomes the width and of the axis of the depth, and offsets (or null) that take the place of
# index times stride along one of them.
MATRIX = ir.LiteralStructType([POINTER, INDEX, INDEX, POINTER])

# (source, first element of the width, how many there are, first step, how many, panel)
PACKING = (POINTER, INDEX, INDEX, INDEX, INDEX, POINTER)


class _Panel(NamedTuple):
    """What is known while the packing of a panel is emitted.

    Attributes:
        dtype: Of the elements.
        width: Of the panel.
        lanes: Of a register.
        tabled: Which axis has a table of offsets: "width", "depth" or None.
        base: The address of the matrix.
        strides: Of the width and of the depth.
        table: The offsets.
        first: Where the width begins in the matrix.
        start: Where the depth begins there.
        depth: How many steps.
        place: The panel's address.
    """

    dtype: str
    width: int
    lanes: int
    tabled: str | None
    base: Any
    strides: tuple[Any, Any]
    table: Any
    first: Any
    start: Any
    depth: Any
    place: Any

    def line(self, builder: Any, index: Any, axis: int) -> Any:
        """Return how far an index of the panel along an axis (0: width) leads, in elements."""
        index = builder.add((self.first, self.start)[axis], number(index))
        if self.tabled == ("width", "depth")[axis]:
            entry = element(builder, self.table, INDEX, (index, 1))
            return builder.load(entry, typ=INDEX)
        return builder.mul(index, self.strides[axis], flags=["nsw"])


def packer(
    module: Any, dtype: str, width: int, lanes: int, *, turns: bool = True,
    tabled: str | None = None,
) -> Any:  # fmt: skip
    """Return the function that packs one panel of a ``MATRIX``; its arguments are ``PACKING``.

    It may write up to ``lanes`` elements past the panel's end (the next panel, or slack). With
    ``turns``, panels that run along the depth are transposed in registers: more code, faster.
    With ``tabled``, the matrix has offsets along its "width" or "depth".
    """

    def body(builder: Any, arguments: list[Any]) -> None:
        source, first, count, start, depth, place = arguments
        base, along, down, table = (
            builder.load(builder.gep(source, [INDEX(0), LANE(i)], source_etype=MATRIX), typ=kind)
            for i, kind in enumerate(MATRIX.elements)
        )
        panel = _Panel(
            dtype, width, lanes, tabled, base, (along, down), table, first, start, depth, place
        )
        whole = builder.icmp_signed("==", count, INDEX(width))
        dense, deep = (
            builder.and_(whole, builder.icmp_signed("==", stride, INDEX(1)))
            for stride in (along, down)
        )
        choices = [(dense, _copy)] if tabled != "width" else []
        choices += [(deep, _transpose)] if turns and tabled != "depth" else []
        _choose(builder, choices, panel, count)

    traits = f"{'_turning' if turns else ''}{'_' + tabled if tabled else ''}"
    name = f"gradc_pack_{dtype}_{width}x{lanes}{traits}"
    return compact(shared(module, name, PACKING, body))


def _choose(builder: Any, choices: list[Any], panel: _Panel, count: Any) -> None:
    """Emit the first way whose condition holds, or an element at a time."""
    if not choices:
        _gather(builder, panel, INDEX(0), count)
        return
    (condition, way), *others = choices
    with builder.if_else(condition) as (then, otherwise):
        with then:
            way(builder, panel)
        with otherwise:
            _choose(builder, others, panel, count)


def _copy(builder: Any, panel: _Panel) -> None:
    """Emit the copy of a panel whose width is contiguous."""
    kind, size = ELEMENTS[panel.dtype], SIZES[panel.dtype]
    corner = element(builder, panel.base, kind, (panel.first, 1))
    with counted(builder, panel.depth) as step:
        line = element(builder, corner, kind, (panel.line(builder, step, 1), 1))
        out = element(builder, panel.place, kind, (step, panel.width))
        for at, count in pieces_of(panel.width, panel.lanes):
            value = load(builder, element(builder, line, kind, (at, 1)), vector(kind, count), size)
            builder.store(value, element(builder, out, kind, (at, 1)), align=size)


def pieces_of(width: int, lanes: int) -> list[tuple[int, int]]:
    """Return (start, size) of vectors that cover a width: full ones, then powers of two."""
    pieces, at, size = [], 0, lanes
    while at < width:
        while size > width - at:
            size //= 2
        pieces.append((at, size))
        at += size
    return pieces


def _transpose(builder: Any, panel: _Panel) -> None:
    """Emit the copy of a panel whose depth is contiguous: squares turned in registers."""
    width, lanes = panel.width, panel.lanes
    whole = builder.and_(panel.depth, INDEX(-lanes))
    if width % lanes:
        # The last square spoils what follows its lines: all squares of a line are written in turn.
        starts = range(0, width, lanes)
        _squares(builder, panel, whole, [(at, min(lanes, width - at)) for at in starts])
    else:
        with counted(builder, width, step=lanes) as at:
            _squares(builder, panel, whole, [(at, lanes)])
    _gather(builder, panel, whole, INDEX(width))


def _squares(builder: Any, panel: _Panel, stop: Any, squares: list[tuple[Any, int]]) -> None:
    """Emit a loop over the depth that turns squares: (where in the width, how many rows)."""
    kind, size, lanes = ELEMENTS[panel.dtype], SIZES[panel.dtype], panel.lanes
    wide = vector(kind, lanes)
    corners = []
    for at, height in squares:
        places = [builder.add(number(at), INDEX(i)) for i in range(height)]
        offsets = [panel.line(builder, place, 0) for place in places]
        corners.append(
            [element(builder, panel.base, kind, (one, 1), (panel.start, 1)) for one in offsets]
        )
    with counted(builder, stop, step=lanes) as step:
        turned = []
        for rows in corners:
            lines = [
                load(builder, element(builder, row, kind, (step, 1)), wide, size) for row in rows
            ]
            lines += [ir.Constant(wide, ir.Undefined)] * (lanes - len(lines))
            turned.append(transposed(builder, lines))
        for j in range(lanes):
            for (at, _), lines in zip(squares, turned, strict=True):
                out = element(
                    builder, panel.place, kind, (step, panel.width), (j, panel.width), (at, 1)
                )
                builder.store(lines[j], out, align=size)


def transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Return the columns of a square of vectors, its size a power of two.

    Each stage exchanges the odd blocks of one row with the even blocks of its partner, with
    blocks of 1, 2, 4, ... lanes.
    """
    lanes = len(rows)
    span = 1
    while span < lanes:
        low = [i if not i & span else lanes + i - span for i in range(lanes)]
        high = [i + span if not i & span else lanes + i for i in range(lanes)]
        following = list(rows)
        for i in range(lanes):
            if not i & span:
                first, second = rows[i], rows[i + span]
                following[i] = _shuffle(builder, first, second, low)
                following[i + span] = _shuffle(builder, first, second, high)
        rows = following
        span *= 2
    return rows


def _shuffle(builder: Any, first: Any, second: Any, order: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(LANE, len(order)), order)
    return builder.shuffle_vector(first, second, mask)


def _gather(builder: Any, panel: _Panel, start: Any, count: Any) -> None:
    """Emit the copy of any panel from a step on, an element at a time, zeros where it ends."""
    kind, size = ELEMENTS[panel.dtype], SIZES[panel.dtype]
    with counted(builder, panel.depth, start) as step:
        line = element(builder, panel.base, kind, (panel.line(builder, step, 1), 1))
        out = element(builder, panel.place, kind, (step, panel.width))
        with counted(builder, count) as i:
            value = load(
                builder, element(builder, line, kind, (panel.line(builder, i, 0), 1)), kind, size
            )
            builder.store(value, element(builder, out, kind, (i, 1)), align=size)
        with counted(builder, panel.width, count) as i:
            builder.store(zero(kind), element(builder, out, kind, (i, 1)), align=size)
