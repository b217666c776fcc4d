"""Loads the `benchmarks` package from its folder: the repository's root is not on the path."""

import importlib.util
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "benchmarks"


def benchmark_module(name: str) -> ModuleType:
    """Return `benchmarks.<name>`."""
    if "benchmarks" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "benchmarks", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    return import_module(f"benchmarks.{name}")
