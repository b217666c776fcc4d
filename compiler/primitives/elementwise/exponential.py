"""Exponentials, logarithms, and the stable forms made of both."""

from __future__ import annotations

from math import log as natural_log
from typing import Any

from ...primitive import REGISTRY
from .kind import elementwise

exp = elementwise("exp", partials=lambda out, x: (out,))
exp2 = elementwise("exp2", partials=lambda out, x: (natural_log(2.0) * out,))
expm1 = elementwise("expm1", partials=lambda out, x: (out + 1.0,))
log = elementwise("log", partials=lambda out, x: (1.0 / x,), domain=((0.2, 3.0),))
log2 = elementwise(
    "log2", partials=lambda out, x: (1.0 / (natural_log(2.0) * x),), domain=((0.2, 3.0),)
)
log10 = elementwise(
    "log10", partials=lambda out, x: (1.0 / (natural_log(10.0) * x),), domain=((0.2, 3.0),)
)
log1p = elementwise("log1p", partials=lambda out, x: (1.0 / (1.0 + x),), domain=((-0.5, 2.0),))


def _share(out: Any, x: Any) -> Any:
    # Of an infinite sum the infinite operand has all.
    is_all = REGISTRY["equal"](x, out)
    return exp(REGISTRY["where"](is_all, 0.0, x - out))


logaddexp = elementwise(
    "logaddexp", partials=lambda out, x, y: (_share(out, x), _share(out, y)), arity=2
)
# 1 / (1 + exp(-x)) as users write it, overflow and all.
sigmoid = elementwise(
    "sigmoid",
    partials=lambda out, x: (out * (1.0 - out),),
    expand=lambda x: 1.0 / (1.0 + exp(-x)),
)


def _expit(x: Any) -> Any:
    decay = exp(-REGISTRY["absolute"](x))
    is_right = REGISTRY["cast"](REGISTRY["greater_equal"](x, 0.0), dtype=x.dtype)
    return REGISTRY["maximum"](decay, is_right) / (1.0 + decay)


# The same function without overflow.
expit = elementwise("expit", partials=lambda out, x: (out * (1.0 - out),), expand=_expit)
# log(sigmoid(x)) without overflow.
log_sigmoid = elementwise(
    "log_sigmoid",
    partials=lambda out, x: (expit(-x),),
    expand=lambda x: REGISTRY["minimum"](x, 0.0) - log1p(exp(-REGISTRY["absolute"](x))),
)
