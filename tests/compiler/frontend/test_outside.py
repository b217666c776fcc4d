"""Arrays that are no arguments are read anew at each call, wherever they lie."""

import types
from types import SimpleNamespace

import numpy as np
import pytest

import gradc
from gradc import compile_grad

from .changing import Model, X, check

# Arrays are inputs


def test_array_of_an_attribute():
    """Rebound, changed in place, replaced with its object: one program."""
    model = Model()
    holder = SimpleNamespace(model=model)
    check(
        lambda x: np.sum(holder.model.w * x),
        lambda: setattr(model, "w", X * 5),
        lambda: model.w.__setitem__(0, 100.0),
        lambda: setattr(holder, "model", Model(X * 7)),
        compiles=1,
    )


def test_array_of_a_closure_and_of_a_global():
    w = X.copy()

    def rebind(value):
        nonlocal w
        w = value

    scope = {"np": np, "W": X, "__name__": "users_module"}
    check(lambda x: np.sum(w * x), lambda: rebind(X * 3), lambda: w.fill(2.0), compiles=1)
    exec("def loss(x): return np.sum(W * x)", scope)
    check(scope["loss"], lambda: scope.update(W=X * 3))


def test_arrays_in_containers():
    """Of any depth; a container that is replaced by an equal one is the same to the program."""
    model = Model()
    check(
        lambda x: np.sum(model.parts["a"] * x) + np.sum(model.parts["b"][1] * x) * model.bias,
        lambda: model.parts.update(a=X),
        lambda: model.parts["b"].__setitem__(1, X * 2),
        lambda: setattr(model, "parts", {"a": X * 3, "b": [2.0, X * 4]}),
        compiles=1,
    )


def test_array_of_another_type_compiles_anew():
    """Shape, dtype, byte order; back again it is there already."""
    model = Model()
    changes = [X.astype("f4"), X.astype(">f8"), np.float64(2.0), 3.0, 3, np.ones((2, 3)), X]
    check(
        lambda x: np.sum(model.w * x),
        *(lambda one=one: setattr(model, "w", one) for one in changes),
        compiles=len(changes),
    )


def test_views_and_layouts():
    """Transposed, strided and read-only arrays are read as they are."""
    model = Model(np.arange(9.0).reshape(3, 3))
    frozen = np.arange(9.0).reshape(3, 3) * 3
    frozen.flags.writeable = False
    changes = [np.arange(9.0).reshape(3, 3).T, np.arange(36.0).reshape(6, 6)[::2, 1::2], frozen]
    check(
        lambda x: np.sum(model.w.reshape(-1)[:3] * x) + np.sum((model.w @ x).ravel()),
        *(lambda one=one: setattr(model, "w", one) for one in changes),
    )


def test_two_names_for_one_array():
    """Stored to through one, it is seen through the other; once they are two, it is not."""
    model = Model()
    model.v = model.w

    def loss(x):
        model.w[0] = 5.0
        return np.sum(model.v * x)

    compiled = compile_grad(loss)
    np.testing.assert_array_equal(compiled.grad(X), [5.0, -2.0, 3.0])
    model.v, model.w = X.copy(), X.copy()
    np.testing.assert_array_equal(compiled.grad(X), [1.0, -2.0, 3.0])
    np.testing.assert_array_equal(model.w, [5.0, -2.0, 3.0])
    model.v = model.w = X * 2
    np.testing.assert_array_equal(compiled.grad(X), [5.0, -4.0, 6.0])


@pytest.mark.parametrize("first", ["w", "v"])
def test_two_names_that_become_two_arrays(first):
    """Tied weights that are untied by either name, tied again, and updated together."""
    model = SimpleNamespace(w=X, v=X)
    check(
        lambda x: np.sum(model.w * x) + 10 * np.sum(model.v * x),
        lambda: setattr(model, first, X * 3),
        lambda: setattr(model, "v" if first == "w" else "w", X * 5),
        lambda: vars(model).update(w=X, v=X),
        lambda: vars(model).update(w=X * 7, v=X * 7),
    )


def test_two_names_that_stay_one_array_compile_once():
    """Tied weights that are rebound at each step."""
    model = SimpleNamespace(w=X, v=X)
    compiled = compile_grad(lambda x: np.sum(model.w * x) + 10 * np.sum(model.v * x))
    for step in range(4):
        model.w = model.v = X * step
        np.testing.assert_allclose(compiled.grad(X), 11 * X * step)
    assert len(compiled.history) == 1


@pytest.mark.parametrize("make", [Model, lambda: [X], lambda: {"w": X}])
def test_two_names_for_one_object(make):
    """An object, a list or a dict that two names share, and then do not."""

    def w_of(one):
        return one.w if isinstance(one, Model) else one["w" if isinstance(one, dict) else 0]

    def other():
        one = make()
        if isinstance(one, Model):
            one.w = X * 3
        else:
            one["w" if isinstance(one, dict) else 0] = X * 3
        return one

    shared = make()
    holder = SimpleNamespace(a=shared, b=shared)
    check(
        lambda x: np.sum(w_of(holder.a) * x) + 10 * np.sum(w_of(holder.b) * x),
        lambda: setattr(holder, "a", other()),
        lambda: setattr(holder, "b", holder.a),
        lambda: setattr(holder, "a", make()),
    )


def test_argument_that_is_also_reached_otherwise():
    """``f(model.w)`` that reads ``model.w``: two inputs; the gradient is by the argument alone."""
    model = Model()
    compiled = compile_grad(lambda w: np.sum(w * model.w))
    for _ in range(2):
        np.testing.assert_array_equal(compiled.grad(model.w), model.w)
    model.w = X * 3
    np.testing.assert_array_equal(compiled.grad(model.w), X * 3)


def test_default_arguments_that_are_arrays_and_containers():
    """Defaults are arguments: an array in one is read at each call."""
    table = {"w": X.copy()}

    def loss(x, parts=table, w=X.copy(), n=2):  # noqa: B008
        return np.sum(x * parts["w"] * w) * n

    check(loss, lambda: table.update(w=X * 2), lambda: table["w"].fill(1.0), compiles=1)


def test_arrays_of_classes_and_modules():
    """Class attributes, and those of the user's modules."""
    module = types.ModuleType("module_of_the_user")
    module.w, module.rate = X * 2, 3.0
    check(
        lambda x: np.sum(module.w * x) * module.rate * Model.scale,
        lambda: setattr(module, "w", X * 5),
        lambda: setattr(module, "rate", 7.0),
    )

    class Settings:
        w = X

    check(lambda x: np.sum(Settings.w * x), lambda: setattr(Settings, "w", X * 3), compiles=1)


def test_attribute_that_hides_that_of_the_class():
    """``self.scale`` is the class's until the instance gets its own."""
    model = Model()
    check(
        lambda x: np.sum(x) * model.scale,
        lambda: setattr(model, "scale", 5.0),
        lambda: delattr(model, "scale"),
    )


def test_attribute_that_appears():
    """``getattr`` with a default, and ``hasattr``."""
    model = SimpleNamespace()

    def loss(x):
        extra = 2.0 if hasattr(model, "flag") else 1.0
        return np.sum(x) * getattr(model, "scale", 3.0) * extra

    check(
        loss,
        lambda: setattr(model, "scale", 5.0),
        lambda: setattr(model, "flag", None),
        lambda: delattr(model, "scale"),
    )


# Through calls


def test_state_read_by_helpers_methods_and_properties():
    """Wherever the code stands that reads it."""
    model = Model()
    rates = {"w": 2.0}

    class Wrapper:
        def __init__(self, inner):
            self.inner = inner

        @property
        def weighted(self):
            return self.inner.w * rates["w"]

        def __call__(self, x):
            return np.sum(self.weighted * x)

    wrapper = Wrapper(model)

    def helper(x):
        return [wrapper(one) for one in (x, x * 2)][1]

    check(
        lambda x: helper(x),
        lambda: rates.update(w=3.0),
        lambda: setattr(model, "w", X * 2),
        lambda: setattr(wrapper, "inner", Model(X * 5)),
    )


@pytest.mark.parametrize("differentiate", [False, True])
def test_state_read_by_an_inner_compiled_function(differentiate):
    """It is state of the outer one too."""
    model = Model()
    inner = compile_grad(lambda y: np.sum(y * model.w) * model.bias)

    def loss(x):
        return np.sum(inner.grad(x) * x) if differentiate else inner(x)

    compiled = compile_grad(loss)
    for change in (
        lambda: None,
        lambda: setattr(model, "w", X * 3),
        lambda: setattr(model, "bias", 2.0),
    ):
        change()
        np.testing.assert_allclose(compiled.grad(X), model.w * model.bias)


def test_functional_forms_read_it_anew():
    model = Model()
    gradient = gradc.func.grad(lambda x: np.sum(model.w * x))
    np.testing.assert_array_equal(gradient(X), X)
    model.w = X * 2
    np.testing.assert_array_equal(gradient(X), X * 2)
    _, pullback = gradc.func.vjp(lambda x: model.w * x, X)
    model.w = X * 5
    np.testing.assert_array_equal(pullback(np.ones(3))[0], X * 2)


def test_reason_names_what_changed():
    """``explain`` says why it compiled again."""
    model = Model()
    compiled = compile_grad(lambda x: np.sum(x) * model.bias)
    compiled.grad(X)
    model.bias = 2.0
    compiled.grad(X)
    assert "model.bias was 1.0" in gradc.explain(compiled)


def test_capture_changes_nothing_and_keeps_no_tracer():
    """After a call everything outside is what it was: the very objects."""
    model = Model()
    inner = model.parts["b"]
    before = {**vars(model)}
    compile_grad(lambda x: np.sum(model.parts["b"][1] * x) + model.bias).grad(X)
    assert vars(model).keys() == before.keys()
    assert all(vars(model)[name] is before[name] for name in before)
    assert model.parts["b"] is inner
    assert type(inner[1]) is np.ndarray
