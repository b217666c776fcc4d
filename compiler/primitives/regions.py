"""Loops, branches, and blocks: nodes with bodies.

A body is a closed ``Graph``: all that it reads are its params. There are two kinds of loop operand:
*carried* from one iteration to the next, and *invariant*. Scanning over an array is an indexed read
of an invariant; stacking is a store into a carried array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import TypeRuleError
from ..ir import Graph
from ..primitive import ByRegions, Framed, Primitive
from ..types import BOOL, INDEX_DTYPE, ArrayType, Dim

INDEX = ArrayType((), INDEX_DTYPE)
CONDITION = ArrayType((), BOOL)
Evaluate = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How much of a loop is saved for its backward program.

    Attributes:
        rule: "every": the carried values every ``amount`` iterations; "sqrt": every square root of
            the number of iterations; "memory": so that what is saved takes ``amount`` bytes;
            "carried": in each iteration, and nothing else.
        amount: Iterations, or bytes.
    """

    rule: Literal["every", "sqrt", "memory", "carried"]
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Again:
    """What of one run of a backward body the forward program computed too: for those who ask.

    Attributes:
        nodes: How many nodes.
        work: How many scalar operations these are, about.
    """

    nodes: int
    work: int

    def __str__(self) -> str:
        return f"{self.nodes} nodes"


def _check(name: str, region: Graph, params: Sequence[ArrayType], outs: Sequence[Any]) -> None:
    if tuple(one.type for one in region.params) != tuple(params):
        got = f"{[str(one.type) for one in region.params]} for {[str(one) for one in params]}"
        raise TypeRuleError(f"the params of {name} do not fit the operands", got=got)
    if tuple(one.type for one in region.outputs) != tuple(outs):
        got = f"{[str(one.type) for one in region.outputs]} for {[str(one) for one in outs]}"
        raise TypeRuleError(f"the outputs of {name} do not fit", got=got)


def _for_type(
    *types: ArrayType,
    body: Graph,
    carried: int,
    reverse: bool,
    most: Dim | None,
    checkpoint: Checkpoint | None,
    again: Again | None = None,
) -> tuple[ArrayType, ...]:
    if types[:3] != (INDEX, INDEX, INDEX):
        raise TypeRuleError("start, stop and step of a loop are integers of rank 0")
    outs = types[3 : 3 + carried]
    _check("the body", body, (INDEX, *types[3:]), outs)
    return outs


def _run_for(
    evaluate: Evaluate, operands: Sequence[Any], body: Graph, carried: int, reverse: bool, **_: Any
) -> tuple[Any, ...]:
    start, stop, step, *rest = operands
    state, invariants = tuple(rest[:carried]), rest[carried:]
    steps = range(int(start), int(stop), int(step))
    for i in reversed(steps) if reverse else steps:
        state = evaluate(body, np.int64(i), *state, *invariants)
    return state


# Operands: start, stop, step; the carried; the invariants. The body takes the index, the carried
# and the invariants, and gives the next carried. ``reverse`` runs the same range from its end.
# ``most``: the largest number of iterations, where that is known and the operands do not say it.
# ``again``, here and below: what of a backward body the forward program computed too.
for_loop = Primitive(
    "for_loop",
    type=_for_type,
    derivative=ByRegions(),
    numpy=Framed(_run_for),
    regions=("body",),
    dtypes="fib",
)


def _while_type(
    *types: ArrayType, condition: Graph, body: Graph, carried: int, checkpoint: Checkpoint | None
) -> tuple[ArrayType, ...]:
    outs = types[:carried]
    _check("the condition", condition, types, (CONDITION,))
    _check("the body", body, types, outs)
    return outs


def _run_while(
    evaluate: Evaluate,
    operands: Sequence[Any],
    condition: Graph,
    body: Graph,
    carried: int,
    checkpoint: Checkpoint | None,
) -> tuple[Any, ...]:
    state, invariants = tuple(operands[:carried]), operands[carried:]
    while evaluate(condition, *state, *invariants)[0]:
        state = evaluate(body, *state, *invariants)
    return state


# Operands: the carried; the invariants. Condition and body take all of them.
while_loop = Primitive(
    "while_loop",
    type=_while_type,
    derivative=ByRegions(),
    numpy=Framed(_run_while),
    regions=("condition", "body"),
    dtypes="fib",
)


def _cond_type(
    *types: ArrayType, true: Graph, false: Graph, again: Again | None = None
) -> tuple[ArrayType, ...]:
    if types[0] != CONDITION:
        raise TypeRuleError("a condition is one bool", got=str(types[0]))
    outs = tuple(one.type for one in true.outputs)
    _check("the first branch", true, types[1:], outs)
    _check("the second branch", false, types[1:], outs)
    return outs


def _run_cond(
    evaluate: Evaluate, operands: Sequence[Any], true: Graph, false: Graph, **_: Any
) -> tuple[Any, ...]:
    predicate, *rest = operands
    return evaluate(true if predicate else false, *rest)


# Operands: the predicate; what the branches take.
cond = Primitive(
    "cond",
    type=_cond_type,
    derivative=ByRegions(),
    numpy=Framed(_run_cond),
    regions=("true", "false"),
    dtypes="fib",
)


def _block_type(
    *types: ArrayType, body: Graph, name: str, again: Again | None = None
) -> tuple[Any, ...]:
    outs = tuple(one.type for one in body.outputs)
    _check("the block", body, types, outs)
    return outs


def _run_block(
    evaluate: Evaluate, operands: Sequence[Any], body: Graph, **_: Any
) -> tuple[Any, ...]:
    return evaluate(body, *operands)


# A part of the program that stays one: what is computed in it is shared with nothing outside, and
# its temporaries live no longer than it runs. Backward runs it again: it saves its operands only.
block = Primitive(
    "block",
    type=_block_type,
    derivative=ByRegions(),
    numpy=Framed(_run_block),
    regions=("body",),
    dtypes="fib",
)
