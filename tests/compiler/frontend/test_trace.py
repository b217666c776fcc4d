"""Lifting through nested captures, and NumPy's aliasing of views."""

from unittest.mock import Mock

import numpy as np
import pytest

import gradc
from gradc import compile_grad
from gradc.func import grad

MATRIX = np.arange(1.0, 13.0).reshape(3, 4) / 7


def slope(function, x, direction, step=1e-5):
    """Central difference: its error is about 1e-10 for these polynomials of values near one."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)


def check_against_plain_numpy(function, x):
    """Value as plain NumPy computes it, gradient as finite differences of plain NumPy."""
    value, gradient = compile_grad(function).value_and_grad(x)
    np.testing.assert_allclose(value, function(x.copy()), rtol=1e-12)
    for seed in range(3):
        direction = np.random.default_rng(seed).normal(size=x.shape)
        expected = slope(function, x, direction)
        np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-7, atol=1e-8)


# Stores through views


def through_a_row(x):
    y = x * 2
    row = y[1]
    row[2:] = x[0, :2] ** 2
    return np.sum(y * x)


def through_a_view_of_a_view(x):
    y = x * 2
    block = y[1:, ::2]
    column = block.T[1]
    column[::-1] *= x[0, :2]
    return np.sum(y * y)


def base_seen_through_an_old_view(x):
    """The view was made before the store, and shows it."""
    y = x * 2
    corner = y[:2, :2].T[::-1]
    y[0] = x[1] ** 2
    return np.sum(corner * x[:2, :2]) + np.sum(y)


def two_views_that_overlap(x):
    y = x.copy()
    left, right = y[:, :3], y[:, 1:]
    left += x[:, :3]
    right *= 2
    left[0] = right[1] * x[0, 0]
    return np.sum(left * left) + np.sum(right)


def through_a_reshape(x):
    y = x * 1.5
    flat = y.reshape(-1)
    flat[3:9] = x.reshape(2, 6)[0] * flat[:6]
    flat.reshape(2, 6)[1, ::-2] += 1.0
    return np.sum(y * x)


def through_a_ravel_and_a_transpose(x):
    y = x * 1.5
    y.ravel()[::5] = x[:, 0]
    y.T[0] -= y[:, 1] * x[:, 2]
    return np.sum(y**2)


def through_a_new_axis(x):
    y = x + 1
    wide = y[:, None, ::-1]
    wide[1, 0, :2] = x[2, 2:] * wide[0, 0, 1:3]
    return np.sum(wide * x[:, None, :])


def through_squeeze_and_swapaxes(x):
    y = (x * x)[None]
    np.squeeze(y)[2] = x[0] * 3
    y.swapaxes(1, 2)[0, 1] += x[:, 3]
    return np.sum(y[0] * x)


def with_an_index_array_through_a_view(x):
    y = x * 2
    rows = y[1:]
    rows[np.array([1, 0]), np.array([3, 0])] = x[0, :2] ** 2
    rows[rows > 1.5] *= 3.0
    return np.sum(y * x)


def copy_is_no_view(x):
    y = x * 2
    kept, taken = y[0].copy(), y[[0, 1]]
    y[0] = 0.0
    return np.sum(kept * x[0]) + np.sum(taken * x[:2]) + np.sum(y)


def split_parts_are_views(x):
    y = x * 2
    top, bottom = np.split(y, [1])
    top[0] = bottom[1] * x[0]
    return np.sum(y * y)


def out_is_a_view(x):
    y = x * 2
    np.multiply(x[0], y[1], out=y[2])
    return np.sum(y * x)


def store_of_a_view_into_its_base(x):
    """NumPy buffers what overlaps."""
    y = x * 1.0
    y[1:] = y[:-1]
    y[:, ::-1] += y
    return np.sum(y * x)


def scalar_made_an_array(x):
    """An array of its own: the scalar does not change with it."""
    total = np.sum(x)
    one = total.reshape(1, 1)
    one[0, 0] = x[0, 0] * 2
    return np.sum(one * total)


STORES = [
    scalar_made_an_array,
    through_a_row,
    through_a_view_of_a_view,
    base_seen_through_an_old_view,
    two_views_that_overlap,
    through_a_reshape,
    through_a_ravel_and_a_transpose,
    through_a_new_axis,
    through_squeeze_and_swapaxes,
    with_an_index_array_through_a_view,
    copy_is_no_view,
    split_parts_are_views,
    out_is_a_view,
    store_of_a_view_into_its_base,
]


@pytest.mark.parametrize("function", STORES, ids=lambda function: function.__name__)
def test_stores_through_views(function):
    check_against_plain_numpy(function, MATRIX)


def test_reshape_depends_on_the_layout_of_the_argument():
    """Of a transposed array ``ravel`` copies, of a row-major one it is a view; both compile."""

    def loss(x):
        y = x * 2
        flat = y.ravel()
        total = np.sum(flat * 3)
        return total + np.sum(y * y)

    compiled = compile_grad(loss)
    for x in (MATRIX, np.asfortranarray(MATRIX), MATRIX.T[::-1]):
        np.testing.assert_allclose(compiled(x), loss(x))
        np.testing.assert_allclose(compiled.grad(x), 6 + 8 * x)


# Lifting


def test_value_of_the_outer_capture_two_levels_down():
    """Both inner functions use x and a value computed from it."""

    def outer(x):
        y = np.sin(x)

        def middle(u):
            v = u * y

            def inner(w):
                return w**3 * v * y * x

            return grad(inner)(u)

        return grad(middle)(x)

    # inner' = 3 w^2 v y x at w = u: 3 u^3 y^2 x; middle' = 9 u^2 y^2 x at u = x: 9 x^3 sin(x)^2
    x = 0.7
    np.testing.assert_allclose(compile_grad(outer)(x), 9 * x**3 * np.sin(x) ** 2)
    expected = 27 * x**2 * np.sin(x) ** 2 + 18 * x**3 * np.sin(x) * np.cos(x)
    np.testing.assert_allclose(grad(outer)(x), expected)


def test_outer_value_used_after_it_was_stored_to():
    """A lifted value is that of the moment."""

    def outer(x):
        y = x * 2

        def inner(z):
            return np.sum(z * y)

        before = grad(inner)(x)
        y[0] = 10.0
        return np.sum(before + grad(inner)(x))

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(compile_grad(outer)(x), (2 + 4) + (10 + 4))
    np.testing.assert_allclose(grad(outer)(x), [2.0, 4.0])


def test_inner_function_that_meets_no_traced_value_runs_at_once():
    """Its result is known while capturing: usable as an index."""

    def outer(x):
        at = compile_grad(lambda n: n * 2.0)(np.array([0.0, 0.5]))
        return np.sum(x[at.astype(int)]) * (1.0 if at[1] > 0 and isinstance(at, np.ndarray) else 0)

    np.testing.assert_array_equal(compile_grad(outer).grad(np.ones(3)), [1.0, 1.0, 0.0])


# What the user's own checks see


@pytest.mark.parametrize(
    ("argument", "kind"),
    [(np.ones(2), np.ndarray), (2.0, float), (2, int), (np.float32(2.0), np.float32)],
)
def test_isinstance_is_what_numpy_would_have(argument, kind):
    """A branch on a type must not be taken differently while capturing."""
    see = Mock()

    def loss(x):
        see(isinstance(x, kind), isinstance(np.sum(x * 1.0), np.floating))
        return np.sum(x * 1.0)

    compile_grad(loss)(argument)
    see.assert_called_once_with(True, True)


def test_traced_array_prints_as_such():
    """In a debugger; what the function itself prints has the numbers of each call."""
    see = Mock()
    compile_grad(lambda x: (see(x), np.sum(x))[1])(MATRIX)
    assert repr(see.call_args.args[0]) == "<traced (3, 4) float64>"


def test_nested_capture_leaves_the_outer_one_usable_after_an_error():
    """The inner capture ends, whatever ends it."""

    def outer(x):
        try:
            grad(lambda y: y if y > 0 else -y)(x)
        except gradc.CaptureError:
            return x * x
        return None

    assert grad(outer)(3.0) == 6.0
