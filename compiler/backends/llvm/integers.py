"""Operations that only integers have, or that integers do otherwise than floats; as in NumPy.

Arithmetic wraps around. What has no result is 0: a division by 0, and what is shifted out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import llvmlite.ir as ir

Operation = Callable[..., ir.Value]  # of the builder, whether it is signed, and the operands


def _number(value: ir.Value, number: int) -> ir.Constant:
    return ir.Constant(value.type, number)


def _divided(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> tuple[Any, Any]:
    """Return the quotient and the remainder towards 0, without what traps: y is 0 or -1."""
    zero, one = _number(y, 0), _number(y, 1)
    special = builder.icmp_unsigned("==", y, zero)
    if not signed:
        safe = builder.select(special, one, y)
        return builder.udiv(x, safe), builder.urem(x, safe)
    is_opposite = builder.icmp_signed("==", y, _number(y, -1))
    safe = builder.select(builder.or_(special, is_opposite), one, y)
    quotient, rest = builder.sdiv(x, safe), builder.srem(x, safe)
    return builder.select(is_opposite, builder.neg(x), quotient), rest


def _or_zero(builder: ir.IRBuilder, y: ir.Value, result: ir.Value) -> ir.Value:
    zero = _number(y, 0)
    return builder.select(builder.icmp_unsigned("==", y, zero), zero, result)


def _is_below(builder: ir.IRBuilder, rest: ir.Value, y: ir.Value) -> ir.Value:
    """Whether a remainder has the other sign than the divisor."""
    differs = builder.icmp_signed("<", builder.xor(rest, y), _number(y, 0))
    return builder.and_(differs, builder.icmp_unsigned("!=", rest, _number(y, 0)))


def floor_divide(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Divide and round down."""
    quotient, rest = _divided(builder, signed, x, y)
    if signed:
        lower = builder.sub(quotient, _number(y, 1))
        quotient = builder.select(_is_below(builder, rest, y), lower, quotient)
    return _or_zero(builder, y, quotient)


def remainder(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return what ``floor_divide`` leaves, with the sign of y."""
    _, rest = _divided(builder, signed, x, y)
    if signed:
        rest = builder.select(_is_below(builder, rest, y), builder.add(rest, y), rest)
    return _or_zero(builder, y, rest)


def fmod(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return what division towards 0 leaves, with the sign of x."""
    return _or_zero(builder, y, _divided(builder, signed, x, y)[1])


def left_shift(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Shift to the left; by a negative number, too, all is shifted out."""
    fits = builder.icmp_unsigned("<", y, _number(y, y.type.width))
    return builder.select(
        fits, builder.shl(x, builder.select(fits, y, _number(y, 0))), _number(x, 0)
    )


def right_shift(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Shift to the right, with copies of the sign."""
    fits = builder.icmp_unsigned("<", y, _number(y, y.type.width))
    if signed:
        return builder.ashr(x, builder.select(fits, y, _number(y, y.type.width - 1)))
    shifted = builder.lshr(x, builder.select(fits, y, _number(y, 0)))
    return builder.select(fits, shifted, _number(x, 0))


def _absolute(builder: ir.IRBuilder, signed: bool, x: ir.Value) -> ir.Value:
    if not signed:
        return x
    return builder.select(builder.icmp_signed("<", x, _number(x, 0)), builder.neg(x), x)


def bitwise_count(builder: ir.IRBuilder, signed: bool, x: ir.Value) -> ir.Value:
    """Return the number of ones in the absolute value, as a byte."""
    count = builder.ctpop(_absolute(builder, signed, x))
    return count if count.type.width == 8 else builder.trunc(count, ir.IntType(8))


def _function(builder: ir.IRBuilder, name: str, kind: ir.IntType) -> tuple[ir.Function, bool]:
    """Return a function of two unsigned numbers, and whether it has no code yet."""
    module = builder.module
    symbol = f"gradc.{name}.i{kind.width}"
    if symbol in module.globals:
        return module.globals[symbol], False
    function = ir.Function(module, ir.FunctionType(kind, [kind, kind]), symbol)
    function.linkage = "internal"
    return function, True


def _loop(
    function: ir.Function, first: list[ir.Value], step: Callable[..., list[ir.Value]]
) -> ir.IRBuilder:
    """Emit ``while values[0]: values = step(values)``; return values[1] of a function."""
    entry, head, body, end = (
        function.append_basic_block(one) for one in ("entry", "head", "body", "end")
    )
    ir.IRBuilder(entry).branch(head)
    builder = ir.IRBuilder(head)
    values = [builder.phi(one.type) for one in first]
    goes_on = builder.icmp_unsigned("!=", values[0], _number(values[0], 0))
    builder.cbranch(goes_on, body, end)
    inside = ir.IRBuilder(body)
    following = step(inside, *values)
    inside.branch(head)
    for value, before, after in zip(values, first, following, strict=True):
        value.add_incoming(before, entry)
        value.add_incoming(after, body)
    ir.IRBuilder(end).ret(values[1])
    return builder


def _greatest_divisor(builder: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return the greatest common divisor of unsigned numbers, by Euclid's algorithm."""
    function, is_new = _function(builder, "gcd", x.type)
    if is_new:
        _loop(function, list(function.args), lambda at, a, b: [at.urem(b, a), a])
    return builder.call(function, [x, y])


def gcd(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return the greatest common divisor."""
    sizes = (_absolute(builder, signed, one) for one in (x, y))
    return _greatest_divisor(builder, *sizes)


def lcm(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return the least common multiple, 0 of 0."""
    a, b = (_absolute(builder, signed, one) for one in (x, y))
    divisor = _greatest_divisor(builder, a, b)
    quotient, _ = _divided(builder, False, a, divisor)
    return builder.mul(quotient, b)


def power(builder: ir.IRBuilder, signed: bool, x: ir.Value, y: ir.Value) -> ir.Value:
    """Return x**y of y >= 0, by squaring; the product of factors that wrap around."""
    function, is_new = _function(builder, "power", x.type)
    if is_new:
        base, exponent = function.args

        def step(at: ir.IRBuilder, n: ir.Value, result: ir.Value, factor: ir.Value) -> list[Any]:
            is_odd = at.trunc(n, ir.IntType(1))
            taken = at.select(is_odd, at.mul(result, factor), result)
            return [at.lshr(n, _number(n, 1)), taken, at.mul(factor, factor)]

        _loop(function, [exponent, _number(base, 1), base], step)
    return builder.call(function, [x, y])


OPERATIONS: Mapping[str, Operation] = {
    "floor_divide": floor_divide,
    "remainder": remainder,
    "fmod": fmod,
    "left_shift": left_shift,
    "right_shift": right_shift,
    "bitwise_count": bitwise_count,
    "gcd": gcd,
    "lcm": lcm,
    "power": power,
}
