"""Expressions, element by element and over axes, for random programs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .writer import Writer, broadcast

SMOOTH = """
np.sin({0}) | np.cos({0}) | np.tan(0.5 * np.tanh({0})) | np.tanh({0}) | np.exp(-{0} * {0})
np.exp(0.5 * {0}) | np.exp({0}) | np.exp2({0}) | np.expm1({0}) | np.arctan({0}) | np.sinh({0} / 2)
np.cosh({0}) | np.arcsin(np.tanh({0}) * 0.9) | np.arccos(np.sin({0}) * 0.9) | np.arcsinh({0})
np.arccosh(1.5 + {0} * {0}) | np.arctanh(0.9 * np.tanh({0})) | np.log1p({0} ** 2) | np.cbrt({0})
np.log(1.5 + np.cos({0})) | np.log2(np.abs({0}) + 1) | np.log10({0} ** 2 + 0.5)
np.log(np.abs({0})) | np.sqrt({0} * {0} + 0.5) | np.sqrt(np.abs({0})) | 1 / (2 + np.sin({0}))
1 / {0} | {0} ** 2 | np.reciprocal(1.5 + np.tanh({0})) | {0} ** 3 | {0} ** -1
(1.5 + np.sin({0})) ** -1.5 | -{0} | np.abs({0}) ** 0.5 | 2.5 * {0} - 1 | np.square({0}) + {0}
np.sinc(np.clip({0}, -9, 9)) | np.degrees({0}) * 0.01 | np.deg2rad({0}) | np.maximum({0}, 0.1)
np.minimum({0}, 0.3) | np.clip({0}, -0.5, 0.75) | np.abs({0}) | np.sign({0}) * {0}
np.where({0} > 0.2, {0} * {0}, 0.5 * {0}) | {0} * ({0} < -0.1) | +{0} | np.nan_to_num({0})
np.fabs({0}) | np.where(np.isnan({0}), 0.0, {0}) | 3 - {0} | np.positive({0}) | special.expit({0})
special.erf({0}) | special.erfc({0}) | special.log_expit({0}) | special.ndtr({0})
special.gammaln(np.abs({0}) + 0.5) | special.digamma(np.abs({0}) + 0.5) | special.log_ndtr({0})
special.erfinv(0.9 * np.tanh({0})) | special.entr(np.abs({0})) | special.i0({0})
special.i1e({0}) | special.logit(0.5 + 0.4 * np.tanh({0})) | special.gamma(1.5 + np.sin({0}))
special.erfcx({0}) | np.logaddexp({0}, 0.5) | np.hypot({0}, 1.0) | np.arctan2({0}, 0.5)
np.power(1.5, {0}) | {0} % 1.3 | np.float32(0.5) * {0} | {0} * np.pi | np.fmax({0}, 0.2)
np.heaviside({0}, 0.5) * {0} | np.trunc({0}) | np.floor({0}) | np.ceil({0}) + {0}
np.rint({0}) * {0} | np.modf({0} + 0.13)[0] | np.round({0}, 1) + {0}
"""
BINARY = """
{0} + {1} | {0} - {1} | {0} * {1} | {0} / (1.5 + {1} ** 2) | {0} / {1} | {0} * {0} - {1} * {1}
(1.2 + np.sin({0})) ** {1} | np.abs({0}) ** {1} | np.arctan({0} * {1}) - {1} | np.hypot({0}, {1})
np.maximum({0}, {1}) | np.minimum({0}, {1}) | np.where({0} < {1}, {0} * {1}, {1})
np.fmin({0}, {1}) | np.arctan2({0}, {1}) | np.logaddexp({0}, {1}) | np.copysign({0}, {1})
np.fmax({0}, {1}) | {0} % (np.abs({1}) + 0.5) | np.fmod({0}, np.abs({1}) + 0.5)
np.exp({0}) * {1} | np.sin({0}) * np.cos({1}) | special.xlogy(np.abs({0}), np.abs({1}))
np.multiply({0}, {1}, dtype=np.float64) | {0} // (np.abs({1}) + 1) | np.logaddexp2({0}, {1})
np.float_power(np.abs({0}), {1}) | np.where({1} >= 0, {0}, -{0})
"""
WHOLE = """
{0} + {1} | {0} * {1} - 1 | {0} // ({1} * {1} + 1) | {0} % 3 | {0} & {1} | {0} | ({0} ^ {1})
~{0} | np.maximum({0}, {1}) | np.abs({0}) | -{0} | {0} ** 2 | {0} << 1 | {0} >> 1
np.minimum({0}, 2) | np.where({0} > {1}, {0}, 2) | np.sign({0}) | np.gcd({0}, {1})
np.clip({0}, 0, 3)
"""
TRUTH = """
{0} < {1} | {0} >= {1} | {0} == {1} | {0} != {1} | ({0} > 0) & ({1} > 0) | ({0} > 0.1) | ({1} < 0)
np.logical_not({0} > {1}) | np.isfinite({0}) & ({1} == {1}) | np.logical_xor({0} > 0, {1} > 0)
np.signbit({0}) | np.isclose({0}, {1}) | np.isnan({0}) | ~({0} > {1})
"""
CASTS = ("float32", "float64", "float64", "int64", "int32", "bool", "int8")


def options(text: str) -> list[str]:
    """Return the templates of a table; in a line, they stand between " | "."""
    return [one.strip() for line in text.strip().splitlines() for one in line.split(" | ")]


TABLES = {name: options(text) for name, text in
          {"smooth": SMOOTH, "binary": BINARY, "whole": WHOLE, "truth": TRUTH}.items()}  # fmt: skip


def smooth(w: Writer) -> str:
    return w.choose(TABLES["smooth"]).format(w.operand())


def nested(w: Writer) -> str:
    """Several functions of one element: one nest does them all."""
    text = w.operand()
    for _ in range(w.choose([2, 3])):
        template = w.choose([one for one in TABLES["smooth"] if one.count("{0}") == 1])
        text = template.format(f"({text})")
    return text


def binary(w: Writer) -> str:
    x = w.operand()
    return w.choose(TABLES["binary"]).format(x, w.beside(x))


def mixed(w: Writer) -> str:
    """A float with an integer, a truth value or a literal."""
    x = w.operand()
    template = w.choose(["{0} * {1}", "{0} + {1}", "{1} - {0}", "{0} / (2 + {1})", "{0} ** {1}"])
    try:
        return template.format(x, w.beside(x, "iub"))
    except LookupError:
        return template.format(x, w.number())


def whole(w: Writer) -> str:
    x = w.operand(kinds="iu")
    return w.choose(TABLES["whole"]).format(x, w.beside(x, "iu"))


def truth(w: Writer) -> str:
    x = w.operand()
    return w.choose(TABLES["truth"]).format(x, w.beside(x))


def cast(w: Writer) -> str:
    x = w.operand(kinds="fiub")
    dtype = w.choose(CASTS)
    if np.asarray(w.values[x]).dtype.kind == "f" and dtype[0] == "i":
        if not np.all(np.abs(w.values[x]) < 100):  # else NumPy leaves open what comes out
            dtype = "float64"
    return f"{x}.astype(np.{dtype})" if w.shape(x) else f"np.{dtype}({x})"


def choice(w: Writer) -> str:
    """One of two by truth values."""
    mask = w.operand(kinds="b")
    x = w.beside(mask)
    shape = broadcast(w.shape(mask), w.shape(x)) or ()
    y = w.operand(lambda value: broadcast(value.shape, shape) is not None)
    ways = ["np.where({0}, {1}, {2})", "{0} * {1} + {2}", "np.where({0}, {1}, 0.5)"]
    ways += [
        "np.where({0}, np.sqrt(np.abs({1})), {2})",
        "np.select([{0}, {1} > 0], [{1}, {2}], 0.1)",
    ]
    return w.choose(ways).format(mask, x, y)


def axes_of(w: Writer, rank: int) -> object:
    """Return an axis or some, as the user writes them."""
    some = sorted(w.rng.sample(range(rank), w.rng.randint(1, rank)))
    signed = tuple(axis - rank if w.chance(0.3) else axis for axis in some)
    return w.choose([None, signed, signed, signed[0], signed[0], rank - 1, -1])


def reduction(w: Writer) -> str:
    x = w.axes(kinds="f" if w.chance(0.85) else "iub")
    axis, keep = axes_of(w, len(w.shape(x))), w.choose([False, True])
    kinds = ["sum", "sum", "mean", "prod", "var", "std", "max", "min", "any", "all", "nansum",
             "count_nonzero", "amax", "ptp", "nanmax", "nanmean"]  # fmt: skip
    kind = w.choose(kinds)
    if kind in ("max", "min", "amax", "ptp", "nanmax"):
        x = w.ranked()
        axis = axes_of(w, len(w.shape(x)))
    more = w.choose(["", ", ddof=1"]) if kind in ("var", "std") else ""
    if kind == "sum" and w.chance(0.2):
        more = w.choose([", dtype=np.float64", f", where={x} > 0.1", ", initial=0.5"])
    if kind == "prod":
        x = f"(1 + 0.1 * {x})"
    if kind == "sum" and w.chance(0.3):
        x = w.choose(["np.exp({0})", "({0} * {0})", "np.abs({0})", "({0} > 0)"]).format(x)
    return f"np.{kind}({x}, axis={axis}, keepdims={keep}{more})"


def normalisation(w: Writer) -> str:
    """What folds and then uses all elements again."""
    x = w.ranked()
    axis = w.rng.randrange(len(w.shape(x)))
    ways = """
    special.softmax({0}, axis={1}) | special.logsumexp({0}, axis={1})
    special.log_softmax({0}, axis={1})
    ({0} - np.mean({0}, axis={1}, keepdims=True)) / (np.std({0}, axis={1}, keepdims=True) + 0.1)
    {0} / (1e-3 + np.sqrt(np.sum({0} * {0}, axis={1}, keepdims=True)))
    np.linalg.norm({0}, axis={1}) | np.exp({0} - np.max({0}, axis={1}, keepdims=True))
    {0} - np.min({0}) | {0} * np.mean({0}) | np.sum({0} * {0}[::-1], axis={1})
    np.average({0}, axis={1}) | np.max({0}) + np.sum({0}, axis={1})
    """
    return w.choose(options(ways)).format(x, axis)


def position(w: Writer) -> str:
    """Where something is: integers."""
    x = w.ranked()
    axis = w.choose([None, *range(len(w.shape(x)))])
    ways = [
        "np.argmax({0}, axis={1})",
        "np.argmin({0}, axis={1})",
        "np.count_nonzero({0} > 0, axis={1})",
    ]
    ways += [
        "np.sum({0} > 0.2, axis={1})",
        "np.argsort({0}, axis=-1)",
        "np.searchsorted(np.arange(3.0), {0})",
    ]
    return w.choose(ways).format(x, axis)


ELEMENTWISE: tuple[Callable[[Writer], str | None], ...] = (
    smooth, smooth, smooth, nested, binary, binary, binary, mixed, whole, truth, cast, choice,
    choice,
)  # fmt: skip
FOLDS: tuple[Callable[[Writer], str | None], ...] = (reduction, reduction, normalisation, position)
