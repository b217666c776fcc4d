"""Differential equations, stepped by `fori_loop`, `while_loop` and `scan`."""

import numpy as np

import gradc

from .structured import looped


def _prey_slope(rates, state):
    alpha, beta, gamma, delta = rates[0], rates[1], rates[2], rates[3]
    prey, hunters = state[0], state[1]
    return np.stack([prey * (alpha - beta * hunters), hunters * (delta * prey - gamma)])


def _runge_kutta_step(slope, state, step):
    k1 = slope(state)
    k2 = slope(state + step / 2 * k1)
    k3 = slope(state + step / 2 * k2)
    k4 = slope(state + step * k3)
    return state + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _runge_kutta_plain(rates, start, steps=6):
    state = start.copy()
    for _ in range(steps):
        state = _runge_kutta_step(lambda s: _prey_slope(rates, s), state, 0.05)
    return np.sum(state**2)


@looped(
    lambda rng: (np.array([1.5, 1.0, 3.0, 1.0]), np.array([1.0, 1.2])),
    plain=_runge_kutta_plain,
    wrt=("rates", "start"),
    jax=True,
)
def runge_kutta(rates, start, steps=6):
    """Lotka and Volterra's equations: four parameters, read as invariants."""

    def body(i, state):
        return _runge_kutta_step(lambda s: _prey_slope(rates, s), state, 0.05)

    return np.sum(gradc.fori_loop(0, steps, body, start) ** 2)


def _trajectory_plain(rates, start, dt):
    state, path = start.copy(), []
    for _ in range(9):
        state = _runge_kutta_step(lambda s: _prey_slope(rates, s), state, dt)
        path.append(state)
    return state, np.array(path)


@looped(
    lambda rng: (np.array([1.5, 1.0, 3.0, 1.0]), np.array([1.0, 1.2]), np.array(0.1)),
    plain=_trajectory_plain,
    wrt=("rates", "start", "dt"),
    scalar=False,
    jax=True,
)
def trajectory(rates, start, dt):
    """All states of an integration, stacked by a scan over nothing."""

    def body(state, _):
        after = _runge_kutta_step(lambda s: _prey_slope(rates, s), state, dt)
        return after, after

    return gradc.scan(body, start, length=9)


def _implicit_euler_plain(y, stiffness, steps=4):
    for _ in range(steps):
        z = y
        while np.abs(z - y + 0.1 * stiffness * z**3) > 1e-13:
            z = z - (z - y + 0.1 * stiffness * z**3) / (1 + 0.3 * stiffness * z**2)
        y = z
    return y * stiffness


@looped(
    lambda rng: (np.array(1.3), np.array(4.0)),
    plain=_implicit_euler_plain,
    wrt=("y", "stiffness"),
    jax=True,
    single=None,  # Newton's threshold lies below what float32 resolves
)
def implicit_euler(y, stiffness, steps=4):
    """Newton's iteration in a while loop, within each step of the equation."""

    def residual(z, before):
        return z - before + 0.1 * stiffness * z**3

    def body(i, before):
        def newton(z):
            return z - residual(z, before) / (1 + 0.3 * stiffness * z**2)

        return gradc.while_loop(lambda z: np.abs(residual(z, before)) > 1e-13, newton, before)

    return gradc.fori_loop(0, steps, body, y) * stiffness


def _forces(positions, masses):
    offsets = positions[None] - positions[:, None]
    cubes = (np.sum(offsets**2, axis=-1) + 0.2) ** 1.5
    return np.sum(masses[None, :, None] * offsets / cubes[:, :, None], axis=1)


def _verlet_plain(positions, speeds, masses, steps=5):
    x, v = positions.copy(), speeds.copy()
    for _ in range(steps):
        v += 0.05 * _forces(x, masses)
        x += 0.1 * v
        v += 0.05 * _forces(x, masses)
    return x, v


@looped(
    lambda rng: (rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.uniform(0.5, 2, size=4)),
    plain=_verlet_plain,
    wrt=(0, 1, 2),
    scalar=False,
)
def verlet(positions, speeds, masses, steps=5):
    """Velocity Verlet on bodies that attract each other, both carries changed in place."""

    def body(i, carry):
        x, v = carry
        v += 0.05 * _forces(x, masses)
        x += 0.1 * v
        v += 0.05 * _forces(x, masses)

    return gradc.fori_loop(0, steps, body, (positions, speeds))


def _leapfrog_plain(angle, speed, steps=6):
    for _ in range(steps):
        angle, speed = angle + 0.1 * speed, speed - 0.1 * np.sin(angle + 0.1 * speed)
    return angle * speed


@looped(
    lambda rng: (0.3, 0.8),
    plain=_leapfrog_plain,
    wrt=("angle", "speed"),
    jax=True,
)
def leapfrog(angle, speed, steps=6):
    """Plain numbers in a dict of carries."""

    def body(i, state):
        angle = state["angle"] + 0.1 * state["speed"]
        return {"angle": angle, "speed": state["speed"] - 0.1 * np.sin(angle)}

    end = gradc.fori_loop(0, steps, body, {"angle": angle, "speed": speed})
    return end["angle"] * end["speed"]


def _euler_maruyama_plain(x, drift, noise):
    for shock in noise:
        x = x + 0.02 * drift * (1 - x) + 0.1 * np.sqrt(x * x + 0.5) * shock
    return x


@looped(
    lambda rng: (rng.normal(size=3), np.array(2.0), rng.normal(size=(12, 3))),
    plain=_euler_maruyama_plain,
    wrt=("x", "drift", "noise"),
    scalar=False,
    jax=True,
)
def euler_maruyama(x, drift, noise):
    """A stochastic equation with given noise, read by row."""

    def body(i, x):
        return x + 0.02 * drift * (1 - x) + 0.1 * np.sqrt(x * x + 0.5) * noise[i]

    return gradc.fori_loop(0, len(noise), body, x)


def _bouncing_plain(height, speed, bounce, steps=30):
    for _ in range(steps):
        speed = speed - 0.05 * 9.81
        height = height + 0.05 * speed
        if height < 0:
            height, speed = -bounce * height, -bounce * speed
    return height + speed**2


@looped(
    lambda rng: (np.array(1.0), np.array(0.5), np.array(0.8)),
    plain=_bouncing_plain,
    wrt=(0, 1, 2),
    jax=True,
)
def bouncing_ball(height, speed, bounce, steps=30):
    """An event in each step, if there is one: a branch in a loop."""

    def body(i, carry):
        height, speed = carry
        speed = speed - 0.05 * 9.81
        height = height + 0.05 * speed
        return gradc.cond(
            height < 0,
            lambda h, s: (-bounce * h, -bounce * s),
            lambda h, s: (h, s),
            height,
            speed,
        )

    height, speed = gradc.fori_loop(0, steps, body, (height, speed))
    return height + speed**2


def _until_landing_plain(height, speed, drag):
    time = 0.0
    while height > 0:
        speed = speed - 0.02 * (9.81 + drag * speed)
        height = height + 0.02 * speed
        time = time + 0.02
    return time - height / speed  # back to where it was zero


@looped(
    lambda rng: (np.array(1.0), np.array(2.0), np.array(0.3)),
    plain=_until_landing_plain,
    wrt=("height", "speed", "drag"),
    jax=True,
)
def until_landing(height, speed, drag):
    """An equation that is integrated until an event, which the last step interpolates."""

    def body(carry):
        height, speed, time = carry
        speed = speed - 0.02 * (9.81 + drag * speed)
        return height + 0.02 * speed, speed, time + 0.02

    height, speed, time = gradc.while_loop(lambda c: c[0] > 0, body, (height, speed, 0.0))
    return time - height / speed


def _adaptive_plain(y, rate):
    time, step = 0.0, 0.5
    while time < 1.0:
        step = min(step, 1.0 - time)
        full = y + step * np.sin(rate * y)
        half = y + step / 2 * np.sin(rate * y)
        half = half + step / 2 * np.sin(rate * half)
        error = np.abs(full - half)
        if error < 1e-2:
            time, y = time + step, half
        step = step * min(2.0, max(0.3, 0.9 * np.sqrt(1e-2 / (error + 1e-12))))
    return y


@looped(
    lambda rng: (np.array(0.7), np.array(2.5)),
    plain=_adaptive_plain,
    wrt=("y", "rate"),
    jax=True,
)
def adaptive_step(y, rate):
    """Step sizes by the estimated error: trips and branches depend on the data."""

    def body(carry):
        time, step, y = carry
        step = np.minimum(step, 1.0 - time)
        full = y + step * np.sin(rate * y)
        half = y + step / 2 * np.sin(rate * y)
        half = half + step / 2 * np.sin(rate * half)
        error = np.abs(full - half)
        time, y = gradc.cond(
            error < 1e-2,
            lambda time, step, y, half: (time + step, half),
            lambda time, step, y, half: (time, y),
            time, step, y, half,
        )  # fmt: skip
        factor = np.minimum(2.0, np.maximum(0.3, 0.9 * np.sqrt(1e-2 / (error + 1e-12))))
        return time, step * factor, y

    return gradc.while_loop(lambda c: c[0] < 1.0, body, (0.0, 0.5, y))[2]
