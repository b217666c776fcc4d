"""Division with a whole quotient, and what it leaves; without any rounding of that.

x - n y is a float for the whole n next to x / y towards 0. Where x / y has no more digits than a
float, n is at hand; the rare rest is divided as integers, digit by digit.
"""

from __future__ import annotations

import math

from . import pairs
from .rare import checked
from .scalar import DOUBLE, Bits, Scalar, Truth

_LARGEST_QUOTIENT = 2.0**52
_FIELD = 2**DOUBLE.fraction - 1
_STEP = 63 - DOUBLE.fraction  # so many bits are left in a word beside a fraction


def _is_beyond(x: Scalar, y: Scalar) -> Truth:
    """Whether products of halves overflow or underflow, without which there is fused arithmetic."""
    return (abs(x) > 2.0**990) | (abs(y) < 2.0**-900)


def _ordinary(x: Scalar, y: Scalar, quotient: Scalar) -> Scalar:
    """Return x - n y; rounding may make the quotient the next whole number, and n 1 too large."""
    rest = pairs.remainder(x, quotient.truncated(), y)
    is_over = ((rest < 0.0) & (x > 0.0)) | ((rest > 0.0) & (x < 0.0))
    rest = is_over.choose(rest + y.with_sign_of(x), rest)
    return (abs(x) < abs(y)).choose(x, rest.with_sign_of(x))


def _parts(x: Scalar) -> tuple[Bits, Bits]:
    """Return (e, m), abs(x) = m 2**(e - 1075) with whole numbers, 1 <= e."""
    bits = abs(x).bits()
    e, m = bits >> DOUBLE.fraction, bits & _FIELD
    is_subnormal = e.equals(0)
    return is_subnormal.choose_bits(1, e), is_subnormal.choose_bits(m, m | (_FIELD + 1))


def _digit_by_digit(_: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """Return x - n y of any float64, with a loop; not a number for infinite x and for y = 0."""
    at, builder = x.at, x.at.builder
    (e, m), (e_of_y, divisor) = _parts(x), _parts(y)
    is_special = y.equals(0.0) | y.is_nan() | ~(abs(x) < math.inf)
    divisor = is_special.choose_bits(1, divisor)
    rest, distance = builder.urem(m.value, divisor.value), e - e_of_y
    before, head = builder.block, builder.append_basic_block()
    body, end = builder.append_basic_block(), builder.append_basic_block()
    word = DOUBLE.word
    builder.branch(head)
    builder.position_at_end(head)
    digits, left = builder.phi(word), builder.phi(word)
    digits.add_incoming(distance.value, before)
    left.add_incoming(rest, before)
    builder.cbranch(builder.icmp_signed(">", digits, word(0)), body, end)
    builder.position_at_end(body)
    few = builder.icmp_signed("<", digits, word(_STEP))
    step = builder.select(few, digits, word(_STEP))
    digits.add_incoming(builder.sub(digits, step), body)
    left.add_incoming(builder.urem(builder.shl(left, step), divisor.value), body)
    builder.branch(head)
    builder.position_at_end(end)
    # In steps, as a power of two may overflow.
    half = e_of_y >> 1
    result = Scalar(at, builder.uitofp(left, DOUBLE.type)) * 2.0**-1074
    for power in (half, e_of_y - half - 1):
        result = result * ((power + DOUBLE.bias) << DOUBLE.fraction).as_float()
    return is_special.choose(math.nan, result.with_sign_of(x))


def fmod(x: Scalar, y: Scalar) -> Scalar:
    """Return what division towards 0 leaves, with the sign of x; in float64."""
    quotient = x / y
    rare = quotient if x.at.fused else _is_beyond(x, y).choose(math.inf, quotient)
    rare = (abs(x) < abs(y)).choose(0.0, rare)
    result = _ordinary(x, y, quotient)
    return checked("fmod", [rare, x, y], result, _LARGEST_QUOTIENT, _digit_by_digit)


def _fmod_of_any(x: Scalar, y: Scalar) -> Scalar:
    """Return ``fmod``, through float64, where it has no rounding either."""
    return fmod(x.to(DOUBLE), y.to(DOUBLE)).to(x.at.format)


def remainder(x: Scalar, y: Scalar) -> Scalar:
    """Return what division rounded down leaves, with the sign of y."""
    rest = _fmod_of_any(x, y)
    lifted = ((rest < 0.0) ^ (y < 0.0)).choose(rest + y, rest)
    return rest.equals(0.0).choose(rest.with_sign_of(y), lifted)


def floor_divide(x: Scalar, y: Scalar) -> Scalar:
    """Return x / y rounded down, made whole as NumPy does it."""
    rest = _fmod_of_any(x, y)
    quotient = (x - rest) / y
    is_below = ((rest < 0.0) ^ (y < 0.0)) & ~rest.equals(0.0)
    quotient = is_below.choose(quotient - 1.0, quotient)
    whole = quotient.floor()
    whole = (quotient - whole > 0.5).choose(whole + 1.0, whole)
    result = quotient.equals(0.0).choose(x.at.number(0.0).with_sign_of(x / y), whole)
    return y.equals(0.0).choose(x / y, result)
