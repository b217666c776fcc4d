"""Which hooks become lines of the program, which are call-backs, and where they stand."""

import types

import numpy as np
import pytest
from gradc.compiler.frontend.hooks import Hook
from gradc.compiler.types import ArrayType

import gradc
from gradc import compile_grad

X = np.array([1.0, -2.0, 3.0])
VECTOR = ArrayType((3,), np.dtype(np.float64))
FACTOR = 2.0
STATE = {"factor": 2.0}
SETTINGS = types.ModuleType("settings_of_the_user")
SETTINGS.factor = 2.0


def is_pure(function):
    return Hook(function, VECTOR, 1, None).graph is not None


def with_default(g, factor=2.0):
    return g * factor


def with_loop(g):
    for _ in range(2):
        g = g * 2
    return g


def prints(g):
    print(g)


def scale():
    factor = 2.0
    return lambda g: g * factor


def with_mutable_default(g, factors=[2.0]):  # noqa: B006
    return g * factors[0]


def through_a_helper(g):
    return with_loop(g) + with_default(g)


class Doubles:
    factor = 2.0

    def __init__(self):
        self.own = 2.0

    def __call__(self, g):
        return g * 2

    def by_attribute(self, g):
        return g * self.own


class Settings:
    factor = 2.0


@pytest.mark.parametrize(
    ("function", "pure"),
    [
        (lambda g: g * 2, True),
        (lambda g: np.clip(g, -1.0, 1.0), True),
        (lambda g: np.where(g > 0, g, 0.1 * g), True),
        (lambda g: g / np.sqrt(np.sum(g * g)), True),
        (lambda g: None, True),
        (lambda g: g.clip(-1, 1), True),
        (lambda g: g * np.pi, True),
        (lambda g: g * FACTOR, False),
        (lambda g: g * STATE["factor"], False),
        (scale(), False),
        (lambda g: g * Settings.factor, False),
        (lambda g: g * SETTINGS.factor, False),
        (with_default, True),
        (with_mutable_default, False),
        (with_loop, True),
        (through_a_helper, False),
        (prints, False),
        (Doubles(), True),
        (Doubles().by_attribute, False),
        (lambda g: np.random.normal(size=3) * g, False),
        (lambda g: g.astype(np.float32), False),
        (lambda g: g[:2], False),
        (lambda g: np.unique(g), False),
        (lambda g: g if g[0] > 0 else -g, False),
        (lambda *g: g[0], False),
    ],
)
def test_pure_or_opaque(function, pure):
    """Pure is what reads its gradient, literals and NumPy only; when in doubt it is opaque."""
    assert is_pure(function) is pure


def hooked_loss(*hooks):
    def loss(x):
        y = x * 2
        for hook in hooks:
            gradc.register_hook(y, hook)
        return np.sum(y * y)

    return compile_grad(loss)


def test_pure_hook_is_lines_and_opaque_hook_is_a_parameter():
    pure = hooked_loss(lambda g: np.clip(g, -1.0, 1.0)).lower(X)
    assert pure.callbacks == ()
    assert "np.clip" in pure.numpy or "np.minimum" in pure.numpy or "np.where" in pure.numpy
    opaque = hooked_loss([].append).lower(X)
    assert opaque.callbacks == ("hook_1",)
    assert "hook_1(" in opaque.numpy


def test_opaque_hook_reads_its_state_at_every_call():
    """A closure that changes between calls is not baked in."""
    state = {"factor": 1.0}
    compiled = hooked_loss(lambda g: g * state["factor"])
    np.testing.assert_allclose(compiled.grad(X), 8 * X)
    state["factor"] = 3.0
    np.testing.assert_allclose(compiled.grad(X), 24 * X)


def test_hooks_on_one_value_run_in_order():
    """Each sees what the one before gave, pure and opaque mixed."""
    seen = []

    def looks(g):
        seen.append(g.copy())

    gradient = hooked_loss(lambda g: g + 1, looks, lambda g: g * 10, looks).grad(X)
    np.testing.assert_allclose(seen, [4 * X + 1, 40 * X + 10])
    np.testing.assert_allclose(gradient, 2 * (40 * X + 10))


def test_removed_hook():
    """Before use, after use, and twice."""
    seen = []

    def loss(x):
        y = x * 2
        first = gradc.register_hook(y, lambda g: g * 100)
        gradc.register_hook(y, seen.append)
        z = np.sum(y * y)
        first.remove()
        first.remove()
        return z

    np.testing.assert_allclose(compile_grad(loss).grad(X), 8 * X)
    np.testing.assert_allclose(seen, [4 * X])


@pytest.mark.parametrize("hook", [lambda g: g * 3, Doubles()])
def test_hook_on_an_argument(hook):
    """The gradient that the caller gets is the one that the hook gave."""

    def loss(x):
        gradc.register_hook(x, hook)
        return np.sum(x * x) + np.sum(x)

    np.testing.assert_allclose(compile_grad(loss).grad(X), hook(2 * X + 1))


def test_hook_registered_after_the_value_was_used():
    """It sees the whole gradient, of the uses before and after it."""
    seen = []

    def loss(x):
        y = x * 2
        before = np.sum(y * y)
        gradc.register_hook(y, seen.append)
        return before + np.sum(y * 3)

    np.testing.assert_allclose(compile_grad(loss).grad(X), 8 * X + 6)
    np.testing.assert_allclose(seen, [4 * X + 3])


def test_hook_on_a_frozen_value_never_runs():
    seen = []

    def loss(x):
        with gradc.no_grad():
            y = x * 2
            gradc.register_hook(y, seen.append)
        z = gradc.stop_gradient(x * 3)
        gradc.register_hook(z, seen.append)
        gradc.register_hook(np.argmax(x), seen.append)
        return np.sum(y * z * x)

    np.testing.assert_allclose(compile_grad(loss).grad(X), 6 * X * X)
    assert seen == []


def test_hook_gets_an_array_of_its_own():
    """It may keep it and write to it: the program is not disturbed."""
    kept = []

    def spoils(g):
        kept.append(g)
        g[:] = np.nan

    compiled = hooked_loss(spoils)
    np.testing.assert_allclose(compiled.grad(X), 8 * X)
    np.testing.assert_allclose(compiled.grad(X), 8 * X)
    assert kept[0] is not kept[1]


def test_hook_keeps_the_dtype():
    """What a hook returns is converted to the gradient's dtype."""
    loss = hooked_loss(lambda g: [1, 2, 3])
    gradient = loss.grad(X.astype(np.float32))
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient, [2.0, 4.0, 6.0])


def test_pure_hook_is_differentiated_again():
    """It is part of the program: the second derivative goes through it."""

    def loss(x):
        y = x * x
        gradc.register_hook(y, lambda g: g * 3)
        return y * y

    # The slope of the gradient that the hook gave, 12 x^3. (PyTorch would call it once more.)
    assert gradc.func.grad(loss)(2.0) == 12 * 2.0**3
    assert gradc.func.grad(gradc.func.grad(loss))(2.0) == 36 * 2.0**2


def test_hook_outside_a_capture_does_nothing():
    gradc.register_hook(X, lambda g: 1 / 0).remove()
    gradc.register_hook(2.0, lambda g: 1 / 0).remove()
