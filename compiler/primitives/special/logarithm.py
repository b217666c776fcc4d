"""Logarithms of probabilities, and products with logarithms that are 0 where a factor is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..elementwise import equal, less, less_equal, log, log1p, where
from ..elementwise.kind import elementwise
from ..elementwise.logic import isnan, logical_and, logical_not

_LOGIT = """
def _logit(p):
    \"\"\"Return log(p / (1 - p)), near p = 1/2 from the difference, which is exact.\"\"\"
    given = np.asarray(p)
    p = given.astype(np.float64)
    with np.errstate(all="ignore"):
        near = np.log1p((2 * p - 1) / (1 - p))
        result = np.where(np.abs(p - 0.5) < 0.2, near, np.log(p / (1 - p)))
        return result.astype(given.dtype)[()]
"""

logit = elementwise(
    "logit",
    partials=lambda out, p: (1.0 / (p * (1.0 - p)),),
    functions=(_LOGIT,),
    domain=((0.1, 0.9),),
)


def _xlogy(x: Any, y: Any) -> Any:
    # 0 x log(0) is 0 here, but what is not a number stays so.
    is_product = logical_and(equal(x, 0.0), logical_not(isnan(y)))
    return x * log(where(is_product, 1.0, y))


def _xlogy_partials(out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    # At x = 0 by x: log(y), and 0 where that has no value, as in PyTorch.
    safe = where(logical_and(equal(x, 0.0), less_equal(y, 0.0)), 1.0, y)
    return log(safe), x / safe


xlogy = elementwise(
    "xlogy",
    partials=_xlogy_partials,
    expand=_xlogy,
    arity=2,
    domain=((-2.0, 2.0), (0.2, 3.0)),
)


def _xlog1py(x: Any, y: Any) -> Any:
    is_product = logical_and(equal(x, 0.0), logical_not(isnan(y)))
    return x * log1p(where(is_product, 0.0, y))


def _xlog1py_partials(out: Any, x: Any, y: Any) -> tuple[Any, Any]:
    safe = where(logical_and(equal(x, 0.0), less_equal(y, -1.0)), 0.0, y)
    return log1p(safe), x / (1.0 + safe)


xlog1py = elementwise(
    "xlog1py",
    partials=_xlog1py_partials,
    expand=_xlog1py,
    arity=2,
    domain=((-2.0, 2.0), (-0.5, 2.0)),
)


def _entr(x: Any) -> Any:
    safe = where(less_equal(x, 0.0), 1.0, x)
    return where(less(x, 0.0), -np.inf, -(safe * log(safe)))


# The entropy of a probability: 0 at 0, minus infinity left of it.
entr = elementwise(
    "entr",
    partials=lambda out, x: (-log(x) - 1.0,),
    expand=_entr,
    domain=((0.2, 2.0),),
)
