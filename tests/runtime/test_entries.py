"""Calls of compiled functions that native code takes itself, with no Python in between.

They have to be as if they had gone the long way: the same results, errors and effects. Only types
decide about them; whatever else there is to see to has to find its way back to Python.
"""

import inspect
from types import BuiltinFunctionType

import numpy as np
import pytest
from gradc.runtime.entries import MOST
from gradc.runtime.entry_layout import layout_holds

import gradc
from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])
X.flags.writeable = False
MODES = ("__call__", "value_and_grad", "grad")


def scaled(x, scale=2.0):
    return np.sum(x * x) * scale


@compile_grad(backend="llvm")
def squares(x, scale=2.0):
    """The sum of the squares."""
    return np.sum(x * x) * scale


def native(function, **options):
    return compile_grad(function, backend="llvm", **options)


def is_entered(one):
    """Whether an attribute is native code; on a Python of another layout it is no built-in."""
    return isinstance(one, BuiltinFunctionType) if layout_holds() else not inspect.ismethod(one)


def described(result):
    """What a caller can tell of a result."""
    if isinstance(result, tuple | list):
        return type(result), [described(one) for one in result]
    if isinstance(result, dict):
        return type(result), [(key, described(one)) for key, one in result.items()]
    if result is None:
        return None
    return type(result), np.shape(result), np.asarray(result).dtype.str, np.array(result).tolist()


def pairs(x, y):
    return (np.sum(x * y), (x - y, None)), {"no": x}, [y]


def with_aux(x, y):
    return np.sum(x * y), (x + y, np.sum(y), (None, y))


def nested(x, y):
    return x * y, (y, (np.sum(x), None), x + 1)


CASES = {
    "one array": (scaled, {}, (X,)),
    "a number left out": (scaled, {}, (X, 3.0)),
    "an int": (scaled, {}, (X, 3)),
    "a scalar": (scaled, {}, (X, np.float32(3))),
    "an array of rank 0": (scaled, {}, (X, np.array(3.0))),
    "a number wanted": (lambda x: x * x * 2, {}, (3.0,)),
    "a scalar wanted": (lambda x: x * x * 2, {}, (np.float32(3.0),)),
    "rank 0 wanted": (lambda x: x * x * 2, {}, (np.array(3.0),)),
    "one of a tuple": (scaled, {"wrt": (0,)}, (X, 2.0)),
    "both": (scaled, {"wrt": ("scale", "x")}, (X, 2.0)),
    "aux": (with_aux, {"has_aux": True}, (X, X + 1)),
    "aux, both": (with_aux, {"has_aux": True, "wrt": (1, 0)}, (X, X + 1)),
    "float32": (scaled, {}, (X.astype(np.float32), 2.0)),
    "positional only": (lambda x, /: np.sum(x), {}, (X,)),
    "no elements": (scaled, {}, (np.empty((0, 3)),)),
    "many arrays": (lambda *a: sum(map(np.sum, a)), {"wrt": "a"}, (X,) * 9),
    "eight arrays": (
        lambda a, b, c, d, e, f, g, h: np.sum(a * b * c * d * e * f * g * h),
        {"wrt": (0, 1, 2, 3, 4, 5, 6, 7)},
        (X,) * 8,
    ),
}


@pytest.mark.usefixtures("entry_kind")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
def test_calls_give_what_numpy_gives(case, mode):
    """First calls and later ones: values, types, structure."""
    function, options, args = CASES[case]
    expected = getattr(compile_grad(function, backend="numpy", **options), mode)(*args)
    compiled = native(function, **options)
    for _ in range(3):
        assert described(getattr(compiled, mode)(*args)) == described(expected)


@pytest.mark.parametrize("function", [nested, pairs])
def test_structures_of_outputs(function):
    """Tuples are filled by native code; lists and dicts are not."""
    expected = compile_grad(function, backend="numpy")(X, X + 1)
    compiled = native(function)
    for _ in range(3):
        assert described(compiled(X, X + 1)) == described(expected)
    assert is_entered(compiled.__call__) == (function is nested)


def test_attributes_are_native_code():
    """After the first call; no Python stands in front of it."""
    compiled = native(scaled)
    for mode in MODES:
        assert not is_entered(getattr(compiled, mode))
        getattr(compiled, mode)(X, 1.0)
        assert is_entered(getattr(compiled, mode))
    if layout_holds():
        assert compiled.grad.__name__ == "grad"
        assert "gradient alone" in compiled.grad.__doc__
    assert str(inspect.signature(compiled.grad)) == "(*args, **kwargs)"
    assert inspect.signature(compiled) == inspect.signature(scaled)


def test_python_functions_keep_their_methods():
    compiled = compile_grad(scaled, backend="numpy")
    compiled.grad(X)
    assert inspect.ismethod(compiled.grad)


def test_what_was_taken_before_the_first_call_works_on():
    compiled = native(scaled)
    early = compiled.grad
    for factor in (1.0, 2.0):
        np.testing.assert_array_equal(early(X, factor), 2 * factor * X)
        np.testing.assert_array_equal(early(X[:2], factor), 2 * factor * X[:2])


def test_many_signatures():
    """Each has its entry, up to a bound; all give what they should, in any order."""
    compiled = native(scaled)
    sizes = range(1, MOST + 4)
    for _ in range(3):
        for size in (*sizes, *reversed(sizes)):
            np.testing.assert_array_equal(compiled.grad(np.arange(size * 1.0)), 4 * np.arange(size))
    assert len(compiled.history) == len(sizes)


class Subclass(np.ndarray):
    pass


@pytest.mark.usefixtures("entry_kind")
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0)[::2],
        np.arange(3.0)[::-1],
        np.arange(3.0).astype(">f8"),
        np.frombuffer(bytes(1) + np.arange(3.0).tobytes(), np.uint8)[1:].view(np.float64),
        np.arange(3.0).view(Subclass),
    ],
    ids=["strided", "reversed", "swapped", "misaligned", "subclass"],
)
def test_arrays_that_lie_otherwise(array):
    """They share the code of those that do not."""
    compiled = native(scaled)
    for one in (np.arange(3.0), array, array):
        value, gradient = compiled.value_and_grad(one)
        assert value == 2 * np.sum(np.asarray(one) ** 2)
        np.testing.assert_array_equal(gradient, 4 * np.asarray(one))
        assert type(gradient) is np.ndarray
    assert len(compiled.history) == 1


def test_numbers_by_keyword_and_by_default():
    compiled = native(scaled)
    for _ in range(3):
        assert compiled(X) == 28.0
        assert compiled(X, scale=3.0) == compiled(scale=3.0, x=X) == 42.0
        assert compiled.grad(x=X, scale=1.0).tolist() == (2 * X).tolist()


def test_keyword_only_stays_so():
    """An entry takes arguments by position, which this function does not."""

    def scale(x, *, by):
        return np.sum(x * by)

    compiled = native(scale)
    for _ in range(3):
        assert compiled(X, by=2.0) == 4.0
        with pytest.raises(TypeError):
            compiled(X, 2.0)


@pytest.mark.parametrize(
    "args",
    [(), (X, 1.0, 2.0), ("text",), (X, 2**70), (np.array(["a"]),), (np.ones(3, int),)],
    ids=["none", "too many", "text", "long int", "strings", "ints"],
)
def test_errors_are_the_same(args):
    """Of calls that fit no entry, the words included."""
    errors = []
    for compiled in (compile_grad(scaled, backend="numpy"), native(scaled)):
        compiled.grad(X)
        compiled.grad(X, 1)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one, is compared
            compiled.grad(*args)
        errors.append((type(caught.value), str(caught.value)))
    assert errors[0] == errors[1]


def test_errors_while_capturing_show_the_line():
    compiled = native(lambda x: np.sum(x) if x.ndim < 2 else undefined_name)  # noqa: F821
    compiled.grad(X)
    with pytest.raises(NameError, match="undefined_name"):
        compiled.grad(np.ones((2, 2)))


def test_returned_arguments():
    """An array is returned itself; a Python number comes out as NumPy's."""
    compiled = native(lambda x, y: (x, y, x * y))
    for _ in range(3):
        array, number, _ = compiled(X, 2.0)
        assert array is X
        assert type(number) is np.float64
        assert number == 2.0


def test_the_same_array_twice():
    compiled = native(lambda x, y: np.sum(x * y * y), wrt=(0, 1))
    for _ in range(3):
        first, second = compiled.grad(X, X)
        assert (first.tolist(), second.tolist()) == ((X * X).tolist(), (2 * X * X).tolist())


def test_results_are_fresh():
    compiled = native(scaled)
    results = [compiled.grad(X) for _ in range(5)]
    assert len({one.ctypes.data for one in results}) == 5


FACTOR = [2.0]


def test_what_is_read_outside_decides_still():
    """Such functions have no entries: what they read may change."""
    compiled = native(lambda x: np.sum(x) * FACTOR[0])
    try:
        for factor in (2.0, 5.0, 2.0):
            FACTOR[0] = factor
            assert compiled(X) == 2.0 * factor
            assert not is_entered(compiled.__call__)
    finally:
        FACTOR[0] = 2.0


def test_numbers_that_are_read_decide_still():
    compiled = native(lambda x, n: np.sum(x) * (1 if n > 2 else -1))
    for n in (1.0, 3.0, 1.0):
        assert compiled(X, n) == (2.0 if n > 2 else -2.0)


def test_static_arguments_decide_still():
    compiled = native(lambda x, flag, name=None: np.sum(x) * (1 if flag else -1))
    for flag in (True, False, True):
        assert compiled(X, flag) == compiled(X, flag, "text") == (2.0 if flag else -2.0)


def test_arguments_that_are_changed():
    def clear(x):
        x[0] = 0.0
        return np.sum(x * x)

    compiled = native(clear)
    for _ in range(3):
        given = np.array([5.0, 1.0])
        value, gradient = compiled.value_and_grad(given)
        assert (value, gradient.tolist(), given.tolist()) == (1.0, [0.0, 2.0], [0.0, 1.0])


def outer(x):
    value, gradient = squares.value_and_grad(x, 1.0)
    return value * squares(np.ones(3), 1.0) + np.sum(gradient) + squares(x, 3.0)


def test_calls_inside_of_another_capture():
    """Traced arrays reach Python, where they are recorded; others are computed with at once.

    That native code has taken the place of a method is no reason to capture the outer one anew.
    """
    compiled = native(outer)
    expected = outer(X)
    slope = 3 * 2 * X + 2 + 6 * X
    for _ in range(3):
        value, gradient = compiled.value_and_grad(X)
        np.testing.assert_allclose(value, expected)
        np.testing.assert_allclose(gradient, slope)
        squares.value_and_grad(X, 1.0)
        squares(X, 1.0)
    assert len(compiled.history) == 1


def test_grad_modes_around_a_call_change_nothing():
    compiled = native(scaled)
    for _ in range(3):
        with gradc.no_grad():
            assert compiled.grad(X).tolist() == (4 * X).tolist()


class Model:
    def __init__(self, weight):
        self.weight = weight

    @compile_grad(backend="llvm")
    def loss(self, x):
        return np.sum(x * self.weight)


def test_methods():
    first, second = Model(2.0), Model(np.array([1.0, 2.0, 3.0]))
    for _ in range(3):
        assert first.loss.grad(X).tolist() == [2.0, 2.0, 2.0]
        assert second.loss.grad(X).tolist() == [1.0, 2.0, 3.0]
        assert first.loss(X) == 4.0
