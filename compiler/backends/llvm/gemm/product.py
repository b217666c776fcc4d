"""Products of matrices, as functions of a module."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..target import Target
from .blocked import Side, call_driver, workspace_parts
from .direct import direct_tile, emit_direct
from .dots import emit_dots, is_dots
from .emission import (
    ELEMENTS,
    INDEX,
    LANE,
    POINTER,
    SIZES,
    call_pointer,
    counted,
    element,
    local,
    pointer_to,
    shared,
    smaller,
)
from .merging import cleared
from .packing import MATRIX, packer
from .spec import Gemm
from .tiles import Tiles, lanes_of, most_depth, rounded, tiles

_DIRECT_BYTES = 160 * 1024  # of a matrix that is read where it is
_FEW = 64  # rows or columns of a result, for which packing the other matrix does not pay

_ARGUMENTS = (POINTER, POINTER, POINTER, POINTER)


def emit(module: Any, spec: Gemm, target: Target) -> Any:
    """Return an internal function ``void (ptr a, ptr b, ptr c, ptr workspace)``.

    Products that are equal share one function. The matrices are aligned to
    their elements, the workspace (of ``workspace_bytes``; of no bytes it may be null) to 64.
    Each element of ``c`` is summed in an order that the spec and the target alone decide.
    """

    def body(builder: Any, arguments: list[Any]) -> None:
        left, right, out, workspace = arguments
        if spec.is_swapped:
            left, right = right, left
        _body(builder, spec.ordered(), target, (left, right, out, workspace))

    function = shared(module, _name(spec, target), _ARGUMENTS, body)
    function.attributes.add("noinline")
    return function


def workspace_bytes(spec: Gemm, target: Target) -> int:
    """Return how much memory a product needs while it runs."""
    spec = spec.ordered()
    if not spec.k or is_dots(spec, target):
        return 0
    if is_direct(spec, target):
        return 0 if spec.b[1] == 1 else _panels_bytes(spec, target)
    return workspace_parts(spec.dtype, blocks(spec, target))[2]


def is_direct(spec: Gemm, target: Target) -> bool:
    """Whether packing does not pay for a product (ordered): it is small, or thin."""
    left, right = (extent * spec.k * SIZES[spec.dtype] for extent in (spec.m, spec.n))
    if spec.c[1] != 1:
        return False
    if spec.n <= _FEW:
        return right <= 2 * _DIRECT_BYTES
    if spec.m <= _FEW and spec.b[1] == 1:
        return True
    return max(left, right) <= _DIRECT_BYTES and spec.k <= most_depth(spec.dtype)


def is_blocked(spec: Gemm, target: Target) -> bool:
    """Whether a product (ordered) is done in packed blocks."""
    return bool(spec.k) and not is_dots(spec, target) and not is_direct(spec, target)


def blocks(spec: Gemm, target: Target) -> Tiles:
    """Return the sizes of a packed product's blocks."""
    return tiles(spec.dtype, spec.m, spec.n, spec.k, target)


def emit_blocks(
    builder: Any, spec: Gemm, target: Target, sizes: Tiles, ranges: tuple[Any, ...], given: Any
) -> None:  # fmt: skip
    """Emit a packed product, or a part of it.

    Args:
        builder: Where.
        spec: The whole product, ordered.
        target: The machine.
        sizes: Of blocks.
        ranges: The rows and the columns of ``c`` to compute: start, stop, start, stop.
        given: The addresses of a, b, c, the workspace.
    """
    left, right, out, workspace = given
    lanes = sizes.lanes
    sides = (
        matrix(builder, spec.dtype, left, spec.a, (sizes.rows, sizes.edge_rows), lanes),
        matrix(
            builder, spec.dtype, right, spec.b[::-1],
            (sizes.columns, sizes.edge_vectors * lanes), lanes,
        ),
    )  # fmt: skip
    call_driver(
        builder, spec.dtype, sizes, (*ranges, spec.k), *sides, (out, *spec.c),
        spec.accumulate, workspace,
    )  # fmt: skip


def matrix(
    builder: Any, dtype: str, base: Any, strides: tuple[int, int], widths: tuple[int, int],
    lanes: int, table: tuple[str, Any] | None = None,
) -> Side:  # fmt: skip
    """Describe a matrix to the packing.

    Args:
        builder: Where; the description lies on the stack.
        dtype: Of the elements.
        base: The address of the first one.
        strides: Along the width of the panels and along their depth, in elements.
        widths: Of a panel, and of one at the edge.
        lanes: Of a register.
        table: The axis that has offsets, "width" or "depth", and their address.
    """
    tabled, offsets = table or (None, POINTER(None))
    source = local(builder, MATRIX)
    for i, value in enumerate((base, INDEX(strides[0]), INDEX(strides[1]), offsets)):
        builder.store(value, builder.gep(source, [INDEX(0), LANE(i)], source_etype=MATRIX))
    pack, pack_edge = (
        packer(builder.module, dtype, width, lanes, turns=width == widths[0], tabled=tabled)
        for width in widths
    )
    return Side(pack, pack_edge, source)


def _name(spec: Gemm, target: Target) -> str:
    shape = f"{spec.m}x{spec.n}x{spec.k}"
    strides = "_".join(
        f"{rows}.{columns}".replace("-", "m") for rows, columns in (spec.a, spec.b, spec.c)
    )
    adds = "_adds" if spec.accumulate else ""
    return f"gradc_gemm_{spec.dtype}_{shape}_{strides}{adds}_{target.vector_bytes}"


def _body(builder: Any, spec: Gemm, target: Target, given: tuple[Any, ...]) -> None:
    """Emit a product (ordered) in the way that suits it."""
    left, right, out, workspace = given
    if is_blocked(spec, target):
        ranges = (0, spec.m, 0, spec.n)
        emit_blocks(builder, spec, target, blocks(spec, target), ranges, given)
    elif not spec.k:
        if not spec.accumulate:
            cleared(builder, spec, out)
    elif is_dots(spec, target):
        emit_dots(builder, spec, target, left, right, out)
    else:
        _direct(builder, spec, target, (left, right, out, workspace))


def _panels_bytes(spec: Gemm, target: Target) -> int:
    """Return the size of ``b`` as panels, and of what packing may write behind them."""
    _, columns = direct_tile(spec, target)
    return (rounded(spec.n, columns) * spec.k) * SIZES[spec.dtype] + target.vector_bytes


def _direct(builder: Any, spec: Gemm, target: Target, given: tuple[Any, Any, Any, Any]) -> None:
    """Emit a product whose ``a`` is not packed; ``b`` is where its rows are not dense."""
    left, right, out, workspace = given
    _, columns = direct_tile(spec, target)
    if spec.b[1] == 1:
        emit_direct(builder, spec, target, left, right, out, columns)
        return
    lanes = lanes_of(spec.dtype, target)
    side = matrix(builder, spec.dtype, right, spec.b[::-1], (columns, columns), lanes)
    with counted(builder, spec.n, step=columns) as column:
        panel = element(builder, workspace, ELEMENTS[spec.dtype], (column, spec.k))
        count = smaller(builder, columns, builder.sub(INDEX(spec.n), column))
        span = [side.source, column, count, INDEX(0), INDEX(spec.k), panel]
        call_pointer(builder, pointer_to(builder, side.pack), span)
    packed = dataclasses.replace(spec, b=(columns, 1))
    emit_direct(builder, packed, target, left, workspace, out, columns * spec.k)
