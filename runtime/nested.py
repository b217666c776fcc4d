"""A compiled function called while another is captured: its graph becomes part of the other's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..compiler import pipeline
from ..compiler.frontend import fence
from ..compiler.frontend.capture import capture, inline
from ..compiler.frontend.signature import Signature, Wanted, want
from ..compiler.frontend.tracer import Tracer
from ..compiler.frontend.tree import Tree, count_leaves, unflatten
from ..compiler.ir import Graph
from ..compiler.pipeline import Log
from .calls import with_second
from .cotangents import cotangents
from .pullback import Pullback
from .tables import TABLES, arrange_table, check_differentiable
from .tangents import tangents, with_zeros

if TYPE_CHECKING:
    from .compiled import CompiledFunction


class Nested:
    """One call of a compiled function inside a capture.

    Attributes:
        given: The tangents, where the mode takes some.
    """

    def __init__(
        self,
        compiled: CompiledFunction[..., Any],
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        given: Sequence[Any] = (),
    ) -> None:
        for leaf in leaves:
            if isinstance(leaf, Tracer) and not leaf.tracing.alive:
                raise fence.leaked(leaf)
        self.compiled, self.signature, self.leaves = compiled, signature, leaves
        self.given = given
        self.captured = capture(compiled.parameters, signature, values, leaves, ())
        self.count = self.captured.count

    def run(self, mode: str) -> Any:
        """Record a call in a mode."""
        return self.table(mode) if mode in TABLES else getattr(self, mode)()

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

        def run(saved: Sequence[Any], cts: Sequence[Any], consuming: bool) -> Sequence[Any]:
            results = inline(self.captured, joint, [*self.leaves, *cts])
            return results[len(self.captured.graph.outputs) :]

        pullback = Pullback((), lambda ct: cotangents(ct, primal, types), run, arrange)
        return with_second(self.value(), pullback, self.compiled.has_aux)

    def jvp(self) -> tuple[Any, ...]:
        """Record the value and its tangent."""
        graph, primal = self._pushed()
        outputs = self._record(graph, [*self.leaves, *self.given])
        value = unflatten(self.captured.output, outputs[: self.count])
        primals = outputs[: count_leaves(primal)]
        pushed = with_zeros(primal, primals, outputs[self.count :])
        return with_second(value, pushed, self.compiled.has_aux)

    def linearize(self) -> tuple[Any, ...]:
        """Record the value, and its tangent at each call of the function returned."""
        graph, primal = self._pushed()
        wanted = self._wanted()
        value = self.value()

        def push(given: Any) -> Any:
            typed = tangents(given, wanted, self.signature)
            outputs = inline(self.captured, graph, [*self.leaves, *typed])
            pushed = outputs[len(self.captured.graph.outputs) :]
            return with_zeros(primal, outputs[: count_leaves(primal)], pushed)

        return with_second(value, push, self.compiled.has_aux)

    def hvp(self) -> Any:
        """Record the Hessian times a vector."""
        self.captured.scalar_output(self.compiled.has_aux)
        joint, arrange = self._joint((0,), 1.0)
        count = len(self.captured.graph.outputs)
        gradients = range(count, len(joint.outputs))
        leaves = self._wanted().leaves
        graph = pipeline.push(joint, leaves, range(count), gradients, Log())
        outputs = self._record(graph, [*self.leaves, *self.given])
        product = arrange(outputs[self.count :])
        if not self.compiled.has_aux:
            return product
        return product, unflatten(self.captured.output, outputs[: self.count])[1]

    def table(self, mode: str) -> Any:
        """Record a Jacobian or a Hessian."""
        primal = self.captured.primal(self.compiled.has_aux)
        log = Log()
        graph = pipeline.optimise(self.captured.graph, log)
        floats, wanted = self._floats(primal), self._wanted()
        check_differentiable(floats, mode)
        graph = pipeline.tabulate(graph, wanted.leaves, floats, mode, log)
        outputs = self._record(graph, self.leaves)
        found = arrange_table(mode, primal, floats, wanted, outputs[self.count :])
        if not self.compiled.has_aux:
            return found
        return found, unflatten(self.captured.output, outputs[: self.count])[1]

    def _floats(self, primal: Tree) -> list[int]:
        outputs = self.captured.graph.outputs[: count_leaves(primal)]
        return [i for i, one in enumerate(outputs) if one.type.is_float]

    def _pushed(self) -> tuple[Graph, Tree]:
        """Return the graph with tangents, and the tree of the outputs that have some."""
        primal = self.captured.primal(self.compiled.has_aux)
        log = Log()
        graph = pipeline.optimise(self.captured.graph, log)
        outputs, floats = range(len(graph.outputs)), self._floats(primal)
        return pipeline.push(graph, self._wanted().leaves, outputs, floats, log), primal

    def _wanted(self) -> Wanted:
        return want(self.compiled.parameters, self.signature, self.compiled.wrt)

    def _joint(
        self, outputs: Sequence[int], seed: float | None
    ) -> tuple[Graph, Callable[[Sequence[Any]], Any]]:
        wanted = self._wanted()
        log = Log()
        graph = pipeline.optimise(self.captured.graph, log)
        return pipeline.derive(graph, wanted.leaves, outputs, seed, log), wanted.arrange
