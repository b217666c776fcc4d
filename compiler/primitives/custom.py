"""Parts of a program for which the user gave derivative rules.

Such a node has the body that it computes as its region, and the rules beside it. Passes leave its
operands as they are, as the rules take them too; where it is not differentiated, its body takes its
place in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import TypeRuleError
from ..ir import Graph
from ..primitive import ByRule, Framed, Primitive
from ..types import ArrayType


@dataclass(eq=False, slots=True)
class Rules:
    """The rules of one call. Graphs are entered after their capture, as they may use the rules.

    Attributes:
        name: What the user calls the function.
        arguments: How many operands are arguments; behind them are the values it closes over.
        forward: Of ``custom_vjp``: takes the operands; gives the results, then the residuals.
        backward: Of ``custom_vjp``: takes the residuals, a cotangent of each floating-point result,
            and the closed-over values; gives cotangents of the arguments at ``places``.
        places: See ``backward``.
        tangent: Of ``custom_jvp``: takes the arguments, a tangent of each floating-point argument,
            and the closed-over values; gives the results, and the tangent of each floating-point
            result.
    """

    name: str
    arguments: int
    forward: Graph | None = None
    backward: Graph | None = None
    places: tuple[int, ...] = ()
    tangent: Graph | None = None

    def __repr__(self) -> str:
        return f"<of {self.name}>"


def _type(*types: ArrayType, body: Graph, rules: Rules) -> tuple[ArrayType, ...]:
    params = tuple(param.type for param in body.params)
    if params != types:
        raise TypeRuleError(f"the operands of {rules.name} do not fit its body")
    return tuple(output.type for output in body.outputs)


def _run(
    evaluate: Callable[..., tuple[Any, ...]], operands: Sequence[Any], body: Graph, rules: Rules
) -> tuple[Any, ...]:
    return evaluate(body, *operands)


def _entry(name: str) -> Primitive:
    return Primitive(
        name,
        type=_type,
        derivative=ByRule(),
        numpy=Framed(_run),
        regions=("body",),
        dtypes="fib",
    )


# Operands: the arguments; the values that the function and its rules close over.
custom_vjp = _entry("custom_vjp")
custom_jvp = _entry("custom_jvp")
