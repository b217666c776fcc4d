"""A batch: every primitive, every way of being batched, and loops and branches."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import GradcError
from gradc.compiler.evaluate import evaluate
from gradc.compiler.passes.batch import batch
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import exp
from gradc.compiler.primitives.index import add_at, gather, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.selection import Gather, Mask, Slice
from gradc.compiler.types import type_of
from gradc.compiler.verify import verify

from ..build import array_type, build
from ..primitives.cases import CASES, Case, Executor, every_executor, over

# The same sums in another order: a few roundings.
EXACT = {"rtol": 1e-12, "atol": 1e-13}
SIZES = (0, 1, 3)
DTYPES = {"f": np.float64, "i": np.int64, "b": np.bool_}
BATCHED = [case for case in CASES if case.shaped and case.primitive.numpy is not None]


def several(case: Case, size: int, positions: Sequence[int], dtype: Any = None) -> list[Any]:
    """Return operands of which those at some positions are batched: no two of a batch are alike."""
    arrays = [np.asarray(one) for one in case.arrays(dtype)]
    for i in positions:
        one = arrays[i]
        many = [one, np.flip(one), np.roll(one.reshape(-1), 1).reshape(one.shape)]
        arrays[i] = np.stack(many)[:size]
    return arrays


def stacked(case: Case, arrays: Sequence[Any], size: int, positions: Sequence[int]) -> Any:
    """Return the results of one after the other."""
    graph = case.graph(arrays[positions[0]].dtype)
    rows = [
        evaluate(graph, *(one[row] if i in positions else one for i, one in enumerate(arrays)))[0]
        for row in range(size)
    ]
    out = graph.outputs[0]
    return np.stack(rows) if rows else np.zeros((0, *out.shape), out.dtype)


def subsets(positions: Sequence[int]) -> list[tuple[int, ...]]:
    """Return every choice of some of them."""
    return [one for n in range(1, len(positions) + 1) for one in combinations(positions, n)]


@every_executor
@over(BATCHED)
def test_batch_is_one_after_the_other(case: Case, executor: Executor) -> None:
    """Whatever is batched: the rule of an entry knows its axes, and its index."""
    for positions in subsets(case.shaped):
        for size in SIZES:
            for dtype in (DTYPES[kind] for kind in case.kinds):
                arrays = several(case, size, positions, dtype)
                graph = verify(batch(case.graph(dtype), positions, size), "batch")
                (result,) = executor(graph)(*arrays)
                expected = stacked(case, arrays, size, positions)
                assert type_of(result) == type_of(expected), (positions, size, dtype)
                np.testing.assert_allclose(
                    result, expected, **EXACT, err_msg=f"{positions} {size} {dtype}"
                )


def test_matrix_with_a_batch_of_vectors_is_one_product() -> None:
    """What blocks of basis vectors are for: (3, 5) by (7, 5) is one product of matrices."""
    many = batch(build(matmul, w=array_type(3, 5), x=array_type(5)), [1], 7)
    products = [node for node in many.nodes if node.primitive is matmul]
    assert [[one.shape for one in node.operands] for node in products] == [[(7, 5), (5, 3)]]


MATRICES = [
    ((3, 5), (5, 1)),
    ((3, 5), (5, 9)),
    ((2, 3, 5), (5, 1)),
    ((2, 3, 5), (5, 9)),
    ((2, 1, 5), (2, 5, 4)),
    ((2, 7, 5), (2, 5, 4)),
    ((2, 3, 5), (2, 5, 2)),
    ((1, 5), (2, 5, 4)),
    ((7, 5), (2, 5, 1)),
    ((6, 2, 3, 5), (6, 2, 5, 1)),
    ((6, 2, 1, 5), (6, 2, 5, 4)),
    ((5,), (6, 2, 5, 4)),
    ((6, 2, 3, 5), (5,)),
]


@pytest.mark.parametrize("shapes", MATRICES, ids=str)
def test_products_of_few_and_of_many_columns(shapes: Any) -> None:
    """Which products are joined depends on shapes; the result does not."""
    graph = build(matmul, x=array_type(*shapes[0]), y=array_type(*shapes[1]))
    rng = np.random.default_rng(3)
    for positions in subsets([0, 1]):
        arrays = [
            rng.normal(size=(4, *shape) if i in positions else shape)
            for i, shape in enumerate(shapes)
        ]
        many = verify(batch(graph, positions, 4), "batch")
        expected = [
            evaluate(graph, *(one[k] if i in positions else one for i, one in enumerate(arrays)))[0]
            for k in range(4)
        ]
        np.testing.assert_allclose(evaluate(many, *arrays)[0], np.stack(expected), **EXACT)


@pytest.mark.parametrize(
    ("index", "shapes"),
    [
        ((Gather(), Slice()), ((2,),)),
        ((Slice(), Gather(), Slice(), Gather()), ((3,), (2, 1))),
        ((Gather(), Slice(), Gather(), Slice()), ((3,), (2, 1))),
        ((Slice(), Gather(), Gather(), Slice()), ((), (2,))),
        ((Slice(), 1, Gather(), None, Slice()), ((2, 2),)),
        ((Slice(), Gather(), None, Gather(), Slice()), ((), ())),
    ],
    ids=str,
)
@every_executor
def test_batches_of_indices(index: Any, shapes: Any, executor: Executor) -> None:
    """NumPy puts axes of index arrays in front or in place: a batch of them comes out in front."""
    rank = sum(item is not None for item in index)
    rng = np.random.default_rng(5)
    whole = rng.normal(size=(4, 3, 4, 3)[:rank])

    def program(x: Any, *places: Any) -> Any:
        taken = gather(x, *places, index=index)
        stored = update(x, taken * 2.0, *places, index=index)
        return taken, stored, add_at(x, taken, *places, index=index)

    types = {f"i{k}": array_type(*shape, dtype=np.int64) for k, shape in enumerate(shapes)}
    graph = build(program, x=array_type(*whole.shape), **types)
    arrays = [whole, *(rng.integers(0, 3, size=shape) for shape in shapes)]
    for positions in subsets(range(len(arrays))):
        many = [
            np.stack([one, one[::-1] if one.ndim else 2 - one, np.roll(one, 1)])
            if i in positions
            else one
            for i, one in enumerate(arrays)
        ]
        rows = [
            evaluate(graph, *(one[k] if i in positions else one for i, one in enumerate(many)))
            for k in range(3)
        ]
        results = executor(verify(batch(graph, positions, 3), "batch"))(*many)
        for result, expected in zip(results, zip(*rows, strict=True), strict=True):
            np.testing.assert_allclose(result, np.stack(expected), **EXACT, err_msg=str(positions))


def test_what_is_not_batched_is_computed_once() -> None:
    """Nodes that read no batched param stay as they are, and results are repeated at the end."""
    graph = build(lambda x, y: (exp(x), exp(x) * y), x=array_type(3), y=array_type(3))
    many = batch(graph, [1], 4)
    assert [node.out.shape for node in many.nodes if node.primitive is exp] == [(3,)] * 2
    assert [one.shape for one in many.outputs] == [(4, 3), (4, 3)]
    assert [one.name for one in many.params] == ["x", "y"]


def test_differing_masks_are_refused() -> None:
    """Each would select another number of elements."""
    graph = build(
        lambda x, mask: gather(x, mask, index=(Mask(1, 2),)),
        x=array_type(3),
        mask=array_type(3, dtype=bool),
    )
    with pytest.raises(GradcError, match="masks that differ over a batch") as caught:
        batch(graph, [1], 4)
    assert "np.where" in str(caught.value)


def test_call_backs_run_for_one_after_the_other() -> None:
    """A Python function gets what it would get without a batch."""
    seen: list[Any] = []

    def double(x: Any) -> Any:
        seen.append(x.copy())
        return 2 * x

    def program(x: Any) -> Any:
        return callback(x, callback=Callback("double", double), types=(x.type,))

    many = verify(batch(build(program, x=array_type(2)), [0], 3), "batch")
    rows = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(evaluate(many, rows)[0], 2 * rows)
    np.testing.assert_array_equal(np.stack(seen), rows)
