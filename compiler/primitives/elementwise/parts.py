"""What a float is made of: sign, exponent, neighbours; and functions with a jump or a gap."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitive import Example, Primitive
from ...types import ArrayType
from .arithmetic import absolute, sign, square, trunc
from .casting import cast, filled
from .comparison import equal, less, where
from .kind import check_kinds, elementwise
from .logic import isinf, signbit
from .trigonometric import cos

# At 0 the slope is 0, as in PyTorch.
copysign = elementwise(
    "copysign",
    partials=lambda out, x, y: (sign(x) * where(signbit(y), filled(x, -1.0), 1.0), None),
    arity=2,
    domain=((0.2, 2.0), (0.2, 2.0)),
)
heaviside = elementwise(
    "heaviside",
    partials=lambda out, x, at_zero: (None, cast(equal(x, 0.0), dtype=x.dtype)),
    arity=2,
    domain=((0.2, 2.0), (-2.0, 2.0)),
)
# One unit in the last place away: as good as the number itself.
nextafter = elementwise("nextafter", partials=lambda out, x, y: (1.0, None), arity=2)
spacing = elementwise("spacing", domain=((1.1, 1.9),))


def _ldexp_type(x: ArrayType, exponent: ArrayType) -> ArrayType:
    check_kinds(x, "f")
    if exponent.dtype.kind not in "iu" or x.shape != exponent.shape:
        raise TypeRuleError("takes floats and integers of the same shape")
    return x


ldexp: Primitive = elementwise(
    "ldexp",
    partials=lambda out, x, exponent: (ldexp(filled(x, 1.0), exponent), None),
    arity=2,
    type=_ldexp_type,
    examples=(
        Example(((2, 3), np.array([[0, 1, -1], [3, -4, 2]]))),
        Example(((1,), np.array([2]))),
        Example(((), np.array(-1))),
        Example(((0, 2), np.zeros((0, 2), np.int64))),
    ),
)


def _exponent_type(x: ArrayType) -> ArrayType:
    check_kinds(x, "f")
    return x.with_dtype(np.int32)


# The second result of frexp.
exponent = elementwise("exponent", expression="np.frexp({0})[1]", type=_exponent_type)


def _fraction(x: Any) -> Any:
    finite = where(isinf(x), 0.0, x - trunc(x))
    return copysign(finite, x)  # the sign of x where it is 0, too


# The first result of modf.
fraction = elementwise(
    "fraction",
    partials=lambda out, x: (1.0,),
    expression="np.modf({0})[0]",
    lower=_fraction,
    domain=((0.1, 0.9),),
)


def _sinc_slope(out: Any, x: Any) -> tuple[Any]:
    # Near 0 the series of -pi j1(pi x) (DLMF 10.53.1), so that higher derivatives exist too.
    is_near = less(absolute(x), 0.25)
    angle = np.pi * where(is_near, x, 0.0)
    near: Any = filled(x, 1.0)
    for k in range(9, 0, -1):
        near = 1.0 - square(angle) * near / (2.0 * k * (2 * k + 3))
    far = (cos(np.pi * x) - out) / where(is_near, 1.0, x)
    return (where(is_near, angle * near * (-np.pi / 3), far),)


sinc = elementwise("sinc", partials=_sinc_slope, expression="np.sinc({0})")
