"""What shares memory with what: generated code against plain NumPy, small and large."""

import contextlib
from typing import Any

import numpy as np
import pytest

import gradc
from gradc import compile_grad
from gradc.func import grad


@pytest.mark.parametrize("size", [6, 6000])
def test_memory_of_what_is_still_read_is_not_taken(size: int) -> None:
    """A mean of an array that is broadcast in two statements is read after the first of them."""

    def spread(a: Any) -> Any:
        y = np.exp(a)
        return a - np.mean(y), a * np.mean(y) + 1

    a = np.linspace(0, 1, size)
    for got, expected in zip(compile_grad(spread)(a), spread(a), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)  # a few roundings


def test_store_without_gradient_leaves_the_gradient_of_what_was_there() -> None:
    """As in PyTorch: autograd does not see the store, and y is still x * x to it."""

    def scaled(x: Any) -> Any:
        y = x * x
        with gradc.no_grad():
            y *= 2
        return np.sum(y * x)

    def replaced(x: Any) -> Any:
        y = x * x
        with gradc.no_grad():
            y[0] = x[1] * 5
            y *= 2
        return np.sum(y * x)

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(compile_grad(scaled).grad(x), [4.0, 16.0, 36.0])
    np.testing.assert_array_equal(compile_grad(replaced).grad(x), [22.0, 16.0, 36.0])


def _first_row(a: Any) -> Any:
    z = a[:, [0, 1]]
    z.reshape(-1)[1] = 7
    return z


def _zeros(a: Any) -> Any:
    z = np.zeros_like(a)
    z.reshape(-1)[1] = 7
    return z


@pytest.mark.parametrize("function", [_first_row, _zeros])
@pytest.mark.parametrize("order", ["C", "F"])
def test_reshape_shares_memory_as_in_numpy_or_is_refused(function: Any, order: Any) -> None:
    """A store through a reshape shows, or does not, as NumPy's layout has it."""
    a = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    compiled = compile_grad(function)
    with contextlib.suppress(gradc.CaptureError):
        np.testing.assert_array_equal(compiled(a), function(a))
    if order == "C" and function is _zeros:
        np.testing.assert_array_equal(compiled(a), function(a))


def test_copy_of_an_outer_array_belongs_to_the_inner_function() -> None:
    """It may be stored to there."""

    def outer(b: Any) -> Any:
        def inner(a: Any) -> Any:
            u = np.copy(b)
            u[0] = 5
            return np.sum(u * a)

        return np.sum(grad(inner)(b) * b)

    b = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(compile_grad(outer).grad(b), [5.0, 4.0, 6.0])


def test_any_key_of_a_dict_gives_code_that_runs() -> None:
    """Names in generated code are made of keys, which need not be identifiers."""
    keys = ["a b", "a.b", "a-b", '"""', "\n", (1, 2), 3]
    values = {key: np.full(2, float(i)) for i, key in enumerate(keys)}
    total = compile_grad(lambda tree: sum(np.sum(tree[key] ** 2) for key in keys))
    gradient = total.grad(values)
    for key in keys:
        np.testing.assert_array_equal(gradient[key], 2 * values[key])


def test_mask_written_twice_selects_the_same_elements() -> None:
    """`y[y > 3] = y[y > 3] * 2` is what people write."""

    def doubled(x: Any) -> Any:
        y = x * 1.0
        y[y > 3] = y[y > 3] * 2
        return np.sum(y)

    x = np.array([1.0, 4.0, 5.0])
    compiled = compile_grad(doubled)
    assert compiled(x) == doubled(x)
    np.testing.assert_array_equal(compiled.grad(x), [1.0, 2.0, 2.0])


def test_row_at_a_computed_index_is_a_view() -> None:
    """To NumPy a computed integer is an integer: a store to the row shows in the array."""

    def stored(x: Any) -> Any:
        y = x * 1.0
        i = np.argmax(x[:, 0])
        row = y[i]
        row[0] = 100.0
        y[i] += x[0]
        return np.sum(y**2) + np.sum(row)

    x = np.arange(6.0).reshape(2, 3)
    compiled = compile_grad(stored)
    assert compiled(x) == stored(x)
    step = 1e-6
    ways = np.eye(6).reshape(6, 2, 3)
    slopes = [(stored(x + step * way) - stored(x - step * way)) / (2 * step) for way in ways]
    # Central differences of a quadratic are exact but for cancellation.
    np.testing.assert_allclose(compiled.grad(x).ravel(), slopes, rtol=1e-6, atol=1e-6)


def test_hook_on_a_shift_that_a_stable_form_drops_still_runs() -> None:
    """softmax(x - m) does not depend on m, but a hook on m may replace its gradient."""

    def shifted(x: Any) -> Any:
        m = np.max(x)
        gradc.register_hook(m, lambda ct: ct * 0 + 1.0)
        e = np.exp(x - m)
        return np.sum(e / np.sum(e) * np.arange(3.0))

    def plain(x: Any) -> Any:
        e = np.exp(x - np.max(x))
        return np.sum(e / np.sum(e) * np.arange(3.0))

    x = np.array([1.0, 2.0, 0.0])
    difference = compile_grad(shifted).grad(x) - compile_grad(plain).grad(x)
    np.testing.assert_allclose(difference, [0.0, 1.0, 0.0], atol=1e-15)
