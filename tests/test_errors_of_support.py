"""Functions, methods, options, dtypes and classes of arrays that capture does not know."""

import numpy as np
import pytest

from gradc import CaptureError, compile_grad

from .refusal import Refusals

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, -2.0, 3.0])
MATRIX = np.arange(1.0, 7.0).reshape(2, 3)
MASKED = np.ma.masked_less(VECTOR, 0.0)
OLD = MATRIX.T.view(np.matrix)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


UNKNOWN = "is not supported inside a compiled function"


@refused(CaptureError, f"np.unique {UNKNOWN}", VECTOR, fix="write np.sort(x)")
def unsupported_function(x):
    return np.sum(np.unique(x))  # here


@refused(CaptureError, f"np.linalg.inv {UNKNOWN}", MATRIX, fix="supported NumPy functions")
def unsupported_function_of_a_submodule(x):
    return np.sum(np.linalg.inv(x))  # here


@refused(CaptureError, f"np.subtract.reduce {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_reduction(x):
    return np.sum(np.subtract.reduce(x))  # here


@refused(CaptureError, f"np.multiply.at {UNKNOWN}", VECTOR, fix="places that occur once")
def unsupported_store_of_a_ufunc(x):
    np.multiply.at(np.copy(x), [0, 1], x[:2])  # here


@refused(CaptureError, f"np.add.reduceat {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_ufunc_method(x):
    return np.sum(np.add.reduceat(x, [0, 1]))  # here


@refused(CaptureError, "np.add with where= and without out=", VECTOR, fix="pass out=")
def unsupported_ufunc_option(x):
    return np.sum(np.add(x, x, where=x > 0))  # here


@refused(CaptureError, f"np.sort with order= {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_function_option(x):
    return np.sum(np.sort(x, order="a"))  # here


@refused(CaptureError, f"np.clip with dtype= {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_clip_option(x):
    return np.sum(np.clip(x, 0.0, 1.0, dtype=float))  # here


@refused(CaptureError, "np.pad with mode='mean'", VECTOR, fix="np.concatenate")
def unsupported_pad_mode(x):
    return np.sum(np.pad(x, 1, mode="mean"))  # here


@refused(CaptureError, "np.pad with reflect_type='odd'", VECTOR, fix="np.concatenate")
def unsupported_pad_option(x):
    return np.sum(np.pad(x, 1, mode="reflect", reflect_type="odd"))  # here


@refused(CaptureError, "order='K' of an array whose memory layout", MATRIX, fix="order='C'")
def order_in_memory(x):
    return np.sum(x[:, ::2].ravel(order="K"))  # here


@refused(CaptureError, "a number of repeats that depends on", VECTOR, fix="static_argnames")
def repeated_by_a_traced_number(x):
    return np.sum(np.repeat(x, np.argmax(x)))  # here


@refused(CaptureError, f"ndarray.byteswap {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_method(x):
    return np.sum(x.byteswap())  # here


@refused(CaptureError, f"ndarray.strides {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_property(x):
    return np.sum(x.strides)  # here


@refused(CaptureError, "assigning to .shape", VECTOR, fix="reshape")
def assigned_shape(x):
    y = x * 2
    y.shape = (3, 1)  # here
    return np.sum(y)


@refused(CaptureError, "dtype complex128", VECTOR, fix="float64")
def complex_constant(x):
    return np.sum(x * 1j)  # here


@refused(CaptureError, "dtype float16", VECTOR, fix="use one of float32, float64")
def cast_to_half(x):
    return np.sum(x.astype(np.float16))  # here


@refused(CaptureError, "dtype object", VECTOR, fix="use one of float32, float64")
def none_as_an_operand(x):
    return np.sum(x + None)  # here


@refused(CaptureError, "MASKED is a MaskedArray", VECTOR, got="shape (3,)", fix="plain array")
def masked_operand(x):
    return np.sum(x * MASKED)  # here


@refused(CaptureError, "OLD is a matrix", MATRIX, got="shape (3, 2)", fix="plain array")
def matrix_operand(x):
    return np.sum(x @ OLD)  # here


@refused(CaptureError, "a bool among other indices", VECTOR, fix="np.where")
def indexed_by_a_bool(x):
    return np.sum(x[True, 0])  # here


@refused(CaptureError, "the size count1 is not known", VECTOR, fix="whole-array operations")
def loop_over_an_unknown_size(x):
    positive = x[x > 0]
    return sum(positive[i] for i in range(len(positive)))  # here


@refused(CaptureError, "the size count1 is not known", VECTOR, fix="whole-array operations")
def condition_on_an_unknown_size(x):
    positive = x[x > 0]
    return np.sum(positive) if positive.size > 1 else 0.0  # here


@refused(CaptureError, "the unknown size count1 as a number", VECTOR, fix="np.mean")
def division_by_an_unknown_size(x):
    positive = x[x > 0]
    return np.sum(positive) / positive.size  # here


@refused(CaptureError, "the size count1 is not known", VECTOR, fix="whole-array operations")
def number_of_places(x):
    return len(np.where(x > 0)[0]) * x[0]  # here


def test_places_of_a_condition_select():
    """``np.where(condition)`` alone is taken where it selects; its length is not known."""
    gradient = compile_grad(lambda x: np.sum(x[np.where(x > 0)] ** 2)).grad(VECTOR)
    np.testing.assert_array_equal(gradient, [2.0, 0.0, 6.0])
