"""Logic on bools, bitwise operations on integers, and tests for special floats."""

from __future__ import annotations

from .kind import elementwise, to_bool

logical_and = elementwise("logical_and", arity=2, type=to_bool("b"), operator="&", dtypes="b")
logical_or = elementwise("logical_or", arity=2, type=to_bool("b"), operator="|", dtypes="b")
logical_xor = elementwise("logical_xor", arity=2, type=to_bool("b"), operator="^", dtypes="b")
logical_not = elementwise("logical_not", type=to_bool("b"), operator="~", dtypes="b")
bitwise_and = elementwise("bitwise_and", arity=2, operator="&", dtypes="i")
bitwise_or = elementwise("bitwise_or", arity=2, operator="|", dtypes="i")
bitwise_xor = elementwise("bitwise_xor", arity=2, operator="^", dtypes="i")
invert = elementwise("invert", operator="~", dtypes="i")
isnan = elementwise("isnan", type=to_bool("f"))
isinf = elementwise("isinf", type=to_bool("f"))
isfinite = elementwise("isfinite", type=to_bool("f"))
