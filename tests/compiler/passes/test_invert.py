"""A division by a power of two becomes a multiplication with the same bits, and no other does."""

import numpy as np
import pytest
from gradc.compiler.evaluate import evaluate
from gradc.compiler.ir import Graph, Value
from gradc.compiler.passes.invert import invert
from gradc.compiler.primitives.elementwise import divide
from gradc.compiler.verify import verify

from ..build import array_type, build, names_of

# The least and the greatest numbers, where a rounded inverse would show.
X = np.array([0.0, -0.0, 1.0, 3.3, 5e-324, 2.3e-308, 1.7e308, np.inf, -np.inf, np.nan])


def divided_by(number: float, dtype: str = "float64") -> Graph:
    def program(x: Value) -> Value:
        return divide(x, number)

    return build(program, x=array_type(len(X), dtype=dtype))


@pytest.mark.parametrize("number", [2.0, 0.5, -8.0, 1.0, 2.0**1000, 2.0**-1022, 2.0**1023])
def test_powers_of_two(number: float) -> None:
    graph = divided_by(number)
    found = verify(invert(graph))
    assert "divide" not in names_of(found.nodes)
    with np.errstate(all="ignore"):
        (got,), (wanted,) = evaluate(found, X), evaluate(graph, X)
    np.testing.assert_array_equal(got.view(np.int64), wanted.view(np.int64))


@pytest.mark.parametrize(
    "number", [3.0, 0.1, 0.0, np.inf, np.nan, 2.0**-1074, float(np.nextafter(2.0, 3.0))]
)
def test_other_numbers(number: float) -> None:
    """Those whose inverse is none of the format, or is rounded, are left alone."""
    graph = divided_by(number)
    assert "divide" in names_of(invert(graph).nodes)


def test_the_format_decides() -> None:
    """2**-140 is subnormal in float32, its inverse infinite."""
    assert "divide" in names_of(invert(divided_by(2.0**-140, "float32")).nodes)
    assert "divide" not in names_of(invert(divided_by(2.0**-120, "float32")).nodes)
