"""What the lines of a generated function do to memory."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ...ir import SourceLine
from ...types import ArrayType, Dim


@dataclass(frozen=True, slots=True)
class Rows:
    """A record: an array with a row for each iteration of a loop.

    Attributes:
        count: How many rows.
        nbytes: The bytes of one.
        grows: Whether room is made as rows come; ``count`` are those that are filled in the end.
    """

    count: Dim
    nbytes: Dim
    grows: bool


class Binding(NamedTuple):
    """What a variable gets.

    Attributes:
        label: The variable.
        nbytes: The bytes that are allocated for it.
        shares: The variable in whose memory it lies, where it gets none of its own.
        rows: What is said of a record.
    """

    label: str
    nbytes: Dim = 0
    shares: str | None = None
    rows: Rows | None = None


@dataclass(eq=False, slots=True)
class Statement:
    """One line.

    Attributes:
        text: The line.
        binds: What it assigns, but for arrays that are changed in place.
        extra: The bytes of temporaries that live no longer than it runs.
        origin: The user's line.
        exits: Whether the loop may end here; what is deleted behind it is then still there.
        drops: Variables that are deleted behind it.
        number: Which step it is, in the order in which they were emitted.
    """

    text: str
    binds: tuple[Binding, ...] = ()
    extra: Dim = 0
    origin: SourceLine | None = None
    exits: bool = False
    drops: tuple[str, ...] = ()
    number: int = -1


@dataclass(eq=False, slots=True)
class Loop:
    """A loop. ``text`` is what is evaluated when it begins, or each time with a condition.

    Attributes:
        text: The range, or the condition.
        body: What runs in each iteration.
        trips: The number of iterations, where that is known.
        origin: The user's line.
        drops: Variables that are deleted behind it.
        number: Which step it is, in the order in which they were emitted.
    """

    text: str
    body: list[Step]
    trips: Dim | None
    origin: SourceLine | None = None
    drops: tuple[str, ...] = ()
    number: int = -1


@dataclass(eq=False, slots=True)
class Branch:
    """An ``if``: one of two runs."""

    text: str
    first: list[Step]
    second: list[Step]
    origin: SourceLine | None = None
    drops: tuple[str, ...] = ()
    number: int = -1


@dataclass(eq=False, slots=True)
class Call:
    """The call of an inner function, whose variables go when it returns.

    Attributes:
        text: The line with the call.
        params: The variables inside, and what they get.
        body: What runs inside.
        results: What it returns.
        returned: The expressions that it returns.
        targets: The variables that get this, in the same order.
        origin: The user's line.
        drops: Variables that are deleted behind it.
        number: Which step it is, in the order in which they were emitted.
    """

    text: str
    params: tuple[Binding, ...]
    body: list[Step]
    results: tuple[Binding, ...]
    returned: str
    targets: tuple[str, ...]
    origin: SourceLine | None = None
    drops: tuple[str, ...] = ()
    number: int = -1


@dataclass(eq=False, slots=True)
class Border:
    """Where the backward part of a function begins."""

    drops: tuple[str, ...] = ()
    number: int = -1


Step = Statement | Loop | Branch | Call | Border


class Steps(NamedTuple):
    """A whole function.

    Attributes:
        params: The variables that it is given; their memory is the caller's.
        body: What runs.
        results: What it returns, in variables without a name.
        text: The expressions that it returns.
    """

    params: tuple[str, ...]
    body: Sequence[Step]
    results: tuple[Binding, ...]
    text: str


def nbytes(type: ArrayType) -> Dim:
    """Return the bytes of an array; numbers are held by the interpreter and count nothing."""
    return type.size * type.dtype.itemsize if type.ndim else 0


@lru_cache(maxsize=8192)
def read_in(text: str) -> frozenset[str]:
    """Return the variables that a line reads, those that it changes in place among them."""
    found = set()
    for node in ast.walk(ast.parse(text.strip())):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return frozenset(found)


def walk(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield steps, and those inside them."""
    for step in steps:
        yield step
        if isinstance(step, Loop | Call):
            yield from walk(step.body)
        elif isinstance(step, Branch):
            yield from walk(step.first)
            yield from walk(step.second)
