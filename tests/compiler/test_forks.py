"""What forks wait for, and what a child has anew."""

import os
import threading
from functools import partial

import pytest
from gradc.compiler import forks
from gradc.compiler.forks import ProcessLock, cached_property, importing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# Python 3.12 warns of threads at every fork: here they wait.
forking = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def holds_elsewhere(lock):
    """Start a thread that holds a lock; return the function that lets it go on to its end."""
    held, leave = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def end():
        leave.set()
        thread.join()

    return end


def in_child(work):
    """Return what ``work()`` says in a forked child."""
    child = os.fork()
    if not child:
        try:
            os._exit(int(work()))
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_free(lock):
    found = lock.acquire(timeout=5)
    if found:
        lock.release()
    return found


@forking
def test_child_has_locks_of_its_own():
    lock = ProcessLock()
    end = holds_elsewhere(lock.held)
    assert in_child(lambda: is_free(lock.held)) == 1
    end()
    assert is_free(lock.held)


@forking
def test_who_forks_leaves_its_locks_in_both_processes():
    lock = ProcessLock()
    with lock.held, importing:
        child = os.fork()
    if not child:
        os._exit(int(is_free(lock.held) and is_free(importing)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    answers = []
    other = threading.Thread(
        target=lambda: answers.append(is_free(lock.held) and is_free(importing))
    )
    other.start()
    other.join()
    assert answers == [True]


@forking
def test_fork_waits(monkeypatch):
    """For an import, and for what it was told to wait for."""
    told = threading.RLock()
    monkeypatch.setattr(forks, "_awaited", [importing])
    forks.wait_for(told)
    for lock in (importing, told):
        end = holds_elsewhere(lock)
        left = []
        timer = threading.Timer(0.1, lambda end=end, left=left: left.append(end()))
        timer.start()
        assert in_child(partial(is_free, lock)) == 1
        assert left  # by then the other thread had gone on
        timer.join()


def test_cached_property_holds_no_lock():
    """Two threads may be in it at once."""
    inside = threading.Barrier(2, timeout=10)

    class Pair:
        @cached_property
        def value(self):
            """It."""
            inside.wait()
            return object()

    assert Pair.value.__doc__ == "It."
    one, other = Pair(), Pair()
    thread = threading.Thread(target=lambda: one.value)
    thread.start()
    assert other.value is other.value
    thread.join()
    assert vars(one)["value"] is one.value
