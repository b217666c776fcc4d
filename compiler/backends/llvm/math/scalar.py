"""Arithmetic on LLVM values, written as formulas.

A ``Scalar`` is a float in a function that is being emitted; operators append instructions to it.
All that is emitted is free of branches and of calls to anything but LLVM's intrinsics for single
instructions, so LLVM's loop vectoriser makes vector code of a loop with it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

_MANY = 12  # terms of a polynomial


@dataclass(frozen=True)
class Format:
    """A binary floating-point format (IEEE 754).

    Attributes:
        type: LLVM's type.
        word: The integer type of the same width.
        fraction: The number of bits of the fraction: 52 in float64.
        bias: Of the exponent: 1023 in float64.
        name: As in the names of LLVM's intrinsics: "f64".
    """

    type: ir.Type
    word: ir.IntType
    fraction: int
    bias: int
    name: str

    @property
    def is_double(self) -> bool:
        """Whether this is float64."""
        return self.fraction == DOUBLE.fraction

    @property
    def width(self) -> int:
        """The number of bits."""
        return int(self.word.width)

    @property
    def rounder(self) -> float:
        """What, added to a small number, leaves its integer in the lowest bits."""
        return 1.5 * 2.0**self.fraction

    def bits_of(self, value: float) -> int:
        """Return the bits of a number, as an unsigned integer."""
        float_code, word_code = ("<d", "<Q") if self.is_double else ("<f", "<I")
        return int(struct.unpack(word_code, struct.pack(float_code, value))[0])

    @property
    def least_normal(self) -> float:
        """The least positive normal number."""
        return 2.0 ** (1 - self.bias)


DOUBLE = Format(ir.DoubleType(), ir.IntType(64), 52, 1023, "f64")
SINGLE = Format(ir.FloatType(), ir.IntType(32), 23, 127, "f32")


@dataclass(frozen=True)
class Emission:
    """Where instructions go, and what the machine has.

    Attributes:
        builder: LLVM's builder.
        format: The format of the arithmetic.
        fused: Whether multiplying and adding with one rounding is an instruction.
    """

    builder: Any
    format: Format
    fused: bool

    def number(self, value: float | Scalar) -> Scalar:
        """Return a constant, or a value as it is."""
        if isinstance(value, Scalar):
            return value
        return Scalar(self, ir.Constant(self.format.type, value))

    def bits(self, value: int | Bits) -> Bits:
        """Return an integer constant, or bits as they are."""
        if isinstance(value, Bits):
            return value
        return Bits(self, ir.Constant(self.format.word, value))

    def intrinsic(self, name: str, operands: Sequence[Scalar]) -> Scalar:
        """Call one of LLVM's intrinsics whose operands and result have this format."""
        kind = self.format.type
        signature = ir.FunctionType(kind, [kind] * len(operands))
        function = self.builder.module.declare_intrinsic(f"llvm.{name}", [kind], signature)
        return Scalar(self, self.builder.call(function, [one.value for one in operands]))

    def converted(self, format: Format) -> Emission:
        """Return the same place with arithmetic in another format."""
        return Emission(self.builder, format, self.fused)


@dataclass(frozen=True)
class Truth:
    """A condition."""

    at: Emission
    value: Any

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.at, self.at.builder.and_(self.value, other.value))

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.at, self.at.builder.or_(self.value, other.value))

    def __xor__(self, other: Truth) -> Truth:
        return Truth(self.at, self.at.builder.xor(self.value, other.value))

    def __invert__(self) -> Truth:
        return Truth(self.at, self.at.builder.not_(self.value))

    def choose(self, yes: float | Scalar, no: float | Scalar) -> Scalar:
        """Return ``yes`` where the condition holds, and ``no`` elsewhere."""
        first, second = self.at.number(yes), self.at.number(no)
        return Scalar(self.at, self.at.builder.select(self.value, first.value, second.value))

    def choose_bits(self, yes: int | Bits, no: int | Bits) -> Bits:
        """Return ``yes`` where the condition holds, and ``no`` elsewhere."""
        first, second = self.at.bits(yes), self.at.bits(no)
        return Bits(self.at, self.at.builder.select(self.value, first.value, second.value))


@dataclass(frozen=True)
class Bits:
    """An integer as wide as the float format; arithmetic wraps around."""

    at: Emission
    value: Any

    def _with(self, operation: str, other: int | Bits) -> Bits:
        done = getattr(self.at.builder, operation)(self.value, self.at.bits(other).value)
        return Bits(self.at, done)

    def __add__(self, other: int | Bits) -> Bits:
        return self._with("add", other)

    def __sub__(self, other: int | Bits) -> Bits:
        return self._with("sub", other)

    def __and__(self, other: int | Bits) -> Bits:
        return self._with("and_", other)

    def __or__(self, other: int | Bits) -> Bits:
        return self._with("or_", other)

    def __xor__(self, other: int | Bits) -> Bits:
        return self._with("xor", other)

    def __lshift__(self, other: int | Bits) -> Bits:
        return self._with("shl", other)

    def __rshift__(self, other: int | Bits) -> Bits:
        return self._with("lshr", other)

    def equals(self, other: int | Bits) -> Truth:
        """Compare for equality."""
        other = self.at.bits(other)
        return Truth(self.at, self.at.builder.icmp_unsigned("==", self.value, other.value))

    def as_float(self) -> Scalar:
        """Return the float with these bits."""
        return Scalar(self.at, self.at.builder.bitcast(self.value, self.at.format.type))


@dataclass(frozen=True)
class Scalar:
    """A float that the emitted code computes."""

    at: Emission
    value: Any

    def _with(self, operation: str, other: float | Scalar) -> Scalar:
        done = getattr(self.at.builder, operation)(self.value, self.at.number(other).value)
        return Scalar(self.at, done)

    def __add__(self, other: float | Scalar) -> Scalar:
        return self._with("fadd", other)

    def __sub__(self, other: float | Scalar) -> Scalar:
        return self._with("fsub", other)

    def __mul__(self, other: float | Scalar) -> Scalar:
        return self._with("fmul", other)

    def __truediv__(self, other: float | Scalar) -> Scalar:
        return self._with("fdiv", other)

    def __radd__(self, other: float) -> Scalar:
        return self.at.number(other) + self

    def __rsub__(self, other: float) -> Scalar:
        return self.at.number(other) - self

    def __rmul__(self, other: float) -> Scalar:
        return self.at.number(other) * self

    def __rtruediv__(self, other: float) -> Scalar:
        return self.at.number(other) / self

    def __neg__(self) -> Scalar:
        return Scalar(self.at, self.at.builder.fneg(self.value))

    def __abs__(self) -> Scalar:
        return self.at.intrinsic("fabs", [self])

    def _compared(self, how: str, other: float | Scalar) -> Truth:
        builder = self.at.builder
        return Truth(self.at, builder.fcmp_ordered(how, self.value, self.at.number(other).value))

    def __lt__(self, other: float | Scalar) -> Truth:
        return self._compared("<", other)

    def __le__(self, other: float | Scalar) -> Truth:
        return self._compared("<=", other)

    def __gt__(self, other: float | Scalar) -> Truth:
        return self._compared(">", other)

    def __ge__(self, other: float | Scalar) -> Truth:
        return self._compared(">=", other)

    def equals(self, other: float | Scalar) -> Truth:
        """Compare for equality; -0 equals 0, and NaN nothing."""
        return self._compared("==", other)

    def is_nan(self) -> Truth:
        """Whether it is not a number."""
        return Truth(self.at, self.at.builder.fcmp_unordered("uno", self.value, self.value))

    def is_negative(self) -> Truth:
        """Whether the bit of the sign is set, as in -0."""
        word = self.at.bits(0).value
        return Truth(self.at, self.at.builder.icmp_signed("<", self.bits().value, word))

    def times_plus(self, factor: float | Scalar, addend: float | Scalar) -> Scalar:
        """Return self * factor + addend, with one rounding where the machine has that."""
        if not self.at.fused:
            return self * factor + addend
        return self.at.intrinsic("fma", [self, self.at.number(factor), self.at.number(addend)])

    def rounded(self) -> Scalar:
        """Return the nearest integer, the even one of two."""
        return self.at.intrinsic("rint", [self])

    def floor(self) -> Scalar:
        """Return the next integer below."""
        return self.at.intrinsic("floor", [self])

    def truncated(self) -> Scalar:
        """Return the next integer towards 0."""
        return self.at.intrinsic("trunc", [self])

    def sqrt(self) -> Scalar:
        """Return the square root, correctly rounded."""
        return self.at.intrinsic("sqrt", [self])

    def with_sign_of(self, other: Scalar) -> Scalar:
        """Return the absolute value with the sign of another."""
        return self.at.intrinsic("copysign", [self, other])

    def at_most(self, bound: float | Scalar) -> Scalar:
        """Return the lesser of both; NaN stays NaN."""
        return (self > bound).choose(bound, self)

    def at_least(self, bound: float | Scalar) -> Scalar:
        """Return the greater of both; NaN stays NaN."""
        return (self < bound).choose(bound, self)

    def bits(self) -> Bits:
        """Return the bits of the representation."""
        return Bits(self.at, self.at.builder.bitcast(self.value, self.at.format.word))

    def low_bits(self, offset: int = 0) -> Bits:
        """Return, of an integer below 2**(fraction - 2), the lowest bits of it plus ``offset``.

        The higher bits of the result are not those of the integer. Adding a large constant
        works on every machine; conversion to 64-bit integers is no vector instruction on many.
        """
        return (self + (self.at.format.rounder + offset)).bits()

    def power_of_two(self) -> Scalar:
        """Return 2**self of an integer within the exponents of normal numbers."""
        format = self.at.format
        return (self.low_bits(format.bias) << format.fraction).as_float()

    def polynomial(self, terms: Sequence[float]) -> Scalar:
        """Evaluate the polynomial with these coefficients, the highest first.

        By Horner's rule; but where there are many terms, the even and the odd ones of all but the
        last two apart: two chains take half the time of one. Measured, functions with 20 terms take
        0.9 times the time; with 12 and fewer there is no difference.
        """
        many = terms[:-2]
        if len(many) < _MANY:
            return self._by_horner(terms)
        square = self * self
        with_last, others = many[-1::-2][::-1], many[-2::-2][::-1]
        result = square._by_horner(others).times_plus(self, square._by_horner(with_last))
        return self._by_horner([result, *terms[-2:]])

    def _by_horner(self, terms: Sequence[float | Scalar]) -> Scalar:
        result = self.at.number(terms[0])
        for term in terms[1:]:
            result = result.times_plus(self, term)
        return result

    def to(self, format: Format) -> Scalar:
        """Convert to another format."""
        at = self.at.converted(format)
        if format.fraction == self.at.format.fraction:
            return self
        convert = at.builder.fpext if format.is_double else at.builder.fptrunc
        return Scalar(at, convert(self.value, format.type))
