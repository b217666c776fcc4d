"""``out=``: results written into arrays of the caller's, or nothing at all."""

import os
import signal
import sys
from time import perf_counter

import numpy as np
import pytest

from gradc import GradcError, compile_grad, debug

X = np.arange(6.0).reshape(2, 3)
Y = np.ones((2, 3))

both_backends = pytest.mark.parametrize("backend", ["numpy", "llvm"])


def loss(x, y):
    return np.sum(np.tanh(x) * y)


@both_backends
def test_gradients_go_where_they_are_wanted(backend):
    """What is given is returned; None is what is to be made."""
    compiled = compile_grad(loss, wrt=(0, 1), backend=backend)
    value, (by_x, by_y) = compiled.value_and_grad(X, Y)
    for _ in range(2):
        mine = np.zeros((2, 3))
        found = compiled.value_and_grad(X, Y, out=(None, (mine, None)))
        assert found[1][0] is mine
        assert type(found[0]) is np.float64
        assert found[0] == value
        np.testing.assert_array_equal(mine, by_x)
        np.testing.assert_array_equal(found[1][1], by_y)
        first, second = np.zeros((2, 3)), np.zeros((2, 3))
        assert compiled.grad(X, Y, out=(first, second))[1] is second
        np.testing.assert_array_equal(first, by_x)
        total = np.zeros(())
        assert compiled(X, Y, out=total) is total
        assert total == value


@both_backends
def test_every_structure(backend):
    """Dicts and lists have to be such in ``out``; what is no array stands there as None."""
    compiled = compile_grad(lambda x: {"a": [x * 2, None], "b": (x, 3.0)}, backend=backend)
    mine, same = np.zeros((2, 3)), np.zeros((2, 3))
    found = compiled(X, out={"a": [mine, None], "b": (same, None)})
    assert found["a"][0] is mine
    assert found["b"][0] is same
    np.testing.assert_array_equal(mine, 2 * X)
    np.testing.assert_array_equal(same, X)
    assert found["b"][1] == 3.0
    assert compiled(X, out={"a": [mine, None], "b": (None, None)})["b"][0] is X


def unwriteable():
    array = np.zeros((2, 3))
    array.flags.writeable = False
    return array


@both_backends
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.zeros((2, 3)), "structure"),
        ((None, [None, None]), "structure"),
        ((None, (None,)), "structure"),
        ((None, (np.zeros((3, 2)), None)), r"out\[1\]\[0\] has to be \(2, 3\) float64"),
        ((None, (np.zeros((2, 3), np.float32), None)), "has to be"),
        ((None, (np.zeros((2, 3), ">f8"), None)), "row by row|has to be"),
        ((None, (np.zeros((2, 6))[:, ::2], None)), "row by row"),
        ((None, (unwriteable(), None)), "writeable"),
        ((0.0, (None, None)), r"out\[0\] is no array"),
        ((None, (X.tolist(), None)), "no array"),
        ((None, (X.view(np.recarray), None)), "no array"),
    ],
)
def test_what_does_not_fit_is_refused(backend, wrong, words):
    with pytest.raises(GradcError, match=words):
        compile_grad(loss, wrt=(0, 1), backend=backend).value_and_grad(X, Y, out=wrong)


@both_backends
def test_nothing_is_written_before_all_is_checked(backend):
    mine = np.zeros((2, 3))
    with pytest.raises(GradcError):
        compile_grad(loss, wrt=(0, 1), backend=backend).grad(X, Y, out=(mine, np.zeros(2)))
    assert not mine.any()


@both_backends
def test_arrays_that_share_memory(backend):
    """With each other they are refused; into an argument goes what was computed before."""
    compiled = compile_grad(loss, wrt=(0, 1), backend=backend)
    mine = np.zeros((3, 3))
    with pytest.raises(GradcError, match="share memory"):
        compiled.grad(X, Y, out=(mine[:2], mine[1:]))
    x, y = X.copy(), Y.copy()
    by_x, by_y = compiled.grad(x, y)
    compiled.grad(x, y, out=(y, x))
    np.testing.assert_array_equal(x, by_y)
    np.testing.assert_array_equal(y, by_x)


@both_backends
def test_arguments_that_are_returned_and_written(backend):
    """What is to be copied from an argument is not lost by what is copied to it first."""
    swapped = compile_grad(lambda x, y: (y, x), backend=backend)
    for given in (lambda x, y: (x, y), lambda x, y: (x, None), lambda x, y: (None, x)):
        for _ in range(2):
            x, y = X.copy(), Y.copy()
            first, second = swapped(x, y, out=given(x, y))
            np.testing.assert_array_equal(first, Y)
            np.testing.assert_array_equal(second, X)
    buffer = np.arange(12.0)
    x, shifted, behind = buffer[:6], buffer[1:7], np.zeros(6)
    found = compile_grad(lambda x: (x, x), backend=backend)(x, out=(shifted, behind))
    np.testing.assert_array_equal(found, [np.arange(6.0)] * 2)


@both_backends
def test_functions_that_change_their_arguments(backend):
    def clear(x):
        x[0] = 0.0
        return x * 2

    compiled = compile_grad(clear, backend=backend)
    x, mine = np.ones(3), np.empty(3)
    assert compiled(x, out=mine) is mine
    assert (x.tolist(), mine.tolist()) == ([0.0, 1.0, 1.0], [0.0, 2.0, 2.0])
    with pytest.raises(GradcError, match="shares memory"):
        compiled(x, out=x)


def gathered(x, i):
    return np.sum(np.tanh(x)[i] ** 2)


@both_backends
@pytest.mark.parametrize("kept", ["", "code"])
def test_a_call_that_fails_writes_nothing(backend, kept, tmp_path, monkeypatch):
    """An index that lies outside is met late; of code that is found on disk it is known, too."""
    monkeypatch.setenv("GRADC_CACHE_DIR", str(tmp_path / kept) if kept else "")
    x, inside, outside = np.arange(2000.0), np.array([1, 2, 3]), np.array([1, 2, 2000])
    for _ in range(2):
        compiled = compile_grad(gathered, backend=backend)
        mine = np.full(2000, -5.0)
        for _ in range(2):
            with pytest.raises(IndexError):
                compiled.value_and_grad(x, outside, out=(None, mine))
            assert (mine == -5.0).all()
            compiled.value_and_grad(x, inside, out=(None, mine))
            np.testing.assert_array_equal(mine, compiled.grad(x, inside))
            mine[:] = -5.0


@both_backends
def test_a_callback_that_raises(backend):
    """In the midst of what is computed."""

    def watched(x):
        first = np.tanh(x)
        debug.callback(check, first)
        return first, first * 2

    def check(first):
        if first[0] > 0:
            raise ValueError("too large")

    compiled = compile_grad(watched, backend=backend)
    mine = np.full(3, -5.0), np.full(3, -5.0)
    with pytest.raises(ValueError, match="too large"):
        compiled(np.ones(3), out=mine)
    np.testing.assert_array_equal(mine, np.full((2, 3), -5.0))
    compiled(-np.ones(3), out=mine)
    np.testing.assert_array_equal(mine, [np.tanh(-np.ones(3)), 2 * np.tanh(-np.ones(3))])


class Interrupt(BaseException):
    """What a handler of a signal raises."""


LINES_OF = [f"gradc.runtime.{one}" for one in ("compiled", "calls", "native_calls", "results_into")]


def raising_at(count):
    """Return a trace function that raises at one of the lines of such a call."""
    left = [count]

    def trace(frame, event, arg):
        if frame.f_globals.get("__name__") not in LINES_OF:
            return None
        if event == "line":
            left[0] -= 1
            if not left[0]:
                raise Interrupt
        return trace

    return trace


@both_backends
@pytest.mark.parametrize(
    "function", [lambda x, y: (x * 2, x + y), lambda x, y: (x * 2, y), gathered]
)
def test_an_interrupt_between_any_two_lines(backend, function):
    """Of all arrays each is written, or none."""
    compiled = compile_grad(function, backend=backend)
    args = (np.arange(6.0), np.array([1, 2, 3])) if function is gathered else (np.ones(3), X[0])
    call = compiled.value_and_grad if function is gathered else compiled
    expected = call(*args)
    mine = tuple(np.full(np.shape(one), -5.0) for one in expected)
    before, count, was_done = sys.gettrace(), 0, False
    while not was_done:
        count += 1
        for one in mine:
            one[...] = -5.0
        try:
            sys.settrace(raising_at(count))
            call(*args, out=mine)
            was_done = True
        except Interrupt:
            pass
        finally:
            sys.settrace(before)
        written = [np.array_equal(one, other) for one, other in zip(mine, expected, strict=True)]
        assert all(written) or all((one == -5.0).all() for one in mine)
    assert all(written)
    assert count > 10


@pytest.mark.skipif(os.name != "posix", reason="has no timers that send signals")
@both_backends
def test_an_interrupt_while_it_runs(backend):
    """Native code looks at signals between its kernels, when the first array would be written."""

    def steps(x):
        first = np.cumsum(np.sin(x))
        last = first
        for k in range(8):
            last = np.cumsum(np.sin(last) * (1.0 + k * 0.01))
        return first, last

    x = np.linspace(0.0, 1.0, 1_000_000)
    compiled = compile_grad(steps, backend=backend)
    expected = compiled(x)
    mine = np.empty_like(x), np.empty_like(x)
    started = perf_counter()
    compiled(x, out=mine)
    whole = perf_counter() - started

    is_armed = False

    def handle(*_):
        if is_armed:
            raise Interrupt

    before = signal.signal(signal.SIGALRM, handle)
    interrupted = 0
    try:
        for part in range(1, 6):
            for one in mine:
                one[...] = -5.0
            try:
                is_armed = True
                signal.setitimer(signal.ITIMER_REAL, whole * part / 6)
                compiled(x, out=mine)
                is_armed = False
            except Interrupt:
                is_armed = False
                interrupted += 1
            same = [np.array_equal(one, other) for one, other in zip(mine, expected, strict=True)]
            assert all(same) or all((one == -5.0).all() for one in mine)
    finally:
        is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted


@both_backends
def test_arguments_that_lie_otherwise(backend):
    compiled = compile_grad(loss, backend=backend)
    mine = np.empty((2, 3))
    compiled.grad(X[::-1], np.asfortranarray(Y), out=mine)
    np.testing.assert_allclose(mine, 1 / np.cosh(X[::-1]) ** 2)


@both_backends
def test_a_parameter_of_this_name(backend):
    """It is the function's own."""
    assert compile_grad(lambda x, out: np.sum(x * out), backend=backend)(X, out=2.0) == 30.0
    assert (
        compile_grad(lambda x, **more: np.sum(x * more["out"]), backend=backend)(X, out=2.0) == 30
    )


@both_backends
def test_inside_of_another_capture(backend):
    inner = compile_grad(loss, backend=backend)

    def outer(x):
        return inner.grad(x, x, out=np.empty((2, 3)))

    with pytest.raises(GradcError, match="from outside"):
        compile_grad(outer, backend=backend)(X)
    with pytest.raises(TypeError):
        inner.jacobian(X, Y, out=None)


class Model:
    @compile_grad
    def loss(self, x):
        return np.sum(x * x)


def test_methods():
    mine = np.empty((2, 3))
    assert Model().loss.grad(X, out=mine) is mine
    np.testing.assert_array_equal(mine, 2 * X)
