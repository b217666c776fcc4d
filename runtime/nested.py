"""A compiled function called while another is captured: its graph becomes part of the other's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..compiler import pipeline
from ..compiler.frontend import fence
from ..compiler.frontend.capture import capture, inline
from ..compiler.frontend.signature import Signature, want
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import count_leaves, unflatten
from ..compiler.ir import Graph
from ..compiler.pipeline import Log
from .calls import with_pullback
from .cotangents import cotangents

if TYPE_CHECKING:
    from .compiled import CompiledFunction


class Nested:
    """One call of a compiled function inside a capture."""

    def __init__(
        self,
        compiled: CompiledFunction[..., Any],
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
    ) -> None:
        for leaf in leaves:
            if isinstance(leaf, Tracer) and not leaf.tracing.alive:
                raise fence.leaked(leaf)
        self.compiled, self.signature, self.leaves = compiled, signature, leaves
        self.captured = capture(compiled.parameters, signature, values, leaves, ())
        self.count = self.captured.count

    def value(self) -> Any:
        """Record the value."""
        outputs = self._record(self.captured.graph, self.leaves)
        return unflatten(self.captured.output, outputs)

    def _record(self, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
        """Record a graph made from the capture, and the stores to its arguments."""
        outputs: list[Any] = inline(self.captured, graph, inputs)
        end = self.count + len(self.captured.written)
        for position, changed in zip(self.captured.written, outputs[self.count : end], strict=True):
            target = self.leaves[position]
            if not isinstance(target, Tracer):
                raise fence.stored_from_within(self.captured.names[position])
            changed.tracing.store(target, changed.value)
        for output, position in self.captured.returned.items():
            outputs[output] = self.leaves[position]
        return [*outputs[: self.count], *outputs[end:]]

    def value_and_grad(self) -> Any:
        """Record value and gradient."""
        self.captured.scalar_output(self.compiled.has_aux)
        joint, arrange = self._joint((0,), 1.0)
        outputs = self._record(joint, self.leaves)
        value = unflatten(self.captured.output, outputs[: self.count])
        return value, arrange(outputs[self.count :])

    def grad(self) -> Any:
        """Record the gradient."""
        value, gradient = self.value_and_grad()
        return (gradient, value[1]) if self.compiled.has_aux else gradient

    def vjp(self) -> tuple[Any, ...]:
        """Record the value, and the backward program at each call of the pullback."""
        primal = self.captured.primal(self.compiled.has_aux)
        types = [one.type for one in self.captured.graph.outputs[: count_leaves(primal)]]
        chosen = [i for i, type in enumerate(types) if type.is_float]
        joint, arrange = self._joint(chosen, None)

        def pullback(ct: Any) -> Any:
            given = cotangents(ct, primal, types)
            results = inline(self.captured, joint, [*self.leaves, *given])
            return arrange(results[len(self.captured.graph.outputs) :])

        return with_pullback(self.value(), pullback, self.compiled.has_aux)

    def _joint(
        self, outputs: Sequence[int], seed: float | None
    ) -> tuple[Graph, Callable[[Sequence[Any]], Any]]:
        wanted = want(self.compiled.parameters, self.signature, self.compiled.wrt)
        log = Log()
        graph = pipeline.optimise(self.captured.graph, log)
        return pipeline.derive(graph, wanted.leaves, outputs, seed, log), wanted.arrange
