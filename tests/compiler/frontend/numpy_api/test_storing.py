"""NumPy's functions that store, and ``ndarray.flat``."""

import numpy as np
import pytest

from gradc import GradcError, compile_grad

from .agreement import assert_agrees

V = np.array([0.5, -1.5, 2.0, 1.25])
M = np.arange(12.0).reshape(3, 4) - 5.25
K = np.array([2, 0, -1])

# Of an array that may be stored to, and the argument that it is a copy of.
STORES = {
    "put": lambda y, x: np.put(y, [0, 5], x[1, :2]),
    "put cycles": lambda y, x: np.put(y, [0, 5, -1], [x[1, 1], 2.0]),
    "put one": lambda y, x: np.put(y, 3, x[0, 0] ** 2),
    "put twice": lambda y, x: np.put(y, [1, 1], x[1, :2]),
    "put wraps": lambda y, x: np.put(y, [13, -15], 3.0, mode="wrap"),
    "put clips": lambda y, x: np.put(y, [99, -15], x[0, :3], mode="clip"),
    "put method": lambda y, x: y.put([0, 5], x[1, 2:]),
    "put along": lambda y, x: np.put_along_axis(y, np.argsort(x)[:, :1], x[:, 1:2] ** 2, 1),
    "put along broadcast": lambda y, x: np.put_along_axis(y, np.array([[0, 2, 1, 0]]), 9.0, 0),
    "put along flat": lambda y, x: np.put_along_axis(y, np.array([0, 7]), x[0, :2], None),
    "putmask": lambda y, x: np.putmask(y, x > 0, x**2),
    "putmask number": lambda y, x: np.putmask(y, x > 0, x[0, 0]),
    "putmask cycles": lambda y, x: np.putmask(y, x > 0, x[0, :3]),
    "place": lambda y, x: np.place(y, x > 0, x[0]),
    "place number": lambda y, x: np.place(y, x > 0, 2.0),
    "place known": lambda y, x: np.place(y, M > -2, x[0, :3] ** 2),
    "copyto": lambda y, x: np.copyto(y, x[0] ** 2),
    "copyto where": lambda y, x: np.copyto(y, x**2, where=x > 0),
    "copyto where row": lambda y, x: np.copyto(y, 2, where=[True, False, True, False]),
    "copyto lead": lambda y, x: np.copyto(y, x[None, None] * 2),
    "fill": lambda y, x: y.fill(x[0, 0] ** 2),
    "fill column": lambda y, x: y[:, 1].fill(3.0),
    "flat store": lambda y, x: y.flat.__setitem__(slice(1, 12, 3), x[0] ** 2),
    "flat store cycles": lambda y, x: y.flat.__setitem__(slice(None), [x[0, 0], 2.0, 5.0]),
    "flat store one": lambda y, x: y.flat.__setitem__(5, x[0, 0]),
    "flat store by mask": lambda y, x: y.flat.__setitem__([1, 2], x[0, :2]),
    "nothing": lambda y, x: np.put(y, [], []),
}


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("of", ["array", "transpose", "part"])
def test_stores(name, of):
    if (name, of) == ("put along flat", "transpose"):
        pytest.skip("NumPy would store to a copy, and refuses")

    def call(x):
        if of == "array":
            base = y = x * 1.0
        elif of == "transpose":
            base = (x * 1.0).T.copy()
            y = base.T
        else:
            base = np.concatenate([x, x])
            y = base[1:4]
        assert STORES[name](y, x) is None
        return base, y

    assert_agrees(call, M)


def test_arrays_made_inside_take_traced_values():
    def call(x):
        eye, table, copied, filled = np.eye(3), np.zeros((2, 3)), np.empty(4), np.ones(3)
        seen = table[1]
        np.fill_diagonal(eye, x[0, :3])
        np.put(table, [0, 4], x[1, :2])
        np.put_along_axis(table, np.array([[2], [0]]), x[:2, :1], 1)
        np.copyto(copied, x[2])
        np.place(filled, np.array([True, False, True]), x[0, :1])
        np.putmask(filled, x[1, :3] > -1.0, x[0, :3])
        return eye, table, seen, copied, filled

    assert_agrees(call, M)


FLAT = {
    "element": lambda x: x.flat[5] * 2,
    "slice": lambda x: x.flat[2:9:3],
    "list": lambda x: x.flat[[0, -1]],
    "all": lambda x: x.flat[:],
    "sum": lambda x: np.sum(x.flat),
    "iteration": lambda x: sum(one * one for one in x.flat),
    "length": lambda x: len(x.flat) * x,
    "list of": lambda x: np.stack(list(x.flat)),
    "ufunc": lambda x: np.exp(x.flat),
    "copy": lambda x: x.flat.copy(),
    "of a transpose": lambda x: x.T.flat[1:5],
}


@pytest.mark.parametrize("name", FLAT)
def test_flat(name):
    assert_agrees(FLAT[name], M)


def test_what_flat_reads_is_a_copy():
    def call(x):
        x = x * 1.0
        read = x.flat[:3]
        x[0, 0] = 9.0
        return read, x

    assert_agrees(call, M)


def test_casting():
    def call(x, casting):
        y = np.zeros_like(x, dtype=np.int64)
        np.copyto(y, x, casting=casting)
        return y

    compiled = compile_grad(call)
    np.testing.assert_array_equal(compiled(M, "unsafe"), call(M, "unsafe"))
    with pytest.raises(GradcError, match="same_kind"):
        compiled(M, "same_kind")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: np.copyto(x * 1, x[:, :2]), "could not broadcast"),
        (lambda x: np.putmask(x * 1, x[0] > 0, 1.0), "same size"),
        (lambda x: np.place(x * 1, x > 9, np.zeros(0)), "empty|modulo|zero|broadcast"),
        (lambda x: (x[0, 0] * 1).fill(2.0), "scalar"),
        (lambda x: np.concatenate([x.flat, x[0]]), "x.ravel"),
    ],
)
def test_refused(function, words):
    with pytest.raises((GradcError, ValueError), match=words):
        compile_grad(function)(M)
