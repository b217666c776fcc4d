"""What hooks and call-backs see, in which order, and how often; what they do outside a capture."""

import numpy as np
import pytest

import gradc
from gradc import compile_grad

from .programs import BY_NAME
from .programs.effects import RECORDED


@pytest.fixture(autouse=True)
def empty_record():
    RECORDED.clear()


def compiled_and_x(name):
    program = BY_NAME[name]
    return compile_grad(program.fn, **program.options), program.args()[0]


def labels():
    return [label for label, _ in RECORDED]


def test_hook_sees_the_complete_gradient_at_every_call():
    """The second call comes from the cache and calls the hook all the same."""
    compiled, x = compiled_and_x("recording_hook")
    for factor in (1.0, 3.0):
        RECORDED.clear()
        compiled.grad(factor * x)
        assert labels() == ["gradient of y"]
        np.testing.assert_allclose(RECORDED[0][1], 2 * factor * x)


def test_hook_is_not_called_without_a_backward_pass():
    compiled, x = compiled_and_x("recording_hook")
    compiled(x)
    assert labels() == []


def test_hook_off_the_path_is_not_called():
    program = BY_NAME["hook_off_the_path"]
    compile_grad(program.fn, **program.options).grad(*program.args())
    assert labels() == []


def test_replacing_hook_gets_a_concrete_array():
    compiled, x = compiled_and_x("replacing_callback")
    compiled.grad(x)
    assert labels() == ["replaced"]
    np.testing.assert_allclose(RECORDED[0][1], 4 * x)


def test_callbacks_run_in_the_order_of_the_program():
    compiled, x = compiled_and_x("callbacks_in_order")
    for run in (compiled, compiled.value_and_grad):
        RECORDED.clear()
        run(x)
        assert labels() == ["y", "total"]
        np.testing.assert_allclose(RECORDED[0][1], x * x)
        np.testing.assert_allclose(RECORDED[1][1], np.sum(x * x))


def test_hooks_run_after_the_forward_callbacks_and_backwards():
    """The gradient reaches the later value first."""
    seen = []

    def loss(x):
        y = np.sin(x)
        gradc.register_hook(y, lambda g: seen.append("hook of y"))
        z = y * 2
        gradc.register_hook(z, lambda g: seen.append("hook of z"))
        gradc.debug.callback(lambda value: seen.append("z"), z)
        return np.sum(z)

    compile_grad(loss).grad(np.ones(3))
    assert seen == ["z", "hook of z", "hook of y"]


def test_printing(capsys):
    compiled, x = compiled_and_x("printed_values")
    compiled(x)
    y = np.exp(x)
    assert capsys.readouterr().out == f"y is {y} and its sum {np.sum(y):.3f}\n"
    compiled, x = compiled_and_x("printing_hook")
    compiled.grad(x)
    assert capsys.readouterr().out == "gradient of y: [1. 1. 1. 1.]\n"


def test_callbacks_get_arrays_of_their_own():
    """What a call-back keeps is not overwritten by the rest of the program or by the next call."""
    kept = []

    def loss(x):
        y = x * 2
        gradc.debug.callback(kept.append, y)
        y[:] = 0.0
        gradc.debug.callback(kept.append, y)
        return np.sum(y * x)

    compiled = compile_grad(loss)
    compiled.grad(np.ones(3))
    compiled.grad(np.full(3, 5.0))
    np.testing.assert_array_equal(kept, [[2.0] * 3, [0.0] * 3, [10.0] * 3, [0.0] * 3])


def test_exception_of_a_callback_reaches_the_caller():
    def refuse(value):
        raise LookupError("not this value")

    def loss(x):
        y = x * x
        gradc.debug.callback(refuse, y)
        return np.sum(y)

    with pytest.raises(LookupError, match="not this value"):
        compile_grad(loss).grad(np.ones(2))


def test_hook_with_a_gradient_of_another_shape_is_refused():
    def loss(x):
        y = x * 2
        gradc.register_hook(y, lambda g: np.ones(7))
        return np.sum(y)

    with pytest.raises(gradc.GradcError, match="shape"):
        compile_grad(loss).grad(np.ones(3))


def test_second_derivative_through_an_opaque_hook_is_refused():
    """Only at run time is it known whether the hook replaces the gradient; zero would be wrong."""
    program = BY_NAME["recording_hook"]
    gradient = gradc.func.grad(program.fn)
    with pytest.raises(gradc.DerivativeError):
        gradc.func.grad(lambda x: np.sum(gradient(x)))(*program.args())


def test_no_grad_as_it_nests():
    """Regions end where their block ends, also inside one another and as decorators."""

    @gradc.no_grad()
    def frozen(x):
        return x**2

    def loss(x):
        with gradc.no_grad():
            with gradc.no_grad():
                a = x * 2
            b = x * 3
        return np.sum(x * (a + b) + frozen(x))

    x = np.array([1.0, -2.0])
    np.testing.assert_allclose(compile_grad(loss).grad(x), 5 * x)


def test_outside_a_capture_nothing_happens(capsys):
    """So that a program also runs as plain NumPy."""
    x, seen = np.ones(3), []
    assert gradc.stop_gradient(x) is x
    with gradc.no_grad():
        y = x * 2
    handle = gradc.register_hook(y, seen.append)
    handle.remove()
    assert seen == []
    gradc.debug.callback(seen.append, 7)
    gradc.debug.print("{} of {:.1f}", 1, 2.0)
    assert seen == [7]
    assert capsys.readouterr().out == "1 of 2.0\n"
