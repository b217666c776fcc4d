"""Losses of statistical models and small networks, as people write them in NumPy."""

import numpy as np

from .program import program


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    weights = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return weights / np.sum(weights, axis=-1, keepdims=True)


def log_softmax(x):
    shifted = x - np.max(x, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


@program(
    lambda rng: (rng.normal(size=3), 0.1, rng.normal(size=(20, 3)), rng.integers(0, 2, size=20)),
    wrt=("w", "b"),
    jax=True,
)
def logistic_regression(w, b, x, y):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@program(
    lambda rng: (rng.normal(size=4), rng.normal(size=(15, 4)), rng.normal(size=15), 0.3),
    wrt=("w", "penalty"),
    jax=True,
)
def ridge_regression(w, x, y, penalty=1.0):
    """The default value is overridden, the penalty's own slope is wanted too."""
    residual = y - x @ w
    return residual @ residual / len(y) + penalty * np.sum(w**2)


@program(
    lambda rng: (
        {
            "hidden": {"w": rng.normal(size=(6, 5)) * 0.5, "b": np.zeros(5)},
            "output": {"w": rng.normal(size=(5, 3)) * 0.5, "b": np.zeros(3)},
        },
        rng.normal(size=(8, 6)),
        rng.integers(0, 3, size=8),
    ),
    wrt="parameters",
    jax=True,
)
def classifier(parameters, x, labels):
    """Parameters in nested dicts, the loss by gathering the labels' log-probabilities."""
    hidden, output = parameters["hidden"], parameters["output"]
    h = np.tanh(x @ hidden["w"] + hidden["b"])
    scores = log_softmax(h @ output["w"] + output["b"])
    return -np.mean(scores[np.arange(len(labels)), labels])


@program(
    lambda rng: (
        tuple(
            rng.normal(size=size).astype(np.float32)
            for size in [(16, 12), (12, 10), (10,), (10, 4), (4,)]
        )
        + (np.eye(4, dtype=np.float32)[rng.integers(0, 4, size=16)],)
    ),
    wrt=(1, 2, 3, 4),
    jax=True,
    tolerance=1e-4,  # float32, through two products and an exp
)
def multilayer_perceptron(x, w1, b1, w2, b2, one_hot):
    h = np.maximum(x @ w1 + b1, 0)
    scores = h @ w2 + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(scores).sum(axis=1)) - np.sum(scores * one_hot, axis=1))


@program(
    lambda rng: tuple(rng.normal(size=(2, 3, 5, 4)) for _ in range(3)), wrt=(0, 1, 2), jax=True
)
def attention(q, k, v):
    """Scaled dot-product attention with a causal mask."""
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    mask = np.tril(np.ones((5, 5), dtype=bool))
    return np.sum((softmax(np.where(mask, scores, -1e9)) @ v) ** 2)


@program(
    lambda rng: (
        rng.normal(size=3),
        rng.normal(size=(3, 2)),
        rng.normal(size=(3, 2)) * 0.3,
        rng.normal(size=(12, 2)),
    ),
    wrt=("logits", "means", "log_scales"),
    jax=True,
)
def gaussian_mixture(logits, means, log_scales, x):
    """Negative log-likelihood of a mixture with diagonal covariances."""
    standard = (x[:, None, :] - means) / np.exp(log_scales)
    log_density = -0.5 * np.sum(standard**2, axis=2) - np.sum(log_scales, axis=1)
    joint = log_density + logits - np.log(np.sum(np.exp(logits)))
    top = joint.max(axis=1)
    return -np.sum(top + np.log(np.exp(joint - top[:, None]).sum(axis=1)))


@program(
    lambda rng: (
        (rng.normal(size=(3, 4)), rng.normal(size=(4, 4)) * 0.5, np.zeros(4)),
        rng.normal(size=4),
        rng.normal(size=(5, 2, 3)),
        rng.normal(size=(5, 2)),
    ),
    wrt=("weights", "readout"),
    jax=True,
)
def recurrent_network(weights, readout, inputs, targets):
    """Five steps over time in a Python loop; every step uses the same weights."""
    w_in, w_state, bias = weights
    state, loss = np.zeros((2, 4)), 0.0
    for x, target in zip(inputs, targets, strict=True):
        state = np.tanh(x @ w_in + state @ w_state + bias)
        loss = loss + np.mean((state @ readout - target) ** 2)
    return loss / len(inputs)


@program(
    lambda rng: (
        rng.normal(size=(6, 2)),
        rng.normal(size=(5, 2)),
        rng.integers(0, 6, size=10),
        rng.integers(0, 5, size=10),
        rng.normal(size=10),
    ),
    wrt=("users", "items"),
    jax=True,
)
def matrix_factorisation(users, items, user, item, rating):
    """Only the observed entries count, and users and items repeat."""
    predicted = np.sum(users[user] * items[item], axis=1)
    return np.sum((predicted - rating) ** 2) + 0.1 * (np.sum(users**2) + np.sum(items**2))


@program(
    lambda rng: (rng.normal(size=(2, 6, 6, 2)), rng.normal(size=(3, 3, 2, 4)), rng.normal(size=4)),
    wrt=("images", "kernel", "bias"),
    jax=True,
)
def convolution_layer(images, kernel, bias):
    """A 3x3 convolution as nine matrix products of shifted slices, relu, 2x2 mean pooling."""
    out = bias
    for row in range(3):
        for column in range(3):
            out = out + images[:, row : row + 4, column : column + 4] @ kernel[row, column]
    out = np.maximum(out, 0)
    return np.sum(out.reshape(2, 2, 2, 2, 2, 4).mean(axis=(2, 4)) ** 2)


@program(
    lambda rng: (
        rng.uniform(0.8, 1.2, size=9),
        rng.uniform(0.1, 0.4, size=9),
        np.array(0.02),
        np.linspace(0.5, 2.0, 9),
    ),
    wrt=("spot", "volatility", "rate"),
    jax=True,
)
def black_scholes(spot, volatility, rate, years):
    """Prices of call options; the normal distribution by its tanh approximation."""

    def normal_cdf(x):
        return 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    spread = volatility * np.sqrt(years)
    d1 = (np.log(spot) + (rate + volatility**2 / 2) * years) / spread
    return np.sum(spot * normal_cdf(d1) - np.exp(-rate * years) * normal_cdf(d1 - spread))


@program(
    lambda rng: (rng.normal(size=3), rng.normal(size=(14, 3)) * 0.5, rng.integers(0, 6, size=14)),
    jax=True,
)
def poisson_regression(w, x, counts):
    rate = np.exp(x @ w)
    return np.sum(rate - counts * (x @ w))


@program(
    lambda rng: (rng.normal(size=5), rng.normal(size=(7, 5)), rng.choice([-1.0, 1.0], size=7)),
    wrt="w",
    jax=True,
)
def support_vectors(w, x, sign):
    margins = sign * (x @ w)
    return np.sum(np.maximum(0, 1 - margins)) + 0.5 * w @ w


@program(lambda rng: (rng.normal(size=(6, 3)), rng.normal(size=(6, 3))), wrt=(0, 1), jax=True)
def contrastive(a, b):
    """Cosine similarities of all pairs; the diagonal should win."""
    a = a / np.sqrt(np.sum(a**2, axis=1, keepdims=True))
    b = b / np.sqrt(np.sum(b**2, axis=1, keepdims=True))
    scores = 10 * a @ b.T
    chosen = scores[np.arange(6), np.arange(6)]
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - chosen)


@program(
    lambda rng: (rng.normal(size=10), rng.normal(size=3), rng.normal(size=2)),
    wrt=("series", "ar", "ma"),
    jax=True,
)
def autoregression(series, ar, ma):
    """One-step errors of an ARMA model, kept in a Python list."""
    errors = [0.0, 0.0]
    for t in range(3, 10):
        expected = series[t - 3 : t] @ ar + ma[0] * errors[-1] + ma[1] * errors[-2]
        errors.append(series[t] - expected)
    return sum(error**2 for error in errors)


@program(lambda rng: (rng.normal(size=(4, 3)), sigmoid(rng.normal(size=(4, 3)))), jax=True)
def binary_cross_entropy(scores, targets):
    """The numerically careful form, with a branch on the sign."""
    softplus = np.maximum(scores, 0) + np.log1p(np.exp(-np.abs(scores)))
    return np.mean(softplus - scores * targets) + np.sum(sigmoid(scores) ** 2)
