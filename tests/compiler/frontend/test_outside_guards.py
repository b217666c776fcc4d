"""Numbers, texts, functions, objects and containers of the outside: the program depends on them."""

import math
from collections import OrderedDict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from gradc import compile_grad

from .changing import Model, X, check

Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "values",
    [
        (2.0, 3.0, 4.0, 5.0),
        (2, 3, 4, 5),
        (2, 2.0, True, np.float64(2.0), np.float32(2.0), np.int8(2)),
        (0.0, -0.0, 0.0),
        (math.nan, 1.0, math.nan),
        (math.inf, -math.inf),
        (2**40, 2**41),
    ],
)
def test_numbers(values):
    """Value and type of what comes out are those of plain NumPy at each call."""
    model = SimpleNamespace(n=values[0])
    compiled = compile_grad(lambda x: np.copysign(1.0, model.n) * x + model.n)
    x = X.astype("f4")
    for value in [*values, *values]:
        model.n = value
        expected = np.copysign(1.0, value) * x + value
        result = compiled(x)
        np.testing.assert_array_equal(result, expected)
        assert result.dtype == expected.dtype


@pytest.mark.parametrize(("first", "step"), [(1.0, 0.5), (1, 1)])
def test_number_that_changes_at_each_call_compiles_twice(first, step):
    """Once it has changed it is an input: a learning rate or a counter."""
    model = SimpleNamespace(rate=first)
    compiled = compile_grad(lambda x: np.sum(x * model.rate))
    for _ in range(6):
        np.testing.assert_allclose(compiled.grad(X), np.full(3, float(model.rate)))
        model.rate += step
    assert len(compiled.history) == 2


def test_many_numbers_that_change():
    """All those that ever changed are inputs from then on."""
    model = SimpleNamespace(a=1.0, b=1.0, c=1.0)
    compiled = compile_grad(lambda x: np.sum(x) * model.a + x[0] * model.b + x[1] * model.c)
    rng = np.random.default_rng(3)
    for turn in range(12):
        setattr(model, "abc"[turn % 3], rng.normal())
        expected = [model.a + model.b, model.a + model.c, model.a]
        np.testing.assert_allclose(compiled.grad(X), expected)
    assert len(compiled.history) <= 4


def test_number_that_is_read_and_changes():
    """It decides a shape: each value has a program, found again when it comes back."""
    model = SimpleNamespace(n=1)
    compiled = compile_grad(lambda x: np.sum(x[: model.n]) * model.n)
    for n in (1, 2, 3, 1, 2, 3):
        model.n = n
        np.testing.assert_array_equal(compiled.grad(X), n * 1.0 * (np.arange(3) < n))
    assert len(compiled.history) <= 4


def test_numbers_of_a_long_list():
    """A table of a hundred numbers is one guard; each change is seen."""
    table = [float(i) for i in range(100)]
    check(
        lambda x: np.sum(x) * sum(table) + x[0] * table[50],
        lambda: table.__setitem__(50, -3.0),
        lambda: table.append(1.0),
        lambda: table.clear() or table.extend([2.0] * 100),
    )


@pytest.mark.parametrize(
    ("first", "others"),
    [
        ("sum", ["max", "sum", None]),
        (None, ["sum"]),
        (True, [False, True]),
        (("sum", 2), [("max", 2), ("sum", 3), ["sum", 2]]),
        ({"kind": "sum", "n": 1}, [{"n": 1, "kind": "sum"}, {"kind": "max", "n": 1}]),
        (frozenset({1}), [frozenset({1, 2})]),
        (Pair("sum", 1), [Pair("sum", 2), ("sum", 1)]),
        (OrderedDict(kind="sum"), [{"kind": "sum"}]),
        (b"sum", [b"max"]),
    ],
)
def test_other_values_decide_which_program_serves(first, others):
    """Texts, flags and containers of them, by type, value and order."""
    model = SimpleNamespace(mode=first)

    def is_same(one, other):
        if type(one) is not type(other):
            return False
        return one == other and (not isinstance(one, dict) or list(one) == list(other))

    def loss(x):
        places = [i for i, one in enumerate((first, *others)) if is_same(one, model.mode)]
        return np.sum(x) * (places[0] + 1)

    check(loss, *(lambda one=one: setattr(model, "mode", one) for one in others))


def test_functions_that_are_replaced():
    """A helper, a lambda of an attribute, a method of the class, one of the instance."""
    model = Model()
    scope = {"helper": lambda x: x * 2}
    helpers = SimpleNamespace(**scope)

    class Applied:
        def times(self, x):
            return x * 3

    applied = Applied()
    check(
        lambda x: np.sum(helpers.helper(applied.times(x))) * model.scale,
        lambda: setattr(helpers, "helper", lambda x: x * 5),
        lambda: setattr(Applied, "times", lambda self, x: x * 7),
        lambda: setattr(applied, "times", lambda x: x * 11),
    )


def test_function_that_is_rebound_as_a_global():
    """As a cell of a notebook does when it runs again."""
    scope = {"np": np, "__name__": "notebook"}
    exec("def helper(x): return x * 2\ndef loss(x): return np.sum(helper(x))", scope)
    check(scope["loss"], lambda: exec("def helper(x): return x * 5", scope))

    def helper(x):
        return x * 2

    def loss(x):
        return np.sum(helper(x))

    def redefine():
        nonlocal helper

        def helper(x):
            return x * 5

    check(loss, redefine)


def test_objects_that_are_replaced():
    """By one of the same class, of another class, by None."""
    model = Model()

    class Other(Model):
        scale = 10.0

    def loss(x):
        inner = model.inner
        return np.sum(x) if inner is None else np.sum(x * inner.w) * inner.scale

    check(
        loss,
        lambda: setattr(model, "inner", Model()),
        lambda: setattr(model, "inner", Model(X * 3)),
        lambda: setattr(model, "inner", Other()),
        lambda: setattr(model, "inner", None),
    )


def test_containers_that_change_their_length():
    """Layers that are added, keys that come and go, tuples, other orders."""
    model = SimpleNamespace(layers=[X, X * 2], table={"a": X}, shape=(1.0, X))
    check(
        lambda x: (
            sum(np.sum(layer * x) for layer in model.layers)
            + sum(np.sum(w * x) * (i + 1) for i, w in enumerate(model.table.values()))
            + np.sum(model.shape[-1] * x)
        ),
        lambda: model.layers.append(X * 3),
        lambda: model.layers.pop(0),
        lambda: model.table.update(b=X * 5),
        lambda: setattr(model, "table", {"b": X * 5, "a": X}),
        lambda: model.layers.reverse(),
        lambda: setattr(model, "shape", (X,)),
        lambda: setattr(model, "layers", tuple(model.layers)),
    )


def test_objects_in_lists():
    """``for layer in self.layers``, each with arrays and numbers of its own."""
    layers = [Model(X * (i + 1)) for i in range(3)]
    check(
        lambda x: sum(np.sum(layer.w * x) * layer.bias for layer in layers),
        lambda: setattr(layers[1], "w", X * 10),
        lambda: setattr(layers[2], "bias", 4.0),
        lambda: layers.append(Model(X * 20)),
        lambda: layers.__setitem__(0, layers[1]),
        lambda: setattr(layers[0], "w", X),
    )


def test_objects_that_know_each_other():
    """A cycle: child.parent.child is the child."""
    parent, child = Model(), Model(X * 2)
    parent.inner, child.inner = child, parent
    check(
        lambda x: np.sum(parent.inner.inner.w * x) + np.sum(child.inner.inner.w * x),
        lambda: setattr(parent, "w", X * 3),
        lambda: setattr(parent.inner, "w", X * 5),
        lambda: setattr(parent, "inner", SimpleNamespace(inner=Model(X * 7), w=X)),
    )


def test_recursive_structures():
    """A tree of nodes, walked by recursion."""

    def node(value, *children):
        return SimpleNamespace(value=value, children=list(children))

    tree = node(2.0, node(X), node(3.0, node(X * 2)))

    def total(one, x):
        return np.sum(one.value * x) + sum(total(child, x) for child in one.children)

    check(
        lambda x: total(tree, x),
        lambda: setattr(tree.children[0], "value", X * 5),
        lambda: setattr(tree.children[1], "value", 1.0),
        lambda: tree.children[0].children.append(node(X)),
    )
