"""The table of rewrite rules: what to look for, and what to put in its place.

Both sides are functions in the object language, so a test evaluates both on the same arrays.
Positional parameters stand for any value, keyword parameters for any attr.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..primitives.elementwise import (
    absolute,
    add,
    divide,
    exp,
    expm1,
    greater_equal,
    less_equal,
    log,
    log1p,
    log_sigmoid,
    multiply,
    negative,
    power,
    reciprocal,
    sigmoid,
    sqrt,
    square,
    subtract,
)
from ..primitives.reduce import sum_
from ..primitives.shape import broadcast_to
from ..primitives.softmax import log_softmax, logsumexp, softmax


@dataclass(frozen=True, eq=False)
class Rule:
    """One rewrite.

    Attributes:
        name: What the log calls it.
        before: The pattern.
        after: What takes its place.
        shapes: Shapes of the operands in the test, (3, 4) each if not given.
        attrs: Attrs in the test.
        requires: A condition on the operands and attrs found, beyond the pattern.
        drops: Whether an operand is read no more: a hook on what it comes from would not run.
    """

    name: str
    before: Callable[..., Any]
    after: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    requires: Callable[..., bool] | None = None
    drops: bool = False


def _constant_along(x: Any, shift: Any, *, shape: Any, axes: Any) -> bool:
    lead = x.ndim - shift.ndim
    return all(axis < lead or shift.shape[axis - lead] == 1 for axis in axes)


def _is_float(x: Any) -> bool:
    return bool(x.type.is_float)  # of integers some have no negative


_ROWS = {"axes": (1,), "shape": (3, 4)}
_SHIFTED: dict[str, Any] = {
    "shapes": ((3, 4), (3, 1)),
    "attrs": _ROWS,
    "requires": _constant_along,
    "drops": True,
}

# These may be finite where NumPy, on the pattern, overflows.
STABILISING = (
    Rule("log(1 + x)", lambda x: log(1.0 + x), log1p),
    Rule("exp(x) - 1", lambda x: exp(x) - 1.0, expm1),
    Rule("1 / (1 + exp(-x))", lambda x: 1.0 / (1.0 + exp(-x)), sigmoid),
    Rule("reciprocal(1 + exp(-x))", lambda x: reciprocal(1.0 + exp(-x)), sigmoid),
    Rule("1 / (1 + exp(x))", lambda x: 1.0 / (1.0 + exp(x)), lambda x: sigmoid(-x)),
    Rule("exp(x) / (1 + exp(x))", lambda x: exp(x) / (1.0 + exp(x)), sigmoid),
    Rule("log(sigmoid(x))", lambda x: log(sigmoid(x)), log_sigmoid),
    Rule("log(1 - sigmoid(x))", lambda x: log(1.0 - sigmoid(x)), lambda x: log_sigmoid(-x)),
    Rule("log1p(-sigmoid(x))", lambda x: log1p(-sigmoid(x)), lambda x: log_sigmoid(-x)),
    Rule("log1p(exp(x))", lambda x: log1p(exp(x)), lambda x: -log_sigmoid(-x)),
    Rule(
        "exp(x) / sum(exp(x))",
        lambda x, *, axes, shape: (
            exp(x) / broadcast_to(sum_(exp(x), axes=axes, keepdims=True), shape=shape)
        ),
        lambda x, *, axes, shape: softmax(x, axes=axes),
        attrs=_ROWS,
    ),
    Rule(
        "exp(x) / sum(exp(x)), over everything",
        lambda x, *, axes, shape: (
            exp(x) / broadcast_to(sum_(exp(x), axes=axes, keepdims=False), shape=shape)
        ),
        lambda x, *, axes, shape: softmax(x, axes=axes),
        attrs={"axes": (0, 1), "shape": (3, 4)},
        requires=lambda x, *, axes, shape: len(axes) == x.ndim,
    ),
    Rule(
        "log(sum(exp(x)))",
        lambda x, *, axes, keepdims: log(sum_(exp(x), axes=axes, keepdims=keepdims)),
        lambda x, *, axes, keepdims: logsumexp(x, axes=axes, keepdims=keepdims),
        attrs={"axes": (1,), "keepdims": False},
    ),
    Rule(
        "x - logsumexp(x)",
        lambda x, *, axes, shape: (
            x - broadcast_to(logsumexp(x, axes=axes, keepdims=True), shape=shape)
        ),
        lambda x, *, axes, shape: log_softmax(x, axes=axes),
        attrs=_ROWS,
    ),
    Rule(
        "x - logsumexp(x), over everything",
        lambda x, *, axes, shape: (
            x - broadcast_to(logsumexp(x, axes=axes, keepdims=False), shape=shape)
        ),
        lambda x, *, axes, shape: log_softmax(x, axes=axes),
        attrs={"axes": (0, 1), "shape": (3, 4)},
        requires=lambda x, *, axes, shape: len(axes) == x.ndim,
    ),
    Rule(
        "log(softmax(x))",
        lambda x, *, axes: log(softmax(x, axes=axes)),
        lambda x, *, axes: log_softmax(x, axes=axes),
        attrs={"axes": (1,)},
    ),
    Rule(
        "exp(log_softmax(x))",
        lambda x, *, axes: exp(log_softmax(x, axes=axes)),
        lambda x, *, axes: softmax(x, axes=axes),
        attrs={"axes": (1,)},
    ),
    Rule(
        "softmax(x - shift)",
        lambda x, shift, *, shape, axes: softmax(x - broadcast_to(shift, shape=shape), axes=axes),
        lambda x, shift, *, shape, axes: softmax(x, axes=axes),
        **_SHIFTED,
    ),
    Rule(
        "log_softmax(x - shift)",
        lambda x, shift, *, shape, axes: log_softmax(
            x - broadcast_to(shift, shape=shape), axes=axes
        ),
        lambda x, shift, *, shape, axes: log_softmax(x, axes=axes),
        **_SHIFTED,
    ),
    Rule(
        "shift + logsumexp(x - shift)",
        lambda x, shift, *, shape, axes: (
            shift + logsumexp(x - broadcast_to(shift, shape=shape), axes=axes, keepdims=True)
        ),
        lambda x, shift, *, shape, axes: logsumexp(x, axes=axes, keepdims=True),
        **_SHIFTED,
    ),
    Rule(
        "shift + logsumexp(x - shift), over everything",
        lambda x, shift, *, shape, axes: (
            shift + logsumexp(x - broadcast_to(shift, shape=shape), axes=axes, keepdims=False)
        ),
        lambda x, shift, *, shape, axes: logsumexp(x, axes=axes, keepdims=False),
        shapes=((3, 4), ()),
        attrs={"axes": (0, 1), "shape": (3, 4)},
        drops=True,
        requires=lambda x, shift, *, shape, axes: shift.ndim == 0 and len(axes) == x.ndim,
    ),
)

ALGEBRAIC = (
    Rule("x ** 2", lambda x: power(x, 2.0), square),
    Rule("x ** 0.5", lambda x: power(x, 0.5), sqrt),
    Rule(
        "x ** -1",
        lambda x: power(x, -1.0),
        reciprocal,
        requires=lambda x: x.type.is_float,
    ),
    Rule("x ** 1", lambda x: power(x, 1.0), lambda x: x),
    Rule("x * 1", lambda x: multiply(x, 1.0), lambda x: x),
    Rule("x / 1", lambda x: divide(x, 1.0), lambda x: x),
    Rule("x - 0", lambda x: subtract(x, 0.0), lambda x: x),
    Rule("x * -1", lambda x: multiply(x, -1.0), lambda x: -x),
    Rule("-(-x)", lambda x: negative(negative(x)), lambda x: x),
    Rule("x + -y", lambda x, y: add(x, negative(y)), lambda x, y: x - y),
    Rule("x - -y", lambda x, y: subtract(x, negative(y)), lambda x, y: x + y),
    Rule("abs(-x)", lambda x: absolute(negative(x)), absolute, requires=_is_float),
    Rule(
        "-x >= 0",
        lambda x: greater_equal(negative(x), 0.0),
        lambda x: less_equal(x, 0.0),
        requires=_is_float,
    ),
    Rule("-x * -y", lambda x, y: negative(x) * negative(y), lambda x, y: x * y),
    Rule("x * reciprocal(y)", lambda x, y: multiply(x, reciprocal(y)), divide),
    Rule("x * (1 / y)", lambda x, y: multiply(x, divide(1.0, y)), divide),
)

# Quicker to compute, but with a longer derivative: applied when nothing is differentiated any more.
LATE = (Rule("x ** 3", lambda x: power(x, 3.0), lambda x: square(x) * x),)

RULES = STABILISING + ALGEBRAIC
