"""Convolutions, poolings and their gradients: calls of emitted functions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Node
from ...primitive import Windowed
from .emission import Emission
from .gemm import (
    Conv,
    Pool,
    emit_convolution,
    emit_image_gradient,
    emit_kernel_gradient,
    emit_pool,
    emit_pool_gradient,
    pool_workspace_bytes,
)
from .nests import loop
from .places import Buffer
from .plan import is_tiny
from .scalars import I64, PTR

if TYPE_CHECKING:
    from .section import Section

_CONVOLUTIONS = {
    "convolution": (emit_convolution, "image", "kernels", "result"),
    "image gradient": (emit_image_gradient, "result", "kernels", "image"),
    "kernel gradient": (emit_kernel_gradient, "image", "result", "kernels"),
}


@dataclass(frozen=True)
class Sliding:
    """A function that does a node.

    Attributes:
        function: See ``Convolving``, and the functions of ``pooling``.
        chunks: How many chunks, or planes, there are.
        workspace_bytes: What it needs beside operands and result.
    """

    function: Any
    chunks: int
    workspace_bytes: int


def emit_sliding(emission: Emission, node: Node) -> Sliding | None:
    """Emit the function of a node; None where its result is empty.

    Args:
        emission: What is being written.
        node: Its primitive is ``Windowed``.
    """
    assert isinstance(node.primitive.lower, Windowed)
    what = node.primitive.lower.what
    if 0 in node.out.shape:
        return None
    if what in _CONVOLUTIONS:
        emit, *roles = _CONVOLUTIONS[what]
        made = emit(emission.module, _conv_of(node, roles), emission.target)
        return Sliding(made.function, made.chunks, made.workspace_bytes)
    pool = _pool_of(node, what)
    if what in ("maximum", "mean"):
        return Sliding(emit_pool(emission.module, pool), pool.planes, 0)
    function = emit_pool_gradient(emission.module, pool)
    return Sliding(function, pool.planes, pool_workspace_bytes(pool))


def _conv_of(node: Node, roles: list[str]) -> Conv:
    shapes = dict(zip(roles, (x.shape for x in (*node.operands, node.out)), strict=True))
    return Conv(
        dtype=node.out.dtype.name,
        batch=shapes["image"][0],
        channels=shapes["image"][1],
        filters=shapes["kernels"][0],
        size=shapes["image"][2:],
        kernel=shapes["kernels"][2:],
        stride=node.attrs["stride"],
        padding=node.attrs["padding"],
        dilation=node.attrs["dilation"],
        groups=node.attrs["groups"],
    )


def _pool_of(node: Node, what: str) -> Pool:
    image = node.out if what.endswith("gradient") else node.operands[0]
    window = node.attrs["window"]
    return Pool(
        dtype=node.out.dtype.name,
        planes=prod(image.shape[:2]),
        size=image.shape[2:],
        window=window,
        stride=node.attrs["stride"],
        padding=node.attrs["padding"],
        dilation=node.attrs.get("dilation", (1,) * len(window)),
        kind="max" if what.startswith("maximum") else "mean",
        counts_padding=node.attrs.get("counts_padding", True),
    )


def emit_windowed(section: Section, node: Node, sliding: Sliding | None) -> None:
    """Call the function of a node."""
    target = section.room(node.out) if is_tiny(node.out) else section.address(node.out)
    if sliding is not None:
        _call(section, node, sliding, target)
    section.place_at(node.out, target)


def _call(section: Section, node: Node, sliding: Sliding, target: ir.Value) -> None:
    assert isinstance(node.primitive.lower, Windowed)
    what = node.primitive.lower.what
    given = []
    for operand in node.operands:
        place = section.backed(operand)
        given.append(place.pointer if isinstance(place, Buffer) else section.spill(operand))
    workspace, builder = section.in_workspace(node), section.builder
    if what in _CONVOLUTIONS:
        with loop(builder, sliding.chunks) as chunk:
            nothing = ir.Constant(PTR, None)
            builder.call(sliding.function, [*given, target, workspace, nothing, chunk])
        return
    if what == "maximum gradient":
        slope, image, maxima = given
        given = [image, maxima, slope]
    elif what == "mean gradient":
        given *= 3  # of which it reads the slopes
    more = [workspace] if what.endswith("gradient") else []
    builder.call(sliding.function, [*given, target, *more, I64(0), I64(sliding.chunks)])
