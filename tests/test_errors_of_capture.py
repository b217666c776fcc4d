"""What capture refuses: the construct, the values, the user's line, and what to write instead."""

import copy
import pickle
import random

import numpy as np
import pytest

import gradc
from gradc import CaptureError, DerivativeError, TypeRuleError

from .refusal import Refusals, check_error

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, -2.0, 3.0])
MATRIX = np.arange(1.0, 7.0).reshape(2, 3)
TABLE = np.arange(5.0)
GENERATOR = np.random.default_rng(5)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


# A value that depends on the arguments, read by Python

TRUTH = (CaptureError, "decides a Python `if` or `while`")
NUMBER = (CaptureError, "converted to a Python number")
INTEGER = (CaptureError, "used as a Python integer")


@refused(*TRUTH, VECTOR, got="positive: () bool", fix="np.where")
def python_if(x):
    positive = np.sum(x) > 0
    if positive:  # here
        return np.sum(x)
    return np.sum(x * x)


@refused(*TRUTH, VECTOR, fix="static_argnames")
def python_while(x):
    while np.sum(x) > 0:  # here
        x = x - 1
    return np.sum(x)


@refused(*TRUTH, VECTOR, got="() bool")
def python_and(x):
    both = x[0] > 0 and x[1] > 0  # here
    return np.sum(x) * both


@refused(*TRUTH, VECTOR, got="() bool")
def python_not(x):
    return np.sum(x) * (not x[0] > 0)  # here


@refused(*TRUTH, VECTOR)
def python_in(x):
    return np.sum(x) * (1.0 in x)  # here


@refused(*TRUTH, 3.0, got="() bool")
def condition_on_a_differentiated_number(x):
    return x if x > 0 else -x  # here


@refused(*INTEGER, VECTOR, got="() int64", fix="static_argnames")
def python_range(x):
    return sum(x[0] for _ in range(np.argmax(x)))  # here


@refused(*INTEGER, VECTOR, got="() int64")
def slice_bound(x):
    return np.sum(x[: np.argmax(x)])  # here


@refused(*INTEGER, VECTOR)
def shape_of_zeros(x):
    return np.sum(np.zeros(np.argmax(x))) * x[0]  # here


# A traced array where NumPy wants a plain one

PLAIN = (CaptureError, "converted to a plain NumPy array")


@refused(*PLAIN, VECTOR)
def pickled(x):
    pickle.dumps(x)  # here
    return np.sum(x)


# Random numbers

RANDOM = (CaptureError, "random numbers are drawn while the function is captured")


@refused(*RANDOM, VECTOR, fix="pass them as an argument")
def global_random_numbers(x):
    y = x * 2
    noise = np.random.normal(size=3)  # here
    return np.sum(y + noise)


@refused(*RANDOM, VECTOR, fix="pass them as an argument")
def generator_of_the_module(x):
    return np.sum(x * GENERATOR.normal(size=3))  # here


@refused(*RANDOM, VECTOR, fix="pass them as an argument")
def traced_parameter_of_a_distribution(x):
    return np.sum(GENERATOR.normal(x))  # here


@refused(*PLAIN, VECTOR)
def traced_parameter_of_a_seeded_distribution(x):
    return np.sum(np.random.default_rng(1).normal(x))  # here


@refused(*RANDOM, VECTOR, fix="pass them as an argument")
def generator_without_a_seed(x):
    return np.sum(x * np.random.default_rng().normal(size=3))  # here


@refused(*RANDOM, VECTOR, fix="pass them as an argument")
def random_numbers_of_python(x):
    return np.sum(x) * random.random()  # here


@refused(*RANDOM, VECTOR, fix="pass them as an argument")
def bound_method_of_a_generator(x):
    draw = GENERATOR.normal
    return np.sum(x * draw(size=3))  # here


def test_random_numbers_that_are_the_same_in_every_call_are_taken():
    """A generator seeded inside; one that is named and not used."""

    def seeded(x, training):
        noise = GENERATOR.normal(size=3) if training else 0.0
        return np.sum(x * np.random.default_rng(1).normal(size=3) + noise)

    expected = np.random.default_rng(1).normal(size=3)
    np.testing.assert_allclose(gradc.compile_grad(seeded).grad(VECTOR, False), expected)


def test_copies_of_traced_arrays_are_their_own():
    """``copy.copy`` of a tracer once shared its storage."""

    def loss(x):
        y = x * 2
        kept, deep = copy.copy(y), copy.deepcopy(y)
        y[:] = 0.0
        return np.sum(kept * x + deep) + np.sum(y)

    np.testing.assert_allclose(gradc.compile_grad(loss).grad(VECTOR), 4 * VECTOR + 2)


def test_user_exceptions_come_out_unchanged():
    """Also those that NumPy raises for the user's own plain arrays."""

    def raises(x, error):
        raise error

    for error in (TypeError("mine"), ValueError("mine"), KeyError("mine")):
        with pytest.raises(type(error)) as caught:
            gradc.compile_grad(raises, static_argnames="error")(VECTOR, error)
        assert caught.value is error

    def ragged(x):
        np.zeros(3)[0] = [1, 2]
        return np.sum(x)

    with pytest.raises(ValueError, match="setting an array element"):
        gradc.compile_grad(ragged)(VECTOR)


def test_refusals_are_no_type_errors_unless_types_are_wrong():
    """NumPy swallows TypeError and ValueError while it probes its operands."""
    assert not issubclass(CaptureError, TypeError | ValueError)
    assert issubclass(TypeRuleError, TypeError)


def test_numbers_in_lists_are_no_array():
    """Nor is the message as long as the list."""
    with pytest.raises(DerivativeError) as caught:
        gradc.compile_grad(lambda x: np.sum(np.asarray(x))).grad([[1] * 60] * 60)
    what = "a gradient by x was asked for, which is not floating-point"
    got, fix = "() int64, ... (3600 of them)", "a list is taken as so many numbers: pass np.array(x"
    check_error(caught.value, DerivativeError, what, got, fix)


@pytest.mark.parametrize(
    "call",
    [
        lambda: gradc.compile_grad(np.sum).grad([[1] * 60] * 60),
        lambda: gradc.compile_grad(list).grad(np.ones(900)),
        lambda: gradc.compile_grad(lambda x: [None] * 900)(VECTOR),
        lambda: gradc.compile_grad(lambda x: "text" * 900)(VECTOR),
        lambda: gradc.compile_grad(lambda x: x * 2)(10**5000),
        lambda: gradc.compile_grad(list).vjp(np.ones(900))[1](VECTOR),
        lambda: gradc.compile_grad(lambda x: x["0"]).jvp(({str(i): 1.0 for i in range(900)},), {}),
    ],
)
def test_messages_do_not_grow_with_what_was_passed(call):
    with pytest.raises(gradc.GradcError) as caught:
        call()
    assert len(str(caught.value)) < 800
