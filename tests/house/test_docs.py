"""The examples in the documentation run, and give what stands there."""

import doctest

import pytest

from .tree import ROOT

PAGES = sorted(ROOT.glob("docs/*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_of_page(page):
    """A reader who copies an example sees the same."""
    failed, _ = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert not failed, "see the captured output"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_is_reachable(page):
    """From the index, which is where readers start."""
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert page.stem == "index" or f"({page.name})" in index
