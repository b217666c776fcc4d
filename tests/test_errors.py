"""What is said about wrong options, arguments, outputs, cotangents, hooks, and leaked arrays."""

import functools
from unittest.mock import Mock

import numpy as np
import pytest

import gradc
from gradc import CaptureError, DerivativeError, GradcError, TypeRuleError, compile_grad

from .refusal import check_error

VECTOR = np.array([1.0, -2.0, 3.0])


def loss(x, y=1.0):
    return np.sum(x * y)


def fails(call, kind, what, *, got="", fix="", here=True):
    """Check the error of ``call``; its line is the user's call, in this file."""
    with pytest.raises(GradcError) as caught:
        call()
    check_error(caught.value, kind, what, got, fix)
    if here:
        assert caught.value.where.file == __file__
        assert "# here" in str(caught.value.where)


# Options: said at once, so the traceback has the line


@pytest.mark.parametrize(
    ("options", "what", "got", "fix"),
    [
        ({"wrt": "z"}, "wrt='z' names no parameter", "loss(x, y=1.0)", "the name of a parameter"),
        ({"wrt": 2}, "wrt=2 names no parameter", "loss(x, y=1.0)", "the position"),
        ({"wrt": (0, "z")}, "wrt='z' names no parameter", "loss(x, y=1.0)", "a tuple"),
        ({"wrt": None}, "wrt=None names no parameter", "loss(x, y=1.0)", "a tuple"),
        ({"wrt": ()}, "wrt names no parameter", "()", "at least one"),
        ({"static_argnames": "n"}, "names 'n', which is no parameter", "loss(x, y=1.0)", "names"),
        ({"static_argnames": 3}, "takes names of parameters", "3", 'static_argnames=("n",)'),
        ({"backend": "fortran"}, "there is no backend 'fortran'", "", "numpy"),
    ],
)
def test_options(options, what, got, fix):
    fails(lambda: compile_grad(loss, **options), GradcError, what, got=got, fix=fix, here=False)


def test_what_is_compiled_is_a_function_whose_parameters_are_known():
    what = "compile_grad takes a function"
    fails(lambda: compile_grad(3), GradcError, what, got="3", fix="decorator", here=False)
    what = "the parameters of the function cannot be found out"
    fails(lambda: compile_grad(max), GradcError, what, got="max", fix="lambda", here=False)
    part = functools.partial(loss, y=2.0)
    what = "static_argnames names 'n', which is no parameter"
    fails(lambda: compile_grad(part, static_argnames="n"), GradcError, what, here=False)


def test_options_are_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        compile_grad(loss, "x")


# Arguments


@pytest.mark.parametrize(
    ("argument", "what", "fix"),
    [
        (VECTOR * 1j, "the argument x has dtype complex128", "convert it to one of float32"),
        (1j, "the argument x has dtype complex128", "convert it to one of float32"),
        (np.array([None]), "the argument x has dtype object", "convert it to one of float32"),
        (np.array(["a"]), "the argument x has dtype <U1", "convert it to one of float32"),
        (VECTOR.astype("f2"), "the argument x has dtype float16", "convert it to one of float32"),
        (np.zeros(2, "M8[s]"), "the argument x has dtype datetime64", "convert it to one of"),
        (np.zeros(2, "f4,f4"), "the argument x has dtype [('f0'", "convert it to one of"),
        (np.ma.array(VECTOR), "the argument x is a MaskedArray", "pass a plain array"),
        (np.eye(2).view(np.matrix), "the argument x is a matrix", "pass a plain array"),
        ({1, 2}, "x is no array, number or container of these, and not hashable", "dataclasses"),
        ({"a": [bytearray()]}, "x_a_0 is no array, number or container", "hashable"),
        (2**70, "the argument x is an int that does not fit in 64 bits", "static_argnames"),
        (gradc.spec("f8[3]"), "a spec has no numbers to compute with", "pass it to lower()"),
    ],
)
def test_arguments(argument, what, fix):
    kind = GradcError if "spec" in what else CaptureError
    for call in (compile_grad(loss), compile_grad(loss).grad, compile_grad(loss).vjp):
        fails(lambda call=call: call(argument), kind, what, fix=fix)  # here


def test_large_int_after_a_small_one():
    """The short path of the second call says the same as the first call would."""
    compiled = compile_grad(loss)
    compiled(VECTOR, 2)
    what = "the argument y is an int that does not fit in 64 bits"
    fails(lambda: compiled(VECTOR, 2**63), CaptureError, what, got=str(2**63))  # here
    np.testing.assert_allclose(compiled(VECTOR, -3), -6.0)


def test_static_argument_must_be_hashable():
    compiled = compile_grad(loss, static_argnames="y")
    what = "y is no array, number or container of these, and not hashable"
    fails(lambda: compiled(VECTOR, [2.0]), CaptureError, what, got="list", fix="hashable")  # here


def test_arguments_that_do_not_fit_the_parameters():
    """Python's own words, as for a plain function."""
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        compile_grad(loss)()
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        compile_grad(loss)(VECTOR, z=1)


# What is differentiated


@pytest.mark.parametrize("argument", [np.arange(3), np.ones(3, bool), 3, np.int8(3)])
def test_wrt_must_be_floating_point(argument):
    what = "a gradient by x was asked for, which is not floating-point"
    for call in (compile_grad(loss).grad, compile_grad(loss).vjp, compile_grad(loss).lower):
        fails(lambda call=call: call(argument), DerivativeError, what, fix="float64")  # here


@pytest.mark.parametrize(
    ("argument", "got"),
    [
        ("text", "no array"),
        (None, "no array"),
        (True, "no array"),
        ((), "no array"),
        ({"n": np.arange(2), "m": 3}, "(2,) int64, () int64"),
    ],
)
def test_wrt_must_hold_a_floating_point_array(argument, got):
    call = compile_grad(lambda x: 1.0).grad
    what = "a gradient by x was asked for, which is not floating-point"
    fix = "leave it out of wrt"
    fails(lambda: call(argument), DerivativeError, what, got=got, fix=fix)  # here


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda x: x * 2, "(3,) float64"),
        (lambda x: (x[0], x[1]), "() float64, () float64"),
        (lambda x: np.argmax(x), "() int64"),
    ],
)
def test_output_must_be_one_number(function, got):
    what = "a gradient needs a function that returns one floating-point scalar"
    for call in (compile_grad(function).grad, compile_grad(function).value_and_grad):
        fails(lambda call=call: call(VECTOR), DerivativeError, what, got=got, fix="np.sum")  # here


@pytest.mark.parametrize(("result", "got"), [(None, "None"), ("text", "'text'"), ([], "[]")])
def test_output_must_hold_an_array(result, got):
    call = compile_grad(lambda x: result)
    what = "the function returns no array and no number"
    fails(lambda: call(VECTOR), CaptureError, what, got=got, fix="return what it computes")  # here


def test_output_must_be_hashable():
    call = compile_grad(lambda x: (np.sum(x), {1}), has_aux=True)
    what = "output_1 is no array, number or container of these, and not hashable"
    fails(lambda: call(VECTOR), CaptureError, what, got="set")  # here


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda x: np.sum(x), "one array"),
        (lambda x: (np.sum(x), x, x), "tuple of 3"),
        (lambda x: {"value": np.sum(x), "aux": x}, "dict of 2"),
    ],
)
def test_has_aux_needs_a_pair(function, got):
    what = "with has_aux=True the function must return a pair (value, aux)"
    compiled = compile_grad(function, has_aux=True)
    for call in (compiled.grad, compiled.value_and_grad, compiled.vjp, compiled.inspect):
        fails(lambda call=call: call(VECTOR), DerivativeError, what, got=got, fix="pair")  # here

    def nested(x):
        return np.sum(gradc.func.vjp(function, x, has_aux=True)[0])  # here

    fails(lambda: compile_grad(nested)(VECTOR), DerivativeError, what, got=got)


# Cotangents


@pytest.mark.parametrize(
    ("function", "ct", "what", "got"),
    [
        (lambda x: x * 2, np.ones(4), "the shape of its output", "(4,) float64 for (3,) float64"),
        (lambda x: x * 2, 1.0, "the shape of its output", "() float64 for (3,) float64"),
        (lambda x: x * 2, VECTOR * 1j, "and be real", "(3,) complex128 for (3,) float64"),
        (lambda x: x * 2, np.array(["a"] * 3), "and be real", "(3,) str32 for (3,) float64"),
        (lambda x: (x, x), (VECTOR, None), "the shape of its output", "NoneType for (3,)"),
        (lambda x: (x, x), VECTOR, "the structure of the output", "ndarray in place of tuple"),
        (lambda x: (x, x), (VECTOR,), "the structure of the output", "tuple of 1 in place of"),
        (lambda x: {"a": x}, {"b": VECTOR}, "the structure of the output", "dict with a"),
    ],
)
def test_cotangents(function, ct, what, got):
    pullback = compile_grad(function).vjp(VECTOR)[1]
    fails(lambda: pullback(ct), TypeRuleError, what, got=got, fix="pass")  # here


def test_cotangent_of_a_nested_pullback():
    def outer(x):
        pullback = gradc.func.vjp(lambda y: y * 2, x)[1]
        return np.sum(pullback(np.ones(7))[0])  # here

    fails(lambda: compile_grad(outer).grad(VECTOR), TypeRuleError, "shape", got="(7,) float64 for")


# Traced arrays that outlive their capture: kept by code that is not rewritten, such as a mock's

ENDED = "used after the capture of its function had ended"


@pytest.fixture
def leaked():
    """Return an intermediate array of a function that was captured."""
    keep = Mock()

    def keeps(x):
        kept = x * 2
        keep(kept)
        return np.sum(kept)

    compile_grad(keeps).grad(VECTOR)
    return keep.call_args.args[0]


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x * 2,  # here
        lambda x: np.sum(x),  # here
        lambda x: np.concatenate([x, x]),  # here
        lambda x: x[0],  # here
        lambda x: x.T,  # here
        lambda x: x.sum(),  # here
        lambda x: list(x),  # here
        lambda x: bool(x),  # here
        lambda x: float(x),  # here
        lambda x: np.array(x),  # here
        lambda x: gradc.stop_gradient(x),  # here
        lambda x: gradc.register_hook(x, print),  # here
        lambda x: gradc.debug.callback(print, x),  # here
        lambda x: compile_grad(loss).grad(x),  # here
        lambda x: compile_grad(lambda y: np.sum(y * x)).grad(VECTOR),  # here
        lambda x: compile_grad(lambda y: x[0] * y[0]).grad(VECTOR),  # here
        lambda x: compile_grad(lambda y: np.sum(np.stack([y, x]))).grad(VECTOR),  # here
        lambda x: compile_grad(lambda y: (y[0], x), has_aux=True).grad(VECTOR),  # here
        lambda x: compile_grad(lambda y: compile_grad(loss)(x)).grad(VECTOR),  # here
    ],
)
def test_leaked_array(leaked, use):
    fix = "do not store intermediate arrays in globals"
    fails(lambda: use(leaked), CaptureError, ENDED, got="kept: (3,) float64", fix=fix)


def test_leaked_array_stored_to(leaked):
    def store():
        leaked[0] = 1.0  # here

    fails(store, CaptureError, ENDED, got="kept: (3,) float64")


def test_leaked_number():
    """Its value is known, but not that of the next call."""
    keep = Mock()
    compile_grad(lambda x, n: (keep(n), x)[1])(2.0, 3)
    fails(lambda: int(keep.call_args.args[0]), CaptureError, ENDED, got="n: () int64")  # here


def test_leaked_pullback():
    keep = Mock()

    def keeps(x):
        out, pullback = gradc.func.vjp(lambda y: y * 2, x)
        keep(pullback)
        return np.sum(out)

    compile_grad(keeps).grad(VECTOR)
    pullback = keep.call_args.args[0]
    fails(lambda: pullback(VECTOR), CaptureError, ENDED, got="x: (3,) float64")  # here


# Hooks and call-backs


@pytest.mark.parametrize(
    ("result", "got"),
    [
        (np.ones(7), "(7,) float64 in place of (3,) float64"),
        (VECTOR * 1j, "(3,) complex128 in place of (3,) float64"),
        ("text", "() <U4 in place of (3,) float64"),
    ],
)
def test_hook_returns_another_gradient(result, got):
    """The line is that of the registration: the hook runs long after."""

    def replaces(gradient):
        return result

    def hooked(x):
        y = x * 2
        gradc.register_hook(y, replaces)  # here
        return np.sum(y)

    what = "the hook replaces must return None or a gradient of the same shape"
    fails(lambda: compile_grad(hooked).grad(VECTOR), GradcError, what, got=got, fix="return None")


@pytest.mark.parametrize(
    ("value", "function", "got"),
    [("x", 3, "int on "), ("[x]", print, "builtin_function_or_method on list")],
)
def test_hook_is_a_function_on_one_array(value, function, got):
    def hooked(x):
        gradc.register_hook(eval(value, {"x": x}), function)  # here
        return np.sum(x)

    what = "a hook is a function, registered on one array"
    fails(lambda: compile_grad(hooked).grad(VECTOR), CaptureError, what, got=got, fix="each array")


def test_callback_is_a_function():
    def called(x):
        gradc.debug.callback("{}", x)  # here
        return np.sum(x)

    what = "a call-back is a function"
    fails(lambda: compile_grad(called).grad(VECTOR), CaptureError, what, got="str", fix="*values")


def test_exception_of_a_hook_comes_out_unchanged():
    error = KeyError("mine")

    def raises(gradient):
        raise error

    def hooked(x):
        y = x * 2
        gradc.register_hook(y, raises)
        return np.sum(y)

    with pytest.raises(KeyError) as caught:
        compile_grad(hooked).grad(VECTOR)
    assert caught.value is error


def test_second_derivative_through_an_opaque_hook():
    seen = []

    def hooked(x):
        y = x * x
        gradc.register_hook(y, seen.append)  # the hook stands on the next line's operand
        return np.sum(y * y)

    gradient = gradc.func.grad(hooked)
    with pytest.raises(DerivativeError) as caught:
        gradc.func.grad(lambda x: np.sum(gradient(x)))(VECTOR)
    what = "hook_1 is a Python call-back, and what it does cannot be differentiated"
    check_error(caught.value, DerivativeError, what, fix="with NumPy functions of the gradient")
    assert caught.value.where.file == __file__


# Looking at what was compiled


@pytest.mark.parametrize(
    "text", ["", "foo", "f4[", "c8[3]", "O[3]", "f4[1.5]", "f4[-1]", "f4[3][4]", "f4[3,,4]", 3]
)
def test_spec_text(text):
    what = "a spec is a dtype and a shape"
    fix = 'write it as in "f4[128,784]"'
    fails(lambda: gradc.spec(text), GradcError, what, got=repr(text), fix=fix, here=False)


def test_looking():
    compiled = compile_grad(loss)
    what, fix = "what='wasm' names no part", "numpy, pullback, graph, joint, log"
    fails(lambda: compiled.inspect(VECTOR, what="wasm"), GradcError, what, fix=fix, here=False)
    lowered = compiled.lower(VECTOR)
    what = "a module is saved to a .py file"
    fails(lambda: lowered.save("a.txt"), GradcError, what, got="a.txt", fix=".py", here=False)
    what = "explain takes what compile_grad returned"
    fails(lambda: gradc.explain(loss), GradcError, what, got="loss", fix="decorated", here=False)
