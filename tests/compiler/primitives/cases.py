"""On what every primitive is tried: made from the registry, so that a new entry needs no new test.

A case is a primitive with operand shapes and attrs. Elementwise primitives without examples are
tried on `SHAPES`, the others on their examples. Its arrays come in all dtypes and memory layouts.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.llvm import steps
from gradc.compiler.backends.numpy_source import Heading
from gradc.compiler.errors import LoweringError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.pipeline import Log, generate, lower_native
from gradc.compiler.primitive import REGISTRY, NoGradient, Primitive
from gradc.compiler.types import SUPPORTED_DTYPES, type_of
from gradc.compiler.verify import verify
from gradc.runtime.native_calls import native_program

Arrays = tuple[Any, ...]
Run = Callable[..., Arrays]
Executor = Callable[[Graph], Run]

SHAPES = ((), (0, 2), (1,), (2, 3))
LAYOUTS = ("contiguous", "fortran", "strided", "reversed", "broadcast")

# Its gradient is not that of its value, on purpose; test_conventions.py says what it is.
UNLIKE_ITS_VALUE = {"with_value"}


@dataclass(frozen=True, eq=False)
class Case:
    """A primitive with what it is tried on.

    Attributes:
        primitive: The primitive.
        operands: A shape (values are made up), or an array (an index, a mask).
        attrs: Its attrs.
        label: Unique; seeds the values.
    """

    primitive: Primitive
    operands: tuple[Any, ...]
    attrs: dict[str, Any]
    label: str

    @property
    def kinds(self) -> str:
        """The kinds of dtype that operands given as shapes may have."""
        return self.primitive.dtypes if self.shaped else ""

    @property
    def shaped(self) -> list[int]:
        """Positions of the operands that are given as shapes."""
        return [i for i, one in enumerate(self.operands) if isinstance(one, tuple)]

    def dtypes(self) -> list[np.dtype[Any]]:
        """Return every dtype that the operands given as shapes may have."""
        return [dtype for dtype in SUPPORTED_DTYPES if kind_of(dtype) in self.kinds]

    def arrays(self, dtype: Any = None, layout: str = "contiguous") -> Arrays:
        """Return operands; well apart from each other, so that none is near a kink."""
        chosen = np.dtype(dtype) if dtype else (self.dtypes() or [np.dtype(float)])[-1]
        if dtype is None and "f" in self.kinds:
            chosen = np.dtype(np.float64)
        rng = np.random.default_rng(zlib.crc32(self.label.encode()))
        sizes = [int(np.prod(self.operands[i], dtype=int)) for i in self.shaped]
        steps = iter(np.split(rng.permutation(sum(sizes)), np.cumsum(sizes)[:-1]))
        arrays = []
        for i, operand in enumerate(self.operands):
            if i not in self.shaped:
                arrays.append(laid_out(operand, layout if layout != "broadcast" else "contiguous"))
                continue
            fractions = (next(steps) + rng.uniform(0.25, 0.75)) / max(sum(sizes), 1)
            values = self._values(fractions, chosen, i).reshape(operand)
            arrays.append(laid_out(values, layout))
        return tuple(arrays)

    def _values(self, fractions: Any, dtype: np.dtype[Any], position: int) -> Any:
        if dtype.kind == "b":
            return fractions > np.median(fractions) if fractions.size > 1 else fractions > 0
        if dtype.kind in "iu":  # small, and never 0: no overflow and no division by it
            return (1 + 3 * fractions).astype(dtype)
        low, high = self.primitive.domain[position] if self.primitive.domain else (-2.0, 2.0)
        return (low + (high - low) * fractions).astype(dtype)

    def graph(self, dtype: Any = None) -> Graph:
        """Return the graph of one node."""
        return one_node(self.primitive, [type_of(a) for a in self.arrays(dtype)], self.attrs)

    def wanted(self) -> list[int]:
        """Return the positions of floating-point operands given as shapes."""
        return self.shaped if "f" in self.kinds else []


def kind_of(dtype: np.dtype[Any]) -> str:
    """Return "f", "i" (unsigned too) or "b"."""
    return dtype.kind.replace("u", "i")


def laid_out(array: Any, layout: str) -> Any:
    """Return the array in a memory layout; "broadcast" repeats its first row."""
    array = np.array(array)
    if not array.ndim:
        return array
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "strided":
        room = np.zeros([2 * size for size in array.shape], array.dtype)
        view = room[tuple(slice(None, None, 2) for _ in array.shape)]
        view[...] = array
        return view
    if layout == "reversed":
        return np.flip(np.flip(array).copy())
    if layout == "broadcast" and array.size:
        return np.broadcast_to(array[:1], array.shape)
    return array


def one_node(primitive: Primitive, types: Sequence[Any], attrs: Any) -> Graph:
    """Return the graph that applies a primitive to params of these types."""
    params = tuple(Value(one, f"x{i}") for i, one in enumerate(types))
    with Builder() as builder:
        outs = builder.add(primitive, params, attrs)
    return Graph(params, tuple(builder.nodes), outs)


def joint_of(graph: Graph, wanted: Sequence[int]) -> Graph:
    """Return (out, *gradients) of (*operands, ct), verified."""
    return verify(differentiate(graph, wanted, [0]), "differentiate")


def second_of(joint: Graph, wanted: Sequence[int]) -> Graph:
    """Return (out, *gradients, *second) of (*operands, ct, *weights).

    ``second`` are the gradients, by the wanted operands and then by ct, of the sum of
    weight x gradient.
    """
    gradients = range(1, len(joint.outputs))
    by = [*wanted, len(joint.params) - 1]
    return verify(differentiate(joint, by, list(gradients)), "differentiate")


def random_like(arrays: Sequence[Any], seed: int = 1) -> Arrays:
    """Return normal random arrays of these shapes and dtypes."""
    rng = np.random.default_rng(seed)
    return tuple(
        np.asarray(rng.normal(size=np.shape(a)).astype(np.asarray(a).dtype)) for a in arrays
    )


def _cases() -> list[Case]:
    found = []
    for primitive in REGISTRY.values():
        tried = [(one.operands, one.attrs) for one in primitive.examples]
        if primitive.elementwise and not tried:
            arity = len(primitive.domain)
            tried = [((shape,) * arity, {}) for shape in SHAPES]
        for number, (operands, attrs) in enumerate(tried):
            found.append(Case(primitive, operands, dict(attrs), f"{primitive.name}-{number}"))
    return found


CASES = _cases()
DIFFERENTIABLE = [
    case
    for case in CASES
    if case.wanted()
    and not isinstance(case.primitive.derivative, NoGradient)
    and case.graph().outputs[0].type.is_float
]
FAITHFUL = [case for case in DIFFERENTIABLE if case.primitive.name not in UNLIKE_ITS_VALUE]


def evaluated(graph: Graph) -> Run:
    """Return the graph as a function: node by node, by the entries' own NumPy text."""
    return partial(evaluate, graph)


def emitted(graph: Graph) -> Run:
    """Return the graph as a function: all passes, then the generated NumPy module."""
    params = tuple(f"{param.type}." for param in graph.params)
    heading = Heading("A case of a primitive.", "the registry", "pytest", params, ("its outputs",))
    module = generate(graph, "run", heading, kept=1, log=Log())
    assert not module.constants
    scope: dict[str, Any] = {}
    exec(compile(module.text, "<generated>", "exec"), scope)

    def run(*arrays: Any) -> Arrays:
        results = scope["run"](*arrays)
        return results if len(graph.outputs) > 1 else (results,)

    return run


@contextmanager
def kept_in_registers(size: int) -> Iterator[None]:
    """Have native code keep arrays of so many elements in registers."""
    usual, steps.TINY = steps.TINY, size
    try:
        yield
    finally:
        steps.TINY = usual


def native(graph: Graph) -> Run:
    """Return the graph as a function: all passes, then native code; as NumPy where there is none.

    The code is hardly optimised: that would take most of the time, and is LLVM's business. Arrays
    lie in memory, however small they are: that is how large ones are done.
    """
    try:
        with kept_in_registers(1):
            run = native_program(lower_native(graph, Log()), "run", (), level=1).run
    except LoweringError:
        return emitted(graph)
    if len(graph.outputs) == 1:
        return lambda *arrays: (run(*arrays),)
    return run


# The ways to run a graph. What is true of one is true of all: gradient tests take each of them.
EXECUTORS: dict[str, Executor] = {"evaluate": evaluated, "numpy_source": emitted, "llvm": native}


def over(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Parametrize over cases."""
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.label)


every_case = over(CASES)
every_executor = pytest.mark.parametrize("executor", EXECUTORS.values(), ids=list(EXECUTORS))
