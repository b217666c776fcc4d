"""Arrays made inside are NumPy's own until something that depends on the arguments is stored."""

import copy
import json
import pickle
import statistics
import textwrap
from unittest.mock import Mock

import numpy as np
import pytest
from gradc.compiler.frontend.concrete import holds_traced, plain
from gradc.compiler.frontend.tracer import Tracer

from gradc import compile_grad

from .staging.agreement import assert_agrees

X = np.array([0.5, -1.5, 2.0])


def seen_by(function):
    """What a library function is given while ``function`` is captured."""
    look = Mock()
    compile_grad(lambda x: function(x, look))(X)
    return look.call_args.args


def test_usable_as_numbers_indices_bounds_and_conditions():
    """Nothing of it depends on the arguments: Python may read it."""

    def loss(x):
        table = np.zeros(3)
        order = np.argsort([3.0, 1.0, 2.0])
        table[order[0] :] = 1.0
        total = 0.0
        for i in order:
            if table[i] > 0 and bool(table.any()) and not np.all(table):
                total = total + x[int(i)] * float(table[i])
        for _ in range(int(table.sum())):
            total = total * 2
        return total * len(table) + [x[0], x[1], x[2]][order[0]]

    assert_agrees(loss, X)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.zeros(3),
        lambda x: np.empty(3),
        lambda x: np.ones(3),
        lambda x: np.full(3, 2.0),
        lambda x: np.full_like(np.ones(3), 2.0),
        lambda x: np.zeros_like(np.arange(3.0)),
        lambda x: np.arange(3.0),
        lambda x: np.linspace(0.0, 1.0, 3),
        lambda x: np.eye(3)[1],
        lambda x: np.array([1.0, 2.0, 3.0]),
        lambda x: np.asarray([1.0, 2.0, 3.0]),
        lambda x: np.array([np.zeros(3), np.ones(3)])[1],
        lambda x: np.tile([1.0], 3),
        lambda x: np.random.default_rng(3).normal(size=3),
        lambda x: np.fromfunction(lambda i: i * 2.0, (3,)),
        lambda x: np.zeros((2, 3))[1],
        lambda x: np.diag(np.ones(3)).copy()[2],
        lambda x: np.meshgrid(np.arange(3.0), np.arange(2.0))[0][1],
        lambda x: np.split(np.arange(6.0), 2)[1],
        lambda x: np.loadtxt(["1.0", "2.0", "3.0"]),
        lambda x: np.zeros(x.shape, x.dtype),
        lambda x: np.zeros(len(x)) + np.ones(3),
    ],
)
def test_arrays_of_every_origin_take_traced_values(make):
    """Stores by index, by slice, in place, through a view, by ``out=`` and by functions."""

    def loss(x):
        a = make(x)
        a[:] = np.arange(3.0)
        a[0] = x[0]
        part = a[1:]
        part[:] = part * x[1:]
        np.multiply(a, 2.0, out=a)
        a += x
        np.add.at(a, [0, 0], x[1])
        np.copyto(a[:1], x[2])
        a[::-1][0] -= x[1]
        return np.sum(a * a) + part[0]

    assert_agrees(loss, X)


def test_becomes_traced_at_the_first_traced_store():
    """And its views with it; those of another array, or made by a copy, do not."""

    def look_at(x, look):
        a, other = np.zeros(3), np.zeros(3)
        row, copied = a[1:], a.copy()
        before = [holds_traced(one) for one in (a, row, copied, other)]
        a[0] = x[0]
        look(before, [holds_traced(one) for one in (a, row, copied, other)])
        return x[0]

    before, after = seen_by(look_at)
    assert before == [False] * 4
    assert after == [True, True, False, False]


def test_numpy_itself_computes_with_them():
    """No node of the graph comes of them but the constant that meets a traced value."""

    def loss(x):
        grid = np.linspace(0.0, 1.0, 50)
        weights = np.exp(-(grid**2)) / np.sum(np.exp(-(grid**2)))
        kernel = np.linalg.inv(np.eye(3) + np.outer(np.arange(3.0), np.ones(3)))
        return weights[:3] @ kernel @ x

    text = compile_grad(loss).inspect(X, what="graph")
    assert "exp" not in text
    assert_agrees(loss, X)


def test_views_of_them_share_memory_with_them():
    """As in NumPy: reshape, transpose, slices and iteration before and after a traced store."""

    def loss(x):
        table = np.zeros((2, 3))
        flat, turned, first = table.reshape(-1), table.T, table[0]
        table[0, 0] = 1.0
        first[1] = 2.0
        flat[5] = x[0]
        turned[1, 1] = x[1] * flat[0]
        for row in table:
            row += x
        for i, row in enumerate(table):
            row[i] *= first[1]
        np.fill_diagonal(table, 3.0)
        return np.sum(table * np.arange(6.0).reshape(2, 3)) + np.sum(flat * 2) + np.sum(turned**2)

    assert_agrees(loss, X)


def test_each_call_has_its_own():
    """What one call stores is not there in the next, in arrays made inside and returned."""

    def loss(x):
        made = np.zeros(3)
        first = made.copy()
        made += 1.0
        made[0] += x[0]
        return np.sum(made), made, first

    compiled = compile_grad(loss)
    for _ in range(3):
        total, made, first = compiled(X)
        assert (float(total), made.tolist(), first.tolist()) == (3.5, [1.5, 1.0, 1.0], [0.0] * 3)
        made[:] = first[:] = 100.0


def test_results_that_do_not_depend_on_the_arguments():
    """They are constants, fresh at each call; the gradient is zero."""
    compiled = compile_grad(lambda x: np.arange(3.0))
    first, second = compiled(X), compiled(X)
    assert first is not second
    first[:] = 9.0
    np.testing.assert_array_equal(compiled(X), [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(compile_grad(lambda x: np.sum(np.ones(2))).grad(X), np.zeros(3))


def test_integer_and_boolean_and_text_arrays():
    """Also of dtypes that no compiled program can hold."""

    def loss(x):
        names = np.array(["a", "b", "a"])
        chosen = names == "a"
        ids = np.array([2, 0], dtype=np.int16)
        when = np.array(["2024-01-01"], dtype="datetime64[D]")
        pairs = np.array([(1, 2.0)], dtype=[("n", int), ("v", float)])
        mixed = np.array([1, "x", None], dtype=object)
        weight = 1.0 if mixed[1] == "x" and when[0] < np.datetime64("2025-01-01") else 0.0
        return np.sum(x[chosen]) * x[ids[0]] * weight + pairs["v"][0] * x[1] + 1j.imag

    assert_agrees(loss, X)


def test_numpys_errors_and_words_come_out():
    def out_of_bounds(x):
        np.zeros(3)[5] = 1.0
        return np.sum(x)

    with pytest.raises(IndexError, match="out of bounds"):
        compile_grad(out_of_bounds)(X)

    def divides(x):
        return np.sum(x) * (np.zeros(1) / np.zeros(1))[0]

    with pytest.warns(RuntimeWarning, match="invalid value"):
        compile_grad(divides)(X)


def test_plain_leaves_containers_without_arrays_alone():
    """What a library function gets is the user's own list, tuple or dict."""
    values = [1, "a"], (1.0, None), {"k": [2]}
    for one in values:
        assert plain(one) is one
    assert holds_traced(values) is False


def test_library_functions_get_plain_arrays():
    """Never tracers, unless they depend on the arguments; Python's own library works on any."""
    look = Mock()
    look.__module__ = "pandas"

    def loss(x):
        look(np.zeros(2), [np.ones(1)], {"k": np.ones(1)}, x)
        return x[0]

    compile_grad(loss)(X)
    given = look.call_args.args
    assert type(given[0]) is type(given[1][0]) is type(given[2]["k"]) is np.ndarray
    assert type(given[3]) is Tracer


def test_libraries_of_python_work_with_them():
    """Copies, pickles, texts and sums of arrays made inside."""

    def loss(x):
        made = np.arange(3.0)
        again = pickle.loads(pickle.dumps(made))
        copied, deep = copy.copy(made), copy.deepcopy([made])[0]
        copied[0] = deep[1] = x[0]
        listed = json.loads(json.dumps(made.tolist()))
        mean = statistics.fmean(made) + len(textwrap.dedent(f"  {made}")) + hash(made[0])
        return np.sum(again * x) + np.sum(copied + deep) + mean * x[1] + listed[2]

    assert_agrees(loss, X)
