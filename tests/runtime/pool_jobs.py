"""Jobs for the pool of threads. As a script it runs one of ``SCENARIOS`` and prints what it found.

What may hang, or end the process, runs in a process of its own: ``python pool_jobs.py NAME``.
"""

import ctypes
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from gradc.compiler.backends.llvm.target import Target, compile_text
from gradc.runtime import threads
from gradc.runtime.native import load
from gradc.runtime.pool import thread_pool

if sys.platform != "win32":
    import resource

WIDTH = 7  # chunks of a job within a job

TEXT = f"""
declare void @gradc_parallel(ptr, ptr, i64)

; Count a chunk, without atomic operations: two threads in one chunk would show.
define void @mark(ptr %counts, i64 %chunk) {{
  %place = getelementptr i64, ptr %counts, i64 %chunk
  %count = load i64, ptr %place
  %more = add i64 %count, 1
  store i64 %more, ptr %place
  ret void
}}

define void @mark_within(ptr %counts, i64 %chunk) {{
  %first = mul i64 %chunk, {WIDTH}
  %place = getelementptr i64, ptr %counts, i64 %first
  call void @gradc_parallel(ptr @mark, ptr %place, i64 {WIDTH})
  ret void
}}

; From chunk i of 1000 numbers, starting at 1 + i: iterate x -> x / 1.1 + 0.3, write the last.
define void @iterate(ptr %results, i64 %chunk) {{
entry:
  %float = sitofp i64 %chunk to double
  %start = fadd double %float, 1.0
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %x = phi double [ %start, %entry ], [ %sum, %loop ]
  %quotient = fdiv double %x, 1.1
  %sum = fadd double %quotient, 0.3
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, 1000
  br i1 %more, label %loop, label %end
end:
  %place = getelementptr double, ptr %results, i64 %chunk
  store double %sum, ptr %place
  ret void
}}

define void @repeat(ptr %task, ptr %context, i64 %chunks, i64 %times) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @gradc_parallel(ptr %task, ptr %context, i64 %chunks)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %loop, label %end
end:
  ret void
}}
"""

_POINTER, _COUNT = ctypes.c_void_p, ctypes.c_int64
_NAMES = ("mark", "mark_within", "iterate", "repeat")
_LIBRARY = load(
    [compile_text(TEXT, Target.host()).object], _NAMES, {"gradc_parallel": thread_pool().address}
)
MARK, MARK_WITHIN, ITERATE, _ = map(_LIBRARY.address, _NAMES)
PROTOTYPE = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, _COUNT)
_PARALLEL = PROTOTYPE(thread_pool().address)
_REPEAT = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, _COUNT, _COUNT)(_LIBRARY.address("repeat"))


def run(task, array, chunks):
    """Run a job on an array; ctypes releases the GIL, so that several threads do so at once."""
    _PARALLEL(task, array.ctypes.data, chunks)


def repeat(task, array, chunks, times):
    """Run a job many times, one right after the other."""
    _REPEAT(task, array.ctypes.data, chunks, times)


def start(function, *args, count=1, daemon=False):
    """Start threads."""
    made = [threading.Thread(target=function, args=(*args, i), daemon=daemon) for i in range(count)]
    for one in made:
        one.start()
    return made


def _mark_at_random(calls, wrong, seed):
    """Run jobs of 0 to 8 chunks, some of them with jobs within; count what went wrong."""
    rng = np.random.default_rng(seed)
    found, expected = np.zeros((2, 8 * WIDTH), np.int64)
    for i, chunks in enumerate(rng.integers(0, 9, size=calls)):
        if i % 4:
            run(MARK, found, chunks)
            expected[:chunks] += 1
        else:
            run(MARK_WITHIN, found, chunks)
            expected[: chunks * WIDTH] += 1
        wrong[seed] += not np.array_equal(found, expected)


def many_callers():
    """Eight threads call 10,000 times each, with pools of several sizes."""
    report = {}
    for size in (1, 2, 3, 8):
        threads.set_num_threads(size)
        wrong = [0] * 8
        for one in start(_mark_at_random, 2500, wrong, count=8):
            one.join()
        report[size] = sum(wrong)
    return report


def resized_at_work():
    """The pool is resized all the time, while four threads call."""
    wrong = [0] * 4
    callers = start(_mark_at_random, 5000, wrong, count=4)
    resizes = 0
    while any(one.is_alive() for one in callers):
        threads.set_num_threads(1 + resizes * 5 % 8)
        resizes += 1
    threads.set_num_threads(3)
    run(MARK, np.zeros(8, np.int64), 8)
    deadline = time.monotonic() + 20
    while thread_pool().workers() > 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    return {"wrong": sum(wrong), "resized": resizes > 10, "workers": thread_pool().workers()}


def _is_right(times=50):
    found = np.zeros(8 * WIDTH, np.int64)
    repeat(MARK_WITHIN, found, 8, times)
    return bool((found == times).all())


def _end_by(right):
    os._exit(0 if right else 1)


def forked_at_work():
    """Children are forked while other threads call, and call themselves."""
    threads.set_num_threads(4)
    stop = threading.Event()

    def call(_):
        while not stop.is_set():
            _is_right()

    callers = start(call, count=3)
    codes = []
    for _ in range(20):
        child = os.fork()
        if not child:
            _end_by(thread_pool().workers() == 0 and _is_right() and thread_pool().workers() == 3)
        codes.append(os.waitpid(child, 0)[1])
    process = multiprocessing.get_context("fork").Process(target=lambda: _end_by(_is_right()))
    process.start()
    process.join()
    stop.set()
    for one in callers:
        one.join()
    return {"children": sum(codes), "process": process.exitcode, "parent": _is_right()}


def forked_within():
    """A task forks: the child's call ends too, and its next is a whole one."""
    threads.set_num_threads(2)
    children = []

    def fork(_, chunk):
        if chunk == 0:  # the caller's own
            children.append(os.fork())

    task = ctypes.CFUNCTYPE(None, _POINTER, _COUNT)(fork)
    run(ctypes.cast(task, _POINTER), np.zeros(1), 4)
    if not children[0]:
        _end_by(_is_right())
    return {"child": os.waitpid(children[0], 0)[1], "parent": _is_right()}


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGSEGV, signal.SIGFPE)


def blocked_signals():
    """Workers leave the signals of the process to the threads that wait for them."""
    own = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    tasks = Path("/proc/self/task")
    before = set(tasks.iterdir())
    threads.set_num_threads(4)
    run(MARK, np.zeros(8, np.int64), 8)
    made = set(tasks.iterdir()) - before
    blocked: list[list[bool]] = []
    deadline = time.monotonic() + 20
    while not blocked or any(map(all, blocked)) and time.monotonic() < deadline:
        # A thread blocks everything until it is whole.
        states = [(one / "status").read_text("ascii") for one in made]
        masks = [int(re.search(r"^SigBlk:\s*(\w+)$", one, re.M)[1], 16) for one in states]
        blocked = [[bool(mask >> (kind - 1) & 1) for kind in _SIGNALS] for mask in masks]
    return {"blocked": blocked, "own": signal.pthread_sigmask(signal.SIG_BLOCK, []) == own}


def refused():
    """The system refuses threads for want of memory; later there is some."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    threads.set_num_threads(64)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**25, before[1]))
    counts = np.zeros(64, np.int64)
    repeat(MARK, counts, 64, 100)
    few = thread_pool().workers()
    resource.setrlimit(resource.RLIMIT_AS, before)
    repeat(MARK, counts, 64, 100)
    still = thread_pool().workers()
    threads.set_num_threads(64)
    repeat(MARK, counts, 64, 100)
    right = bool((counts == 300).all())
    return {"few": few < 60, "still": still == few, "all": thread_pool().workers(), "right": right}


def ended_asleep():
    """The interpreter ends long after the last call."""
    threads.set_num_threads(4)
    right = _is_right()
    time.sleep(0.1)
    return {"right": right}


def ended_awake():
    """The interpreter ends right after the last call."""
    threads.set_num_threads(4)
    return {"right": _is_right()}


def ended_at_work():
    """The interpreter ends while daemon threads call."""
    threads.set_num_threads(4)
    counts = np.zeros((3, 8), np.int64)
    start(lambda i: repeat(MARK, counts[i], 8, 10**9), count=3, daemon=True)
    while not counts.all():
        time.sleep(0.001)
    return {"right": True}


SCENARIOS = {
    one.__name__: one
    for one in (
        *(many_callers, resized_at_work, forked_at_work, forked_within, blocked_signals, refused),
        *(ended_asleep, ended_awake, ended_at_work),
    )
}

if __name__ == "__main__":
    print(SCENARIOS[sys.argv[1]]())
