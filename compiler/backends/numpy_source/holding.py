"""Which memory the expressions of generated code lie in, and what they allocate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...ir import Node, Value
from ...primitive import NumPy
from ...primitives.elementwise import constant
from ...primitives.index import add_at
from ...primitives.records import FIRST_ROOM, push, record, trim
from ...primitives.selection import Gather, Mask, Slice
from ...primitives.shape import reshape
from ...types import ArrayType, Dim
from .steps import Binding, Rows, nbytes
from .workspace import workspace

if TYPE_CHECKING:
    from .body import Body

WORTH_COUNTING = 16 * 1024  # bytes of what NumPy needs inside a function
BUFFERED = 8192  # elements (numpy.getbufsize())


def holder(body: Body, value: Value) -> str | None:
    """Return the variable in whose memory a value lies, as it is read; None for fresh memory."""
    while value not in body.names:
        node = body.producer.get(value)
        if node is None or not _shares(body, node):
            return None
        value = node.operands[0]
    return body.names[value]


def bound_to(label: str, type: ArrayType, shares: str | None) -> Binding:
    """Return what a variable gets: part of another's memory, or memory of its own."""
    return Binding(label, 0 if shares else nbytes(type), shares if type.ndim else None)


def made(body: Body, node: Node) -> Binding:
    """Return what the assignment of a node gives to its variable."""
    label, type = body.names[node.out], node.out.type
    if node.primitive is record:
        count, row = node.attrs["size"], nbytes(type.with_shape((1, *type.shape[1:])))
        rows = Rows(count, row, node.attrs["grows"])
        # One that grows holds at most twice the rows that there are, or the first ones.
        held = (2 * count + FIRST_ROOM) * row if rows.grows else count * row
        return Binding(label, held, rows=rows)
    return bound_to(label, type, holder(body, node.operands[0]) if _shares(body, node) else None)


def result(body: Body, label: str, output: Value, text: str) -> Binding:
    """Return what a variable gets that is assigned the text of an output."""
    is_made = text.endswith(".copy()") or body.uniform(output) is not None
    return bound_to(label, output.type, None if is_made else holder(body, output))


def returned(body: Body, texts: Sequence[str]) -> tuple[Binding, ...]:
    """Return what a function hands back, by its expression."""
    pairs = zip(body.graph.outputs, texts, strict=True)
    return tuple(result(body, text, output, text) for output, text in pairs)


def temporaries(body: Body, node: Node) -> Dim:
    """Return the bytes that a statement allocates beside its result."""
    total: Dim = 0
    for place, operand in enumerate(node.operands):
        spread = node.primitive.elementwise or (node.is_store and place == 1)
        total = total + _allocated(body, body.source(operand) if spread else operand)
    if node.primitive is push:  # the record as it was; the longer one takes its place
        rows = node.operands[0].type
        return total + nbytes(rows)
    if node.is_store and any(isinstance(one, Mask) for one in node.attrs.get("index", ())):
        total = total + nbytes(node.operands[1].type)
    return total + _room(node) + _buffers(body, node)


def _buffers(body: Body, node: Node) -> int:
    """Return the bytes of the buffers through which NumPy takes elements that do not lie in order.

    Its iterator copies ``BUFFERED`` elements at a time of an operand with strides in two or more
    dimensions, and of one that is broadcast along the last.
    """
    if node.is_view or "axis" in node.attrs or node.primitive is record:
        return 0
    if node.is_store:
        region, places = node.operands[1].type, node.attrs.get("index", ())
        if node.primitive is not add_at or any(isinstance(one, Mask | Gather) for one in places):
            return 0
        return 0 if _is_in_order(places) else 2 * _buffer(region)
    if not (node.primitive.elementwise or "axes" in node.attrs):
        return 0
    total = 0
    for operand in node.operands:
        value = body.source(operand)
        is_spread = value.ndim and value.shape[-1:] != operand.shape[-1:]
        if is_spread or not is_contiguous(body, value):
            total += _buffer(operand.type)
    return total


def _buffer(type: ArrayType) -> int:
    if type.ndim < 2 or not isinstance(type.size, int):
        return 0
    return min(type.size, BUFFERED) * type.dtype.itemsize


def _room(node: Node) -> int:
    """Return the bytes that NumPy needs while it computes one result."""
    numpy = node.primitive.numpy
    assert isinstance(numpy, NumPy)
    types = [one.type for one in (*node.operands, *node.outs)]
    largest = max((one.nbytes or 0 for one in types), default=0)
    if largest < WORTH_COUNTING or node.primitive is record:
        return 0
    if numpy.room is not None:
        return numpy.room(types, node.attrs) if all(one.is_static for one in types) else 0
    if numpy.functions:  # which compute in float64
        largest = max(one.size for one in types if isinstance(one.size, int)) * 8
    text = numpy.text([one.type for one in node.operands], node.attrs)
    return int(workspace(text, numpy.functions) * largest)


def _allocated(body: Body, value: Value) -> Dim:
    """Return the bytes of what is computed inside an expression."""
    total: Dim = 0
    pending = [value]
    while pending:
        value = pending.pop()
        node = body.producer.get(value)
        if value in body.names or node is None or node.primitive is constant:
            continue
        if _shares(body, node):
            pending.append(node.operands[0])
            continue
        total = total + nbytes(value.type) + _room(node)
        pending += node.operands
    return total


def _shares(body: Body, node: Node) -> bool:
    """Whether a result surely lies in the memory of operand 0."""
    if not node.is_view:
        return False
    return node.primitive is not reshape or is_contiguous(body, node.operands[0])


def is_contiguous(body: Body, value: Value) -> bool:
    """Whether the elements of a value lie in order, so that it can be reshaped where it lies."""
    node = body.producer.get(value)
    while node is not None and node.is_view:
        if node.primitive not in (reshape, trim):
            if not _is_in_order(node.attrs.get("index", (None,))):
                return False
        node = body.producer.get(node.operands[0])
    return True


def _is_in_order(index: Sequence[object]) -> bool:
    """Whether an index takes elements that lie one behind the other."""
    items = list(index)
    while items and isinstance(items[0], int | Gather):
        items.pop(0)
    if any(one != Slice() for one in items[1:]):
        return False
    return not items or (isinstance(items[0], Slice) and items[0].step in (None, 1))
