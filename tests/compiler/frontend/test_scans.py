"""``scan``: rows in, rows out, and a carry."""

from typing import Any

import numpy as np
import pytest

import gradc
from gradc import compile_grad

X = np.array([1.0, 2.0, 4.0])
GRID = np.arange(6.0).reshape(3, 2)

both_ways = pytest.mark.parametrize("compiled", [True, False])


def run(function: Any, compiled: bool, *args: Any) -> Any:
    """Call a function, compiled or as it is."""
    return (compile_grad(function) if compiled else function)(*args)


@both_ways
def test_carry_and_stacked_rows(compiled: bool) -> None:
    f = lambda x: gradc.scan(lambda c, r: (c + r, c * r), 0.0, x)  # noqa: E731
    total, products = run(f, compiled, X)
    assert total == 7.0
    np.testing.assert_array_equal(products, [0.0, 2.0, 12.0])


@both_ways
def test_reverse_leaves_rows_at_their_places(compiled: bool) -> None:
    f = lambda x: gradc.scan(lambda c, r: (c + r, c + r), 0.0, x, reverse=True)[1]  # noqa: E731
    np.testing.assert_array_equal(run(f, compiled, X), np.cumsum(X[::-1])[::-1])


@both_ways
def test_structures_of_rows(compiled: bool) -> None:
    def f(x: Any, grid: Any) -> Any:
        def body(c: Any, row: Any) -> Any:
            return c + row["g"][1], {"sum": np.sum(row["g"]) * row["x"], "both": (c, row["g"])}

        return gradc.scan(body, np.zeros(()), {"x": x, "g": grid})

    total, stacked = run(f, compiled, X, GRID)
    assert total == 9.0
    np.testing.assert_array_equal(stacked["sum"], [1.0, 10.0, 36.0])
    np.testing.assert_array_equal(stacked["both"][0], [0.0, 1.0, 4.0])
    np.testing.assert_array_equal(stacked["both"][1], GRID)


@both_ways
def test_length_without_rows(compiled: bool) -> None:
    f = lambda x: gradc.scan(lambda c, _: (c * x, c), x, length=4)[1]  # noqa: E731
    np.testing.assert_array_equal(run(f, compiled, 2.0), [2.0, 4.0, 8.0, 16.0])


@both_ways
def test_nothing_stacked(compiled: bool) -> None:
    f = lambda x: gradc.scan(lambda c, r: (c + r, None), 0.0, x)  # noqa: E731
    assert run(f, compiled, X) == (7.0, None)


@both_ways
def test_rows_are_copies(compiled: bool) -> None:
    """A body may store to its row: the array that it came from stays as it is."""
    grid = GRID.copy()

    def f(x: Any, rows: Any) -> Any:
        def body(c: Any, row: Any) -> Any:
            row *= 2.0
            return c + np.sum(row), row

        return gradc.scan(body, 0.0, rows)[1] + x

    np.testing.assert_array_equal(run(f, compiled, 1.0, grid), 2 * GRID + 1)
    np.testing.assert_array_equal(grid, GRID)


def test_no_rows() -> None:
    f = compile_grad(lambda x: gradc.scan(lambda c, r: (c + r, np.stack([c, r])), 1.5, x))
    total, stacked = f(np.zeros(0))
    assert total == 1.5
    assert stacked.shape == (0, 2)


def test_length_that_is_an_argument_is_part_of_the_program() -> None:
    """As a size is: other numbers compile anew."""
    f = compile_grad(lambda x, n: gradc.scan(lambda c, _: (c * x, c), 1.0, length=n)[1])
    assert [f(2.0, n).tolist() for n in (2, 3)] == [[1.0, 2.0], [1.0, 2.0, 4.0]]


def test_dtypes_of_what_is_stacked() -> None:
    """Of the body, once the carry has the dtype that it keeps."""

    def f(x: Any) -> Any:
        return gradc.scan(lambda c, r: (c + r, (c, c > 2.0, 1)), 0, x)[1]

    floats, bools, ones = compile_grad(f)(X.astype(np.float32))
    assert (floats.dtype, bools.dtype, ones.dtype) == (np.float32, bool, np.int64)


def test_gradient_by_rows_and_carry() -> None:
    f = compile_grad(
        lambda start, x: np.sum(gradc.scan(lambda c, r: (c * r, c + r), start, x)[1]), wrt=(0, 1)
    )
    by_start, by_x = f.grad(3.0, X)
    # The rows are s + a, s a + b, s a b + c.
    assert by_start == 1 + X[0] + X[0] * X[1]
    np.testing.assert_array_equal(by_x, [1 + 3 + 3 * X[1], 1 + 3 * X[0], 1])


def test_stacked_rows_are_stored_where_they_belong() -> None:
    """In one array, made before the loop."""
    module = compile_grad(
        lambda x: np.sum(gradc.scan(lambda c, r: (np.sin(c + r), c * r), 0.0, x)[1])
    ).inspect(X)
    assert "np.stack" not in module
    assert "np.concatenate" not in module


def test_rows_from_outside() -> None:
    """Plain arrays that the function finds are read anew at each call."""
    rows = X.copy()
    f = compile_grad(lambda x: gradc.scan(lambda c, r: (c + r * x, None), 0.0, rows)[0])
    assert f.value_and_grad(2.0) == (14.0, 7.0)
    rows[0] = 3.0
    assert f.value_and_grad(2.0) == (18.0, 9.0)
