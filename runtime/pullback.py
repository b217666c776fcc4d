"""The backward half of a function that was run: what ``vjp`` hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.errors import GradcError
from ..compiler.forks import ProcessLock

Run = Callable[[Sequence[Any], Sequence[Any], bool], Sequence[Any]]

_lock = ProcessLock()  # of all pullbacks: it is held for a moment only


class Pullback:
    """Takes a cotangent of the output, and gives the gradient.

    It may be called again and again, unless it is told that the residuals, which is what it holds
    of the forward program, may go: ``retain_graph=False``.

    Args:
        residuals: What the forward program saved. Nobody else holds these arrays.
        cotangents: Converts what the user passes to one cotangent for each output.
        run: ``run(residuals, cts, consuming)``: the backward program; where it is consuming, it may
            leave anything in the memory of the residuals.
        arrange: Gives the gradients in the structure of the arguments.

    Example:
        >>> import numpy as np
        >>> from gradc.func import vjp
        >>> out, pullback = vjp(np.exp, np.zeros(2))
        >>> pullback(np.ones(2))
        (array([1., 1.]),)
    """

    def __init__(
        self,
        residuals: Sequence[Any],
        cotangents: Callable[[Any], Sequence[Any]],
        run: Run,
        arrange: Callable[[Sequence[Any]], Any],
    ) -> None:
        self._residuals: tuple[Any, ...] | None = tuple(map(_apart, residuals))
        self._cotangents, self._run, self._arrange = cotangents, run, arrange
        self._running = 0

    def __call__(self, ct: Any, *, retain_graph: bool = True) -> Any:
        """Return the gradient for the cotangent ``ct`` of the output.

        Args:
            ct: An array of the shape of the output, or a structure of them like the output's.
            retain_graph: Whether it can be called again. If not, its memory is used for the
                gradient, and freed.

        Returns:
            The gradient, in the structure of the arguments.

        Raises:
            GradcError: An earlier call did not retain it.
            TypeRuleError: The cotangent does not have the structure, shape or kind of the output.
        """
        cts = self._cotangents(ct)
        with _lock.held:
            residuals = self._residuals
            if residuals is None:
                raise _freed()
            # Where another thread, or a hook, is still reading them they are not overwritten.
            consuming = not (retain_graph or self._running)
            if not retain_graph:
                self._residuals = None
            self._running += 1
        try:
            return self._arrange(self._run(residuals, cts, consuming))
        finally:
            with _lock.held:
                self._running -= 1

    @property
    def nbytes(self) -> int:
        """The bytes of the arrays that it holds; 0 once they are freed."""
        return sum(one.nbytes for one in self._residuals or () if isinstance(one, np.ndarray))

    def __repr__(self) -> str:
        state = "freed" if self._residuals is None else f"{self.nbytes} bytes held"
        return f"<pullback: {state}>"


def _apart(residual: Any) -> Any:
    """Return a part of a larger array as an array of its own, so that the rest can be freed."""
    base = getattr(residual, "base", None)
    if isinstance(base, np.ndarray) and base.nbytes > residual.nbytes:
        return residual.copy()
    return residual


def _freed() -> GradcError:
    return GradcError(
        "Trying to backward through the graph a second time (or directly access saved tensors "
        "after they have already been freed). Saved intermediate values of the graph are freed "
        "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
        "backward through the graph a second time or if you need to access saved tensors after "
        "calling backward",
        got="a pullback that was called with retain_graph=False before",
        fix="call it with retain_graph=True, or without, except for the last time",
    )
