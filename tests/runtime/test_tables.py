"""Jacobians and Hessians as users call them."""

import numpy as np
import pytest

from gradc import DerivativeError, compile_grad, func

X = np.array([0.5, -1.0, 2.0])
W = np.array([[1.0, 2.0, -0.5], [0.25, -1.0, 1.5]])
JACOBIANS = ("jacobian", "jacrev", "jacfwd")
every_mode = pytest.mark.parametrize("mode", JACOBIANS)


@compile_grad(wrt=(0, 1))
def layer(w, x):
    return np.tanh(w @ x)


def slopes(function, x, step=1e-6):
    """Return the Jacobian by central differences: the rounding is 1e-16 / step."""
    rows = []
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[place] = step
        rows.append((function(x + unit) - function(x - unit)) / (2 * step))
    rows = np.array(rows)
    return np.moveaxis(rows, 0, -1).reshape(rows.shape[1:] + x.shape)


@every_mode
def test_jacobian_is_what_differences_give(mode):
    """Output axes first, as torch.func has it; both modes say the same."""
    by_w, by_x = getattr(layer, mode)(W, X)
    assert (by_w.shape, by_x.shape) == ((2, 2, 3), (2, 3))
    np.testing.assert_allclose(by_w, slopes(lambda w: layer(w, X), W), atol=1e-9)
    np.testing.assert_allclose(by_x, slopes(lambda x: layer(W, x), X), atol=1e-9)
    np.testing.assert_allclose(getattr(func, mode)(layer.__wrapped__, 1)(W, X), by_x, rtol=1e-14)


def test_hessian_is_what_differences_give():
    """A tuple of tuples by two arguments; the mixed ones are transposes."""
    energy = compile_grad(lambda w, x: np.sum(np.tanh(w @ x) ** 2), wrt=(0, 1))
    (ww, wx), (xw, xx) = energy.hessian(W, X)
    np.testing.assert_allclose(ww, slopes(lambda w: energy.grad(w, X)[0], W), atol=1e-8)
    np.testing.assert_allclose(wx, slopes(lambda x: energy.grad(W, x)[0], X), atol=1e-8)
    np.testing.assert_allclose(xx, slopes(lambda x: energy.grad(W, x)[1], X), atol=1e-8)
    np.testing.assert_allclose(xw, np.moveaxis(wx, 2, 0), rtol=1e-12)
    np.testing.assert_allclose(func.hessian(energy, 1)(W, X), xx, rtol=1e-14)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, about itself
def test_agreement_with_torch():
    """Structures and numbers, of several outputs by several arguments."""
    torch = pytest.importorskip("torch")
    arguments = (W, X)
    tensors = tuple(map(torch.from_numpy, arguments))

    def ours(w, x):
        return {"out": np.tanh(w @ x), "sum": (w * w).sum()}, x * 2

    def theirs(w, x):
        return {"out": torch.tanh(w @ x), "sum": (w * w).sum()}, x * 2

    for name in ("jacrev", "jacfwd"):
        found = getattr(func, name)(ours, argnums=(0, 1))(*arguments)
        expected = getattr(torch.func, name)(theirs, argnums=(0, 1))(*tensors)
        assert set(found[0]) == set(expected[0])
        pairs = [(found[0][key], expected[0][key]) for key in found[0]]
        for rows, others in [*pairs, (found[1], expected[1])]:
            for one, other in zip(rows, others, strict=True):
                np.testing.assert_allclose(one, other.numpy(), rtol=1e-13, atol=1e-15)
    found, aux = func.jacrev(ours, has_aux=True)(*arguments)
    expected, other = torch.func.jacrev(theirs, has_aux=True)(*tensors)
    np.testing.assert_allclose(found["out"], expected["out"].numpy(), rtol=1e-13)
    np.testing.assert_array_equal(aux, other.numpy())
    squares = func.hessian(lambda x: np.exp(x) * x.sum())(X)
    other = torch.func.hessian(lambda x: torch.exp(x) * x.sum())(tensors[1])
    np.testing.assert_allclose(squares, other.numpy(), rtol=1e-13)


@every_mode
def test_structures(mode):
    """Containers of arguments in containers of outputs; None for integers on both sides."""

    def several(p):
        return {"a": p["w"] * p["n"], "i": np.argmax(p["w"]), "s": np.sum(p["b"])}

    found = getattr(compile_grad(several), mode)({"w": X, "n": 3, "b": 2.0 * X})
    assert found["i"] is None
    assert found["a"]["n"] is None
    np.testing.assert_allclose(found["a"]["w"], 3 * np.eye(3))
    np.testing.assert_array_equal(found["a"]["b"], np.zeros((3, 3)))
    np.testing.assert_array_equal(found["s"]["b"], np.ones(3))
    second = compile_grad(lambda p: np.sum(p["w"] ** 2 * p["b"])).hessian({"w": X, "b": 2.0 * X})
    np.testing.assert_allclose(second["w"]["w"], np.diag(4 * X))
    np.testing.assert_allclose(second["w"]["b"], np.diag(2 * X))
    np.testing.assert_array_equal(second["b"]["b"], np.zeros((3, 3)))


def test_auxiliary_results():
    f = compile_grad(lambda x: (x * x, {"sum": np.sum(x)}), has_aux=True)
    for mode in JACOBIANS:
        found, aux = getattr(f, mode)(X)
        np.testing.assert_allclose(found, np.diag(2 * X))
        assert aux == {"sum": 1.5}
    second, aux = f.hessian(X)
    assert second.shape == (3, 3, 3)
    assert aux == {"sum": 1.5}


@every_mode
def test_inside_one_another(mode):
    """Inside a compiled function, differentiated there; of a gradient; of a Jacobian."""
    square = compile_grad(lambda x: x**3)
    inner = getattr(square, mode)
    np.testing.assert_allclose(func.grad(lambda x: np.sum(inner(x) @ X))(X), 6 * X * X)
    np.testing.assert_allclose(func.jvp(lambda x: inner(x), (X,), (X,))[1], np.diag(6 * X * X))
    energy = compile_grad(lambda x: np.sum(x**4))
    np.testing.assert_allclose(getattr(func, mode)(func.grad(energy))(X), np.diag(12 * X**2))
    np.testing.assert_allclose(func.grad(lambda x: np.trace(energy.hessian(x)))(X), 24 * X)
    twice = getattr(func, mode)(getattr(func, mode)(lambda x: x**3))(X)
    expected = np.zeros((3, 3, 3))
    expected[[0, 1, 2], [0, 1, 2], [0, 1, 2]] = 6 * X
    np.testing.assert_allclose(twice, expected)


def test_stores_happen_once():
    """However many directions there are."""

    @compile_grad
    def f(x, log):
        log[0] += 1.0
        return x * x

    for mode in (*JACOBIANS, "hessian"):
        log = np.zeros(1)
        getattr(f, mode)(X, log)
        assert log[0] == 1.0
        outer = compile_grad(lambda x, m=mode: np.sum(getattr(f, m)(x, np.zeros_like(x))))
        np.testing.assert_allclose(outer(X), {"hessian": 6.0}.get(mode, 3.0))


def test_methods_and_state():
    class Model:
        def __init__(self):
            self.scale = 2.0 * X

        @compile_grad
        def forward(self, x):
            return self.scale * x

    model = Model()
    np.testing.assert_allclose(model.forward.jacobian(X), np.diag(2 * X))
    model.scale = X
    np.testing.assert_allclose(model.forward.jacfwd(X), np.diag(X))
    np.testing.assert_array_equal(model.forward.hessian(X), np.zeros((3, 3, 3)))


def test_numbers():
    f = compile_grad(lambda x, n: x**n)
    assert (f.jacobian(2.0, 3), f.jacfwd(2.0, 3), f.hessian(2.0, 3)) == (12.0, 12.0, 12.0)


@pytest.mark.parametrize("mode", [*JACOBIANS, "hessian"])
def test_refusals(mode):
    """Nothing to differentiate, or nothing to differentiate by."""
    with pytest.raises(DerivativeError, match="needs a floating-point output"):
        getattr(compile_grad(lambda x: x > 0), mode)(X)
    with pytest.raises(DerivativeError, match="not floating-point"):
        getattr(compile_grad(lambda x: x), mode)(np.arange(3))


def test_no_warning_of_unused_values():
    """The module of a Jacobian gives nothing but what was asked for."""
    f = compile_grad(lambda x: np.exp(x))
    f.jacobian(X)
    text = f.history[0][1].executable("jacobian").module.text
    assert text.count("return ") == 1
    assert "the derivative of the value by x" in text
