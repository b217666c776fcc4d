"""The coefficients in the package are those that the script beside this file finds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.llvm.math import (
    bessel_coefficients,
    coefficients,
    special_coefficients,
)

PARTS = (coefficients, special_coefficients, bessel_coefficients)

mpmath = pytest.importorskip("mpmath")
minimax = pytest.importorskip(f"{__package__}.minimax")


@pytest.fixture
def precise() -> Iterator[None]:
    with mpmath.workdps(60):
        yield


def test_every_table_has_a_source(precise: Any) -> None:
    """A table that the script does not know could not be made again."""
    tables = {name for part in PARTS for name in vars(part) if name.isupper()}
    assert tables == set(minimax.wanted())


def test_tables_are_those_of_the_script(precise: Any) -> None:
    for name, wanted in minimax.wanted().items():
        table = next(vars(part)[name] for part in PARTS if name in vars(part))
        double, single = (table["f64"], table["f32"]) if isinstance(table, dict) else (table, None)
        # Multiple precision gives the same on every machine, but for the last rounding.
        np.testing.assert_allclose(double, minimax.coefficients(wanted), rtol=1e-14, err_msg=name)
        if single is not None:
            found = minimax.coefficients(wanted, single=True)
            np.testing.assert_allclose(single, found, rtol=1e-7, err_msg=name)
