"""Longer pieces of scientific codes: physics, statistics, geometry, signals, games, control."""

import math

import numpy as np

from .program import program


@program(
    lambda rng: (rng.uniform(0.5, 1.5, size=4), rng.normal(size=(6, 4))),
    wrt=("rates", "x"),
    autograd=True,
)
def chemical_kinetics(rates, x):
    """Reactions by a stoichiometric matrix; fluxes by mass action; Euler steps for a batch."""
    stoichiometry = np.array([[-1, 0, 1, 0], [1, -1, 0, 0], [0, 1, -1, 1], [0, 0, 1, -1.0]])
    c = np.exp(0.2 * x)
    for _ in range(4):
        flux = rates * np.maximum(c, 1e-6) ** np.array([1, 2, 1, 1])
        c = c + 0.05 * flux @ stoichiometry
    entropy = -np.sum(c / c.sum() * np.log(c / c.sum()))
    return entropy + np.linalg.norm(c, axis=1).max()


@program(lambda rng: (rng.normal(size=(5, 6)), 0.44), wrt=("spins", "coupling"), autograd=True)
def spin_lattice(spins, coupling):
    """Neighbours by `roll` around a torus; mean field; fluctuations."""
    s = np.tanh(spins)
    neighbours = sum(np.roll(s, shift, axis) for axis in (0, 1) for shift in (1, -1))
    energy = -coupling * np.sum(s * neighbours) / 2
    field = np.tanh(coupling * neighbours)
    return energy + np.var(field) - np.sum(np.logaddexp(s, -s)) + field.mean(axis=0).max()


@program(
    lambda rng: (rng.uniform(0.2, 0.8, size=(4, 2)), rng.uniform(0, 1, size=(9, 2))),
    wrt=("control", "targets"),
)
def bezier_curve(control, targets):
    """De Casteljau in place on one buffer; the nearest of the sampled points."""
    samples = []
    for t in np.linspace(0, 1, 7):
        points = control.copy()
        for level in range(1, len(points)):
            points[:-level] = (1 - t) * points[:-level] + t * points[1 : len(points) - level + 1]
        samples.append(points[0])
    curve = np.stack(samples)
    squared = ((targets[:, np.newaxis] - curve) ** 2).sum(axis=-1)
    length = np.hypot(*np.diff(curve, axis=0).T).sum()
    return np.sqrt(squared.min(axis=1)).mean() + 0.1 * length


@program(
    lambda rng: (
        rng.normal(size=(4, 3)),
        rng.normal(size=(4, 3)),
        rng.integers(0, 2, size=(10, 2)),
    ),
    wrt=("strength", "style"),
    autograd=True,
)
def tournament_ratings(strength, style, games):
    """Bradley-Terry with interactions, batched by fancy indices; a hierarchical prior."""
    home, away = games[:, 0], games[:, 1] + 2
    edge = np.sum(strength[home] - strength[away], axis=-1)
    edge = edge + np.einsum("ni,ni->n", style[home], strength[away])
    log_likelihood = -np.log1p(np.exp(-edge)).sum()
    centre, spread = strength.mean(axis=0), strength.std(axis=0)
    prior = -0.5 * np.sum(((strength - centre) / (1 + spread)) ** 2)
    return -(log_likelihood + prior) + np.sum(np.log(1 + spread))


@program(
    lambda rng: (rng.normal(size=(2, 2)), rng.normal(size=2), np.array([1.0, -0.5])),
    wrt=("gain", "bias", "start"),
    torch=True,
)
def controlled_pendulum(gain, bias, start):
    """A feedback law, saturated, rolled out; costs in a buffer, the last one weighted."""
    state, costs = start * 1.0, np.zeros(8)
    for k in range(8):
        push = 2 * np.tanh(gain[0] @ state + bias[0]) + gain[1, 0] * np.sin(state[0])
        acceleration = -9.81 * np.sin(state[0]) - 0.1 * state[1] + push
        state = state + 0.05 * np.stack([state[1], acceleration])
        costs[k] = state[0] ** 2 + 0.1 * state[1] ** 2 + 0.01 * push**2
    costs[-1] *= 10.0
    return np.sum(costs) + bias[1] ** 2


@program(
    lambda rng: (rng.uniform(1, 2, size=(6, 5)), rng.normal(size=5)), wrt=("spectra", "baseline")
)
def spectra_corrected(spectra, baseline):
    """Baseline, scatter correction, smoothing, peaks by indices, ranks by `argsort`."""
    corrected = spectra - np.cumsum(baseline) / 10
    corrected -= corrected.mean(axis=1, keepdims=True)
    corrected /= corrected.std(axis=1, keepdims=True, ddof=1)
    reference = np.median(corrected, axis=0)
    slopes = (corrected @ reference) / np.dot(reference, reference)
    corrected /= slopes[:, None]
    peaks = np.argmax(corrected, axis=1)
    heights = corrected[np.arange(len(corrected)), peaks]
    order = np.argsort(heights)[::-1]
    return np.sum(heights[order] * 0.5 ** np.arange(6)) + np.percentile(corrected, [25, 75]).sum()


@program(lambda rng: (rng.normal(size=7), rng.uniform(0.5, 1.5, size=7)), wrt=("x", "w"))
def robust_location(x, w):
    """Weighted median of pairs, trimmed mean, iteratively reweighted mean."""
    pairs = np.add.outer(x, x)[np.triu_indices(7)] / 2
    centre = np.median(pairs)
    trimmed = np.sort(x)[1:-1].mean()
    location = np.average(x, weights=w)
    for _ in range(3):
        residual = np.abs(x - location)
        weights = w / np.maximum(residual, 0.1)
        location = (weights * x).sum() / weights.sum()
    return centre * 2 + trimmed * location + np.quantile(np.abs(x - centre), 0.75)


@program(
    lambda rng: (rng.normal(size=(3, 8, 8)), rng.normal(size=(2, 3, 3, 3)), rng.normal(size=2)),
    wrt=("image", "kernels", "bias"),
)
def patches_and_pooling(image, kernels, bias):
    """Patches by sliding windows, a tensor product, pooling by reshaping, a global response."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(1, 2))
    maps = np.tensordot(kernels, windows, axes=([1, 2, 3], [0, 3, 4])) + bias[:, None, None]
    active = np.where(maps > 0, maps, 0.01 * maps)
    pooled = active.reshape(2, 3, 2, 3, 2).max(axis=(2, 4))
    response = pooled.reshape(2, -1)
    return np.log(np.exp(response - response.max()).sum()) + np.sum(response.mean(axis=1) ** 2)


@program(
    lambda rng: (rng.normal(size=(4, 3)), np.array([0, 1, 2, 3, 0, 2])), wrt="vertices", torch=True
)
def polygon_and_mesh(vertices, cycle):
    """Areas by cross products, a volume by triple products, normals, angles."""
    ring = vertices[cycle]
    edges = np.diff(ring, axis=0)
    normals = np.cross(edges[:-1], edges[1:])
    areas = np.sqrt(np.sum(normals**2, axis=-1)) / 2
    a, b, c = vertices[1:] - vertices[0]
    volume = abs(np.dot(a, np.cross(b, c))) / 6
    cosines = np.sum(edges[:-1] * edges[1:], axis=1)
    cosines /= np.linalg.norm(edges[:-1], axis=1) * np.linalg.norm(edges[1:], axis=1)
    return areas.sum() + volume + np.sum(np.arccos(np.clip(cosines, -0.999, 0.999)))


@program(
    lambda rng: (rng.normal(size=(6, 4)), rng.normal(size=(4, 4)), rng.normal(size=6)),
    wrt=("x", "weights", "y"),
)
def message_passing(x, weights, y):
    """A graph as an edge list: messages are summed at their targets with `np.add.at`."""
    source, target = np.array([0, 1, 2, 3, 4, 5, 0, 2]), np.array([1, 2, 0, 4, 5, 3, 3, 5])
    degree = np.bincount(target, minlength=6)
    for _ in range(2):
        inbox = np.zeros_like(x)
        np.add.at(inbox, target, np.tanh(x[source] @ weights))
        x = x + inbox / np.sqrt(degree)[:, None]
    scores = x.sum(axis=1)
    attention = np.exp(scores - np.logaddexp.reduce(scores))
    return np.dot(attention, (scores - y) ** 2)


@program(lambda rng: (rng.normal(size=12), np.array([0.1, 0.85, 0.05])), wrt=("returns", "theta"))
def volatility_model(returns, theta):
    """GARCH: the variance is a recurrence in a buffer; Student's likelihood by `math.lgamma`."""
    omega, beta, alpha = theta
    variance = np.empty(len(returns))
    variance[0] = returns.var()
    for t in range(1, len(returns)):
        variance[t] = omega + alpha * returns[t - 1] ** 2 + beta * variance[t - 1]
    freedom = 5.0
    constant = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    z = returns**2 / variance
    return (
        np.sum(0.5 * np.log(variance) + (freedom + 1) / 2 * np.log1p(z / freedom)) - 12 * constant
    )


@program(
    lambda rng: (rng.normal(size=(3, 5)), rng.normal(size=(5, 3)), rng.normal(size=(2, 3))),
    wrt=(0, 1, 2),
    autograd=True,
)
def tensors_contracted(a, b, c):
    """`einsum` in several forms, `kron`, `tensordot`, `outer`, `trace`, `multi_dot`."""
    chain = np.einsum("ij,jk,lk->il", a, b, c)
    blocks = np.kron(np.eye(2), a @ b)
    corner = np.tensordot(blocks.reshape(2, 3, 2, 3), np.outer(c[0], c[1]), axes=([1, 3], [0, 1]))
    scaled = np.einsum("...i,i->...", a.T, np.ones(3))
    return np.trace(corner @ corner.T) + np.sum(chain**2) + np.einsum("i,i", scaled, b[:, 0])


@program(
    lambda rng: (rng.uniform(0, 1, size=(5, 4)), rng.uniform(0.5, 1.5, size=4)),
    wrt=("grid", "wind"),
    scalar=False,
)
def upwind_transport(grid, wind):
    """Fluxes at faces by `maximum` and `minimum`; several fields are returned together."""
    field = grid.copy()
    total = np.zeros(3)
    for step in range(3):
        face = np.maximum(wind, 0) * field + np.minimum(wind, 0) * np.roll(field, -1, axis=1)
        field -= 0.2 * (face - np.roll(face, 1, axis=1))
        field += 0.01 * (step + 1)
        total[step] = field.max() - field.min()
    return {"field": field, "spread": total, "column": field.mean(axis=0), "last": total[-1]}


@program(
    lambda rng: (rng.normal(size=(4, 6)), rng.normal(size=6)),
    wrt=("x", "scale"),
    has_aux=True,
    jax=True,
)
def normalised_with_report(x, scale):
    """A loss with a report beside it: counts, text, nested lists, a histogram."""
    z = (x - x.mean(axis=1, keepdims=True)) / (x.std(axis=1, keepdims=True) + 1e-3) * scale
    loss = np.mean(np.log(np.cosh(z)))
    report = {
        "name": f"{len(x)} rows",
        "positive": np.count_nonzero(z > 0),
        "extremes": [z.min(), z.max()],
        "sorted": np.sort(z, axis=None)[-3:],
    }
    return loss, report
