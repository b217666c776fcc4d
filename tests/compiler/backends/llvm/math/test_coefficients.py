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
        formats = table if isinstance(table, dict) else {"f64": table}
        degrees = {"f64": wanted.degree, "f32": wanted.degree_of_single}
        assert formats.keys() == {one for one, degree in degrees.items() if degree is not None}
        # Multiple precision gives the same on every machine, but for the last rounding.
        if "f64" in formats:
            found = minimax.coefficients(wanted)
            np.testing.assert_allclose(formats["f64"], found, rtol=1e-14, err_msg=name)
        if "f32" in formats:
            found = minimax.coefficients(wanted, single=True)
            np.testing.assert_allclose(formats["f32"], found, rtol=1e-7, err_msg=name)
