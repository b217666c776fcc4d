"""How many threads compiled code works with."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..compiler.errors import GradcError
from ..compiler.forks import ProcessLock

VARIABLE = "GRADC_NUM_THREADS"
MOST = 1024

_GROUPS, _OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

_lock = ProcessLock()
_chosen: int | None = None
_listeners: list[Callable[[int], None]] = []


def set_num_threads(count: int) -> None:
    """Choose how many threads compiled code works with, the calling one included.

    Results do not depend on it, not by a bit. It holds for the whole process, from the next call of
    a compiled function on, and in processes that are forked from this one. Threads are made when
    they are first needed; with 1 there are none.

    Args:
        count: The number; the environment variable ``GRADC_NUM_THREADS`` gives it at the start,
            and without that it is the number of cores that this process may use.

    Raises:
        GradcError: It is no positive integer, or above 1,024.
    """
    checked = _checked(count, "the number of threads", "pass 1 to compute without threads")
    global _chosen
    with _lock.held:
        _chosen = checked
        for listener in _listeners:
            listener(checked)


def get_num_threads() -> int:
    """Return how many threads compiled code works with; see ``set_num_threads``.

    Raises:
        GradcError: The environment variable ``GRADC_NUM_THREADS`` is no such number.
    """
    with _lock.held:
        return _current()


def follow(listener: Callable[[int], None]) -> None:
    """Tell the number to a listener, now and whenever it is changed.

    Raises:
        GradcError: See ``get_num_threads``.
    """
    with _lock.held:
        listener(_current())
        _listeners.append(listener)


def usable_cores() -> int:
    """Return how many cores this process may use: those allowed to it, or fewer by a quota.

    A container may see all cores of a machine and have the time of a few; more threads would be
    stopped for most of each period, with those that wait for them.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _quota())))


def _quota() -> float:
    """Return of how many cores the control groups of this process grant it the time; or infinity.

    Source: the Linux kernel's documentation of control groups, version 2, ``cpu.max``.
    """
    try:
        lines = _OWN_GROUP.read_text("ascii").splitlines()
        own = next(line[len("0::/") :] for line in lines if line.startswith("0::/"))
    except (OSError, ValueError, StopIteration):
        return math.inf
    quota = math.inf
    for group in (_GROUPS / own, *(_GROUPS / own).parents):
        if group.is_relative_to(_GROUPS):
            quota = min(quota, _quota_of(group))
    return quota


def _quota_of(group: Path) -> float:
    try:
        time, period = (group / "cpu.max").read_text("ascii").split()
        return math.inf if time == "max" else int(time) / int(period)
    except (OSError, ValueError):  # no limit, or no control groups of this version
        return math.inf


def _current() -> int:
    global _chosen
    if _chosen is None:
        _chosen = _by_default()
    return _chosen


def _by_default() -> int:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return min(usable_cores(), MOST)
    what = f"the environment variable {VARIABLE}"
    fix = f"set it to a number such as {usable_cores()}, or unset it"
    try:
        return _checked(int(text), what, fix)
    except ValueError:
        raise _refused(what, repr(text), fix) from None


def _checked(count: Any, what: str, fix: str) -> int:
    if isinstance(count, bool):
        raise _refused(what, repr(count), fix)
    try:
        number = operator.index(count)
    except TypeError:
        raise _refused(what, repr(count), fix) from None
    if not 1 <= number <= MOST:
        raise _refused(what, str(number), fix)
    return number


def _refused(what: str, got: str, fix: str) -> GradcError:
    return GradcError(f"{what} must be an integer from 1 to {MOST:,}", got=got, fix=fix)
