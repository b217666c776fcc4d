"""Whether NumPy gives a view or a copy depends on memory: row-major, Fortran order, steps."""

import numpy as np
import pytest

from gradc import CaptureError, compile_grad

from .staging.agreement import assert_agrees

X = np.arange(1.0, 13.0).reshape(3, 4) / 7
LAYOUTS = {
    "row-major": X,
    "fortran": np.asfortranarray(X),
    "transposed": np.ascontiguousarray(X.T).T,
    "steps": np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "reversed": np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
}


def reshape_of_a_copy(x):
    """The method ``copy`` makes row-major arrays of all."""
    y = x.copy()
    y.reshape(-1)[::3] += x[0, 0]
    return np.sum(y * x)


def ravel_of_a_copy(x):
    y = x.copy()
    flat = y.ravel()
    y[0] = 1.0
    flat[5:] *= x[0, 1]
    return np.sum(y * x) + np.sum(flat)


def contiguous_array(x):
    """A copy, or the very array."""
    y = np.array(x)
    made = np.ascontiguousarray(y)
    made[1] = x[0]
    return np.sum(y * x) + np.sum(made)


def fortran_array(x):
    y = np.array(x)
    made = np.asfortranarray(y)
    made[:, 1] = 3.0
    return np.sum(y * x) + np.sum(made)


def flattened(x):
    """Always a copy, in the order that is asked for."""
    y = x * 2
    made, turned = y.flatten(), y.flatten(order="F")
    made[0] = turned[1] = x[1, 1]
    return np.sum(y * x) + np.sum(made * turned)


def raveled(x):
    flat = x.ravel()
    turned = x.ravel(order="F")
    return np.sum(flat * turned) + np.sum(x.reshape(2, 6)[0]) + np.sum(x.T.reshape(6, 2)[1])


def array_of_an_array(x):
    """``np.array`` copies; ``np.asarray`` gives the array itself."""
    y = x * 2
    same, other = np.asarray(y), np.array(y)
    same[0] = x[1]
    other[0] = 5.0
    return np.sum(y * x) + np.sum(other)


def made_like(x):
    y = np.zeros_like(x)
    y[1] = x[0]
    z = np.empty(x.shape)
    z[...] = y
    z.reshape(-1)[:2] = x[2, 2:]
    return np.sum(z * x) + np.sum(y)


def slices_and_turns(x):
    y = x * 1.5
    rows, turned = y[1:], y.T
    rows[0] *= x[0]
    turned[::-1][0] = x[:, 1]
    y[:, ::2] += y[:, 1::2]
    return np.sum(rows * rows) + np.sum(turned * x.T)


FUNCTIONS = [
    reshape_of_a_copy,
    ravel_of_a_copy,
    contiguous_array,
    fortran_array,
    flattened,
    raveled,
    array_of_an_array,
    made_like,
    slices_and_turns,
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_layouts_of_arguments(function, layout):
    """Values and gradients are NumPy's for this very memory, or it is refused: never wrong."""
    refused = None
    try:
        assert_agrees(function, LAYOUTS[layout])
    except CaptureError as error:
        refused = error
    if refused is not None:
        assert "memory layout" in refused.what
        assert layout != "row-major"
        assert function not in (reshape_of_a_copy, ravel_of_a_copy, flattened, made_like)


def test_one_function_for_arrays_of_all_layouts():
    """Called with each in turn, it takes the program that was made for this layout."""

    def loss(x):
        flat = x.ravel()
        return np.sum(flat * np.arange(12.0)) + np.sum(x[0])

    compiled = compile_grad(loss)
    for _ in range(2):
        for x in LAYOUTS.values():
            np.testing.assert_allclose(compiled(x), loss(x))
            expected = np.arange(12.0).reshape(3, 4) + np.eye(3)[0][:, None]
            np.testing.assert_allclose(compiled.grad(x), expected)
