"""The page on what of NumPy is captured says what the compiler's tables say."""

from collections.abc import Callable

import numpy as np
import pytest

from . import coverage
from .tree import ROOT

IS_OTHER = not np.__version__.startswith(f"{coverage.NUMPY}.")


@pytest.mark.skipif(IS_OTHER, reason=f"the page lists the names of NumPy {coverage.NUMPY}")
def test_page_is_as_generated(golden: Callable[[str, str], None]) -> None:
    """A function that is added to a table, or taken from it, shows in the documentation."""
    text = (ROOT / "docs" / "numpy-coverage.md").read_text("utf-8")
    golden("../../docs/numpy-coverage.md", coverage.page(text))
