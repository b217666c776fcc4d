"""One signature of a compiled function: its capture, and the executables made from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..compiler import pipeline
from ..compiler.backends.numpy_source import Heading, Module
from ..compiler.errors import GradcError, LoweringError
from ..compiler.forks import ProcessLock, importing
from ..compiler.frontend.capture import Capture, capture
from ..compiler.frontend.places import Place
from ..compiler.frontend.signature import Parameters, Signature, Wanted
from ..compiler.frontend.tree import Leaf, Tree, count_leaves, unflatten
from ..compiler.ir import Graph
from ..compiler.passes.residuals import residuals
from ..compiler.pipeline import Log
from ..compiler.types import ArrayType
from .calls import Call, entry_tree
from .entries import ENTERED
from .executable import Executable
from .loader import load
from .tables import TABLES, check_differentiable

if TYPE_CHECKING:
    from .native_calls import NativeProgram


class Specialisation:
    """What was compiled for one signature and one set of guards.

    Attributes:
        signature: The types of the arguments.
        captured: The graph of the function.
        wanted: By what it is differentiated; None where nothing is asked for.
        log: Stages and their times.
    """

    def __init__(
        self,
        parameters: Parameters,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        wanted: Wanted | None,
        has_aux: bool,
        name: str,
        varying: frozenset[Place] = frozenset(),
        backend: str = "numpy",
    ) -> None:
        self.parameters, self.wanted, self.backend = parameters, wanted, backend
        self.signature = signature.without_objects()
        self.has_aux, self.name = has_aux, name
        self.log = Log()
        self._executables: dict[str, Executable] = {}
        self._joints: dict[bool, Graph] = {}
        self._backward: tuple[Graph, int] | None = None
        self._pushed: dict[bool, Graph] = {}
        self._lock = ProcessLock()
        started = perf_counter()
        self.captured: Capture = capture(
            parameters, signature, values, leaves, wanted.leaves if wanted else (), varying
        )
        nodes = len(self.captured.graph.nodes)
        self.log.stages.append(("capture", perf_counter() - started, nodes))
        self.graph = pipeline.optimise(self.captured.graph, self.log)

    # What it returns

    @property
    def primal(self) -> Tree:
        """The tree of the differentiated output."""
        return self.captured.primal(self.has_aux)

    @property
    def differentiable(self) -> tuple[int, ...]:
        """Positions of the outputs that have cotangents in ``vjp``."""
        outputs = self.graph.outputs[: count_leaves(self.primal)]
        return tuple(i for i, output in enumerate(outputs) if output.type.is_float)

    @property
    def is_scalar(self) -> bool:
        """Whether there is one number to differentiate."""
        outputs = self.graph.outputs[: count_leaves(self.primal)]
        return len(outputs) == 1 and not outputs[0].ndim and outputs[0].type.is_float

    def result_types(self, mode: str) -> list[ArrayType]:
        """Return the types of what "value", "value_and_grad" or "grad" gives to the user."""
        outputs = self.graph.outputs[self.left_out(mode) : self.captured.count]
        by = self.wanted.leaves if self.wanted and mode != "value" else ()
        return [*(one.type for one in outputs), *(self.signature.leaves[i].type for i in by)]

    def arrange(self, outputs: Sequence[Any]) -> Any:
        """Return outputs in the structure that the function returns."""
        return unflatten(self.captured.output, outputs)

    # Compiling

    def joint(self, seeded: bool) -> Graph:
        """Return the joint graph: seeded with 1, or with cotangents as params."""
        assert self.wanted is not None
        if seeded not in self._joints:
            if seeded:
                self.captured.scalar_output(self.has_aux)
            outputs = (0,) if seeded else self.differentiable
            seed = 1.0 if seeded else None
            joint = pipeline.derive(self.graph, self.wanted.leaves, outputs, seed, self.log)
            self._joints[seeded] = joint
        return self._joints[seeded]

    def pushed(self, separate: bool = False) -> Graph:
        """Return the graph with tangents: a param for each, and an output for each.

        Args:
            separate: Whether the outputs must not depend on tangents, in loops neither.
        """
        assert self.wanted is not None
        separate = separate and self.graph.has_regions
        if separate not in self._pushed:
            outputs = range(len(self.graph.outputs))
            self._pushed[separate] = pipeline.push(
                *(self.graph, self.wanted.leaves, outputs, self.differentiable, self.log, separate)
            )
        return self._pushed[separate]

    def hessian_product(self) -> Graph:
        """Return the graph from vectors to the Hessian times these: forward over reverse."""
        assert self.wanted is not None
        joint, count = self.joint(seeded=True), len(self.graph.outputs)
        gradients = range(count, len(joint.outputs))
        return pipeline.push(joint, self.wanted.leaves, range(1, count), gradients, self.log)

    def left_out(self, mode: str) -> int:
        """Return how many of the first outputs the program of a mode does not give."""
        if mode in TABLES:
            return count_leaves(self.primal)
        return 1 if mode in ("grad", "hvp") else 0

    def table(self, mode: str) -> Graph:
        """Return the graph that computes Jacobians or Hessians beside the outputs."""
        assert self.wanted is not None
        check_differentiable(self.differentiable, mode)
        return pipeline.tabulate(
            self.graph, self.wanted.leaves, self.differentiable, mode, self.log
        )

    @property
    def is_planned(self) -> bool:
        """Whether nothing but types and the outside decides that it serves a call."""
        captured = self.captured
        return not (captured.guards or captured.layouts is not None or captured.has_effects)

    @property
    def is_entered(self) -> bool:
        """Whether nothing but the types of arrays and numbers decides, passed by position."""
        captured, trees = self.captured, self.signature.trees
        only_leaves = all(isinstance(tree, Leaf) for tree in trees)
        is_alone = not (captured.reads or captured.places or captured.lifted)
        return self.is_planned and is_alone and only_leaves and self.parameters.are_positional

    def call(self, mode: str) -> Call:
        """Return what runs a mode and arranges its results as the user gets them."""
        return Call(self, mode)

    def executable(self, mode: str) -> Executable:
        """Return the executable of a mode.

        Two modes have several: "vjp" has "forward", "backward", and "consuming" (backward in the
        memory of the residuals), "linearize" has "primal" and "tangent".
        """
        ready = self._executables.get(mode)
        if ready is not None:
            return ready
        with self._lock.held:
            if mode not in self._executables:
                self._compile(mode)
        return self._executables[mode]

    def native(self, mode: str) -> Executable:
        """Return the executable of a mode, which is native code.

        Raises:
            GradcError: It is not.
        """
        if self.backend != "llvm":
            raise GradcError(
                f"{self.name} has no native code: its backend is {self.backend!r}",
                fix='say compile_grad(backend="llvm"), or set GRADC_BACKEND=llvm',
            )
        made = self.executable(mode)
        if made.program is None:
            reasons = [one for one in self.log.remarks if "runs as NumPy" in one]
            raise GradcError(
                f"{self.name}_{mode} is no native code",
                got="; ".join(reasons),
                fix='look at the NumPy module, what="numpy"',
            )
        return made

    def _compile(self, mode: str) -> None:
        count = len(self.graph.outputs)
        if mode == "value":
            self._load(mode, self.graph, count, self.result_names(mode))
        elif mode == "value_and_grad":
            self._load(mode, self.joint(seeded=True), count, self.result_names(mode))
        elif mode == "grad":
            joint = self.joint(seeded=True)
            outputs = joint.outputs[1:]
            names = [*self._result_names()[1:], *self._gradient_names()]
            self._load(mode, Graph(joint.params, joint.nodes, outputs), count - 1, names)
        elif mode == "jvp":
            self._load(mode, self.pushed(), count, [*self._result_names(), *self._tangent_names()])
        elif mode == "hvp":
            by = [self.signature.names[i] for i in self.wanted.leaves] if self.wanted else []
            names = [*self._result_names()[1:], *(f"the product's part for {one}" for one in by)]
            self._load(mode, self.hessian_product(), count - 1, names)
        elif mode in TABLES:
            table, first = self.table(mode), self.left_out(mode)
            names = [*self._result_names()[first:], *self._table_names(mode)]
            table = Graph(table.params, table.nodes, table.outputs[first:])
            self._load(mode, table, count - first, names)
        elif mode in ("primal", "tangent"):
            late = len(self.wanted.leaves) if self.wanted else 0
            self._split("primal", "tangent", self.pushed(separate=True), late)
        elif mode == "consuming":
            self.executable("backward")
            assert self._backward is not None
            backward, saved = self._backward
            self._load(mode, backward, 0, self._gradient_names(), range(saved))
        else:
            self._split("forward", "backward", self.joint(seeded=False), len(self.differentiable))

    def _split(self, first: str, second: str, graph: Graph, late: int) -> None:
        """Compile a graph as two programs: what does not read its last params, and the rest."""
        count = len(self.graph.outputs)
        early, rest = residuals(graph, count, late)
        saved = [f"residual {i + 1}" for i in range(len(early.outputs) - count)]
        names = self._gradient_names() if second == "backward" else self._tangent_names()
        self._load(first, early, count, [*self._result_names(), *saved])
        self._load(second, rest, 0, names)
        if second == "backward":
            self._backward = rest, len(saved)

    def _load(
        self,
        mode: str,
        graph: Graph,
        kept: int,
        results: Sequence[str],
        owned: Collection[int] = (),
    ) -> None:
        is_late = mode in ("backward", "consuming", "tangent")
        first = len(self.graph.outputs) if is_late else self.left_out(mode)
        shared = [i - first for i in self.captured.shared if i >= first]
        name, heading = f"{self.name}_{mode}", self._heading(mode, graph, results)

        def generate() -> Module:
            return pipeline.generate(graph, name, heading, kept, self.log, shared, owned)

        single = len(results) == 1
        program = self._native(mode, graph, shared) if self.backend == "llvm" else None
        if program is not None:
            executable = Executable(program.run, single, generate, program=program, kept=kept)
        else:
            module = generate()
            run, path = load(module)
            executable = Executable(run, single, partial(_itself, module), path)
        self._executables[mode] = executable

    def _native(self, mode: str, graph: Graph, shared: Collection[int]) -> NativeProgram | None:
        """Return native code; None where there is none for something in the graph."""
        name, kinds, tree = f"{self.name}_{mode}", None, None
        if mode in ENTERED and self.is_entered:
            kinds = [leaf.kind for leaf in self.signature.leaves]
            tree = entry_tree(self, mode, len(graph.outputs))
        try:
            lowered = pipeline.lower_native(graph, self.log)
            started = perf_counter()
            program = _llvm()(lowered, name, shared, kinds, tree)
        except LoweringError as error:
            self.log.remarks.append(f"{name} runs as NumPy: {error.what}: {error.got}")
            return None
        stage = (
            f"{'find' if program.is_cached else 'compile'} {name}",
            perf_counter() - started,
            len(lowered.nodes),
        )
        self.log.stages.append(stage)
        self.log.remarks += [f"{name} calls back {one}" for one in dict.fromkeys(program.calls)]
        return program

    def result_names(self, mode: str) -> list[str]:
        """Return what the outputs of a program are: "value" and "value_and_grad" have names."""
        return [*self._result_names(), *(self._gradient_names() if mode != "value" else ())]

    def _result_names(self) -> list[str]:
        captured = self.captured
        names = [f"output {i + 1}" if i else "the value" for i in range(captured.count)]
        names += [f"{captured.names[i]} as it is afterwards" for i in captured.written]
        for store in captured.stores:
            names += [f"what is stored to {store.place}"] * count_leaves(store.tree)
        return names

    def _gradient_names(self) -> list[str]:
        assert self.wanted is not None
        return [f"the gradient by {self.signature.names[i]}" for i in self.wanted.leaves]

    def _tangent_names(self) -> list[str]:
        names = self._result_names()
        return [f"the tangent of {names[i]}" for i in self.differentiable]

    def _table_names(self, mode: str) -> list[str]:
        assert self.wanted is not None
        names, by = self._result_names(), [self.signature.names[i] for i in self.wanted.leaves]
        if mode == "hessian":
            by = [f"{one} and {other}" for one in by for other in by]
        order = "second derivative" if mode == "hessian" else "derivative"
        return [f"the {order} of {names[i]} by {one}" for i in self.differentiable for one in by]

    def _heading(self, mode: str, graph: Graph, results: Sequence[str]) -> Heading:
        function = inspect.unwrap(self.parameters.function)
        code = getattr(function, "__code__", None)
        place = f", {Path(code.co_filename).name}:{code.co_firstlineno}" if code else ""
        arguments = ", ".join(self.parameters.names)
        return Heading(
            f"{_TITLES[mode]} of {self.name}.",
            f"{self.name}{place}",
            f"{self.name}.inspect({arguments})",
            tuple(f"{value.type}." for value in graph.params),
            tuple(results),
            _DERIVATIVES.get(mode, "backward"),
        )


def _itself(module: Module) -> Module:
    return module


@cache
def _llvm() -> Callable[..., NativeProgram]:
    """Return what compiles with LLVM, which takes a while to import."""
    with importing:
        from .native_calls import native_program

    return native_program


_TITLES = {
    "value": "The value",
    "value_and_grad": "Value and gradient",
    "grad": "The gradient",
    "forward": "The value, and what the pullback reads,",
    "backward": "The pullback",
    "consuming": "The pullback, in the memory of what it reads",
    "jvp": "The value and its tangent",
    "hvp": "The Hessian times a vector",
    "jacobian": "The Jacobian",
    "jacrev": "The Jacobian, by reverse mode,",
    "jacfwd": "The Jacobian, by forward mode,",
    "hessian": "The Hessian",
    "primal": "The value, and what the tangent's program reads,",
    "tangent": "The tangent of the value",
}
_DERIVATIVES = {
    "jvp": "tangent",
    "hvp": "gradient, and its tangent",
    "jacobian": "derivatives",
    "jacfwd": "derivatives",
    "hessian": "derivatives",
}
