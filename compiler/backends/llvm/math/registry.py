"""The functions by name, and their definition in a module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import llvmlite.ir as ir

from . import (
    bessel,
    division,
    error,
    euler,
    exponential,
    gamma,
    inverse,
    logarithm,
    neighbours,
    normal,
    polygamma,
    power,
    trigonometric,
)
from .scalar import DOUBLE, SINGLE, Emission, Scalar

Formula = Callable[..., Scalar]

_FORMULAS: Mapping[str, Formula] = {
    "exp": exponential.exp,
    "exp2": exponential.exp_base_two,
    "expm1": exponential.expm_one,
    "sinh": exponential.sinh,
    "cosh": exponential.cosh,
    "tanh": exponential.tanh,
    "sigmoid": exponential.sigmoid,
    "log": logarithm.log,
    "log2": logarithm.log_base_two,
    "log10": logarithm.log_base_ten,
    "log1p": logarithm.log_one_plus,
    "arcsinh": logarithm.arcsinh,
    "arccosh": logarithm.arccosh,
    "arctanh": logarithm.arctanh,
    "logaddexp": logarithm.log_of_sum_of_exponentials,
    "softplus": logarithm.softplus,
    "sin": trigonometric.sin,
    "cos": trigonometric.cos,
    "tan": trigonometric.tan,
    "arcsin": inverse.arcsin,
    "arccos": inverse.arccos,
    "arctan": inverse.arctan,
    "arctan2": inverse.arctan_of_point,
    "power": power.power,
    "cbrt": power.cbrt,
    "hypot": power.hypot,
    "erf": error.erf,
    "erfc": error.erfc,
    "erfinv": error.erfinv,
    "erfcx": error.erfcx,
    "erfcinv": error.erfcinv,
    "ndtr": normal.ndtr,
    "log_ndtr": normal.log_ndtr,
    "ndtri": normal.ndtri,
    "logit": logarithm.logit,
    "gammaln": gamma.gammaln,
    "digamma": gamma.digamma,
    "trigamma": gamma.trigamma,
    "polygamma": polygamma.polygamma,
    "gamma": euler.gamma,
    "beta": euler.beta,
    "betaln": euler.betaln,
    "bessel_i0": bessel.i_zero,
    "i0e": bessel.i_zero_scaled,
    "i1": bessel.i_one,
    "i1e": bessel.i_one_scaled,
    "sinc": neighbours.sinc,
    "fmod": division.fmod,
    "remainder": division.remainder,
    "floor_divide": division.floor_divide,
    "nextafter": neighbours.nextafter,
    "spacing": neighbours.spacing,
    "exponent": neighbours.exponent,
    "ldexp": neighbours.ldexp,
}

# What float32 does in its own arithmetic; the rest goes through float64.
_IN_SINGLE = frozenset(
    (
        *("exp", "exp2", "expm1", "sinh", "cosh", "tanh", "sigmoid"),
        *("log", "log2", "log10", "log1p", "softplus", "arcsinh", "arccosh", "arctanh"),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "power", "cbrt", "erf"),
        *("nextafter", "spacing", "remainder", "floor_divide"),
    )
)

# Float32 in float64 by other formulas, as the rounding at the end forgives more.
_SINGLE_IN_DOUBLE: Mapping[str, Formula] = {
    "hypot": power.hypot_for_single,
}


@cache
def names() -> Mapping[str, int]:
    """Return the names of the functions, with the number of operands of each."""
    return {name: _count(one) for name, one in _FORMULAS.items()}


def _count(formula: Formula) -> int:
    operands = inspect.signature(formula).parameters.values()
    return sum(one.kind is one.POSITIONAL_OR_KEYWORD for one in operands)


def declare(
    module: ir.Module, name: str, type: ir.Type, fused: bool = True, **attrs: Any
) -> ir.Function:
    """Return a function of a module, which it defines there at the first use.

    It takes and returns scalars, and is inlined wherever it is called.

    Args:
        module: The module.
        name: One of ``names()``.
        type: Float or double of LLVM.
        fused: Whether the machine multiplies and adds in one instruction; without it the
            formulas use none, and are as exact.
        **attrs: What is known of the function beside its operands: the order of ``polygamma``.

    Raises:
        KeyError: There is no such function.
    """
    format = DOUBLE if isinstance(type, ir.DoubleType) else SINGLE
    symbol = ".".join(("gradc", name, *map(str, attrs.values()), format.name))
    if symbol in module.globals:
        return module.globals[symbol]
    formula = _FORMULAS[name]
    count = _count(formula)
    function = ir.Function(module, ir.FunctionType(type, [type] * count), symbol)
    function.linkage = "internal"
    function.attributes.add("alwaysinline")
    builder = ir.IRBuilder(function.append_basic_block())
    at = Emission(builder, format, fused)
    operands = [Scalar(at, one) for one in function.args]
    if format is SINGLE and name not in _IN_SINGLE:
        formula = _SINGLE_IN_DOUBLE.get(name, formula)
        operands = [one.to(DOUBLE) for one in operands]
    builder.ret(formula(*operands, **attrs).to(format).value)
    return function
