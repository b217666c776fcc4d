"""Numerical simulations: test functions, particles, differential equations, solvers."""

import numpy as np

from .program import program


@program(lambda rng: (rng.normal(size=10),), jax=True)
def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@program(lambda rng: (rng.normal(size=(5, 3)), rng.uniform(0.5, 2, size=5)), wrt=(0, 1), jax=True)
def gravity(positions, masses):
    """The potential of all pairs, softened so that a body does not meet itself."""
    offsets = positions[:, None] - positions[None]
    distances = np.sqrt(np.sum(offsets**2, axis=-1) + 0.1)
    pairs = masses[:, None] * masses / distances
    return -0.5 * np.sum(pairs * (1 - np.eye(5)))


@program(lambda rng: (rng.normal(size=12), np.array(0.2)), wrt=("u", "k"))
def heat_in_place(u, k):
    """Explicit steps of the heat equation, stored into the interior."""
    u = u * 1.0
    for _ in range(5):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


@program(lambda rng: (rng.normal(size=(6, 6)), rng.normal(size=(6, 6))), wrt=("a", "b"))
def jacobi_sweeps(a, b):
    """Double sweeps of a five-point average, as NumPy codes write them."""
    a, b = a + 0.0, b + 0.0
    for _ in range(3):
        b[1:-1, 1:-1] = 0.2 * (
            a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]
        )
        a[1:-1, 1:-1] = 0.2 * (
            b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1]
        )
    return np.sum(a**2 + np.sin(b))


@program(lambda rng: (np.array([1.5, 1.0, 3.0, 1.0]), np.array([1.0, 1.2])), wrt=(0, 1), jax=True)
def lotka_volterra(rates, start):
    """Classical Runge-Kutta steps with the right-hand side as a function of its own."""
    alpha, beta, gamma, delta = rates

    def slope(state):
        prey, hunters = state[0], state[1]
        return np.stack([prey * (alpha - beta * hunters), hunters * (delta * prey - gamma)])

    state, step = start, 0.05
    for _ in range(4):
        k1 = slope(state)
        k2 = slope(state + step / 2 * k1)
        k3 = slope(state + step / 2 * k2)
        k4 = slope(state + step * k3)
        state = state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(state**2)


@program(lambda rng: (0.3, 0.1, 9.81), wrt=("angle", "speed", "g"), jax=True)
def pendulum(angle, speed, g):
    """Leapfrog steps on plain numbers."""
    for _ in range(8):
        speed = speed - 0.05 * g * np.sin(angle)
        angle = angle + 0.1 * speed
        speed = speed - 0.05 * g * np.sin(angle)
    return speed**2 / 2 - g * np.cos(angle)


@program(lambda rng: (rng.uniform(0.5, 4, size=6),), jax=True)
def newton_roots(x):
    root = x
    for _ in range(5):
        root = 0.5 * (root + x / root)
    return np.sum(root * x)


@program(lambda rng: (rng.normal(size=(8, 8)), rng.normal(size=(8, 8))), wrt=(0, 1), jax=True)
def shallow_wave(height, push):
    """A wave on a framed grid, stepped without stores."""
    before, now = height, height + 0.1 * push
    for _ in range(3):
        inner = now[1:-1, 1:-1]
        around = now[2:, 1:-1] + now[:-2, 1:-1] + now[1:-1, 2:] + now[1:-1, :-2]
        after = 2 * inner - before[1:-1, 1:-1] + 0.2 * (around - 4 * inner)
        before, now = now, np.pad(after, 1)
    return np.sum(now**2)


@program(lambda rng: (rng.normal(size=(4, 2)), np.array(0.1)), wrt=("start", "rate"), jax=True)
def descent_inside(start, rate):
    """A loss after some steps of gradient descent, whose gradient is written out."""
    x = start
    for _ in range(4):
        slope = 2 * x + np.cos(x) * np.sum(np.sin(x))
        x = x - rate * slope
    return np.sum(x**2) + 0.5 * np.sum(np.sin(x)) ** 2
