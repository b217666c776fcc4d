"""The gamma function, its logarithm and derivatives of it, and the beta function."""

from __future__ import annotations

from typing import Any

from ...primitive import Adjoint, Attrs, Example, NumPy, Primitive, Scalar
from ...types import ArrayType
from ..elementwise.kind import check_kinds, elementwise

# As in error.py. Below 12 the recurrence leads to [1, 3], from there on Stirling's series holds.

_STIRLING = """
def _stirling(x):
    \"\"\"Return log(gamma(x)) - ((x - 1/2) log(x) - x + log(2 pi) / 2), for x >= 12.

    Source: Stirling's series, the sum of B_2k / (2k (2k - 1) x**(2k - 1)) (DLMF 5.11.1).
    \"\"\"
    terms = (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
    return np.polyval(terms, 1 / (x * x)) / x
"""

_LIFTED = """
def _lifted(x, last):
    \"\"\"Return (log(gamma(u + 1)), factor) with gamma(x or x + 1) = gamma(u + 1) * factor.

    For 0 < x < 12; it is x + 1 where x < 1, and u + 1 lies below ``last``, 2 or 3. With 2 the
    factor of a whole x is all of it, with 3 there is less to be cancelled in the logarithm.

    Source: log(gamma(u + 1)) = u (u - 1) P(u) / Q(u), of degrees 8 and 8.
    \"\"\"
    top = (
        1.5462129487433713e-07, 0.00010318936687265844, 0.004630212512476104,
        0.06620652377201063, 0.4175253664101564, 1.3226883644708725, 2.186533438224094,
        1.7958790176161952, 0.5772156649015329,
    )
    bottom = (
        2.4701851967984794e-05, 0.0017463680864623742, 0.036138844242174166,
        0.32397691578929105, 1.477100447122607, 3.672221746395205, 5.021257893286725,
        3.536165960580732, 1.0,
    )
    rest, factor = x, np.ones_like(x)
    for _ in range(10):
        is_large = rest > last
        rest = np.where(is_large, rest - 1, rest)
        factor = np.where(is_large, factor * rest, factor)
    u = np.where(x < 1, x, rest - 1)
    return u * (u - 1) * np.polyval(top, u) / np.polyval(bottom, u), factor
"""

_POSITIVE_GAMMALN = """
def _positive_gammaln(x):
    \"\"\"Return log(gamma(x)) of x > 0.\"\"\"
    log_x = np.log(x)
    part, factor = _lifted(np.minimum(x, 12.0), 3)
    near = part + np.where(x < 1, -log_x, np.log(factor))
    large = np.maximum(x, 12.0)
    far = (large - 0.5) * (log_x - 1) + (0.5 * np.log(2 * np.pi) - 0.5) + _stirling(large)
    return np.where(x < 12, near, far)
"""

_GAMMALN = """
def _gammaln(x):
    \"\"\"Return log(abs(gamma(x))).

    Source: left of 0 by gamma(x) gamma(1 - x) = pi / sin(pi x).
    \"\"\"
    given = np.asarray(x)
    x = given.astype(np.float64)
    with np.errstate(all="ignore"):
        part = _positive_gammaln(np.where(x > 0, x, 1 - x))
        reflected = np.log(np.pi) - np.log(np.abs(np.sin(np.pi * (x - np.rint(x))))) - part
        result = np.where(np.isneginf(x), x, np.where(x > 0, part, reflected))
        return result.astype(given.dtype)[()]
"""

_GAMMA = """
def _gamma(x):
    \"\"\"Return the gamma function: (x - 1)! of a whole x > 0.

    Source: right of 12 sqrt(2 pi) x**(x - 1/2) exp(-x) exp(Stirling's series), the power in two
    halves that do not overflow; left of 0 by gamma(x) gamma(1 - x) = pi / sin(pi x).
    \"\"\"
    given = np.asarray(x)
    x = given.astype(np.float64)
    size = np.abs(x)
    with np.errstate(all="ignore"):
        part, factor = _lifted(np.minimum(size, 12.0), 2)
        large = np.clip(size, 12.0, 200.0)
        half = np.where(size < 12, 1.0, large ** (0.5 * large - 0.25))
        far = np.sqrt(2 * np.pi) * np.exp(_stirling(large)) * half * np.exp(-large)
        rest = np.where(size < 12, np.exp(part) * factor, far)
        nearest = np.rint(x)
        sine = np.sin(np.pi * (x - nearest)) * np.where(nearest % 2 == 0, 1, -1)
        left = np.pi / (np.where(size < 1, 1, size) * sine * rest) / half
        right = rest * half / np.where(size < 1, x, 1)
        left = np.where(x == nearest, np.where(x == 0, 1 / x, np.nan), left)
        return np.where(x > 0, right, left).astype(given.dtype)[()]
"""

_DIGAMMA = """
def _digamma(x):
    \"\"\"Return the derivative of log(gamma(x)).

    Source: (x - its root) P(x) / Q(x) on [1, 3], of degrees 7 and 7 (the form of Cody, Strecok and
    Thacher, Math. Comp. 27, 1973); right of 12 log(x) - 1 / (2x) - the sum of B_2k / (2k x**2k)
    (DLMF 5.11.2); left of 0 by digamma(1 - x) - digamma(x) = pi / tan(pi x).
    \"\"\"
    top = (
        0.005553600642286078, 5.263165940483684, 271.27749987327456, 4052.996602350569,
        23868.381198971416, 60431.7795692602, 62097.1801879374, 18750.74725594414,
    )
    bottom = (
        1.0, 74.3245870286001, 1484.3807078106256, 11502.961722560593, 38878.60505604437,
        56192.91932791561, 27406.694010916646, 7.577104249415827e-05,
    )
    series = (691 / 32760, -1 / 132, 1 / 240, -1 / 252, 1 / 120, -1 / 12)
    given = np.asarray(x)
    x = given.astype(np.float64)
    with np.errstate(all="ignore"):
        size = np.where(x > 0, x, 1 - x)
        rest = np.where(size < 1, size + 1, np.minimum(size, 12.0))
        near = np.where(size < 1, -1 / size, 0)
        for _ in range(9):
            is_large = rest > 3
            rest = np.where(is_large, rest - 1, rest)
            near = near + np.where(is_large, 1 / rest, 0)
        root = (rest - 1.4616321449683622) - 9.549995429965697e-17
        near = near + root * (np.polyval(top, rest) / np.polyval(bottom, rest))
        large = np.maximum(size, 12.0)
        inverse = 1 / (large * large)
        far = np.log(large) - 0.5 / large + inverse * np.polyval(series, inverse)
        part = np.where(size < 12, near, far)
        nearest = np.rint(x)
        reflected = part - np.pi / np.tan(np.pi * (x - nearest))
        reflected = np.where(x == nearest, np.where(x == 0, -1 / x, np.nan), reflected)
        return np.where(x > 0, part, reflected).astype(given.dtype)[()]
"""

_POLYGAMMA = """
def _polygamma(n, x):
    \"\"\"Return the n-th derivative of digamma(x), n >= 1.

    Source: (-1)**(n + 1) n! zeta(n + 1, x), summed up to x + k >= n + 12 and by Euler and
    Maclaurin from there on (DLMF 25.11.5); left of 0 by the n-th derivative of digamma(1 - x) -
    digamma(x) = pi c with c = 1 / tan(pi x), where c' = -pi (1 + c**2).
    \"\"\"
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
    given = np.asarray(x)
    x = given.astype(np.float64)
    factorial = float(np.prod(np.arange(1.0, n + 1)))
    with np.errstate(all="ignore"):
        size = np.where(x > 0, x, 1 - x)
        total, far = np.zeros_like(size), size
        for _ in range(n + 12):
            is_small = far < n + 12
            total = total + np.where(is_small, far ** -(n + 1.0), 0)
            far = np.where(is_small, far + 1, far)
        term, series = (n + 1) / (2 * far), np.zeros_like(far)
        for k, number in enumerate(bernoulli, 1):
            series = series + number * term
            term = term * (2 * k + n) / (2 * k + 1) * (2 * k + 1 + n) / (2 * k + 2) / far / far
        total = total + far ** -float(n) * (1 / n + 0.5 / far + series / far)
        part = factorial * np.where(np.isposinf(x), 0.0, total)
        cotangent = np.array([1.0, 0.0])
        for _ in range(n):
            cotangent = np.polymul([-1.0, 0.0, -1.0], np.polyder(cotangent))
        angle = np.tan(np.pi * (x - np.rint(x)))
        slope = np.pi ** (n + 1.0) * np.polyval(cotangent, 1 / angle)
        sign = (-1.0) ** (n + 1)
        reflected = np.where(x == np.rint(x), sign * np.inf, -part - slope)
        return np.where(x > 0, sign * part, reflected).astype(given.dtype)[()]
"""

_BETALN = """
def _betaln(a, b):
    \"\"\"Return log(abs(beta(a, b))).

    Source: Stirling's formula where an argument is 12 or more, its large terms combined through
    log1p (Didonato and Morris, ACM Trans. Math. Softw. 18, 1992, algorithm 708).
    \"\"\"
    dtype = np.result_type(a, b)
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    low, high = np.minimum(a, b), np.maximum(a, b)
    with np.errstate(all="ignore"):
        total = low + high
        lost = low - (total - high)  # the rounding of the sum
        plain = _gammaln(low) + _gammaln(high) - _gammaln(total) - lost * _digamma(total)
        small, large = np.maximum(low, 12.0), np.maximum(high, 12.0)
        part = _stirling(large) - _stirling(large + np.maximum(low, 0.0))
        folded = -(high + low - 0.5) * np.log1p(low / large) - low * (np.log(large) - 1)
        middle = _gammaln(low) + folded + part
        far = (low - 0.5) * np.log1p(high / small) + high * np.log1p(low / large)
        far = 0.5 * np.log(2 * np.pi / large) - far + _stirling(small) + part
        result = np.where(low < 12, np.where((low > 0) & (high >= 12), middle, plain), far)
        result = np.where((low > 0) & (low < high) & np.isposinf(high), -np.inf, result)
        result = np.where((low <= 0) & (low == np.rint(low)), np.inf, result)
        return result.astype(dtype)[()]
"""

_POWER_OF_QUOTIENT = """
def _power_of_quotient(a, b, lost, exponent):
    \"\"\"Return (a / (b + lost))**exponent, without the rounding of the quotient.

    Source: the remainder of the division, by Dekker's product of two floats without rounding
    (Numer. Math. 18, 1971).
    \"\"\"
    quotient = a / b
    product = quotient * b
    shifted = 134217729.0 * quotient, 134217729.0 * b
    high = shifted[0] - (shifted[0] - quotient), shifted[1] - (shifted[1] - b)
    low = quotient - high[0], b - high[1]
    error = high[0] * high[1] - product + high[0] * low[1] + low[0] * high[1] + low[0] * low[1]
    remainder = (a - product) - error - quotient * lost
    return quotient**exponent * np.exp(exponent * (remainder / a))
"""

_BETA = """
def _beta(a, b):
    \"\"\"Return gamma(a) gamma(b) / gamma(a + b).

    Source: the definition up to a + b = 171; from there on Stirling's formula, as powers.
    \"\"\"
    dtype = np.result_type(a, b)
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    low, high = np.minimum(a, b), np.maximum(a, b)
    with np.errstate(all="ignore"):
        total = low + high
        lost = low - (total - high)  # the rounding of the sum
        ratio = _gamma(low) * (_gamma(high) / _gamma(total)) * (1 - lost * _digamma(total))
        small, large = np.maximum(low, 12.0), np.maximum(high, 12.0)
        part = _stirling(large) - _stirling(large + np.maximum(low, 0.0))
        # There low / large is below 1 / 13: log1p(share) - share by its series.
        share = low / large
        series = share * share * np.polyval([(-1.0) ** k / k for k in range(17, 1, -1)], share)
        middle = np.exp(high * series - (low - 0.5) * np.log1p(share) + part)
        middle = _gamma(low) * large**-low * middle
        far = _power_of_quotient(low, total, lost, low - 0.5)
        far = far * _power_of_quotient(high, total, lost, high)
        far = far * np.sqrt(2 * np.pi / large) * np.exp(_stirling(small) + part)
        result = np.where(total <= 171, ratio, np.where(low < 12, middle, far))
        result = np.where((low > 0) & (low < high) & np.isposinf(high), 0.0, result)
        result = np.where((low <= 0) & (low == np.rint(low)), np.inf, result)
        return result.astype(dtype)[()]
"""

_LOG = (_STIRLING, _LIFTED, _POSITIVE_GAMMALN, _GAMMALN)
_OF_TWO = (*_LOG, _DIGAMMA, _BETALN)


def _polygamma_type(x: ArrayType, n: int) -> ArrayType:
    check_kinds(x, "f")
    return x


def _polygamma_text(types: Any, attrs: Attrs) -> str:
    return f"_polygamma({attrs['n']}, {{0}})"


polygamma: Primitive = Primitive(
    "polygamma",
    type=_polygamma_type,
    derivative=Adjoint(lambda ct, out, x, n: (ct * polygamma(x, n=n + 1),)),
    numpy=NumPy(_polygamma_text, functions=(_POLYGAMMA,)),
    elementwise=True,
    lower=Scalar("polygamma"),
    domain=((1.5, 4.0),),
    examples=tuple(
        Example((shape,), {"n": n}) for n, shape in ((1, ()), (1, (2, 3)), (2, (1,)), (3, (0, 2)))
    ),
)
digamma = elementwise(
    "digamma",
    partials=lambda out, x: (polygamma(x, n=1),),
    functions=(_DIGAMMA,),
    domain=((0.5, 4.0),),
)
gammaln = elementwise(
    "gammaln", partials=lambda out, x: (digamma(x),), functions=_LOG, domain=((0.5, 4.0),)
)
gamma = elementwise(
    "gamma",
    partials=lambda out, x: (out * digamma(x),),
    functions=(_STIRLING, _LIFTED, _GAMMA),
    domain=((0.5, 4.0),),
)


def _slopes(a: Any, b: Any) -> tuple[Any, Any]:
    total = digamma(a + b)
    return digamma(a) - total, digamma(b) - total


betaln = elementwise(
    "betaln",
    partials=lambda out, a, b: _slopes(a, b),
    functions=_OF_TWO,
    arity=2,
    domain=((0.5, 4.0), (0.5, 4.0)),
)
beta = elementwise(
    "beta",
    partials=lambda out, a, b: tuple(out * slope for slope in _slopes(a, b)),
    functions=(*_LOG[:2], _GAMMA, _DIGAMMA, _POWER_OF_QUOTIENT, _BETA),
    arity=2,
    domain=((0.5, 4.0), (0.5, 4.0)),
)
