"""``checkpoint``: backward runs the function again, and all else stays as it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import compile_grad

X = np.array([0.5, -1.0, 2.0])
W = np.array([1.0, 0.5, -2.0])


@dataclass
class Layer:
    """Arrays in a class of the user's."""

    weight: Any
    bias: Any


def gradients(function: Any, *args: Any) -> Any:
    """Return value and gradients by all arguments."""
    return compile_grad(function, wrt=tuple(range(len(args)))).value_and_grad(*args)


def agree(with_checkpoint: Any, without: Any, *args: Any) -> None:
    """Compare: the same operations, to the last bit but for the order of sums."""
    (value, got), (expected, wanted) = gradients(with_checkpoint, *args), gradients(without, *args)
    assert value == expected
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def network(wrap: Any) -> Any:
    """Return a function of two layers, each of which may be wrapped."""

    def layer(x: Any, w: Any) -> Any:
        return np.tanh(x * w) + np.sin(w)

    return lambda x, w: np.sum(wrap(layer)(wrap(layer)(x, w), w) * x)


def test_gradient_is_the_same() -> None:
    agree(network(gradc.checkpoint), network(lambda layer: layer), X, W)


def test_nothing_of_it_is_saved() -> None:
    """The pullback gets what the function is given; what lies between is computed again."""

    def saved(wrap: Any) -> Any:
        layer = wrap(lambda x: np.exp(np.tanh(np.sin(x) ** 3)))
        return compile_grad(layer).inspect(X).count("residual")

    assert saved(gradc.checkpoint) == 1
    assert saved(lambda layer: layer) > 1


def test_it_runs_as_it_is_outside_of_captures() -> None:
    @gradc.checkpoint
    def layer(x: Any, scale: float = 2.0) -> Any:
        """Scale."""
        return x * scale

    np.testing.assert_array_equal(layer(X, scale=3.0), 3 * X)
    assert (layer.__name__, layer.__doc__) == ("layer", "Scale.")


def test_structures_and_keywords() -> None:
    @gradc.checkpoint
    def apply(layer: Any, *inputs: Any, factor: Any, flag: bool = True) -> Any:
        assert flag is True
        first, second = inputs
        return {"out": Layer(first * layer.weight, second + layer.bias), "factor": factor}

    def f(x: Any, w: Any) -> Any:
        found = apply(Layer(w, x), x, {"w": w}["w"], factor=x * w)
        return np.sum(found["out"].weight * found["out"].bias * found["factor"])

    agree(f, lambda x, w: np.sum((x * w) * (w + x) * (x * w)), X, W)


def test_closures_are_operands() -> None:
    """Outer values get their gradients, and outside arrays are read anew."""
    outside = np.array([2.0, 2.0, 2.0])

    def f(x: Any, w: Any) -> Any:
        return np.sum(gradc.checkpoint(lambda y: np.sin(y) * w * outside)(x))

    agree(f, lambda x, w: np.sum(np.sin(x) * w * outside), X, W)
    compiled = compile_grad(f)
    before = compiled(X, W)
    outside[:] = 4.0
    assert compiled(X, W) == 2 * before


def test_stores_reach_the_arrays_of_the_caller() -> None:
    """As without it: it is a function that is called once."""

    def f(wrap: Any) -> Any:
        def change(y: Any) -> Any:
            y[0] = np.sin(y[1])
            y *= 2.0
            return y[2]

        def g(x: Any, w: Any) -> Any:
            y = x * w
            last = wrap(change)(y)
            return np.sum(y) * last

        return g

    agree(f(gradc.checkpoint), f(lambda change: change), X, W)


def test_call_backs_run_once() -> None:
    seen: list[Any] = []

    @gradc.checkpoint
    def layer(x: Any) -> Any:
        y = np.exp(x)
        gradc.debug.callback(lambda one: seen.append(one), y)
        return np.sin(y)

    f = compile_grad(lambda x: np.sum(layer(x)))
    f.value_and_grad(X)
    assert len(seen) == 1


def test_hooks_inside() -> None:
    @gradc.checkpoint
    def layer(x: Any) -> Any:
        y = x * 2.0
        gradc.register_hook(y, lambda g: g * 10.0)
        return y * y

    assert compile_grad(layer).value_and_grad(3.0) == (36.0, 240.0)


def test_checkpoints_in_loops_and_in_each_other() -> None:
    def f(wrap: Any) -> Any:
        inner = wrap(lambda y, w: np.tanh(y * w))
        outer = wrap(lambda y, w: inner(np.sin(inner(y, w)), w))
        return lambda x, w: np.sum(gradc.fori_loop(0, 3, lambda i, y: outer(y, w), x))

    agree(f(gradc.checkpoint), f(lambda one: one), X, W)


def test_second_derivatives() -> None:
    f = lambda x: np.sum(gradc.checkpoint(np.sin)(x) ** 2)  # noqa: E731
    slope = compile_grad(lambda x: np.sum(gradc.func.grad(f)(x) * W))
    np.testing.assert_allclose(slope.grad(X), 2 * np.cos(2 * X) * W, rtol=1e-13)


@pytest.mark.parametrize("option", [{"checkpoint": "sqrt"}, {"every": 2}, {"memory": "300B"}])
def test_options_of_loops_change_no_number(option: Any) -> None:
    def f(**options: Any) -> Any:
        body = lambda i, y: np.sin(y) * np.exp(-np.cos(y))  # noqa: E731
        return lambda x: np.sum(gradc.fori_loop(0, 10, body, x, **options))

    (value, gradient), (expected, wanted) = gradients(f(**option), X), gradients(f(), X)
    assert value == expected
    np.testing.assert_allclose(gradient[0], wanted[0], rtol=1e-13)


def test_function_is_rewritten_as_others_are(capsys: Any) -> None:
    """The function stands in a variable here: capture has to rewrite it all the same."""

    def inner(x: Any) -> Any:
        print("sum", x.sum())
        assert x.sum() > 0
        found = np.zeros(3)
        found[:] = np.sin(x)
        return found

    layer = gradc.checkpoint(inner)
    np.testing.assert_allclose(compile_grad(lambda x: np.sum(layer(x))).grad(np.ones(3)), np.cos(1))
    assert capsys.readouterr().out == "sum 3.0\n"


def test_plain_numbers_stay_plain() -> None:
    @gradc.checkpoint
    def power(x: Any, count: int, factor: float) -> Any:
        for _ in range(count):
            x = x * x
        return x if factor > 1 else -x

    assert compile_grad(lambda x: power(x, 2, 0.5)).grad(2.0) == -32.0


def test_plain_numbers_come_back() -> None:
    f = compile_grad(lambda x: np.multiply(*gradc.checkpoint(lambda y, n: (y * n, n))(x, 3)))
    assert f.value_and_grad(2.0) == (18.0, 9.0)


@pytest.mark.parametrize("every", [3, 10, 11, 10**12])
def test_segments_longer_than_the_loop(every: int) -> None:
    def f(x: Any, n: Any) -> Any:
        return np.sum(gradc.fori_loop(0, n, lambda i, y: np.sin(y), x, every=every))

    def g(x: Any) -> Any:
        return f(x, 10)

    def plain(x: Any) -> Any:
        return np.sum(gradc.fori_loop(0, 10, lambda i, y: np.sin(y), x))

    wanted = compile_grad(plain).grad(X)
    np.testing.assert_array_equal(compile_grad(g).grad(X), wanted)
    np.testing.assert_array_equal(compile_grad(f, wrt="x").grad(X, 10), wanted)
    np.testing.assert_array_equal(compile_grad(f, wrt="x").grad(X, 0), np.ones_like(X))


def test_segments_are_not_made_where_they_save_nothing() -> None:
    """A linear body saves nothing, one that stores one number little: less than the carry."""

    def linear(x: Any, n: Any, **options: Any) -> Any:
        body = lambda carry: (carry[0] * 0.99, carry[1] + 1)  # noqa: E731
        return np.sum(gradc.while_loop(lambda carry: carry[1] < n, body, (x, 0), **options)[0])

    def one_number(x: Any, n: Any, **options: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            y[i % 5] = np.sin(y[i % 5])
            return y

        return np.sum(gradc.fori_loop(0, n, body, x, **options))

    for program in (linear, one_number):
        plain = compile_grad(lambda x, n, f=program: f(x, n))
        segmented = compile_grad(lambda x, n, f=program: f(x, n, every=10))
        x = np.linspace(0.1, 1.0, 1000)
        np.testing.assert_array_equal(plain.grad(x, 30), segmented.grad(x, 30))
        tables = [one.inspect(x, 30, what="memory").splitlines()[1] for one in (plain, segmented)]
        assert tables[0] == tables[1]


def test_stores_to_an_array_that_comes_twice_are_refused() -> None:
    """By two arguments, by an argument and a view, by an argument and the closure."""

    def store(a: Any, b: Any) -> Any:
        a[0] = b[0] * 5.0
        return b[0] * 1.0

    def twice(x: Any) -> Any:
        y = x * 2.0
        return gradc.checkpoint(store)(y, y)

    def with_a_view(x: Any) -> Any:
        y = x * 2.0
        return gradc.checkpoint(store)(y, y[:2])

    def from_outside(x: Any) -> Any:
        y = x * 2.0
        return gradc.checkpoint(lambda a: store(a, y))(y)

    for program in (twice, with_a_view, from_outside):
        with pytest.raises(gradc.CaptureError, match="also gets in another way"):
            compile_grad(program)(X)
    apart = lambda x: gradc.checkpoint(store)(x * 2.0, x)  # noqa: E731
    assert compile_grad(apart)(X) == apart(X)
