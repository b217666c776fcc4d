"""`inspect(what="memory")` of native code, against what it takes from the allocator.

CPython's raw allocator, from which workspaces and records come, and NumPy report to tracemalloc.
"""

import re
import tracemalloc

import numpy as np
import pytest

import gradc
from gradc import compile_grad

UNITS = {"bytes": 1, "kB": 1e3, "MB": 1e6}
RNG = np.random.default_rng(0)


def said(table, name, after="value and gradient"):
    """Return a number of bytes of the table."""
    rest = table.partition(after)[2]
    number, unit = re.search(rf"^  {name} +([\d.]+) (\w+)", rest, re.MULTILINE).groups()
    return float(number) * UNITS[unit]


def peak_of(run, *args):
    """Return the most bytes that the first call after compiling takes, and its result."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = run(*args)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak, result


def dense(w, x):
    h = np.tanh(x @ w)
    return np.sum(np.tanh(h @ w.T) ** 2)


def recurrent(w, x):
    h = gradc.fori_loop(0, 50, lambda i, h: np.tanh(h @ w + x[i]), np.zeros((32, 64)))
    return np.sum(h * h)


def scaled(w, x):
    h = gradc.fori_loop(0, 50, lambda i, h: h * 1.01 + x[i], np.zeros((32, 64)))
    return np.sum(h @ w)


CASES = [
    (dense, (RNG.normal(size=(64, 64)), RNG.normal(size=(320, 64)))),
    (recurrent, (RNG.normal(size=(64, 64)), RNG.normal(size=(50, 32, 64)))),
    (scaled, (RNG.normal(size=(64, 64)), RNG.normal(size=(50, 32, 64)))),
]


@pytest.mark.parametrize(("function", "args"), CASES, ids=lambda one: getattr(one, "__name__", ""))
def test_peak_is_what_a_call_takes(function, args):
    """Workspace and results, to 30 kB of Python's own."""
    compiled = compile_grad(function, backend="llvm", wrt=(0, 1))
    table = compiled.inspect(*args, what="memory")
    peak, _ = peak_of(compiled.value_and_grad, *args)
    assert peak == pytest.approx(said(table, "peak"), rel=0.01, abs=30e3)
    assert said(table, "peak") == pytest.approx(
        said(table, "workspace") + said(table, "results"), rel=0.01
    )


def test_what_a_loop_saves_is_there_once():
    """Records lie where the loop stores them: not once more for the room, or for turns."""
    args = CASES[1][1]
    table = compile_grad(recurrent, backend="llvm").inspect(*args, what="memory")
    saved = 2 * 50 * 32 * 64 * 8
    assert saved < said(table, "workspace") < 1.3 * saved
    assert said(table, "peak", "vjp: the value") < 1.1 * saved  # they are results: no copies


def test_blocks_are_named_by_the_user():
    """With the user's names and lines, the largest first; what a product packs is among them."""
    lines = compile_grad(dense, backend="llvm").inspect(*CASES[0][1], what="memory").splitlines()
    place = lines.index("  in the workspace, where places are used again")
    line = dense.__code__.co_firstlineno + 1
    h = next(one for one in lines[place:] if one.split()[0] == "h")
    assert h.split() == ["h", "164", "kB", f"test_native_memory.py:{line}"]
    assert "packed for product 320x64x64 float64" in "\n".join(lines[place:])


def test_small_workspaces_are_said_too():
    """They lie on the stack, and are no less."""

    @compile_grad(backend="llvm")
    def loss(x):
        return np.sum(np.exp(x) @ np.ones((20, 20)))

    table = loss.inspect(np.ones(20), what="memory")
    assert 0 < said(table, "workspace") < 16384


def test_records_of_unknown_length_are_counted_by_row():
    """And grow as they do in NumPy code."""

    @compile_grad(backend="llvm")
    def loss(w, n):
        h = gradc.fori_loop(0, n, lambda i, h: np.tanh(h @ w), np.ones((32, 64)))
        return np.sum(h * h)

    table = loss.inspect(np.eye(64), 30, what="memory")
    assert re.search(r"peak .* and 2 records as long as its loops run", table)
    rows = re.findall(r"  a row +([\d.]+ \w+)", table.partition("vjp")[0])
    assert rows == ["16.4 kB"] * 2
    peak, _ = peak_of(loss.value_and_grad, np.eye(64), 30)
    assert peak == pytest.approx(said(table, "peak") + 30 * 2 * 16384, rel=0.02, abs=20e3)


def test_pullback_holds_what_is_saved_for_it():
    compiled = compile_grad(lambda w, x: np.tanh(x @ w), backend="llvm")
    args = RNG.normal(size=(64, 64)), RNG.normal(size=(320, 64))
    table = compiled.inspect(*args, what="memory")
    _, pullback = compiled.vjp(*args)
    together = table.partition("saved for the pullback")[2].partition("together")[2].split()
    assert pullback.nbytes == pytest.approx(float(together[0]) * UNITS[together[1]], rel=0.01)
