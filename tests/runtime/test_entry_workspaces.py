"""Workspaces of entries, in calls within calls and in several threads."""

import ctypes
import gc
import threading
import tracemalloc

import numpy as np
import pytest
from gradc.compiler.backends.llvm.entry_layout import SIZE
from gradc.runtime.entry import bind, trim

from ..native_entries import (
    DOUBLE,
    array,
    bound,
    element,
    emit,
    loaded,
    outside,
    scalar,
    slow,
)

pytestmark = pytest.mark.usefixtures("entry_kind")


def through_workspace(nbytes: int):
    """A kernel that copies by way of the first and last bytes of its workspace."""

    def body(builder, pointers):
        given, result, workspace = pointers
        address = builder.ptrtoint(workspace, SIZE)
        value = builder.load(given, typ=DOUBLE)
        places = [element(builder, workspace, i) for i in (0, nbytes // 8 - 1)]
        for place in places:
            builder.store(value, place)
        remainder = builder.uitofp(builder.and_(address, SIZE(63)), DOUBLE)
        total = builder.fadd(*(builder.load(place, typ=DOUBLE) for place in places))
        builder.store(builder.fadd(total, remainder), result)

    return body


@pytest.mark.parametrize("nbytes", [8, 1000, 16384, 16392, 1_000_000])
@pytest.mark.parametrize("release", [False, True])
def test_workspace_is_aligned_and_whole(nbytes, release):
    """To 64 bytes: otherwise the remainder would be added."""
    entry = bound(
        slow,
        through_workspace(nbytes),
        [array()],
        [scalar()],
        0,
        workspace_bytes=nbytes,
        release=release,
    )
    for _ in range(3):
        assert entry(np.array(2.5)) == 5.0


def test_workspace_is_kept_and_goes_with_the_entry(entry_kind):
    nbytes = 5_000_000
    tracemalloc.start()
    entry = bound(slow, through_workspace(nbytes), [array()], [scalar()], 0, nbytes)
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(3):
        entry(np.array(2.5))
        held, _ = tracemalloc.get_traced_memory()
        assert nbytes <= held - before < nbytes + 100_000
    trim(entry)
    assert tracemalloc.get_traced_memory()[0] - before < 100_000
    entry(np.array(2.5))
    del entry
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 100_000


@pytest.mark.parametrize("nbytes", [800, 100_000])
def test_calls_within_calls_have_workspaces_of_their_own(nbytes):
    """More of them than wait for the next call."""
    depth = 0

    def again():
        nonlocal depth
        depth += 1
        return float(entry(np.array(float(depth)))) if depth < 8 else 0.0

    callback = ctypes.PYFUNCTYPE(ctypes.c_double)(again)

    def body(builder, pointers):
        given, result, workspace = pointers
        builder.store(builder.load(given, typ=DOUBLE), workspace)
        inner = outside(builder, "again", DOUBLE)
        builder.store(builder.fadd(inner, builder.load(workspace, typ=DOUBLE)), result)

    library = loaded(
        emit(body, [array()], [scalar()], 0, nbytes),
        {"again": ctypes.cast(callback, ctypes.c_void_p).value},
    )
    entry = bind(library, "f", slow)
    assert entry(np.array(100.0)) == 100 + sum(range(1, 8))


def spin(builder, address, until: int) -> None:
    """Wait until the int64 has reached a number; for some seconds at most."""
    before = builder.block
    head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    turns = builder.phi(SIZE)
    turns.add_incoming(SIZE(0), before)
    seen = builder.load_atomic(address, "acquire", 8, typ=SIZE)
    waiting = builder.and_(
        builder.icmp_signed("<", seen, SIZE(until)),
        builder.icmp_signed("<", turns, SIZE(4_000_000_000)),
    )
    builder.cbranch(waiting, body, done)
    builder.position_at_end(body)
    turns.add_incoming(builder.add(turns, SIZE(1)), body)
    builder.branch(head)
    builder.position_at_end(done)


def in_threads(function, count):
    results = [None] * count

    def run(i):
        results[i] = function(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return results


@pytest.mark.parametrize("nbytes", [800, 100_000])
def test_threads_run_at_once(nbytes):
    """Each of two calls waits inside for the other: without the lock, with its own workspace."""

    def body(builder, pointers):
        given, counter, result, workspace = pointers
        value = builder.load(given, typ=DOUBLE)
        places = [element(builder, workspace, i) for i in (0, nbytes // 8 - 1)]
        for place in places:
            builder.store(value, place)
        builder.atomic_rmw("add", counter, SIZE(1), "acq_rel")
        spin(builder, counter, 2)
        total = builder.fadd(*(builder.load(place, typ=DOUBLE) for place in places))
        there = builder.load_atomic(counter, "acquire", 8, typ=SIZE)
        met = builder.icmp_signed("==", there, SIZE(2))
        builder.store(builder.select(met, total, DOUBLE(-1.0)), result)

    arguments = [array(), array(1, dtype=np.int64)]
    entry = bound(slow, body, arguments, [scalar()], 0, nbytes, release=True)
    counter = np.zeros(1, np.int64)
    values = [np.array(1.5), np.array(40.0)]
    assert in_threads(lambda i: entry(values[i], counter), 2) == [3.0, 80.0]


def test_many_threads():
    entry = bound(slow, through_workspace(100_000), [array()], [scalar()], 0, 100_000, release=True)

    def run(i):
        given = np.array(float(i))
        return all(entry(given) == 2 * i for _ in range(3000))

    assert all(in_threads(run, 8))
