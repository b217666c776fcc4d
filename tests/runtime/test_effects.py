"""Arguments that are changed in place; changes are made completely, or not at all."""

import math
from unittest.mock import Mock

import numpy as np
import pytest

import gradc
from gradc import compile_grad

from .stateful import MODES, Model, X, run, state_of

# Arguments in place


def doubled(x):
    x *= 2


def through_views(x):
    x[1:] += x[:-1]
    row = x[::-1]
    row[0] = math.sin(row[1])


def by_mask(x):
    x[x > 0] *= 3
    np.negative(x, out=x, where=x < 0)


def by_ufunc_at(x):
    np.add.at(x, [0, 0, 1], 1.0)
    np.copyto(x[1:], 7.0, where=x[1:] > 0)


def by_methods(x):
    x.sort()
    x[:2].fill(5.0)
    x.put([2], [x[0] * 2])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("change", [doubled, through_views, by_mask, by_ufunc_at, by_methods])
def test_arguments_that_are_changed(change, mode):
    """After each call the argument is what NumPy would have made of it: the very array."""

    def loss(x):
        before = np.sum(x * x)
        change(x)
        return np.sum(x * x) + before

    compiled = compile_grad(loss)
    x, expected = X.copy(), X.copy()
    for _ in range(3):
        value = loss(expected)
        result = run(compiled, mode, x)
        np.testing.assert_allclose(x, expected, rtol=1e-12)
        if mode == "__call__":
            np.testing.assert_allclose(result, value)


def test_gradient_is_by_the_argument_as_it_was():
    """The value at the call, not what it was changed to."""

    def loss(x):
        x[0] = x[1] * x[2]
        return np.sum(x * x)

    x = X.copy()
    gradient = compile_grad(loss).grad(x)
    a, b = X[1], X[2]
    np.testing.assert_allclose(gradient, [0.0, 2 * a * b**2 + 2 * a, 2 * b * a**2 + 2 * b])


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        lambda x: np.repeat(x, 2)[::2],
        lambda x: np.stack([x, x], axis=1)[:, 0],
        lambda x: x.astype(">f8"),
        lambda x: x.astype("f4"),
        lambda x: np.frombuffer(bytearray(b"-" + x.tobytes()), "u1")[1:].view("f8"),
    ],
)
def test_arrays_of_every_kind_are_written_to(make):
    """Strided, byte-swapped, misaligned: the array keeps its own layout and dtype."""
    x = make(X.copy())
    layout = (x.dtype, x.strides)

    def loss(x):
        x += 1
        return np.sum(x * x)

    compiled = compile_grad(loss)
    np.testing.assert_allclose(compiled.grad(x), 2 * (X + 1))
    np.testing.assert_allclose(compiled.grad(x), 2 * (X + 2))
    np.testing.assert_allclose(x, X + 2)
    assert (x.dtype, x.strides) == layout


def test_matrices_in_fortran_order():
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))

    def loss(x):
        x[:, 1] = x[:, 0] * 2
        x.T[2] = 9.0
        return np.sum(x)

    compile_grad(loss)(x)
    np.testing.assert_array_equal(x, [[0.0, 0.0, 9.0], [3.0, 6.0, 9.0]])
    assert x.flags.f_contiguous


def test_integers_and_masks_are_written_to():
    counts, mask = np.zeros(3, int), np.zeros(3, bool)

    def loss(x, counts, mask):
        counts[np.argmax(x)] += 1
        mask |= x > 0
        return np.sum(x)

    compiled = compile_grad(loss)
    for scale in (1, -1, 1):
        compiled.grad(X * scale, counts, mask)
    assert (counts.tolist(), mask.tolist()) == ([0, 1, 2], [True, True, True])


def test_arguments_in_containers():
    """Arrays in a dict and a list; items of a dict that are rebound; an argument object's."""
    params = {"w": X.copy(), "b": [1.0, X.copy()]}
    model = Model()

    def step(params, model, rate):
        loss = np.sum(params["w"] ** 2)
        params["w"] -= rate * params["w"]
        params["b"][0] = params["b"][0] * 2
        params["b"][1][0] = 9.0
        model.w = model.w + params["w"]
        model.steps += 1
        return loss

    compiled = compile_grad(step)
    w, inner, second = params["w"], params["b"], params["b"][1]
    twin = {"w": X.copy(), "b": [1.0, X.copy()]}
    twin_model = Model()
    for _ in range(3):
        np.testing.assert_allclose(compiled(params, model, 0.1), step(twin, twin_model, 0.1))
    assert [params["w"] is w, params["b"] is inner, inner[1] is second] == [True] * 3
    np.testing.assert_allclose(params["w"], twin["w"])
    np.testing.assert_allclose([inner[0], *second], [twin["b"][0], *twin["b"][1]])
    np.testing.assert_allclose(model.w, twin_model.w)
    assert (model.steps, type(model.steps)) == (3, int)


def test_changed_argument_that_is_returned_is_the_argument():
    """As NumPy returns it; a view of it is a copy, as all results are."""

    def step(x):
        x += 1
        return x, x[:2], np.sum(x)

    compiled = compile_grad(step)
    x = X.copy()
    for turn in (1, 2):
        same, part, total = compiled(x)
        assert same is x
        assert not np.shares_memory(part, x)
        np.testing.assert_allclose(x, X + turn)
        assert total == np.sum(X + turn)


def test_scalars_and_reassigned_names_change_nothing():
    """``x = x + 1``, ``n += 1`` of a number, and a copy that is changed."""

    def loss(x, n):
        n += 1
        y = x.copy()
        y[0] = n
        x = x * 2
        x[1] = 0.0
        return np.sum(x) + np.sum(y)

    x = X.copy()
    compile_grad(loss).grad(x, 3)
    np.testing.assert_array_equal(x, X)


def test_same_array_twice():
    """One array for two parameters is refused where it is changed, and fine where it is not."""
    compiled = compile_grad(lambda x, y: np.sum(x * y), wrt=(0, 1))
    assert [one.tolist() for one in compiled.grad(X, X)] == [X.tolist()] * 2

    def changes(x, y):
        x += y
        return np.sum(x)

    x = X.copy()
    with pytest.raises(gradc.CaptureError, match="shares memory"):
        compile_grad(changes)(x, x)
    np.testing.assert_array_equal(x, X)


# All or nothing


def fails(where):
    """A function that changes everything, and fails at a call where its argument is negative."""

    def check(value):
        if value < 0:
            raise KeyError(where)

    def loss(x, model):
        x[1] = 7.0
        model.update(x)
        gradc.debug.callback(check, x[0])
        model.steps += 100
        return np.sum(x)

    return loss


@pytest.mark.parametrize("mode", MODES)
def test_exception_of_the_program_changes_nothing(mode):
    """A call-back raises after stores: arguments and state are as before; the next call works."""
    compiled, model, twin = compile_grad(fails(mode)), Model(), Model()
    x = X.copy()
    run(compiled, mode, x, model)
    fails(mode)(X.copy(), twin)
    before, argument = state_of(model), -X
    with pytest.raises(KeyError, match=mode):
        run(compiled, mode, argument, model)
    np.testing.assert_array_equal(argument, -X)
    for got, expected in zip(state_of(model), before, strict=True):
        np.testing.assert_array_equal(got, expected)
    run(compiled, mode, X.copy(), model)
    fails(mode)(X.copy(), twin)
    for got, expected in zip(state_of(model), state_of(twin), strict=True):
        np.testing.assert_allclose(got, expected)


def test_exception_while_capturing_changes_nothing():
    """Also where it comes after the stores, and is caught."""
    model, x, reached = Model(), X.copy(), Mock()
    before = [np.copy(one) for one in state_of(model)]

    def loss(x):
        x[0] = 9.0
        model.update(x)
        model.buffer[:] = 5.0
        reached()
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            compile_grad(loss).grad(x)
    assert reached.call_count == 2
    np.testing.assert_array_equal(x, X)
    for got, expected in zip(state_of(model), before, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_one_read_only_array_among_several_changes_none():
    """It is looked at before the program runs."""
    first, second = X.copy(), X.copy()
    second.flags.writeable = False
    ran = []

    def loss(x, y):
        gradc.debug.callback(ran.append, 1)
        x += 1
        y += 1
        return np.sum(x)

    with pytest.raises(gradc.CaptureError, match="y is changed in place, but it is read-only"):
        compile_grad(loss)(first, second)
    np.testing.assert_array_equal(first, X)
    assert ran == []


def test_lowering_and_inspecting_change_nothing():
    model, x = Model(), X.copy()
    before = [np.copy(one) for one in state_of(model)]
    compiled = compile_grad(lambda x: (doubled(x), model.update(x))[1])
    assert "what is stored to model.w" in compiled.inspect(x)
    assert "x as it is afterwards" in compiled.lower(x).numpy
    np.testing.assert_array_equal(x, X)
    for got, expected in zip(state_of(model), before, strict=True):
        np.testing.assert_array_equal(got, expected)
