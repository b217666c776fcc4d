"""``gradc.debug.callback`` and ``gradc.debug.print``: Python that runs at each call."""

import math

import numpy as np
import pytest

import gradc
from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


def test_callback_takes_containers_and_texts():
    """Arrays in them are concrete, the rest is passed as it is."""
    seen = []

    def loss(x):
        gradc.debug.callback(lambda *all: seen.append(all), "name", {"x": x, "n": (2, None)})
        return np.sum(x)

    compiled = compile_grad(loss)
    compiled(X)
    compiled(2 * X)
    assert [one[0] for one in seen] == ["name", "name"]
    assert [one[1]["n"] for one in seen] == [(2, None)] * 2
    np.testing.assert_array_equal([one[1]["x"] for one in seen], [X, 2 * X])


def test_callback_without_traced_values_runs_at_every_call(capsys):
    """Once it ran while capturing, and never again."""

    def loss(x):
        gradc.debug.print("one step")
        gradc.debug.print("{} {}", np.arange(2), "text")
        return np.sum(x)

    compiled = compile_grad(loss)
    compiled(X)
    compiled(X)
    assert capsys.readouterr().out == "one step\n[0 1] text\n" * 2


def test_callback_may_store_what_the_function_may_not():
    """It is no part of the program: lists of the outside grow with each call."""
    history, model = [], type("Model", (), {})()

    def remember(value):
        history.append(float(value))
        model.last = math.floor(value)

    compiled = compile_grad(lambda x: gradc.debug.callback(remember, np.sum(x)) or np.sum(x))
    for scale in (1.0, 2.0, 3.0):
        compiled.grad(X * scale)
    assert history == [2.0, 4.0, 6.0]
    assert model.last == 6


def test_callbacks_run_in_the_order_of_the_program():
    seen = []

    def loss(x):
        for i in range(3):
            gradc.debug.callback(seen.append, i)
            x = x * 2
            gradc.debug.callback(lambda one: seen.append(float(one)), x[0])
        return np.sum(x)

    compile_grad(loss)(X)
    assert seen == [0, 2.0, 1, 4.0, 2, 8.0]


def test_callback_that_raises():
    """Its exception comes out, and the next call is as if nothing had been."""

    def check(value):
        if value < 0:
            raise KeyError(float(value))

    compiled = compile_grad(lambda x: gradc.debug.callback(check, x[0]) or x[0] * 2)
    assert compiled(X) == 2.0
    with pytest.raises(KeyError) as caught:
        compiled(-X)
    assert caught.value.args == (-1.0,)
    assert compiled(X) == 2.0


def test_callback_gets_arrays_of_its_own():
    """It may keep them and write to them."""
    kept = []

    def loss(x):
        y = x * 2
        gradc.debug.callback(kept.append, y)
        return np.sum(y * y)

    compiled = compile_grad(loss)
    compiled.grad(X)
    kept[0][:] = np.nan
    np.testing.assert_allclose(compiled.grad(X), 8 * X)
    np.testing.assert_allclose(kept[1], 2 * X)


def test_callback_outside_of_a_capture_runs_at_once(capsys):
    seen = []
    gradc.debug.callback(seen.append, X)
    gradc.debug.print("{:.1f}", 2.0)
    assert seen[0] is X
    assert capsys.readouterr().out == "2.0\n"


def test_callback_of_a_nested_compiled_function_runs_once_for_each_call():
    seen = []

    @compile_grad
    def inner(x):
        gradc.debug.callback(lambda one: seen.append(float(one)), x[0])
        return np.sum(x * x)

    compiled = compile_grad(lambda x: inner(x) + inner(x * 2))
    compiled.grad(X)
    assert seen == [1.0, 2.0]


def test_what_is_no_function_is_refused():
    with pytest.raises(gradc.CaptureError, match="a call-back is a function"):
        compile_grad(lambda x: gradc.debug.callback(x, 3) or x)(X)
