"""The pool of threads: every chunk once, the same bits, and no process that hangs or crashes."""

import ast
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from gradc.compiler.backends.llvm.pool import EXPORTS, PARALLEL, pool_text
from gradc.compiler.backends.llvm.target import Target, compile_text
from gradc.runtime import pool, threads
from gradc.runtime.native import load
from gradc.runtime.pool import thread_pool

from .pool_jobs import ITERATE, MARK, MARK_WITHIN, PROTOTYPE, WIDTH, repeat, run

SIZES = (1, 2, 3, 8)
LONGEST = 120  # seconds until what runs in a process of its own counts as hanging
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
by_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(autouse=True)
def same_size_afterwards():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def outcome(scenario: str) -> dict:
    """Run a scenario in a process of its own; return what it found."""
    script = Path(__file__).with_name("pool_jobs.py")
    done = subprocess.run(
        [sys.executable, script, scenario], capture_output=True, text=True, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunks", [0, 1, 2, 7, 1000, -1])
def test_every_chunk_is_run_once(size, chunks):
    """Whether or not there are as many chunks as threads; a number below zero is none."""
    threads.set_num_threads(size)
    counts = np.zeros(1001, np.int64)
    repeat(MARK, counts, chunks, 20)
    np.testing.assert_array_equal(counts, np.where(np.arange(1001) < chunks, 20, 0))


@pytest.mark.parametrize("size", SIZES)
def test_jobs_within_jobs(size):
    """A task that has a job itself runs it alone, and does not wait for itself."""
    threads.set_num_threads(size)
    counts = np.zeros(9 * WIDTH, np.int64)
    repeat(MARK_WITHIN, counts, 8, 100)
    np.testing.assert_array_equal(counts, [100] * 8 * WIDTH + [0] * WIDTH)


def test_same_bits_with_any_number_of_threads():
    """The work of a chunk does not depend on who does it."""
    found = np.zeros((len(SIZES), 200))
    for row, size in zip(found, SIZES, strict=True):
        threads.set_num_threads(size)
        run(ITERATE, row, 200)
    assert len({row.tobytes() for row in found}) == 1
    x = 1.0 + np.arange(200)
    for _ in range(1000):
        x = x / 1.1 + 0.3
    np.testing.assert_array_equal(found[0], x)


def test_threads_are_made_when_they_are_needed():
    """No more than have chunks to do, and none for one chunk."""
    threads.set_num_threads(1)
    counts = np.zeros(8, np.int64)
    run(MARK, counts, 8)
    _wait_for_workers(0)
    threads.set_num_threads(8)
    run(MARK, counts, 1)
    assert thread_pool().workers() == 0
    run(MARK, counts, 3)
    assert thread_pool().workers() == 2
    run(MARK, counts, 8)
    assert thread_pool().workers() == 7
    threads.set_num_threads(2)
    _wait_for_workers(1)
    run(MARK, counts, 8)
    assert thread_pool().workers() == 1


def _wait_for_workers(count: int) -> None:
    """Wait until surplus workers have seen that they are; they may have to be woken for that."""
    pause = threading.Event()
    for _ in range(20_000):
        if thread_pool().workers() == count:
            return
        pause.wait(0.001)
    raise AssertionError(f"{thread_pool().workers()} workers in place of {count}")


def test_many_callers():
    """Each call is right, whoever has the pool and whoever works alone."""
    assert outcome("many_callers") == dict.fromkeys(SIZES, 0)


def test_resizing_at_work():
    """It changes neither results nor ends a worker in the middle of a chunk."""
    assert outcome("resized_at_work") == {"wrong": 0, "resized": True, "workers": 2}


@by_fork
def test_fork_at_work():
    """A child has no workers and may find the pool as another thread was using it."""
    assert outcome("forked_at_work") == {"children": 0, "process": 0, "parent": True}


@by_fork
def test_fork_within_a_job():
    """The child's call does not wait for workers that it does not have."""
    assert outcome("forked_within") == {"child": 0, "parent": True}


@pytest.mark.parametrize("state", ["asleep", "awake", "at_work"])
def test_end_of_the_interpreter(state):
    """It neither waits for workers nor takes the code away that they run."""
    assert outcome(f"ended_{state}") == {"right": True}


@on_linux
def test_workers_take_no_signals_of_the_process():
    """Ctrl-C reaches the thread that waits for it; a crash in a worker is still reported."""
    assert outcome("blocked_signals") == {"blocked": [[True, True, False, False]] * 3, "own": True}


@on_linux
def test_system_refuses_threads():
    """The work is done by those that there are; none is asked for again until it is resized."""
    assert outcome("refused") == {"few": True, "still": True, "all": 63, "right": True}


def test_without_posix_threads(monkeypatch):
    """On Windows a caller works alone; what the system lacks is noticed before it is linked."""
    monkeypatch.setattr(pool, "REQUIRED", ("pthread_create", "no_such_function"))
    assert not pool.has_posix_threads()
    text = pool_text(Target.host(), threads=False)
    library = load([compile_text(text, Target.host()).object], EXPORTS)
    counts = np.zeros(8, np.int64)
    PROTOTYPE(library.address(PARALLEL))(MARK, counts.ctypes.data, 7)
    np.testing.assert_array_equal(counts, [1] * 7 + [0])
