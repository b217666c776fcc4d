"""Programs with a state: their functions read and change what is no argument, or their arguments.

`make` builds function and state anew, so that one copy can be run by plain NumPy beside another
that is compiled, and a third one by finite differences.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Program

Between = Callable[[int], tuple[Any, ...] | None]


def _nothing(call: int) -> None:
    """Change nothing between two calls."""


@dataclass
class Subject:
    """A function with its own copy of everything that it reads and changes.

    Attributes:
        fn: the function, or bound method.
        args: the arguments of the first call, and of the next ones where `between` gives no others.
        state: what is compared after each call: arrays, numbers, containers, objects.
        between: changes the state after call 0, 1, ...; may return other arguments.
    """

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    state: Any = None
    between: Between = _nothing


@dataclass(frozen=True)
class Stateful:
    """A program of the zoo that is called several times while its state changes.

    Attributes:
        name, family, wrt, scalar, smooth, jax: as for `Program`.
        make: builds the function and its state anew from a seeded generator.
        calls: how many calls are compared.
        compilations: how many specialisations these calls need at most.
        mutates: the arguments are changed in place: read-only ones are refused.
    """

    name: str
    family: str
    make: Callable[[np.random.Generator], Subject]
    wrt: int | str | tuple[int | str, ...] = 0
    scalar: bool = True
    smooth: bool = True
    jax: bool = False
    calls: int = 4
    compilations: int = 1
    mutates: bool = False

    def __repr__(self) -> str:
        return self.name

    def new(self) -> Subject:
        """Return the function with fresh state and arguments, the same ones at every call."""
        return self.make(np.random.default_rng(2024))

    def before(self, call: int) -> Subject:
        """Return the subject after `call` calls of the plain function and what lies between."""
        subject = self.new()
        for number in range(call):
            subject.fn(*subject.args)
            move_on(subject, number)
        return subject

    def at(self, call: int) -> Program:
        """Return the one call as a program without state: each run starts from a fresh copy."""
        subject = self.before(call)

        @functools.wraps(subject.fn)
        def fn(*args: Any) -> Any:
            return self.before(call).fn(*copied(args))

        options = {"wrt": self.wrt, "scalar": self.scalar, "smooth": self.smooth}
        return Program(self.name, self.family, fn, lambda rng: self.before(call).args, **options)


def move_on(subject: Subject, call: int) -> None:
    """Do what lies between this call and the next one."""
    others = subject.between(call)
    if others is not None:
        subject.args = others


def copied(tree: Any) -> Any:
    """Return the arguments with every array copied, its memory order kept."""
    if isinstance(tree, np.ndarray):
        return tree.copy(order="K")
    if isinstance(tree, dict):
        return {key: copied(item) for key, item in tree.items()}
    return type(tree)(copied(item) for item in tree) if isinstance(tree, tuple | list) else tree


STATEFUL: list[Stateful] = []


def stateful(**statements: Any) -> Callable[[Callable[..., Subject]], Callable[..., Subject]]:
    """Add the decorated `make` to the zoo and leave it as it is."""

    def register(make: Callable[..., Subject]) -> Callable[..., Subject]:
        family = make.__module__.rpartition(".")[2]
        STATEFUL.append(Stateful(make.__name__, family, make, **statements))
        return make

    return register
