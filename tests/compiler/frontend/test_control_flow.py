"""``fori_loop``, ``while_loop`` and ``cond``: in plain code and captured, they mean the same."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import compile_grad
from gradc.func import grad

X = np.array([0.5, -1.0, 2.0])
SCALE = np.array([1.0, 2.0, 3.0])
MODEL = SimpleNamespace(w=np.array([1.0, 0.5, 2.0]), rate=0.5)


def same(function: Any, *args: Any) -> Any:
    """Return what the compiled function gives, after comparing it with the plain one."""
    got, wanted = compile_grad(function)(*args), function(*args)
    assert np.asarray(got).dtype == np.asarray(wanted).dtype
    np.testing.assert_allclose(got, wanted, rtol=1e-14)
    return got


# Dtypes


def test_integer_that_becomes_a_float() -> None:
    """The carry begins as what the body makes of it."""
    assert same(lambda x: gradc.fori_loop(0, 3, lambda i, y: y + x, 0), 1.5) == 4.5


def test_python_numbers_stay_weak() -> None:
    """They do not make float64 of float32, as they would not in NumPy."""

    def f(x: Any) -> Any:
        total, y = gradc.fori_loop(0, 3, lambda i, c: (c[0] * 0.5, c[1] * c[0] + 1), (2.0, x))
        return y * total

    assert same(f, X.astype(np.float32)).dtype == np.float32


def test_integers_by_floats() -> None:
    def f(x: Any) -> Any:
        return gradc.fori_loop(0, 3, lambda i, y: y / 2, x)

    assert compile_grad(f)(np.array([8, 4])).dtype == np.float64
    np.testing.assert_array_equal(compile_grad(f)(np.array([8, 4])), [1.0, 0.5])


def test_branches_of_other_dtypes_are_promoted() -> None:
    """What comes out does not depend on the branch that is taken."""
    f = compile_grad(lambda x, n: gradc.cond(x[0] > 0, lambda: x, lambda: n))
    for first in (1.0, -1.0):
        assert f(np.array([first, 2.0]), np.array([3, 4])).dtype == np.float64


def test_bools_are_carried() -> None:
    def f(x: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            seen, y = carry
            return seen | (y > 3.0), y * 2.0

        return gradc.fori_loop(0, 3, body, (x > 5.0, x))[0]

    np.testing.assert_array_equal(same(f, X), [False, False, True])


# Structures


def test_python_bools_are_carried_and_returned() -> None:
    """`done = False` is no part of the structure: the next one is computed."""

    def program(x: Any) -> Any:
        def body(carry: Any) -> Any:
            y, done, count = carry
            return np.sin(y), np.sum(y) < 1.0, count + 1

        y, done, count = gradc.while_loop(lambda carry: ~carry[1], body, (x, False, 0))
        sign, known = gradc.cond(x[0] > 0.5, lambda: (1.0, True), lambda: (-1.0, False))
        (_, seen), flags = gradc.scan(
            lambda carry, row: ((carry[0] + row, row > 0.5), (carry[1], True)), (0.0, False), x
        )
        return np.sum(y) * sign * count, (done, known, seen, flags)

    compiled = compile_grad(program, has_aux=True)
    for x in (np.array([1.0, 0.2]), np.array([0.1, 0.7])):
        (value, aux), (expected, plain) = compiled(x), program(x)
        np.testing.assert_allclose(value, expected)
        for one, other in zip((*aux[:3], *aux[3]), (*plain[:3], *plain[3]), strict=True):
            np.testing.assert_array_equal(one, other)
        assert compiled.grad(x)[0].shape == (2,)


def test_structures_come_back_as_they_are() -> None:
    def f(x: Any) -> Any:
        init = {"place": (x, [x * 2]), "label": "a", "nothing": None}

        def body(i: Any, state: Any) -> Any:
            assert state["label"] == "a"
            (place, (other,)) = state["place"]
            return {"place": (other, [place]), "label": "a", "nothing": None}

        return gradc.fori_loop(0, 3, body, init)

    got = compile_grad(f)(X)
    assert (type(got["place"]), type(got["place"][1])) == (tuple, list)
    assert (got["label"], got["nothing"]) == ("a", None)
    np.testing.assert_array_equal(got["place"][0], 2 * X)


@pytest.mark.parametrize("compiled", [True, False])
def test_body_that_stores_may_return_nothing(compiled: bool) -> None:
    """And what it stores stays inside: neither the argument nor an alias of it changes."""

    def f(x: Any) -> Any:
        def body(i: Any, y: Any) -> None:
            y[i] = np.sum(y)

        return gradc.fori_loop(0, 3, body, x) + 0.0 * x

    x = X.copy()
    got = (compile_grad(f) if compiled else f)(x)
    np.testing.assert_array_equal(got, [1.5, 2.5, 6.0])
    np.testing.assert_array_equal(x, X)


def test_body_that_returns_nothing_may_rebind_what_it_carries() -> None:
    def by_key(carry: Any) -> None:
        carry["u"] = carry["u"] * 2.0
        carry["v"] += 1.0

    def by_place(i: Any, carry: Any) -> None:
        carry[0] = carry[0] * carry[1]
        carry[1] += 1.0

    def f(x: Any) -> Any:
        end = gradc.while_loop(lambda carry: carry["v"][0] < 4.0, by_key, {"u": x, "v": x * 1.0})
        return np.sum(end["u"]) + np.sum(gradc.fori_loop(0, 3, by_place, [x * 1.0, x * 2.0])[0])

    np.testing.assert_allclose(compile_grad(f)(X), f(X))


@pytest.mark.parametrize("compiled", [True, False])
def test_carries_do_not_share_memory(compiled: bool) -> None:
    """Of one array carried twice, each is its own; and a row that is carried on is a copy."""
    data = np.ones((3, 2))

    def f(x: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            a, b, row = carry
            a[0] += 1.0
            b[1] += 10.0
            row[0] = 7.0
            return a, b, data[i]

        return gradc.fori_loop(0, 3, body, (x, x, x[:2]))

    a, b, row = (compile_grad(f) if compiled else f)(X)
    np.testing.assert_array_equal(a, X + [3.0, 0.0, 0.0])
    np.testing.assert_array_equal(b, X + [0.0, 30.0, 0.0])
    np.testing.assert_array_equal(row, [1.0, 1.0])
    np.testing.assert_array_equal(data, np.ones((3, 2)))


# What bodies read


def test_bodies_read_globals_closures_and_attributes_anew() -> None:
    """They are inputs of the program, as outside of bodies."""
    factor = np.array([2.0, 2.0, 2.0])

    @compile_grad
    def f(x: Any) -> Any:
        return np.sum(gradc.fori_loop(0, 2, lambda i, y: y * MODEL.w * SCALE + factor, x))

    def expected() -> Any:
        y = X
        for _ in range(2):
            y = y * MODEL.w * SCALE + factor
        return np.sum(y)

    old = MODEL.w
    try:
        assert f(X) == pytest.approx(expected())
        MODEL.w = np.array([3.0, 3.0, 3.0])
        factor[0] = -1.0
        assert f(X) == pytest.approx(expected())
        assert len(gradc.explain(f).splitlines()) > 0
    finally:
        MODEL.w = old


def test_gradient_by_what_a_body_reads() -> None:
    f = compile_grad(lambda x, w: np.sum(gradc.fori_loop(0, 3, lambda i, y: y * w, x)), wrt="w")
    np.testing.assert_allclose(f.grad(X, SCALE), 3 * SCALE**2 * X, rtol=1e-14)


def test_compiled_functions_in_bodies() -> None:
    inner = compile_grad(lambda y, w: np.sin(y) * w)

    def f(x: Any) -> Any:
        return np.sum(gradc.fori_loop(0, 3, lambda i, y: inner(y, MODEL.w), x))

    same(f, X)
    y, slope = X, np.ones(3)
    for _ in range(3):
        y, slope = np.sin(y) * MODEL.w, slope * np.cos(y) * MODEL.w
    np.testing.assert_allclose(compile_grad(f).grad(X), slope, rtol=1e-14)


def test_gradients_in_bodies() -> None:
    """Descent by the gradient of another function, differentiated by where it starts."""

    def height(y: Any) -> Any:
        return np.sum(y**4) / 4

    @compile_grad
    def lowest(x: Any) -> Any:
        return height(gradc.fori_loop(0, 2, lambda i, y: y - 0.1 * grad(height)(y), x))

    y, slope = X, np.ones(3)
    for _ in range(2):
        y, slope = y - 0.1 * y**3, slope * (1 - 0.3 * y**2)
    value, gradient = lowest.value_and_grad(X)
    assert value == pytest.approx(height(y), rel=1e-14)
    np.testing.assert_allclose(gradient, y**3 * slope, rtol=1e-13)


def test_loops_in_methods_and_functions_of_the_user() -> None:
    class Walk:
        def __init__(self) -> None:
            self.w = SCALE

        def step(self, i: Any, y: Any) -> Any:
            return np.sin(y) * self.w

        @compile_grad(wrt="x")
        def total(self, x: Any) -> Any:
            return np.sum(gradc.fori_loop(0, 2, self.step, x))

    walk = Walk()
    assert walk.total(X) == pytest.approx(np.sum(np.sin(np.sin(X) * SCALE) * SCALE), rel=1e-14)


def test_ufuncs_and_partials_as_bodies() -> None:
    assert same(lambda x: gradc.cond(x[0] > 0, np.sin, np.cos, x)[0], X) == np.sin(0.5)


# Gradients off, stopped, hooked


def test_no_grad_in_a_body() -> None:
    def f(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            with gradc.no_grad():
                size = np.sum(y**2)
            return y * size

        return np.sum(gradc.fori_loop(0, 2, body, x))

    first = np.sum(X**2)
    second = np.sum((X * first) ** 2)
    np.testing.assert_allclose(compile_grad(f).grad(X), np.full(3, first * second), rtol=1e-14)


def test_stop_gradient_in_a_body() -> None:
    def f(x: Any) -> Any:
        return gradc.fori_loop(0, 3, lambda i, y: y * gradc.stop_gradient(y), x)

    # y becomes y * y without its gradient: 2, 4, 16, 256; the factors are 2, 4 and 16.
    assert compile_grad(f).value_and_grad(2.0) == (256.0, 128.0)


def test_loop_under_no_grad_has_no_gradient() -> None:
    def f(x: Any) -> Any:
        with gradc.no_grad():
            y = gradc.fori_loop(0, 3, lambda i, y: y * x, x)
        return y * x

    assert compile_grad(f).value_and_grad(2.0) == (32.0, 16.0)


def test_hooks_in_bodies_run_in_each_iteration() -> None:
    def f(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            y = y * 3.0
            gradc.register_hook(y, lambda g: 0.5 * g)
            return y

        return gradc.fori_loop(0, 3, body, x)

    assert compile_grad(f).value_and_grad(2.0) == (54.0, 27.0 / 8)


def test_hooks_that_are_call_backs_see_each_gradient_from_the_last() -> None:
    seen: list[float] = []

    def f(x: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            y = y * 2.0
            gradc.register_hook(y, lambda g: seen.append(float(g)))
            return y

        return gradc.fori_loop(0, 3, body, x)

    assert compile_grad(f).grad(1.0) == 8.0
    assert seen == [1.0, 2.0, 4.0]


def test_call_backs_of_the_branch_that_runs() -> None:
    seen: list[str] = []

    def f(x: Any) -> Any:
        def positive(y: Any) -> Any:
            gradc.debug.callback(lambda _: seen.append("positive"), y)
            return y

        def other(y: Any) -> Any:
            gradc.debug.callback(lambda _: seen.append("other"), y)
            return -y

        return gradc.cond(x > 0, positive, other, x)

    f = compile_grad(f)
    f(1.0), f.grad(-1.0), f(2.0)
    assert seen == ["positive", "other", "positive"]


# Predicates and bounds


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_predicates_may_be_numbers(value: float) -> None:
    """True where they are not 0, arrays of one element too."""
    f = lambda x: gradc.cond(np.maximum(x, 0.0), lambda: x, lambda: -x * x)  # noqa: E731
    assert same(f, value) == (1.0 if value > 0 else -1.0)
    g = lambda x: gradc.cond(x > 0, lambda: x * 2, lambda: x * 3)  # noqa: E731
    assert same(g, np.array([value]))[0] == (2.0 if value > 0 else -3.0)


def test_operands_of_branches_are_copies() -> None:
    def f(x: Any) -> Any:
        def store(y: Any) -> Any:
            y[0] = 9.0
            return y

        z = gradc.cond(x[1] < 0, store, store, x)
        return z + x

    np.testing.assert_array_equal(same(f, X.copy()), [9.5, -2.0, 4.0])


@pytest.mark.parametrize("bounds", [(0, 3, 1), (5, -1, -2), (3, 0, 1), (-4, 5, 3)])
def test_bounds_known_or_computed(bounds: Any) -> None:
    """Python integers, NumPy's of any width, or traced: the same indices."""

    def f(x: Any, start: Any, stop: Any, step: Any) -> Any:
        return gradc.fori_loop(start, stop, lambda i, y: y * x + i, x, step=step)

    expected = 1.5
    for i in range(*bounds):
        expected = expected * 1.5 + i
    assert compile_grad(f)(1.5, *bounds) == expected
    assert compile_grad(f)(1.5, *map(np.int16, bounds)) == expected
    assert compile_grad(f, static_argnames=("start", "stop", "step"))(1.5, *bounds) == expected


def test_number_of_iterations_by_size() -> None:
    def f(x: Any) -> Any:
        positive = x[x > 0]
        return gradc.fori_loop(0, positive.size, lambda i, y: y + positive[i] * x[1], 0.0)

    assert compile_grad(f)(X) == f(X) == -2.5
    np.testing.assert_array_equal(compile_grad(f).grad(X), [-1.0, 2.5, -1.0])


def test_while_that_never_runs() -> None:
    f = lambda x: gradc.while_loop(lambda y: y < 0, lambda y: y * 2, x)  # noqa: E731
    assert compile_grad(f).value_and_grad(3.0) == (3.0, 1.0)
