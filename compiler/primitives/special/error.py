"""The error function, its kin, and the normal distribution."""

from __future__ import annotations

from math import pi
from math import sqrt as root
from typing import Any

from ..elementwise import exp, square, where
from ..elementwise.comparison import less
from ..elementwise.kind import elementwise

# Each text is self-contained NumPy: it computes in float64, and gives back the dtype that it got.
# Coefficients: interpolation at the Chebyshev nodes, in 60 digits, rounded; highest power first.

_GAUSSIAN = """
def _gaussian(x, factor):
    \"\"\"Return exp(-factor * x**2) without the rounding of x**2.

    Source: x is split in a multiple h of 1/16, whose square is exact, and a rest: x**2 = h**2 +
    (x - h) (x + h) (Cody, Math. Comp. 23, 1969).
    \"\"\"
    near = np.rint(x * 16) / 16
    return np.exp(-factor * near * near) * np.exp(-factor * (x - near) * (x + near))
"""

_POSITIVE_ERFCX = """
def _positive_erfcx(x):
    \"\"\"Return exp(x**2) * erfc(x) of x >= 0.

    Source: (1 + 2 x) exp(x**2) erfc(x) is smooth in t = (x - 3.75) / (x + 3.75) on [0, inf)
    (Shepherd and Laframboise, Math. Comp. 36, 1981); here a polynomial of degree 24.
    \"\"\"
    coefficients = (
        4.434959070009628e-10, 3.110310719839165e-10, -5.28428697963142e-09,
        -3.743568033634583e-09, 3.8965452548985966e-08, 2.3261913276696566e-08,
        -2.591069687796658e-07, -5.721597255990987e-08, 1.752057970166318e-06,
        -9.735619015182663e-07, -1.1444412439171722e-05, 2.2384240314224437e-05,
        5.1649211390702855e-05, -0.0002901540809795271, 0.0002937136342850081,
        0.0017556258530017257, -0.009746579552504244, 0.028362277418940665,
        -0.058693398590212366, 0.09230432116037876, -0.10880393014171785, 0.08227673849014516,
        0.003585415485463775, -0.14024059858554697, 1.2375126308378275,
    )
    bounded = np.minimum(x, 1e300)
    return np.polyval(coefficients, (bounded - 3.75) / (bounded + 3.75)) / (1 + 2 * x)
"""

_ERF = """
def _erf(x):
    \"\"\"Return 2 / sqrt(pi) * (the integral of exp(-t**2) from 0 to x).

    Source: x + x P(x**2) of degree 13 up to 1, and 1 - erfc(x) from there on.
    \"\"\"
    coefficients = (
        -4.230945824295338e-12, 8.709045129053106e-11, -1.216456005728345e-09,
        1.4792401209404813e-08, -1.6364642158167616e-07, 1.6462045441468418e-06,
        -1.4925647567519332e-05, 0.00012055332902888736, -0.000854832702193483,
        0.0052239776254232985, -0.02686617064512984, 0.1128379167095512, -0.37612638903183754,
        0.1283791670955126,
    )
    given = np.asarray(x)
    size = np.minimum(np.abs(given.astype(np.float64)), 30.0)  # where erfc is 0
    near = size + size * np.polyval(coefficients, size * size)
    far = 1 - _gaussian(size, 1) * _positive_erfcx(size)
    return np.copysign(np.where(size <= 1, near, far), given).astype(given.dtype)[()]
"""

_ERFC = """
def _erfc(x):
    \"\"\"Return 1 - erf(x), exact to the last digits where that is small.\"\"\"
    given = np.asarray(x)
    size = np.minimum(np.abs(given.astype(np.float64)), 30.0)
    tail = _gaussian(size, 1) * _positive_erfcx(size)
    middle = 1 - _erf(np.minimum(given, 0.5).astype(np.float64))
    return np.where(given < 0.5, middle, tail).astype(given.dtype)[()]
"""

_ERFCX = """
def _erfcx(x):
    \"\"\"Return exp(x**2) * erfc(x); of x < 0 it is 2 exp(x**2) less what it is of -x.\"\"\"
    given = np.asarray(x)
    size = np.abs(given.astype(np.float64))
    right = _positive_erfcx(size)
    with np.errstate(all="ignore"):
        left = 2 / _gaussian(np.minimum(size, 30.0), 1) - right
        return np.where(given < 0, left, right).astype(given.dtype)[()]
"""

_ERFC_INVERSE = """
def _erfc_inverse(q):
    \"\"\"Return the x with erfc(x) = q, for 0 < q <= 1/2, and inf for 0.

    Source: Newton's method on log(erfc(x)) = log(q), which is concave; it starts within 0.3 % (S.
    Winitzki, A handy approximation for the error function and its inverse, 2008).
    \"\"\"
    log_q = np.log(q)
    half = (log_q + np.log(2 - q)) / 2
    middle = 2 / (np.pi * 0.147) + half
    x = np.sqrt(np.sqrt(middle * middle - half * 2 / 0.147) - middle)
    for _ in range(4):
        scaled = _positive_erfcx(x)
        x = x + (np.log(scaled) - x * x - log_q) * scaled * (np.sqrt(np.pi) / 2)
    return np.where(q == 0, np.inf, x)
"""

_ERF_INVERSE = """
def _erf_inverse(y):
    \"\"\"Return the x with erf(x) = y, for abs(y) <= 1/2: Newton's method after its series.\"\"\"
    x = y * (np.sqrt(np.pi) / 2) * (1 + y * y * (np.pi / 12))
    for _ in range(3):
        x = x - (_erf(x) - y) * (np.sqrt(np.pi) / 2) * np.exp(x * x)
    return x
"""

_ERFINV = """
def _erfinv(y):
    \"\"\"Return the x with erf(x) = y.\"\"\"
    given = np.asarray(y)
    y = given.astype(np.float64)
    with np.errstate(all="ignore"):
        tail = _erfc_inverse(np.where(np.abs(y) > 0.5, 1 - np.abs(y), 0.5))
    middle = _erf_inverse(np.clip(y, -0.5, 0.5))
    result = np.where(np.abs(y) > 0.5, np.copysign(tail, y), middle)
    return result.astype(given.dtype)[()]
"""

_ERFCINV = """
def _erfcinv(y):
    \"\"\"Return the x with erfc(x) = y.\"\"\"
    given = np.asarray(y)
    y = given.astype(np.float64)
    low, high = y < 0.5, y > 1.5
    with np.errstate(all="ignore"):
        tail = _erfc_inverse(np.where(low, y, np.where(high, 2 - y, 0.5)))
    middle = _erf_inverse(np.clip(1 - y, -0.5, 0.5))
    result = np.where(low, tail, np.where(high, -tail, middle))
    return result.astype(given.dtype)[()]
"""

_NDTR = """
def _ndtr(x):
    \"\"\"Return the probability that a standard normal variable is below x.\"\"\"
    given = np.asarray(x)
    x = np.clip(given.astype(np.float64), -40.0, 40.0)  # where it is 0 and 1
    tail = 0.5 * _gaussian(x, 0.5) * _positive_erfcx(np.abs(x) / np.sqrt(2.0))
    middle = 0.5 + 0.5 * _erf(x / np.sqrt(2.0))
    result = np.where(x < -0.7, tail, np.where(x > 0.7, 1 - tail, middle))
    return result.astype(given.dtype)[()]
"""

_LOG_NDTR = """
def _log_ndtr(x):
    \"\"\"Return the logarithm of ndtr(x), finite far to the left too.\"\"\"
    given = np.asarray(x)
    size = np.abs(given.astype(np.float64))
    smaller = _ndtr(-size)
    with np.errstate(all="ignore"):
        far = np.log(0.5 * _positive_erfcx(size / np.sqrt(2.0))) - size * size / 2
        left = np.where(size > 1, far, np.log(smaller))
        return np.where(given < 0, left, np.log1p(-smaller)).astype(given.dtype)[()]
"""

_NDTRI = """
def _ndtri(p):
    \"\"\"Return the x with ndtr(x) = p.\"\"\"
    given = np.asarray(p)
    p = given.astype(np.float64)
    low, high = p < 0.25, p > 0.75
    with np.errstate(all="ignore"):
        tail = _erfc_inverse(np.where(low, 2 * p, np.where(high, 2 * (1 - p), 0.5)))
    middle = _erf_inverse(np.clip(2 * p - 1, -0.5, 0.5))
    result = np.sqrt(2.0) * np.where(low, -tail, np.where(high, tail, middle))
    return result.astype(given.dtype)[()]
"""

_BASE = (_GAUSSIAN, _POSITIVE_ERFCX, _ERF)
_INVERSE = (*_BASE, _ERFC_INVERSE, _ERF_INVERSE)
_PEAK = 2.0 / root(pi)

erf = elementwise("erf", partials=lambda out, x: (_PEAK * exp(-square(x)),), functions=_BASE)
erfc = elementwise(
    "erfc", partials=lambda out, x: (-_PEAK * exp(-square(x)),), functions=(*_BASE, _ERFC)
)
erfcx = elementwise(
    "erfcx",
    partials=lambda out, x: (2.0 * x * out - _PEAK,),
    functions=(_GAUSSIAN, _POSITIVE_ERFCX, _ERFCX),
)
erfinv = elementwise(
    "erfinv",
    partials=lambda out, y: (exp(square(out)) / _PEAK,),
    functions=(*_INVERSE, _ERFINV),
    domain=((-0.8, 0.8),),
)
erfcinv = elementwise(
    "erfcinv",
    partials=lambda out, y: (exp(square(out)) / -_PEAK,),
    functions=(*_INVERSE, _ERFCINV),
    domain=((0.2, 1.8),),
)
ndtr = elementwise(
    "ndtr",
    partials=lambda out, x: (exp(-0.5 * square(x)) / root(2.0 * pi),),
    functions=(*_BASE, _NDTR),
)


def _log_ndtr_partials(out: Any, x: Any) -> tuple[Any]:
    # Density over probability; to the left both vanish, and their quotient is 1 / erfcx.
    is_left = less(x, 0.0)
    left, right = where(is_left, x, 0.0), where(is_left, 0.0, x)
    scaled = erfcx(left * -root(0.5))
    density = exp(-0.5 * square(right)) / root(2.0 * pi)
    return (where(is_left, root(2.0 / pi) / scaled, density / ndtr(right)),)


log_ndtr = elementwise(
    "log_ndtr",
    partials=_log_ndtr_partials,
    functions=(*_BASE, _NDTR, _LOG_NDTR),
    domain=((-3.0, 2.0),),
)
ndtri = elementwise(
    "ndtri",
    partials=lambda out, p: (exp(0.5 * square(out)) * root(2.0 * pi),),
    functions=(*_INVERSE, _NDTRI),
    domain=((0.1, 0.9),),
)
