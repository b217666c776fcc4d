"""The repository as these tests see it: its folders, files and configuration."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # comes with pytest

ROOT = Path(__file__).parents[2]
CONFIGURATION: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES: list[str] = CONFIGURATION["tool"]["setuptools"]["packages"]
FOLDER_OF: dict[str, str] = CONFIGURATION["tool"]["setuptools"]["package-dir"]


def files(folder: str, pattern: str = "*.py") -> Iterator[Path]:
    """Yield the files of a top-level folder, in a stable order."""
    for path in sorted((ROOT / folder).rglob(pattern)):
        if "__pycache__" not in path.parts:
            yield path


def package_files() -> dict[str, Path]:
    """Return every module of the package, by the name that it is imported under."""
    modules = {}
    for package, folder in FOLDER_OF.items():
        for path in files(folder):
            inner = path.relative_to(ROOT / folder).with_suffix("").parts
            parts = inner[:-1] if inner[-1] == "__init__" else inner
            modules[".".join((package, *parts))] = path
    return modules
