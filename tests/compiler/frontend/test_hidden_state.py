"""State that hides: behind caches, iterators, loggers and clocks of Python's library."""

import contextvars
import datetime
import functools
import io
import itertools
import logging
import queue
import time
import uuid
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

import gradc
from gradc import compile_grad

from .changing import Model, X, check


def right_or_refused(function, *changes, undo=lambda: None):
    """What is computed and what is changed is as in plain Python, or refused: never silently wrong.

    Args:
        function: Takes an array; returns a number and what it left behind, as something to compare.
        *changes: Are made between the calls.
        undo: Brings the outside back to where it was.
    """

    def results(loss):
        undo()
        found = []
        for change in (lambda: None, *changes, lambda: None):
            change()
            found.append((float(loss(X)), function.left() if hasattr(function, "left") else None))
        return found

    refused = None
    try:
        got = results(compile_grad(function))
    except gradc.CaptureError as error:
        refused = error
    if refused is None:
        assert got == results(function)
    else:
        assert refused.where is not None
        assert refused.fix


# Objects that library code hands out


@functools.lru_cache
def the_model():
    return Model()


class Single:
    """There is one of it."""

    kept = None

    def __new__(cls):
        if cls.kept is None:
            cls.kept = super().__new__(cls)
            cls.kept.w = X
        return cls.kept


def test_object_from_a_cache():
    """The usual way to have one of something."""
    model = the_model()
    check(lambda x: np.sum(the_model().w * x), lambda: setattr(model, "w", X * 5))
    check(lambda x: np.sum(x) * the_model().bias, lambda: setattr(model, "bias", 3.0))


def test_object_from_a_cache_that_is_stored_to():
    model = the_model()

    def loss(x):
        the_model().bias += 1.0
        return np.sum(x) * the_model().bias

    loss.left = lambda: model.bias
    right_or_refused(loss, undo=lambda: setattr(model, "bias", 1.0))


def test_object_behind_a_weak_reference():
    model = Model()
    reference = weakref.ref(model)
    check(lambda x: np.sum(reference().w * x), lambda: setattr(model, "w", X * 5))


def test_object_made_by_new():
    check(lambda x: np.sum(Single().w * x), lambda: setattr(Single.kept, "w", X * 5))


def test_object_in_a_context_variable():
    variable = contextvars.ContextVar("variable", default=1.0)

    def loss(x):
        variable.set(variable.get() + 1.0)
        return np.sum(x) * variable.get()

    loss.left = variable.get
    right_or_refused(loss, undo=lambda: variable.set(1.0))


class Attributes(dict):
    """A dictionary whose items are attributes too."""

    def __getattr__(self, name):
        return self[name]

    def __setattr__(self, name, value):
        self[name] = value


def test_dictionary_with_attributes():
    config = Attributes(a=2.0, w=X)

    def loss(x):
        config.a = config.a + 1.0
        config["b"] = config.a * 2
        return np.sum(config.w * x) * config.a + config.b

    loss.left = lambda: (config["a"], config["b"])
    right_or_refused(loss, lambda: config.update(a=7.0), undo=lambda: config.update(a=2.0))


def test_methods_of_dictionaries_that_store():
    """``update`` and ``setdefault`` of keys that are there change no length."""
    table = {"a": 1.0, "w": X}

    def loss(x):
        table.update(a=x[0] + table["a"], w=table["w"] * 2)
        return np.sum(table["w"] * x) * table["a"] + table.setdefault("a", 3.0)

    loss.left = lambda: (float(table["a"]), table["w"].tolist())
    right_or_refused(loss, undo=lambda: table.update(a=1.0, w=X))


def test_attribute_that_is_made_and_read():
    model = SimpleNamespace()

    def loss(x):
        value = np.sum(x * x)
        model.best = value if not hasattr(model, "best") else np.minimum(model.best, value)
        return model.best

    loss.left = lambda: float(model.best)
    right_or_refused(loss, undo=lambda: vars(model).clear())


# What is used up


@pytest.mark.parametrize(
    "make", [lambda: iter(range(9)), itertools.count, lambda: (i * 2 for i in range(9))]
)
def test_iterators_of_the_outside(make):
    """Each call takes the next."""
    holder = SimpleNamespace(items=make())
    right_or_refused(
        lambda x: np.sum(x) * next(holder.items), undo=lambda: setattr(holder, "items", make())
    )


def test_queue_of_the_outside():
    waiting = queue.Queue()

    def loss(x):
        waiting.put(1)
        return np.sum(x)

    loss.left = waiting.qsize
    right_or_refused(loss, undo=lambda: [waiting.get() for _ in range(waiting.qsize())])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[0] * time.time(),
        lambda x: x[0] * time.perf_counter_ns(),
        lambda x: x[0] * datetime.datetime.now().microsecond,
        lambda x: x[0] * (uuid.uuid4().int % 1000),
    ],
)
def test_clocks_and_random_names_are_refused(function):
    """They would be the same at every call."""
    with pytest.raises(gradc.CaptureError):
        compile_grad(function)(X)


# What is written


def test_files_are_written_to_at_each_call():
    stream = io.StringIO()

    def loss(x):
        stream.write(f"{x[0]:.2f};")
        stream.write("next ")
        return np.sum(x)

    loss.left = stream.getvalue
    right_or_refused(loss, undo=lambda: (stream.seek(0), stream.truncate()))


@pytest.mark.parametrize("form", ["args", "text"])
def test_loggers_are_called_at_each_call(caplog, form):
    logger = logging.getLogger("gradc_test")

    def loss(x):
        if form == "args":
            logger.warning("the first is %.2f of %s", x[0], "three")
        else:
            logger.warning(f"the first is {x[0]:.2f} of three")
        return np.sum(x)

    loss.left = lambda: caplog.messages.copy()
    right_or_refused(loss, undo=caplog.clear)
