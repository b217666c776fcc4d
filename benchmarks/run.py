"""Times the workloads beside their gradients by hand and the installed peers; prints tables."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import tables
from .call_overhead import call_seconds
from .compile_time import LIMIT as COMPILE_LIMIT
from .compile_time import NO_CODE, OPERATIONS, compile_seconds, first_call_seconds
from .import_time import LIMIT as IMPORT_LIMIT
from .import_time import import_seconds
from .limit import Limit, MissingLimitError
from .peers import installed_peers
from .timing import best_times
from .version import Version, our_versions
from .workload import Workload
from .workloads import WORKLOADS

FIRST_CALLS = ("llvm", "numpy", "JAX jit", "torch.compile")


def versions_of(workload: Workload, args: tuple[Any, ...]) -> dict[str, Version]:
    """Return all versions of a workload that are there."""
    versions = {**our_versions(workload), "by hand": Version(workload.by_hand)}
    versions.update(installed_peers(workload, args))
    with suppress(MissingLimitError):
        versions["C by hand"] = Limit(workload, args)
    return versions


def times_of(workload: Workload, seconds: float, tiny: bool = False) -> dict[str, float]:
    """Return the best time of each version in seconds, after checking that all agree.

    Raises:
        AssertionError: If a version computes something else.
    """
    args = workload.args(tiny)
    versions = versions_of(workload, args)
    expected = workload.by_hand(*args)
    for name, version in versions.items():
        difference = workload.disagreement(version(*args), expected)
        assert difference is None, f"{workload.name}, {name}: {difference}"
    return best_times({name: one.timer(args) for name, one in versions.items()}, seconds)


def measure_workloads(workloads: Sequence[Workload], seconds: float) -> dict[str, Any]:
    """Time workloads, and print a row of each as soon as it is there."""
    measured = {}
    print(tables.heading(), flush=True)
    for workload in workloads:
        times = times_of(workload, seconds)
        measured[workload.name] = {
            "goal": workload.goal,
            "reached": times["llvm"] <= workload.goal,
            "seconds": times,
        }
        print(tables.row(workload, times), flush=True)
    print(tables.legend(workloads))
    return measured


def measure_around(seconds: float) -> dict[str, Any]:
    """Time what is around the computation: calls, compiling and the import; print it."""
    call, measured = WORKLOADS[0], {}

    def add(name: str, title: str, times: dict[str, float | None]) -> None:
        measured[name] = times
        print(tables.listing(title, times), flush=True)

    add("calls", f"One gradient of {call.what}", {**call_seconds(call, seconds)})
    first = {name: first_call_seconds(name, "mlp") for name in FIRST_CALLS}
    with TemporaryDirectory() as folder:
        first["llvm, code found"] = first_call_seconds("llvm", "mlp", folder=folder)
    add("first calls", "First gradient of mlp in a fresh process, after the imports", first)
    for backend in ("llvm", "numpy"):
        title = f"{backend}: {OPERATIONS:,} unrolled operations (goal: {COMPILE_LIMIT:g} s)"
        add(f"compiling, {backend}", title, {**compile_seconds(OPERATIONS, backend)})
    title = f"Import (goal: {IMPORT_LIMIT * 1e3:g} ms)"
    add("import", title, {"import gradc beyond numpy": import_seconds()})
    return measured


def main() -> None:
    """Print the tables of the chosen workloads; without a choice, of everything."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    known = {workload.name: workload for workload in WORKLOADS}
    parser.add_argument("workload", nargs="*", help=f"some of {', '.join(known)}; all by default")
    parser.add_argument("--seconds", type=float, default=2.0, help="per version of a workload")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    os.environ.update(NO_CODE)
    unknown = [name for name in options.workload if name not in known]
    if unknown:
        parser.error(f"there is no workload {unknown[0]!r}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.workload or known]
    print(tables.machine_line())
    measured: dict[str, Any] = {
        "machine": tables.machine(),
        "workloads": measure_workloads(chosen, options.seconds),
    }
    if not options.workload:
        measured |= measure_around(options.seconds)
    if options.json:
        options.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
