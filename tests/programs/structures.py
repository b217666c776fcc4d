"""Parameters and outputs in tuples, dicts and dataclasses; auxiliary and static values; helpers."""

from dataclasses import dataclass

import numpy as np

from .program import program


@dataclass
class Layer:
    weight: np.ndarray
    bias: np.ndarray
    name: str = "layer"


def affine(layer, x):
    return x @ layer.weight + layer.bias


def mean_square(x, scale=1.0):
    return scale * np.mean(x**2)


@program(
    lambda rng: (
        [
            Layer(rng.normal(size=(3, 4)), rng.normal(size=4), "first"),
            Layer(rng.normal(size=(4, 2)), rng.normal(size=2)),
        ],
        rng.normal(size=(5, 3)),
    ),
    wrt="layers",
    jax=True,
)
def list_of_dataclasses(layers, x):
    """Strings inside the structure are no parameters; helper functions are captured through."""
    for layer in layers:
        x = np.tanh(affine(layer, x))
    return mean_square(x, scale=3.0)


@program(
    lambda rng: (
        {"a": (rng.normal(size=2), [rng.normal(size=(2, 2))]), "b": 1.5},
        rng.normal(size=2),
    ),
    wrt=("tree", "x"),
    jax=True,
)
def nested_trees(tree, x):
    """A dict of a tuple of a list, beside a second wanted argument."""
    vector, (matrix,) = tree["a"]
    return np.sum(np.sin(matrix @ (vector * x))) * tree["b"]


@program(
    lambda rng: (rng.normal(size=4), rng.normal(size=(6, 4))),
    wrt="w",
    has_aux=True,
    jax=True,
)
def loss_with_predictions(w, x):
    """What is returned beside the loss has no part in the gradient."""
    predictions = np.tanh(x @ w)
    return np.sum(predictions**2), {"predictions": predictions, "largest": np.max(predictions)}


@program(
    lambda rng: (rng.normal(size=5), "relu", 3, True),
    static_argnames=("activation", "steps", "centre"),
    jax=True,
)
def static_choices(x, activation, steps, centre):
    """Strings, counts and flags choose the code that is captured."""
    if centre:
        x = x - x.mean()
    for _ in range(steps):
        x = np.maximum(1.1 * x, 0.1 * x) if activation == "relu" else np.tanh(x)
    return np.sum(x**3)


@program(
    lambda rng: (rng.normal(size=3), rng.normal(size=(3, 3))),
    wrt=("x", "m"),
    scalar=False,
    jax=True,
)
def several_outputs(x, m):
    """A matrix, a vector, a number, and an output that depends on one input only."""
    y = m @ x
    return np.outer(y, x), np.sin(y), y @ y, m.T


@program(
    lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=3)),
    wrt=("x", "y"),
    scalar=False,
    jax=True,
)
def outputs_in_a_dict(x, y):
    """The same value comes out twice, and an argument comes out as it is."""
    total = x.sum(axis=0) * y
    return {"total": total, "twice": [total, np.exp(total)], "y": y}


@program(
    lambda rng: (rng.normal(size=3), rng.normal(size=2), rng.normal(size=3)),
    wrt=("x", "unused", "y"),
    gradient=lambda x, unused, y: (y, np.zeros(2), x),
    jax=True,
)
def unused_argument(x, unused, y):
    """An argument without influence has a gradient of zeros."""
    return np.sum(x * y)


@program(
    lambda rng: (rng.normal(size=3),),
    gradient=lambda x: np.zeros(3),
    jax=True,
)
def locally_constant(x):
    """Only through steps and comparisons: zero everywhere it exists."""
    return np.sum(np.floor(x) + np.sign(x) + (x > 0)) + 1.0


def _apply(fn, *args, **options):
    return fn(*args, **options)


@program(lambda rng: (rng.normal(size=4), rng.normal(size=4)), wrt=(0, 1), jax=True)
def higher_order_helpers(x, y):
    """Functions passed to functions, lambdas, a nested closure, recursion, a comprehension."""

    def power(base, n):
        return base if n == 1 else base * power(base, n - 1)

    shifted = _apply(lambda v, by: v + by, x, by=y * 2)
    parts = [_apply(np.sin, shifted * k) for k in range(1, 4)]
    return mean_square(parts[0] + parts[1] * parts[2]) + np.sum(power(y, 3))


@program(lambda rng: (rng.normal(size=5),), jax=True)
def shapes_as_numbers(x):
    """Lengths, sizes and shapes are plain Python integers while capturing."""
    count, (length,) = x.size, x.shape
    weights = np.arange(length) / len(x)
    return (
        np.sum(x**2 * weights) / (count * x.ndim)
        if np.issubdtype(x.dtype, np.floating)
        else np.sum(x)
    )
