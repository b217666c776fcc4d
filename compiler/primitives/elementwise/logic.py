"""Logic on bools, what only integers have, and tests for special floats."""

from __future__ import annotations

import numpy as np

from ...types import ArrayType
from .kind import check_kinds, elementwise, to_bool

logical_and = elementwise(
    "logical_and", arity=2, type=to_bool("b"), operator="&", dtypes="b", cheap=True
)
logical_or = elementwise(
    "logical_or", arity=2, type=to_bool("b"), operator="|", dtypes="b", cheap=True
)
logical_xor = elementwise(
    "logical_xor", arity=2, type=to_bool("b"), operator="^", dtypes="b", cheap=True
)
logical_not = elementwise("logical_not", type=to_bool("b"), operator="~", dtypes="b", cheap=True)
bitwise_and = elementwise("bitwise_and", arity=2, operator="&", dtypes="i", cheap=True)
bitwise_or = elementwise("bitwise_or", arity=2, operator="|", dtypes="i", cheap=True)
bitwise_xor = elementwise("bitwise_xor", arity=2, operator="^", dtypes="i", cheap=True)
invert = elementwise("invert", operator="~", dtypes="i", cheap=True)
left_shift = elementwise("left_shift", arity=2, operator="<<", dtypes="i", cheap=True)
right_shift = elementwise("right_shift", arity=2, operator=">>", dtypes="i", cheap=True)
gcd = elementwise("gcd", arity=2, dtypes="i")
lcm = elementwise("lcm", arity=2, dtypes="i")


def _count_type(x: ArrayType) -> ArrayType:
    check_kinds(x, "i")
    return x.with_dtype(np.uint8)


bitwise_count = elementwise("bitwise_count", type=_count_type, dtypes="i")
signbit = elementwise("signbit", type=to_bool("f"), cheap=True)
isnan = elementwise("isnan", type=to_bool("f"), cheap=True)
isinf = elementwise("isinf", type=to_bool("f"), cheap=True)
isfinite = elementwise("isfinite", type=to_bool("f"), cheap=True)
