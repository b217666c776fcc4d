"""Measure the functions with mpmath: ``python measure.py [points]``, with the tests' folder above.

Writes the exact values that the tests compare with, and the table in docs/accuracy.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import mpmath
import numpy as np
import scipy.special

from .loops import ATTRS, Loop
from .points import MEASURED, error, points

HERE = Path(__file__).parent
REFERENCE = HERE / "reference.json"
TABLE = HERE.parents[4] / "docs" / "accuracy.md"
_STORED = 25

# What is timed between 1 and 9, and not between 0 and 1.
_BEYOND_ONE = {"arccosh", "gammaln", "gamma", "beta", "betaln", "bessel_i0", "i0e", "i1", "i1e"}

INTRODUCTION = """# How exact native code is

Native code computes these functions itself, as vector code without calls into a mathematical
library. The table has the largest error that was found against mpmath, in units of the last place
(half a unit is what rounding the exact value costs), and the nanoseconds per element of 4096 beside
those of NumPy (`scipy.special` where NumPy has no such function; into an array that exists) on one
core of one machine, an Intel Xeon with AVX-512.

The bound that the tests check is 2 units; 3 for `erfcx`, `log_ndtr`, `sinc` and the Bessel
functions; and 4 for `gammaln`, `digamma`, `trigamma` and `polygamma` (here of order 2) of positive
arguments, near whose zeros at negative arguments the absolute error is small instead. `beta` and
`betaln` are measured at positive arguments; at negative ones 6 units was the largest error found.
`betaln` is measured where its size is above 1/2; where it crosses 0 its absolute error is below
1e-16.

Arguments lie all over the range of each function, with those that are difficult: subnormal numbers,
the neighbourhoods of zeros and of multiples of pi, arguments of `sin`, `cos` and `tan` up to the
largest number. Overflow and gradual underflow are as rounding the exact value has them. Of
`logaddexp` the error is that beside the larger operand, as in NumPy: where it nearly cancels the
logarithm, fewer digits remain.

`fmod`, `remainder`, `floor_divide`, `nextafter`, `spacing`, `ldexp` and the exponent of `frexp` are
those of NumPy, bit for bit. So is all arithmetic of integers, which wraps around; a division by 0
gives 0 as in NumPy, but without its warning. `sinc` is 0 at whole numbers, where NumPy's has the
rounding of pi. `beta` and `betaln` of negative and of very large arguments have values where the
formulas that the NumPy backend runs give infinity or NaN.

Written by `python -m tests.compiler.backends.llvm.math.measure`.

| function | float64: error | ns | NumPy | float32: error | ns | NumPy |
|---|---|---|---|---|---|---|
"""


def _erfinv(x: Any) -> Any:
    """Return the inverse error function by Newton's method, also next to 1."""
    a = abs(x)
    if a in (0, 1):
        return x * mpmath.inf if a else x
    rest = 1 - a
    y = mpmath.mpf(float(scipy.special.erfcinv(float(rest)) if a > 0.5 else mpmath.erfinv(a)))
    for _ in range(4):
        excess = mpmath.erf(y) - a if a < 0.5 else rest - mpmath.erfc(y)
        step = excess * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        y -= step / (1 + y * step)
    return mpmath.sign(x) * y


def _log_of_gamma(x: Any) -> Any:
    return mpmath.re(mpmath.loggamma(x))


def _log_of_beta(x: Any, y: Any) -> Any:
    with mpmath.workprec(2300):  # a sum of numbers of all sizes
        x, y = mpmath.mpf(x), mpmath.mpf(y)
        total = x + y
    with mpmath.workprec(1200 if max(x, y) > 1e15 else 300):
        return mpmath.re(mpmath.loggamma(x) + mpmath.loggamma(y) - mpmath.loggamma(total))


def _beta(x: Any, y: Any) -> Any:
    return mpmath.exp(_log_of_beta(x, y))


def _scaled_complement(x: Any) -> Any:
    if x > 1e20:
        return 1 / (x * mpmath.sqrt(mpmath.pi))
    return mpmath.exp(x * x) * mpmath.erfc(x)


def _erfcinv(y: Any) -> Any:
    """Return the inverse of erfc by Newton's method, from what SciPy has."""
    x = mpmath.mpf(min(float(scipy.special.erfcinv(float(y))), 27.2))
    for _ in range(5):
        step = (mpmath.erfc(x) - y) * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(x * x)
        x += step / (1 - x * step)
    return x


def _bessel(order: int, x: Any, scaled: bool) -> Any:
    a = abs(x)
    value = mpmath.besseli(order, a) * (mpmath.exp(-a) if scaled else 1)
    return -value if order and x < 0 else value


EXACT: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mpmath.power(2, x),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "log2": lambda x: mpmath.log(x, 2),
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "logaddexp": lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arctan2": mpmath.atan2,
    "erfinv": _erfinv,
    "gammaln": _log_of_gamma,
    "trigamma": lambda x: mpmath.psi(1, x),
    "polygamma": lambda x: mpmath.psi(dict(ATTRS["polygamma"])["n"], x),
    "beta": _beta,
    "betaln": _log_of_beta,
    "erfcx": _scaled_complement,
    "erfcinv": _erfcinv,
    "ndtr": lambda x: mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "log_ndtr": lambda x: (
        mpmath.log1p(-mpmath.erfc(x / mpmath.sqrt(2)) / 2)
        if x > 0
        else mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2)
    ),
    "ndtri": lambda p: -mpmath.sqrt(2) * _erfcinv(2 * p),
    "logit": lambda p: mpmath.log(p / (1 - p)),
    "bessel_i0": lambda x: _bessel(0, x, False),
    "i0e": lambda x: _bessel(0, x, True),
    "i1": lambda x: _bessel(1, x, False),
    "i1e": lambda x: _bessel(1, x, True),
    "sinc": mpmath.sincpi,
}


def exact(name: str, operands: list[Any]) -> tuple[Any, Any]:
    """Return the exact values, rounded to float64, and what that loses."""
    function = EXACT.get(name) or getattr(mpmath, name)
    results = [
        function(*(mpmath.mpf(float(value)) for value in values))
        for values in zip(*operands, strict=True)
    ]
    high = [float(one) for one in results]
    low = [
        float(one - value) if np.isfinite(value) else 0.0
        for one, value in zip(results, high, strict=True)
    ]
    return np.array(high), np.array(low)


def measured(name: str, dtype: Any, count: int) -> tuple[list[Any], tuple[Any, Any]]:
    """Return operands and the exact values of a function, but for zeros that it passes."""
    operands = points(name, dtype, count)
    high, low = exact(name, operands)
    usable = np.abs(high) > (0.5 if name == "betaln" else -1.0)
    return [one[usable] for one in operands], (high[usable], low[usable])


def _known(name: str) -> Callable[..., Any]:
    """Return NumPy's or SciPy's function."""
    others: dict[str, Callable[..., Any]] = {
        "sigmoid": scipy.special.expit,
        "softplus": lambda x: np.logaddexp(0, x),
        "digamma": scipy.special.psi,
        "trigamma": lambda x: scipy.special.polygamma(1, x),
        "polygamma": lambda x: scipy.special.polygamma(dict(ATTRS["polygamma"])["n"], x),
        "bessel_i0": scipy.special.i0,
    }
    function: Callable[..., Any] | None = others.get(name) or getattr(np, name, None)
    return function or getattr(scipy.special, name)


def _fastest(run: Callable[[], Any]) -> float:
    """Return the least time of a run over 4096 elements, in nanoseconds per element."""
    times = []
    for _ in range(200):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times) / 4096e-9


def _row(name: str, count: int) -> str:
    cells = [f"`{name}`"]
    for dtype in (np.float64, np.float32):
        loop = Loop(name, dtype)
        operands, expected = measured(name, dtype, count)
        worst = float(np.max(error(loop(*operands), *expected)))
        low, high = (1.0, 9.0) if name in _BEYOND_ONE else (0.1, 0.9)
        ordinary = [
            np.random.default_rng(k).uniform(low, high, 4096).astype(dtype)
            for k in range(len(operands))
        ]
        result = np.empty(4096, dtype)
        places = [one.ctypes.data for one in (*ordinary, result)]
        ours = _fastest(lambda loop=loop, places=places: loop.entry(4096, *places))
        known = _known(name)
        given = {"out": result} if isinstance(known, np.ufunc) else {}
        theirs = _fastest(
            lambda known=known, ordinary=ordinary, given=given: known(*ordinary, **given)
        )
        cells += [f"{worst:.2f}", f"{ours:.2f}", f"{theirs:.2f}"]
    return "| " + " | ".join(cells) + " |\n"


def main(count: int) -> None:
    """Write both files."""
    mpmath.mp.prec = 160
    stored = {}
    for name in MEASURED:
        operands, expected = measured(name, np.float64, _STORED)
        columns = [*operands, *expected]
        stored[name] = [[float(value).hex() for value in column] for column in columns]
    text = ",\n".join(f'"{name}": {json.dumps(rows)}' for name, rows in stored.items())
    REFERENCE.write_text("{\n" + text + "\n}\n", encoding="utf-8")
    rows = []
    for name in MEASURED:
        rows.append(_row(name, count))
        print(rows[-1], end="", flush=True)
    TABLE.write_text(INTRODUCTION + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
