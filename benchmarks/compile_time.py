"""How long compiling takes: a long, unrolled program, and a first gradient in a fresh process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from gradc import compile_grad

from .import_time import with_bytecode

OPERATIONS = 3200
LIMIT = 2.0  # seconds, for capturing, differentiating and compiling
TOTAL = "all, and the first call"
_PER_STEP = 5
_ROOT = Path(__file__).parents[1]
NO_CODE = {"GRADC_CACHE_DIR": "", "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"}


def unrolled(x, steps):
    """Return the sum of `x (n,)` after so many steps of five operations each."""
    for _ in range(steps):
        x = np.tanh(x * 1.01) + 0.1 * np.sin(x)
    return np.sum(x)


def compile_seconds(operations: int = OPERATIONS, backend: Any = "numpy") -> dict[str, float]:
    """Return the seconds that each stage took, by the compiler's own log, and all of it."""
    compiled = compile_grad(unrolled, static_argnames="steps", backend=backend)
    x, steps = np.linspace(-1, 1, 1000), operations // _PER_STEP
    start = perf_counter()
    compiled.value_and_grad(x, steps)
    total = perf_counter() - start
    stages: dict[str, float] = {}
    for stage, seconds in compiled.lower(x, steps).seconds:
        stages[stage] = stages.get(stage, 0.0) + seconds
    return {**stages, TOTAL: total}


def first_call_seconds(
    version: str, workload: str, processes: int = 3, folder: str = ""
) -> float | None:
    """Return the shortest time of a version's first gradient in fresh processes, after the imports.

    Bytecode is cached. Compiled code is not, unless there is a folder for that: so the second
    process finds in it what the first one kept.

    Returns:
        Seconds; None where the version is not there.
    """
    command = [sys.executable, "-m", "benchmarks.first_call", version, workload]
    environment = {**with_bytecode(), **NO_CODE, "GRADC_CACHE_DIR": folder}
    best, start = float("inf"), perf_counter()
    for _ in range(processes):
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, env=environment)
        if done.returncode:
            return None
        best = min(best, float(done.stdout))
        if perf_counter() - start > 10:
            break
    return best
