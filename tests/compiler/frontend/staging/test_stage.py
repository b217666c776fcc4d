"""Rewritten functions: what they share with the user's, and when they are made anew."""

import functools
import gc
import math
import weakref

import numpy as np
from gradc.compiler.frontend.staging.bindings import Bindings
from gradc.compiler.frontend.staging.stage import stage

from gradc import compile_grad

SCALE = 2.0


class Plain(Bindings):
    """Calls as Python does."""

    @staticmethod
    def call(function, /, *args, **kwargs):
        return function(*args, **kwargs)


def staged(function):
    return stage(function, Plain)


def everything(x, /, y=2.0, *rest, scale=3.0, **named):
    """Say what it is."""
    return x * y * scale * SCALE + sum(rest) + sum(named.values())


def test_looks_like_the_function():
    """Name, module, documentation, defaults and attributes: ``inspect`` and users may ask."""
    everything.marked = True
    made = staged(everything)
    assert made is not everything
    for name in ("__name__", "__qualname__", "__module__", "__defaults__", "__kwdefaults__"):
        assert getattr(made, name) == getattr(everything, name)
    assert made.__dict__ == everything.__dict__
    assert made.__globals__ is everything.__globals__
    assert made.__code__.co_filename == everything.__code__.co_filename
    assert made.__code__.co_firstlineno == everything.__code__.co_firstlineno


def test_does_the_same_without_a_capture():
    """It is then plain Python: a hook or a call-back may call it long after."""
    made = staged(everything)
    assert made(1.0) == everything(1.0) == 12.0
    assert made(1.0, 2.0, 3.0, scale=1.0, a=5.0) == everything(1.0, 2.0, 3.0, scale=1.0, a=5.0)


def test_globals_and_closure_variables_are_live():
    """Not copies of what they were."""
    value = 1.0

    def function():
        return value, SCALE

    made = staged(function)
    assert made() == (1.0, 2.0)
    value = 5.0
    globals()["SCALE"] = 7.0
    try:
        assert made() == (5.0, 7.0)
    finally:
        globals()["SCALE"] = 2.0


def test_is_made_once():
    assert staged(everything) is staged(everything)
    assert staged(staged(everything)) is staged(everything)


def test_functions_made_by_one_line_share_the_code_and_nothing_else():
    def maker(n):
        return lambda x, k=n: x * n + k

    first, second = staged(maker(2.0)), staged(maker(3.0))
    assert first.__code__ is second.__code__
    assert (first(1.0), second(1.0)) == (4.0, 6.0)


def test_changed_defaults_are_seen():
    def function(x, y=1.0, *, z=1.0):
        return x + y + z

    assert staged(function)(0.0) == 2.0
    function.__defaults__ = (5.0,)
    assert staged(function)(0.0) == 6.0
    function.__kwdefaults__ = {"z": 10.0}
    assert staged(function)(0.0) == 15.0
    function.__kwdefaults__["z"] = 20.0
    assert staged(function)(0.0) == 25.0


def test_changed_code_is_seen():
    """As a reloader in a notebook does it."""

    def function(x):
        return math.exp(x)

    def other(x):
        return math.sin(x)

    compiled = compile_grad(function)
    np.testing.assert_allclose(compiled.grad(0.5), np.exp(0.5))
    function.__code__ = other.__code__
    np.testing.assert_allclose(compile_grad(function).grad(0.5), np.cos(0.5))


def test_functions_are_not_kept_alive():
    """A function made at each call of another one would otherwise fill the memory."""

    def function(x):
        return x * 2

    assert staged(function)(1.0) == 2.0
    reference = weakref.ref(function)
    del function
    gc.collect()
    assert reference() is None


def test_recursion_and_mutual_recursion():
    def even(x, n):
        return math.exp(x) if n == 0 else odd(x, n - 1) * 2

    def odd(x, n):
        return even(x, n - 1) + 1

    np.testing.assert_allclose(compile_grad(even).grad(0.5, 4), 4 * np.exp(0.5))


def memoised(function):
    known = {}

    @functools.wraps(function)
    def called(n):
        if n not in known:
            known[n] = function(n)
        return known[n]

    return called


@memoised
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def test_function_that_remembers_results_of_numbers():
    """A table of Python numbers made by a decorator: it must not grow while capturing."""
    assert fibonacci(10) == 55  # the table is full
    compiled = compile_grad(lambda x: x * fibonacci(10))
    assert [float(compiled.grad(1.0)) for _ in range(2)] == [55.0, 55.0]


@functools.lru_cache
def weights(n):
    return np.linspace(0.0, 1.0, n)


@functools.lru_cache
def squared(x):
    return x * x


def test_cached_functions():
    """Of numbers the cache serves; of traced values it is passed by, and keeps none."""
    compiled = compile_grad(lambda x: np.sum(x * weights(3)) + squared(x[0]))
    x = np.array([3.0, 4.0, 5.0])
    for _ in range(2):
        np.testing.assert_allclose(compiled.grad(x), [6.0, 0.5, 1.0])
    assert squared.cache_info().currsize == 0
    assert type(weights(3)) is np.ndarray
