"""Code that was not written for gradc: what compiles unchanged, and what is refused and how.

`docs/foreign-code.md` is the list for readers, with the reasons. Where a refused function compiles
one day, its test fails here: take it off `refused.py`, and move it in the document.
"""

import importlib.metadata
import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import pytest

from gradc import CaptureError

from .foreign import (
    models,
    numpy_functions,
    other_packages,
    scipy_functions,
    sklearn_functions,
    statsmodels_functions,
)
from .foreign.case import Case
from .foreign.check import compare
from .foreign.refused import REFUSED, UNCLEAR, VERSIONS

TABLES = (
    models,
    numpy_functions,
    scipy_functions,
    sklearn_functions,
    statsmodels_functions,
    other_packages,
)
CASES: list[Case] = [case for table in TABLES for case in table.CASES]
DOCUMENT = (Path(__file__).parents[1] / "docs" / "foreign-code.md").read_text("utf-8")
COMPILED_TEXT, REFUSED_TEXT = DOCUMENT.split("## Refused")

FAILING = {**REFUSED, **UNCLEAR}

# Code of others warns where it likes, and what it calls may be deprecated by its next release.
pytestmark = pytest.mark.filterwarnings("default")


def installed_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")


def skip_other_versions(case: Case) -> None:
    """Another version of a package may stumble over another line, or over none."""
    package = {"sklearn": "scikit-learn"}.get(case.package, case.package)
    if package in VERSIONS and not installed_version(package).startswith(VERSIONS[package]):
        pytest.skip(f"another version of {package} than the one that the document is about")


def those(names: Container[str]) -> list[Case]:
    return [case for case in CASES if case.name in names]


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in FAILING], ids=repr)
def test_value_and_gradient(case: Case) -> None:
    """The function of others gives its own value, and the slope that differences give."""
    compare(case)


@pytest.mark.parametrize("case", those(REFUSED), ids=repr)
def test_refusal_says_what_where_and_what_to_do(case: Case) -> None:
    """No error of another library's depths, and no wrong number: a line, and a way out."""
    skip_other_versions(case)
    with pytest.raises(CaptureError) as caught:
        compare(case)
    error: Any = caught.value
    assert REFUSED[case.name] in error.what
    assert error.where is not None
    assert error.fix


@pytest.mark.parametrize("case", those(UNCLEAR), ids=repr)
def test_failure_is_no_wrong_number(case: Case) -> None:
    """These should be refused as well; until then they fail, and give nothing."""
    skip_other_versions(case)
    with pytest.raises(Exception, match=re.escape(UNCLEAR[case.name])):
        compare(case)


def test_tables_hold_what_is_refused() -> None:
    """A name that is misspelt would be a case that nobody looks at."""
    assert set(FAILING) <= {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_document_lists_the_function(case: Case) -> None:
    """Under the heading that it belongs to."""
    text = REFUSED_TEXT if case.name in FAILING else COMPILED_TEXT
    assert f"`{case.name.rpartition('.')[2]}`" in text


@pytest.mark.parametrize("package", VERSIONS)
def test_document_names_the_version(package: str) -> None:
    assert f"{package} {VERSIONS[package]}" in DOCUMENT.lower()
