"""Jacobians and Hessians against PyTorch, against stacked pullbacks and tangents, in all blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from gradc.compiler.errors import DerivativeError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.passes.differentiate import differentiate
from gradc.compiler.passes.jacobian import MOST_ROWS, hessian, jacobian
from gradc.compiler.passes.pushforward import pushforward
from gradc.compiler.pipeline import Log, optimise
from gradc.compiler.primitives.control import Callback, callback, hook
from gradc.compiler.primitives.elementwise import exp, square, where
from gradc.compiler.primitives.elementwise.comparison import greater
from gradc.compiler.primitives.elementwise.trigonometric import sin, tanh
from gradc.compiler.primitives.index import gather, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import mean, sum_
from gradc.compiler.primitives.regions import for_loop
from gradc.compiler.primitives.selection import Gather, Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.primitives.softmax import logsumexp, softmax
from gradc.compiler.types import Sym
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..primitives.cases import EXECUTORS, Executor, every_executor

# The same sums in another order: a few roundings.
EXACT = {"rtol": 1e-11, "atol": 1e-12}
BLOCKS = (None, 1, 2, 64)
ROWS = np.array([2, 0, 2])


@dataclass(frozen=True)
class Program:
    """A function, twice: of Values, and of PyTorch's tensors; and the shapes of its arguments."""

    name: str
    function: Callable[..., Any]
    torch: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]

    def graph(self) -> Graph:
        """Return its graph, optimised as it would be before it is differentiated."""
        types = {f"x{i}": array_type(*shape) for i, shape in enumerate(self.shapes)}
        return optimise(build(self.function, **types), Log())

    def arrays(self) -> list[Any]:
        """Return arguments."""
        rng = np.random.default_rng(4)
        return [np.asarray(rng.normal(size=shape)) for shape in self.shapes]


def _mlp(w: Any, b: Any, v: Any, x: Any) -> Any:
    hidden = tanh(matmul(x, w) + broadcast_to(b, shape=(5, 4)))
    return mean(logsumexp(matmul(hidden, v), axes=(1,), keepdims=False), axes=(0,), keepdims=False)


def _rows(x: Any) -> Any:
    indices = Builder.current().constant(ROWS)
    taken = gather(sin(x), indices, index=(Gather(), Slice()))
    return update(x, taken * taken, indices, index=(Gather(), Slice()))


def _torch_rows(x: Any) -> Any:
    # Of an index that occurs twice the last value stays.
    taken = torch.sin(x)[torch.tensor(ROWS)] ** 2
    return torch.stack([taken[1], x[1], taken[2]])


PROGRAMS = (
    Program(
        "mlp",
        _mlp,
        lambda w, b, v, x: (torch.tanh(x @ w + b) @ v).logsumexp(1).mean(),
        ((3, 4), (4,), (4, 2), (5, 3)),
    ),
    Program(
        "softmax",
        lambda x: softmax(x, axes=(1,)),
        lambda x: torch.softmax(x, 1),
        ((2, 3),),
    ),
    Program(
        "products", lambda a, b: matmul(a, matmul(b, a)), lambda a, b: a @ b @ a, ((2, 3), (3, 2))
    ),
    Program(
        "batched_products",
        lambda a, b, c: matmul(matmul(a, b), c),
        lambda a, b, c: a @ b @ c,
        ((2, 3, 4), (2, 4, 1), (1, 2)),
    ),
    Program("rows", _rows, _torch_rows, ((3, 2),)),
    Program(
        "scalar_to_vector",
        lambda t, x: sin(broadcast_to(t, shape=(4,)) * x),
        lambda t, x: torch.sin(t * x),
        ((), (4,)),
    ),
    Program("scalars", lambda x, y: exp(x * y) * y, lambda x, y: torch.exp(x * y) * y, ((), ())),
    Program(
        "several_outputs",
        lambda x, y: (
            square(x) * exp(y),
            sum_(x * x * y, axes=(0,), keepdims=False),
            reshape(transpose(reshape(y, shape=(3, 1)), axes=(1, 0)), shape=(1, 3)),
        ),
        lambda x, y: (x**2 * torch.exp(y), (x * x * y).sum(), y.reshape(1, 3)),
        ((3,), (3,)),
    ),
    Program("empty", lambda x: sin(x), lambda x: torch.sin(x), ((0, 2),)),
    Program(
        "empty_to_scalar",
        lambda x, y: sum_(square(x), axes=(0,), keepdims=False) * y,
        lambda x, y: (x**2).sum() * y,
        ((0,), ()),
    ),
    Program(
        "branches",
        lambda x: where(greater(x, 0.0), sin(x) * x, exp(x)),
        lambda x: torch.where(x > 0, torch.sin(x) * x, torch.exp(x)),
        ((7,),),
    ),
)
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.name)
every_block = pytest.mark.parametrize("block", BLOCKS, ids=str)


def passes(graph: Graph) -> Graph:
    """Return a graph as the pipeline optimises it."""
    return verify(optimise(graph, Log()))


def flat(results: Any) -> list[Any]:
    """Return nested results one after the other."""
    if isinstance(results, tuple | list):
        return [leaf for one in results for leaf in flat(one)]
    return [np.asarray(results)]


def check(results: Sequence[Any], expected: Any) -> None:
    """Assert that results, leaf by leaf, are those of PyTorch."""
    for result, other in zip(results, flat(expected), strict=True):
        assert np.shape(result) == other.shape
        assert np.asarray(result).dtype == other.dtype
        np.testing.assert_allclose(result, other, **EXACT)


@every_executor
@every_block
@pytest.mark.parametrize("forward", [False, True, None], ids=str)
@every_program
def test_jacobian_is_that_of_pytorch(
    program: Program, forward: bool | None, block: int | None, executor: Executor
) -> None:
    """Both modes, blocks that divide the number of rows and that do not, all inputs and outputs."""
    graph, arrays = program.graph(), program.arrays()
    wrt, outputs = range(len(graph.params)), range(len(graph.outputs))
    made = verify(jacobian(graph, wrt, outputs, forward, block, passes))
    results = executor(made)(*arrays)
    tensors = [torch.tensor(array) for array in arrays]
    check(results[: len(outputs)], program.torch(*tensors))
    expected = torch.func.jacrev(program.torch, tuple(wrt))(*tensors)
    check(results[len(outputs) :], expected)


@every_executor
@every_block
@every_program
def test_hessian_is_that_of_pytorch(
    program: Program, block: int | None, executor: Executor
) -> None:
    """In the order in which torch.func nests them; of outputs that are no scalars too."""
    graph, arrays = program.graph(), program.arrays()
    wrt, outputs = range(len(graph.params)), range(len(graph.outputs))
    made = verify(hessian(graph, wrt, outputs, block, passes))
    results = executor(made)(*arrays)[len(outputs) :]
    tensors = [torch.tensor(array) for array in arrays]
    # Not torch.func.hessian, whose forward mode warns of deprecated parts of PyTorch.
    pulled = torch.func.jacrev(program.torch, tuple(wrt))
    check(results, torch.func.jacrev(pulled, tuple(wrt))(*tensors))


@every_program
def test_hessian_is_symmetric(program: Program) -> None:
    """Forward over reverse computes both halves, each on its own."""
    graph, arrays = program.graph(), program.arrays()
    count = len(graph.params)
    results = evaluate(hessian(graph, range(count), [0]), *arrays)[len(graph.outputs) :]
    rank = graph.outputs[0].ndim
    for i in range(count):
        for j in range(count):
            here, there = results[i * count + j], results[j * count + i]
            left = graph.params[i].ndim
            axes = (*range(rank), *range(rank + left, np.ndim(here)), *range(rank, rank + left))
            np.testing.assert_allclose(np.transpose(here, axes), there, **EXACT)


@every_program
def test_rows_are_pullbacks_and_columns_are_tangents(program: Program) -> None:
    """One basis vector after the other through the passes that the blocks are made of."""
    graph, arrays = program.graph(), program.arrays()
    kept = len(graph.outputs)
    (result,) = evaluate(jacobian(graph, [0], [0], None, 2), *arrays)[kept:]
    out, param = graph.outputs[0], graph.params[0]
    table = np.reshape(result, (out.type.size, param.type.size))
    for row, unit in zip(table, np.eye(out.type.size), strict=True):
        pulled = evaluate(differentiate(graph, [0], [0]), *arrays, unit.reshape(out.shape))
        np.testing.assert_allclose(row, np.reshape(pulled[kept], -1), **EXACT)
    for column, unit in zip(table.T, np.eye(param.type.size), strict=True):
        both = evaluate(pushforward(graph, [0]), *arrays, unit.reshape(param.shape))
        np.testing.assert_allclose(column, np.reshape(both[kept], -1), **EXACT)


def test_jacobian_is_what_differences_give() -> None:
    """Against the function alone: no derivative rule takes part."""
    program = PROGRAMS[0]
    graph, arrays = program.graph(), program.arrays()
    results = evaluate(jacobian(graph, [0], [0]), *arrays)[1]
    step = 1e-6
    for place in np.ndindex(3, 4):
        unit = np.zeros((3, 4))
        unit[place] = step
        ends = [evaluate(graph, arrays[0] + by, *arrays[1:])[0] for by in (unit, -unit)]
        # Central differences of second order: the truncation is step^2, the rounding 1e-16/step.
        assert results[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-9)


def chain(count: int = 5) -> Graph:
    """Return x -> tanh(w x), twice."""
    types = {"w": array_type(count, count), "x": array_type(count)}
    return build(lambda w, x: tanh(matmul(w, tanh(matmul(w, x)))), **types)


@pytest.mark.parametrize("forward", [False, True], ids=["reverse", "forward"])
def test_products_stay_products_of_matrices(forward: bool) -> None:
    """What blocks are for: none of the products in the loop is one of a matrix and a vector."""
    made = optimise(jacobian(chain(), [1], [0], forward, 2, passes), Log())
    (loop,) = [node for node in made.nodes if node.primitive is for_loop]
    products = [node for node in loop.attrs["body"].nodes if node.primitive is matmul]
    assert len(products) == 2
    assert all(node.out.shape == (2, 5) for node in products)


@pytest.mark.parametrize("forward", [False, True], ids=["reverse", "forward"])
def test_primal_part_runs_once(forward: bool) -> None:
    """What does not depend on basis vectors stands outside the loop."""
    made = optimise(jacobian(chain(), [1], [0], forward, 2, passes), Log())
    (loop,) = [node for node in made.nodes if node.primitive is for_loop]
    assert tanh not in [node.primitive for node in loop.attrs["body"].nodes]
    assert [node.primitive for node in made.nodes].count(tanh) == 2


def test_default_block() -> None:
    """Blocks of like size, at most 64 rows; fewer where temporaries are large; none for few."""

    def block_of(graph: Graph) -> list[int]:
        made = jacobian(graph, [1], [0], False)
        loops = [node for node in made.nodes if node.primitive is for_loop]
        return [loop.outs[0].shape[1] for loop in loops]

    assert block_of(chain(MOST_ROWS)) == []
    assert block_of(chain(MOST_ROWS + 6)) == [35]

    def large(w: Any, x: Any) -> Any:
        wide = sin(matmul(x, w))
        return matmul(w, square(wide))

    types = {"w": array_type(100, 40_000), "x": array_type(100)}
    assert block_of(build(large, **types)) == [1]


def test_mode_is_chosen_by_size() -> None:
    """Forward where there are fewer inputs than outputs: fewer basis vectors."""
    wide = build(
        lambda x: exp(broadcast_to(reshape(x, shape=(1, 2)), shape=(9, 2))), x=array_type(2)
    )
    narrow = build(
        lambda x: reshape(sum_(exp(x), axes=(0,), keepdims=True), shape=(1,)), x=array_type(9)
    )
    for graph, forward in ((wide, True), (narrow, False)):
        chosen, other = (len(jacobian(graph, [0], [0], one).nodes) for one in (None, forward))
        assert chosen == other
        result = evaluate(jacobian(graph, [0], [0]), np.ones(graph.params[0].shape))[1]
        assert result.shape == (*graph.outputs[0].shape, *graph.params[0].shape)


@every_executor
@pytest.mark.parametrize("forward", [False, True], ids=["reverse", "forward"])
@pytest.mark.parametrize("block", [None, 1], ids=str)
def test_unknown_sizes(executor: Executor, forward: bool, block: int | None) -> None:
    """All basis vectors together, or one by one."""
    n = Sym.named("n")
    graph = build(lambda x: sin(x) * x, x=array_type(n))
    made = verify(jacobian(graph, [0], [0], forward, block))
    if executor is EXECUTORS["numpy_source"]:
        x = np.linspace(0.1, 1.0, 4)
        expected = np.diag(np.cos(x) * x + np.sin(x))
        np.testing.assert_allclose(executor(made)(x)[1], expected, **EXACT)


def test_unknown_sizes_have_no_other_blocks() -> None:
    """The number of blocks would be no size that types can say."""
    graph = build(sin, x=array_type(Sym.named("n")))
    with pytest.raises(DerivativeError, match="blocks of 3 basis vectors do not fit") as caught:
        jacobian(graph, [0], [0], block=3)
    assert "block=1" in str(caught.value)


@pytest.mark.parametrize("block", [0, -1])
def test_a_block_has_a_row(block: int) -> None:
    """Nothing would ever be done."""
    with pytest.raises(DerivativeError, match="is none"):
        jacobian(chain(), [1], [0], block=block)


def test_integers_are_refused() -> None:
    """They carry no gradients."""
    graph = build(lambda i: i * 2, i=array_type(3, dtype=np.int64))
    with pytest.raises(DerivativeError, match="floating-point"):
        jacobian(graph, [0], [0])


def test_single_precision_stays() -> None:
    """Basis vectors have the dtype of what they are vectors of."""
    graph = build(lambda x: tanh(x * x), x=array_type(3, dtype=np.float32))
    for forward in (False, True):
        made = jacobian(graph, [0], [0], forward, 2)
        assert made.outputs[1].dtype == np.float32


class _Twice:
    def apply(self, ct: Any) -> Any:
        return ct * 2.0


def test_hooks_change_pullbacks_of_each_output() -> None:
    """A hook gets the cotangent of each row, of every output; forward mode knows nothing of it."""
    x = Value(array_type(3), "x")
    with Builder() as builder:
        y = square(x)
        builder.add(hook, (y,), {"hook": _Twice()})
        outputs = (sin(y), y * 3.0)
    graph = Graph((x,), tuple(builder.nodes), outputs)
    at = np.array([0.1, 0.5, 0.9])
    plain = [np.diag(2 * at * np.cos(at * at)), np.diag(6 * at)]
    for forward, factor in ((False, 2), (True, 1)):
        results = EXECUTORS["numpy_source"](jacobian(graph, [0], [0, 1], forward, 2))(at)[2:]
        for result, expected in zip(results, plain, strict=True):
            np.testing.assert_allclose(result, factor * expected, **EXACT)


def test_effects_happen_once() -> None:
    """A call-back in the program is none of the part that depends on basis vectors."""
    seen: list[float] = []
    x = Value(array_type(3), "x")
    with Builder() as builder:
        y = square(x)
        attrs = {"callback": Callback("look", lambda y: seen.append(y.sum())), "types": ()}
        builder.add(callback, (y,), attrs)
        outputs = (sin(y), y * 3.0)
    graph = Graph((x,), tuple(builder.nodes), outputs)
    for forward in (False, True):
        seen.clear()
        evaluate(jacobian(graph, [0], [0, 1], forward, 2), np.ones(3))
        assert seen == [3.0]
