"""What a program of the zoo states about itself: its function, its arguments, its references."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Tree = Any  # an array or scalar, or tuples, lists, dicts and dataclasses of them


@dataclass(frozen=True)
class Program:
    """One NumPy function with all that a test needs to run and to judge it.

    Attributes:
        name: the function's name, the test's id.
        family: the module that holds it.
        fn: the function as a user would write it.
        make_args: draws the positional arguments from a seeded generator.
        wrt, has_aux, static_argnames: as `compile_grad` takes them.
        scalar: the value is one number; otherwise the test weights the outputs through `vjp`.
        smooth: central differences give the true gradient. Not so at kinks, with hooks, without
            gradients, or where float32 is inside.
        jax: the same source also runs with `jax.numpy` in NumPy's place.
        autograd: the same source also runs with `autograd.numpy`: much quicker than JAX where the
            program has many small steps.
        torch: the same computation written for torch tensors; True where the same source also runs
            with torch in NumPy's place.
        gradient: the gradient by hand: `(*args) -> tree` of the shape of `wrt`.
        tolerance: largest error of the gradient, relative to its largest entry. The default
            suits float64; programs that hold float32 state theirs.
        single: largest error, relative to the largest entry, with every array in float32; None
            where float32 says nothing, with the reason beside it.
        integers: arrays that are not differentiated may hold integers in place of floats.
    """

    name: str
    family: str
    fn: Callable[..., Any]
    make_args: Callable[[np.random.Generator], tuple[Any, ...]]
    wrt: int | str | tuple[int | str, ...] = 0
    has_aux: bool = False
    static_argnames: tuple[str, ...] = ()
    scalar: bool = True
    smooth: bool = True
    jax: bool = False
    autograd: bool = False
    torch: Callable[..., Any] | bool | None = None
    gradient: Callable[..., Tree] | None = None
    tolerance: float = 1e-9
    single: float | None = 1e-3
    integers: bool = True

    def __repr__(self) -> str:
        return self.name

    def args(self) -> tuple[Any, ...]:
        """Return fresh arguments, the same ones at every call."""
        return self.make_args(np.random.default_rng(2024))

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments for `compile_grad`."""
        return {
            "wrt": self.wrt,
            "has_aux": self.has_aux,
            "static_argnames": self.static_argnames,
        }


PROGRAMS: list[Program] = []


def program(
    make_args: Callable[[np.random.Generator], tuple[Any, ...]], **statements: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the decorated function to the zoo and leave it as it is."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        family = fn.__module__.rpartition(".")[2]
        PROGRAMS.append(Program(fn.__name__, family, fn, make_args, **statements))
        return fn

    return register
