"""How long a long, unrolled program takes to compile."""

from __future__ import annotations

import re
from time import perf_counter

import numpy as np

from gradc import compile_grad

OPERATIONS = 3200
LIMIT = 3.0  # seconds, for capturing, differentiating and emitting
_PER_STEP = 5


def unrolled(x, steps):
    """Return the sum of `x (n,)` after so many steps of five operations each."""
    for _ in range(steps):
        x = np.tanh(x * 1.01) + 0.1 * np.sin(x)
    return np.sum(x)


def compile_seconds(operations: int = OPERATIONS) -> dict[str, float]:
    """Return the seconds that each stage took, by the compiler's own log, and all of it."""
    compiled = compile_grad(unrolled, static_argnames="steps")
    x, steps = np.linspace(-1, 1, 1000), operations // _PER_STEP
    start = perf_counter()
    compiled.value_and_grad(x, steps)
    total = perf_counter() - start
    stages: dict[str, float] = {}
    for stage, milliseconds in re.findall(
        r"^(\w+) +([\d.]+) ms", compiled.lower(x, steps).log, re.M
    ):
        stages[stage] = stages.get(stage, 0.0) + float(milliseconds) / 1e3
    stages.pop("total", None)
    return {**stages, "all, and the first call": total}
