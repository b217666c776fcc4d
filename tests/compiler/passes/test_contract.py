"""Sums of products of vectors become dot products, where that loses nothing."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Value
from gradc.compiler.passes.contract import LONGEST, contract
from gradc.compiler.passes.dce import dce
from gradc.compiler.primitives.elementwise import multiply, square
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.types import Sym
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of


def total(x: Any, **attrs: Any) -> Any:
    return sum_(x, **{"axes": tuple(range(x.ndim)), "keepdims": False, **attrs})


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("function", [lambda x, y: multiply(x, y), lambda x, y: square(x)])
def test_becomes_a_dot_product(function: Any, dtype: str) -> None:
    """Within 16 ulp of the sum of the sizes: 100 terms, added in another order."""
    vector = array_type(100, dtype=dtype)
    graph = build(lambda x, y: total(function(x, y)), x=vector, y=vector)
    result = dce(verify(contract(graph)))
    assert names_of(result.nodes) == ["matmul"]
    x, y = np.random.default_rng(6).normal(size=(2, 100)).astype(dtype)
    (got,), (expected,) = evaluate(result, x, y), evaluate(graph, x, y)
    assert got.dtype == expected.dtype
    assert abs(got - expected) <= 16 * np.finfo(dtype).eps * np.sum(np.abs(x * y) + x * x)


def read_twice(x: Value, y: Value) -> Any:
    product = x * y
    return total(product), product


@pytest.mark.parametrize(
    ("function", "shape", "dtype"),
    [
        (lambda x, y: total(x * y), (3, 4), "f8"),
        (lambda x, y: total(x * y, keepdims=True), (4,), "f8"),
        (lambda x, y: total(x * y, axes=()), (4,), "f8"),
        (lambda x, y: total(x * y), (4,), "i8"),
        (lambda x, y: total(x * y), (LONGEST + 1,), "f8"),
        (lambda x, y: total(x * y), (Sym.named("n"),), "f8"),
        (lambda x, y: total(x + y), (4,), "f8"),
        (lambda x, y: total(x * 2.0), (4,), "f8"),
        (read_twice, (4,), "f8"),
    ],
    ids=[
        "matrix", "kept axis", "no axis", "integers", "long: pairwise sums lose less",
        "of unknown length", "of sums", "a number times a sum", "products are needed",
    ],
)  # fmt: skip
def test_stays_a_sum(function: Any, shape: Any, dtype: str) -> None:
    one = array_type(*shape, dtype=dtype)
    graph = build(function, x=one, y=one)
    assert names_of(verify(contract(graph)).nodes) == names_of(graph.nodes)
