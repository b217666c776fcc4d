"""Jacobians and Hessians: the backward or the tangent program, applied to blocks of basis vectors.

What does not depend on the basis vectors is computed once. A block of them goes through the rest in
one piece (see ``batch``), so that products of a matrix with each of them are one product of
matrices; a loop goes over the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import DerivativeError
from ..ir import Builder, Graph, Value
from ..primitives.batching import move_axis
from ..primitives.elementwise import cast, equal
from ..primitives.elementwise.casting import arange
from ..primitives.index import slice_, update
from ..primitives.selection import Slice
from ..primitives.shape import broadcast_to, reshape
from ..types import ArrayType, Dim
from .batch import batch
from .batch_regions import counted_loop, row_index
from .dce import dce
from .linear_parts import LinearPart, Pass, cut, pulled, pushed

# Of so many rows a product runs at its full speed; more only take memory (measured).
MOST_ROWS = 64
# A block has fewer rows where its largest temporary would get larger than this.
MOST_BYTES = 1 << 19


def jacobian(
    graph: Graph,
    wrt: Sequence[int],
    outputs: Sequence[int],
    forward: bool | None = None,
    block: int | None = None,
    optimise: Pass = dce,
) -> Graph:
    """Return the graph that computes Jacobians beside the outputs.

    Requires: the chosen params and outputs are floating-point.
    Ensures: outputs are those of ``graph``, then, for each of ``outputs`` and in it for each of
        ``wrt``, the derivative of shape ``(*output.shape, *param.shape)``; effects of ``graph``
        happen once; the result can be differentiated, batched and optimised as any graph.
    Cost: linear in nodes, for each output (reverse) or param (forward), of n elements: the program
        runs ceil(n / block) times through the part that is linear in the basis vectors.

    Args:
        graph: The graph.
        wrt: Positions of params.
        outputs: Positions of outputs.
        forward: Whether to push tangents forward, and not to pull cotangents back; if None, what
            takes fewer basis vectors.
        block: How many basis vectors go together; if None, up to 64 in blocks of like size, fewer
            where a temporary would take more than 512 KiB. Of an unknown size all go together, if
            not 1.
        optimise: Is applied before the linear part is cut out: a pass that keeps the number and the
            order of params and outputs.

    Raises:
        DerivativeError: A node between has no derivative in this mode, a chosen value is no float,
            or a call-back would run more than once.

    Example:
        >>> import numpy as np
        >>> from gradc.compiler.evaluate import evaluate
        >>> from gradc.compiler.primitives.elementwise import square
        >>> from gradc.compiler.types import ArrayType
        >>> x = Value(ArrayType((3,), np.dtype(float)))
        >>> with Builder() as builder:
        ...     y = square(x)
        >>> both = jacobian(Graph((x,), tuple(builder.nodes), (y,)), [0], [0])
        >>> evaluate(both, np.array([1.0, 2.0, 3.0]))[1].tolist()
        [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]
    """
    sources, targets = [graph.params[i] for i in wrt], [graph.outputs[i] for i in outputs]
    _check_floats((*sources, *targets))
    if forward is None:
        forward = _is_smaller(sources, targets)
    if forward:
        program = optimise(pushed(graph, wrt, outputs))
    else:
        program = optimise(pulled(graph, wrt, outputs, optimise))
    return _applied(program, len(graph.params), len(graph.outputs), block, forward)


def hessian(
    graph: Graph,
    wrt: Sequence[int],
    outputs: Sequence[int],
    block: int | None = None,
    optimise: Pass = dce,
) -> Graph:
    """Return the graph that computes second derivatives beside the outputs, forward over reverse.

    Requires: as for ``jacobian``.
    Ensures: outputs are those of ``graph``, then, for each of ``outputs``, for each i of ``wrt``
        and in it for each j of ``wrt``, the derivative of shape ``(*output.shape, *params[i].shape,
        *params[j].shape)``: what ``torch.func.hessian`` gives, in its order.
    Cost: that of the Jacobian of the gradient. Not the symmetric half only.

    Args:
        graph: The graph.
        wrt: Positions of params.
        outputs: Positions of outputs; usually one, of rank 0.
        block: How many basis vectors go together, as for ``jacobian``.
        optimise: As for ``jacobian``.

    Raises:
        DerivativeError: As for ``jacobian``.
    """
    kept = len(graph.outputs)
    first = jacobian(graph, wrt, outputs, False, block, optimise)
    gradients = range(kept, len(first.outputs))
    second = jacobian(first, wrt, gradients, True, block, optimise)
    results = (*second.outputs[:kept], *second.outputs[len(first.outputs) :])
    return dce(Graph(second.params, second.nodes, results))


def _check_floats(values: Sequence[Value]) -> None:
    for value in values:
        if not value.type.is_float:
            raise DerivativeError(
                "a Jacobian takes floating-point inputs and outputs",
                got=f"{value.name or 'a value'}: {value.type}",
                fix="choose others, or convert with astype(float)",
            )


def _is_smaller(sources: Sequence[Value], targets: Sequence[Value]) -> bool:
    """Whether there are fewer inputs than outputs; of unknown sizes nobody knows."""
    there, here = (sum((one.type.size for one in many), start=0) for many in (sources, targets))
    return isinstance(there, int) and isinstance(here, int) and there < here


def _applied(program: Graph, params: int, kept: int, block: int | None, forward: bool) -> Graph:
    """Return a program with seeds applied to all basis vectors, without the seeds."""
    primal, parts = cut(program, len(program.params) - params, kept)
    with Builder(primal) as builder:
        found = [_jacobians(part, block, forward) for part in parts]
    # Forward mode finds, for each param, those of all outputs; results go output by output.
    rows = zip(*found, strict=True) if forward else found
    results = (*program.outputs[:kept], *(one for row in rows for one in row))
    return dce(Graph(program.params[:params], tuple(builder.nodes), results))


def _jacobians(part: LinearPart, block: int | None, forward: bool) -> list[Any]:
    """Append what finds the Jacobians of one output (reverse), or by one param (forward)."""
    seed = part.seed.type
    shapes = [
        (*one.shape, *seed.shape) if forward else (*seed.shape, *one.shape)
        for one, _ in part.results
    ]
    builder = Builder.current()
    rows: tuple[Any, ...] = ()
    if part.graph.outputs and seed.size != 0:
        rows = _rows(part, block)
    found = []
    for (one, place), shape in zip(part.results, shapes, strict=True):
        if place is None or not rows:
            found.append(builder.full(one.with_shape(shape), 0))
        else:
            moved = move_axis(rows[place], 0, one.ndim) if forward else rows[place]
            found.append(reshape(moved, shape=shape))
    return found


def _rows(part: LinearPart, block: int | None) -> tuple[Any, ...]:
    """Append the application of a linear part to all basis vectors; results are ``(n, ...)``."""
    builder = Builder.current()
    seed = part.seed.type
    count = seed.size
    if count == 1:
        outs = builder.inline(part.graph, (*part.saved, builder.full(seed, 1)))
        return tuple(reshape(one, shape=(1, *one.shape)) for one in outs)
    size = _block_size(part, block)
    of_many = batch(part.graph, [len(part.saved)], size)
    if size == count:
        return builder.inline(of_many, (*part.saved, _basis(seed, size, None)))
    blocks = -(-count // size) if isinstance(count, int) and isinstance(size, int) else count
    rooms = [builder.full(one.type.with_shape((blocks, *one.shape)), 0) for one in of_many.outputs]

    def step(i: Any, carried: Sequence[Any], saved: Sequence[Any]) -> Sequence[Any]:
        inner = Builder.current()
        outs = inner.inline(of_many, (*saved, _basis(seed, size, i)))
        return [
            update(room, out, i, index=row_index(room.ndim))
            for room, out in zip(carried, outs, strict=True)
        ]

    filled = counted_loop(blocks, rooms, part.saved, step)
    return tuple(_joined(one, count) for one in filled)


def _joined(rows: Any, count: Dim) -> Any:
    """Return the first ``count`` rows of (blocks, size, ...)."""
    blocks, size, *rest = rows.shape
    flat = reshape(rows, shape=(blocks * size, *rest))
    if blocks * size == count:
        return flat
    return slice_(flat, index=(Slice(0, count), *(Slice() for _ in rest)))


def _basis(seed: ArrayType, size: Dim, number: Any) -> Any:
    """Append basis vectors, as ``(size, *seed.shape)``: all, or the block of a number.

    Of the last block those that there are no more are 0.
    """
    builder = Builder.current()
    (places,) = builder.add(arange, (), {"count": seed.size})
    (rows,) = builder.add(arange, (), {"count": size})
    if number is not None:
        first = number * size
        rows = rows + broadcast_to(first, shape=rows.shape)
    table = (size, seed.size)
    hit = equal(
        broadcast_to(reshape(rows, shape=(size, 1)), shape=table),
        broadcast_to(places, shape=table),
    )
    return reshape(cast(hit, dtype=seed.dtype), shape=(size, *seed.shape))


def _block_size(part: LinearPart, block: int | None) -> Dim:
    """Return how many basis vectors go together."""
    count = part.seed.type.size
    if not isinstance(count, int):
        if block not in (None, 1):
            raise DerivativeError(
                f"blocks of {block} basis vectors do not fit the unknown size {count}",
                fix="take block=1, or give gradc.spec a number for this size",
            )
        return count if block is None else 1
    if block is not None:
        if block < 1:
            raise DerivativeError(f"a block of {block} basis vectors is none", fix="take 1 or more")
        return min(block, count)
    sizes = [out.type.nbytes or 0 for node in part.graph.nodes for out in node.outs]
    most = max(1, min(MOST_ROWS, MOST_BYTES // max([1, *sizes])))
    return -(-count // -(-count // most))
