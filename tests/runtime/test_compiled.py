"""Caches: what compiles anew, and why; short and slow path; arrays of every kind; threads."""

import sys
import threading

import numpy as np
import pytest

import gradc
from gradc import compile_grad

VECTOR = np.array([1.0, -2.0, 3.0])


def squares(x, y=1.0):
    return np.sum(x * x * y)


def reasons(compiled):
    """The reason of each specialisation, as ``explain`` gives it."""
    lines = gradc.explain(compiled).splitlines()
    return [line.split(". ", 1)[1] for line in lines if line[0].isdigit()]


# What compiles anew


def test_same_types_share_code():
    compiled = compile_grad(squares)
    for scale in (1.0, 2.0, 3.0):
        np.testing.assert_allclose(compiled.grad(scale * VECTOR), 2 * scale * VECTOR)
    assert len(reasons(compiled)) == 1


def test_every_recompilation_says_why():
    compiled = compile_grad(squares)
    other = VECTOR.astype(np.float32)
    for args in [
        (VECTOR,),
        (VECTOR[:2],),
        (other[:2],),
        (other[:2], 2),
        (other[:2], np.float64(2)),
    ]:
        compiled(*args)
    assert [reason.split(": ")[0] for reason in reasons(compiled)] == [
        "first call",
        "x was (3,) float64 (array), is (2,) float64 (array)",
        "x was (2,) float64 (array), is (2,) float32 (array)",
        "y was () float64 (number), is () int64 (number)",
        "y was () int64 (number), is () float64 (scalar)",
    ]


def test_first_gradient_compiles_once_more():
    """A value that is differentiated must not be read as a number."""
    compiled = compile_grad(squares)
    compiled(VECTOR)
    compiled.grad(VECTOR)
    compiled.value_and_grad(VECTOR)
    compiled.vjp(VECTOR)
    assert [reason.split(": ")[0] for reason in reasons(compiled)][1:] == ["first gradient"]


def test_other_structure_and_static_arguments_are_a_reason():
    compiled = compile_grad(lambda p, mode: np.sum(p["a"]) if mode else np.sum(p["a"] * 2))
    more = {"a": VECTOR, "b": None}
    for args in [({"a": VECTOR}, True), ({"a": VECTOR}, False), (more, False)]:
        compiled(*args)
    assert [reason.split(": ")[0] for reason in reasons(compiled)] == [
        "first call",
        "other structure or static arguments",
        "other structure or static arguments",
    ]


def test_explain_tells_stages_and_times():
    compiled = compile_grad(squares)
    compiled.grad(VECTOR)
    text = gradc.explain(compiled)
    assert text.startswith("squares: 1 specialisation(s)\n1. first call: x (3,) float64, y ()")
    for stage in ("capture", "optimise", "differentiate", "lower", "emit", "total"):
        assert stage in text
    assert " ms" in text


# The short path and the slow path


def parts(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize(
    "args",
    [
        (VECTOR,),
        (VECTOR, 2.0),
        (VECTOR, 2),
        (VECTOR, np.float64(2.0)),
        (VECTOR, np.float32(2.0)),
        (VECTOR, np.array(2.0)),
        (VECTOR, VECTOR),
        (2.0, 3.0),
        (np.float32(2.0), 3),
    ],
)
def test_first_and_later_calls_give_the_same(args):
    """Later calls of arrays and numbers skip the signature; by keyword they cannot."""
    compiled = compile_grad(squares)
    names = dict(zip(("x", "y"), args, strict=False))
    for method in (compiled, compiled.grad, compiled.value_and_grad):
        first = method(*args)
        for other in (method(*args), method(**names)):
            for one, two in zip(parts(first), parts(other), strict=True):
                np.testing.assert_array_equal(one, two)
                assert type(one) is type(two)
        value = method(*args)
        expected = squares(*args)
        if method is compiled:
            np.testing.assert_allclose(value, expected)
            assert value.dtype == expected.dtype


def test_python_bool_after_a_number():
    """A bool is static and an int is not: they must not share the short path."""
    compiled = compile_grad(lambda x, flag: x * 2 if flag is True else x * (flag + 10))
    assert [compiled.grad(1.0, flag) for flag in (1, True, 1, 0, True)] == [
        11.0,
        2.0,
        11.0,
        10.0,
        2.0,
    ]


def test_subclass_of_ndarray_takes_the_slow_path():
    class Named(np.ndarray):
        pass

    compiled = compile_grad(squares)
    for x in (VECTOR, VECTOR.view(Named), VECTOR):
        gradient = compiled.grad(x)
        np.testing.assert_allclose(gradient, 2 * VECTOR)
        assert type(gradient) is np.ndarray


def test_guarded_code_is_checked_at_every_call():
    """A number that the function reads is looked at each time, also after many calls."""
    compiled = compile_grad(lambda x, n: np.sum(x[:n]))
    for n in (1, 1, 2, 2, 1, 3):
        np.testing.assert_array_equal(compiled.grad(VECTOR, n), 1.0 * (np.arange(3) < n))


# Arrays of every kind


KINDS = {
    "contiguous": np.arange(12.0).reshape(3, 4),
    "transposed": np.arange(12.0).reshape(4, 3).T,
    "reversed": np.arange(12.0).reshape(3, 4)[::-1, ::-1],
    "strided": np.arange(48.0).reshape(6, 8)[::2, ::2],
    "broadcast": np.broadcast_to(np.arange(4.0), (3, 4)),
    "swapped": np.arange(12.0).reshape(3, 4).astype(">f8"),
    "misaligned": np.frombuffer(b"x" + bytes(96), "u1")[1:].view("f8").reshape(3, 4),
    "empty": np.zeros((0, 4)),
    "rank_zero": np.array(2.0),
    "single": np.array([[2.0]]),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_arrays_of_every_kind(name):
    """Read-only too; what comes out is new, native, and never part of the argument."""
    x = KINDS[name].view()
    x.flags.writeable = False

    def loss(x):
        y = np.sin(x) * x
        y[..., :1] *= 2.0
        return np.sum(y)

    if x.ndim == 0:
        loss = lambda x: np.sum(np.sin(x) * x)  # noqa: E731
    compiled = compile_grad(loss)
    for _ in range(2):
        value, gradient = compiled.value_and_grad(x)
        np.testing.assert_allclose(value, loss(x), rtol=1e-12)
        expected = np.cos(x) * x + np.sin(x)
        if x.ndim:
            expected[..., :1] *= 2
        np.testing.assert_allclose(gradient, expected, rtol=1e-12)
        assert gradient.dtype.isnative
        assert not np.shares_memory(gradient, x)


def test_results_are_fresh():
    """A view of an argument comes back as a copy; a second call does not overwrite the first."""
    compiled = compile_grad(lambda x: (np.sum(x), x[1:], x.T), has_aux=False)
    _, part, whole = compiled(VECTOR)
    part[:] = 7.0
    np.testing.assert_array_equal(VECTOR, [1.0, -2.0, 3.0])
    _, second, _ = compiled(VECTOR)
    np.testing.assert_array_equal(part, [7.0, 7.0])
    np.testing.assert_array_equal(second, VECTOR[1:])
    assert not np.shares_memory(whole, VECTOR)


def test_gradients_of_equal_values_are_arrays_of_their_own():
    """One array handed out twice would change twice when the user updates in place."""
    gradients = compile_grad(lambda x, y: np.sum(x + y), wrt=("x", "y")).grad(VECTOR, VECTOR * 2)
    gradients[0][:] = 5.0
    np.testing.assert_array_equal(gradients[1], np.ones(3))


def test_pullback_may_be_called_again_and_after_the_argument_changed():
    x = VECTOR.copy()
    out, pullback = compile_grad(lambda x: np.sin(x) * 2).vjp(x)
    expected = 2 * np.cos(x)
    first = pullback(np.ones(3))
    np.testing.assert_allclose(first, expected)
    out[:] = 0.0
    np.testing.assert_allclose(pullback(np.full(3, 2.0)), 2 * expected)
    np.testing.assert_allclose(first, expected)


# What the object is


def test_it_looks_like_the_function():
    compiled = compile_grad(squares)
    assert compiled.__name__ == "squares"
    assert compiled.__wrapped__ is squares
    assert compiled.__doc__ == squares.__doc__


def test_names_that_are_no_identifiers():
    """The generated function needs a name."""
    assert "def function_" in compile_grad(lambda x: x * 2).inspect(1.0)

    class Model:
        def __call__(self, x):
            return x * 2

    assert "def Model_" in compile_grad(Model()).inspect(1.0)


# Threads


@pytest.fixture
def restless():
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_compile_once_and_compute_right(restless):
    """Eight threads race for the first compilation of several signatures."""
    compiled = compile_grad(squares)
    arguments = [(np.arange(1.0, n + 2), y) for n in range(3) for y in (2.0, 3, np.float32(0.5))]
    start, wrong = threading.Barrier(8), []

    def work(offset):
        start.wait()
        for turn in range(200):
            x, y = arguments[(turn + offset) % len(arguments)]
            x = x * (turn + 1)
            value, gradient = compiled.value_and_grad(x, y)
            if not (np.allclose(gradient, 2 * x * y) and np.isclose(value, np.sum(x * x * y))):
                wrong.append((turn, offset))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(compiled.history) == len(arguments)


def test_threads_capture_different_functions_at_once(restless):
    """Captures in several threads do not see one another."""
    start, results = threading.Barrier(8), [None] * 8

    def work(number):
        def loss(x):
            total = x * 0.0
            for _ in range(30):
                total = total + x * number
            return np.sum(total)

        start.wait()
        results[number] = compile_grad(loss).grad(VECTOR)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        np.testing.assert_allclose(results[number], np.full(3, 30.0 * number))


def test_exception_while_compiling_leaves_the_function_usable():
    """The failed signature is not remembered, and the lock is free."""
    fail = [True]

    def loss(x):
        if fail[0]:
            raise KeyError("once")
        return np.sum(x)

    compiled = compile_grad(loss)
    with pytest.raises(KeyError):
        compiled.grad(VECTOR)
    fail[0] = False
    np.testing.assert_array_equal(compiled.grad(VECTOR), np.ones(3))
    assert len(compiled.history) == 1
