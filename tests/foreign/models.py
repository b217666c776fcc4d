"""Models of textbooks and lecture notes, as their readers write them."""

import math
from collections import deque
from functools import reduce
from typing import Any

import numpy as np

from .case import Cases

CASES = Cases()
made = CASES.made


def rk4_step(f: Any, y: Any, t: float, h: float, *args: Any) -> Any:
    k1 = f(y, t, *args)
    k2 = f(y + h * k1 / 2, t + h / 2, *args)
    k3 = f(y + h * k2 / 2, t + h / 2, *args)
    k4 = f(y + h * k3, t + h, *args)
    return y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6


def odeint(f: Any, y0: Any, t: Any, args: tuple[Any, ...] = ()) -> Any:
    """Integrate on a grid, with the signature of scipy.integrate.odeint."""
    out = np.zeros((len(t), len(y0)))
    out[0] = y0
    for i in range(len(t) - 1):
        out[i + 1] = rk4_step(f, out[i], t[i], t[i + 1] - t[i], *args)
    return out


def lotka_volterra(p: Any) -> Any:
    def slopes(y: Any, t: float, a: float, b: float, c: float, d: float) -> Any:
        prey, predators = y
        return np.array([a * prey - b * prey * predators, -c * predators + d * prey * predators])

    return odeint(slopes, np.array([10.0, 5.0]), np.linspace(0, 1, 6), tuple(p))[-1]


def epidemic(p: Any) -> Any:
    """SIR by explicit Euler; the history in lists."""
    beta, gamma = p
    s, i, r = 0.99, 0.01, 0.0
    infected = []
    for _ in range(10):
        new, gone = beta * s * i, gamma * i
        s, i, r = s - new, i + new - gone, r + gone
        infected.append(i)
    return max(infected), np.array(infected)


def oscillator(p: Any) -> Any:
    omega, zeta = p

    def slopes(state: Any, t: float) -> Any:
        x, v = state
        return np.array([v, -2 * zeta * omega * v - omega**2 * x])

    state = np.array([1.0, 0.0])
    for n in range(8):
        state = rk4_step(slopes, state, n * 0.1, 0.1)
    return state


def van_der_pol(mu: Any) -> Any:
    x, v = 1.0, 0.0
    for _ in range(12):
        x, v = x + 0.05 * v, v + 0.05 * (mu * (1 - x**2) * v - x)
    return x


def lorenz(p: Any) -> Any:
    sigma, rho, beta = p
    xyz = np.empty((8, 3))
    xyz[0] = 0.0, 1.0, 1.05
    for i in range(7):
        x, y, z = xyz[i]
        xyz[i + 1] = xyz[i] + 0.01 * np.array(
            [sigma * (y - x), rho * x - y - x * z, x * y - beta * z]
        )
    return xyz[-1]


def gaussian_peaks(p: Any, x: Any) -> Any:
    """Peaks of amplitude, centre and width, in one flat vector, as curve_fit passes them."""
    y = np.zeros_like(x)
    for i in range(0, len(p), 3):
        a, c, w = p[i : i + 3]
        y = y + a * np.exp(-(((x - c) / w) ** 2))
    return y


def peak_residuals(p: Any, x: Any, y: Any) -> Any:
    return 0.5 * np.sum((gaussian_peaks(p, x) - y) ** 2)


def ising(spins: Any, coupling: float) -> Any:
    neighbours = sum(np.roll(spins, shift, axis) for shift in (-1, 1) for axis in (0, 1))
    return -coupling * np.sum(spins * neighbours) / 2


def heat(u: Any, kappa: float) -> Any:
    u = u.copy()
    for _ in range(5):
        u[1:-1, 1:-1] += kappa * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        )
    return u


def wave(u0: Any) -> Any:
    before, now = u0.copy(), u0.copy()
    for _ in range(6):
        after = np.zeros_like(now)
        after[1:-1] = 2 * now[1:-1] - before[1:-1] + 0.25 * np.diff(now, 2)
        before, now = now, after
    return now


def page_rank(links: Any) -> Any:
    n = links.shape[0]
    transitions = links / links.sum(axis=0)
    rank = np.ones(n) / n
    for _ in range(10):
        rank = 0.15 / n + 0.85 * transitions @ rank
    return rank


def logistic_map(r: Any) -> Any:
    x = 0.4
    for _ in range(10):
        x = r * x * (1 - x)
    return x


def kepler(p: Any) -> Any:
    """Kepler's equation by Newton's method, then the orbit."""
    mean_anomaly, eccentricity = p
    anomaly = mean_anomaly
    for _ in range(6):
        anomaly -= (anomaly - eccentricity * math.sin(anomaly) - mean_anomaly) / (
            1 - eccentricity * math.cos(anomaly)
        )
    return math.cos(anomaly) - eccentricity, math.sqrt(1 - eccentricity**2) * math.sin(anomaly)


def planets(state: Any, masses: Any) -> Any:
    """Leapfrog for several bodies, with the forces in a double loop."""
    position, velocity = state[0].copy(), state[1].copy()
    for _ in range(3):
        force = np.zeros_like(position)
        for i in range(len(masses)):
            for j in range(i + 1, len(masses)):
                d = position[j] - position[i]
                pull = masses[i] * masses[j] * d / np.linalg.norm(d) ** 3
                force[i] += pull
                force[j] -= pull
        velocity += 0.01 * force / masses[:, None]
        position += 0.01 * velocity
    return position


def markov_chain(transitions: Any) -> Any:
    p = transitions / transitions.sum(axis=1, keepdims=True)
    return np.linalg.matrix_power(p, 6)[0]


def black_scholes(p: Any) -> Any:
    spot, strike, rate, sigma, years = p

    def normal_cdf(x: Any) -> Any:
        return 0.5 * (1 + math.erf(x / math.sqrt(2)))

    d1 = (math.log(spot / strike) + (rate + sigma**2 / 2) * years) / (sigma * math.sqrt(years))
    d2 = d1 - sigma * math.sqrt(years)
    return spot * normal_cdf(d1) - strike * math.exp(-rate * years) * normal_cdf(d2)


def binomial_option(p: Any) -> Any:
    spot, strike, sigma = p
    n, rate = 6, 0.05
    up = np.exp(sigma * np.sqrt(1 / n))
    q = (np.exp(rate / n) - 1 / up) / (up - 1 / up)
    values = np.maximum(spot * up ** np.arange(-n, n + 1, 2) - strike, 0.0)
    for _ in range(n):
        values = np.exp(-rate / n) * (q * values[1:] + (1 - q) * values[:-1])
    return values[0]


class Network:
    """A dense network in the way of many a tutorial."""

    def __init__(self, sizes: list[int], seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.weights = [rng.normal(size=(m, n)) for m, n in zip(sizes, sizes[1:], strict=False)]
        self.biases = [np.zeros(n) for n in sizes[1:]]

    def forward(self, x: Any) -> Any:
        self.activations = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            x = np.tanh(x @ w + b)
            self.activations.append(x)
        return x

    def loss(self, x: Any, y: Any) -> Any:
        return np.mean((self.forward(x) - y) ** 2)


def network_from_scratch(x: Any) -> Any:
    return Network([3, 4, 2]).loss(x, np.ones((4, 2)))


def kalman(p: Any, measured: Any) -> Any:
    """Log likelihood of a position-velocity filter."""
    q, r = np.exp(p)
    F, H = np.array([[1.0, 0.1], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    m, P, total = np.zeros(2), np.eye(2), 0.0
    for z in measured:
        m, P = F @ m, F @ P @ F.T + q * np.eye(2)
        S = (H @ P @ H.T + r)[0, 0]
        K = (P @ H.T)[:, 0] / S
        residual = z - (H @ m)[0]
        m, P = m + K * residual, P - np.outer(K, H @ P)
        total -= 0.5 * (math.log(2 * math.pi * S) + residual**2 / S)
    return total


def hidden_markov(start: Any, transitions: Any, seen: Any) -> Any:
    """The forward algorithm in logarithms."""
    alpha = np.log(start)
    for one in seen:
        alpha = np.log(np.sum(np.exp(alpha[:, None] + np.log(transitions)), axis=0)) + np.log(one)
    return np.log(np.sum(np.exp(alpha)))


def lennard_jones(x: Any) -> Any:
    energy = 0.0
    for i, a in enumerate(x):
        for b in x[:i]:
            r6 = np.sum((a - b) ** 2) ** -3
            energy += 4 * (r6**2 - r6)
    return energy


def hermite_functions(x: Any) -> Any:
    """A recurrence over a list that grows."""
    h = [np.pi**-0.25 * np.exp(-(x**2) / 2)]
    h.append(np.sqrt(2) * x * h[0])
    for n in range(1, 5):
        h.append(np.sqrt(2 / (n + 1)) * x * h[n] - np.sqrt(n / (n + 1)) * h[n - 1])
    return np.stack(h)


def bezier(points: Any) -> Any:
    """De Casteljau's algorithm, by recursion."""

    def at(t: float, p: Any) -> Any:
        return p[0] if len(p) == 1 else at(t, (1 - t) * p[:-1] + t * p[1:])

    return np.array([at(t, points) for t in np.linspace(0, 1, 4)])


def thomas(diagonal: Any, right: Any) -> Any:
    """The tridiagonal solver with neighbours of -1, in place."""
    d, b = diagonal.copy(), right.copy()
    for i in range(1, len(d)):
        w = -1 / d[i - 1]
        d[i] -= -w
        b[i] -= w * b[i - 1]
    x = np.empty_like(b)
    x[-1] = b[-1] / d[-1]
    for i in reversed(range(len(d) - 1)):
        x[i] = (b[i] + x[i + 1]) / d[i]
    return x


def cholesky(a: Any) -> Any:
    n = len(a)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j] - sum(L[i, k] * L[j, k] for k in range(j))
            L[i, j] = math.sqrt(s) if i == j else s / L[j, j]
    return L


def horner(coefficients: Any) -> Any:
    return reduce(lambda total, c: total * 0.7 + c, coefficients)


def moving_average(x: Any) -> Any:
    window, out = deque(maxlen=3), []
    for one in x:
        window.append(one)
        out.append(sum(window) / len(window))
    return np.array(out)


def dynamic_time_warping(x: Any, y: Any) -> Any:
    D = np.full((len(x) + 1, len(y) + 1), np.inf)
    D[0, 0] = 0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            D[i, j] = (x[i - 1] - y[j - 1]) ** 2 + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[-1, -1]


def chain_of_resistors(r: Any) -> Any:
    total = 0.0
    for one in r:
        total = 1 / (1 / (total + one) + 1)
    return total


def newton_root(a: Any) -> Any:
    """Stops when it is near enough: the number of steps depends on the value."""
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def piecewise_tax(income: Any) -> Any:
    tax = 0.0
    for low, rate in ((0.0, 0.1), (10.0, 0.2), (40.0, 0.4)):
        if income > low:
            tax += (income - low) * rate
    return tax


def metropolis_ratio(p: Any) -> Any:
    """Draws from NumPy's global generator."""
    step = np.random.normal(size=p.shape)
    return np.exp(-np.sum((p + step) ** 2) + np.sum(p**2))


GRID = np.random.default_rng(3).random((4, 4)) + 0.1
LINE = np.array([0.3, 1.2, 0.7, 1.9, 0.4])

made("Lotka-Volterra by an odeint of one's own", lotka_volterra, np.array([1.0, 0.1, 1.5, 0.075]))
made("SIR epidemic", epidemic, np.array([0.5, 0.1]))
made("damped oscillator by Runge-Kutta", oscillator, np.array([2.0, 0.1]))
made("van der Pol oscillator", van_der_pol, 1.3)
made("Lorenz attractor", lorenz, np.array([10.0, 28.0, 8 / 3]))
made(
    "fit of Gaussian peaks", peak_residuals, np.array([1.0, 0.3, 0.5, 0.7, 1.4, 0.4]), LINE, LINE**2
)
made("Ising energy", ising, GRID, 0.7)
made("heat equation", heat, GRID, 0.1)
made("wave equation", wave, LINE)
made("PageRank", page_rank, GRID)
made("logistic map", logistic_map, 3.2)
made("Kepler's equation", kepler, np.array([1.1, 0.3]))
made("planets", planets, np.random.default_rng(4).normal(size=(2, 3, 2)), np.array([1.0, 2.0, 0.5]))
made("Markov chain", markov_chain, GRID)
made("Black-Scholes", black_scholes, np.array([100.0, 95.0, 0.03, 0.2, 1.0]))
made("binomial option", binomial_option, np.array([100.0, 95.0, 0.2]))
made("network from scratch", network_from_scratch, GRID[:, :3])
made("Kalman filter", kalman, np.array([-1.0, -0.5]), LINE)
made("hidden Markov model", hidden_markov, GRID[0], GRID, GRID[:3])
made("Lennard-Jones energy", lennard_jones, np.random.default_rng(5).random((3, 2)) + 0.5)
made("Hermite functions", hermite_functions, LINE)
made("Bezier curve", bezier, GRID[:, :2])
made("Thomas algorithm", thomas, LINE + 2, LINE)
made("Cholesky by hand", cholesky, GRID @ GRID.T + np.eye(4))
made("Horner's scheme", horner, LINE)
made("moving average", moving_average, LINE)
made("dynamic time warping", dynamic_time_warping, LINE, LINE[:3] ** 2)
made("chain of resistors", chain_of_resistors, LINE)
made("Newton's square root", newton_root, 2.0)
made("tax brackets", piecewise_tax, 30.0)
made("Metropolis ratio", metropolis_ratio, LINE)
