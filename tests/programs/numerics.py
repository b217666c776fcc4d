"""Linear solvers, factorisations and iterations written by hand, with what they are used for."""

import numpy as np

from .program import program


def solve(matrix, right):
    """Elimination without pivots, on copies, one outer product for each column."""
    a, b = np.array(matrix), np.array(right)
    n = len(a)
    for k in range(n):
        factors = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k:] -= np.outer(factors, a[k, k:])
        b[k + 1 :] -= np.multiply.outer(factors, b[k])
    x = np.zeros_like(b)
    for k in reversed(range(n)):
        x[k] = (b[k] - a[k, k + 1 :] @ x[k + 1 :]) / a[k, k]
    return x


def cholesky(matrix):
    """Row by row, entry by entry."""
    n = matrix.shape[0]
    factor = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i, j] - factor[i, :j] @ factor[j, :j]
            factor[i, j] = np.sqrt(rest) if i == j else rest / factor[j, j]
    return factor


def _ridge_in_torch(x, y, penalty):
    gram = x.T @ x + penalty * x.new_tensor(np.eye(3))
    inverse = gram.inverse()
    residual = y - x @ (inverse @ (x.T @ y))
    hat = ((x @ inverse) * x).sum(1)
    return ((residual / (1 - hat)) ** 2).sum() / len(y) + gram.logdet()


@program(
    lambda rng: (rng.normal(size=(8, 3)), rng.normal(size=8), 0.5),
    wrt=("x", "y", "penalty"),
    torch=_ridge_in_torch,
)
def left_out_residuals(x, y, penalty):
    """Normal equations, leverages, the determinant from the factor."""
    gram = x.T @ x + penalty * np.eye(3)
    beta = solve(gram, x.T @ y)
    residual = y - x @ beta
    hat = np.einsum("ij,jk,ik->i", x, solve(gram, np.eye(3)), x)
    determinant = np.prod(np.diag(cholesky(gram))) ** 2
    return np.sum((residual / (1 - hat)) ** 2) / len(y) + np.log(determinant)


def _process_in_torch(x, y, log_scales):
    length, amplitude, noise = log_scales.exp()
    squared = ((x[:, None, :] - x[None, :, :]) ** 2).sum(-1)
    cov = amplitude * (-0.5 * squared / length**2).exp() + noise * x.new_tensor(np.eye(5))
    return 0.5 * y @ cov.inverse() @ y + 0.5 * cov.logdet()


@program(
    lambda rng: (rng.normal(size=(5, 2)), rng.normal(size=5), np.array([0.3, -0.2, 0.1])),
    wrt=("x", "y", "log_scales"),
    torch=_process_in_torch,
)
def gaussian_process(x, y, log_scales):
    """Marginal likelihood through a Cholesky factor filled entry by entry."""
    length, amplitude, noise = np.exp(log_scales)
    squared = np.sum((x[:, None, :] - x[None, :, :]) ** 2, axis=-1)
    factor = cholesky(amplitude * np.exp(-0.5 * squared / length**2) + noise * np.eye(len(x)))
    white = np.zeros(len(x))
    for i in range(len(x)):
        white[i] = (y[i] - factor[i, :i] @ white[:i]) / factor[i, i]
    return 0.5 * white @ white + np.sum(np.log(factor.diagonal()))


def _spline_in_torch(values, at):
    n = len(values)
    system = 4 * np.eye(n) + np.eye(n, k=1) + np.eye(n, k=-1)
    system[0, 1] = system[-1, -2] = 0.0
    # The curvature of the data, without that of the ends, as a constant matrix.
    second = 6 * np.pad(np.diff(np.eye(n), 2, axis=0), ((1, 1), (0, 0)))
    bend = values.new_tensor(np.linalg.solve(system, second)) @ values
    piece = at.detach().floor().long().clip(0, n - 2)
    t = at - piece
    curve = values[piece] * (1 - t) + values[piece + 1] * t
    curve = curve + ((1 - t) ** 3 - (1 - t)) * bend[piece] / 6 + (t**3 - t) * bend[piece + 1] / 6
    return (curve**2).sum()


@program(
    lambda rng: (rng.uniform(1, 3, size=6), np.linspace(0.3, 4.6, 9)),
    wrt=("values", "at"),
    torch=_spline_in_torch,
)
def natural_spline(values, at):
    """Second derivatives by the Thomas algorithm, evaluated piece by piece."""
    n = len(values)
    upper, right, bend = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(1, n - 1):
        pivot = 4.0 - upper[i - 1]
        upper[i] = 1.0 / pivot
        right[i] = (6 * (values[i + 1] - 2 * values[i] + values[i - 1]) - right[i - 1]) / pivot
    for i in range(n - 2, 0, -1):
        bend[i] = right[i] - upper[i] * bend[i + 1]
    piece = np.clip(np.floor(at).astype(int), 0, n - 2)
    t = at - piece
    curve = values[piece] * (1 - t) + values[piece + 1] * t
    curve += ((1 - t) ** 3 - (1 - t)) * bend[piece] / 6 + (t**3 - t) * bend[piece + 1] / 6
    return np.sum(curve**2)


@program(lambda rng: (rng.uniform(1, 2, size=6), rng.normal(size=7)), wrt=("stiffness", "load"))
def bar_elements(stiffness, load):
    """Assembly of a finite-element matrix by `ix_`, fixed ends, the energy."""
    count = len(stiffness)
    matrix = np.zeros((count + 1, count + 1))
    element = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for e in range(count):
        nodes = np.array([e, e + 1])
        matrix[np.ix_(nodes, nodes)] += stiffness[e] * element
    free = np.arange(1, count)
    u = np.zeros(count + 1)
    u[free] = solve(matrix[np.ix_(free, free)], load[free])
    return 0.5 * u @ matrix @ u - load @ u + np.abs(matrix).max()


@program(
    lambda rng: (rng.normal(size=(5, 2)), np.diag([0.1, 0.2]), 0.3, 0.05),
    wrt=("measured", "process", "noise", "drift"),
    autograd=True,
)
def kalman_filter(measured, process, noise, drift):
    """Prediction and correction of two states; a 2x2 inverse in closed form."""
    f = np.array([[1.0, 0.1], [0.0, 1.0]])
    mean, cov, loss = np.zeros(2), np.eye(2), 0.0
    for z in measured:
        mean = f @ mean + drift
        cov = f @ cov @ f.T + process
        (a, b), (c, d) = cov + noise * np.eye(2)
        determinant = a * d - b * c
        inverse = np.stack([np.stack([d, -b]), np.stack([-c, a])]) / determinant
        gain = cov @ inverse
        innovation = z - mean
        loss += 0.5 * (innovation @ inverse @ innovation + np.log(determinant))
        mean, cov = mean + gain @ innovation, cov - gain @ cov
    return loss


@program(
    lambda rng: (rng.normal(size=(5, 5)), rng.normal(size=5)),
    wrt=("root", "b"),
    torch=lambda root, b: (
        ((root @ root.T / 5 + root.new_tensor(np.eye(5))).inverse() @ b).square().sum()
    ),
    tolerance=1e-7,  # the iteration ends at rounding
)
def conjugate_gradients(root, b):
    """Residuals and directions changed in place until they vanish."""
    a = root @ root.T / 5 + np.eye(5)
    x = np.zeros(5)
    r = b - a @ x
    p = r.copy()
    for _ in range(5):
        ap = a @ p
        before = r @ r
        step = before / (p @ ap)
        x += step * p
        r -= step * ap
        p *= (r @ r) / before
        p += r
    return np.sum(x**2)


@program(lambda rng: (rng.normal(size=(8, 4)),), autograd=True, torch=True)
def leading_component(x):
    """Power iteration on a covariance, deflation, explained variance."""
    centred = x - x.mean(axis=0, keepdims=True)
    cov, explained = centred.T @ centred / 7, 0.0
    for _ in range(2):
        v = np.ones(4) / 2.0
        for _ in range(6):
            v = cov @ v
            v = v / np.linalg.norm(v)
        value = np.inner(v, cov @ v)
        explained, cov = explained + value, cov - value * np.outer(v, v)
    return explained / np.trace(centred.T @ centred / 7)


@program(lambda rng: (rng.normal(size=(5, 3)),))
def gram_schmidt(a):
    """Orthonormal columns, each in its own column of a buffer."""
    q, r = np.empty_like(a), np.zeros((3, 3))
    for j in range(3):
        v = a[:, j].copy()
        for i in range(j):
            r[i, j] = q[:, i] @ v
            v -= r[i, j] * q[:, i]
        r[j, j] = np.sqrt(v.dot(v))
        q[:, j] = v / r[j, j]
    return (
        np.sum(q[0] * np.arange(1.0, 4.0))
        + np.log(np.abs(np.diagonal(r))).sum()
        + np.sum(np.triu(r, 1))
    )


@program(
    lambda rng: (rng.uniform(1, 2, size=4), 0.5), wrt=("a", "guess"), autograd=True, torch=True
)
def newton_with_its_jacobian(a, guess):
    """Roots of a small system; the Jacobian is written out and inverted by Cramer's rule."""
    x = y = guess + 0.0 * a[0]
    for _ in range(4):
        f, g = a[0] * x**2 + y - a[1], np.exp(-x) + a[2] * y - a[3]
        fx, fy, gx, gy = 2 * a[0] * x, 1.0, -np.exp(-x), a[2]
        determinant = fx * gy - fy * gx
        x, y = x - (f * gy - fy * g) / determinant, y - (fx * g - f * gx) / determinant
    return x**2 + 3 * y


@program(lambda rng: (rng.normal(size=8), rng.normal(size=8)), wrt=("real", "imaginary"))
def butterflies(real, imaginary):
    """A fast Fourier transform of pairs in place, with strided halves of one buffer."""
    order = np.array([0, 4, 2, 6, 1, 5, 3, 7])
    z = np.stack([real[order], imaginary[order]])
    span = 1
    while span < 8:
        angle = -np.pi * np.arange(span) / span
        cos, sin = np.cos(angle), np.sin(angle)
        for start in range(0, 8, 2 * span):
            top, bottom = z[:, start : start + span], z[:, start + span : start + 2 * span]
            turned = np.array(
                [cos * bottom[0] - sin * bottom[1], sin * bottom[0] + cos * bottom[1]]
            )
            bottom[...] = top - turned
            top += turned
        span *= 2
    return np.sum(np.hypot(z[0], z[1]) * np.arange(8))


@program(
    lambda rng: (rng.uniform(0.1, 1, size=(4, 5)), rng.uniform(0.5, 1, size=4)),
    wrt=("cost", "supply"),
    autograd=True,
    torch=True,
)
def optimal_transport(cost, supply):
    """Sinkhorn scaling of rows and columns in the logarithmic domain."""
    demand = np.ones(5) * supply.sum() / 5
    f, g = np.zeros(4), np.zeros(5)
    for _ in range(3):
        f = np.log(supply) - np.log(np.sum(np.exp(g[None, :] - cost / 0.3), axis=1))
        g = np.log(demand) - np.log(np.sum(np.exp(f[:, None] - cost / 0.3), axis=0))
    plan = np.exp(f[:, None] + g[None, :] - cost / 0.3)
    return np.sum(plan * cost)
