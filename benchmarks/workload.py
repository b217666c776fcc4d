"""What a workload states about itself, and the check that its versions agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Args = tuple[Any, ...]
ValueAndGradient = tuple[Any, tuple[Any, ...]]


@dataclass(frozen=True)
class Workload:
    """One function whose value and gradient are timed.

    Attributes:
        name: What the table calls it.
        what: One line on the computation, with sizes and dtype.
        goal: How many seconds native code may take at most, with all threads.
        fn: The plain NumPy function; `compile_grad`, JAX and HIPS autograd get this very source.
        by_hand: Value and gradients as an expert writes them in NumPy: `(value, (g, ...))`.
        torch: Given the module `torch`, returns the same function written for tensors; or None.
        make_args: `(rng, tiny) -> args`; tiny sizes serve the tests.
        wrt: Positions of the arguments that are differentiated.
        jax: Given the module `jax`, returns the function written for it; None where JAX runs the
            very source.
        autograd: Whether HIPS autograd runs the very source.
        tolerance: Largest difference between two versions' gradients, relative to the largest
            entry: some hundred roundings of the dtype.
    """

    name: str
    what: str
    goal: float
    fn: Callable[..., Any]
    by_hand: Callable[..., ValueAndGradient]
    torch: Callable[[Any], Callable[..., Any]] | None
    make_args: Callable[[np.random.Generator, bool], Args]
    wrt: tuple[int, ...]
    jax: Callable[[Any], Callable[..., Any]] | None = None
    autograd: bool = True
    tolerance: float = 1e-12

    def args(self, tiny: bool = False) -> Args:
        """Return the arguments, the same ones at every call."""
        return self.make_args(np.random.default_rng(0), tiny)

    def disagreement(self, actual: ValueAndGradient, expected: ValueAndGradient) -> str | None:
        """Return what differs by more than the tolerance, or None."""
        value, gradients = actual
        pairs = [("value", value, expected[0])]
        pairs += [
            (f"gradient {position}", gradient, wanted)
            for position, gradient, wanted in zip(self.wrt, gradients, expected[1], strict=True)
        ]
        for what, got, wanted in pairs:
            if np.shape(got) != np.shape(wanted):
                return f"{what} has shape {np.shape(got)}, not {np.shape(wanted)}"
            if np.asarray(got).dtype != np.asarray(wanted).dtype:
                return f"{what} is {np.asarray(got).dtype}, not {np.asarray(wanted).dtype}"
            error = np.max(np.abs(np.subtract(got, wanted))) / np.max(np.abs(wanted))
            if not error <= self.tolerance:
                return f"{what} differs by {error:.1e} of its largest entry"
        return None
