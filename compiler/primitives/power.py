"""Powers with a number as exponent, whose derivative is shorter than that of ``power``."""

from __future__ import annotations

from typing import Any

from ..primitive import Adjoint, Example, Expand, Primitive
from ..types import ArrayType
from .batching import along
from .elementwise import power
from .elementwise.casting import filled
from .elementwise.kind import check_kinds


def _type(x: ArrayType, exponent: float) -> ArrayType:
    check_kinds(x, "f")
    return x


def _adjoint(ct: Any, out: Any, x: Any, exponent: float) -> tuple[Any]:
    if exponent == 0.0:
        return (None,)
    slope = filled(x, 1.0) if exponent == 1.0 else fixed_power(x, exponent=exponent - 1.0)
    return (ct * (exponent * slope),)


# Said by the pass `specialise`; users write x ** 3.
fixed_power: Primitive = Primitive(
    "fixed_power",
    type=_type,
    derivative=Adjoint(_adjoint),
    numpy=Expand(lambda x, exponent: power(x, filled(x, exponent))),
    examples=(
        Example(((2, 3),), {"exponent": 3.0}),
        Example(((),), {"exponent": 4.0}),
        Example(((3,),), {"exponent": 1.0}),
        Example(((0, 2),), {"exponent": 5.0}),
    ),
    batch=along(),
)
