"""Forward mode as users call it: jvp, linearize, hvp; structures, state and effects."""

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gradc import (
    DerivativeError,
    GradcError,
    compile_grad,
    debug,
    func,
    no_grad,
    register_hook,
    spec,
    stop_gradient,
)

from ..references import tree_leaves

X = np.array([0.5, -1.0, 2.0])
T = np.array([1.0, 2.0, -0.5])
U = np.array([-0.25, 1.5, 1.0])


@compile_grad
def energy(x):
    return np.sum(x**3)


@compile_grad(wrt=("x", "w"))
def product(x, w, scale=2.0):
    return np.sin(x) * w * scale


# What comes back


def test_value_and_tangent():
    """As the gradient has it: sum(3 x^2 t); both are what NumPy would give."""
    value, tangent = energy.jvp((X,), T)
    assert type(value) is type(tangent) is np.float64
    assert value == np.sum(X**3)
    np.testing.assert_allclose(tangent, np.sum(3 * X**2 * T), rtol=1e-15)


def test_tuple_in_wrt_takes_a_tuple():
    value, tangent = product.jvp((X, U), (T, X))
    np.testing.assert_allclose(value, 2 * np.sin(X) * U)
    np.testing.assert_allclose(tangent, 2 * (np.cos(X) * T * U + np.sin(X) * X))
    only = compile_grad(product.__wrapped__, wrt=(0,)).jvp((X, U), (T,))[1]
    np.testing.assert_allclose(only, 2 * np.cos(X) * T * U)


def test_all_arguments_of_the_function_forms():
    """jvp, hvp and linearize of func differentiate by all arguments, as torch.func does."""
    out, tangent = func.jvp(np.multiply, (X, U), (T, X))
    np.testing.assert_array_equal(out, X * U)
    np.testing.assert_allclose(tangent, T * U + X * X)
    by_x, by_w = func.hvp(lambda x, w: np.sum(x * x * w), (X, U), (T, X))
    np.testing.assert_allclose(by_x, 2 * U * T + 2 * X * X)
    np.testing.assert_allclose(by_w, 2 * X * T)
    out, push = func.linearize(lambda x, w: {"a": x * w}, X, U)
    np.testing.assert_array_equal(out["a"], X * U)
    np.testing.assert_allclose(push(T, X)["a"], T * U + X * X)
    np.testing.assert_allclose(push(X, T)["a"], X * U + X * T)


# Of torch, about itself.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Attempted:UserWarning")
def test_agreement_with_torch():
    """The same calls, the same numbers."""
    torch = pytest.importorskip("torch")
    primals, tangents = (X, U), (T, X)
    tensors = tuple(map(torch.from_numpy, primals)), tuple(map(torch.from_numpy, tangents))
    ours = func.jvp(lambda x, w: np.tanh(x) * w + x, primals, tangents)
    theirs = torch.func.jvp(lambda x, w: torch.tanh(x) * w + x, *tensors)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-14)
    out, push = func.linearize(lambda x, w: np.exp(x) * w, *primals)
    expected, torch_push = torch.func.linearize(lambda x, w: torch.exp(x) * w, *tensors[0])
    np.testing.assert_allclose(out, expected.numpy(), rtol=1e-14)
    np.testing.assert_allclose(push(*tangents), torch_push(*tensors[1]).numpy(), rtol=1e-14)
    pair = func.jvp(lambda x: (x * 2, {"s": x.sum()}), (X,), (T,), has_aux=True)
    ones = tensors[0][:1], tensors[1][:1]
    other = torch.func.jvp(lambda x: (x * 2, {"s": x.sum()}), *ones, has_aux=True)
    assert len(pair) == len(other) == 3
    np.testing.assert_allclose(pair[1], other[1].numpy())
    assert pair[2]["s"] == float(other[2]["s"])


def test_outputs_that_are_no_floats_have_zeros():
    """Integers and bools, of their own dtype; what is no array is handed on."""

    def several(x):
        return {"place": np.argmax(x), "signs": x > 0, "square": x * x, "text": "as it is", "n": 3}

    f = compile_grad(several)
    for value, tangent in (f.jvp((X,), T), (lambda pair: (pair[0], pair[1](T)))(f.linearize(X))):
        assert value["place"] == 2
        assert tangent["place"] == 0
        assert np.asarray(tangent["place"]).dtype == np.int64
        assert tangent["signs"].tolist() == [False] * 3
        np.testing.assert_allclose(tangent["square"], 2 * X * T)
        assert tangent["text"] == "as it is"
    value, tangent = compile_grad(lambda x: x > 0).jvp((X,), T)
    assert tangent.tolist() == [False] * 3


def test_output_that_does_not_depend_has_zeros():
    value, tangent = compile_grad(lambda x, y: y * 2).jvp((X, U), T)
    np.testing.assert_array_equal(value, 2 * U)
    np.testing.assert_array_equal(tangent, np.zeros(3))


Pair = namedtuple("Pair", "left right")


@dataclass
class State:
    place: Any
    steps: Any


@pytest.mark.parametrize(
    ("make", "of"),
    [
        (lambda a, b: (a, [b, 3]), lambda p: p[0] * p[1][0]),
        (lambda a, b: {"a": a, "b": {"c": b}}, lambda p: p["a"] * p["b"]["c"]),
        (Pair, lambda p: p.left * p.right),
        (State, lambda p: p.place * p.steps),
    ],
)
def test_structures_of_arguments(make, of):
    """Tangents have the structure of the argument; of its integers they may say anything."""
    f = compile_grad(of)
    out, tangent = f.jvp((make(X, U),), make(T, X))
    np.testing.assert_allclose(out, X * U)
    np.testing.assert_allclose(tangent, T * U + X * X)
    g = compile_grad(lambda p: np.sum(of(p) * of(p)))
    product = g.hvp((make(X, U),), make(T, X))
    assert type(product) is type(make(X, U))
    by_x, by_u = tree_leaves(product)  # of sum(x^2 u^2): 2 x u^2 and 2 x^2 u, pushed along
    np.testing.assert_allclose(by_x, 2 * T * U**2 + 4 * X * U * X)
    np.testing.assert_allclose(by_u, 4 * X * U * T + 2 * X**2 * X)


def test_integers_in_a_container_take_none():
    out, tangent = compile_grad(lambda p: p["w"] * p["n"]).jvp(
        ({"w": X, "n": 3},), {"w": T, "n": None}
    )
    np.testing.assert_array_equal(tangent, 3 * T)


def test_auxiliary_results_are_handed_on():
    """In the places of torch.func: (out, tangent, aux); hvp as grad: (product, aux)."""
    f = compile_grad(lambda x: (np.sum(x**3), {"twice": 2 * x, "name": "aux"}), has_aux=True)
    value, tangent, aux = f.jvp((X,), T)
    assert (value, aux["name"]) == (np.sum(X**3), "aux")
    np.testing.assert_allclose(tangent, np.sum(3 * X**2 * T))
    np.testing.assert_array_equal(aux["twice"], 2 * X)
    product, aux = f.hvp((X,), T)
    np.testing.assert_allclose(product, 6 * X * T)
    np.testing.assert_array_equal(aux["twice"], 2 * X)
    out, push, aux = f.linearize(X)
    assert (out, aux["name"], push(T)) == (value, "aux", tangent)
    out, tangent, aux = func.jvp(lambda x, w: (x * w, w), (X, U), (T, X), has_aux=True)
    np.testing.assert_allclose(tangent, T * U + X * X)
    np.testing.assert_array_equal(aux, U)


def test_float32_stays_float32():
    """Tangents of another dtype are converted to that of their argument."""
    single = X.astype(np.float32)
    value, tangent = energy.jvp((single,), T)
    assert value.dtype == tangent.dtype == np.float32
    assert energy.hvp((single,), [1, 2, 3] * np.ones(3, np.int64)).dtype == np.float32
    np.testing.assert_allclose(
        energy.jvp((X,), np.array([1, 2, 3]))[1], np.sum(3 * X**2 * [1, 2, 3])
    )


def test_python_numbers():
    """As arguments and as tangents."""
    f = compile_grad(lambda x, n: x**n)
    assert f.jvp((2.0, 3), 1) == (8.0, 12.0)
    assert f.hvp((2.0, 3), 1.0) == 12.0
    assert [f.linearize(2.0, n)[1](0.5) for n in (2, 3)] == [2.0, 6.0]


# linearize


def test_linearize_computes_the_value_once():
    """What it calls outside runs once, however many tangents are pushed."""
    seen = []

    @compile_grad
    def f(x):
        y = np.exp(x)
        debug.callback(seen.append, y)
        return y * x

    _, push = f.linearize(X)
    pushed = [push(direction) for direction in (T, U, X)]
    assert len(seen) == 1
    for tangent, direction in zip(pushed, (T, U, X), strict=True):
        np.testing.assert_allclose(tangent, np.exp(X) * (1 + X) * direction, rtol=1e-14)


def test_linearize_holds_what_it_read():
    """Arguments that change afterwards do not change the tangents."""
    x = X.copy()
    out, push = energy.linearize(x)
    x[:] = 0
    np.testing.assert_allclose(push(T), np.sum(3 * X**2 * T))
    again = push(T)
    assert again == push(T)


def test_results_share_no_memory():
    """Of the identity too: the tangent is not the array that was passed."""
    f = compile_grad(lambda x: x)
    tangent = f.jvp((X,), T)[1]
    assert not np.may_share_memory(tangent, T)
    out, push = f.linearize(X)
    assert not np.may_share_memory(push(T), T)


# What tangents pass, and what not


def test_hooks_are_not_called():
    """Neither those that become part of the program nor call-backs."""
    seen = []

    @compile_grad
    def f(x):
        y = x * x
        register_hook(y, lambda g: g * 100.0)
        register_hook(y, lambda g: seen.append(g))
        return np.sum(y * y)

    np.testing.assert_allclose(f.jvp((X,), T)[1], np.sum(4 * X**3 * T))
    np.testing.assert_allclose(f.linearize(X)[1](T), np.sum(4 * X**3 * T))
    assert seen == []
    f.grad(X)
    assert len(seen) == 1


def test_hooks_act_on_gradients_that_are_pushed():
    """Hvp differentiates the gradient that they made; what cannot be, is refused with its line."""
    scale = 2.0

    def doubled(x):
        y = x * x
        register_hook(y, lambda g: g * 2.0)
        return np.sum(y * x)

    # gradient: 2 (x) (2 x) + x^2 = 5 x^2
    np.testing.assert_allclose(compile_grad(doubled).hvp((X,), T), 10 * X * T)

    def opaque(x):
        y = x * x
        register_hook(y, lambda g: g * scale)
        return np.sum(y * x)

    with pytest.raises(DerivativeError, match="hook_1 is a Python call-back") as caught:
        compile_grad(opaque).hvp((X,), T)
    assert "register_hook(y, lambda g: g * scale)" in str(caught.value)


def test_stopped_gradients_are_stopped_tangents():
    np.testing.assert_array_equal(
        compile_grad(lambda x: x * stop_gradient(x)).jvp((X,), T)[1], X * T
    )

    @compile_grad
    def f(x):
        with no_grad():
            weight = x * x
        return weight * x

    np.testing.assert_allclose(f.jvp((X,), T)[1], X * X * T)


# Effects and state


def test_stores_to_arguments_happen_once():
    @compile_grad
    def f(x, log):
        log[0] += np.sum(x)
        return np.sum(x * x) * log[1]

    for run in (
        lambda log: f.jvp((X, log), T)[1],
        lambda log: f.linearize(X, log)[1](T),
        lambda log: np.sum(f.hvp((X, log), T) * X),
    ):
        log = np.array([1.0, 2.0])
        np.testing.assert_allclose(run(log), 4 * np.sum(X * T))
        np.testing.assert_allclose(log, [1 + np.sum(X), 2.0])


def test_arrays_outside_are_read_anew():
    weights = np.array([1.0, 2.0, 3.0])
    f = compile_grad(lambda x: np.sum(weights * x * x))
    np.testing.assert_allclose(f.jvp((X,), T)[1], np.sum(2 * weights * X * T))
    _, push = f.linearize(X)
    weights[:] = 5.0
    np.testing.assert_allclose(f.jvp((X,), T)[1], np.sum(10 * X * T))
    np.testing.assert_allclose(f.hvp((X,), T), 10 * T)
    np.testing.assert_allclose(push(T), np.sum(2 * np.array([1.0, 2.0, 3.0]) * X * T))


class Model:
    def __init__(self):
        self.w = U

    @compile_grad
    def loss(self, x):
        return np.sum(self.w * x**3)

    @compile_grad(wrt="x")
    @classmethod
    def plain(cls, x):
        return np.sum(x**3)


def test_methods():
    """Primals come without the instance; what is read of it is found anew."""
    model = Model()
    np.testing.assert_allclose(model.loss.jvp((X,), T)[1], np.sum(U * 3 * X**2 * T))
    np.testing.assert_allclose(model.loss.hvp((X,), T), U * 6 * X * T)
    np.testing.assert_allclose(model.loss.linearize(X)[1](T), np.sum(U * 3 * X**2 * T))
    model.w = T
    np.testing.assert_allclose(model.loss.hvp((X,), T), T * 6 * X * T)
    np.testing.assert_allclose(Model.plain.jvp((X,), T)[1], np.sum(3 * X**2 * T))
    assert "t_x" in model.loss.inspect(X, what="jvp")
    with pytest.raises(GradcError, match="in a tuple"):
        model.loss.jvp(X, T)


def test_code_is_compiled_once():
    f = compile_grad(lambda x: np.sum(x * x))
    first = f.jvp((X,), T), f.hvp((X,), T), f.linearize(X)[1](T)
    account = str(f.history[0][1].log)
    second = f.jvp((X,), T), f.hvp((X,), T), f.linearize(X)[1](T)
    assert len(f.history) == 1
    assert str(f.history[0][1].log) == account
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


# Looking


def test_module_of_jvp(tmp_path):
    """One program, in the user's names; also for a size that is not known; it can be saved."""
    text = product.inspect(X, U, what="jvp")
    assert text.startswith('"""The value and its tangent of product.')
    assert "def product_jvp(x, w, scale, t_x, t_w):" in text
    assert "    the tangent of the value." in text
    assert text.count("np.sin(x)") == 1
    path = product.lower(X, U).save(tmp_path / "made.py", what="jvp")
    scope: dict[str, Any] = {}
    exec(path.read_text("utf-8"), scope)
    value, tangent = scope["product_jvp"](X, U, 2.0, T, X)
    for one, other in zip((value, tangent), product.jvp((X, U), (T, X)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert "t_x" in energy.lower(spec("f8[n]")).jvp
