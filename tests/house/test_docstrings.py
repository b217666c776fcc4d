"""The examples in docstrings give what they show."""

import doctest
import importlib

import pytest

from .tree import package_files

WITH_EXAMPLES = [name for name, path in package_files().items() if ">>>" in path.read_text("utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_of_module(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed, "see the captured output"
