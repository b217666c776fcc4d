"""The pool of threads of this process: loaded once, told its size, and made anew after a fork."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ..compiler.backends.llvm.pool import (
    EXPORTS,
    PARALLEL,
    PATIENCE,
    PAUSE,
    REQUIRED,
    RESET,
    RESIZE,
    WORKERS,
    pool_text,
)
from ..compiler.backends.llvm.target import Target, compile_text
from ..compiler.forks import ProcessLock
from . import threads
from .native import Library, load

# For how long one who waits stays awake, in seconds: it takes about as long to wake a sleeper.
_PATIENCE = 50e-6
_MEASURED_PAUSES = 500

_lock = ProcessLock()
_made: Pool | None = None


class Pool(NamedTuple):
    """The loaded pool; it is never unloaded: its threads run in it until the process ends.

    Attributes:
        address: Of ``gradc_parallel``, the symbol that programs refer to.
        workers: Returns how many threads it has made that have not ended.
    """

    address: int
    workers: Callable[[], int]


def thread_pool() -> Pool:
    """Return the pool of this process; load it if it is not.

    Raises:
        GradcError: The environment variable ``GRADC_NUM_THREADS`` is no number of threads.
    """
    global _made
    with _lock.held:
        if _made is None:
            _made = _load()
        return _made


def has_posix_threads() -> bool:
    """Whether this process has what the pool asks of the system: not on Windows."""
    if os.name != "posix":
        return False
    process = ctypes.CDLL(None)
    return all(hasattr(process, name) for name in REQUIRED)


def _load() -> Pool:
    threads.get_num_threads()  # a wrong setting is refused before anything is made
    # Unoptimised: it waits for memory, not for instructions, and compiles in 4 ms, not in 25.
    text = pool_text(Target.host(), has_posix_threads())
    compiled = compile_text(text, Target.host(), level=0)
    library = load([compiled.object], EXPORTS)
    _keep(library)
    reset = _function(library, RESET, None)
    reset()
    set_patience = _function(library, PATIENCE, None, ctypes.c_int64)
    set_patience(2**62)  # what is measured are pauses, and not what the system does in between
    pause = _function(library, PAUSE, None, ctypes.c_int64)
    set_patience(_pauses_within(_PATIENCE, pause))
    threads.follow(_function(library, RESIZE, None, ctypes.c_int64))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset)
    return Pool(library.address(PARALLEL), _function(library, WORKERS, ctypes.c_int64))


def _function(library: Library, name: str, result: Any, *operands: Any) -> Callable[..., Any]:
    return ctypes.CFUNCTYPE(result, *operands)(library.address(name))


def _keep(library: Library) -> None:
    """Keep a library to the end of the process, whatever the interpreter frees as it ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))


def _pauses_within(seconds: float, pause: Callable[[int], None]) -> int:
    """Return how many pauses take so long; between processors they differ by a factor of 50."""
    pause(_MEASURED_PAUSES)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        pause(_MEASURED_PAUSES)
        best = min(best, time.perf_counter() - start)
    return max(1, int(seconds / best * _MEASURED_PAUSES))
