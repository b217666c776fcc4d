"""Times the workloads beside their gradients by hand and the installed peers; prints tables."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .compile_time import OPERATIONS, compile_seconds
from .import_time import LIMIT as IMPORT_LIMIT
from .import_time import import_seconds
from .peers import PEERS, in_gradc, installed_peers
from .timing import best_times
from .workload import Workload
from .workloads import WORKLOADS

GOAL = "ratio: gradc / by hand; the goal is 1.1 for logreg, mlp, attention, blackscholes"


def times_of(workload: Workload, seconds: float) -> dict[str, float]:
    """Return the best time of each version in seconds, after checking that all agree.

    Raises:
        AssertionError: If a version computes something else.
    """
    args = workload.args()
    versions = {
        "by hand": workload.by_hand,
        "gradc": in_gradc(workload),
        **installed_peers(workload),
    }
    expected = workload.by_hand(*args)
    for name, version in versions.items():
        difference = workload.disagreement(version(*args), expected)
        assert difference is None, f"{workload.name}, {name}: {difference}"
    calls = {name: lambda fn=version: fn(*args) for name, version in versions.items()}
    return best_times(calls, seconds)


def _row(cells: Sequence[str]) -> str:
    return f"{cells[0]:<14}" + "".join(f"{cell:>15}" for cell in cells[1:])


def print_workloads(workloads: Sequence[Workload], seconds: float) -> None:
    """Print one row per workload: microseconds of each version, and ours over the one by hand."""
    print("Value and gradient, best of many, microseconds per call")
    print(_row(["workload", "by hand", "gradc", "ratio", *PEERS]))
    for workload in workloads:
        times = times_of(workload, seconds)
        ratio = times["gradc"] / times["by hand"]
        cells = [f"{times[name] * 1e6:.1f}" if name in times else "-" for name in PEERS]
        ours = [f"{times[name] * 1e6:.1f}" for name in ("by hand", "gradc")]
        print(_row([workload.name, *ours, f"{ratio:.2f}", *cells]), flush=True)
    print(f"{GOAL}\n")
    for workload in workloads:
        print(f"{workload.name:<14}{workload.what}")


def print_compile_time() -> None:
    """Print how long each stage of compiling the unrolled program took."""
    print(f"\nCompile time of {OPERATIONS:,} unrolled operations, seconds")
    for stage, seconds in compile_seconds().items():
        print(f"  {stage:<24}{seconds:8.3f}")


def print_import_time() -> None:
    """Print the cost of the import."""
    milliseconds = import_seconds() * 1e3
    print(f"\nimport gradc beyond numpy: {milliseconds:.0f} ms (limit {IMPORT_LIMIT * 1e3:.0f} ms)")


def main() -> None:
    """Print the tables of the chosen workloads; without a choice, of everything."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    known = {workload.name: workload for workload in WORKLOADS}
    parser.add_argument("workload", nargs="*", help=f"some of {', '.join(known)}; all by default")
    parser.add_argument("--seconds", type=float, default=2.0, help="per version of a workload")
    options = parser.parse_args()
    unknown = [name for name in options.workload if name not in known]
    if unknown:
        parser.error(f"there is no workload {unknown[0]!r}; there are {', '.join(known)}")
    chosen = [known[name] for name in options.workload or known]
    print_workloads(chosen, options.seconds)
    if not options.workload:
        print_compile_time()
        print_import_time()
