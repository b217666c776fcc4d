"""Every captured NumPy function, method, property and ufunc does what NumPy does.

A new entry in the tables without an example here, or a test in ``numpy_api/``, fails.
"""

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from gradc.compiler.frontend.numpy_api import loops, reductions, table

from gradc import CaptureError, GradcError, TypeRuleError, compile_grad

V = np.array([0.5, -1.5, 2.0])
W = np.array([2.0, 0.25, -1.0], np.float32)
M = np.arange(6.0).reshape(2, 3) - 2.25
N = np.array([[3, 1, 2], [0, 5, 4]])
T = np.arange(24.0).reshape(2, 3, 4) / 5
S = np.float64(1.5)

# By the name in np: calls (args, kwargs); arrays among the args are traced.
EXAMPLES = {
    "zeros_like": [((M,), {}), ((N, float), {}), ((M,), {"shape": (4,), "dtype": "f4"})],
    "ones_like": [((M,), {}), ((V,), {"dtype": bool}), ((M,), {"shape": 3})],
    "empty_like": [],  # what it holds is not defined; see below
    "full_like": [((M, 2), {}), ((N, 2.75), {}), ((V, V[0]), {"shape": (2, 2)})],
    "dot": [
        ((M, V), {}),
        ((V, V), {}),
        ((M, 2.0), {}),
        ((S, V), {}),
        ((M, T), {}),
        ((T, T[0].T), {}),
    ],
    "outer": [((V, W), {}), ((M, N), {}), ((S, V), {})],
    "tensordot": [
        ((M, M), {}),
        ((T, M), {"axes": ((1,), (1,))}),
        ((V, V, 0), {}),
        ((T, T, ((0, 2), (0, 2))), {}),
    ],
    "vdot": [((M, N), {}), ((V, W), {})],
    "inner": [((M, V), {}), ((T, V[[0, 1, 1, 2]]), {}), ((2.0, M), {}), ((V, N), {})],
    "sum": [
        ((M,), {}),
        ((N, 0), {}),
        ((T,), {"axis": (0, -1), "keepdims": True}),
        ((V > 0,), {}),
        ((W,), {"dtype": np.float64}),
        ((N.astype(np.uint8),), {}),
    ],
    "prod": [((M,), {}), ((N, 1), {}), ((T,), {"axis": (0, 2), "keepdims": True}), ((V > 0,), {})],
    "mean": [
        ((M,), {}),
        ((N, 0), {}),
        ((W,), {"keepdims": True}),
        ((V > 0,), {}),
        ((W,), {"dtype": np.float64}),
    ],
    "var": [
        ((M,), {}),
        ((T, (0, 1)), {"ddof": 1}),
        ((N,), {"axis": 0, "keepdims": True}),
        ((V,), {"correction": 1}),
    ],
    "std": [((M,), {}), ((T, 1), {"ddof": 1}), ((N,), {"axis": 0, "keepdims": True})],
    "max": [((M,), {}), ((N, 0), {}), ((T,), {"axis": (0, 2), "keepdims": True}), ((V > 0,), {})],
    "min": [((M,), {}), ((N, 0), {}), ((T,), {"axis": (0, 2), "keepdims": True}), ((V > 0,), {})],
    "amax": [((M, 1), {})],
    "amin": [((M, 1), {})],
    "argmax": [((M,), {}), ((N, 0), {}), ((T,), {"axis": -1, "keepdims": True}), ((V > 0,), {})],
    "argmin": [((M,), {}), ((N, 0), {}), ((T,), {"axis": -1, "keepdims": True})],
    "any": [((M,), {}), ((N, 0), {}), ((V > 5,), {"keepdims": True})],
    "all": [((M,), {}), ((N, 0), {}), ((V < 5,), {"keepdims": True})],
    "take": [
        ((M, np.array([4, 0])), {}),
        ((T, np.array([[1, -1]])), {"axis": 1}),
        ((M, 1), {"axis": 0}),
    ],
    "reshape": [((M, (3, 2)), {}), ((T, -1), {}), ((T, (4, -1)), {}), ((S, (1, 1)), {})],
    "ravel": [((T,), {}), ((S,), {})],
    "transpose": [((T,), {}), ((T, (1, 0, 2)), {}), ((T, (-1, 0, 1)), {}), ((V,), {})],
    "swapaxes": [((T, 0, -1), {}), ((M, 0, 1), {})],
    "moveaxis": [((T, 0, -1), {}), ((T, (0, 1), (1, 2)), {})],
    "expand_dims": [((M, 1), {}), ((M, (0, -1)), {}), ((S, 0), {})],
    "squeeze": [((M[None],), {}), ((M[:, None, :, None], 1), {}), ((M[None, :1], (0, 1)), {})],
    "broadcast_to": [((V, (2, 3)), {}), ((S, (2,)), {}), ((M[:, :1], (4, 2, 3)), {}), ((V, 3), {})],
    "concatenate": [
        (([M, N],), {}),
        (((V, W),), {}),
        (([M, N],), {"axis": None}),
        (([T, T], -1), {}),
    ],
    "stack": [(([V, W],), {}), (([M, N],), {"axis": -1}), (([S, 2],), {})],
    "vstack": [(([V, W],), {}), (([M, V],), {})],
    "hstack": [(([V, W],), {}), (([M, N],), {}), (([S, V],), {})],
    "atleast_1d": [((S,), {}), ((V, S), {})],
    "atleast_2d": [((S,), {}), ((V,), {}), ((M, V), {})],
    "split": [((V, 3), {}), ((T, 2), {"axis": 2}), ((M, [1, 2]), {"axis": 1}), ((V, (1, -1)), {})],
    "array_split": [((V, 2), {}), ((T, 3), {"axis": -1}), ((M, [1]), {})],
    "flip": [((T,), {}), ((T, 1), {}), ((T, (0, -1)), {})],
    "pad": [((V, 1), {}), ((M, ((1, 0), (0, 2))), {}), ((N, (1, 2)), {"constant_values": 7})],
    "shape": [((T,), {})],
    "ndim": [((T,), {}), ((S,), {})],
    "size": [((T,), {}), ((T, 1), {})],
    "where": [((V > 0, V, W), {}), ((N, M, 0), {}), ((M > 0, 1, 0), {})],
    "clip": [((M, -1, 1), {}), ((V, None, 0.5), {}), ((N, 1, V), {}), ((V,), {"min": 0.0})],
    "copy": [((M,), {}), ((S,), {})],
}

# By the name of the method: the array, args, kwargs.
METHODS = {
    "dot": [(M, (V,), {})],
    "sum": [(M, (), {}), (T, ((0, 1),), {}), (N, (), {"axis": 0, "keepdims": True})],
    "prod": [(M, (1,), {})],
    "mean": [(M, (), {}), (T, (-1,), {"keepdims": True})],
    "var": [(M, (0,), {"ddof": 1})],
    "std": [(M, (0,), {"ddof": 1})],
    "max": [(M, (), {}), (T, (1,), {"keepdims": True})],
    "min": [(M, (), {}), (T, (1,), {"keepdims": True})],
    "argmax": [(M, (), {}), (T, (1,), {})],
    "argmin": [(M, (), {}), (T, (1,), {})],
    "any": [(M, (), {}), (N, (0,), {})],
    "all": [(M, (), {}), (N, (0,), {})],
    "take": [(M, (np.array([2, 0]), 1), {})],
    "reshape": [(M, (3, 2), {}), (M, ((-1, 2),), {}), (T, (-1,), {})],
    "ravel": [(T, (), {})],
    "flatten": [(T, (), {})],
    "transpose": [(T, (), {}), (T, (2, 0, 1), {}), (T, ((1, 0, 2),), {}), (T, (None,), {})],
    "swapaxes": [(T, (0, 2), {})],
    "squeeze": [(M[None], (), {}), (M[:, None], (1,), {})],
    "clip": [(M, (-1.0, 1.0), {}), (M, (), {"max": 0.0})],
    "copy": [(M, (), {})],
    "astype": [
        (M, (np.float32,), {}),
        (M, (int,), {}),
        (M, ("bool",), {}),
        (N, (float,), {"copy": False}),
        (V > 0, (np.int8,), {}),
    ],
}

PROPERTIES = {"T": [T, M, V], "mT": [T, M]}


def traced(function, *args, **kwargs):
    """Call a function with the arrays and NumPy scalars among its arguments traced."""
    arrays = [one for one in args if isinstance(one, np.ndarray | np.generic)]

    def call(arrays):
        rest = iter(arrays)
        given = [next(rest) if isinstance(one, np.ndarray | np.generic) else one for one in args]
        return function(*given, **kwargs)

    def listed(parts, *more):
        return function(list(parts), *more, **kwargs)

    if arrays:
        return compile_grad(call)(arrays)
    return compile_grad(listed, static_argnames="more")(args[0], *args[1:])


def assert_same(got, expected):
    """Equal structure, dtype, shape, and values up to a few ulp.

    A compiled function returns a NumPy scalar where NumPy has one, and may where it has an array of
    rank 0.
    """
    if isinstance(expected, tuple | list):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
        return
    assert not (isinstance(got, np.ndarray) and isinstance(expected, np.generic))
    got, expected = np.asarray(got), np.asarray(expected)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    # The compiled program may add and multiply in another order.
    tolerance = 1e-5 if expected.dtype == np.float32 else 1e-13
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def calls(examples):
    numbered = [(name, i, one) for name in examples for i, one in enumerate(examples[name])]
    return [pytest.param(name, *one, id=f"{name}-{i}") for name, i, one in numbered]


@pytest.mark.parametrize(("name", "args", "kwargs"), calls(EXAMPLES))
def test_function(name, args, kwargs):
    function = getattr(np, name)
    assert_same(traced(function, *args, **kwargs), function(*args, **kwargs))


@pytest.mark.parametrize(("name", "array", "args", "kwargs"), calls(METHODS))
def test_method(name, array, args, kwargs):
    def call(x, *more):
        return getattr(x, name)(*more, **kwargs)

    assert_same(traced(call, array, *args), call(array, *args))


@pytest.mark.parametrize("name", PROPERTIES)
def test_property(name):
    for array in PROPERTIES[name]:
        assert_same(traced(lambda x: getattr(x, name), array), getattr(array, name))


def test_every_entry_is_tried():
    """In a table of this file, or by its name in a test of its family."""
    folder = Path(__file__).parent / "numpy_api"
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("test_*.py")))
    known = {getattr(np, name) for name in EXAMPLES}
    functions = [
        f"{one.__module__.replace('numpy', 'np', 1)}.{one.__name__}"
        for one in table.FUNCTIONS
        if one not in known
    ]
    untried = [name for name in functions if not re.search(rf"\b{re.escape(name)}\b", text)]
    attributes = {*table.METHODS, *table.PROPERTIES} - {*METHODS, *PROPERTIES}
    untried += [name for name in attributes if not re.search(rf"\.{name}\b|\"{name}\"", text)]
    assert sorted(untried) == []


@pytest.mark.parametrize("function", table.FUNCTIONS, ids=lambda one: one.__name__)
def test_every_option_of_numpy_is_taken_or_refused_by_name(function):
    """Not with Python's words about a function that the user never called."""
    known = inspect.signature(table.FUNCTIONS[function]).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in known):
        return
    try:
        wanted = inspect.signature(function).parameters.values()
    except ValueError:  # a builtin
        return
    missing = {one.name for one in wanted} - {one.name for one in known}
    if any(one.kind is one.VAR_POSITIONAL for one in known):
        missing = {one for one in missing if one not in {"arys", "arrays"}}
    assert not missing


def test_empty_like():
    """What NumPy leaves undefined is zero; it may be stored to."""

    def filled(x):
        made = np.empty_like(x, dtype=np.float64, shape=(2,))
        made[:] = x[:2]
        return made

    assert_same(compile_grad(filled)(W), filled(W))


# ufuncs

OPERANDS = {
    "f8": np.array([0.5, 0.25, 0.75]),
    "f4": np.array([0.5, 0.25, 0.75], np.float32),
    "i8": np.array([3, 1, 2]),
    "i4": np.array([3, 1, 2], np.int32),
    "u8": np.array([3, 1, 2], np.uint64),
    "bool": np.array([True, False, True]),
    "number": 0.5,
    "integer": 2,
    "scalar": np.float32(0.5),
}
UFUNCS = [*loops.RULES, np.matmul]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda one: one.__name__)
def test_ufunc(ufunc):
    """Of all pairs of kinds: NumPy's result, or an error where NumPy has one.

    Only where NumPy's result has a dtype that gradc does not have, or there is no primitive for
    integers, may capture refuse.
    """
    supported = 0
    for left in OPERANDS.values():
        for right in OPERANDS.values() if ufunc.nin == 2 else [None]:
            args = (left, right)[: ufunc.nin]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                supported += same_result(ufunc, args)
    assert supported


def same_result(ufunc, args):
    """Compare one call; return whether capture supports it."""
    try:
        expected = ufunc(*args)
    except (TypeError, ValueError):
        with pytest.raises((GradcError, ValueError)):
            compile_grad(lambda args: ufunc(*args))(args)
        return False
    try:
        got = compile_grad(lambda args: ufunc(*args))(args)
    except (CaptureError, TypeRuleError):
        kinds = {np.asarray(one).dtype.kind for one in args}
        assert expected.dtype == np.float16 or kinds <= set("iub")
        return False
    assert_same(got, expected)
    return True


REDUCIBLE = [np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or]


@pytest.mark.parametrize("ufunc", REDUCIBLE, ids=lambda one: one.__name__)
def test_reduce(ufunc):
    """Over axis 0 unless another is named."""
    assert set(REDUCIBLE) == set(reductions.REDUCTIONS)
    for kwargs in ({}, {"axis": 1}, {"axis": None}, {"axis": (0, 1), "keepdims": True}):
        assert_same(traced(ufunc.reduce, M, **kwargs), ufunc.reduce(M, **kwargs))


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda one: one.__name__)
def test_out_is_a_traced_array(ufunc):
    """``out=`` stores with the dtype of the place, and gives this array."""
    number = 1.5 if ufunc is np.arccosh else 0.5
    args = (np.full((3, 3), number),) * ufunc.nin
    if ufunc.types[-1].endswith("?") or "f" not in "".join(ufunc.types):
        args = tuple(one > 0 for one in args)
    if ufunc in (np.gcd, np.lcm, np.ldexp):
        whole = np.full((3, 3), 6)
        args = (args[0] if ufunc is np.ldexp else whole, whole)

    def call(args, place):
        place = place.copy()
        assert ufunc(*args, out=place) is place
        return place

    expected = call(args, np.zeros((3, 3), ufunc(*args).dtype))
    assert_same(compile_grad(call)(args, np.zeros((3, 3), expected.dtype)), expected)
