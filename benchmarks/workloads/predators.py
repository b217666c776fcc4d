"""Predators and prey: Lotka-Volterra by the classical Runge-Kutta method, in a loop."""

from __future__ import annotations

import numpy as np

import gradc

from ..workload import Workload

STEPS = 1000
STEP = 0.01


def slopes(x, y, p):
    """Return how fast the numbers of prey and predators change."""
    return p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y


def runge_kutta(x, y, p):
    """Return both numbers one step later."""
    ax, ay = slopes(x, y, p)
    bx, by = slopes(x + STEP / 2 * ax, y + STEP / 2 * ay, p)
    cx, cy = slopes(x + STEP / 2 * bx, y + STEP / 2 * by, p)
    dx, dy = slopes(x + STEP * cx, y + STEP * cy, p)
    return (
        x + STEP / 6 * (ax + 2 * bx + 2 * cx + dx),
        y + STEP / 6 * (ay + 2 * by + 2 * cy + dy),
    )


def final_sum(p, start, weights):
    """Return a weighted sum of both numbers at the end."""
    both = gradc.fori_loop(0, STEPS, lambda i, both: runge_kutta(*both, p), (start[0], start[1]))
    return weights[0] * both[0] + weights[1] * both[1]


def _pull(u, v, x, y, p, ct):
    """Return the gradient by ``x`` and ``y`` of ``u`` and ``v`` times the slopes; add to ``ct``."""
    both = x * y
    ct[0] += u * x
    ct[1] -= u * both
    ct[2] += v * both
    ct[3] -= v * y
    return u * (p[0] - p[1] * y) + v * p[2] * y, v * (p[2] * x - p[3]) - u * p[1] * x


def final_sum_by_hand(p, start, weights):
    """Return value and gradient; in Python floats, which are quicker than NumPy's scalars."""
    p, (x, y), (u, v) = p.tolist(), start.tolist(), weights.tolist()
    half, sixth = STEP / 2, STEP / 6
    seen = []
    for _ in range(STEPS):
        ax, ay = slopes(x, y, p)
        x2, y2 = x + half * ax, y + half * ay
        bx, by = slopes(x2, y2, p)
        x3, y3 = x + half * bx, y + half * by
        cx, cy = slopes(x3, y3, p)
        x4, y4 = x + STEP * cx, y + STEP * cy
        dx, dy = slopes(x4, y4, p)
        seen.append((x, y, x2, y2, x3, y3, x4, y4))
        x += sixth * (ax + 2 * (bx + cx) + dx)
        y += sixth * (ay + 2 * (by + cy) + dy)
    value = u * x + v * y

    ct = [0.0] * 4
    for x, y, x2, y2, x3, y3, x4, y4 in reversed(seen):
        du, dv = sixth * u, sixth * v
        g4, h4 = _pull(du, dv, x4, y4, p, ct)
        g3, h3 = _pull(2 * du + STEP * g4, 2 * dv + STEP * h4, x3, y3, p, ct)
        g2, h2 = _pull(2 * du + half * g3, 2 * dv + half * h3, x2, y2, p, ct)
        g1, h1 = _pull(du + half * g2, dv + half * h2, x, y, p, ct)
        u += g1 + g2 + g3 + g4
        v += h1 + h2 + h3 + h4
    return np.float64(value), (np.array(ct),)


def final_sum_in_jax(jax):
    """Return the same function for JAX."""

    def final_sum(p, start, weights):
        def step(both, _):
            return runge_kutta(*both, p), None

        both, _ = jax.lax.scan(step, (start[0], start[1]), None, length=STEPS)
        return weights[0] * both[0] + weights[1] * both[1]

    return final_sum


def make_args(rng, tiny):
    """Draw four rates, two numbers to start with, and weights."""
    rates = np.array([1.1, 0.4, 0.1, 0.4]) * rng.uniform(0.9, 1.1, size=4)
    return rates, rng.uniform(5.0, 10.0, size=2), rng.normal(size=2)


WORKLOAD = Workload(
    name="rk4ode",
    what="Lotka-Volterra, 1,000 Runge-Kutta steps, gradient by 4 parameters, float64",
    goal=75e-6,
    fn=final_sum,
    by_hand=final_sum_by_hand,
    torch=None,
    jax=final_sum_in_jax,
    autograd=False,
    make_args=make_args,
    wrt=(0,),
    tolerance=1e-10,  # roundings grow over the 1,000 steps
)
