"""Arithmetic: sums, products, powers, roots, signs, extrema."""

from __future__ import annotations

from typing import Any

from ...primitive import Primitive
from .casting import cast
from .comparison import equal, greater, greater_equal, less, less_equal, where
from .exponential import log
from .kind import elementwise
from .logic import isnan, logical_and, logical_or

add = elementwise(
    "add",
    transpose=lambda ct, x, y: (ct, ct),
    operator="+",
    arity=2,
    dtypes="fi",
    cheap=True,
)
subtract = elementwise(
    "subtract",
    transpose=lambda ct, x, y: (ct, -ct),
    operator="-",
    arity=2,
    dtypes="fi",
    cheap=True,
)
multiply = elementwise(
    "multiply",
    partials=lambda out, x, y: (y, x),
    operator="*",
    arity=2,
    dtypes="fi",
    cheap=True,
)
divide = elementwise(
    "divide",
    partials=lambda out, x, y: (reciprocal(y), -out / y),
    operator="/",
    arity=2,
    domain=((-2.0, 2.0), (0.5, 2.0)),
)
negative = elementwise(
    "negative",
    transpose=lambda ct, x: (-ct,),
    operator="-",
    dtypes="fi",
    cheap=True,
)
reciprocal: Primitive = elementwise(
    "reciprocal",
    partials=lambda out, x: (-(out * out),),
    operator="1 / ",
    domain=((0.5, 2.0),),
)
square = elementwise(
    "square",
    partials=lambda out, x: (2.0 * x,),
    dtypes="fi",
    cheap=True,
)
# The slope at 0 is infinite, as in PyTorch.
sqrt = elementwise(
    "sqrt",
    partials=lambda out, x: (0.5 / out,),
    domain=((0.2, 3.0),),
)
cbrt = elementwise(
    "cbrt",
    partials=lambda out, x: (1.0 / (3.0 * square(out)),),
    domain=((0.2, 3.0),),
)


def _power_partials(out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    # By x: y x^(y-1), and 0 at x = y = 0, where x^(-1) is infinite.
    at_zero = equal(x, 0.0)
    both = logical_and(at_zero, equal(y, 0.0))
    by_x = y * power(x, where(both, 1.0, y - 1.0))
    # By y: x^y log x, and 0 where the power stays 0 (x = 0, y >= 0).
    stays = logical_and(at_zero, greater_equal(y, 0.0))
    return by_x, out * log(where(stays, 1.0, x))


power = elementwise(
    "power",
    partials=_power_partials,
    operator="**",
    arity=2,
    dtypes="fi",
    domain=((0.3, 2.0), (-2.0, 2.0)),
)
# At 0 the slope is 0.
absolute = elementwise(
    "absolute",
    partials=lambda out, x: (sign(x),),
    expression="np.abs({0})",
    dtypes="fi",
    domain=((0.2, 2.0),),
    cheap=True,
)
sign: Primitive = elementwise("sign", dtypes="fi", domain=((0.2, 2.0),), cheap=True)


def _extremum_partials(wins: Any) -> Any:
    # A tie shares the gradient evenly, as in PyTorch.
    def partials(out: Any, x: Any, y: Any) -> tuple[Any, Any]:
        tie = equal(x, y)
        by_x = where(tie, 0.5, cast(wins(x, y), dtype=x.dtype))
        return by_x, 1.0 - by_x

    return partials


maximum = elementwise(
    "maximum",
    partials=_extremum_partials(greater),
    arity=2,
    dtypes="fib",
    cheap=True,
)
minimum = elementwise(
    "minimum",
    partials=_extremum_partials(less),
    arity=2,
    dtypes="fib",
    cheap=True,
)


def _number_partials(wins: Any) -> Any:
    # What is no number loses; the first wins a tie, as in PyTorch.
    def partials(out: Any, x: Any, y: Any) -> tuple[Any, Any]:
        by_x = cast(logical_or(wins(x, y), isnan(y)), dtype=x.dtype)
        return by_x, 1.0 - by_x

    return partials


fmax = elementwise(
    "fmax", partials=_number_partials(greater_equal), arity=2, dtypes="fib", cheap=True
)
fmin = elementwise("fmin", partials=_number_partials(less_equal), arity=2, dtypes="fib", cheap=True)


def _hypot_partials(out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    # At (0, 0) the slope is 0, as for a norm.
    safe = where(equal(out, 0.0), 1.0, out)
    return x / safe, y / safe


hypot = elementwise("hypot", partials=_hypot_partials, arity=2)
remainder = elementwise(
    "remainder",
    partials=lambda out, x, y: (1.0, -floor_divide(x, y)),
    operator="%",
    arity=2,
    dtypes="fi",
    domain=((1.6, 1.9), (1.0, 1.5)),
)
fmod = elementwise(
    "fmod",
    partials=lambda out, x, y: (1.0, -trunc(x / y)),
    arity=2,
    dtypes="fi",
    domain=((1.6, 1.9), (1.0, 1.5)),
)
floor_divide: Primitive = elementwise(
    "floor_divide",
    operator="//",
    arity=2,
    dtypes="fi",
    domain=((1.6, 1.9), (1.0, 1.5)),
)
floor = elementwise("floor", domain=((0.1, 0.9),), cheap=True)
ceil = elementwise("ceil", domain=((0.1, 0.9),), cheap=True)
trunc: Primitive = elementwise("trunc", domain=((0.1, 0.9),), cheap=True)
rint = elementwise("rint", domain=((0.1, 0.4),), cheap=True)
