"""Functions, methods, options, dtypes and classes of arrays that capture does not know."""

import numpy as np
import pytest

from gradc import CaptureError

from .refusal import Refusals

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, -2.0, 3.0])
MATRIX = np.arange(1.0, 7.0).reshape(2, 3)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


UNKNOWN = "is not supported inside a compiled function"


@refused(CaptureError, f"np.sort {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_function(x):
    return np.sum(np.sort(x))  # here


@refused(CaptureError, f"np.linalg.inv {UNKNOWN}", MATRIX, fix="supported NumPy functions")
def unsupported_function_of_a_submodule(x):
    return np.sum(np.linalg.inv(x))  # here


@refused(CaptureError, f"np.spacing {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_ufunc(x):
    return np.sum(np.spacing(x))  # here


@refused(CaptureError, f"np.left_shift {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_operator(x):
    return np.sum(x.astype(int) << 1)  # here


@refused(CaptureError, f"np.add.accumulate {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_ufunc_method(x):
    return np.sum(np.add.accumulate(x))  # here


@refused(CaptureError, f"np.add with where= {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_ufunc_option(x):
    return np.sum(np.add(x, x, where=x > 0))  # here


@refused(CaptureError, f"np.sum with initial= {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_function_option(x):
    return np.sum(x, initial=1.0)  # here


@refused(CaptureError, f"np.clip with dtype= {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_clip_option(x):
    return np.sum(np.clip(x, 0.0, 1.0, dtype=float))  # here


@refused(CaptureError, "np.pad with mode='edge'", VECTOR)
def unsupported_pad_mode(x):
    return np.sum(np.pad(x, 1, mode="edge"))  # here


@refused(CaptureError, "np.pad with several constant_values", VECTOR)
def unsupported_pad_values(x):
    return np.sum(np.pad(x, 1, constant_values=(1, 2)))  # here


@refused(CaptureError, f"np.where(condition) without x and y {UNKNOWN}", VECTOR, fix="boolean")
def where_of_one_operand(x):
    return np.sum(x[np.where(x > 0)])  # here


@refused(CaptureError, f"reshape with order='F' {UNKNOWN}", MATRIX, fix="transpose")
def unsupported_order(x):
    return np.sum(x.reshape((3, 2), order="F"))  # here


@refused(CaptureError, f"ndarray.cumsum {UNKNOWN}", VECTOR, fix="np.tril")
def unsupported_method(x):
    return np.sum(x.cumsum())  # here


@refused(CaptureError, f"ndarray.flat {UNKNOWN}", VECTOR, fix="supported NumPy functions")
def unsupported_property(x):
    return np.sum(x.flat)  # here


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


@refused(CaptureError, "an operand is a MaskedArray", VECTOR, got="shape (3,)", fix="plain array")
def masked_operand(x):
    return np.sum(x * np.ma.masked_less(VECTOR, 0.0))  # here


@refused(CaptureError, "an operand is a matrix", MATRIX, got="shape (3, 2)", fix="plain array")
def matrix_operand(x):
    return np.sum(x @ MATRIX.T.view(np.matrix))  # here


@refused(CaptureError, "a single bool", VECTOR, fix="np.where")
def indexed_by_a_bool(x):
    return np.sum(x[True])  # here


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
