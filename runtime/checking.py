"""Checks of a primitive: its types, its values, and all its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler import pipeline
from ..compiler.backends.numpy_source import Heading
from ..compiler.errors import GradcError
from ..compiler.evaluate import evaluate
from ..compiler.ir import Builder, Graph, Value
from ..compiler.passes.batch import batch
from ..compiler.passes.dce import dce
from ..compiler.passes.differentiate import differentiate
from ..compiler.passes.pushforward import pushforward
from ..compiler.pipeline import Log
from ..compiler.primitive import Example, NoGradient, Primitive
from ..compiler.types import SUPPORTED_DTYPES, type_of
from ..compiler.verify import verify
from .loader import load

# Of an elementwise primitive without examples: a number, nothing, one element, a matrix.
SHAPES = ((), (0, 2), (1,), (2, 3))
# Fourth-order central differences in float64: the truncation is the fourth power of the step times
# the fifth derivative over 30, the rounding 1e-16 over the step.
STEP = 5e-4


def check(
    primitive: Primitive,
    *,
    examples: Sequence[Example] = (),
    rtol: float = 1e-7,
    seed: int = 0,
) -> None:
    """Try a primitive: its type rule, its NumPy text, its derivatives of first and second order.

    For operands of all dtypes that it takes: what it computes is of the types that its type rule
    says, and generated code computes the same. For floating-point operands: gradients against
    differences; forward mode against differences and against reverse mode (the dot-product test);
    the adjoint is linear in the cotangent; second order against differences; float32 stays
    float32 and gives the same. For the field ``batch``: a batch against one by one.

    Args:
        primitive: The primitive.
        examples: On what to try it; if none are given, those of its entry, or, of an elementwise
            one, shapes of each rank with numbers of its ``domain``.
        rtol: Relative tolerance of differences, in float64.
        seed: Of the operands that are made up.

    Raises:
        GradcError: Something differs; with the example, and both sides.

    Example:
        >>> from gradc.compiler.primitives.elementwise import hypot
        >>> check(hypot)
    """
    if not isinstance(primitive, Primitive):
        raise GradcError("extend.check takes a primitive", got=repr(primitive))
    tried = list(examples or primitive.examples)
    if not tried and primitive.elementwise and primitive.domain:
        tried = [Example((shape,) * len(primitive.domain)) for shape in SHAPES]
    if not tried:
        raise GradcError(
            f"there is nothing on which to try {primitive.name}",
            fix="give it a domain (elementwise) or examples: extend.Example(operands, attrs)",
        )
    for number, example in enumerate(tried):
        _Trial(primitive, example, rtol, seed + number).run()


@dataclass
class _Trial:
    """One primitive on one example."""

    primitive: Primitive
    example: Example
    rtol: float
    seed: int
    is_single: bool = False  # whether it computes in float32 whatever it is given

    def run(self) -> None:
        """Check all that there is to check."""
        shaped = [i for i, one in enumerate(self.example.operands) if isinstance(one, tuple)]
        kinds = self.primitive.dtypes if shaped else "f"
        for dtype in SUPPORTED_DTYPES:
            if dtype.kind.replace("u", "i") in kinds:
                self.check_value(self.operands(dtype))
        arrays = self.operands(np.dtype(np.float64))
        if "f" not in kinds:
            return
        self.check_batch(arrays)
        floats = [i for i in shaped if arrays[i].dtype.kind == "f"]
        graph = self.graph(arrays)
        if isinstance(self.primitive.derivative, NoGradient) or not floats:
            return
        if graph.outputs[0].type.is_float:
            self.is_single = graph.outputs[0].dtype == np.float32
            self.check_derivatives(graph, arrays, floats)
            self.check_second_order(graph, arrays, floats)
            self.check_single(floats)

    def operands(self, dtype: np.dtype[Any]) -> list[Any]:
        """Return operands of a dtype; those that the example gives as arrays stay as they are."""
        rng = np.random.default_rng(self.seed)
        found = []
        for i, one in enumerate(self.example.operands):
            if not isinstance(one, tuple):
                found.append(np.asarray(one))
            elif dtype.kind == "b":
                found.append(np.asarray(rng.integers(0, 2, one), dtype))
            elif dtype.kind in "iu":
                found.append(np.asarray(rng.integers(1, 4, one), dtype))
            else:
                domain = self.primitive.domain
                low, high = domain[i] if i < len(domain) else (-2.0, 2.0)
                found.append(np.asarray(rng.uniform(low, high, one), dtype))
        return found

    def graph(self, arrays: Sequence[Any]) -> Graph:
        """Return the graph of one node."""
        params = tuple(Value(type_of(one), f"x{i}") for i, one in enumerate(arrays))
        with Builder() as builder:
            outs = builder.add(self.primitive, params, self.example.attrs)
        return Graph(params, tuple(builder.nodes), outs)

    def check_value(self, arrays: Sequence[Any]) -> None:
        """Check the types, and that generated code computes what the entry does."""
        graph = self.graph(arrays)
        found = self.primitive.evaluate(*arrays, **self.example.attrs)
        wanted = graph.outputs[0].type
        if type_of(np.asarray(found)) != wanted:
            self.fail(
                "what it computes is not what its type rule says",
                f"{type_of(np.asarray(found))}, by the rule {wanted}",
                arrays,
            )
        self.same("generated code", _generated(graph)(*arrays)[0], found, arrays, 1e-6)

    def check_batch(self, arrays: Sequence[Any]) -> None:
        """Check a batch of each operand against one by one."""
        graph = self.graph(arrays)
        for i, one in enumerate(arrays):
            if one.dtype.kind != "f":
                continue
            rows = np.stack([one, one * 0.75, one * 0.5])
            of_many = evaluate(batch(graph, [i], 3), *arrays[:i], rows, *arrays[i + 1 :])[0]
            alone = [evaluate(graph, *arrays[:i], row, *arrays[i + 1 :])[0] for row in rows]
            self.same(f"a batch of operand {i}", of_many, np.stack(alone), arrays, 1e-9)

    def check_derivatives(self, graph: Graph, arrays: Sequence[Any], floats: Sequence[int]) -> None:
        """Check gradients, and then tangents."""
        joint = verify(differentiate(graph, floats, [0]), "differentiate")
        out = evaluate(graph, *arrays)[0]
        ct, other = self.random(out, 1), self.random(out, 2)
        gradients = evaluate(joint, *arrays, ct)[1:]
        again = evaluate(joint, *arrays, other)[1:]
        both = evaluate(joint, *arrays, 2.0 * ct - 3.0 * other)[1:]
        generated = _generated(joint)(*arrays, ct)[1:]
        for place, i in enumerate(floats):
            name, one = f"the gradient by operand {i}", gradients[place]
            linear = 2.0 * one - 3.0 * again[place]
            self.same(f"{name} (linear in the cotangent)", both[place], linear, arrays, 1e-9)
            expected = np.zeros(arrays[i].shape)
            for at in np.ndindex(arrays[i].shape):
                unit = np.zeros(arrays[i].shape)
                unit[at] = 1.0
                expected[at] = np.sum(ct * self.slope_along(arrays, {i: unit}))
            self.same(f"{name} (against differences)", one, expected, arrays, self.rtol)
            self.same(f"{name} (generated code)", generated[place], one, arrays, 1e-9)
        self.check_forward(graph, arrays, floats, ct, gradients)

    def check_forward(
        self,
        graph: Graph,
        arrays: Sequence[Any],
        floats: Sequence[int],
        ct: Any,
        gradients: Sequence[Any],
    ) -> None:
        """Check a tangent against differences, and against the gradients for a cotangent."""
        pushed = verify(pushforward(graph, floats), "pushforward")
        directions = [self.random(arrays[i], 3 + i) for i in floats]
        tangent = evaluate(pushed, *arrays, *directions)[1]
        slope = self.slope_along(arrays, dict(zip(floats, directions, strict=True)))
        self.same("the tangent (against differences)", tangent, slope, arrays, self.rtol)
        here = np.sum(ct * tangent)
        there = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
        scale = sum(np.sum(np.abs(g * d)) for g, d in zip(gradients, directions, strict=True))
        if abs(here - there) > (1e-5 if self.is_single else 1e-9) * max(scale, 1e-3):
            self.fail(
                "forward and reverse mode differ (dot-product test)", f"{here}, {there}", arrays
            )

    def check_second_order(
        self, graph: Graph, arrays: Sequence[Any], floats: Sequence[int]
    ) -> None:
        """Check the derivative of weights x gradients, by all operands, against differences."""
        joint = differentiate(graph, floats, [0])
        ct = self.random(evaluate(graph, *arrays)[0], 1)
        weights = [self.random(arrays[i], 20 + i) for i in floats]
        second = differentiate(joint, floats, range(1, len(joint.outputs)))
        found = evaluate(second, *arrays, ct, *weights)[len(joint.outputs) :]
        directions = {i: self.random(arrays[i], 40 + i) for i in floats}

        def weighted(t: float) -> Any:
            moved = [
                one + t * directions[i] if i in floats else one for i, one in enumerate(arrays)
            ]
            pulled = evaluate(joint, *moved, ct)[1:]
            return sum(np.sum(w * g) for w, g in zip(weights, pulled, strict=True))

        here = sum(np.sum(g * directions[i]) for g, i in zip(found, floats, strict=True))
        self.same("the second derivative", here, self.slope(weighted), arrays, 10 * self.rtol)

    def check_single(self, floats: Sequence[int]) -> None:
        """Check that float32 operands give float32 gradients, near those of float64."""
        single = self.operands(np.dtype(np.float32))
        double = [one.astype(float) if i in floats else one for i, one in enumerate(single)]
        pulled = []
        for arrays in (single, double):
            joint = differentiate(self.graph(arrays), floats, [0])
            types = {node.out.dtype for node in dce(joint).nodes if node.outs}
            if arrays is single and np.dtype(np.float64) in types:
                kept = self.graph(single).outputs[0].type.dtype
                if kept == np.float32:
                    self.fail("a rule makes float64 of float32", "a node of float64", arrays)
            ct = self.random(evaluate(self.graph(arrays), *arrays)[0], 1)
            pulled.append(evaluate(joint, *arrays, ct)[1:])
        for one, other in zip(*pulled, strict=True):
            self.same("the gradient in float32", one, other, single, 1e-3)

    def slope_along(self, arrays: Sequence[Any], directions: dict[int, Any]) -> Any:
        """Return the derivative of the value where operands move along directions."""

        def value(t: float) -> Any:
            moved = [
                one + t * directions[i] if i in directions else one for i, one in enumerate(arrays)
            ]
            return self.primitive.evaluate(*moved, **self.example.attrs)

        return self.slope(value)

    def slope(self, function: Callable[[float], Any]) -> Any:
        """Return the derivative of a function at 0."""
        near = (function(STEP) - function(-STEP)) / (2 * STEP)
        far = (function(2 * STEP) - function(-2 * STEP)) / (4 * STEP)
        return (4 * near - far) / 3

    def random(self, like: Any, number: int) -> Any:
        """Return random numbers of the shape and dtype of an array."""
        rng = np.random.default_rng((self.seed, number))
        return np.asarray(rng.normal(size=np.shape(like)), np.asarray(like).dtype)

    def same(self, what: str, found: Any, expected: Any, arrays: Any, rtol: float) -> None:
        """Refuse two results that differ by more than a part of the largest element."""
        found, expected = np.asarray(found), np.asarray(expected)
        if found.shape != expected.shape:
            self.fail(what, f"shape {found.shape}, expected {expected.shape}", arrays)
        if self.is_single:
            rtol = max(rtol, 1e-3)
        scale = np.max(np.abs(expected), initial=0.0) if expected.dtype.kind == "f" else 0.0
        # Differences of what is about 1 round to 1e-16 / STEP.
        if not np.allclose(found, expected, rtol=rtol, atol=rtol * scale + 1e-11, equal_nan=True):
            self.fail(f"{what} differs", f"{found!r}, expected {expected!r}", arrays)

    def fail(self, what: str, got: str, arrays: Sequence[Any]) -> None:
        """Raise the error that says what differs, and on what."""
        types = ", ".join(str(type_of(one)) for one in arrays)
        attrs = "".join(f", {key}={value!r}" for key, value in self.example.attrs.items())
        raise GradcError(
            f"{self.primitive.name}: {what}",
            got=f"{got}; on {types}{attrs}",
            fix="look at the type rule, the NumPy text and the derivative of the entry",
        )


def _generated(graph: Graph) -> Callable[..., tuple[Any, ...]]:
    params = tuple(f"{param.type}." for param in graph.params)
    heading = Heading("A primitive under test.", "extend.check", "extend.check", params, ())
    module = pipeline.generate(graph, "run", heading, 1, Log())
    run, _ = load(module)
    single = len(graph.outputs) == 1
    return lambda *arrays: (run(*arrays),) if single else run(*arrays)
