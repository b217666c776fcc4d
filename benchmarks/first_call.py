"""Prints how many seconds the first gradient takes: `python -m benchmarks.first_call llvm mlp`."""

from __future__ import annotations

import sys
from time import perf_counter

from .peers import PEERS
from .version import our_versions
from .workloads import WORKLOADS


def main(name: str, workload_name: str) -> None:
    """Print the time of a version's first call; what it needs is imported before."""
    workload = next(one for one in WORKLOADS if one.name == workload_name)
    args = workload.args()
    version = PEERS[name](workload) if name in PEERS else our_versions(workload)[name]
    start = perf_counter()
    version(*args)
    print(perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
