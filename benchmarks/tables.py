"""The tables, as text."""

from __future__ import annotations

import importlib.metadata
import math
import platform
from collections.abc import Mapping, Sequence

from .version import ALL_THREADS
from .workload import Workload

# The versions in the order of the columns, and how these are headed.
COLUMNS = {
    "llvm": "llvm",
    "llvm, 1 thread": "1 thread",
    "numpy": "numpy",
    "by hand": "by hand",
    "JAX jit": "jit",
    "torch eager": "eager",
    "torch.compile": ".compile",
    "HIPS autograd": "autograd",
    "C by hand": "C, 1 thread",
}
PACKAGES = ("numpy", "llvmlite", "jax", "torch", "autograd", "scipy")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float | None) -> str:
    """Return a time with three digits and its unit; "-" for none.

    >>> duration(0.00225)
    '2.25 ms'
    """
    if seconds is None:
        return "-"
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    number = seconds / size
    digits = 2 - math.floor(math.log10(number)) if number > 0 else 0
    return f"{number:.{min(max(digits, 0), 2)}f} {unit}"


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:<13}" + "".join(f"{cell:>12}" for cell in cells[1:-1]) + f"  {cells[-1]}"


def heading() -> str:
    """Return the head of the table of workloads."""
    ours = _line(
        ["", "gradc", "gradc", "gradc", "NumPy", "JAX", "torch", "torch", "HIPS", "limit:", ""]
    )
    columns = _line(["", *COLUMNS.values(), "goal of llvm"])
    return f"Value and gradient, best of many\n{ours.rstrip()}\n{columns}"


def row(workload: Workload, times: Mapping[str, float]) -> str:
    """Return the row of a workload."""
    over = times["llvm"] / workload.goal
    mark = "ok" if over <= 1 else f"{over:.2f} x"
    cells = [duration(times.get(name)) for name in COLUMNS]
    return _line([workload.name, *cells, f"<= {duration(workload.goal):<9}{mark}"])


def legend(workloads: Sequence[Workload]) -> str:
    """Return what the rows and columns are."""
    lines = [f"  {workload.name:<13}{workload.what}" for workload in workloads]
    return "\n".join(["", *lines])


def listing(title: str, times: Mapping[str, float | None]) -> str:
    """Return a small table of named times."""
    lines = [f"  {name:<36}{duration(seconds):>10}" for name, seconds in times.items()]
    return "\n".join(["", title, *lines])


def machine() -> dict[str, str | int]:
    """Return on what is measured."""
    found: dict[str, str | int] = {
        "threads": ALL_THREADS,
        "processor": platform.machine(),
        "python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine_line() -> str:
    """Return the same as one line of text."""
    return ", ".join(f"{name} {value}" for name, value in machine().items()) + "\n"
