"""Special functions, by the names and signatures of scipy.special, with gradients.

In a captured function they take traced arrays, elsewhere plain arrays and numbers. They compute in
float64 and give float32 for float32, float64 for everything else. Nothing but NumPy is needed: in
generated modules they are private functions, whose source is named there.

    >>> import numpy as np
    >>> import gradc
    >>> total = gradc.compile_grad(lambda x: np.sum(gradc.special.erf(x)))
    >>> total.grad(np.zeros(2)).round(4).tolist()
    [1.1284, 1.1284]
"""

from __future__ import annotations

from typing import Any

from .compiler.frontend.numpy_api.special import SPECIAL
from .compiler.frontend.tracer import Tracer

__all__ = [
    "beta",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "expit",
    "gamma",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "softmax",
    "xlog1py",
    "xlogy",
]


def _apply(name: str, *args: Any) -> Any:
    traced = next((one for one in args if isinstance(one, Tracer)), None)
    if traced is None:
        return SPECIAL[name](*args)
    return traced.tracing.dispatch(SPECIAL[name], args, {})


def erf(x: Any) -> Any:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Shapes: (...) -> (...). Source: polynomials, and erfcx (Shepherd and Laframboise, 1981).

    >>> f"{erf(0.5):.12g}"
    '0.520499877813'
    """
    return _apply("erf", x)


def erfc(x: Any) -> Any:
    """Return the complementary error function 1 - erf(x), exact where it is small.

    Shapes: (...) -> (...). Source: erfcx, and exp(-x**2) with x split (Cody, 1969).

    >>> f"{erfc(10.0):.12g}"
    '2.08848758376e-45'
    """
    return _apply("erfc", x)


def erfcx(x: Any) -> Any:
    """Return the scaled complementary error function exp(x**2) erfc(x).

    Shapes: (...) -> (...). Source: Shepherd and Laframboise, Math. Comp. 36, 1981.

    >>> f"{erfcx(100.0):.12g}"
    '0.00564161378299'
    """
    return _apply("erfcx", x)


def erfinv(y: Any) -> Any:
    """Return the inverse of erf.

    Shapes: (...) -> (...). Source: Newton's method on erf, and on log(erfc) in the tails.

    >>> f"{erfinv(0.5):.12g}"
    '0.476936276204'
    """
    return _apply("erfinv", y)


def erfcinv(y: Any) -> Any:
    """Return the inverse of erfc.

    Shapes: (...) -> (...). Source: as erfinv.

    >>> f"{erfcinv(1e-10):.12g}"
    '4.57282496739'
    """
    return _apply("erfcinv", y)


def ndtr(x: Any) -> Any:
    """Return the probability that a standard normal variable is below x.

    Shapes: (...) -> (...). Source: (1 + erf(x / sqrt(2))) / 2, in the tails by erfcx.

    >>> float(ndtr(0.0))
    0.5
    """
    return _apply("ndtr", x)


def ndtri(p: Any) -> Any:
    """Return the quantile of the standard normal distribution, the inverse of ndtr.

    Shapes: (...) -> (...). Source: -sqrt(2) erfcinv(2 p).

    >>> float(ndtri(0.5))
    0.0
    """
    return _apply("ndtri", p)


def log_ndtr(x: Any) -> Any:
    """Return log(ndtr(x)), finite far to the left too.

    Shapes: (...) -> (...). Source: log(erfcx(-x / sqrt(2)) / 2) - x**2 / 2 there.

    >>> f"{log_ndtr(-100.0):.12g}"
    '-5005.52420869'
    """
    return _apply("log_ndtr", x)


def gamma(x: Any) -> Any:
    """Return the gamma function, (x - 1)! of a whole x > 0.

    Shapes: (...) -> (...). Source: recurrence, Stirling's series and reflection (DLMF 5).

    >>> f"{gamma(5.0):.12g}"
    '24'
    """
    return _apply("gamma", x)


def gammaln(x: Any) -> Any:
    """Return log(abs(gamma(x))).

    Shapes: (...) -> (...). Source: as gamma.

    >>> f"{gammaln(100.0):.12g}"
    '359.13420537'
    """
    return _apply("gammaln", x)


def digamma(x: Any) -> Any:
    """Return the derivative of log(gamma(x)).

    Shapes: (...) -> (...). Source: Cody, Strecok and Thacher, Math. Comp. 27, 1973; DLMF 5.11.2.

    >>> f"{digamma(1.0):.12g}"
    '-0.577215664902'
    """
    return _apply("digamma", x)


def psi(x: Any) -> Any:
    """Return digamma(x), under its other name.

    Shapes: (...) -> (...). Source: see digamma.

    >>> f"{psi(1.0):.12g}"
    '-0.577215664902'
    """
    return _apply("psi", x)


def polygamma(n: int, x: Any) -> Any:
    """Return the n-th derivative of digamma(x), for a whole n >= 0.

    Shapes: (...) -> (...). Source: n! zeta(n + 1, x) by Euler and Maclaurin (DLMF 25.11.5).

    >>> f"{polygamma(1, 1.0):.12g}"
    '1.64493406685'
    """
    return _apply("polygamma", n, x)


def beta(a: Any, b: Any) -> Any:
    """Return the beta function gamma(a) gamma(b) / gamma(a + b).

    Shapes: (...), (...) -> (...), broadcast. Source: gamma and betaln.

    >>> f"{beta(2.0, 3.0):.12g}"
    '0.0833333333333'
    """
    return _apply("beta", a, b)


def betaln(a: Any, b: Any) -> Any:
    """Return log(abs(beta(a, b))).

    Shapes: (...), (...) -> (...), broadcast. Source: Didonato and Morris (1992), algorithm 708.

    >>> f"{betaln(1.0, 2.0):.12g}"
    '-0.69314718056'
    """
    return _apply("betaln", a, b)


def i0(x: Any) -> Any:
    """Return the modified Bessel function of the first kind of order 0.

    Shapes: (...) -> (...). Source: the form of Blair and Edwards, 1974.

    >>> f"{i0(1.0):.12g}"
    '1.26606587775'
    """
    return _apply("i0", x)


def i0e(x: Any) -> Any:
    """Return exp(-abs(x)) i0(x).

    Shapes: (...) -> (...). Source: as i0.

    >>> f"{i0e(1000.0):.12g}"
    '0.0126172404559'
    """
    return _apply("i0e", x)


def i1(x: Any) -> Any:
    """Return the modified Bessel function of the first kind of order 1.

    Shapes: (...) -> (...). Source: as i0.

    >>> f"{i1(1.0):.12g}"
    '0.565159103992'
    """
    return _apply("i1", x)


def i1e(x: Any) -> Any:
    """Return exp(-abs(x)) i1(x).

    Shapes: (...) -> (...). Source: as i0.

    >>> f"{i1e(1000.0):.12g}"
    '0.0126109302569'
    """
    return _apply("i1e", x)


def expit(x: Any) -> Any:
    """Return the logistic function 1 / (1 + exp(-x)), without overflow.

    Shapes: (...) -> (...). Source: max(exp(-abs(x)), x >= 0) / (1 + exp(-abs(x))).

    >>> float(expit(0.0))
    0.5
    """
    return _apply("expit", x)


def logit(p: Any) -> Any:
    """Return log(p / (1 - p)), the inverse of expit.

    Shapes: (...) -> (...). Source: log1p((2 p - 1) / (1 - p)) near 1/2.

    >>> f"{logit(0.25):.12g}"
    '-1.09861228867'
    """
    return _apply("logit", p)


def log_expit(x: Any) -> Any:
    """Return log(expit(x)), without overflow.

    Shapes: (...) -> (...). Source: min(x, 0) - log1p(exp(-abs(x))).

    >>> float(log_expit(-800.0))
    -800.0
    """
    return _apply("log_expit", x)


def xlogy(x: Any, y: Any) -> Any:
    """Return x log(y), and 0 where x is 0.

    Shapes: (...), (...) -> (...), broadcast. Source: its definition.

    >>> float(xlogy(0.0, 0.0))
    0.0
    """
    return _apply("xlogy", x, y)


def xlog1py(x: Any, y: Any) -> Any:
    """Return x log1p(y), and 0 where x is 0.

    Shapes: (...), (...) -> (...), broadcast. Source: its definition.

    >>> float(xlog1py(0.0, -1.0))
    0.0
    """
    return _apply("xlog1py", x, y)


def entr(x: Any) -> Any:
    """Return -x log(x), 0 at 0 and minus infinity left of it.

    Shapes: (...) -> (...). Source: its definition.

    >>> float(entr(1.0))
    -0.0
    """
    return _apply("entr", x)


def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis, or several, or all (None).

    Shapes: (...) -> (...). Source: x is shifted by its largest element.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _apply("softmax", x, axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return log(softmax(x)) without underflow.

    Shapes: (...) -> (...). Source: x is shifted by its largest element.

    >>> log_softmax([1000.0, 0.0]).tolist()
    [0.0, -1000.0]
    """
    return _apply("log_softmax", x, axis)


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Return log(sum(b * exp(a))) along an axis, or several, or all (None); b is 1 if not given.

    Shapes: (..., n, ...) -> (..., ...), with 1 for n if ``keepdims``. ``return_sign`` is refused.
    Source: a is shifted by its largest element.

    >>> f"{logsumexp([1000.0, 1000.0]):.12g}"
    '1000.69314718'
    """
    return _apply("logsumexp", a, axis, b, keepdims, return_sign)
