"""What a program with structured control flow states about itself."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Program


@dataclass(frozen=True)
class LoopProgram(Program):
    """A program with `gradc.fori_loop` and its kin, and the references that go with it.

    A parameter `steps` with a default, if it has one, is the trip count: the tests also run the
    program with other counts.

    Attributes:
        plain: the same by Python loops in plain NumPy, for the value.
        jax: the same source also runs with `jax.numpy` and `jax.lax` in place of NumPy and of
            the control-flow functions; or the same written for JAX, where there
            are stores: a function that takes `jax` before the arguments.
        unrolls: capture can run the loops one trip after the other: the oracle for derivatives.
        twice: the gradient is differentiable again (not where a hook is a call-back).
        known: how often each loop runs is known when it is compiled, if `steps` is.
        counts: the trip counts that the program is also run with.
    """

    plain: Callable[..., Any] | None = None
    jax: Any = False
    unrolls: bool = True
    twice: bool = True
    known: bool = True
    counts: tuple[int, ...] = (0, 1, 2, 7)

    @property
    def has_steps(self) -> bool:
        """Whether the trip count is a parameter."""
        return "steps" in inspect.signature(self.fn).parameters

    __repr__ = Program.__repr__


LOOP_PROGRAMS: list[LoopProgram] = []


def looped(
    make_args: Callable[[np.random.Generator], tuple[Any, ...]], **statements: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the decorated function to the loops of the zoo and leave it as it is."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        family = fn.__module__.rpartition(".")[2]
        if "steps" in inspect.signature(fn).parameters:
            statements.setdefault("static_argnames", ("steps",))
        LOOP_PROGRAMS.append(LoopProgram(fn.__name__, family, fn, make_args, **statements))
        return fn

    return register
