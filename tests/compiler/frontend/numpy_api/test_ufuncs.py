"""ufuncs with several results, of mixed dtypes, their options and their methods."""

import numpy as np
import pytest

from gradc import CaptureError, compile_grad, spec, special

from .agreement import assert_agrees, assert_same, table

X = np.array([0.31, -1.57, 2.25])
Y = np.array([2.0, -0.7, 1.1])
M = np.arange(6.0).reshape(2, 3) * 1.3 - 2.2
N = np.array([[3, 1, 2], [0, 5, 4]])
B = np.array([True, False, True])
W = np.array([2.0, 0.25, -1.0], np.float32)
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310])


def stored(function, *args, **options):
    """Return the function with ``out=`` an array of ones."""
    return lambda *arrays: function(*arrays, *args, out=np.ones_like(arrays[0]), **options)


OF_INFINITIES = [
    (np.modf, SPECIAL),
    (np.fmax, np.array([np.nan, 1.0, np.nan]), np.array([2.0, np.nan, np.nan])),
    (np.heaviside, np.array([0.0, 1.0, -1.0]), Y),
    (np.signbit, SPECIAL),
]
CASES = [
    # several results
    (np.frexp, X),
    (np.frexp, W * np.float32(1.3)),
    (np.modf, X),
    (np.modf, N),
    (np.divmod, X, Y),
    (np.divmod, N, 2),
    (divmod, M, 0.7),
    (lambda x: divmod(7.3, x), Y),
    (lambda x: np.modf(x, out=(None, np.zeros_like(x))), X),
    (lambda x: np.modf(x, np.zeros_like(x), np.zeros_like(x)), X),
    # mixed dtypes
    (np.ldexp, X, N[0]),
    (np.ldexp, W, N[0]),
    (np.ldexp, M, 3),
    (np.ldexp, 0.5, N),
    # elementwise
    (np.fmax, X, Y),
    (np.fmin, X, W),
    (np.fmod, X, Y),
    (np.fmod, N, 4),
    (np.copysign, X, Y),
    (np.copysign, X, -1),
    (np.heaviside, X, 0.5),
    (np.nextafter, X, 0),
    (np.spacing, W),
    (np.float_power, N, 2),
    (np.gcd, N, 6),
    (np.lcm, N, N[::-1]),
    (np.left_shift, N, 2),
    (lambda x: (x << 1) >> x, N),
    (np.bitwise_count, N),
    (np.conj, X),
    (np.logical_and, M, N),
    (np.logical_xor, X, B),
    (np.logical_not, N),
    # options
    (lambda x, y: np.add(x, y, dtype=np.float32), X, N[0]),
    (lambda x: np.sqrt(x, dtype=np.float64), N),
    (lambda x: np.add(x, 1, casting="unsafe", dtype=int), X),
    (stored(np.exp), X),
    (stored(np.multiply, 2.0), M),
    (lambda x: np.sin(x, np.zeros((2, 3)) * x), X),
    (stored(np.add, 1.5, casting="unsafe"), N),
    (lambda x: np.log(x, out=np.zeros_like(x), where=x > 0), np.array([-0.5, -1.0, 2.0])),
    (lambda x, y: np.divide(x, y, out=np.zeros_like(x), where=B), X, Y * B),
    (lambda x: np.arcsin(x, out=x * 2, where=abs(x) < 1), X),
    (lambda x: np.add(x, x, out=np.zeros_like(x), where=B), M),
    (lambda x: np.multiply(x, x, where=True), M),
    (lambda x: np.bitwise_and(x, True, out=x.copy(), where=B), ~B),
    (lambda x: np.floor_divide(x, x, out=x * 7, where=x != 0), N),
    (lambda x: np.modf(x, out=(x * 0, x * 0), where=x > 0), X),
    (lambda x, y: np.vecdot(x, y, axis=0), M, M),
    (np.vecdot, M, X),
    # methods
    (np.add.outer, X, N),
    (np.multiply.outer, M, Y),
    (np.subtract.outer, 2, X),
    (np.maximum.outer, np.float64(0.5), X),
    (np.power.outer, N, np.array([0, 2])),
    (np.add.accumulate, M),
    (lambda x: np.maximum.accumulate(x, 1), M),
    (lambda x: np.multiply.accumulate(x, axis=1), N),
    (lambda x: np.add.accumulate(x, out=np.zeros_like(x)), M),
    (np.logaddexp.reduce, M),
    (lambda x: np.logaddexp.reduce(x, axis=None, keepdims=True), M),
    (np.logical_xor.reduce, N),
    (np.bitwise_or.reduce, B),
    (lambda x: np.add.reduce(x, where=x > 0), M),
    (lambda x: np.add.reduce(x, dtype=np.float32, initial=5), N),
    (lambda x: np.maximum.reduce(x, initial=1.0, axis=1), M),
    (lambda x: np.minimum.reduce(x, dtype=np.float32), M),
    (lambda x: np.add.reduce(x, axis=0, out=np.zeros_like(x[0])), M),
]


@table(CASES)
def test_as_in_numpy(function, args):
    assert_agrees(function, *args)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinities, as NumPy warns
@table(OF_INFINITIES)
def test_value_is_that_of_numpy(function, args):
    """Where differences say nothing."""
    assert_same(compile_grad(lambda args: function(*args))(args), function(*args))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_fractions_have_the_sign_of_the_number(backend, dtype):
    """Those that are 0, too; of an infinity as well, without a warning; and their slope is 1."""
    x = np.array([0.0, -0.0, 1.0, -1.0, -3.0, -0.5, 2.25, np.inf, -np.inf, np.nan], dtype)
    compiled = compile_grad(lambda x: np.modf(x), backend=backend)
    for found, expected in zip(compiled(x), np.modf(x), strict=True):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
    slope = compile_grad(lambda x: np.sum(np.modf(x)[0]), backend=backend).grad(x)
    np.testing.assert_array_equal(slope, np.ones(len(x)))


@pytest.mark.parametrize("ufunc", [np.add, np.subtract], ids=lambda one: one.__name__)
def test_at(ufunc):
    """Places that occur twice take both."""

    def call(x, y, places):
        z = x.copy()
        ufunc.at(z, places, y * y)
        return z

    places = np.array([0, 0, 2])
    assert_agrees(call, X, Y, places)
    assert_agrees(call, N[0], N[1], places)


def test_python_integers_yield_to_arrays():
    """Bits of Python integers, and both results of ``divmod``, are Python integers again."""

    def call(x, n):
        whole, rest = divmod(n, 3)
        return x * ((n << 1) & 7) + whole - rest

    got = compile_grad(call)(X.astype(np.float32), 5)
    np.testing.assert_array_equal(got, call(X.astype(np.float32), 5))
    assert got.dtype == np.float32


def test_unknown_sizes():
    """Options and results do not need the sizes."""

    def call(x, y):
        whole, rest = np.divmod(x, y)
        kept = np.divide(x, y, out=np.zeros_like(x), where=y > 0)
        return np.sum(whole * kept + np.logaddexp.reduce(rest) + special.erf(np.sinc(x)))

    vector = spec("f8[n]")
    text = compile_grad(call).lower(vector, vector).numpy
    scope = {}
    exec(text, scope)
    got, _ = scope["call_value_and_grad"](X, np.abs(Y))
    np.testing.assert_allclose(got, call(X, np.abs(Y)), rtol=1e-14)


def test_what_where_leaves_out_has_no_slope():
    """Not 0 x infinity either: the operand there is not read."""

    def quotient(x, y):
        return np.sum(np.divide(x, y, out=np.zeros_like(x), where=y != 0))

    by_x, by_y = compile_grad(quotient, wrt=(0, 1)).grad(np.ones(2), np.array([0.0, 2.0]))
    np.testing.assert_array_equal(by_x, [0.0, 0.5])
    np.testing.assert_array_equal(by_y, [0.0, -0.25])


def test_first_of_equal_numbers_has_the_slope_of_fmax():
    """As in PyTorch; what is no number has none."""
    nan = np.nan
    x, y = np.array([1.0, nan, 1.0, 2.0]), np.array([1.0, 1.0, nan, 3.0])
    for ufunc, expected in ((np.fmax, [1, 0, 1, 0]), (np.fmin, [1, 0, 1, 1])):
        by_x, by_y = compile_grad(lambda x, y, ufunc=ufunc: np.sum(ufunc(x, y)), wrt=(0, 1)).grad(
            x, y
        )
        np.testing.assert_array_equal(by_x, expected)
        np.testing.assert_array_equal(by_y, 1 - np.array(expected))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.log(x, where=x > 0), "pass out="),
        (lambda x: np.add.reduceat(x, [0, 1]), "np.add.reduceat"),
        (lambda x: np.multiply.at(x.copy(), np.array([0]), 2.0), "np.multiply.at"),
        (lambda x: np.subtract.reduce(x), "np.subtract.reduce"),
        (lambda x: np.exp.accumulate(x), "accumulate"),
        (lambda x: np.exp(x, signature="d->d"), "signature="),
        (lambda x: np.matmul(x, x, dtype=np.float32), "dtype="),
        (lambda x: np.add(x, 1, out=x * 0, where=np.array([1, 0, 1])), "bool"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises((CaptureError, TypeError, ValueError), match=message):
        compile_grad(lambda x: np.sum(call(x)))(X)
