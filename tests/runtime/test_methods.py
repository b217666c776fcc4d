"""Compiled methods, and compiled functions as objects among others: copies, pickles, threads."""

import abc
import copy
import functools
import gc
import inspect
import math
import pickle
import sys
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


class Model:
    """Its methods are compiled once, for all instances."""

    created = 0

    def __init__(self, w):
        self.w = w
        self.steps = 0
        self.__scale = 2.0

    @compile_grad
    def loss(self, x, power=1.0):
        """Say what it is."""
        return np.sum(self.w * x) * self.__scale * power

    @compile_grad(wrt=("x", "y"))
    def by_names(self, x, y):
        return np.sum(self.w * x * y)

    @compile_grad(wrt=(0, 1))
    def by_positions(self, x, y):
        return np.sum(self.w * x * y)

    @compile_grad(wrt=-1)
    def by_the_last(self, x, y):
        return np.sum(self.w * x * y)

    @compile_grad(has_aux=True)
    def with_aux(self, x):
        self.steps += 1
        return np.sum(self.w * x), {"scaled": self.w * 2, "steps": self.steps}

    @compile_grad(static_argnames="kind")
    def chosen(self, x, kind="sum"):
        return getattr(np, kind)(self.w * x)

    @compile_grad
    @classmethod
    def of_class(cls, x):
        return np.sum(x * x) * (cls.created + 1)

    @staticmethod
    @compile_grad
    def of_none(x):
        return math.exp(x[0])

    @property
    @compile_grad
    def norm(self):
        return np.sqrt(self.w @ self.w)

    @compile_grad
    def __call__(self, x):
        return self.loss(x) + np.sum(x)

    @compile_grad
    def update(self, x):
        self.w -= 0.5 * x
        self.steps += 1
        return np.sum(self.w)


class Derived(Model):
    @compile_grad
    def loss(self, x, power=1.0):
        return super().loss(x, power) * 10 + np.sum(x)


def test_methods_of_two_instances():
    """Each reads its own state; both share the code."""
    first, second = Model(X), Model(X * 10)
    for _ in range(2):
        np.testing.assert_allclose(first.loss.grad(X), 2 * X)
        np.testing.assert_allclose(second.loss.grad(X, 3.0), 60 * X)
        assert first.loss(X) == 2 * np.sum(X * X)
    first.w = X * 5
    np.testing.assert_allclose(first.loss.grad(X), 10 * X)
    second.w = first.w
    np.testing.assert_allclose(second.loss.grad(x=X, power=1.0), 10 * X)


def test_every_way_to_call_a_method():
    """Bound, unbound, by ``getattr``, kept in a variable, as a callable object."""
    model = Model(X)
    value, gradient = model.loss.value_and_grad(X)
    out, pullback = model.loss.vjp(X)
    assert value == out == model.loss(X) == Model.loss(model, X)
    kept = model.loss
    for one in (gradient, pullback(1.0), kept.grad(X)):
        np.testing.assert_allclose(one, 2 * X)
    assert model(X) == model.loss(X) + np.sum(X)
    assert model.norm == np.sqrt(X @ X)
    np.testing.assert_allclose(Model.of_class.grad(X), 2 * X)
    np.testing.assert_allclose(model.of_none.grad(X), [np.e, 0, 0])
    assert "def loss_value_and_grad(" in model.loss.inspect(X)
    assert "def loss_value_and_grad(" in model.loss.lower(X).numpy


def test_wrt_counts_behind_self():
    model, y = Model(X), X + 1
    for compiled in (model.by_names, model.by_positions):
        by_x, by_y = compiled.grad(X, y)
        np.testing.assert_allclose(by_x, X * y)
        np.testing.assert_allclose(by_y, X * X)
    np.testing.assert_allclose(model.by_the_last.grad(X, y), X * X)


def test_class_attributes_of_a_class_method():
    class Local(Model):
        created = 3

    np.testing.assert_allclose(Local.of_class.grad(X), 8 * X)
    Local.created = 5
    np.testing.assert_allclose(Local.of_class.grad(X), 12 * X)
    np.testing.assert_allclose(Model.of_class.grad(X), 2 * X)


def test_auxiliary_results_and_stores_of_a_method():
    model = Model(X)
    for turn in (1, 2, 3):
        gradient, aux = model.with_aux.grad(X)
        np.testing.assert_allclose(gradient, X)
        np.testing.assert_allclose(aux["scaled"], X * 2)
        assert aux["steps"] == model.steps == turn
    (value, _), _ = model.with_aux.value_and_grad(X)
    assert (value, model.steps) == (np.sum(X * X), 4)


def test_static_arguments_of_a_method():
    model = Model(X)
    assert model.chosen(X) == np.sum(X * X)
    assert model.chosen(X, kind="max") == 9.0
    np.testing.assert_array_equal(model.chosen.grad(X, "max"), [0.0, 0.0, 3.0])


def test_inherited_and_overridden_methods():
    """``super()`` in a compiled method; private names are those of the class that says them."""
    derived = Derived(X)
    np.testing.assert_allclose(derived.loss.grad(X), 20 * X + 1)
    assert derived(X) == derived.loss(X) + np.sum(X)


def test_compiled_method_that_updates_its_object():
    model, w = Model(X.copy()), X.copy()
    for turn in (1, 2, 3):
        w = w - 0.5 * X
        assert model.update(X) == np.sum(w)
        np.testing.assert_allclose(model.w, w)
        assert model.steps == turn


def test_method_looks_like_the_function():
    method = Model(X).loss
    assert (method.__name__, method.__doc__) == ("loss", "Say what it is.")
    assert Model.loss.__qualname__ == "Model.loss"
    assert "self" in inspect.signature(Model.loss).parameters
    assert "loss" in repr(method)


def test_method_keeps_the_instance_alive_and_the_class_does_not():
    """A thousand models in a search must not fill the memory; the first one is no exception."""

    class Local:
        def __init__(self):
            self.w = X

        @compile_grad
        def loss(self, x):
            return np.sum(self.w * x)

    for _ in range(2):
        model = Local()
        model.loss(X)
        model.loss.grad(X)
        kept = model.loss
        reference = weakref.ref(model)
        del model
        gc.collect()
        assert reference() is not None
        assert kept(X) == np.sum(X * X)
        del kept
        gc.collect()
        assert reference() is None


def test_compiling_a_bound_method():
    """``compile_grad(model.plain)`` follows this instance."""

    class Plain:
        def __init__(self):
            self.w = X

        def loss(self, x):
            return np.sum(self.w * x)

    plain = Plain()
    compiled = compile_grad(plain.loss)
    np.testing.assert_allclose(compiled.grad(X), X)
    plain.w = X * 3
    np.testing.assert_allclose(compiled.grad(X), X * 3)


def test_other_kinds_of_classes():
    """Dataclasses, slots, abstract classes, cached properties."""

    @dataclass
    class Record:
        w: np.ndarray
        rate: float = 0.5

        @compile_grad
        def loss(self, x):
            return np.sum(self.w * x) * self.rate

    class Slotted:
        __slots__ = ("w",)

        @compile_grad
        def loss(self, x):
            return np.sum(self.w * x)

    class Abstract(abc.ABC):
        @compile_grad
        def loss(self, x):
            return np.sum(self.weights * x)

        @property
        @abc.abstractmethod
        def weights(self): ...

    class Concrete(Abstract):
        @functools.cached_property
        def table(self):
            return np.linspace(0.0, 1.0, 3)

        @property
        def weights(self):
            return self.table * 2

    record, slotted = Record(X), Slotted()
    slotted.w = X
    for scale in (1.0, 3.0):
        record.w, record.rate, slotted.w = X * scale, scale, X * scale
        np.testing.assert_allclose(record.loss.grad(X), X * scale**2)
        np.testing.assert_allclose(slotted.loss.grad(X), X * scale)
    concrete = Concrete()
    for _ in range(2):
        np.testing.assert_allclose(concrete.loss.grad(X), [0.0, 1.0, 2.0])


# Copies and pickles


@compile_grad
def module_level(x):
    return np.sum(x * x)


class Holder:
    """Has a compiled function as an attribute, as models have."""

    def __init__(self):
        self.loss = module_level
        self.w = X


def test_pickles_and_copies_are_the_function_itself():
    """As of plain functions: by name."""
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    assert copy.copy(module_level) is copy.deepcopy(module_level) is module_level
    holder = pickle.loads(pickle.dumps(Holder()))
    assert holder.loss is module_level
    np.testing.assert_allclose(copy.deepcopy(Holder()).loss.grad(X), 2 * X)


def test_instances_are_pickled_and_copied():
    model = Model(X)
    model.loss(X)
    for made in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        made.w = made.w * 2
        np.testing.assert_allclose(made.loss.grad(X), 4 * X)
    np.testing.assert_allclose(model.loss.grad(X), 2 * X)


def test_bound_methods_are_pickled():
    bound = pickle.loads(pickle.dumps(Model(X).loss))
    np.testing.assert_allclose(bound.grad(X), 2 * X)


def test_local_functions_cannot_be_pickled():
    """Python says so too."""
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(compile_grad(lambda x: x))


# Threads


@pytest.fixture
def restless():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_in_threads(work, count=8):
    """Run ``work(number)`` in threads, and raise what the first of them raised."""
    start, errors = threading.Barrier(count), []

    def begin(number):
        start.wait()
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_threads_with_objects_of_their_own(restless):
    """Methods of one class on an object in each thread: state and stores do not mix."""
    models = [Model(X * (number + 1)) for number in range(8)]

    def work(number):
        model = models[number]
        for turn in range(50):
            gradient, aux = model.with_aux.grad(X)
            np.testing.assert_allclose(gradient, X * (number + 1))
            assert aux["steps"] == turn + 1
            np.testing.assert_allclose(model.loss.grad(X), 2 * X * (number + 1))

    run_in_threads(work)
    assert [model.steps for model in models] == [50] * 8


def test_threads_capture_with_state_at_once(restless):
    """Each captures its own function of its own closure, by rewritten code of one source."""

    def make(number):
        w, count = X * number, 0

        def loss(x):
            nonlocal count
            count += 1
            return np.sum(w * x) + math.exp(x[0])

        return compile_grad(loss), lambda: count

    def work(number):
        compiled, count = make(number)
        for turn in range(20):
            expected = X * number + np.array([np.e, 0.0, 0.0])
            np.testing.assert_allclose(compiled.grad(X), expected)
            assert count() == turn + 1

    run_in_threads(work)
