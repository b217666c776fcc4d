"""Arrays and numbers reached through closures, globals, defaults and partial arguments."""

import functools

import numpy as np

from .stateful import Subject, stateful

PRIORS = {"mean": np.array([0.5, -0.5, 1.0]), "scale": 2.0}
TEMPERATURE = 1.5
_basis = np.linspace(0.0, 1.0, 4)


@stateful(jax=True)
def loss_over_data(rng):
    """The usual way: the data lie in the enclosing function and are replaced from time to time."""
    x, y = rng.normal(size=(7, 3)), rng.normal(size=7)

    def loss(w):
        residual = x @ w - y
        return residual @ residual / len(y) + 0.1 * np.sum(np.abs(w))

    def between(call):
        nonlocal x, y
        if call == 0:
            x = x * 2.0  # another array of the same type
        elif call == 1:
            y[2] += 1.0  # the same array with other entries
        else:
            x, y = x[::-1], -y  # another memory order

    return Subject(loss, (rng.normal(size=3),), between=between)


@stateful(jax=True, compilations=2)
def hyperparameters_nearby(rng):
    """Numbers of the enclosing function: what has changed once is an input from then on."""
    penalty, exponent = 0.3, 2

    def loss(w):
        return np.sum(np.sin(w) ** exponent) + penalty * np.sum(w**2)

    def between(call):
        nonlocal penalty
        penalty = penalty * 1.5

    return Subject(loss, (rng.normal(size=4),), between=between)


@stateful(jax=True, compilations=2)
def global_tables(rng):
    """Module-level arrays and numbers, read as they are at each call."""
    PRIORS["mean"] = np.array([0.5, -0.5, 1.0])
    PRIORS["scale"] = 2.0

    def log_prior(theta):
        z = (theta - PRIORS["mean"]) / PRIORS["scale"]
        return -0.5 * np.sum(z**2) - len(theta) * np.log(PRIORS["scale"])

    def between(call):
        PRIORS["mean"] = np.array([0.5, -0.5, 1.0]) * (call + 2)
        PRIORS["scale"] = 3.0 + call

    return Subject(log_prior, (rng.normal(size=3),), PRIORS, between)


def annealed(energies):
    """A Boltzmann mean of a module's own temperature and basis."""
    weights = np.exp(-energies / TEMPERATURE)
    return np.sum(weights * _basis) / np.sum(weights)


@stateful(jax=True, compilations=2)
def global_number(rng):
    """A global that is assigned anew between the calls."""
    module = globals()
    module["TEMPERATURE"] = 1.5

    def between(call):
        module["TEMPERATURE"] = 1.0 / (call + 1)

    return Subject(annealed, (rng.normal(size=4),), between=between)


@stateful(wrt=("x", "a"), jax=True)
def factories(rng):
    """A function made by a function made by a function; each level owns an array."""

    def layer(weight):
        offset = weight.sum(axis=1)

        def activate(scale):
            return lambda v: np.tanh(scale * (weight @ v) + offset)

        return activate

    first, second = layer(rng.normal(size=(4, 3))), layer(rng.normal(size=(2, 4)))

    def network(x, a):
        return np.sum(second(a)(first(0.5)(x)) ** 2)

    return Subject(network, (rng.normal(size=3), 1.2))


@stateful()
def defaults_and_partials(rng):
    """Arrays that are bound by a default and by `functools.partial`."""
    kernel, level = rng.normal(size=3), np.full(6, 0.1)

    def smooth(signal, taps=kernel, *, bias=level):
        out = bias
        for k in range(3):
            out = out + taps[k] * signal[k : k + 6]
        return np.sum(out**2)

    scaled = functools.partial(np.multiply, kernel[0])

    def loss(signal):
        return smooth(scaled(signal)) + smooth(signal, bias=np.ones(6) * kernel[1])

    def between(call):
        kernel[1] += 0.5

    return Subject(loss, (rng.normal(size=8),), kernel, between)


@stateful(compilations=2)
def buffers_outside(rng):
    """Work arrays made once outside and filled at each call."""
    work, history = np.zeros((3, 5)), np.zeros(4)
    count = 0

    def energy(x):
        nonlocal count
        work[0] = np.sin(x)
        work[1:, ::2] = x[::2] * work[0, ::2]
        np.multiply(work[0], work[1], out=work[2])
        result = np.sum(work**2)
        history[count] = result
        count += 1
        return result

    return Subject(energy, (rng.normal(size=5),), (work, history))


@stateful(wrt=("a", "b"))
def rules_in_a_dict(rng):
    """A table of functions and arrays chosen by name; the table's entries are replaced."""
    table = {
        "relu": (lambda v: np.maximum(v, 0), rng.normal(size=4)),
        "soft": (lambda v: np.log1p(np.exp(v)), rng.normal(size=4)),
    }
    order = ["relu", "soft", "relu"]

    def apply(a, b):
        for name in order:
            rule, weight = table[name]
            a = rule(a * weight + b)
        return a.sum()

    def between(call):
        rule, weight = table["soft"]
        table["soft"] = (rule, weight * 0.5 + call)

    return Subject(apply, (rng.uniform(1, 2, size=4), 0.2), between=between)


@stateful(scalar=False, wrt=("x",))
def several_results_and_an_index(rng):
    """Outputs in a dict; an outer integer array decides what is gathered."""
    chosen, scale = np.array([2, 0, 1]), rng.uniform(1, 2, size=3)

    def gather(x):
        picked = x[chosen] * scale[:, None]
        return {"picked": picked, "total": picked.sum(axis=0), "scale": scale}

    def between(call):
        chosen[:] = np.roll(chosen, 1)
        scale[call % 3] *= -1

    return Subject(gather, (rng.normal(size=(4, 2)),), (chosen, scale), between)


@stateful(compilations=2)
def same_array_twice(rng):
    """Two names for one outer array, a view of it, and the array inside a list."""
    weights = rng.normal(size=6)
    alias, front, listed = weights, weights[:3], [weights, rng.normal(size=6)]

    def loss(x):
        return np.sum(alias * x) ** 2 + front @ x[:3] + sum(np.sum(w * x) for w in listed)

    def between(call):
        weights[call] = 3.0
        if call == 1:
            listed[1] = listed[1] + 1.0

    return Subject(loss, (rng.normal(size=6),), weights, between)
