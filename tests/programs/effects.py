"""Regions without gradients, hooks and call-backs.

Outside a capture `stop_gradient` is the identity, `no_grad` a harmless context and
`register_hook` does nothing, so that these programs, too, run as plain NumPy. What the call-backs
saw stands in `RECORDED`.
"""

from typing import Any

import numpy as np

import gradc

from .program import program

RECORDED: list[tuple[str, Any]] = []


def record(label):
    """Return a call-back that notes what it is given under `label`."""
    return lambda value: RECORDED.append((label, np.array(value)))


def _vector(rng):
    return (rng.normal(size=4),)


@program(
    _vector, smooth=False, gradient=lambda x: 2 * x, torch=lambda x: (x**2 + x.detach() ** 3).sum()
)
def without_gradient(x):
    """What is computed under `no_grad` is a constant."""
    square = x**2
    with gradc.no_grad():
        cube = x**3
    return np.sum(square + cube)


@program(_vector, smooth=False, gradient=lambda x: np.sin(x))
def stopped(x):
    """The product of x and sin(x) with the second factor frozen."""
    return np.sum(x * gradc.stop_gradient(np.sin(x)))


@program(_vector, smooth=False, gradient=lambda x: np.exp(x) / np.sum(np.exp(x)) + np.cos(x))
def stabilised_by_a_stopped_maximum(x):
    """The usual trick: the shift cancels, so that stopping it changes nothing."""
    top = gradc.stop_gradient(np.max(x))
    with gradc.no_grad():
        noise = np.sin(x) - np.sin(x)
    return top + np.log(np.sum(np.exp(x - top))) + np.sum(np.sin(x) + noise)


@program(_vector, smooth=False, gradient=lambda x: 2 * x, wrt="x")
def stores_without_gradient(x):
    """A store made under `no_grad` replaces the value; the gradient ends there."""
    z = x * 2
    with gradc.no_grad():
        z[2:] = x[:2] * 5
    kept = z[:2]
    return np.sum(x**2) + np.sum(gradc.stop_gradient(kept)) + np.sum(gradc.stop_gradient(z))


def _scaled_hook_in_torch(x):
    y = x * 3
    y.register_hook(lambda g: g * 0.5)
    return (y**2).sum()


@program(_vector, smooth=False, gradient=lambda x: 9 * x, torch=_scaled_hook_in_torch)
def scaling_hook(x):
    """A pure hook replaces the gradient by half of it."""
    y = x * 3
    gradc.register_hook(y, lambda g: g * 0.5)
    return np.sum(y**2)


def _clip_hook_in_torch(x):
    y = x.sin()
    z = y * y
    y.register_hook(lambda g: g.clip(-0.5, 0.5))
    return z.sum() + (2 * y).sum()


@program(
    _vector,
    smooth=False,
    gradient=lambda x: np.clip(2 * np.sin(x) + 2, -0.5, 0.5) * np.cos(x),
    torch=_clip_hook_in_torch,
)
def clipping_hook(x):
    """The hook gets the complete gradient, of both uses, though one stands before it."""
    y = np.sin(x)
    z = y * y
    gradc.register_hook(y, lambda g: np.clip(g, -0.5, 0.5))
    return np.sum(z) + np.sum(2 * y)


@program(_vector, smooth=False, gradient=lambda x: (2 * x + 1) * 10 - 1)
def hooks_in_order(x):
    """Two hooks on one value run in the order of their registration: times ten, then minus one."""
    y = x + 0.0
    gradc.register_hook(y, lambda g: g * 10)
    gradc.register_hook(y, lambda g: g - 1)
    return np.sum(y**2 + y)


@program(_vector, smooth=False, gradient=lambda x: -3 * x**2)
def hook_on_an_argument(x):
    """Reversing the gradient of the argument itself."""
    gradc.register_hook(x, lambda g: -g)
    return np.sum(x**3)


@program(_vector, gradient=lambda x: 2 * x)
def removed_hook(x):
    """A hook whose handle is removed never runs; the one beside it reads only."""
    y = x * 1.0
    handle = gradc.register_hook(y, lambda g: g * 100)
    gradc.register_hook(y, lambda g: None)
    handle.remove()
    return np.sum(y**2)


@program(_vector, gradient=lambda x: 4 * x)
def recording_hook(x):
    """A hook with an effect becomes a call-back; it sees the gradient and returns nothing."""
    y = x * 2
    gradc.register_hook(y, record("gradient of y"))
    return np.sum(y * y) / 2


@program(_vector, gradient=lambda x: np.cos(x))
def printing_hook(x):
    y = np.sin(x)
    gradc.register_hook(y, lambda g: print("gradient of y:", g))
    return np.sum(y)


def replace_by_sign(g):
    """Read the concrete gradient in Python, as only a call-back can, and replace it."""
    RECORDED.append(("replaced", np.array(g)))
    return np.array([1.0 if float(entry) > 0 else -1.0 for entry in g])


@program(_vector, smooth=False, gradient=lambda x: 2 * np.where(x > 0, 1.0, -1.0))
def replacing_callback(x):
    y = x * 2
    gradc.register_hook(y, replace_by_sign)
    return np.sum(y**2)


@program(lambda rng: (rng.normal(size=4), rng.normal(size=4)), wrt="x", gradient=lambda x, y: y)
def hook_off_the_path(x, y):
    """No gradient reaches a value that does not depend on `x`: its hook is never called."""
    z = y * 2
    gradc.register_hook(z, record("never"))
    return np.sum(x * z) / 2


@program(_vector, gradient=lambda x: 2 * x)
def callbacks_in_order(x):
    """Call-backs see concrete values, in the order of the program."""
    y = x * x
    gradc.debug.callback(record("y"), y)
    total = np.sum(y)
    gradc.debug.callback(record("total"), total)
    return total


@program(_vector, gradient=lambda x: np.exp(x))
def printed_values(x):
    y = np.exp(x)
    gradc.debug.print("y is {} and its sum {:.3f}", y, np.sum(y))
    return np.sum(y)


@program(
    lambda rng: (rng.normal(size=3), rng.normal(size=3)),
    wrt=("x", "w"),
    smooth=False,
    gradient=lambda x, w: (w, x),
)
def straight_through(x, w):
    """Rounds forward, passes the gradient straight through backward."""
    rounded = x + gradc.stop_gradient(np.floor(x + 0.5) - x)
    return np.sum(rounded * w) + np.sum(gradc.stop_gradient(x - rounded) * w)
