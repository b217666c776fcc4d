"""Whether gradients are recorded: nested, decorated, per thread, and after exceptions."""

import threading

import numpy as np
import pytest

import gradc
from gradc import compile_grad, enable_grad, is_grad_enabled, no_grad


def test_regions_nest():
    """Each region restores what was before it."""
    seen = [is_grad_enabled()]
    with no_grad():
        seen.append(is_grad_enabled())
        with enable_grad():
            seen.append(is_grad_enabled())
            with no_grad():
                seen.append(is_grad_enabled())
            seen.append(is_grad_enabled())
        seen.append(is_grad_enabled())
    seen.append(is_grad_enabled())
    assert seen == [True, False, True, False, True, False, True]


def test_one_region_may_be_entered_again_inside_itself():
    region = no_grad()
    with region:
        with region:
            assert not is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_decorator():
    @no_grad()
    def recurses(depth):
        return [is_grad_enabled(), *(recurses(depth - 1) if depth else [])]

    assert recurses(2) == [False] * 3
    assert is_grad_enabled()


def test_exception_leaves_the_region():
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()

    def loss(x):
        try:
            with no_grad():
                raise KeyError
        except KeyError:
            return np.sum(x * x)

    np.testing.assert_array_equal(compile_grad(loss).grad(np.ones(2)), [2.0, 2.0])


def test_mode_is_of_the_thread():
    """A thread starts enabled, whatever the one that starts it is in."""
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
        assert not is_grad_enabled()
    assert seen == [True]


def test_gradients_in_and_out_of_regions():
    """What is computed within is a constant of the backward program."""

    def loss(x):
        a = x * 2
        with no_grad():
            b = x * 3
            with enable_grad():
                c = x * 5
        return np.sum(a * a + x * b + x * c)

    x = np.array([1.0, -2.0])
    np.testing.assert_allclose(compile_grad(loss).grad(x), 8 * x + 3 * x + 10 * x)


def test_store_within_a_region_is_not_seen_by_differentiation():
    """As in PyTorch: the array has a new value and the derivative of the old one."""

    def loss(x):
        y = x * 1.0
        with no_grad():
            y[0] = x[0] * 7
        return np.sum(y * y)

    x = np.array([1.0, -2.0])
    value, gradient = compile_grad(loss).value_and_grad(x)
    assert value == 49.0 + 4.0
    np.testing.assert_array_equal(gradient, [2 * 7.0, 2 * -2.0])


def test_call_inside_a_region_of_the_caller():
    """``compile_grad`` is asked for a gradient, and gives it, whatever the caller is in."""
    compiled = compile_grad(lambda x: np.sum(x * x))
    with no_grad():
        np.testing.assert_array_equal(compiled.grad(np.ones(2)), [2.0, 2.0])


def test_compiled_call_inside_a_region_is_a_constant():
    inner = compile_grad(lambda x: np.sum(x * x))

    def loss(x):
        with no_grad():
            norm = inner(x)
        return norm * np.sum(x)

    np.testing.assert_allclose(compile_grad(loss).grad(np.array([1.0, 2.0])), [5.0, 5.0])


def test_stop_gradient_of_containers():
    """Once only a bare array was stopped, and what lay in a container passed."""

    def loss(x):
        a, parts = gradc.stop_gradient((x, {"b": x * 2, "name": "text"}))
        assert parts["name"] == "text"
        return np.sum(a * x + parts["b"] * parts["b"])

    x = np.array([1.0, -2.0])
    np.testing.assert_array_equal(compile_grad(loss).grad(x), x)


def test_stop_gradient_outside_a_capture_returns_its_argument():
    for value in (np.ones(2), [np.ones(2)], "text", 3.0):
        assert gradc.stop_gradient(value) is value


def test_stop_gradient_of_an_outer_value():
    """In an inner function, of what the outer one is differentiated by."""

    def outer(x):
        return gradc.func.grad(lambda y: y * y * gradc.stop_gradient(x))(x)

    assert gradc.func.grad(outer)(3.0) == 6.0  # of 2 y x by y at y = x, x stopped
