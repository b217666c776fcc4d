"""Integers as in NumPy: all pairs of bytes, and of wider ones those at which machines differ.

Machines trap at a division by 0 and at that of the least number by -1, and shift by what the lowest
bits of the distance say: native code must not.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.llvm.integers import OPERATIONS
from gradc.compiler.backends.llvm.lowering import called
from gradc.compiler.ir import Graph
from gradc.compiler.pipeline import Log, lower_native
from gradc.compiler.primitive import REGISTRY
from gradc.compiler.types import type_of
from gradc.runtime.native_calls import native_program

from ...primitives.cases import one_node

DTYPES = [np.dtype(code) for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]


def operands(name: str, dtype: np.dtype[Any]) -> list[Any]:
    """Return all bytes, or numbers at the edges and at random, in all pairs."""
    limits = np.iinfo(dtype)
    if dtype.itemsize == 1:
        numbers = list(range(limits.min, limits.max + 1))
    else:
        near = [*range(-9, 10), *(8 * k + d for k in range(9) for d in (-1, 0, 1))]
        ends = [limits.min, limits.min + 1, limits.max - 1, limits.max]
        drawn = np.random.default_rng(1).integers(limits.min, limits.max, 40, dtype, endpoint=True)
        numbers = [*near, *ends, *drawn.tolist()]
    kept = [one for one in numbers if limits.min <= one <= limits.max]
    pairs = np.array(list(product(kept, repeat=2)), dtype)
    count = len(REGISTRY[name].domain)
    return [np.ascontiguousarray(pairs[:, place]) for place in range(count)]


# A negative exponent is an error, of which only NumPy knows.
CASES = [
    pytest.param(name, dtype, id=f"{name}-{dtype}")
    for name in OPERATIONS
    for dtype in DTYPES
    if (name, dtype.kind) != ("power", "i")
]


def native(name: str, arrays: list[Any]) -> tuple[Graph, Any]:
    """Return the lowered graph of a primitive, and it as a function."""
    graph = lower_native(one_node(REGISTRY[name], [type_of(one) for one in arrays], {}), Log())
    return graph, native_program(graph, "run", (), level=1).run


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_operation_is_that_of_numpy(name: str, dtype: np.dtype[Any]) -> None:
    """Bit for bit, in loops and alone, and nothing traps."""
    arrays = operands(name, dtype)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(*arrays)
    graph, run = native(name, arrays)
    assert not called(graph)
    result = run(*arrays)
    assert result.dtype == expected.dtype
    wrong = result != expected
    assert not np.any(wrong), [one[wrong][:5] for one in (*arrays, result, expected)]


def test_power_of_signed_integers_is_that_of_numpy() -> None:
    """With its error."""
    x, n = np.array([2, -3, 7]), np.array([62, 3, 0])
    graph, run = native("power", [x, n])
    assert called(graph)
    np.testing.assert_array_equal(run(x, n), x**n)
    with pytest.raises(ValueError, match="negative integer powers"):
        run(x, -n)
