"""Recurrent networks, filters, and other recurrences along an axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import gradc

from .structured import looped


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _network(rng):
    sizes = [(7, 3), (3, 4), (4, 4), (4,)]
    return tuple(0.5 * rng.normal(size=size) for size in sizes)


def _rnn_plain(inputs, w, u, b):
    h = np.zeros(4, inputs.dtype)
    for x in inputs:
        h = np.tanh(x @ w + h @ u + b)
    return np.sum(h**2)


@looped(_network, plain=_rnn_plain, wrt=(0, 1, 2, 3), jax=True)
def rnn(inputs, w, u, b):
    """A recurrent network, row by row of its inputs."""

    def body(i, h):
        return np.tanh(inputs[i] @ w + h @ u + b)

    return np.sum(gradc.fori_loop(0, len(inputs), body, np.zeros(4, inputs.dtype)) ** 2)


def _rnn_states_plain(inputs, w, u, b):
    h, states = np.zeros(4, inputs.dtype), []
    for x in inputs[::-1]:
        h = np.tanh(x @ w + h @ u + b)
        states.append(h)
    return h, np.array(states[::-1])


@looped(_network, plain=_rnn_states_plain, wrt=(0, 1, 2, 3), jax=True, scalar=False)
def backward_rnn(inputs, w, u, b):
    """A scan from the end, its states stacked in the order of the inputs."""

    def body(h, x):
        h = np.tanh(x @ w + h @ u + b)
        return h, h

    return gradc.scan(body, np.zeros(4, inputs.dtype), inputs, reverse=True)


def _lstm_args(rng):
    draw = rng.normal
    return draw(size=(6, 2, 3)), 0.5 * draw(size=(3 + 5, 4 * 5)), 0.1 * draw(size=20)


def _lstm_step(x, h, c, w, b):
    gates = np.concatenate([x, h], axis=-1) @ w + b
    forget, enter, leave = (_sigmoid(gates[:, 5 * k : 5 * k + 5]) for k in range(3))
    c = forget * c + enter * np.tanh(gates[:, 15:])
    return leave * np.tanh(c), c


def _lstm_plain(inputs, w, b):
    h, c, loss = np.zeros((2, 5), inputs.dtype), np.zeros((2, 5), inputs.dtype), 0.0
    for x in inputs:
        h, c = _lstm_step(x, h, c, w, b)
        loss = loss + np.sum(h**2)
    return loss + np.sum(c)


@looped(_lstm_args, plain=_lstm_plain, wrt=("inputs", "w", "b"), jax=True)
def lstm(inputs, w, b):
    """Two carried states and a running loss that begins as a Python number."""

    def body(carry, x):
        h, c, loss = carry
        h, c = _lstm_step(x, h, c, w, b)
        return (h, c, loss + np.sum(h**2)), None

    zeros = np.zeros((2, 5), inputs.dtype)
    (_, c, loss), _ = gradc.scan(body, (zeros, zeros, 0.0 * np.sum(zeros)), inputs)
    return loss + np.sum(c)


def _gru_args(rng):
    return {
        "z": rng.normal(size=(5, 4)),
        "r": rng.normal(size=(5, 4)),
        "n": rng.normal(size=(5, 4)),
    }


def _gru_step(p, x, h):
    joined = np.append(x, h)
    update, reset = _sigmoid(joined @ p["z"]), _sigmoid(joined @ p["r"])
    return (1 - update) * h + update * np.tanh(np.append(x, reset * h) @ p["n"])


def _gru_plain(p, inputs):
    h, states = np.full(4, 0.1), []
    for x in inputs:
        h = _gru_step(p, x, h)
        states.append(h)
    return np.array(states)


@looped(
    lambda rng: (_gru_args(rng), rng.normal(size=5)),
    plain=_gru_plain,
    wrt=("p", "inputs"),
    scalar=False,
    jax=True,
    single=None,  # the state starts in float64, whatever the inputs are
)
def gru(p, inputs):
    """A dict of weights that the body reaches through a function of its own."""

    def body(h, x):
        h = _gru_step(p, x, h)
        return h, h

    return gradc.scan(body, np.full(4, 0.1), inputs)[1]


@dataclass
class Belief:
    """The state of a Kalman filter: where it believes to be, and how sure it is."""

    mean: Any
    covariance: Any


def _kalman_step(mean, covariance, seen, motion, noise):
    mean = motion @ mean
    covariance = motion @ covariance @ motion.T + noise
    spread = covariance[0, 0] + 0.5
    gain = covariance[:, 0] / spread
    miss = seen - mean[0]
    likelihood = -0.5 * (np.log(spread) + miss**2 / spread)
    return mean + gain * miss, covariance - np.outer(gain, covariance[0]), likelihood


def _kalman_plain(seen, motion, noise):
    mean, covariance, total = np.zeros(2, seen.dtype), np.eye(2, dtype=seen.dtype), 0.0
    for one in seen:
        mean, covariance, likelihood = _kalman_step(mean, covariance, one, motion, noise)
        total = total + likelihood
    return total


@looped(
    lambda rng: (rng.normal(size=8), np.array([[1.0, 0.3], [-0.2, 0.9]]), 0.1 * np.eye(2)),
    plain=_kalman_plain,
    wrt=("seen", "motion", "noise"),
)
def kalman_filter(seen, motion, noise):
    """The likelihood of observations: a dataclass as the carry."""

    def body(belief, one):
        mean, covariance, likelihood = _kalman_step(
            belief.mean, belief.covariance, one, motion, noise
        )
        return Belief(mean, covariance), likelihood

    start = Belief(np.zeros(2, seen.dtype), np.eye(2, dtype=seen.dtype))
    return np.sum(gradc.scan(body, start, seen)[1])


def _smoothing_plain(x, weight):
    level, out = x[0], np.zeros_like(x)
    for i in range(len(x)):
        level = weight * x[i] + (1 - weight) * level
        out[i] = level
    return out


@looped(
    lambda rng: (rng.normal(size=9), np.array(0.3)),
    plain=_smoothing_plain,
    wrt=("x", "weight"),
    scalar=False,
)
def exponential_smoothing(x, weight):
    """Stacking by a store at the loop's index."""

    def body(i, carry):
        level, out = carry
        level = weight * x[i] + (1 - weight) * level
        out[i] = level
        return level, out

    return gradc.fori_loop(0, len(x), body, (x[0], np.zeros_like(x)))[1]


def _filter_plain(x, a, b):
    y = np.zeros_like(x)
    for i in range(2, len(x)):
        y[i] = b[0] * x[i] + b[1] * x[i - 1] + b[2] * x[i - 2] - a[0] * y[i - 1] - a[1] * y[i - 2]
    return y


def _filter_by_jax(jax, x, a, b):
    def body(carry, window):
        one, two = carry
        y = b[0] * window[2] + b[1] * window[1] + b[2] * window[0] - a[0] * one - a[1] * two
        return (y, one), y

    windows = jax.numpy.stack([x[:-2], x[1:-1], x[2:]], axis=1)
    ys = jax.lax.scan(body, (0.0, 0.0), windows)[1]
    return jax.numpy.concatenate([jax.numpy.zeros(2), ys])


_FILTERED = {
    "plain": _filter_plain,
    "wrt": ("x", "a", "b"),
    "scalar": False,
}


def _filter_args(rng):
    return rng.normal(size=10), np.array([-0.6, 0.2]), rng.normal(size=3)


@looped(_filter_args, **_FILTERED)
def filter_in_place(x, a, b):
    """A recursive filter that reads what it has stored in trips before."""

    def body(i, y):
        y[i] = b[0] * x[i] + b[1] * x[i - 1] + b[2] * x[i - 2] - a[0] * y[i - 1] - a[1] * y[i - 2]

    return gradc.fori_loop(2, len(x), body, np.zeros_like(x))


@looped(_filter_args, **_FILTERED, jax=True)
def filter_by_scan(x, a, b):
    """The same filter with its memory as a tuple of carries that move along."""

    def body(carry, window):
        one, two = carry
        now, before, earlier = window
        y = b[0] * now + b[1] * before + b[2] * earlier - a[0] * one - a[1] * two
        return (y, one), y

    zero = 0.0 * x[0]
    _, ys = gradc.scan(body, (zero, zero), (x[2:], x[1:-1], x[:-2]))
    return np.concatenate([np.zeros(2, x.dtype), ys])


def _log_sum(x, axis=None):
    top = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)


def _markov_plain(start, moves, seen):
    alpha = start + seen[0]
    for t in range(1, len(seen)):
        alpha = _log_sum(alpha[:, None] + moves, 0) + seen[t]
    return _log_sum(alpha)


def _markov_args(rng):
    return rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(6, 3))


@looped(_markov_args, plain=_markov_plain, wrt=(0, 1, 2), jax=True)
def hidden_markov(start, moves, seen):
    """The forward algorithm in logarithms."""

    def body(t, alpha):
        return _log_sum(alpha[:, None] + moves, 0) + seen[t]

    return _log_sum(gradc.fori_loop(1, len(seen), body, start + seen[0]))


def _viterbi_plain(start, moves, seen):
    score, back = start + seen[0], []
    for row in seen[1:]:
        table = score[:, None] + moves
        back.append(np.argmax(table, axis=0))
        score = np.max(table, axis=0) + row
    return np.max(score), np.array(back)


@looped(_markov_args, plain=_viterbi_plain, wrt=(0, 1, 2), has_aux=True, jax=True)
def viterbi(start, moves, seen):
    """The best path's score; where it came from is stacked as integers."""

    def body(score, row):
        table = score[:, None] + moves
        return np.max(table, axis=0) + row, np.argmax(table, axis=0)

    score, back = gradc.scan(body, start + seen[0], seen[1:])
    return np.max(score), back


def _cumulative_plain(x):
    return np.array([np.log(np.sum(np.exp(x[: i + 1]))) for i in range(len(x))])


@looped(lambda rng: (rng.normal(size=6),), plain=_cumulative_plain, scalar=False, jax=True)
def cumulative_log_sum(x):
    """Running logarithms of sums of exponentials."""

    def body(level, one):
        level = np.logaddexp(level, one)
        return level, level

    first = x[:1]
    return np.concatenate([first, gradc.scan(body, x[0], x[1:])[1]])
