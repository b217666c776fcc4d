"""Operations on single numbers: what one lane of a loop computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ir
import numpy as np

from ...operators import Operators
from ...primitive import Attrs, Primitive, Scalar
from ...types import BOOL
from .integers import OPERATIONS
from .math import declare, names
from .target import Target

DType = np.dtype[Any]
BYTE = np.dtype(np.uint8)
I1, I8, I64, PTR = ir.IntType(1), ir.IntType(8), ir.IntType(64), ir.PointerType()
_FLOATS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}


def llvm_type(dtype: DType) -> ir.Type:
    """Return the type of a number in a register; a bool is one bit."""
    if dtype.kind == "b":
        return I1
    return _FLOATS.get(dtype.name) or ir.IntType(dtype.itemsize * 8)


def memory_type(dtype: DType) -> ir.Type:
    """Return the type of a number in memory; a bool is a byte, as in NumPy."""
    return I8 if dtype.kind == "b" else llvm_type(dtype)


def literal(number: Any, dtype: DType) -> ir.Constant:
    """Return a number as a constant."""
    if dtype.kind == "f":
        return ir.Constant(llvm_type(dtype), float(dtype.type(number)))
    return ir.Constant(llvm_type(dtype), int(number))


class Lane(Operators):
    """A number in a register; primitives applied to it append instructions."""

    __slots__ = ("dtype", "scalars", "value")

    def __init__(self, value: ir.Value, dtype: DType, scalars: Scalars) -> None:
        self.value, self.dtype, self.scalars = value, dtype, scalars

    shape = ()

    def bind(self, primitive: Primitive, operands: Sequence[Any], attrs: Attrs) -> Any:
        """Append what a primitive does to one element (the protocol behind calling it)."""
        other = (
            next(one.dtype for one in operands if isinstance(one, Lane) and one.dtype != BOOL)
            if any(isinstance(one, Lane) and one.dtype != BOOL for one in operands)
            else BOOL
        )
        lanes = [
            one if isinstance(one, Lane) else self.scalars.number(one, other) for one in operands
        ]
        return self.scalars.apply(primitive, lanes, attrs)


def rule_of(primitive: Primitive, dtype: DType) -> Callable[..., Any] | None:
    """Return ``rule(scalars, *lanes, **attrs)`` of an elementwise primitive, if it has one.

    Args:
        primitive: The primitive.
        dtype: Of its first operand.
    """
    lower = primitive.lower
    if not isinstance(lower, Scalar):
        return None
    rule = lower.rule
    if not isinstance(rule, str):
        return lambda scalars, *lanes, **attrs: rule(*lanes, **attrs)
    if hasattr(Scalars, rule):
        return getattr(Scalars, rule)  # type: ignore[no-any-return]
    if dtype.kind == "f" and rule in names():
        return _function(rule)
    # A negative exponent is an error, which native code does not raise.
    if dtype.kind in "iu" and rule in OPERATIONS and (rule, dtype.kind) != ("power", "i"):
        return _operation(rule)
    return None


class Scalars:
    """Appends instructions on single numbers; its methods are named as the primitives are."""

    def __init__(
        self, builder: ir.IRBuilder, target: Target, inlined: float = float("inf")
    ) -> None:
        self.builder, self.target = builder, target
        self._inlined = inlined  # so many functions more are; the rest is called

    def apply(self, primitive: Primitive, lanes: Sequence[Lane], attrs: Attrs) -> Lane:
        """Append what a primitive does to one element."""
        rule = rule_of(primitive, lanes[0].dtype)
        assert rule is not None, primitive
        lane: Lane = rule(self, *lanes, **attrs)
        return lane

    def number(self, number: Any, dtype: DType) -> Lane:
        """Return a constant."""
        return Lane(literal(number, dtype), dtype, self)

    def lane(self, value: ir.Value, like: Lane) -> Lane:
        """Return a value as a lane of the dtype of another one."""
        return Lane(value, like.dtype, self)

    def flag(self, value: ir.Value) -> Lane:
        """Return one bit as a bool."""
        return Lane(value, BOOL, self)

    def intrinsic(self, name: str, *lanes: Lane) -> Lane:
        """Call an intrinsic of LLVM whose operands and result are alike."""
        kind = llvm_type(lanes[0].dtype)
        module = self.builder.module
        wanted = ir.FunctionType(kind, [kind] * len(lanes))
        function = module.declare_intrinsic(f"llvm.{name}", [kind], wanted)
        return self.lane(self.builder.call(function, [one.value for one in lanes]), lanes[0])

    def function(self, name: str, *lanes: Lane, **attrs: Any) -> Lane:
        """Call one of the mathematical functions."""
        kind = llvm_type(lanes[0].dtype)
        function = declare(self.builder.module, name, kind, self.target.fuses, **attrs)
        self._inlined -= 1
        how = ("noinline",) if self._inlined < 0 else ()
        value = self.builder.call(function, [one.value for one in lanes], attrs=how)
        return self.lane(value, lanes[0])

    # Memory

    def load(self, pointer: ir.Value, dtype: DType) -> Lane:
        """Read a number."""
        loaded = self.builder.load(pointer, typ=memory_type(dtype))
        if dtype.kind == "b":
            loaded = self.builder.icmp_unsigned("!=", loaded, I8(0))
        return Lane(loaded, dtype, self)

    def store(self, lane: Lane, pointer: ir.Value) -> None:
        """Write a number."""
        value = lane.value
        if lane.dtype.kind == "b":
            value = self.builder.zext(value, I8)
        self.builder.store(value, pointer)

    def write(self, lane: Lane, pointer: ir.Value, adds: bool) -> None:
        """Write a number, or add it to what is there."""
        self.store(self.add(self.load(pointer, lane.dtype), lane) if adds else lane, pointer)

    def element(self, pointer: ir.Value, dtype: DType, index: Any) -> ir.Value:
        """Return the address of an element, ``index`` elements behind a pointer."""
        if isinstance(index, int):
            if not index:
                return pointer
            index = I64(index)
        elif isinstance(index, Lane):
            index = index.value
        return self.builder.gep(pointer, [index], inbounds=True, source_etype=memory_type(dtype))

    # Arithmetic

    def _by_kind(self, x: Lane, y: Lane, name: str) -> Lane:
        prefix = "f" if x.dtype.kind == "f" else ""
        return self.lane(getattr(self.builder, prefix + name)(x.value, y.value), x)

    def add(self, x: Lane, y: Lane) -> Lane:
        return self._by_kind(x, y, "add")

    def subtract(self, x: Lane, y: Lane) -> Lane:
        return self._by_kind(x, y, "sub")

    def multiply(self, x: Lane, y: Lane) -> Lane:
        return self._by_kind(x, y, "mul")

    def divide(self, x: Lane, y: Lane) -> Lane:
        return self.lane(self.builder.fdiv(x.value, y.value), x)

    def negative(self, x: Lane) -> Lane:
        name = "fneg" if x.dtype.kind == "f" else "neg"
        return self.lane(getattr(self.builder, name)(x.value), x)

    def reciprocal(self, x: Lane) -> Lane:
        return self.divide(self.number(1, x.dtype), x)

    def square(self, x: Lane) -> Lane:
        return self.multiply(x, x)

    def sqrt(self, x: Lane) -> Lane:
        return self.intrinsic("sqrt", x)

    def floor(self, x: Lane) -> Lane:
        return self.intrinsic("floor", x)

    def ceil(self, x: Lane) -> Lane:
        return self.intrinsic("ceil", x)

    def trunc(self, x: Lane) -> Lane:
        return self.intrinsic("trunc", x)

    def rint(self, x: Lane) -> Lane:
        return self.intrinsic("rint", x)

    def copysign(self, x: Lane, y: Lane) -> Lane:
        return self.intrinsic("copysign", x, y)

    def absolute(self, x: Lane) -> Lane:
        if x.dtype.kind == "f":
            return self.intrinsic("fabs", x)
        if x.dtype.kind == "u":
            return x
        return self.where(self.less(x, self.number(0, x.dtype)), self.negative(x), x)

    def sign(self, x: Lane) -> Lane:
        zero, one = self.number(0, x.dtype), self.number(1, x.dtype)
        found = self.where(self.greater(x, zero), one, zero)
        if x.dtype.kind != "u":
            found = self.where(self.less(x, zero), self.negative(one), found)
        return self.where(self.isnan(x), x, found) if x.dtype.kind == "f" else found

    def _extremum(self, x: Lane, y: Lane, nan: str, wins: Callable[..., Lane]) -> Lane:
        if x.dtype.kind == "f":
            return self.intrinsic(nan, x, y)
        return self.where(wins(x, y), x, y)

    def maximum(self, x: Lane, y: Lane) -> Lane:
        return self._extremum(x, y, "maximum", self.greater)

    def minimum(self, x: Lane, y: Lane) -> Lane:
        return self._extremum(x, y, "minimum", self.less)

    def fmax(self, x: Lane, y: Lane) -> Lane:
        return self._extremum(x, y, "maxnum", self.greater)

    def fmin(self, x: Lane, y: Lane) -> Lane:
        return self._extremum(x, y, "minnum", self.less)

    # Comparisons and logic

    def _compare(self, operator: str, x: Lane, y: Lane) -> Lane:
        if x.dtype.kind == "f":
            ordered = operator != "!="
            compare = self.builder.fcmp_ordered if ordered else self.builder.fcmp_unordered
        elif x.dtype.kind == "i":
            compare = self.builder.icmp_signed
        else:
            compare = self.builder.icmp_unsigned
        return self.flag(compare(operator, x.value, y.value))

    def equal(self, x: Lane, y: Lane) -> Lane:
        return self._compare("==", x, y)

    def not_equal(self, x: Lane, y: Lane) -> Lane:
        return self._compare("!=", x, y)

    def less(self, x: Lane, y: Lane) -> Lane:
        return self._compare("<", x, y)

    def less_equal(self, x: Lane, y: Lane) -> Lane:
        return self._compare("<=", x, y)

    def greater(self, x: Lane, y: Lane) -> Lane:
        return self._compare(">", x, y)

    def greater_equal(self, x: Lane, y: Lane) -> Lane:
        return self._compare(">=", x, y)

    def where(self, mask: Lane, x: Lane, y: Lane) -> Lane:
        return self.lane(self.builder.select(mask.value, x.value, y.value), x)

    def _bits(self, x: Lane, y: Lane, name: str) -> Lane:
        return self.lane(getattr(self.builder, name)(x.value, y.value), x)

    def bitwise_and(self, x: Lane, y: Lane) -> Lane:
        return self._bits(x, y, "and_")

    def bitwise_or(self, x: Lane, y: Lane) -> Lane:
        return self._bits(x, y, "or_")

    def bitwise_xor(self, x: Lane, y: Lane) -> Lane:
        return self._bits(x, y, "xor")

    def invert(self, x: Lane) -> Lane:
        return self.lane(self.builder.not_(x.value), x)

    logical_and, logical_or, logical_xor = bitwise_and, bitwise_or, bitwise_xor
    logical_not = invert

    def heaviside(self, x: Lane, at_zero: Lane) -> Lane:
        zero, one = self.number(0, x.dtype), self.number(1, x.dtype)
        found = self.where(self.greater(x, zero), one, zero)
        found = self.where(self.equal(x, zero), at_zero, found)
        return self.where(self.isnan(x), x, found)

    def ldexp(self, x: Lane, exponent: Lane) -> Lane:
        return self.function("ldexp", x, self.cast(exponent, x.dtype))

    def exponent(self, x: Lane) -> Lane:
        return self.cast(self.function("exponent", x), np.dtype(np.int32))

    def isnan(self, x: Lane) -> Lane:
        return self.flag(self.builder.fcmp_unordered("uno", x.value, x.value))

    def isinf(self, x: Lane) -> Lane:
        return self.equal(self.absolute(x), self.number(np.inf, x.dtype))

    def isfinite(self, x: Lane) -> Lane:
        return self.less(self.absolute(x), self.number(np.inf, x.dtype))

    def signbit(self, x: Lane) -> Lane:
        bits = self.builder.bitcast(x.value, ir.IntType(x.dtype.itemsize * 8))
        return self.flag(self.builder.icmp_signed("<", bits, ir.Constant(bits.type, 0)))

    # Conversions

    def copy(self, x: Lane) -> Lane:
        return x

    stop_gradient = copy

    def with_value(self, x: Lane, value: Lane) -> Lane:
        return value

    def cast(self, x: Lane, dtype: DType) -> Lane:
        """Convert as NumPy does."""
        if x.dtype == dtype:
            return x
        if dtype.kind == "b":
            return self.not_equal(x, self.number(0, x.dtype))
        return Lane(self._converted(x, dtype), dtype, self)

    def _integer(self, x: Lane, dtype: DType) -> ir.Value:
        """Convert a float as x86 does: what does not fit, and NaN, becomes the least number.

        Shorter types have the last bits of int32, and uint32 those of int64.
        """
        is_short = dtype.itemsize < 4 or dtype.name == "int32"
        builder, size = self.builder, 32 if is_short else 64
        low, bound = (self.number(one * 2.0 ** (size - 1), x.dtype) for one in (-1, 1))
        fits = builder.and_(self.greater_equal(x, low).value, self.less(x, bound).value)
        kind = ir.IntType(size)
        least = ir.Constant(kind, -(2 ** (size - 1)))
        value = builder.select(fits, self._saturated("si", x, kind), least)
        if dtype.name == "uint64":
            is_large = self.greater_equal(x, bound).value
            value = builder.select(is_large, self._saturated("ui", x, kind), value)
        return value if 8 * dtype.itemsize == size else builder.trunc(value, llvm_type(dtype))

    def _saturated(self, sign: str, x: Lane, kind: ir.Type) -> ir.Value:
        # A plain conversion of what does not fit is undefined.
        types = [kind, x.value.type]
        wanted = ir.FunctionType(kind, types[1:])
        function = self.builder.module.declare_intrinsic(f"llvm.fpto{sign}.sat", types, wanted)
        return self.builder.call(function, [x.value])

    def _converted(self, x: Lane, dtype: DType) -> ir.Value:
        builder, kind = self.builder, llvm_type(dtype)
        source, wider = x.dtype.kind, dtype.itemsize > x.dtype.itemsize
        if source == "f" and dtype.kind == "f":
            return builder.fpext(x.value, kind) if wider else builder.fptrunc(x.value, kind)
        if source == "f":
            return self._integer(x, dtype)
        if dtype.kind == "f":
            convert = builder.sitofp if source == "i" else builder.uitofp
            return convert(x.value, kind)
        if source == "b" or (wider and source == "u"):
            return builder.zext(x.value, kind)
        if wider:
            return builder.sext(x.value, kind)
        return x.value if dtype.itemsize == x.dtype.itemsize else builder.trunc(x.value, kind)


def _function(name: str) -> Callable[..., Lane]:
    def call(self: Scalars, *lanes: Lane, **attrs: Any) -> Lane:
        return self.function(name, *lanes, **attrs)

    call.__name__ = name
    return call


def _operation(name: str) -> Callable[..., Lane]:
    def call(self: Scalars, *lanes: Lane) -> Lane:
        first = lanes[0]
        value = OPERATIONS[name](
            self.builder, first.dtype.kind == "i", *(one.value for one in lanes)
        )
        return Lane(value, first.dtype if value.type == first.value.type else BYTE, self)

    call.__name__ = name
    return call
