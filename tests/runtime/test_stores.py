"""Stores to attributes, names and items of the outside are done after each call."""

from types import SimpleNamespace

import numpy as np
import pytest

from gradc import compile_grad

from .stateful import MODES, Model, X, run, state_of

COUNT = 0
HISTORY = np.zeros(3)


@pytest.fixture(autouse=True)
def fresh():
    """Leave the globals as they were."""
    globals().update(COUNT=0, HISTORY=np.zeros(3))


@pytest.mark.parametrize("mode", MODES)
def test_state_is_that_of_plain_numpy(mode):
    """Beside an equal object that plain Python changes, call by call."""
    model, twin = Model(), Model()
    compiled = compile_grad(lambda x: model.update(x))
    for turn in range(5):
        x = X * (turn + 1)
        run(compiled, mode, x)
        twin.update(x)
        for got, expected in zip(state_of(model), state_of(twin), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)
            assert type(got) is type(expected)
        assert model.last["name"] == "last"


def test_state_may_be_changed_between_the_calls():
    model, twin = Model(), Model()
    compiled = compile_grad(lambda x: model.update(x))
    for turn in range(4):
        for one in (model, twin):
            one.w = one.w * 2 if turn % 2 else X.copy()
            one.steps += 10
            one.table["loss"] = float(turn)
        np.testing.assert_allclose(compiled(X), twin.update(X))
        for got, expected in zip(state_of(model), state_of(twin), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_names_outside():
    """``global`` and ``nonlocal``; what is stored is read again by the same call."""
    total = 1.0

    def loss(x):
        global COUNT, HISTORY
        nonlocal total
        COUNT += 1
        HISTORY = HISTORY + x
        HISTORY[0] *= 1.0
        total = total * 2 + np.sum(HISTORY)
        return total * COUNT

    compiled = compile_grad(loss)
    expected, history = 1.0, np.zeros(3)
    for turn in range(1, 4):
        history = history + X
        expected = expected * 2 + np.sum(history)
        np.testing.assert_allclose(compiled(X), expected * turn)
        assert (COUNT, total) == (turn, expected)
        np.testing.assert_allclose(HISTORY, history)
    np.testing.assert_allclose(compiled.grad(X), np.full(3, float(COUNT)))


def test_name_that_did_not_exist_is_made():
    """By ``global``, as an attribute, as an item."""
    model, table = SimpleNamespace(), {}

    def loss(x):
        global MADE
        MADE = np.sum(x)
        model.made = x * 2
        setattr(model, "other", x[0])  # noqa: B010
        table["made"] = MADE
        return MADE

    for scale in (1.0, 3.0):
        compile_grad(loss).grad(X * scale)
        assert (globals()["MADE"], model.other, table["made"]) == (2 * scale, scale, 2 * scale)
        np.testing.assert_allclose(model.made, 2 * scale * X)
    del globals()["MADE"]


def test_stored_values_have_the_types_of_plain_numpy():
    """Python numbers, NumPy scalars, arrays of their own, containers, what is no array."""
    model = SimpleNamespace()
    x = X.astype("f4")

    def loss(x, n):
        model.number = n + 1
        model.float = float(x[0])
        model.scalar = np.sum(x)
        model.array = x[1:]
        model.pair = (x[0], [x * 2, {"k": n}])
        model.text, model.nothing, model.flag = "text", None, n > 2
        return np.sum(x)

    compile_grad(loss)(x, 3)
    got = vars(model).copy()
    loss(x, 3)
    for name, expected in vars(model).items():
        assert type(got[name]) is type(expected), name
    assert (got["number"], got["float"], got["scalar"]) == (4, 1.0, 2.0)
    assert got["scalar"].dtype == np.float32
    assert not np.shares_memory(got["array"], x)
    assert type(got["pair"][1]) is list
    assert got["pair"][1][1] == {"k": 3}
    assert (got["text"], got["nothing"], got["flag"]) == ("text", None, True)


def test_stored_array_is_not_that_of_the_next_call():
    """Each call stores an array of its own."""
    model = SimpleNamespace(seen=None)

    def loss(x):
        model.seen = x * 2
        return np.sum(x)

    compiled = compile_grad(loss)
    compiled(X)
    first = model.seen
    compiled(X * 3)
    np.testing.assert_array_equal(first, X * 2)
    assert model.seen is not first


def test_store_of_an_outside_object_keeps_the_object():
    """``self.previous = self.w``: two names for one array, as Python has it."""
    model = SimpleNamespace(w=X.copy(), previous=None, table={"a": X.copy()}, kept=None)
    w, table = model.w, model.table

    def loss(x):
        model.previous = model.w
        model.w = model.w * 2
        model.kept = model.table
        return np.sum(model.w * x)

    compile_grad(loss).grad(X)
    assert model.previous is w
    assert model.kept is table
    np.testing.assert_array_equal(model.w, X * 2)


def test_swapped_buffers():
    """``self.a, self.b = self.b, self.a``: the arrays change places, with what was stored."""
    model = SimpleNamespace(a=X.copy(), b=np.zeros(3))
    a, b = model.a, model.b

    def loss(x):
        model.b[:] = model.a * 2
        model.a, model.b = model.b, model.a
        return np.sum(model.a * x)

    compiled = compile_grad(loss)
    np.testing.assert_array_equal(compiled.grad(X), X * 2)
    assert model.a is b
    assert model.b is a
    np.testing.assert_array_equal(compiled.grad(X), X * 4)
    np.testing.assert_array_equal(a, X * 4)


def test_class_attribute_is_read_through_the_instance():
    """Stored to the class, it is seen by the instance in the same call, and the other way."""

    class Counter:
        total = 0
        w = X.copy()

        def step(self, x):
            type(self).total += 1
            Counter.w = Counter.w * 2
            return np.sum(self.w * x) * self.total

    counter = Counter()
    compiled = compile_grad(counter.step)
    for turn in (1, 2, 3):
        np.testing.assert_allclose(compiled(X), np.sum(X * 2**turn * X) * turn)
        assert Counter.total == turn
        assert "total" not in vars(counter)
    counter.total = 10
    np.testing.assert_allclose(compiled(X), np.sum(X * 2**4 * X) * 10)
    assert (Counter.total, counter.total) == (4, 10)
