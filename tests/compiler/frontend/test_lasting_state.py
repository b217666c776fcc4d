"""State in places that are easily overlooked: functions, classes, deques, partials, files."""

import functools
import io
import operator
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from gradc import CaptureError, compile_grad

X = np.array([0.1, 0.7, 0.3])


def check(function, *changes):
    """Compare a compiled function with its plain run, before and after each change."""
    compiled = compile_grad(function)
    for change in (lambda: None, *changes):
        change()
        np.testing.assert_allclose(compiled(X), function(X))


def counted(x):
    counted.calls += 1
    counted.last = x * 2
    return np.sum(x) * counted.calls


def test_attributes_of_a_function():
    """They are stored at each call, and hold no traced values."""
    counted.calls = 0
    compiled = compile_grad(counted)
    results = [float(compiled(X)) for _ in range(3)]
    np.testing.assert_allclose(results, np.sum(X) * np.array([1, 2, 3]))
    assert counted.calls == 3
    np.testing.assert_array_equal(counted.last, X * 2)


class Base:
    factor = 2.0


class Derived(Base):
    def __init__(self, x):
        self.x = x

    def total(self):
        return np.sum(self.x * self.factor)


def test_class_attribute_of_an_object_made_inside(monkeypatch):
    check(
        lambda x: Derived(x).total(),
        lambda: monkeypatch.setattr(Base, "factor", 5.0),
        lambda: monkeypatch.setattr(Derived, "factor", 7.0, raising=False),
    )


def test_deque():
    recent = deque([np.zeros(3), np.ones(3)], maxlen=2)
    check(lambda x: np.sum(x * sum(recent)), lambda: recent.append(X), lambda: recent.append(X * 2))


def test_partial():
    model = SimpleNamespace(act=functools.partial(np.dot, np.ones(3)))
    check(
        lambda x: model.act(x),
        lambda: model.act.args[0].fill(9.0),
        lambda: setattr(model, "act", functools.partial(np.dot, X)),
    )


def test_attributes_as_a_dict():
    model = SimpleNamespace(a=np.ones(3), b=2.0)
    check(
        lambda x: sum(np.sum(one * x) for one in vars(model).values()),
        lambda: setattr(model, "c", 3.0),
        lambda: setattr(model, "a", X),
    )
    check(lambda x: np.sum(operator.attrgetter("a")(model) * x), lambda: setattr(model, "a", X * 5))


def test_cached_property_keeps_what_it_gave():
    class Model:
        weights = X

        @functools.cached_property
        def squares(self):
            return self.weights**2

    model, twin = Model(), Model()
    compiled = compile_grad(lambda x: np.sum(model.squares * x))
    for weights in (X, X * 2):
        model.weights = twin.weights = weights
        np.testing.assert_allclose(compiled(X), np.sum(twin.squares * X))
    np.testing.assert_array_equal(model.squares, twin.squares)


def test_file_is_written_at_each_call():
    """Also text that is joined from a generator."""
    file = io.StringIO()

    def told(x):
        file.write(" ".join(f"{one:.2f}" for one in x) + "\n")
        return np.sum(x)

    compiled = compile_grad(told)
    compiled(X)
    compiled(X * 2)
    assert file.getvalue() == "0.10 0.70 0.30\n0.20 1.40 0.60\n"


@pytest.mark.parametrize(
    "kept", [lambda x: lambda: x, lambda x: (one for one in x), lambda x: x.sum]
)
def test_what_would_use_traced_values_later_is_not_stored(kept):
    model = SimpleNamespace()

    def loss(x):
        model.kept = kept(x)
        return np.sum(x)

    with pytest.raises(CaptureError, match="would be made at each call"):
        compile_grad(loss)(X)
    assert not hasattr(model, "kept")


def test_store_to_a_copy_of_an_unknown_layout_is_never_lost():
    """np.put and its kin are refused as other stores are."""
    held = np.arange(6.0).reshape(2, 3)

    def loss(x):
        flat = held.T.ravel()
        np.put(flat, [0], 2.0)
        return np.sum(flat) * x[0]

    with pytest.raises(CaptureError, match="memory layout"):
        compile_grad(loss)(X)


def test_array_in_fortran_order_is_a_copy():
    held = np.arange(6.0).reshape(2, 3)

    def loss(x):
        other = np.asarray(held, order="F")
        other[0, 0] = 2.0
        return np.sum(other * held) * x[0]

    np.testing.assert_allclose(compile_grad(loss)(X), loss(X))
    assert held[0, 0] == 0.0


def test_checks_of_several_conditions():
    """``not``, ``and``, chained comparisons, ``all`` of a generator: one check at each call."""

    def loss(x, strict=True):
        if not np.all(np.isfinite(x)):
            raise ValueError("not finite")
        assert np.all(x > -1) and np.all(x < 10), "out of range"  # noqa: PT018 - captured so
        if (x < 0).any() and strict:
            raise FloatingPointError("negative") from None
        if not all(one < 5 for one in x):
            raise OverflowError
        assert 0 <= x[0] < 9
        return np.sum(x)

    compiled = compile_grad(loss)
    np.testing.assert_array_equal(compiled.grad(X), np.ones(3))
    for bad, error in (
        (X * np.nan, ValueError),
        (X + 20, AssertionError),
        (-X, FloatingPointError),
        (X + 5, OverflowError),
    ):
        with pytest.raises(error):
            compiled(bad)


class Tripled:
    """A descriptor that stores three times what it is given."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__[self.name]

    def __set__(self, instance, value):
        instance.__dict__[self.name] = value * 3


class Described:
    weights = Tripled()

    def __init__(self):
        self.weights = np.ones(3)

    def step(self, x):
        self.weights = self.weights * 0 + 0.5
        return np.sum(self.weights * x)


class Recording:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        object.__setattr__(self, "last", name)

    def step(self, x):
        self.kept = x * 2
        return np.sum(x)


class Counting(dict):
    stores = 0

    def __setitem__(self, key, value):
        self.stores = self.stores + 1
        dict.__setitem__(self, key, value)


def test_code_of_the_user_at_a_store_runs_once():
    """Not once more when the store is done after the call."""
    model, twin, recording = Described(), Described(), Recording()
    step, recorded = compile_grad(model.step), compile_grad(recording.step)
    counting = Counting(a=X)

    def count(x):
        counting["a"] = counting["a"] + x
        return np.sum(x)

    counted_up = compile_grad(count)
    for _ in range(3):
        np.testing.assert_allclose(step(X), twin.step(X))
        recorded(X)
        counted_up(X)
    np.testing.assert_array_equal(model.weights, twin.weights)
    assert recording.last == "kept"
    assert counting.stores == 3
    np.testing.assert_allclose(counting["a"], X * 4)


def test_two_arrays_that_become_one():
    """By a store of the function itself: the next call knows."""
    items, twins = [np.zeros(3), np.zeros(3)], [np.zeros(3), np.zeros(3)]

    def loss(x, held):
        held[0] += x
        held[1] = held[0]
        return np.sum(held[0] * held[1] * x)

    compiled = compile_grad(lambda x: loss(x, items))
    for _ in range(4):
        np.testing.assert_allclose(compiled(X), loss(X, twins))
    assert items[0] is items[1]
    np.testing.assert_allclose(items[0], twins[0])
    assert len(compiled.history) == 2


def test_item_of_globals_is_stored_at_each_call():
    def loss(x):
        globals()["STORED"] = x[0]
        return np.sum(x)

    compiled = compile_grad(loss)
    compiled(X)
    assert compiled(X * 2) == np.sum(X * 2)
    assert globals().pop("STORED") == 0.2
