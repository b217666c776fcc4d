"""Shapes, dtypes, indices and stores that do not fit: with the operands and the user's line."""

import numpy as np
import pytest
from gradc.compiler.errors import IndexRuleError

import gradc
from gradc import CaptureError, TypeRuleError, compile_grad

from .refusal import Refusals, check_error

REFUSALS = Refusals()
refused = REFUSALS.refused
VECTOR = np.array([1.0, -2.0, 3.0])
MATRIX = np.arange(1.0, 7.0).reshape(2, 3)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused(refusal):
    """Class, what is wrong, what was got, where in the user's code, what to do."""
    refusal.check()


# Shapes and dtypes


@refused(TypeRuleError, "cannot be broadcast together", VECTOR, np.ones(4), got="(3,), (4,)")
def added(x, y):
    return np.sum(x + y)  # here


@refused(TypeRuleError, "inner sizes must be equal", MATRIX, got="(2, 3) float64 @ (2, 3) float64")
def product(x):
    return np.sum(x @ x)  # here


@refused(TypeRuleError, "summed axes must have equal sizes", MATRIX, got="(2, 3) float64 over")
def tensor_product(x):
    """The sizes multiply to the same number: NumPy refuses this, and gradc once did not."""
    return np.sum(np.tensordot(x, np.ones((3, 2)), axes=2))  # here


@refused(TypeRuleError, "cannot be broadcast", np.ones((2, 1, 3)), got="(2,), (4,)")
def batches(x):
    return np.sum(x @ np.ones((4, 3, 1)))  # here


@refused(TypeRuleError, "alike in all axes but axis 0", VECTOR, got="x (3,) float64, (2, 2)")
def concatenated(x):
    return np.sum(np.concatenate([x, np.ones((2, 2))]))  # here


@refused(TypeRuleError, "zero-dimensional arrays cannot be concatenated", 2.0)
def concatenated_scalars(x):
    return np.sum(np.concatenate([x, x]))  # here


@refused(TypeRuleError, "same shape", VECTOR, got="x (3,) float64, (5,) float64")
def stacked(x):
    return np.sum(np.stack([x, np.ones(5)]))  # here


@refused(TypeRuleError, "number of elements would change", VECTOR, got="(3,) to (5, 5)")
def reshaped(x):
    return np.sum(x.reshape(5, 5))  # here


@refused(TypeRuleError, "cannot be interpreted as an integer", VECTOR)
def reshaped_to_floats(x):
    return np.sum(x.reshape(1.5, 2))  # here


@refused(TypeRuleError, "cannot be broadcast together", VECTOR, got="(3,), (2, 2)")
def broadcast(x):
    return np.sum(np.broadcast_to(x, (2, 2)))  # here


@refused(TypeRuleError, "size not equal to one", VECTOR)
def squeezed(x):
    return np.sum(np.squeeze(x, axis=0))  # here


@refused(TypeRuleError, "not be of equal size", VECTOR, got="(3,) float64 in 2", fix="array_split")
def split(x):
    return np.sum(np.split(x, 2)[0])  # here


@refused(TypeRuleError, "must not be negative", VECTOR, got="[[-1, -1]]")
def padded(x):
    return np.sum(np.pad(x, -1))  # here


@refused(TypeRuleError, "axis 3 is out of bounds for an array of rank 1", VECTOR)
def axis_too_large(x):
    return np.sum(x, axis=3)  # here


@refused(TypeRuleError, "an axis occurs twice", MATRIX, got="axis=(0, 0)")
def axis_twice(x):
    return np.sum(np.sum(x, axis=(0, 0)))  # here


@refused(TypeRuleError, "cannot be interpreted as an integer", MATRIX)
def axis_is_a_float(x):
    return np.sum(np.sum(x, axis=1.0))  # here


@refused(TypeRuleError, "axes (0, 0) do not match", MATRIX, got="x (2, 3) float64")
def transposed(x):
    return np.sum(np.transpose(x, (0, 0)))  # here


@refused(TypeRuleError, "a reduction of no elements has no value", np.ones(0), got="x (0,) float64")
def maximum_of_nothing(x):
    return np.max(x)  # here


@refused(TypeRuleError, "did not contain a loop", VECTOR)
def text_operand(x):
    return np.sum(x + "a")  # here


@refused(TypeRuleError, "'invert' not supported for the input types", VECTOR)
def inverted(x):
    return np.sum(~x)  # here


@refused(TypeRuleError, "numpy boolean subtract", VECTOR)
def subtracted_bools(x):
    return np.sum((x > 0) - (x > 1))  # here


@refused(TypeRuleError, "data type 'float46' not understood", VECTOR)
def misspelt_dtype(x):
    return np.sum(x.astype("float46"))  # here


# Indices


@refused(IndexRuleError, "index 5 is out of bounds for axis 0 of size 3", VECTOR, got="x (3,)")
def index_too_large(x):
    return x[5]  # here


@refused(IndexRuleError, "index -4 is out of bounds for axis 0 of size 3", VECTOR, got="x (3,)")
def index_too_small(x):
    return x[-4]  # here


@refused(TypeRuleError, "too many indices for an array of rank 1", VECTOR, got="2 indices")
def too_many_indices(x):
    return x[0, 0]  # here


@refused(TypeRuleError, "must be of integer (or boolean) type", VECTOR)
def float_index(x):
    return x[1.0]  # here


@refused(TypeRuleError, "must be of integer (or boolean) type", VECTOR)
def float_index_array(x):
    return np.sum(x[np.array([1.0])])  # here


@refused(TypeRuleError, "cannot be interpreted as an integer", VECTOR)
def float_slice(x):
    return np.sum(x[0.5:])  # here


@refused(TypeRuleError, "slice step cannot be zero", VECTOR)
def slice_without_step(x):
    return np.sum(x[::0])  # here


@refused(TypeRuleError, "a single ellipsis", VECTOR)
def two_ellipses(x):
    return np.sum(x[..., ...])  # here


@refused(TypeRuleError, "a mask must be bool and have the shape", VECTOR, got="(2,) bool")
def mask_of_another_length(x):
    return np.sum(x[np.array([True, False])])  # here


@refused(TypeRuleError, "cannot be broadcast together", MATRIX, got="(2,), (3,)")
def index_arrays_of_other_lengths(x):
    return np.sum(x[np.array([0, 1]), np.array([0, 1, 1])])  # here


def test_index_out_of_bounds_in_an_argument():
    """Known when the program runs only: NumPy's error, from a line that names the user's line."""
    compiled = compile_grad(lambda x, i: np.sum(x[i]))
    with pytest.raises(IndexError, match="index 7 is out of bounds for axis 0 with size 3"):
        compiled.grad(VECTOR, np.array([7]))


def test_index_errors_are_index_errors():
    """The user may catch them, as NumPy's; they are errors of a type rule too."""

    def last_or_zero(x, n):
        try:
            return x[n]
        except IndexError:
            return np.sum(x) * 2

    assert issubclass(IndexRuleError, IndexError)
    assert issubclass(IndexRuleError, TypeRuleError)
    for n, expected in [(1, [0.0, 1.0, 0.0]), (7, [2.0, 2.0, 2.0])]:
        np.testing.assert_array_equal(compile_grad(last_or_zero).grad(VECTOR, n), expected)


# Stores


@refused(TypeRuleError, "the value does not fit the place", VECTOR, got="(3,) into ()")
def vector_stored_in_an_element(x):
    filled = np.zeros(3)
    filled[0] = x  # here
    return np.sum(filled)


@refused(CaptureError, "a reshape of it is alive", np.asfortranarray(MATRIX), fix="reshape after")
def argument_reshaped(x):
    """Whether NumPy would change x depends on its layout."""
    rows = x.reshape(3, 2)
    rows[0] = 3.0  # here
    return np.sum(x)


@refused(CaptureError, "a reshape of it is alive", MATRIX, fix="reshape after the store")
def ambiguous_reshape(x):
    y = x.T * 2
    flat = y.reshape(-1)
    y[0] = 3.0  # here
    return np.sum(flat)


@refused(CaptureError, "read-only, is stored to", VECTOR, fix=".copy()")
def broadcast_stored_to(x):
    y = np.broadcast_to(x * 2, (2, 3)).T
    y[0] += 1.0  # here
    return np.sum(y)


@refused(CaptureError, "read-only, is stored to", VECTOR, fix=".copy()")
def broadcast_scalar_stored_to(x):
    y = np.broadcast_to(np.sum(x), (2, 3))
    y[0] = 1.0  # here
    return np.sum(y)


@refused(CaptureError, "NumPy scalar, which cannot be changed", VECTOR, got="s: () float64")
def scalar_stored_to(x):
    s = np.sum(x)
    s[...] = 2.0  # here
    return s


@refused(CaptureError, "a store to an array of an enclosing function", VECTOR)
def array_of_an_enclosing_function(x):
    y = x * 2

    def inner(z):
        y[0] = z[0]  # here
        return np.sum(y * z)

    return np.sum(gradc.func.grad(inner)(x))


@refused(TypeRuleError, "does not fit the place", VECTOR, got="(3,) into (2,)")
def value_too_long(x):
    y = x * 2
    y[:2] = x  # here
    return np.sum(y)


@refused(TypeRuleError, "does not fit the place", VECTOR, got="(3,) into (count1,)")
def value_for_a_mask(x):
    y = x * 2
    y[x > 1] = np.ones(3)  # here
    return np.sum(y)


@refused(TypeRuleError, "cannot cast the result of np.add from float64 to int64", VECTOR)
def float_added_to_integers(x):
    y = np.zeros_like(x, dtype=int)
    y += x  # here
    return np.sum(y)


@refused(TypeRuleError, "non-broadcastable output operand with shape (3,)", VECTOR)
def matrix_added_to_a_vector(x):
    y = x * 2
    y += np.ones((2, 3))  # here
    return np.sum(y)


# Sizes that gradc.spec leaves open


@pytest.mark.parametrize(
    ("function", "kind", "what"),
    [
        (lambda x: sum(x[i] for i in range(len(x))), CaptureError, "the size n is not known"),
        (lambda x: x[0] if len(x) > 2 else x[1], CaptureError, "the size n is not known"),
        (lambda x: np.sum(x) / x.size, CaptureError, "the unknown size n as a number"),
        (lambda x: np.sum(x[::2]), TypeRuleError, "a slice of the unknown size n must have step 1"),
        (lambda x: np.prod(x), gradc.DerivativeError, "over the unknown size n"),
    ],
)
def test_open_size(function, kind, what):
    """The remedy is the same for all: a number in the spec."""
    with pytest.raises(kind) as caught:
        compile_grad(function).lower(gradc.spec("f8[n]")).numpy  # noqa: B018
    check_error(caught.value, kind, what, fix="give gradc.spec a number for")
    assert caught.value.where.file == __file__
