"""The native entries of a function belong to it: pickled, copied, wrapped, collected; threads."""

import copy
import functools
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


def scaled(x, scale=2.0):
    return np.sum(x * x) * scale


@compile_grad(backend="llvm")
def squares(x, scale=2.0):
    return np.sum(x * x) * scale


def native(function):
    return compile_grad(function, backend="llvm")


@pytest.mark.usefixtures("entry_kind")
def test_pickled_and_copied_by_name():
    """As the methods that they stand for, also where a second entry is behind."""
    for size in (3, 4):
        squares.grad(np.ones(size))
    for one in (squares.grad, squares.value_and_grad):
        assert pickle.loads(pickle.dumps(one)) == one
    assert pickle.loads(pickle.dumps(squares)) is squares
    assert copy.deepcopy(squares) is squares


def test_wrappers_get_no_entries():
    """What ``functools.wraps`` copies must not make another function's gradient look its own."""
    compiled = native(scaled)
    compiled.grad(X)

    @functools.wraps(compiled)
    def twice(x, scale=2.0):
        return 2 * compiled(x, scale)

    assert not hasattr(twice, "grad")
    assert native(twice).grad(X).tolist() == (8 * X).tolist()


def test_functions_are_collected():
    """With all their entries, in any of the cycles between these."""
    alive = []
    for _ in range(3):
        compiled = native(lambda x: np.sum(x * x))
        for size in (2, 3):
            compiled.grad(np.ones(size))
            compiled(np.ones(size))
        alive += [weakref.ref(compiled), weakref.ref(compiled.grad)]
        del compiled
    gc.collect()
    assert not any(one() for one in alive)


def test_an_entry_keeps_its_function():
    grad = native(scaled)
    grad.grad(X)
    grad = grad.grad
    gc.collect()
    assert grad(X).tolist() == (4 * X).tolist()
    assert grad(X[:2]).tolist() == (4 * X[:2]).tolist()


def test_threads():
    """Eight of them, which also compile: every result is right."""
    compiled = native(scaled)
    wrong, start = [], threading.Barrier(8)

    def work(seed):
        x = np.arange(1.0 + seed % 4)
        start.wait()
        for i in range(10_000):
            value, gradient = compiled.value_and_grad(x, 1.0)
            if value != x @ x or gradient[-1] != 2 * x[-1]:
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong
    assert len(compiled.history) == 4


@pytest.mark.parametrize("dtype", ["q", "Q"])
def test_both_of_the_integers_of_64_bits(dtype):
    """C has two of one size, which NumPy calls equal; code knows them by a number."""
    weighted = native(lambda w, k: np.sum(w * k))
    k = np.arange(3, dtype=dtype)
    for _ in range(2):
        np.testing.assert_array_equal(weighted.grad(np.ones(3), k), [0.0, 1.0, 2.0])
        assert native(lambda k: k + 1)(k[1]) == 2
