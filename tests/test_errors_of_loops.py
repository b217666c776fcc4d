"""What loops, branches, scans and checkpoints refuse: what does not fit, and bad options."""

import re

import numpy as np
import pytest

import gradc
from gradc import CaptureError, DerivativeError, TypeRuleError, compile_grad

from .refusal import Refusals

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


# Carries

SHAPE = "the carried y changes its shape from one iteration to the next"
STRUCTURE = "the body of a loop returns another structure than it is given"
FINAL = "let it have its final shape from the start"


@refused(CaptureError, SHAPE, VECTOR, got="(3,), then (6,)", fix=FINAL)
def growing_carry(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: np.concatenate([y, y]), x))  # here


@refused(CaptureError, SHAPE, VECTOR, got="(3,), then (1, 3)", fix=FINAL)
def growing_rank(x):
    return np.sum(gradc.while_loop(lambda y: np.sum(y) < 9, lambda y: y[None], x))  # here


@refused(CaptureError, "the carried init changes its shape", VECTOR, got="(), then (2,)", fix=FINAL)
def growing_carry_of_scan(x):
    return np.sum(gradc.scan(lambda c, r: (np.stack([c, r]), r), 0.0, x)[0])  # here


@refused(CaptureError, STRUCTURE, VECTOR, got="(array, array) for array", fix="as they come in")
def pair_for_an_array(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: (y, y), x))  # here


@refused(CaptureError, STRUCTURE, VECTOR, got="{'b': array} for {'a': array}", fix="same keys")
def other_keys(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: {"b": y["a"]}, {"a": x})["a"])  # here


@refused(
    CaptureError, STRUCTURE, VECTOR, got="(array, array) for (array, None)", fix="as they come"
)
def nothing_becomes_an_array(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: (y[0], y[0]), (x, None))[0])  # here


@refused(CaptureError, STRUCTURE, VECTOR, got="(array, 'ab') for (array, 'a')", fix="as they come")
def changing_text(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: (y[0], y[1] + "b"), (x, "a"))[0])  # here


@refused(CaptureError, "returns nothing, and stores nothing", VECTOR, fix="return the next carry")
def forgotten_return(x):
    def body(i, y):
        y * 2

    return np.sum(gradc.fori_loop(0, 3, body, x))  # here


@refused(
    CaptureError, "an object that is no array", VECTOR, got="list_iterator", fix="return or store"
)
def carried_object(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y, (x, iter([])))[0])  # here


def test_other_order_of_keys_is_the_same_structure():
    """The values go by their keys, and a list may come back for a tuple."""

    def exchange(x):
        body = lambda i, y: {"b": y["a"], "a": y["b"]}  # noqa: E731
        found = gradc.fori_loop(0, 3, body, {"a": x, "b": 2 * x})
        pair = gradc.fori_loop(0, 3, lambda i, y: [y[1], y[0]], (found["a"], x))
        return found["a"] + 10 * pair[0]

    assert compile_grad(exchange)(1.0) == exchange(1.0) == 12.0


# Branches

UNLIKE = "the branches of cond return different structures or shapes"
SAME = "the same containers, with arrays of the same shapes"


@refused(CaptureError, UNLIKE, VECTOR, got="(3,) and (2,)", fix=SAME)
def branches_of_other_shapes(x):
    return np.sum(gradc.cond(x[0] > 0, lambda x: x, lambda x: x[:2], x))  # here


@refused(CaptureError, UNLIKE, VECTOR, got="(array, array) and array", fix=SAME)
def branches_of_other_structure(x):
    return np.sum(gradc.cond(x[0] > 0, lambda x: (x, x), lambda x: x, x))  # here


@refused(CaptureError, UNLIKE, VECTOR, got="array and None", fix=SAME)
def branch_without_result(x):
    return np.sum(gradc.cond(x[0] > 0, lambda x: x, lambda x: None, x))  # here


# Conditions and bounds


@refused(CaptureError, "a condition is one bool", VECTOR, got="(3,) bool", fix="np.all or np.any")
def vector_as_predicate(x):
    return np.sum(gradc.cond(x > 0, lambda x: x, lambda x: -x, x))  # here


@refused(CaptureError, "a condition is one bool", VECTOR, got="(3,) bool", fix="np.all or np.any")
def vector_as_condition(x):
    return np.sum(gradc.while_loop(lambda y: y < 9, lambda y: y * 2, x))  # here


@refused(CaptureError, "a condition is one bool", VECTOR, got="None", fix="np.all or np.any")
def nothing_as_condition(x):
    return np.sum(gradc.while_loop(lambda y: None, lambda y: y * 2, x))  # here


@refused(CaptureError, "would never end", VECTOR, got="True", fix="depend on what is carried")
def endless_loop(x):
    return np.sum(gradc.while_loop(lambda y: True, lambda y: y * 2, x))  # here


@refused(CaptureError, "the condition of while_loop stores", VECTOR, fix="store to it in the body")
def storing_condition(x):
    def condition(y):
        y += 1.0
        return y[0] < 5

    return np.sum(gradc.while_loop(condition, lambda y: y * 2, x))  # here


@refused(CaptureError, "the stop of a loop is an integer", VECTOR, got="3.0", fix="int(...)")
def float_stop(x):
    return np.sum(gradc.fori_loop(0, 3.0, lambda i, y: y * 2, x))  # here


@refused(CaptureError, "the stop of a loop is an integer", VECTOR, got="float64", fix="np.int64")
def traced_float_stop(x):
    return np.sum(gradc.fori_loop(0, x[0], lambda i, y: y * 2, x))  # here


@refused(CaptureError, "the start of a loop is an integer", VECTOR, got="True", fix="int(...)")
def bool_start(x):
    return np.sum(gradc.fori_loop(True, 3, lambda i, y: y * 2, x))  # here


@refused(CaptureError, "the stop of a loop is an integer", VECTOR, got="array([1, 2])", fix="int")
def array_stop(x):
    return np.sum(gradc.fori_loop(0, np.array([1, 2]), lambda i, y: y * 2, x))  # here


@refused(CaptureError, "the stop of a loop is an integer", VECTOR, got="1180591620717411303424")
def stop_beyond_integers(x):
    return np.sum(gradc.fori_loop(0, 2**70, lambda i, y: y * 2, x))  # here


@refused(CaptureError, "the step of a loop is an integer, and not 0", VECTOR, got="0", fix="int")
def no_step(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y * 2, x, step=0))  # here


def test_computed_step_of_zero_is_an_error_of_the_call():
    """As in Python: only the call knows it."""
    f = compile_grad(lambda x, s: gradc.fori_loop(0, 3, lambda i, y: y * x, x, step=s))
    assert f(2.0, 2) == 8.0
    with pytest.raises(ValueError, match=re.escape("range() arg 3 must not be zero")):
        f(2.0, 0)


# Functions

INDEX_AND_CARRY = "the body of fori_loop is a function of the index and the carry"


@refused(CaptureError, INDEX_AND_CARRY, VECTOR, got="(3,) float64", fix="gradc.fori_loop(start")
def body_in_another_place(x):
    return np.sum(gradc.fori_loop(0, 3, x, lambda i, y: y))  # here


@refused(CaptureError, INDEX_AND_CARRY, VECTOR, got="<lambda>(y)", fix="lambda i, carry")
def body_without_index(x):
    return np.sum(gradc.fori_loop(0, 3, lambda y: y * 2, x))  # here


@refused(
    CaptureError, "the condition of while_loop is a function", VECTOR, got="(3,)", fix="lambda"
)
def condition_in_another_place(x):
    return np.sum(gradc.while_loop(x, lambda y: y, lambda y: y))  # here


@refused(CaptureError, "the body of while_loop is a function", VECTOR, got="(i, y)", fix="lambda")
def while_body_with_index(x):
    return np.sum(gradc.while_loop(lambda y: y[0] < 5, lambda i, y: y, x))  # here


@refused(CaptureError, "a branch of cond is a function of its operands, here 1", VECTOR, got="()")
def branch_without_operands(x):
    return np.sum(gradc.cond(x[0] > 0, lambda: x, lambda: x, x))  # here


@refused(CaptureError, "a branch of cond is a function", VECTOR, got="(3,) float64", fix="lambda x")
def values_as_branches(x):
    return np.sum(gradc.cond(x[0] > 0, x, 2 * x))  # here


@refused(
    CaptureError, "the body of scan is a function", VECTOR, got="None", fix="lambda carry, row"
)
def scan_without_body(x):
    return np.sum(gradc.scan(None, 0.0, x)[0])  # here


@refused(CaptureError, "checkpoint takes a function", VECTOR, got="Tracer", fix="(*arguments)")
def checkpoint_of_an_array(x):
    return np.sum(gradc.checkpoint(x))  # here


def doubled(fields):
    fields["x"] = fields["x"] * 2


@refused(
    CaptureError, "doubled runs again in backward, and changes a list, dict", VECTOR, fix="return"
)
def checkpoint_that_changes_a_dict(x):
    fields = {"x": x}
    gradc.checkpoint(doubled)(fields)  # here
    return np.sum(fields["x"])


@refused(TypeRuleError, "shapes cannot be broadcast together", VECTOR, got="(3,), (4,)")
def wrong_shapes_in_a_body(x):
    def body(i, y):
        return y + np.ones(4)  # here

    return np.sum(gradc.fori_loop(0, 3, body, x))


# Scans

ONE_LENGTH = "scan needs one length"


@refused(CaptureError, ONE_LENGTH, VECTOR, got="(3,), (2,)", fix="equal first axes")
def unequal_rows(x):
    return gradc.scan(lambda c, r: (c + r[0] * r[1], None), 0.0, (x, x[:2]))[0]  # here


@refused(CaptureError, ONE_LENGTH, VECTOR, got="(3,), length=5", fix="length=n")
def another_length(x):
    return gradc.scan(lambda c, r: (c + r, None), 0.0, x, length=5)[0]  # here


@refused(CaptureError, ONE_LENGTH, VECTOR, got="length=None", fix="length=n")
def no_length(x):
    return gradc.scan(lambda c, r: (c + x[0], None), 0.0)[0]  # here


@refused(CaptureError, ONE_LENGTH, VECTOR, got="length=-1", fix="length=n")
def negative_length(x):
    return gradc.scan(lambda c, r: (c + x[0], None), 0.0, length=-1)[0]  # here


@refused(CaptureError, ONE_LENGTH, VECTOR, got="length=3.0", fix="length=n")
def float_length(x):
    return gradc.scan(lambda c, r: (c + x[0], None), 0.0, length=3.0)[0]  # here


@refused(CaptureError, ONE_LENGTH, VECTOR, got="()", fix="equal first axes")
def rows_of_a_scalar(x):
    return gradc.scan(lambda c, r: (c + r, None), 0.0, x[0])[0]  # here


@refused(CaptureError, "used as a Python integer", VECTOR, np.array(3), got="n: () int64")
def computed_length(x, n):
    return gradc.scan(lambda c, r: (c + x[0], None), 0.0, length=n)[0]  # here


@refused(CaptureError, "the body of scan returns a pair (carry, y)", VECTOR, fix="(carry, None)")
def scan_without_a_pair(x):
    return gradc.scan(lambda c, r: c + r, 0.0, x)[0]  # here


# What is saved

SAVED = "what a loop saves is not said in a known way"
OPTIONS = 'write checkpoint="sqrt", every=100 (iterations), or memory="512MB"'


@pytest.mark.parametrize(
    "option",
    [
        {"checkpoint": "log"},
        {"checkpoint": True},
        {"every": 0},
        {"every": -2},
        {"every": True},
        {"every": 2.0},
        {"memory": 0},
        {"memory": 1e6},
        {"memory": "lots"},
        {"memory": "1000"},
        {"memory": "1.2.3MB"},
        {"memory": "-1MB"},
    ],
    ids=str,
)
@pytest.mark.parametrize("compiled", [True, False])
def test_bad_options(option, compiled):
    """They are refused in plain code too: where it is compiled later, it works."""

    def f(x):
        return gradc.fori_loop(0, 3, lambda i, y: y * 2, x, **option)

    with pytest.raises(CaptureError, match=SAVED) as caught:
        (compile_grad(f) if compiled else f)(2.0)
    assert caught.value.got == repr(next(iter(option.values())))
    assert caught.value.fix == OPTIONS
    assert "**option" in str(caught.value.where)


@pytest.mark.parametrize(
    "option", [{"every": np.int32(2)}, {"memory": np.int64(99)}, {"memory": " 1.5 kib "}], ids=str
)
def test_good_options(option):
    f = compile_grad(lambda x: gradc.fori_loop(0, 3, lambda i, y: y * x, x, **option))
    assert f.grad(2.0) == 32.0


@refused(CaptureError, "one of checkpoint, every and memory", VECTOR, got="'sqrt', 2", fix="choose")
def two_options(x):
    return gradc.fori_loop(0, 3, lambda i, y: y * 2, x[0], every=2, checkpoint="sqrt")  # here


@refused(DerivativeError, "in so little memory", VECTOR, got="the least is 480 bytes", fix="more")
def too_little_memory(x):
    return np.sum(gradc.fori_loop(0, 100, lambda i, y: np.sin(y), x, memory="40B"))  # here


@refused(DerivativeError, "number of iterations is known", VECTOR, np.array(9), fix="every=n")
def memory_of_an_unknown_number(x, n):
    return np.sum(gradc.fori_loop(0, n, lambda i, y: np.sin(y), x, memory="1KB"))  # here


# Values of the call, read while the body is captured


@refused(CaptureError, "decides a Python `if` or `while`", VECTOR, got="() bool", fix="gradc.cond")
def python_if_in_a_body(x):
    def body(i, y):
        return y if i > 0 else y * 2  # here

    return np.sum(gradc.fori_loop(0, 3, body, x))


@refused(CaptureError, "as a Python integer", VECTOR, got="i: () int64", fix="gradc.fori_loop")
def python_range_in_a_body(x):
    def body(i, y):
        for _ in range(i):  # here
            y = y * 2
        return y

    return np.sum(gradc.fori_loop(0, 3, body, x))


@refused(
    CaptureError, "as a Python integer", VECTOR, got="i: () int64", fix="np.where(np.arange(n)"
)
def slice_up_to_the_index(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y + np.sum(x[:i]), x))  # here


@refused(CaptureError, "a list is indexed with a value", VECTOR, got="i: () int64", fix="np.stack")
def list_at_the_index(x):
    table = [x, 2 * x, 3 * x]
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y + table[i], x))  # here


@refused(CaptureError, "random numbers are drawn", VECTOR, fix="pass them as an argument")
def random_numbers_in_a_body(x):
    return np.sum(gradc.fori_loop(0, 3, lambda i, y: y + np.random.rand(), x))  # here
