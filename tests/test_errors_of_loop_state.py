"""Bodies that store to what lies outside of them: refused, or it would be done once."""

from types import SimpleNamespace

import numpy as np
import pytest

import gradc
from gradc import CaptureError, compile_grad

from .refusal import Refusals

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, 2.0, 3.0])
ITEMS, NAMED = [], {}
MODEL = SimpleNamespace(count=0, last=None)
TOTAL = 0.0


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


# Names, attributes and containers of the outside

RETURN = "return it: with what is carried"


@refused(CaptureError, "stores to TOTAL, which lies outside of it", VECTOR, fix=RETURN)
def global_name(x):
    def body(i, y):
        global TOTAL
        TOTAL = TOTAL + 1  # here
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x))


@refused(CaptureError, "stores to MODEL.count, which lies outside of it", VECTOR, fix=RETURN)
def attribute(x):
    def body(y):
        MODEL.count += 1  # here
        return y * 2

    return np.sum(gradc.while_loop(lambda y: y[0] < 9, body, x))


@refused(
    CaptureError, "stores to MODEL.last, which lies outside of it", VECTOR, fix="both branches"
)
def attribute_in_a_branch(x):
    def branch(y):
        MODEL.last = y  # here
        return y * 2

    return np.sum(gradc.cond(x[0] > 0, branch, branch, x))


@refused(CaptureError, "stores to NAMED['a'], which lies outside of it", VECTOR, fix=RETURN)
def item(x):
    def body(i, y):
        NAMED["a"] = 1  # here
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x))


@refused(CaptureError, "the list ITEMS, which lies outside", VECTOR, fix="debug.callback")
def growing_list(x):
    def body(i, y):
        ITEMS.append(1)  # here
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x))


# Variables and containers of the function around

CHANGES = "which lies outside of it: that would be done once, while capturing"


@refused(CaptureError, f"changes own, {CHANGES}", VECTOR, got="a list", fix=RETURN)
def list_of_the_function(x):
    own = []

    def body(i, y):
        own.append(1)
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x)) * len(own)  # here


@refused(CaptureError, f"changes own, {CHANGES}", VECTOR, got="a list", fix="gradc.scan stacks")
def list_of_values(x):
    own = []

    def body(i, y):
        own.append(np.sum(y))
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x)) + sum(own)  # here


@refused(CaptureError, f"changes own, {CHANGES}", VECTOR, got="a dict", fix=RETURN)
def dict_of_the_function(x):
    own = {"n": 0}

    def body(i, y):
        own["n"] += 1
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x)) * own["n"]  # here


@refused(CaptureError, f"changes own, {CHANGES}", VECTOR, got="a SimpleNamespace", fix=RETURN)
def object_of_the_function(x):
    own = SimpleNamespace(n=0)

    def body(i, y):
        own.n += 1
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x)) * own.n  # here


@refused(CaptureError, f"changes n, {CHANGES}", VECTOR, got="a variable", fix=RETURN)
def variable_of_the_function(x):
    n = 0

    def body(i, y):
        nonlocal n
        n += 1
        return y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x)) * n  # here


@refused(CaptureError, f"changes n, {CHANGES}", VECTOR, got="a variable", fix="from both branches")
def variable_in_a_branch(x):
    n = 0

    def branch(y):
        nonlocal n
        n += 1
        return y * 2

    return np.sum(gradc.cond(x[0] > 0, branch, branch, x)) * n  # here


@refused(CaptureError, f"changes n, {CHANGES}", VECTOR, got="a variable", fix=RETURN)
def variable_through_another_function(x):
    n = 0

    def count():
        nonlocal n
        n += 1

    def body(c, row):
        count()
        return c + row, None

    return gradc.scan(body, 0.0, x)[0] * n  # here


@refused(CaptureError, f"changes n, {CHANGES}", VECTOR, got="a variable", fix=RETURN)
def variable_in_a_condition(x):
    n = 0

    def condition(y):
        nonlocal n
        n += 1
        return y[0] < 5

    return np.sum(gradc.while_loop(condition, lambda y: y * 2, x)) * n  # here


@refused(CaptureError, f"changes numbers, {CHANGES}", VECTOR, got="iterator", fix=RETURN)
def iterator_of_the_function(x):
    numbers = iter([1.0, 2.0, 3.0])
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y * next(numbers), x))  # here


@refused(CaptureError, f"changes numbers, {CHANGES}", VECTOR, got="a generator", fix=RETURN)
def generator_of_the_function(x):
    numbers = (1.0 for _ in range(9))
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y * next(numbers), x))  # here


def test_state_within_a_body_is_its_own():
    """Lists, dicts, variables and functions that the body itself makes change as they like."""

    def f(x):
        def body(i, y):
            parts, total = [], 0.0
            for k in range(3):
                parts.append(y[k])

            def add():
                nonlocal total
                for part in parts:
                    total = total + part

            add()
            return y * total

        return np.sum(gradc.fori_loop(0, 2, body, x))

    assert compile_grad(f)(VECTOR) == f(VECTOR)


def test_checkpointed_functions_run_once():
    """So they may count, and keep numbers, as any function that is called may."""

    def f(x):
        calls = []

        @gradc.checkpoint
        def layer(y):
            calls.append(1)
            return np.sin(y)

        return np.sum(layer(layer(x))) * len(calls)

    assert compile_grad(f)(VECTOR) == f(VECTOR)


# Hooks, and values that leave


@refused(
    CaptureError, "registers a hook on a value from outside", VECTOR, fix="outside of the body"
)
def hook_on_an_outer_value(x):
    z = x * 2

    def body(i, y):
        gradc.register_hook(z, lambda g: g * 2)  # here
        return y * z

    return np.sum(gradc.fori_loop(0, 3, body, x))


LEFT = "a value from the body of a loop or a branch is used outside of it"


class Cupboard:
    """Keeps what it is given where nobody looks."""

    __slots__ = ("kept",)


@refused(CaptureError, LEFT, VECTOR, got="z: (3,) float64", fix="stacked by gradc.scan")
def value_that_leaves_a_body(x):
    cupboard = Cupboard()

    def body(i, y):
        z = y * 2
        cupboard.kept = z
        return z

    gradc.fori_loop(0, 3, body, x)
    return np.sum(cupboard.kept)  # here


@refused(CaptureError, LEFT, VECTOR, got="(3,) float64", fix="return it from the body")
def value_that_leaves_a_branch(x):
    cupboard = Cupboard()

    def first(y):
        cupboard.kept = y * 2
        return y

    def second(y):
        return y + cupboard.kept  # here

    return np.sum(gradc.cond(x[0] > 0, first, second, x))
