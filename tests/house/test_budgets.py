"""Files and functions stay short, and a module's name says what is in it."""

import ast
from pathlib import Path

import pytest

from .tree import FOLDER_OF, ROOT, files

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "misc", "common"}

OUTSIDE = ("tests", "examples", "benchmarks")
GENERATED = ROOT / "tests" / "golden"
FILES = [
    path
    for folder in (*FOLDER_OF.values(), *OUTSIDE)
    for path in files(folder)
    if GENERATED not in path.parents
]


def long_functions(path: Path) -> list[str]:
    """Return the functions over the budget, their decorators and docstrings counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            length = node.end_lineno - first + 1
            if length > MOST_LINES_OF_A_FUNCTION:
                found.append(f"{path.relative_to(ROOT)}:{first} {node.name}: {length} lines")
    return found


def test_files_are_found() -> None:
    assert Path(__file__) in FILES
    assert ROOT / "compiler" / "ir.py" in FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_keeps_the_budgets(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES_OF_A_FILE
    assert not long_functions(path)
    assert not NAMES_THAT_SAY_NOTHING & set(path.relative_to(ROOT).with_suffix("").parts)
