"""Arguments that almost never come, and would cost all others too much.

A loop calls ``<name>.checked(x, ..., y)`` with the arguments and the result that ordinary ones
have. LLVM's vectoriser calls the form of it for whole vectors (a "vector function ABI variant"),
which asks whether any element is beyond the bound, and goes through them one by one then only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ir

from .scalar import DOUBLE, Emission, Scalar

# The numbers of elements of vectors, up to the widest of registers.
_LANES = {"f64": (2, 4, 8), "f32": (2, 4, 8, 16)}
_EFFECTS = ("nounwind", "memory(none)", "willreturn", "nofree", "nosync")


def _function(module: ir.Module, symbol: str, kind: ir.Type, count: int) -> Any:
    function = ir.Function(module, ir.FunctionType(kind, [kind] * count), symbol)
    function.linkage = "internal"
    for mark in _EFFECTS:
        set.add(function.attributes, mark)  # llvmlite's own list of names is an old one
    return function


def _intrinsic(module: ir.Module, symbol: str, signature: ir.FunctionType) -> Any:
    """Declare an intrinsic of vectors, whose names llvmlite does not make."""
    found = module.globals.get(symbol)
    return found if found is not None else ir.Function(module, signature, symbol)


def _define_checked(
    module: ir.Module,
    symbol: str,
    like: Emission,
    count: int,
    bound: float,
    formula: Callable[..., Scalar],
) -> Any:
    """Define the scalar form; it computes in float64."""
    format = like.format
    function = _function(module, symbol, format.type, count + 1)
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    at = Emission(builder, format, like.fused)
    *operands, y = (Scalar(at, one) for one in function.args)
    with builder.if_then((~(abs(operands[0]) >= bound)).value):
        builder.ret(y.value)
    builder.ret(formula(*(one.to(DOUBLE) for one in operands)).to(format).value)
    return function


def _define_lanes(module: ir.Module, scalar: Any, symbol: str, lanes: int, bound: float) -> Any:
    """Define the form for vectors of so many elements."""
    element = scalar.args[0].type
    kind = ir.VectorType(element, lanes)
    function = _function(module, symbol, kind, len(scalar.args))
    *operands, y = function.args
    entry = function.append_basic_block()
    loop, done = function.append_basic_block(), function.append_basic_block()
    builder = ir.IRBuilder(entry)
    suffix = f"v{lanes}{element.intrinsic_name}"
    absolute = _intrinsic(module, f"llvm.fabs.{suffix}", ir.FunctionType(kind, [kind]))
    limit = ir.Constant(kind, [bound] * lanes)
    beyond = builder.fcmp_ordered(">=", builder.call(absolute, [operands[0]]), limit)
    truth = ir.FunctionType(ir.IntType(1), [beyond.type])
    reduce = _intrinsic(module, f"llvm.vector.reduce.or.v{lanes}i1", truth)
    builder.cbranch(builder.call(reduce, [beyond]), loop, done)
    builder = ir.IRBuilder(loop)
    word = ir.IntType(32)
    lane, rest = builder.phi(word), builder.phi(kind)
    taken = [builder.extract_element(vector, lane) for vector in (*operands, rest)]
    one = builder.call(scalar, taken)
    changed = builder.insert_element(rest, one, lane)
    following = builder.add(lane, word(1))
    for value, first, later in ((lane, word(0), following), (rest, y, changed)):
        value.add_incoming(first, entry)
        value.add_incoming(later, loop)
    builder.cbranch(builder.icmp_unsigned("<", following, word(lanes)), loop, done)
    builder = ir.IRBuilder(done)
    result = builder.phi(kind)
    result.add_incoming(y, entry)
    result.add_incoming(changed, loop)
    builder.ret(result)
    return function


def _keep(module: ir.Module, functions: list[Any]) -> None:
    """Let LLVM keep functions that nothing calls before it has made vectors."""
    symbol = "llvm.compiler.used"
    used = module.globals.get(symbol)
    if used is None:
        used = ir.GlobalVariable(module, ir.ArrayType(ir.PointerType(), 0), symbol)
        used.linkage = "appending"
        used.section = "llvm.metadata"
        used.initializer = ir.Constant(used.value_type, [])
    kept = [*used.initializer.constant, *functions]
    used.value_type = ir.ArrayType(ir.PointerType(), len(kept))
    used.initializer = ir.Constant(used.value_type, kept)


def checked(
    name: str, operands: Sequence[Scalar], y: Scalar, bound: float, formula: Callable[..., Scalar]
) -> Scalar:
    """Return a formula of the operands where abs(operands[0]) >= bound, and y elsewhere.

    Args:
        name: Of the function that is being emitted.
        operands: The first says whether they are ordinary.
        y: The result that ordinary arguments have.
        bound: A positive number.
        formula: From float64 to a float64.
    """
    at = y.at
    module = at.builder.module
    lanes = _LANES[at.format.name]
    symbol = f"gradc.{name}.checked.{at.format.name}"
    if symbol not in module.globals:
        scalar = _define_checked(module, symbol, at, len(operands), bound, formula)
        _keep(
            module,
            [_define_lanes(module, scalar, f"{symbol}.{n}", n, bound) for n in lanes],
        )
    call = at.builder.call(module.globals[symbol], [one.value for one in (*operands, y)])
    kinds = "v" * (len(operands) + 1)
    variants = ",".join(f"_ZGV_LLVM_N{n}{kinds}_{symbol}({symbol}.{n})" for n in lanes)
    set.add(call.attributes, f'"vector-function-abi-variant"="{variants}"')
    return Scalar(at, call)
