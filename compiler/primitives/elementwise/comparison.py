"""Comparisons, and the choice that depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import TypeRuleError
from ...primitive import Example
from ...types import BOOL, ArrayType
from .kind import elementwise, to_bool

equal = elementwise("equal", operator="==", arity=2, type=to_bool("fib"), dtypes="fib", cheap=True)
not_equal = elementwise(
    "not_equal", operator="!=", arity=2, type=to_bool("fib"), dtypes="fib", cheap=True
)
less = elementwise("less", operator="<", arity=2, type=to_bool("fib"), dtypes="fib", cheap=True)
less_equal = elementwise(
    "less_equal", operator="<=", arity=2, type=to_bool("fib"), dtypes="fib", cheap=True
)
greater = elementwise(
    "greater", operator=">", arity=2, type=to_bool("fib"), dtypes="fib", cheap=True
)
greater_equal = elementwise(
    "greater_equal",
    operator=">=",
    arity=2,
    type=to_bool("fib"),
    dtypes="fib",
    cheap=True,
)


def _where_type(mask: ArrayType, x: ArrayType, y: ArrayType) -> ArrayType:
    if mask.dtype != BOOL or mask.shape != x.shape or x != y:
        raise TypeRuleError("takes a bool mask and two arrays alike, all of one shape")
    return x


def _where_transpose(ct: Any, mask: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    return None, where(mask, ct, 0.0), where(mask, 0.0, ct)


where = elementwise(
    "where",
    transpose=_where_transpose,
    expression="np.where({0}, {1}, {2})",
    arity=3,
    type=_where_type,
    dtypes="fib",
    examples=(
        Example((np.array([[True, False, True], [False, True, False]]), (2, 3), (2, 3))),
        Example((np.array([False]), (1,), (1,))),
        Example((np.array(True), (), ())),
        Example((np.zeros((0, 2), bool), (0, 2), (0, 2))),
    ),
    cheap=True,
)
