"""What functions may not do to what is no argument: with the line, and what to write instead."""

import numpy as np
import pytest

import gradc
from gradc import CaptureError, compile_grad

from .refusal import Refusals, check_error

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, -2.0, 3.0])
ITEMS = [1.0]
TABLE = {"a": 1.0}
SEEN = set()
NUMBER = 2.0


class Model:
    def __init__(self):
        self.w = VECTOR * 2
        self.history = []
        self.parts = {"a": 1.0}


MODEL = Model()


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


@pytest.fixture(autouse=True)
def nothing_is_changed():
    """What is refused changes nothing outside."""
    yield
    assert ([1.0], {"a": 1.0}, set(), 2.0) == (ITEMS, TABLE, SEEN, NUMBER)
    assert (MODEL.history, MODEL.parts) == ([], {"a": 1.0})
    np.testing.assert_array_equal(MODEL.w, VECTOR * 2)


# Containers that would grow with each call

RESIZED = (CaptureError, "changes its length")


@refused(*RESIZED, VECTOR, fix="gradc.debug.callback(items.append, value)")
def global_list_appended_to(x):
    y = np.sum(x)
    ITEMS.append(y)  # here
    return y


@refused(*RESIZED, VECTOR, fix="return what belongs into it")
def global_list_extended(x):
    ITEMS.extend([x[0], x[1]])  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def global_list_cleared(x):
    ITEMS.clear()  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def global_list_popped(x):
    return np.sum(x) * ITEMS.pop()  # here


@refused(*RESIZED, VECTOR)
def global_list_through_another_name(x):
    items = ITEMS
    items.append(x[0])  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def global_list_through_a_bound_method(x):
    append = ITEMS.append
    append(x[0])  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def global_set(x):
    SEEN.add(3)  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def list_of_an_attribute(x):
    MODEL.history.append(np.sum(x))  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def item_deleted_from_a_dict(x):
    del TABLE["a"]  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR)
def item_popped_from_a_dict(x):
    return np.sum(x) * MODEL.parts.pop("a")  # here


@refused(*RESIZED, VECTOR)
def slice_that_makes_a_list_longer(x):
    ITEMS[:] = [x[0], x[1]]  # here
    return np.sum(x)


@refused(*RESIZED, VECTOR, [VECTOR])
def argument_list_appended_to(x, items):
    items.append(x)  # here
    return np.sum(x)


# Names and attributes


@refused(CaptureError, "del of the outside name NUMBER", VECTOR, fix="assign None to it")
def name_deleted(x):
    global NUMBER
    del NUMBER  # here
    return np.sum(x)


@refused(CaptureError, "del of the outside attribute w", VECTOR, fix="assign None to it")
def attribute_deleted(x):
    y = x * MODEL.w
    del MODEL.w  # here
    return np.sum(y)


@refused(CaptureError, "MODEL.w is stored to inside a compiled function", VECTOR, fix="return")
def stored_to_from_within(x):
    def inner(y):
        MODEL.w = y * 2  # here
        return np.sum(y)

    return gradc.func.grad(inner)(x) @ x


# Values that decide what Python looks up


@refused(CaptureError, "a list is indexed with a value", VECTOR, got="at: () int64", fix="np.stack")
def list_indexed(x):
    at = np.argmax(x)
    return [x[0], x[1], x[2]][at]  # here


@refused(CaptureError, "", VECTOR, got="() int64")
def dict_indexed(x):
    return {0: x[0], 1: x[1], 2: x[2]}[np.argmax(x)]  # here


# What is returned


def test_object_that_is_returned():
    """It would be another one at each call; the line is that of the call."""
    with pytest.raises(CaptureError) as caught:
        compile_grad(lambda x: Model())(VECTOR)  # here
    what = "an object that is no array, number or container of these"
    check_error(caught.value, CaptureError, what, got="Model", fix="dataclasses")
    assert "# here" in str(caught.value.where)


def test_object_that_is_stored():
    def loss(x):
        MODEL.other = Model()
        return np.sum(x)

    with pytest.raises(CaptureError) as caught:
        compile_grad(loss)(VECTOR)
    check_error(caught.value, CaptureError, "an object that is no array", got="Model")
    assert not hasattr(MODEL, "other")


# Arrays that cannot be changed


def doubles(x, y=None):
    x *= 2
    return np.sum(x) if y is None else np.sum(x * y)


def test_read_only_argument_that_is_changed():
    """NumPy refuses too; the argument's name and the user's call are told."""
    frozen = VECTOR.copy()
    frozen.flags.writeable = False
    for call in (compile_grad(doubles), compile_grad(doubles).grad):
        with pytest.raises(CaptureError) as caught:
            call(frozen)  # here
        what = "x is changed in place, but it is read-only"
        check_error(caught.value, CaptureError, what, fix="that can be written to")
        assert "# here" in str(caught.value.where)
    np.testing.assert_array_equal(frozen, VECTOR)


def test_argument_that_is_changed_and_shares_memory():
    """What the other one would show depends on the order of the operations."""
    whole = np.arange(5.0)
    compiled = compile_grad(doubles)
    with pytest.raises(CaptureError) as caught:
        compiled(whole[:3], whole[2:])  # here
    what = "x is changed in place, and shares memory with y"
    check_error(caught.value, CaptureError, what, fix="y.copy()")
    assert "# here" in str(caught.value.where)
    np.testing.assert_array_equal(whole, np.arange(5.0))
    np.testing.assert_allclose(compiled(whole[::2][:2], whole[1::2]), 2 * (0 * 1 + 2 * 3))
