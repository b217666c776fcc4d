"""Convolutions, poolings and their gradients: calls of emitted functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Node
from ...primitive import Windowed
from .chunks import WORTHWHILE, chunk_size
from .costs import RATES
from .emission import Emission
from .followers import calls_of, scaled
from .fusion import Division
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
from .gemm.tiles import rounded
from .loops import loop, number
from .parallel import call_each, span_of
from .workspace import ALIGNMENT

if TYPE_CHECKING:
    from .section import Section

_WINDOW = 0.2  # nanoseconds for each place of a window

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
        places: How many chunks of its own, or planes, there are.
        chunk: How many of them are one chunk for threads; all where it is not worth it.
        worker_bytes: What a thread at work needs beside operands and result.
        images: How many images a place makes, where it makes whole ones.
    """

    function: Any
    places: int
    chunk: int
    worker_bytes: int
    images: int | None = None

    @property
    def chunks(self) -> int:
        """How many chunks there are for threads."""
        return -(-self.places // self.chunk)


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
        conv = _conv_of(node, roles)
        made = emit(emission.products, conv, emission.target)
        products = conv.batch * conv.filters * conv.group_channels * prod((*conv.out, *conv.kernel))
        chunk = 1 if 2.0 * products / RATES[conv.dtype] >= WORTHWHILE else made.chunks
        function = emission.imported(made.function)
        return Sliding(function, made.chunks, chunk, made.workspace_bytes, made.images)
    pool = _pool_of(node, what)
    chunk = chunk_size(pool.planes, _WINDOW * prod((*pool.out, *pool.window)))
    if what in ("maximum", "mean"):
        return Sliding(emit_pool(emission.module, pool), pool.planes, chunk, 0)
    function = emit_pool_gradient(emission.module, pool)
    return Sliding(function, pool.planes, chunk, rounded(pool_workspace_bytes(pool), ALIGNMENT))


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


def division_of(node: Node, sliding: Sliding | None) -> Division | None:
    """Return how a result comes in parts; None where it comes at once, or in parts of images."""
    if sliding is None or sliding.images is None or sliding.chunks == 1:
        return None
    return Division((0,), True, sliding.chunks, prod(node.out.shape))


def emit_windowed(section: Section, node: Node, sliding: Sliding | None) -> None:
    """Call the function of a node."""
    target = section.target(node.out)
    given = [section.pointer(operand) for operand in node.operands]
    if sliding is not None:
        _call(section, node, sliding, given, target)
    section.place_at(node.out, target)


def _call(
    section: Section, node: Node, sliding: Sliding, given: list[ir.Value], target: ir.Value
) -> None:
    assert isinstance(node.primitive.lower, Windowed)
    what, out = node.primitive.lower.what, node.out
    calls = calls_of(section, node, target)
    if what == "maximum gradient":
        slope, image, maxima = given
        given = [image, maxima, slope]
    elif what == "mean gradient":
        given *= 3  # of which it reads the slopes

    def places(
        builder: ir.IRBuilder, pointers: Sequence[ir.Value], own: ir.Value, start: Any, stop: Any
    ) -> None:
        if what in _CONVOLUTIONS:
            with loop(builder, stop, start) as place:
                builder.call(sliding.function, [*pointers[:3], own, place])
                if calls.functions:
                    span = span_of(builder, place, sliding.images or 0, out.shape[0])
                    run = scaled(builder, span, prod(out.shape[1:]))
                    calls.emit(builder, pointers[3:], [span], run)
            return
        more = [own] if what.endswith("gradient") else []
        builder.call(sliding.function, [*pointers, *more, number(start), number(stop)])

    def body(
        builder: ir.IRBuilder, pointers: Sequence[ir.Value], own: ir.Value, chunk: ir.Value
    ) -> None:
        span = span_of(builder, chunk, sliding.chunk, sliding.places)
        places(builder, pointers, own, *span)

    pointers, workspace = [*given, target, *calls.values], section.in_workspace(node)
    if sliding.chunks == 1:
        places(section.builder, pointers, workspace, 0, sliding.places)
        return
    name = section.emission.name(f"{sliding.function.name}.task")
    call_each(
        section.emission, name, pointers, sliding.chunks, workspace, sliding.worker_bytes, body
    )
