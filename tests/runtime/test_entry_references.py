"""Entries from Python leak nothing, and outlive nothing that they need."""

import contextlib
import gc
import sys
import weakref

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.entry_layout import INT, POINTER, VOID
from gradc.runtime.entry import bind, fallback_of

from ..native_entries import (
    argument,
    array,
    bound,
    copies,
    emit,
    fresh,
    loaded,
    number,
    outside,
    scalar,
    slow,
    squares,
    sum_and_squares,
)

pytestmark = pytest.mark.usefixtures("entry_kind")

X = np.arange(8.0)
X.flags.writeable = False

CALLS = 100_000
FEW = 50  # Python's own caches may hold a few objects more; a leak is one for each call


def only_native(kind):
    if kind != "native":
        pytest.skip("of native entries")


def blocks_held(run, calls=CALLS) -> int:
    """How many more of Python's memory blocks are in use after many calls than before."""
    for _ in range(100):
        run()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(calls):
        run()
    gc.collect()
    return sys.getallocatedblocks() - before


def references_held(run, *objects) -> int:
    """How many more references there are to any of the objects after many calls than before."""
    run()
    gc.collect()
    before = list(map(sys.getrefcount, objects))
    for _ in range(CALLS):
        run()
    gc.collect()
    after = list(map(sys.getrefcount, objects))
    return max(abs(new - old) for new, old in zip(after, before, strict=True))


def test_no_leak_of_results(entry_kind):
    only_native(entry_kind)
    results = [scalar(), fresh(8), argument(0), scalar(np.bool_)]
    arguments = [array(8), number("float", np.float64)]

    def body(builder, pointers):
        sum_and_squares(builder, [pointers[0], *pointers[2:]])
        builder.store(ir.IntType(8)(1), pointers[4])

    entry = bound(slow, body, arguments, results, ((0, 1), None, 2, 2, (3, 1, 0)))
    given, value = np.arange(8.0), 12.5
    watched = (given, value, np.True_, np.dtype(np.float64), np.float64, np.ndarray, entry)
    assert blocks_held(lambda: entry(given, value)) < FEW
    assert references_held(lambda: entry(given, value), *watched) < FEW


def test_no_leak_on_mismatch(entry_kind):
    only_native(entry_kind)
    entry = bound(lambda *args, **kwargs: args, copies(64), [array(8), array(8)], [fresh(8)], 0)
    entry = bound(entry, squares, [array(8), array(8, written=True)], [argument(1)], 0)
    given, key = np.arange(7.0), object()

    def run():
        entry(given)
        entry(X, given)
        entry(X, X)
        entry(given, key=key)

    watched = (given, key, fallback_of(entry), fallback_of(fallback_of(entry)))
    assert blocks_held(run) < FEW
    assert references_held(run, *watched) < FEW


def test_no_leak_on_failure(entry_kind):
    only_native(entry_kind)

    def fails(builder, pointers):
        outside(builder, "PyErr_BadInternalCall", VOID)
        return INT(7)

    entry = bound(slow, fails, [array(8)], [scalar(), fresh(8), argument(0)], (0, 1, 2), 100_000)
    given = np.arange(8.0)

    def run():
        try:
            entry(given)
        except SystemError:
            return
        raise AssertionError("it did not fail")

    assert blocks_held(run) < FEW
    assert references_held(run, given, np.dtype(np.float64)) < FEW


@pytest.mark.parametrize("status", [0, 1])
def test_no_leak_of_many_results(entry_kind, status):
    """Which are made in a loop, between other ones."""
    only_native(entry_kind)

    def body(builder, pointers):
        if status:
            outside(builder, "PyErr_NoMemory", POINTER)
        return INT(status)

    results = [scalar(), *[fresh(2, 3)] * 5, argument(0), *[fresh(4)] * 5, scalar()]
    tree = (tuple(range(len(results))), 3)
    entry = bound(slow, body, [array(8)] * 9, results, tree)
    given = [np.arange(8.0)] * 9

    def run():
        try:
            entry(*given)
        except MemoryError:
            if not status:
                raise

    watched = (given[0], np.dtype(np.float64), np.ndarray)
    assert blocks_held(run) < FEW
    assert references_held(run, *watched) < FEW


def test_no_leak_where_memory_ends(entry_kind):
    """The arrays that could be made before the one that could not."""
    only_native(entry_kind)
    for before in (3, 8):
        results = [scalar(), *[fresh(8)] * before, fresh(1 << 50), scalar()]
        tree = tuple(range(len(results)))
        entry = bound(slow, lambda builder, pointers: None, [array(8)], results, tree)

        def run(entry=entry):
            with contextlib.suppress(MemoryError):
                entry(X)

        assert blocks_held(run, calls=2000) < FEW


def test_entry_keeps_what_it_needs():
    library = loaded(emit(squares, [array(8)], [fresh(8)], 0))
    entry = bind(library, "f", lambda *args: "slow")
    seen = weakref.ref(library)
    del library
    gc.collect()
    assert seen() is not None
    np.testing.assert_array_equal(entry(X), X * X)
    assert entry(1) == "slow"
    del entry
    gc.collect()
    assert seen() is None  # and the code is unloaded


def test_cycles_are_collected():
    """An owner that holds an entry, which holds the owner's method."""

    class Owner:
        def __init__(self):
            self.library = loaded(emit(squares, [array(8)], [fresh(8)], 0, 100_000))
            self.entry = bind(self.library, "f", self.fallback)
            self.entry(X)

        def fallback(self, *args):
            return "slow"

    owners = [Owner() for _ in range(3)]
    assert owners[0].entry(3) == "slow"
    seen = [weakref.ref(one) for owner in owners for one in (owner, owner.library)]
    owners.clear()
    gc.collect()
    assert [one() for one in seen] == [None] * 6


def test_finalizers_may_call_the_entry():
    """Those of a dead cycle run in any order: the code is there until the last of them is done."""
    results = []

    class Owner:
        def __init__(self):
            self.library = loaded(emit(squares, [array(8)], [fresh(8)], 0))
            self.entry = bind(self.library, "f", self.fallback)
            self.others = [Last(self) for _ in range(5)]

        def fallback(self, *args):
            return "slow"

        def __del__(self):
            results.append(self.entry(X)[2])

    class Last:
        def __init__(self, owner):
            self.owner = owner

        def __del__(self):
            results.append(self.owner.entry(X)[3])

    owner = Owner()
    seen = weakref.ref(owner.library)
    del owner
    gc.collect()
    assert sorted(results) == [4.0] + [9.0] * 5
    assert seen() is None


def test_entry_taken_apart(entry_kind):
    """What the garbage collector has emptied raises, and does not crash."""
    only_native(entry_kind)
    entry = bound(slow, squares, [array(8)], [fresh(8)], 0)
    del entry.__self__[0].cell_contents
    with pytest.raises(SystemError):
        entry(1)
    np.testing.assert_array_equal(entry(X), X * X)
