"""What stands in notebooks: integrators, fits, filters, chains, elements, prices, images."""

import numpy as np

from .program import program


@program(
    lambda rng: (np.array([10.0, 28.0, 8 / 3]), rng.normal(size=3)),
    wrt=("theta", "start"),
    torch=True,
)
def lorenz_trajectory(theta, start):
    """Heun steps that fill a buffer made by `np.zeros`."""
    sigma, rho, beta = theta
    path = np.zeros((8, 3))
    path[0] = start
    h = 0.01

    def slope(u):
        return np.stack(
            [sigma * (u[1] - u[0]), u[0] * (rho - u[2]) - u[1], u[0] * u[1] - beta * u[2]]
        )

    for n in range(7):
        k1 = slope(path[n] * 1.0)
        k2 = slope(path[n] + h * k1)
        path[n + 1] = path[n] * 1.0 + h / 2 * (k1 + k2)
    return (path[:, 2] ** 2).mean() + path[-1, 0]


@program(
    lambda rng: (np.array([0.4, 0.1, 0.3]), 990.0, 10.0, rng.uniform(5, 40, size=12)),
    wrt=("rates", "susceptible"),
    torch=True,
)
def epidemic(rates, susceptible, infected, reported):
    """Compartments in a Python loop; the misfit is collected in an array."""
    beta, gamma, loss_rate = rates
    population = susceptible + infected
    s, i, r = susceptible, infected, 0.0
    new_cases = np.zeros(12)
    for day in range(12):
        infections = beta * s * i / population
        recoveries = gamma * i
        s, i, r = (
            s - infections + loss_rate * r,
            i + infections - recoveries,
            (1 - loss_rate) * r + recoveries,
        )
        new_cases[day] = infections
    return np.sum((np.sqrt(new_cases) - np.sqrt(reported)) ** 2)


@program(
    lambda rng: (rng.normal(size=4), np.linspace(-1, 1, 14), rng.normal(size=14)),
    wrt=("c", "t"),
    jax=True,
)
def polynomial_fit(c, t, y):
    """A Vandermonde matrix, weights, a penalty on the curvature."""
    design = np.vander(t, 4, increasing=True)
    weights = np.hanning(16)[1:-1]
    residual = design @ c - y
    curvature = np.array([0.0, 0.0, 2.0, 6.0]) * c
    return np.average(residual**2, weights=weights) + 0.01 * np.dot(curvature, curvature)


@program(lambda rng: (rng.normal(size=20), np.array([0.2, 0.4, -0.1])), wrt=("signal", "poles"))
def recursive_filter(signal, poles):
    """A difference equation with a buffer for the past, then an exponential mean."""
    past, out = np.zeros(3), np.zeros_like(signal)
    for n, sample in enumerate(signal):
        out[n] = sample + poles @ past
        past = np.roll(past, 1)
        past[0] = out[n]
    level = out[0]
    for value in out[1:]:
        level = 0.9 * level + 0.1 * value
    return np.var(out) + level**2


@program(
    lambda rng: (
        rng.normal(size=(3, 3)),
        rng.normal(size=3),
        rng.normal(size=(3, 4)),
        rng.integers(0, 4, 8),
    ),
    wrt=("transition", "start", "emission"),
    autograd=True,
)
def hidden_markov_forward(transition, start, emission, seen):
    """The forward algorithm with scaled probabilities."""

    def normalised(scores):
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    step, output = normalised(transition), normalised(emission)
    alpha, likelihood = normalised(start) * output[:, seen[0]], 0.0
    for symbol in seen[1:]:
        scale = alpha.sum()
        likelihood += np.log(scale)
        alpha = (alpha / scale) @ step * output[:, symbol]
    return -(likelihood + np.log(np.sum(alpha)))


@program(
    lambda rng: (100.0, 95.0, 0.25, 0.03),
    wrt=("spot", "strike", "volatility", "rate"),
    autograd=True,
)
def binomial_option(spot, strike, volatility, rate):
    """An American put on a tree, backwards in time."""
    steps, dt = 6, 1 / 6
    up = np.exp(volatility * np.sqrt(dt))
    down = 1 / up
    p = (np.exp(rate * dt) - down) / (up - down)
    powers = np.arange(steps, -steps - 1, -2)
    values = np.maximum(strike - spot * up**powers, 0)
    for n in range(steps - 1, -1, -1):
        held = np.exp(-rate * dt) * (p * values[:-1] + (1 - p) * values[1:])
        prices = spot * up ** np.arange(n, -n - 1, -2)
        values = np.maximum(held, strike - prices)
    return values[0]


@program(
    lambda rng: (np.array([0.2, 0.05]), 1.0, rng.normal(size=(30, 8))),
    wrt=("model", "strike"),
    jax=True,
)
def asian_option(model, strike, noise):
    """Paths by `cumsum` and `exp`; the mean of the discounted payoffs, with a control."""
    volatility, rate = model
    dt = 1 / noise.shape[1]
    steps = (rate - volatility**2 / 2) * dt + volatility * np.sqrt(dt) * noise
    paths = np.exp(np.cumsum(steps, axis=1))
    payoff = np.exp(-rate) * np.maximum(paths.mean(axis=1) - strike, 0)
    control = paths[:, -1] - np.exp(rate)
    slope = np.cov(payoff, control)[0, 1] / np.var(control, ddof=1)
    return np.mean(payoff - slope * control)


@program(
    lambda rng: (rng.uniform(0, 1, size=(7, 8)), rng.normal(size=(3, 3))),
    wrt=("image", "kernel"),
    jax=True,
)
def sharpened_edges(image, kernel):
    """A stencil by shifted slices of a padded image, then Sobel edges."""
    padded = np.pad(image, 1, mode="edge")
    h, w = image.shape
    out = np.zeros_like(image)
    for i in range(3):
        for j in range(3):
            out = out + kernel[i, j] * padded[i : i + h, j : j + w]
    gx = out[1:-1, 2:] - out[1:-1, :-2]
    gy = out[2:, 1:-1] - out[:-2, 1:-1]
    return np.mean(np.hypot(gx, gy + 1e-3)) + np.std(out)


@program(
    lambda rng: (rng.normal(size=(12, 2)), rng.normal(size=(3, 2)) * 2), wrt=("points", "centres")
)
def soft_k_means(points, centres):
    """Assignment, update by sums over labels, and the distortion after two steps."""
    centres = centres.copy()
    for _ in range(2):
        distances = ((points[:, None] - centres[None]) ** 2).sum(-1)
        weights = np.exp(-distances)
        weights /= weights.sum(axis=1, keepdims=True)
        for k in range(len(centres)):
            centres[k] = np.average(points, axis=0, weights=weights[:, k])
    labels = np.argmin(((points[:, None] - centres) ** 2).sum(-1), axis=1)
    return np.sum((points - centres[labels]) ** 2) / len(points)


@program(
    lambda rng: (rng.normal(size=(4, 2)), rng.normal(size=(4, 2)) * 0.1, rng.uniform(1, 2, 4)),
    wrt=("positions", "velocities", "masses"),
    torch=True,
)
def molecular_dynamics(positions, velocities, masses):
    """Velocity Verlet with pair forces accumulated over `i < j`."""

    def forces(r):
        total = np.zeros_like(r)
        for i in range(len(r)):
            for j in range(i + 1, len(r)):
                offset = r[i] - r[j]
                pull = -offset * (1 - 1 / np.sqrt(offset @ offset + 0.1))
                total[i] += pull
                total[j] -= pull
        return total

    r, v, dt = positions.copy(), velocities.copy(), 0.05
    f = forces(r)
    for _ in range(2):
        r += dt * v + 0.5 * dt**2 * f / masses[:, None]
        g = forces(r)
        v += 0.5 * dt * (f + g) / masses[:, None]
        f = g
    return 0.5 * np.sum(masses[:, None] * v**2) + np.sum(r**2)


@program(lambda rng: (rng.uniform(1, 2, size=10), 0.7), wrt=("prices", "risk"))
def drawdown_of_a_portfolio(prices, risk):
    """Returns, running maxima, quantiles, compounding in place."""
    returns = np.diff(np.log(prices))
    wealth = np.ones(len(returns) + 1)
    for day in range(len(returns)):
        wealth[day + 1] = wealth[day] * (1 + risk * returns[day])
    peaks = np.maximum.accumulate(wealth)
    drawdown = (peaks - wealth) / peaks
    return drawdown.max() + np.percentile(returns, 20) - returns.mean() / returns.std(ddof=1)


@program(
    lambda rng: (rng.normal(size=16), rng.uniform(0.5, 2, size=3)),
    wrt=("signal", "bands"),
    jax=True,
)
def spectral_energy(signal, bands):
    """A windowed spectrum by sines and cosines, energies of bands, a smoothed envelope."""
    n = np.arange(16)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 16)
    angles = 2 * np.pi * np.outer(n[:9], n) / 16
    real, imaginary = np.cos(angles) @ (signal * window), np.sin(angles) @ (signal * window)
    power = real**2 + imaginary**2
    energies = np.array([power[1:3].sum(), power[3:6].sum(), power[6:].sum()])
    envelope = np.convolve(np.abs(signal), np.ones(4) / 4, mode="same")
    return bands @ np.log1p(energies) + np.sum(envelope**2)


@program(lambda rng: (rng.normal(size=(5, 5)), 0.85), wrt=("links", "damping"))
def page_rank(links, damping):
    """Power iteration of a Markov chain whose rows are normalised in place."""
    chain = np.exp(links)
    np.fill_diagonal(chain, 0.0)
    chain /= chain.sum(axis=1, keepdims=True)
    rank = np.full(5, 1 / 5)
    for _ in range(10):
        rank = damping * rank @ chain + (1 - damping) / 5
    return -np.sum(rank * np.log(rank)) + rank[np.argmax(rank)]


@program(
    lambda rng: (rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=3)),
    wrt=("cloud", "axis", "shift"),
    jax=True,
)
def aligned_clouds(cloud, axis, shift):
    """Rodrigues rotation, distances to the nearest neighbours, moments of inertia."""
    angle = np.linalg.norm(axis)
    k = axis / angle
    turned = (
        cloud * np.cos(angle)
        + np.cross(k, cloud) * np.sin(angle)
        + np.outer(cloud @ k, k) * (1 - np.cos(angle))
    )
    moved = turned + shift
    distances = np.linalg.norm(moved[:, None] - cloud[None], axis=-1)
    inertia = np.eye(3) * np.sum(moved**2) - moved.T @ moved
    return distances.min(axis=1).mean() + np.trace(np.linalg.matrix_power(inertia / 10, 3))


@program(lambda rng: (rng.uniform(0.5, 1.5, size=(5, 4)),))
def missing_values(table):
    """NaN where nothing was measured; means without them; filled by the column's mean."""
    holes = table.copy()
    holes[[0, 3], [1, 2]] = np.nan
    means = np.nanmean(holes, axis=0)
    filled = np.where(np.isnan(holes), means, holes)
    z = (filled - filled.mean(axis=0)) / filled.std(axis=0)
    return np.nansum(holes**2) + np.corrcoef(filled.T)[0, 1] + np.sum(z[0] * means)


@program(
    lambda rng: (rng.normal(size=9), np.sort(rng.uniform(0, 1, size=9))), wrt=("f", "t"), jax=True
)
def quadrature(f, t):
    """Trapezes and Simpson on a moving grid, gradients on it, interpolation."""
    area = np.trapezoid(f**2, t)
    slope = np.gradient(np.sin(f), 0.1)
    simpson = (f[:-2:2] + 4 * f[1:-1:2] + f[2::2]).sum() * 0.1 / 3
    between = np.interp(np.array([0.31, 0.52, 0.68]), np.linspace(0, 1, 9), f)
    return area + np.sum(slope**2) + simpson * between.prod()
