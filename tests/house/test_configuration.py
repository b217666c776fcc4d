"""Configured paths exist, and what the documents tell people to type is there."""

import os
import re
from pathlib import Path

import pytest

from .tree import CONFIGURATION, FOLDER_OF, ROOT

TOOL = CONFIGURATION["tool"]
MYPY, RUFF = TOOL["mypy"], TOOL["ruff"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))

PATTERNS = [
    *CONFIGURATION["project"]["license-files"],
    CONFIGURATION["project"]["readme"],
    *FOLDER_OF.values(),
    *TOOL["pytest"]["ini_options"]["testpaths"],
    *RUFF["extend-exclude"],
    *RUFF["lint"]["per-file-ignores"],
    *MYPY["files"],
    MYPY["mypy_path"],
    *re.findall(r"\S+", re.search(r"^SOURCES := (.*)$", MAKEFILE, re.MULTILINE)[1]),
    *(
        f"{FOLDER_OF[package]}/{pattern}"
        for package, patterns in TOOL["setuptools"]["package-data"].items()
        for pattern in patterns
    ),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_configured_path_exists(pattern: str) -> None:
    assert any(ROOT.glob(pattern))


def test_static_tools_see_the_whole_package() -> None:
    """`.pkg/gradc` links to what the package consists of, in the shape it is imported in."""
    links = {link.name: link.resolve() for link in (ROOT / ".pkg" / "gradc").iterdir()}
    expected = {path.name: path for path in (ROOT / "gradc").iterdir() if path.suffix != ".pyc"}
    expected |= {
        package.partition(".")[2]: ROOT / folder
        for package, folder in FOLDER_OF.items()
        if package != "gradc"
    }
    expected.pop("__pycache__", None)
    assert links == {name: path.resolve() for name, path in expected.items()}


def test_mistakes_are_never_ignored() -> None:
    ignored = {*RUFF["lint"]["ignore"], *sum(RUFF["lint"]["per-file-ignores"].values(), [])}
    assert "F" in RUFF["lint"]["select"]
    assert not any(code.startswith("F") for code in ignored)
    assert MYPY["strict"]


def test_warnings_are_errors() -> None:
    first, *others = TOOL["pytest"]["ini_options"]["filterwarnings"]
    assert first == "error"
    assert all("astor" in other for other in others)


def test_every_target_is_documented() -> None:
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
    documented = set(re.findall(r"^([a-z]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert TARGETS == phony == documented


def test_continuous_integration_runs_check() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"\bmake check$", script.read_text("utf-8"), re.MULTILINE)


def test_readme_begins_with_the_two_commands() -> None:
    commands = re.findall(r"^make (\w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert commands[:2] == ["demo", "test"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_document_names_what_exists(document: Path) -> None:
    text = document.read_text("utf-8")
    assert set(re.findall(r"\bmake ([a-z]+)\b(?=`|\s+#|$)", text, re.MULTILINE)) <= TARGETS
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert not [link for link in links if not (document.parent / link).exists()]


def test_changelog_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
