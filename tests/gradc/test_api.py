"""The public face: the decorator's forms, structures of gradients, and the public names."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import gradc
from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])


class Pair(NamedTuple):
    w: Any
    b: Any


@dataclass(frozen=True)
class Layer:
    w: Any
    name: str = "dense"


def test_three_forms_of_the_decorator():
    @compile_grad
    def bare(x):
        return np.sum(x * x)

    @compile_grad(wrt="y")
    def with_options(x, y):
        return np.sum(x * y)

    called = compile_grad(lambda x, y: np.sum(x * y), wrt=(1, 0))
    np.testing.assert_array_equal(bare.grad(X), 2 * X)
    np.testing.assert_array_equal(with_options.grad(X, X + 1), X)
    by_y, by_x = called.grad(X, X + 1)
    np.testing.assert_array_equal(by_y, X)
    np.testing.assert_array_equal(by_x, X + 1)


def test_wrt_shapes_the_gradient():
    """One array for one, a tuple for a tuple; from the back too; a list is a tuple."""
    one = compile_grad(lambda x, y: np.sum(x * y), wrt=-1).grad(X, 2.0)
    single = compile_grad(lambda x, y: np.sum(x * y), wrt=("y",)).grad(X, 2.0)
    listed = compile_grad(lambda x, y: np.sum(x * y), wrt=["y", 0]).grad(X, 2.0)
    assert (one, single) == (2.0, (2.0,))
    assert isinstance(listed, tuple)
    assert (listed[0], listed[1].tolist()) == (2.0, [2.0, 2.0, 2.0])


def test_containers_keep_their_structure():
    """Gradients come in the argument's own containers; what carries none is None or as it was."""

    def loss(p):
        layer, pair, more = p["layer"], p["pair"], p["more"]
        return np.sum(layer.w * pair.w) + pair.b * more[1] + np.sum(more[0]) * p["n"]

    p = {"layer": Layer(X), "pair": Pair(X * 2, 3.0), "more": [X, 4.0], "n": 2}
    gradient = compile_grad(loss).grad(p)
    assert list(gradient) == ["layer", "pair", "more", "n"]
    assert isinstance(gradient["layer"], Layer)
    assert gradient["layer"].name == "dense"
    assert isinstance(gradient["pair"], Pair)
    np.testing.assert_array_equal(gradient["layer"].w, 2 * X)
    np.testing.assert_array_equal(gradient["pair"].w, X)
    assert gradient["pair"].b == 4.0
    np.testing.assert_array_equal(gradient["more"][0], np.full(3, 2.0))
    assert gradient["more"][1] == 3.0
    assert gradient["n"] is None


def test_outputs_keep_their_structure():
    def outputs(x):
        return {"pair": Pair(x[0], x * 2), "layer": Layer(x + 1), "kept": (x, None, "text", 3)}

    got = compile_grad(outputs)(X)
    assert isinstance(got["pair"], Pair)
    assert isinstance(got["layer"], Layer)
    np.testing.assert_array_equal(got["kept"][0], X)
    assert got["kept"][1:] == (None, "text", 3)


def test_has_aux():
    compiled = compile_grad(lambda x: (np.sum(x), x * 2), has_aux=True)
    assert compiled(X)[0] == 2.0
    (value, aux), gradient = compiled.value_and_grad(X)
    alone, same = compiled.grad(X)
    assert value == 2.0
    np.testing.assert_array_equal(gradient, alone)
    np.testing.assert_array_equal(aux, same)


def test_static_argnames():
    """One name, or several; a static argument may be anything that is hashable."""
    compiled = compile_grad(lambda x, n, f: f(x * n), static_argnames=("n", "f"))
    np.testing.assert_array_equal(compiled.grad(X, 3, np.sum), np.full(3, 3.0))
    np.testing.assert_array_equal(compiled.grad(X, 3, np.mean), np.ones(3))
    assert (
        compile_grad(lambda x, n: sum(x for _ in range(n)), static_argnames="n").grad(1.0, 4) == 4
    )


def test_bound_methods_read_their_object():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        def loss(self, x):
            return np.sum(x * self.scale)

    first, second = Model(2.0), Model(5.0)
    assert compile_grad(first.loss).grad(1.0) == 2.0
    assert compile_grad(second.loss).grad(1.0) == 5.0


def test_public_names_exist():
    """And star imports bring nothing else."""
    for name in gradc.__all__:
        assert hasattr(gradc, name)
    assert callable(gradc.debug.print)
    assert callable(gradc.debug.callback)
    assert all(
        issubclass(getattr(gradc, n), gradc.GradcError) for n in dir(gradc) if n.endswith("Error")
    )


def test_errors_can_be_caught_by_their_python_kind():
    assert issubclass(gradc.TypeRuleError, TypeError)
    assert issubclass(gradc.DerivativeError, NotImplementedError)
