"""Writes programs statement by statement, and knows the value of each name after each."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import gradc
from gradc import special
from gradc.nn import functional

LARGEST_VALUE = 6.0
LARGEST_INTEGER = 1000
HUGE = 1e30  # what is larger came of special values on purpose
SCOPE = {"np": np, "gradc": gradc, "special": special, "functional": functional}

Fits = Callable[[np.ndarray], bool]


class Writer:
    """A program in the making.

    Each statement is run when it is written, on values at hand, so that the next choice knows the
    shapes and dtypes, and results that grow are scaled down.

    Attributes:
        rng: Makes all choices.
        statements: What was written.
        values: What each name stands for.
        largest: So many elements an array may have.
    """

    def __init__(self, rng: random.Random, arguments: dict[str, np.ndarray], largest: int) -> None:
        self.rng = rng
        self.statements: list[str] = []
        self.values: dict[str, Any] = {name: value.copy() for name, value in arguments.items()}
        self.largest = largest
        self.loose_ends = list(arguments)
        self._given = tuple(arguments)
        self._owned: list[Any] = []
        self._made = 0

    def choose(self, options: Iterable[Any]) -> Any:
        """Return one of the options."""
        return self.rng.choice(list(options))

    def chance(self, probability: float) -> bool:
        """Return whether something happens."""
        return self.rng.random() < probability

    def number(self) -> str:
        """Return a literal."""
        return self.choose(["0.3", "-0.7", "1.5", "2.0", "0.1", f"{self.rng.uniform(-2, 2):.3f}"])

    def fresh(self, stem: str) -> str:
        """Return a name that is not in use."""
        self._made += 1
        return f"{stem}{self._made}"

    def named(self, fits: Fits = lambda value: True, kinds: str = "f") -> list[str]:
        """Return the names of what fits, the latest last."""
        return [
            name
            for name, value in self.values.items()
            if np.asarray(value).dtype.kind in kinds and fits(np.asarray(value))
        ]

    def operand(self, fits: Fits = lambda value: True, kinds: str = "f") -> str:
        """Return the name of one of the latest that fit.

        Raises:
            LookupError: None does.
        """
        names = self.named(fits, kinds)
        if not names:
            raise LookupError
        return self.choose(names[-6:] if self.chance(0.8) else names)

    def axes(self, fits: Fits = lambda value: True, kinds: str = "f") -> str:
        """Return an operand that has axes."""
        return self.operand(lambda value: value.ndim > 0 and fits(value), kinds)

    def ranked(self) -> str:
        """Return an operand with axes whose order no rounding changes.

        Its elements differ by more than that, or no operation has rounded them.
        """
        given = [self.values[name] for name in self._given]

        def fits(value: np.ndarray) -> bool:
            if value.ndim == 0 or any(value is one for one in given):
                return value.ndim > 0
            gaps = np.diff(np.sort(value.ravel()))
            close = 1e-4 if value.dtype == np.float32 else 1e-10
            return bool(np.all(gaps > close * np.max(np.abs(value), initial=1)))

        return self.operand(fits)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a value's shape."""
        return np.shape(self.values[name])

    def beside(self, name: str, kinds: str = "f") -> str:
        """Return an operand that broadcasts with another one."""
        shape = self.shape(name)
        return self.operand(lambda value: broadcast(value.shape, shape) is not None, kinds)

    def evaluate(self, expression: str) -> Any:
        """Return what an expression gives."""
        with np.errstate(all="ignore"):
            return eval(expression, SCOPE, dict(self.values))

    def bind(self, expression: str) -> str | None:
        """Add a variable; return its name, or None where the value is too large."""
        value = self.evaluate(expression)
        if not isinstance(value, np.ndarray | np.generic) or value.size > self.largest:
            return None
        kind = value.dtype.kind
        if kind not in "fiub" or value.ndim > 5 or value.dtype == np.float16:
            return None
        sizes = np.abs(np.atleast_1d(value).astype(float))
        top = float(np.max(sizes[sizes < HUGE], initial=0))
        if kind == "f" and top > LARGEST_VALUE:
            expression = f"({expression}) * {LARGEST_VALUE / 2 / top:.2g}"
        if kind in "iu" and top > LARGEST_INTEGER:
            expression = f"({expression}) % 97"
        name = self.fresh("v")
        self.run(f"{name} = {expression}")
        self.loose_ends.append(name)
        return name

    def run(self, statement: str) -> None:
        """Add a statement, run it, and note which names it reads."""
        with np.errstate(all="ignore"):
            scope = {**SCOPE, **self.values}
            exec(statement, scope)
        self.statements.append(statement)
        read = {
            node.id
            for node in ast.walk(ast.parse(statement))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        self.loose_ends = [name for name in self.loose_ends if name not in read]
        for name, value in scope.items():
            if name in self.values or name.startswith("v"):
                self.values[name] = value

    def own(self, name: str) -> str:
        """Let an array be stored into."""
        self._owned.append(self.values[name])
        return name

    def owned(self) -> list[str]:
        """Return the names of arrays that are, or show a part of, what may be stored into."""
        return [
            name
            for name in self.named(lambda value: value.ndim > 0 and value.flags.writeable)
            if any(np.shares_memory(self.values[name], one) for one in self._owned)
        ]

    def source(self, parameters: Sequence[str], as_number: bool) -> str:
        """Return the function; what was not used goes into the result."""
        ends, lines = self.loose_ends, list(self.statements)
        if as_number:
            lines.append("total = 0.0")
            for place, name in enumerate(ends):
                weight = f"{0.7 + 0.1 * place:.1f}"
                is_float = np.asarray(self.values[name]).dtype.kind == "f"
                term = f"np.sin({weight} * {name})" if is_float else f"{weight} * {name}"
                lines.append(f"total = total + np.sum({term})")
            lines.append("return total")
        else:
            lines.append(f"return ({', '.join(ends)},)")
        body = [part for line in lines for part in line.split("\n")]
        return "\n    ".join([f"def program({', '.join(parameters)}):", *body]) + "\n"


def broadcast(shape: Sequence[int], other: Sequence[int]) -> tuple[int, ...] | None:
    """Return what shapes broadcast to; None where they do not."""
    try:
        return np.broadcast_shapes(tuple(shape), tuple(other))
    except ValueError:
        return None
