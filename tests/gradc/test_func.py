"""The function forms: what they return, and that they compose."""

from unittest.mock import Mock

import numpy as np
import pytest

from gradc import func

X = np.array([1.0, -2.0, 3.0])


def loss(x, y=2.0):
    """Say what it is."""
    return np.sum(x * x) * y


def test_grad():
    np.testing.assert_array_equal(func.grad(loss)(X), 4 * X)
    assert func.grad(loss, wrt="y")(X) == 14.0
    by_x, by_y = func.grad(loss, wrt=(0, "y"))(X, y=3.0)
    np.testing.assert_array_equal(by_x, 6 * X)
    assert by_y == 14.0


def test_value_and_grad():
    value, gradient = func.value_and_grad(loss, wrt=(0,))(X)
    assert value == 28.0
    np.testing.assert_array_equal(gradient[0], 4 * X)


def test_auxiliary_results_are_handed_on():
    pair = lambda x: (np.sum(x), {"twice": x * 2, "name": "aux"})  # noqa: E731
    gradient, aux = func.grad(pair, has_aux=True)(X)
    np.testing.assert_array_equal(gradient, np.ones(3))
    np.testing.assert_array_equal(aux["twice"], 2 * X)
    (value, aux), gradient = func.value_and_grad(pair, has_aux=True)(X)
    assert (value, aux["name"], gradient.tolist()) == (2.0, "aux", [1.0, 1.0, 1.0])
    out, pullback, aux = func.vjp(pair, X, has_aux=True)
    assert (out, aux["name"], pullback(2.0)[0].tolist()) == (2.0, "aux", [2.0, 2.0, 2.0])


def test_vjp_by_all_arguments():
    """Also of a function with defaults, and of a ufunc."""
    out, pullback = func.vjp(lambda x, p: {"a": x * p["s"], "n": 3}, X, {"s": 2.0, "i": 1})
    np.testing.assert_array_equal(out["a"], 2 * X)
    by_x, by_p = pullback({"a": np.ones(3), "n": None})
    np.testing.assert_array_equal(by_x, [2.0, 2.0, 2.0])
    assert by_p == {"s": 2.0, "i": None}
    assert func.vjp(loss, X)[1](1.0)[0].tolist() == (4 * X).tolist()
    out, pullback = func.vjp(np.arctan2, 1.0, 2.0)
    np.testing.assert_allclose(pullback(5.0), (2.0, -1.0))


def test_cotangents_of_a_dictionary_go_by_their_keys():
    """They once went by their order."""
    pullback = func.vjp(lambda x: {"a": x * 2, "b": x * 3}, 1.0)[1]
    assert pullback({"b": 1.0, "a": 0.0}) == (3.0,)


@pytest.mark.parametrize("transform", [func.grad, func.value_and_grad])
def test_they_look_like_the_function(transform):
    made = transform(loss)
    assert (made.__name__, made.__doc__) == ("loss", "Say what it is.")


def test_they_compose():
    """The gradient of a gradient, of value_and_grad, of a pullback; each with keyword arguments."""
    assert func.grad(func.grad(lambda x: x**4))(2.0) == 48.0
    assert func.grad(lambda x: func.value_and_grad(lambda z: z**3)(x)[1])(2.0) == 12.0
    assert func.grad(lambda x: func.vjp(lambda z: z**3, x)[1](x)[0])(2.0) == 36.0
    assert func.grad(func.grad(loss, wrt="y"), wrt="x")(2.0) == 4.0


def test_code_is_compiled_once():
    """A transform keeps what it compiled."""
    captured = Mock()

    def counted(x):
        captured()
        return x * x

    gradient = func.grad(counted)
    assert [gradient(float(x)) for x in range(4)] == [0.0, 2.0, 4.0, 6.0]
    assert captured.call_count == 1
