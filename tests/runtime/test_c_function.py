"""The C function of native code: its type, its results, and how long it is there."""

import ctypes
import gc
import threading

import numpy as np
import pytest

from gradc import GradcError, compile_grad, debug

X = np.linspace(-1.0, 1.0, 5)
POINTER = ctypes.c_void_p


def loss(x, double, scale=2.0):
    return np.sum(np.tanh(x) * double) * scale


def lowered(function=loss, args=(X, X), **options):
    return compile_grad(function, backend="llvm", **options).lower(*args)


def test_declaration():
    """Names of C's own are no names of parameters; numbers come by pointer."""
    assert lowered(wrt=("x", "double")).cffi_decl == (
        "int32_t (*)(const double *x, const double *double_, const double *scale, "
        "double *value, double *gradient_by_x, double *gradient_by_double)"
    )


def test_declaration_has_every_dtype():
    def function(a, b, c, d):
        return a * 2, b + 1, c | 1, d

    args = (np.ones(2, np.float32), np.ones(2, np.int8), np.ones(2, np.uint64), np.ones(2, bool))
    assert lowered(function, args).cffi_decl == (
        "int32_t (*)(const float *a, const int8_t *b, const uint64_t *c, const uint8_t *d, "
        "float *value, int8_t *output_2, uint64_t *output_3)"
    )


def test_ctypes():
    """It takes arrays, and gives what the compiled function gives."""
    compiled = compile_grad(loss, backend="llvm")
    value, gradient = np.empty(()), np.empty(5)
    assert compiled.lower(X, X).ctypes(X, X, np.array(2.0), value, gradient) == 0
    expected = compiled.value_and_grad(X, X)
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])


@pytest.mark.parametrize(
    "wrong",
    [X[::-1], X[:4], X.astype(np.float32), X.astype(">f8"), X.tolist()],
    ids=["reversed", "short", "float32", "swapped", "list"],
)
def test_ctypes_checks_its_arguments(wrong):
    """No wrong array reaches the code: it would read what is not there."""
    function, made = lowered().ctypes, np.empty(5)
    with pytest.raises(ctypes.ArgumentError):
        function(wrong, X, np.array(2.0), np.empty(()), made)
    made.flags.writeable = False
    with pytest.raises(ctypes.ArgumentError):
        function(X, X, np.array(2.0), np.empty(()), made)


def test_address():
    """With pointers alone, as foreign code calls it."""
    found = lowered()
    function = ctypes.CFUNCTYPE(ctypes.c_int32, *[POINTER] * 5)(found.address)
    scale, value, gradient = np.array(2.0), np.empty(()), np.empty(5)
    arrays = (X, X, scale, value, gradient)
    assert function(*(one.ctypes.data for one in arrays)) == 0
    np.testing.assert_allclose(gradient, 2 * X / np.cosh(X) ** 2)


def test_failures_are_raised():
    """What native code finds wrong while it runs."""
    function = lowered(lambda x, i: np.sum(x[i]), (X, np.array([1, 2]))).ctypes
    value, gradient = np.empty(()), np.empty(5)
    assert function(X, np.array([1, 2]), value, gradient) == 0
    with pytest.raises(IndexError):
        function(X, np.array([1, 5]), value, gradient)


def large(x):
    """The workspace of this one is no longer on the stack."""
    return np.sum(np.cumsum(np.tanh(x @ x), axis=0))


def test_it_is_there_as_long_as_it_is_held():
    """After all of Python's objects about it have gone, but the function itself."""
    x = np.linspace(0.0, 1.0, 80 * 80).reshape(80, 80)
    expected = compile_grad(large, backend="llvm").grad(x)
    function = lowered(large, (x,)).ctypes
    gc.collect()
    value, gradient = np.empty(()), np.empty((80, 80))
    function(x, value, gradient)
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("kind", ["ctypes", "address"])
def test_threads(kind):
    """Several are in the code at once, at its address without the interpreter's lock."""
    x = np.linspace(0.0, 1.0, 80 * 80).reshape(80, 80)
    expected = compile_grad(large, backend="llvm").grad(x)
    made, wrong = lowered(large, (x,)), []
    function = made.ctypes
    if kind == "address":
        function = ctypes.CFUNCTYPE(ctypes.c_int32)(made.address)
        function.argtypes = made.ctypes.argtypes

    def work():
        value, gradient = np.empty(()), np.empty((80, 80))
        for _ in range(100):
            function(x, value, gradient)
            wrong.extend(np.flatnonzero(gradient != expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong


def test_value_alone_where_there_is_no_gradient():
    found = lowered(lambda x: (x * 2, x), (X,))
    assert found.cffi_decl == "int32_t (*)(const double *x, double *value)"
    made = np.empty(5)
    found.ctypes(X, made)
    np.testing.assert_array_equal(made, 2 * X)


def looks(x):
    debug.callback(lambda one: None, x)
    return np.sum(x)


def test_no_address():
    """Where there is no native code, and where it needs the interpreter."""
    with pytest.raises(GradcError, match="no native code"):
        _ = compile_grad(loss, backend="numpy").lower(X, X).address
    with pytest.raises(GradcError, match="calls Python"):
        _ = lowered(looks, (X,)).address
