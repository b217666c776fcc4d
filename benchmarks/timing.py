"""Timing of several versions of one computation, side by side."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from time import perf_counter
from typing import Protocol

# One measurement repeats short calls until it lasts this long, in seconds: far above the clock's
# resolution, far below the time slices of the system.
SHORTEST_MEASUREMENT = 1e-3


class Timeable(Protocol):
    """Something that times itself, as `timeit.Timer` does."""

    def timeit(self, number: int) -> float:
        """Return the seconds that so many calls take."""


def best_times(
    timers: Mapping[str, Timeable], seconds: float = 2.0, rounds: int = 15
) -> dict[str, float]:
    """Return the shortest time per call of each version, in seconds.

    The versions take turns within one process, so that whatever slows the machine meets all of
    them; the best of many rounds is what remains when nothing does.

    Args:
        timers: The versions, already warm.
        seconds: How long to go on for each version.
        rounds: How many turns to take at least.
    """
    repeats = {}
    for name, timer in timers.items():
        once = min(timer.timeit(1) for _ in range(3))
        repeats[name] = max(1, int(SHORTEST_MEASUREMENT / max(once, 1e-9)))
    best = dict.fromkeys(timers, float("inf"))
    spent, turn = 0.0, 0
    gc.collect()
    gc.disable()
    try:
        while turn < rounds or spent < seconds * len(timers):
            start = perf_counter()
            for name, timer in timers.items():
                best[name] = min(best[name], timer.timeit(repeats[name]) / repeats[name])
            spent, turn = spent + perf_counter() - start, turn + 1
    finally:
        gc.enable()
    return best
