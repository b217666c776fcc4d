"""What the parts of a product are emitted with: loops, vectors, functions made once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir
from llvmlite.ir.values import FormattedConstant

INDEX = ir.IntType(64)
FLAG = ir.IntType(1)
BYTE = ir.IntType(8)
POINTER = ir.PointerType()
VOID = ir.VoidType()
LANE = ir.IntType(32)

LINE = 64  # bytes of a line of the cache; where the parts of a workspace begin

ELEMENTS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
SIZES = {"float32": 4, "float64": 8}  # bytes


def shared(
    module: Any, name: str, arguments: Sequence[Any], body: Callable[[Any, list[Any]], None]
) -> Any:
    """Return the module's internal function of this name; emit it when it is not there yet.

    Args:
        module: Where it belongs.
        name: It has to tell everything that the body depends on.
        arguments: Their types.
        body: Emits the code, given a builder and the arguments.
    """
    known = module.globals.get(name)
    if known is not None:
        return known
    function = ir.Function(module, ir.FunctionType(VOID, arguments), name)
    function.linkage = "internal"
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    body(builder, list(function.args))
    builder.ret_void()
    return function


def compact(function: Any) -> Any:
    """Keep LLVM from unrolling, doubling or vectorising loops again; return the function.

    What is written with vectors gains nothing from that, and compiles five times longer.
    """
    function.attributes.add("noinline")
    function.attributes.add("minsize")
    return function


@contextmanager
def counted(builder: Any, stop: Any, start: Any = 0, step: Any = 1) -> Iterator[Any]:
    """Emit a loop ``for index in range(start, stop, step)``; what follows stands in its body."""
    start, stop, step = number(start), number(stop), number(step)
    before = builder.block
    head = builder.append_basic_block("head")
    body = builder.append_basic_block("body")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(INDEX)
    index.add_incoming(start, before)
    inside = builder.icmp_signed("<", index, stop)
    branch = builder.block
    builder.position_at_end(body)
    yield index
    index.add_incoming(builder.add(index, step, flags=["nsw"]), builder.block)
    builder.branch(head)
    after = builder.append_basic_block("after")
    builder.position_at_end(branch)
    builder.cbranch(inside, body, after)
    builder.position_at_end(after)


def carried(
    builder: Any,
    count: Any,
    values: Sequence[Any],
    body: Callable[[Any, list[Any]], Sequence[Any]],
) -> list[Any]:
    """Emit a loop that carries values; return what they are after it.

    Args:
        builder: Stands after the loop when this returns.
        count: How many times, zero included.
        values: What they are before.
        body: Emits one turn: given its number and the values, returns the next ones.
    """
    count = number(count)
    before = builder.block
    head = builder.append_basic_block("head")
    inner = builder.append_basic_block("turn")
    after = builder.append_basic_block("after")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(INDEX)
    phis = [builder.phi(value.type) for value in values]
    index.add_incoming(INDEX(0), before)
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, before)
    builder.cbranch(builder.icmp_signed("<", index, count), inner, after)
    builder.position_at_end(inner)
    following = body(index, list(phis))
    index.add_incoming(builder.add(index, INDEX(1), flags=["nsw"]), builder.block)
    for phi, value in zip(phis, following, strict=True):
        phi.add_incoming(value, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return phis


def number(value: Any) -> Any:
    """Return an index as a value: Python's integers become constants."""
    return INDEX(value) if isinstance(value, int) else value


def smaller(builder: Any, first: Any, second: Any) -> Any:
    """Return the smaller of two indices."""
    first, second = number(first), number(second)
    return builder.select(builder.icmp_signed("<", first, second), first, second)


def element(builder: Any, base: Any, kind: Any, *terms: tuple[Any, Any]) -> Any:
    """Return the address of an element: the base moved by the sum of index times stride.

    What is known already is computed here: less text for LLVM to read.
    """
    known, offset = 0, None
    for index, stride in terms:
        first, second = _known(index), _known(stride)
        if first is not None and second is not None:
            known += first * second
            continue
        if first == 0 or second == 0:
            continue
        if second == 1:
            term = number(index)
        elif first == 1:
            term = number(stride)
        else:
            term = builder.mul(number(index), number(stride), flags=["nsw"])
        offset = term if offset is None else builder.add(offset, term, flags=["nsw"])
    place = base if offset is None else builder.gep(base, [offset], source_etype=kind)
    return builder.gep(place, [INDEX(known)], source_etype=kind) if known else place


def _known(value: Any) -> int | None:
    """Return an index as a number of Python's, if it is constant."""
    if isinstance(value, ir.Constant):
        value = value.constant
    return value if isinstance(value, int) else None


def load(builder: Any, address: Any, kind: Any, align: int) -> Any:
    """Load a scalar or a vector."""
    return builder.load(address, typ=kind, align=align)


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Return a vector with the value in each lane."""
    if lanes == 1:
        return value
    empty = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, value, LANE(0))
    mask = ir.Constant(ir.VectorType(LANE, lanes), [0] * lanes)
    return builder.shuffle_vector(first, empty, mask)


def vector(kind: Any, lanes: int) -> Any:
    """Return the type of that many elements side by side; of one, the element's."""
    return ir.VectorType(kind, lanes) if lanes > 1 else kind


def zero(kind: Any) -> Any:
    """Return the positive zero of a scalar or vector type."""
    return ir.Constant(kind, None)


def fused(builder: Any, first: Any, second: Any, addend: Any) -> Any:
    """Return ``first * second + addend``, rounded once where the machine can."""
    return intrinsic(builder, "llvm.fmuladd", [first, second, addend])


def intrinsic(builder: Any, name: str, arguments: Sequence[Any]) -> Any:
    """Call an intrinsic function that is overloaded on the type of its arguments."""
    kind = arguments[0].type
    scalar = kind.element if isinstance(kind, ir.VectorType) else kind
    suffix = "f32" if isinstance(scalar, ir.FloatType) else "f64"
    if isinstance(kind, ir.VectorType):
        suffix = f"v{kind.count}{suffix}"
    full = f"{name}.{suffix}"
    known = builder.module.globals.get(full)
    if known is None:
        signature = ir.FunctionType(kind, [argument.type for argument in arguments])
        known = ir.Function(builder.module, signature, full)
    return builder.call(known, arguments)


def call_pointer(builder: Any, function: Any, arguments: Sequence[Any]) -> None:
    """Call what a pointer points to, a function without a result."""
    signature = ir.FunctionType(VOID, [argument.type for argument in arguments])
    builder.call(_retyped(builder, function, signature.as_pointer()), arguments)


def pointer_to(builder: Any, place: Any) -> Any:
    """Return a function or a local variable as a plain pointer, without what it points to."""
    return place if type(place.type) is ir.PointerType else _retyped(builder, place, POINTER)


def local(builder: Any, kind: Any) -> Any:
    """Return the address of a local variable; it stands at the function's start, out of loops."""
    with builder.goto_entry_block():
        return pointer_to(builder, builder.alloca(kind))


def _retyped(builder: Any, value: Any, kind: Any) -> Any:
    """Return a pointer as one of another kind; llvmlite's ``bitcast`` takes them for equal."""
    cast = ir.instructions.CastInstr(builder.block, "bitcast", value, kind, "")
    builder._insert(cast)
    return cast


def load_part(builder: Any, address: Any, kind: Any, align: int, used: int) -> Any:
    """Load the first lanes of a vector, the others zero, and touch nothing behind them."""
    if not isinstance(kind, ir.VectorType) or used == kind.count:
        return load(builder, address, kind, align)
    arguments = [address, LANE(align), _mask(kind, used), zero(kind)]
    return builder.call(_masked(builder, "load", kind, kind, arguments), arguments)


def store_part(builder: Any, value: Any, address: Any, align: int, used: int) -> None:
    """Store the first lanes of a vector, and touch nothing behind them."""
    kind = value.type
    if not isinstance(kind, ir.VectorType) or used == kind.count:
        builder.store(value, address, align=align)
        return
    arguments = [value, address, LANE(align), _mask(kind, used)]
    builder.call(_masked(builder, "store", kind, VOID, arguments), arguments)


def _mask(kind: Any, used: int) -> Any:
    return ir.Constant(ir.VectorType(FLAG, kind.count), [int(i < used) for i in range(kind.count)])


def _masked(builder: Any, action: str, kind: Any, result: Any, arguments: Sequence[Any]) -> Any:
    size = "f32" if isinstance(kind.element, ir.FloatType) else "f64"
    name = f"llvm.masked.{action}.v{kind.count}{size}.p0"
    known = builder.module.globals.get(name)
    if known is None:
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        known = ir.Function(builder.module, signature, name)
    return known


def prefetch(builder: Any, address: Any, *, writes: bool = True) -> None:
    """Ask for a line that is going to be written soon, or read later: of the second cache then."""
    known = builder.module.globals.get("llvm.prefetch.p0")
    if known is None:
        signature = ir.FunctionType(VOID, [POINTER, LANE, LANE, LANE])
        known = ir.Function(builder.module, signature, "llvm.prefetch.p0")
    builder.call(known, [address, LANE(int(writes)), LANE(3 if writes else 2), LANE(1)])


def offsets(module: Any, values: Iterable[int]) -> Any:
    """Return the address of a constant table of offsets, in elements."""
    numbers = list(values)
    kind = ir.ArrayType(INDEX, len(numbers))
    table = ir.GlobalVariable(module, kind, module.get_unique_name("gradc_offsets"))
    table.linkage, table.global_constant, table.unnamed_addr = "private", True, True
    table.initializer = ir.Constant(kind, numbers)
    return FormattedConstant(POINTER, table.get_reference())
