"""Shape arithmetic: on numbers as Python and NumPy do it, on unknown sizes so for all sizes."""

from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import CaptureError, TypeRuleError
from gradc.compiler.types import (
    ArrayType,
    Dim,
    Sym,
    broadcast_shapes,
    divide_exactly,
    format_shape,
    normalize_axes,
    normalize_axis,
    reduced_shape,
    resolve_reshape,
    size_of,
    slice_length,
    type_of,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from .substitution import size, substitute

N, M = Sym.named("n"), Sym.named("m")

# Polynomials over three names, made by the operations under test.
polynomials = st.recursive(
    st.one_of(st.integers(-4, 4), st.sampled_from([Sym.named(name) for name in "nmk"])),
    lambda inner: st.tuples(st.sampled_from("+-*"), inner, inner).map(
        lambda parts: {
            "+": parts[1] + parts[2],
            "-": parts[1] - parts[2],
            "*": parts[1] * parts[2],
        }[parts[0]]
    ),
    max_leaves=6,
)
sizes = st.fixed_dictionaries({name: st.integers(0, 7) for name in "nmk"})
shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(polynomials, polynomials, sizes)
def test_arithmetic_is_that_of_integers(left: Dim, right: Dim, at: dict[str, int]) -> None:
    """Substituting before or after an operation is the same."""
    assert size(left + right, at) == size(left, at) + size(right, at)
    assert size(left - right, at) == size(left, at) - size(right, at)
    assert size(left * right, at) == size(left, at) * size(right, at)


@given(polynomials, polynomials, polynomials)
def test_equal_polynomials_are_equal_objects(a: Dim, b: Dim, c: Dim) -> None:
    """Types are compared and hashed by their sizes, so there is one form of each polynomial."""
    for one, other in [
        (a + b, b + a),
        (a * b, b * a),
        ((a + b) + c, a + (b + c)),
        ((a * b) * c, a * (b * c)),
        (a * (b + c), a * b + a * c),
        (a - a, 0),
        (a * 1, a),
        (a - b + b, a),
    ]:
        assert one == other
        assert hash(one) == hash(other)
        assert str(one) == str(other)


@given(polynomials, sizes)
def test_a_size_without_names_is_an_int(dim: Dim, at: dict[str, int]) -> None:
    """A Sym is always unknown, so ``isinstance(dim, int)`` tells whether a size is known."""
    assert isinstance(dim, int) != bool(isinstance(dim, Sym) and dim.names)
    if isinstance(dim, int):
        assert size(dim, at) == dim


@given(polynomials, sizes)
def test_text_is_python(dim: Dim, at: dict[str, int]) -> None:
    """Generated code contains sizes as they are printed."""
    assert eval(str(dim), {}, dict(at)) == size(dim, at)


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (N, "n"),
        (N * 2 + 1, "n*2 + 1"),
        (1 - N, "-n + 1"),
        (N * M - 3, "m*n - 3"),
        (M + N - N * N, "-n*n + m + n"),
        (-2 * N, "-n*2"),
    ],
)
def test_text_of_a_size(dim: Dim, text: str) -> None:
    """It is read by people in comments and messages."""
    assert str(dim) == repr(dim) == text


@given(polynomials, polynomials, sizes)
def test_exact_division_undoes_multiplication(dim: Dim, by: Dim, at: dict[str, int]) -> None:
    """A quotient, where one is given, is right at all sizes; a monomial divides its multiples."""
    quotient = divide_exactly(dim, by)
    if quotient is not None:
        assert quotient * by == dim
    assume(by != 0)
    monomial = isinstance(by, int) or len(by.terms) == 1
    if monomial:
        assert divide_exactly(dim * by, by) == dim


def test_division_that_is_not_exact() -> None:
    """No rounding: a size is right for all values of its names or there is none."""
    assert divide_exactly(7, 2) is None
    assert divide_exactly(7, 0) is None
    assert divide_exactly(N, 2) is None
    assert divide_exactly(N * 4 + 2, 2) == N * 2 + 1
    assert divide_exactly(N * M, N) == M
    assert divide_exactly(N + M, N) is None
    assert divide_exactly(N + M, N + M) == 1
    assert divide_exactly(0, N) == 0
    assert N * M * 6 // (M * 2) == N * 3
    with pytest.raises(TypeRuleError, match="cannot divide the unknown size n by 2"):
        N // 2


def test_unknown_size_is_no_number() -> None:
    """``range(n)`` or ``np.zeros(n)`` in a capture say what to do; NumPy hides a TypeError here."""
    for use in (int, range, np.zeros, lambda n: [0][n]):
        with pytest.raises(CaptureError, match="the size n is not known"):
            use(N)


@given(st.lists(shapes, min_size=1, max_size=3))
def test_broadcast_is_numpys(chosen: list[tuple[int, ...]]) -> None:
    """Of known sizes; what NumPy refuses is refused with the shapes."""
    try:
        expected = np.broadcast_shapes(*chosen)
    except ValueError:
        with pytest.raises(TypeRuleError, match="broadcast together") as error:
            broadcast_shapes(*chosen)
        assert all(format_shape(shape) in str(error.value) for shape in chosen)
    else:
        assert broadcast_shapes(*chosen) == expected


def test_broadcast_of_unknown_sizes() -> None:
    """A size n goes with 1 and with n; with 3 or m it is another size."""
    assert broadcast_shapes((N, 1), (1, 3), (3,)) == (N, 3)
    assert broadcast_shapes((N,), (M, N)) == (M, N)
    assert broadcast_shapes() == ()
    for other in (M, 3, N + 1):
        with pytest.raises(TypeRuleError):
            broadcast_shapes((N,), (other,))


ends = st.one_of(st.none(), st.integers(-6, 6))


@given(st.integers(0, 5), ends, ends, st.one_of(st.none(), st.integers(-3, 3)))
def test_slice_length_is_pythons(length: int, start: Any, stop: Any, step: Any) -> None:
    """With ends out of range, negative steps and empty axes."""
    assume(step != 0)
    assert slice_length(length, start, stop, step) == len(range(length)[start:stop:step])


@given(ends, ends, st.sampled_from([None, 1]), st.integers(12, 15))
def test_slice_length_of_an_unknown_size(start: Any, stop: Any, step: Any, n: int) -> None:
    """Of an axis long enough for both ends, as it says; ends may be unknown too."""
    expected = range(n)[start:stop:step]
    assume(len(expected) or (start == stop))
    assert size(slice_length(N, start, stop, step), {"n": n}) == len(expected)


def test_slice_length_with_unknown_ends() -> None:
    """The forms that adjoints of concatenate and of shifts use, and those that are refused."""
    assert slice_length(N + M, N, N + M, None) == M
    assert slice_length(N, None, None, -1) == N
    assert slice_length(5, 1, N, None) == N - 1
    for step in (2, -2):
        with pytest.raises(TypeRuleError, match="step 1"):
            slice_length(N, None, None, step)
    with pytest.raises(TypeRuleError, match="step 1"):
        slice_length(N, 3, None, -1)


@given(shapes, st.lists(st.integers(-1, 6), max_size=4).map(tuple))
def test_reshape_is_numpys(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    """With a -1 or without, empty arrays too."""
    try:
        expected = np.zeros(shape).reshape(target).shape
    except ValueError:
        with pytest.raises(TypeRuleError, match="number of elements"):
            resolve_reshape(shape, target)
    else:
        assert resolve_reshape(shape, target) == expected


def test_reshape_of_unknown_sizes() -> None:
    """-1 is worked out where the division is exact for all sizes."""
    assert resolve_reshape((N, 6), (-1, 3)) == (N * 2, 3)
    assert resolve_reshape((N, M), (-1,)) == (N * M,)
    assert resolve_reshape((N * M,), (N, -1)) == (N, M)
    assert resolve_reshape((N, 1), (N,)) == (N,)
    for shape, target in [((N,), (-1, 2)), ((N,), (M,)), ((N, 2), (N,)), ((N,), (-1, -1))]:
        with pytest.raises(TypeRuleError):
            resolve_reshape(shape, target)


@given(shapes, st.data())
def test_reduced_shape_is_numpys(shape: tuple[int, ...], data: Any) -> None:
    """Of any set of axes, given from the front or from the end."""
    rank = len(shape)
    axes = (
        data.draw(st.lists(st.integers(-rank, rank - 1), unique_by=lambda a: a % rank))
        if rank
        else []
    )
    for keepdims in (False, True):
        expected = np.zeros(shape).sum(axis=tuple(axes), keepdims=keepdims).shape
        assert reduced_shape(shape, normalize_axes(axes, rank), keepdims) == expected


def test_axes() -> None:
    """None means all of them; out of range and twice are errors."""
    assert normalize_axes(None, 3) == (0, 1, 2)
    assert normalize_axes(-1, 3) == (2,)
    assert normalize_axes((2, -3), 3) == (0, 2)
    assert normalize_axis(-2, 2) == 0
    for axis in (2, -3):
        with pytest.raises(TypeRuleError, match=f"axis {axis} is out of bounds .* rank 2"):
            normalize_axis(axis, 2)
    with pytest.raises(TypeRuleError, match="twice"):
        normalize_axes((0, -2), 2)


def test_array_type_says_what_it_is() -> None:
    """Printed in messages, counted in bytes for memory plans."""
    type = ArrayType((3, 4), np.dtype("f4"))
    assert (type.ndim, type.size, type.nbytes) == (2, 12, 48)
    assert type.is_float
    assert type.is_static
    assert str(type) == "(3, 4) float32"
    assert str(type.with_shape((N,))) == "(n,) float32"
    unknown = type.with_shape((N, 2)).with_dtype("i8")
    assert (unknown.size, unknown.nbytes, unknown.is_static, unknown.is_float) == (
        N * 2,
        None,
        False,
        False,
    )
    assert {type: 1}[ArrayType((3, 4), np.dtype(np.float32))] == 1
    assert size_of(()) == 1
    assert size_of((N, 0)) == 0


def test_type_of_takes_what_numpy_takes() -> None:
    """Arrays, NumPy scalars and Python numbers."""
    assert type_of(np.zeros((2, 0), "i2")) == ArrayType((2, 0), np.dtype("i2"))
    assert type_of(np.float32(1)) == ArrayType((), np.dtype("f4"))
    assert type_of(1.5) == ArrayType((), np.dtype("f8"))
    assert type_of(True) == ArrayType((), np.dtype("?"))


@given(polynomials, sizes)
def test_substitution_reaches_types(dim: Dim, at: dict[str, int]) -> None:
    """The test-side substitution that the symbolic tests rest on."""
    type = ArrayType((dim, 2), np.dtype(float))
    assert substitute(type, at) == type.with_shape((size(dim, at), 2))
