"""The captures that run in this thread, one inside the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trace import Trace


class _Stack(threading.local):
    def __init__(self) -> None:
        self.traces: list[Trace] = []


_stack = _Stack()


def current_trace() -> Trace | None:
    """Return the innermost capture that runs in this thread."""
    return _stack.traces[-1] if _stack.traces else None


def begin(trace: Trace) -> None:
    """Make a capture the innermost one."""
    _stack.traces.append(trace)


def end() -> None:
    """Leave the innermost capture."""
    _stack.traces.pop()


@contextmanager
def suspended() -> Iterator[None]:
    """Leave all captures of this thread for what is compiled and run at once."""
    traces, _stack.traces = _stack.traces, []
    try:
        yield
    finally:
        _stack.traces = traces


def is_tracing() -> bool:
    """Whether a capture runs in this thread."""
    return bool(_stack.traces)
