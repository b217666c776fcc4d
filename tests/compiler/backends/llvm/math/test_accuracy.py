"""The functions keep their bounds: against stored exact values, and float32 against float64.

The bounds are those that docs/accuracy.md promises, in units of the last place.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .loops import Loop
from .points import MEASURED, error, points

# Sums of several terms, of which the greatest cancel.
BOUNDS = {
    **dict.fromkeys(("gammaln", "digamma", "trigamma", "polygamma"), 4.0),
    **dict.fromkeys(("erfcx", "log_ndtr", "sinc", "bessel_i0", "i0e", "i1", "i1e"), 3.0),
}
BOUND = 2.0

STORED = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))


def stored(name: str) -> list[Any]:
    """Return the operands, the exact values and what these lack."""
    return [np.array([float.fromhex(value) for value in column]) for column in STORED[name]]


def test_every_function_has_stored_values() -> None:
    """A function that is added without them would not be tested."""
    assert set(STORED) == set(MEASURED)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", MEASURED)
def test_against_exact_values(name: str, fused: bool) -> None:
    """With fused multiplication and without, which machines before x86-64-v3 lack."""
    *operands, high, low = stored(name)
    errors = error(Loop(name, np.float64, fused)(*operands), high, low)
    worst = int(np.argmax(errors))
    assert errors[worst] <= BOUNDS.get(name, BOUND), [one[worst] for one in operands]


@pytest.mark.parametrize("name", MEASURED)
def test_single_against_double(name: str) -> None:
    """Float64 is exact beside float32, so that many more points can be tried."""
    operands = points(name, np.float32, 4000)
    double = Loop(name, np.float64)(*operands)
    errors = error(Loop(name, np.float32)(*operands), double, np.zeros_like(double))
    worst = int(np.argmax(errors))
    assert errors[worst] <= BOUNDS.get(name, BOUND), [one[worst] for one in operands]


@pytest.mark.parametrize("name", ["gamma", "gammaln", "digamma"])
def test_negative_arguments(name: str) -> None:
    """Reflection: an absolute error beside the terms, which cancel near the zeros."""
    special = pytest.importorskip("scipy.special")
    x = -np.random.default_rng(1).uniform(0.01, 30.0, 2000)
    expected = getattr(special, {"digamma": "psi"}.get(name, name))(x)
    # 40 units of what is subtracted: digamma has poles, near which SciPy's own error grows.
    np.testing.assert_allclose(Loop(name, np.float64)(x), expected, rtol=1e-12, atol=1e-13)


def test_trigamma_of_negative_arguments() -> None:
    special = pytest.importorskip("scipy.special")
    x = -np.random.default_rng(1).uniform(0.01, 30.0, 500)
    turned = (np.pi / np.sin(np.pi * (x - np.rint(x)))) ** 2
    expected = turned - special.polygamma(1, 1.0 - x)
    np.testing.assert_allclose(Loop("trigamma", np.float64)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_orders_of_polygamma(n: int) -> None:
    """Of any order, right and left of 0."""
    special = pytest.importorskip("scipy.special")
    x = np.random.default_rng(n).uniform(0.01, 40.0, 500)
    loop = Loop("polygamma", np.float64, attrs=(("n", n),))
    np.testing.assert_allclose(loop(x), special.polygamma(n, x), rtol=1e-13)
    # The recurrence of the n-th derivative leads from the left to the right.
    left = np.random.default_rng(n).uniform(-0.99, -0.01, 500)
    step = (-1.0) ** n * float(special.factorial(n)) / left ** (n + 1.0)
    np.testing.assert_allclose(loop(left), special.polygamma(n, left + 1.0) - step, rtol=1e-12)


def test_beta_of_negative_arguments() -> None:
    """Each way of reflecting: one argument is negative, or both, and the sum is or is not."""
    special = pytest.importorskip("scipy.special")
    x, y = np.random.default_rng(3).uniform(-30.0, 30.0, (2, 4000))
    expected = special.gamma(x) * special.gamma(y) * special.rgamma(x + y)
    # Near poles of the sum its rounding counts, in SciPy's too.
    usable = np.abs(x + y - np.rint(x + y)) > 1e-3
    x, y, expected = x[usable], y[usable], expected[usable]
    np.testing.assert_allclose(Loop("beta", np.float64)(x, y), expected, rtol=1e-11)
    logarithm = np.log(np.abs(expected))
    np.testing.assert_allclose(Loop("betaln", np.float64)(x, y), logarithm, rtol=1e-11, atol=1e-11)
