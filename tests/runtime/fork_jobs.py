"""Processes that fork while they compile. Run as a script: ``python fork_jobs.py NAME``.

It prints, as a dict, what one of ``SCENARIOS`` found.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time

import numpy as np

from gradc import compile_grad, set_num_threads

FORKS = 15
LONGEST = 60  # seconds that a child may take
SIZE = 1 << 18  # numbers, so that the pool of threads has work


def made(number):
    """Return a compiled function that differs from those of other numbers."""

    def f(x):
        return np.sum(np.sin(x) * number + x)

    return compile_grad(f, backend="llvm")


def is_right(f, number, x):
    value, gradient = f.value_and_grad(x)
    right = np.allclose(value, np.sum(np.sin(x) * number + x))
    return bool(right and np.allclose(gradient, np.cos(x) * number + 1))


def compile_in_a_loop(stop, x):
    number = threading.get_ident() % 1000
    while not stop.is_set():
        number += 1
        made(number).value_and_grad(x)


def outcomes(children):
    """Return the status of each child; a signal's number, negative, where it was ended by one."""
    found = []
    until = time.monotonic() + LONGEST
    for child in children:
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                found.append(os.waitstatus_to_exitcode(status))
                break
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.001)
    return found


def in_child(work):
    """Return the process in which ``work()`` runs: it ends with 0 if that says yes."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        status = 0 if work() else 2
    finally:
        os._exit(status)


def forked_while_compiling():
    """Children call what was compiled, compile, and use the pool, whatever other threads did."""
    set_num_threads(2)
    x, large = np.linspace(0.0, 1.0, 8), np.linspace(0.0, 1.0, SIZE)
    old, shared = made(2.0), made(3.0)
    assert is_right(old, 2.0, large)
    stop = threading.Event()
    threads = [threading.Thread(target=compile_in_a_loop, args=(stop, x)) for _ in range(2)]
    # Many signatures of one function: its lock is held as well.
    shapes = iter(range(9, 10**6))

    def other_shapes():
        while not stop.is_set():
            shared.value_and_grad(np.ones(next(shapes)))

    threads.append(threading.Thread(target=other_shapes))
    for one in threads:
        one.start()

    def work():
        results = [
            is_right(old, 2.0, large),
            is_right(shared, 3.0, x[:7]),
            is_right(made(5.0), 5.0, large),
        ]
        return all(results)

    found = []
    for _ in range(FORKS):
        found += outcomes([in_child(work)])
        time.sleep(0.003)
    right = is_right(made(7.0), 7.0, large)
    stop.set()
    for one in threads:
        one.join()
    return {"children": found, "parent": right}


class Forked:
    """Forks when it is asked for its length, which is 2."""

    child = None

    def __len__(self):
        if self.child is None:
            self.child = os.fork()
        return 2


def forked_by_what_is_captured():
    """The thread that compiles forks: both processes go on with it."""
    forked = Forked()

    def f(x):
        return np.sum(x * len(forked))

    value, gradient = compile_grad(f, backend="llvm").value_and_grad(np.ones(3))
    right = bool(value == 6 and np.array_equal(gradient, [2, 2, 2]))
    right = right and is_right(made(2.0), 2.0, gradient)
    if forked.child == 0:
        os._exit(0 if right else 2)
    return {"children": outcomes([forked.child]), "parent": right}


def forked_while_llvm_is_imported():
    """A child does not wait for an import that another thread had begun."""
    thread = threading.Thread(target=made(2.0).value_and_grad, args=(np.ones(3),))
    thread.start()
    found = set()
    while thread.is_alive():
        found |= set(outcomes([in_child(lambda: is_right(made(5.0), 5.0, np.ones(4)))]))
    thread.join()
    return {"children": found}


_module = made(4.0)


def _on_module(x):
    return _module.value_and_grad(x)


def processes_of_multiprocessing():
    """Functions are called in processes of both kinds, compiled before or not."""
    x = np.linspace(0.0, 1.0, 5)
    expected = np.cos(x) * 4 + 1
    found = {}
    for is_compiled in (False, True):
        for kind in ("fork", "spawn"):
            with multiprocessing.get_context(kind).Pool(2) as pool:
                results = pool.map(_on_module, [x] * 4)
            found[kind, is_compiled] = all(np.allclose(one[1], expected) for one in results)
        _module.value_and_grad(x)
    return found


SCENARIOS = (
    forked_while_compiling,
    forked_by_what_is_captured,
    forked_while_llvm_is_imported,
    processes_of_multiprocessing,
)

if __name__ == "__main__":
    print(next(one for one in SCENARIOS if one.__name__ == sys.argv[1])())
