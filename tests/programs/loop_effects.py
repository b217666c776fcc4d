"""Hooks, call-backs and regions without gradients within the bodies of loops."""

import numpy as np

import gradc

from .effects import record
from .structured import looped


def _two(rng):
    return rng.normal(size=4), rng.normal(size=4)


def _chain_plain(x, w, steps=5):
    for _ in range(steps):
        x = np.sin(x) * w
    return np.sum(x**2)


_HOOKED = {"plain": _chain_plain, "wrt": ("x", "w"), "smooth": False}


@looped(_two, **_HOOKED)
def clipped_per_step(x, w, steps=5):
    """Each trip clips the gradient that passes through its state."""

    def body(i, x):
        y = np.sin(x) * w
        gradc.register_hook(y, lambda g: np.clip(g, -0.5, 0.5))
        return y

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


@looped(_two, **_HOOKED)
def scaled_by_the_invariant_hook(x, w, steps=5):
    """A hook on what is computed inside from an invariant: each trip's part is doubled."""

    def body(i, x):
        v = w * 1.0
        gradc.register_hook(v, lambda g: 2 * g)
        return np.sin(x) * v

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


@looped(_two, **_HOOKED)
def hook_on_the_carry(x, w, steps=5):
    """A hook on what a trip begins with gets the whole gradient of that trip's start."""

    def body(i, x):
        gradc.register_hook(x, lambda g: np.tanh(g))
        return np.sin(x) * w

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


@looped(_two, **_HOOKED, twice=False)
def recording_hook_per_step(x, w, steps=5):
    """A hook with an effect is called once for each trip, from the last to the first."""

    def body(i, x):
        y = np.sin(x) * w
        gradc.register_hook(y, record("gradient of a step"))
        return y

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


@looped(_two, **_HOOKED)
def seen_values(x, w, steps=5):
    """A call-back in the body sees the index and the state of each trip, in order."""

    def body(i, x):
        x = np.sin(x) * w
        gradc.debug.callback(record("index"), i)
        gradc.debug.callback(record("state"), x)
        return x

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


@looped(_two, **_HOOKED)
def seen_by_scan(x, w):
    """The same from within a scan, whose body also gives outputs."""

    def body(x, _):
        x = np.sin(x) * w
        gradc.debug.callback(record("state"), x)
        return x, x[0]

    x, _ = gradc.scan(body, x, length=5)
    return np.sum(x**2)


@looped(_two, **_HOOKED)
def truncated(x, w, steps=5):
    """Back-propagation through two steps at a time: the state is frozen before every other."""

    def body(i, x):
        x = gradc.cond(i % 2 == 0, gradc.stop_gradient, lambda x: x, x)
        return np.sin(x) * w

    return np.sum(gradc.fori_loop(0, steps, body, x) ** 2)


def _one_frozen_plain(x, w, steps=5):
    v = np.ones_like(x)
    for _ in range(steps):
        v = 0.9 * v + x * w
        x = x * v
    return np.sum(x) + np.sum(v)


@looped(_two, plain=_one_frozen_plain, wrt=("x", "w"), smooth=False, jax=True)
def frozen_statistics(x, w, steps=5):
    """A running statistic is used as if it were a constant."""

    def body(i, carry):
        x, v = carry
        v = gradc.stop_gradient(0.9 * v + x * w)
        return x * v, v

    x, v = gradc.fori_loop(0, steps, body, (x, np.ones_like(x)))
    return np.sum(x) + np.sum(v)


@looped(_two, plain=_one_frozen_plain, wrt=("x", "w"), smooth=False)
def statistics_under_no_grad(x, w, steps=5):
    """The same by a context, with a store into the statistic."""

    def body(i, carry):
        x, v = carry
        with gradc.no_grad():
            v *= 0.9
            v += x * w
        return x * v, v

    x, v = gradc.fori_loop(0, steps, body, (x, np.ones_like(x)))
    return np.sum(x) + np.sum(v)


def _frozen_loop_plain(x, w, steps=5):
    y = x
    for _ in range(steps):
        y = np.sin(y) * w
    return np.sum(x * y)


@looped(_two, plain=_frozen_loop_plain, wrt=("x", "w"), smooth=False)
def loop_under_no_grad(x, w, steps=5):
    """A whole loop without gradients: nothing of it is kept, nothing runs backward."""
    with gradc.no_grad():
        y = gradc.fori_loop(0, steps, lambda i, y: np.sin(y) * w, x)
    return np.sum(x * y)


def _gradients_off_plain(x, w, steps=4):
    for _ in range(steps):
        x = x * w + x
    return np.sum(x)


@looped(_two, plain=_gradients_off_plain, wrt=("x", "w"), smooth=False)
def gradients_on_again(x, w, steps=4):
    """Gradients are off for one term of the body and on for the other."""

    def body(i, x):
        with gradc.no_grad():
            off = x * w
            with gradc.enable_grad():
                on = x * 1.0
        return off + on

    return np.sum(gradc.fori_loop(0, steps, body, x))


def _hook_outside_plain(x, w, steps=4):
    y = np.sin(x)
    for _ in range(steps):
        y = y * w + x
    return np.sum(y**2)


@looped(_two, plain=_hook_outside_plain, wrt=("x", "w"), smooth=False)
def hooks_around_a_loop(x, w, steps=4):
    """Hooks on the start, on an invariant and on the result of a loop."""
    y = np.sin(x)
    v = w * 1.0
    gradc.register_hook(y, lambda g: g * 0.5)
    gradc.register_hook(v, lambda g: np.clip(g, -1, 1))
    z = gradc.fori_loop(0, steps, lambda i, y: y * v + x, y)
    gradc.register_hook(z, lambda g: g + 1)
    return np.sum(z**2)


@looped(_two, plain=lambda x, w, steps=5: np.sum(x * w), wrt=("x", "w"), smooth=False)
def hook_on_an_unchanged_carry(x, w, steps=5):
    """The body does nothing but halve the gradient of one of its carries."""

    def body(i, carry):
        gradc.register_hook(carry[0], lambda g: 0.5 * g)
        return carry

    x, w = gradc.fori_loop(0, steps, body, (x, w))
    return np.sum(x * w)
