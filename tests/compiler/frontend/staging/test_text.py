"""f-strings, ``print`` and ``assert`` of traced values: at each call, with its numbers."""

import io
import math
import sys
import warnings

import numpy as np
import pytest

import gradc
from gradc import compile_grad

from . import checking

X = np.array([0.5, -1.5, 2.0])


def printed(function, capsys, *arguments):
    """Return what a compiled function prints in calls with each argument, and itself."""
    compiled = compile_grad(function)
    for one in arguments:
        compiled(one)
    got = capsys.readouterr().out
    for one in arguments:
        function(one)
    return got, capsys.readouterr().out


@pytest.mark.parametrize(
    "function",
    [
        lambda x: print(x) or x.sum(),
        lambda x: print("x is", x, "and", x[0], x.shape) or x.sum(),
        lambda x: print(x[0], x[1], sep=" | ", end=";\n") or x.sum(),
        lambda x: print(f"{x[0]:.3f} {x[1]!r:>30} {x.sum():{10}.{2}e} {len(x)} {x}") or x.sum(),
        lambda x: print(f"{x[0] = :.2f} {'text'!s:>8} {{}}") or x.sum(),
        lambda x: print(f"outer {f'inner {x[0]:.1f}'} {math.exp(x[0]):.4f}") or x.sum(),
        lambda x: print([x[0], (x[1], "a")], {"k": x[2]}) or x.sum(),
        lambda x: print(float(x[0]), int(x[2]), x[0] > 0, x.argmax()) or x.sum(),
        lambda x: print() or x.sum(),
        lambda x: print("nothing traced", 3, [1, 2], None) or x.sum(),
        lambda x: print(np.arange(3), x.dtype, type(x).__name__) or x.sum(),
    ],
)
def test_print_has_the_numbers_of_each_call(function, capsys):
    """The very text that the function would print."""
    got, expected = printed(function, capsys, X, X * 2)
    assert got == expected


def test_print_to_a_file_and_in_a_loop():
    streams = io.StringIO(), io.StringIO()

    def loss(x, stream):
        for i in range(2):
            x = x * 2
            print(f"step {i}: {np.sum(x):.2f}", file=stream, flush=True)
        return np.sum(x)

    compiled = compile_grad(loss, static_argnames="stream")
    compiled.grad(X, streams[0])
    loss(X, streams[1])
    assert streams[0].getvalue() == streams[1].getvalue() == "step 0: 2.00\nstep 1: 4.00\n"


def test_print_goes_to_the_stream_of_the_moment(monkeypatch):
    """A notebook changes ``sys.stdout`` between calls."""
    compiled = compile_grad(lambda x: print(f"{x[0]}") or x.sum())
    texts = []
    for _ in range(2):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        compiled(X)
        texts.append(stream.getvalue())
    assert texts == ["0.5\n", "0.5\n"]


def test_text_of_what_does_not_depend_on_the_arguments_is_text():
    """It may be a key or decide a branch."""

    def loss(x, n):
        name = f"w{n}_{len(x)}_{np.arange(2).sum()}"
        table = {"w2_3_1": x * 2, "w3_3_1": x * 3}
        return np.sum(table[name]) if name.startswith("w") else math.nan

    for n in (2, 3):
        np.testing.assert_array_equal(compile_grad(loss).grad(X, n), np.full(3, float(n)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: len(f"{x[0]:.3f}") * x[0],
        lambda x: {"0.5": x[0]}[f"{x[0]}"],
        lambda x: x[0] if f"{x[0]}".startswith("0") else x[1],
        lambda x: float(f"{x[0]:.1f}") * x[1],
        lambda x: float("{:.1f}".format(x[0])) * x[1],  # noqa: UP032
        lambda x: float("%.1f" % x[0]) * x[1],
        lambda x: len(str(x[0])) * x[0],
    ],
)
def test_text_of_traced_values_is_not_looked_at(function):
    """It is not known before the call; what it was while capturing must decide nothing."""
    with pytest.raises(gradc.CaptureError, match="written as text|converted to a Python number"):
        compile_grad(function).grad(X)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: print("first: " + str(x[0])) or x.sum(),
        lambda x: print(f"first: {x[0]}") or x.sum(),
        lambda x: print("first: %s" % x[0]) or x.sum(),
        lambda x: print(f"{x[0]:.2f}" + "!" * 3) or x.sum(),
        lambda x: print(f"{x[0]:.2f}"[:2]) or x.sum(),
    ],
)
def test_text_made_otherwise_is_right_or_refused(function, capsys):
    """Never the text of a tracer at every call."""
    refused = None
    try:
        got, expected = printed(function, capsys, X)
    except gradc.CaptureError as error:
        refused = error.what
    assert "written as text" in refused if refused else got == expected


def test_messages_of_errors_and_warnings():
    """A text with traced values in an exception shows what is known of them: their types."""

    def loss(x):
        if len(x) > 2:
            raise ValueError(f"too long: {len(x)} of {x}")
        return np.sum(x)

    with pytest.raises(ValueError, match="too long: 3 of <traced"):
        compile_grad(loss)(X)

    def warns(x):
        warnings.warn(f"long: {len(x)}", stacklevel=1)
        return np.sum(x)

    with pytest.warns(UserWarning, match="long: 3"):
        compile_grad(warns)(X)


# Assertions: of a module that pytest does not rewrite


@pytest.mark.parametrize("mode", ["__call__", "grad", "value_and_grad", "vjp"])
def test_assert_is_checked_at_each_call(mode):
    """With the message of that call."""
    run = getattr(compile_grad(checking.positive), mode)
    run(np.abs(X))
    with pytest.raises(AssertionError, match=r"^the smallest is -1\.50 of 3$"):
        run(X)
    run(np.abs(X) + 1)


@pytest.mark.parametrize("function", [checking.bare, checking.nested, checking.of_an_array])
def test_assertions_of_every_form(function):
    compiled = compile_grad(function)
    np.testing.assert_array_equal(compiled.grad(np.abs(X)), np.ones(3))
    with pytest.raises(AssertionError):
        compiled.grad(X)


def test_assert_of_what_is_known_is_checked_while_capturing():
    """Its message is made only where it is needed."""
    with pytest.raises(AssertionError, match="a matrix, please"):
        compile_grad(checking.of_the_shape)(X)
    assert float(compile_grad(checking.of_the_shape)(np.ones((2, 2)))) == 4.0


def test_failed_assert_changes_nothing():
    x, state = X.copy(), checking.State()
    with pytest.raises(AssertionError):
        compile_grad(checking.stores_then_asserts)(x, state)
    np.testing.assert_array_equal(x, X)
    assert state.count == 0


def test_assert_in_a_test_module():
    """Pytest rewrites the asserts of this very module: its functions have their source still."""

    def loss(x):
        assert np.all(x > -9)
        return math.exp(x[0])

    np.testing.assert_allclose(compile_grad(loss).grad(X), [np.exp(0.5), 0.0, 0.0])
