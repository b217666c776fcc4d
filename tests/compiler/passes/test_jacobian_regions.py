"""Jacobians and Hessians of loops and branches, against PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from gradc.compiler.errors import DerivativeError
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.batch_regions import counted_loop
from gradc.compiler.passes.jacobian import hessian, jacobian
from gradc.compiler.pipeline import Log, optimise
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import exp, greater, less
from gradc.compiler.primitives.elementwise.trigonometric import sin, tanh
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.records import push
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.regions import block, cond, while_loop
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..primitives.cases import Executor, every_executor

# The same sums in another order, through several iterations.
EXACT = {"rtol": 1e-10, "atol": 1e-11}
TYPES = {"w": array_type(3, 3), "x": array_type(3)}


def counted(w: Any, x: Any) -> Any:
    """Return tanh(w ...), four times, and the sum of squares on the way."""

    def step(i: Any, carried: Any, given: Any) -> Any:
        x, total = carried
        x = tanh(matmul(given[0], x))
        return x, total + sum_(x * x, axes=(0,), keepdims=False)

    zero = Builder.current().constant(0.0)
    return counted_loop(4, [x, zero], [w], step)


def torch_counted(w: Any, x: Any) -> Any:
    """Return the same."""
    total = 0.0
    for _ in range(4):
        x = torch.tanh(w @ x)
        total = total + (x * x).sum()
    return x, total


def unbounded(w: Any, x: Any) -> Any:
    """Return x taken through exp(-w x) until the sum has grown large enough."""
    types = {"x": array_type(3), "n": array_type(), "w": array_type(3, 3)}
    condition = build(lambda x, n, w: less(n, 3.5), **types)
    body = build(lambda x, n, w: (sin(matmul(w, x)) * x, n + 1.0), **types)
    zero = Builder.current().constant(0.0)
    options = {"condition": condition, "body": body, "carried": 2, "checkpoint": None}
    return while_loop(x, zero, w, **options)[0]


def torch_unbounded(w: Any, x: Any) -> Any:
    """Return the same."""
    for _ in range(4):
        x = torch.sin(w @ x) * x
    return x


def branching(w: Any, x: Any) -> Any:
    """Return what the sign of a sum decides."""
    true = build(lambda w, x: matmul(w, sin(x)), **TYPES)
    false = build(lambda w, x: exp(matmul(x, w)), **TYPES)
    total = sum_(x, axes=(0,), keepdims=False)
    return cond(greater(total, 0.0), w, x, true=true, false=false)


def torch_branching(w: Any, x: Any) -> Any:
    """Return the same for a positive sum."""
    return w @ torch.sin(x)


def blocked(w: Any, x: Any) -> Any:
    """Return a part that backward computes again."""
    return block(w, x, body=build(lambda w, x: sin(matmul(w, x)) * x, **TYPES), name="part")


PROGRAMS = {
    "counted": (counted, torch_counted),
    "unbounded": (unbounded, torch_unbounded),
    "branching": (branching, torch_branching),
    "block": (blocked, lambda w, x: torch.sin(w @ x) * x),
}
every_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
every_block = pytest.mark.parametrize("size", [None, 1, 2], ids=str)
Pair = tuple[Callable[..., Any], Callable[..., Any]]


def passes(graph: Graph) -> Graph:
    """Return a graph as the pipeline optimises it."""
    return verify(optimise(graph, Log()))


def arguments() -> list[Any]:
    """Return arguments; those of x have a positive sum."""
    rng = np.random.default_rng(8)
    return [rng.normal(size=(3, 3)) * 0.6, np.array([0.4, -0.3, 0.7])]


def flat(results: Any) -> list[Any]:
    """Return nested results one after the other."""
    if isinstance(results, tuple | list):
        return [leaf for one in results for leaf in flat(one)]
    return [np.asarray(results)]


def check(results: Any, expected: Any) -> None:
    """Assert that results, leaf by leaf, are those of PyTorch."""
    for result, other in zip(results, flat(expected), strict=True):
        assert np.shape(result) == other.shape
        np.testing.assert_allclose(result, other, **EXACT)


@every_executor
@every_block
@pytest.mark.parametrize("forward", [False, True], ids=["reverse", "forward"])
@every_program
def test_jacobian(program: Pair, forward: bool, size: int | None, executor: Executor) -> None:
    """A loop in the block is one loop over the whole block."""
    graph = optimise(build(program[0], **TYPES), Log())
    outputs = range(len(graph.outputs))
    made = verify(jacobian(graph, [0, 1], outputs, forward, size, passes))
    results = executor(made)(*arguments())[len(outputs) :]
    tensors = [torch.tensor(one) for one in arguments()]
    check(results, torch.func.jacrev(program[1], (0, 1))(*tensors))


@every_executor
@every_block
@every_program
def test_hessian(program: Pair, size: int | None, executor: Executor) -> None:
    """Forward through the backward loops and what these saved."""
    graph = optimise(build(program[0], **TYPES), Log())
    outputs = range(len(graph.outputs))
    made = verify(hessian(graph, [0, 1], outputs, size, passes))
    results = executor(made)(*arguments())[len(outputs) :]
    tensors = [torch.tensor(one) for one in arguments()]
    pulled = torch.func.jacrev(program[1], (0, 1))
    check(results, torch.func.jacrev(pulled, (0, 1))(*tensors))


@every_executor
def test_records_longer_than_their_first_room(executor: Executor) -> None:
    """What a loop of unknown length saves for each basis vector grows with it, in place."""

    def program(x: Any) -> Any:
        types = {"x": array_type(3), "n": array_type()}
        condition = build(lambda x, n: less(n, 40.5), **types)
        body = build(lambda x, n: (sin(x) + x * 0.1, n + 1.0), **types)
        zero = Builder.current().constant(0.0)
        options = {"condition": condition, "body": body, "carried": 2, "checkpoint": None}
        return while_loop(x, zero, **options)[0]

    def torch_program(x: Any) -> Any:
        for _ in range(41):
            x = torch.sin(x) + x * 0.1
        return x

    made = optimise(hessian(build(program, x=array_type(3)), [0], [0], 2, passes), Log())
    x = arguments()[1]
    expected = torch.func.jacrev(torch.func.jacrev(torch_program))(torch.tensor(x))
    check(executor(made)(x)[1:], expected)
    stores = [node for body in bodies(made) for node in body.nodes if node.primitive is push]
    assert {node.out.ndim for node in stores} == {2, 3}  # of the program, and of a block
    params = {param for body in bodies(made) for param in body.params}
    assert all(node.operands[0] in params for node in stores)  # and no view, which would be copied


def bodies(graph: Graph) -> list[Graph]:
    """Return the bodies in a graph, and those in them."""
    found = [region for node in graph.nodes for region in node.regions]
    return [*found, *(one for region in found for one in bodies(region))]


def test_effects_in_loops_are_not_repeated() -> None:
    """Forward mode runs a loop again with its tangents: a call-back in it would run twice."""
    look = Callback("look", lambda x: None)
    x = Value(array_type(3), "x")

    def step(i: Any, carried: Any, given: Any) -> Any:
        Builder.current().add(callback, (carried[0],), {"callback": look, "types": ()})
        return [sin(carried[0])]

    with Builder() as builder:
        outs = counted_loop(2, [x], [], step)
    graph = Graph((x,), tuple(builder.nodes), outs)
    with pytest.raises(DerivativeError, match="would run once more") as caught:
        jacobian(graph, [0], [0], True)
    assert "reverse mode" in str(caught.value)
