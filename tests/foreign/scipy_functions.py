"""Functions of SciPy that are written in Python."""

import importlib
from typing import Any

import numpy as np

from .case import Cases


def of(module: str) -> Any:
    """Return a module of SciPy."""
    return importlib.import_module("scipy." + module)


CASES = Cases()
named, made = CASES.named, CASES.made

POINT = np.array([1.2, 0.7, 1.5, 0.9])
TIMES = np.array([0.1, 0.4, 0.5, 0.9, 1.4])
HEIGHTS = np.array([1.0, 1.7, 0.6, 2.3, 1.1])
TABLE = np.array([[1.1, 0.4, 2.0], [0.3, 1.9, 0.8], [1.6, 0.7, 1.2], [0.2, 2.2, 1.5]])
SQUARE = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.8]])

# optimize
named("scipy.optimize.rosen", POINT)
named("scipy.optimize.rosen_der", POINT)
named("scipy.optimize.rosen_hess", POINT)
named("scipy.optimize.rosen_hess_prod", POINT, POINT + 1)
named("scipy.optimize._lsq.common.evaluate_quadratic", TABLE, POINT[:3], POINT[:3], wrt=(0, 1, 2))
named("scipy.optimize._linesearch._cubicmin", 0.1, 1.0, -0.5, 0.6, 0.8, 1.1, 1.3)
named("scipy.optimize._linesearch._quadmin", 0.1, 1.0, -0.5, 0.6, 0.8)

# integrate
named("scipy.integrate.trapezoid", HEIGHTS, TIMES, wrt=(0, 1))
named("scipy.integrate.cumulative_trapezoid", HEIGHTS, TIMES, wrt=(0, 1), initial=0)
named("scipy.integrate.simpson", HEIGHTS, x=TIMES)
named("scipy.integrate.simpson", HEIGHTS[:4], x=TIMES[:4])
named("scipy.integrate.cumulative_simpson", HEIGHTS, x=TIMES)
named("scipy.integrate.romb", HEIGHTS, dx=0.25)
made(
    "scipy.integrate.fixed_quad",
    lambda a: of("integrate").fixed_quad(lambda t: np.exp(-a * t), 0, 1)[0],
    1.3,
    needs="scipy",
)

made(
    "scipy.integrate._ivp.rk.rk_step",
    lambda y: of("integrate._ivp.rk").rk_step(
        lambda t, y: np.array([y[1], -y[0] * t]),
        0.1,
        y,
        y**2,
        0.2,
        of("integrate").RK45.A,
        of("integrate").RK45.B,
        of("integrate").RK45.C,
        np.zeros((7, 2)),
    )[0],
    POINT[:2],
    needs="scipy",
)
made(
    "scipy.integrate.quad",
    lambda a: of("integrate").quad(lambda t: np.exp(-a * t), 0, 1)[0],
    1.3,
    needs="scipy",
)
made(
    "scipy.integrate.odeint",
    lambda a: of("integrate").odeint(lambda y, t: -a * y, 1.0, TIMES),
    1.3,
    needs="scipy",
)
made(
    "scipy.integrate.solve_ivp",
    lambda a: of("integrate").solve_ivp(lambda t, y: -a * y, (0, 1), [1.0]).y[0, -1],
    1.3,
    needs="scipy",
)
made(
    "scipy.optimize.newton",
    lambda a: of("optimize").newton(lambda x: x**2 - a, 1.0),
    1.3,
    needs="scipy",
)
made(
    "scipy.optimize.minimize",
    lambda a: of("optimize").minimize(lambda x: (x[0] - a) ** 2, [0.3]).x,
    1.3,
    needs="scipy",
)
made(
    "scipy.optimize.curve_fit",
    lambda y: of("optimize").curve_fit(lambda t, a: a * t, TIMES, y)[0],
    HEIGHTS,
    needs="scipy",
)
made(
    "scipy.optimize.approx_fprime",
    lambda x: of("optimize").approx_fprime(x, of("optimize").rosen, 1e-6),
    POINT,
    needs="scipy",
)

# special
named("scipy.special.logsumexp", POINT)
named("scipy.special.logsumexp", TABLE, axis=1, keepdims=True)
named("scipy.special.softmax", TABLE, axis=1)
named("scipy.special.log_softmax", TABLE, axis=1)
named("scipy.special.sinc", POINT)
named("scipy.special.multigammaln", 2.5, 2)
named("scipy.special.diric", POINT, 5)
named("scipy.special.polygamma", 1, POINT, wrt=(1,))
named("scipy.special.jvp", 1, POINT, wrt=(1,))

# stats
named("scipy.stats.gmean", POINT)
named("scipy.stats.hmean", POINT)
named("scipy.stats.pmean", POINT, 3)
named("scipy.stats.gstd", POINT)
named("scipy.stats.zscore", TABLE)
named("scipy.stats.zmap", POINT, HEIGHTS, wrt=(0, 1))
named("scipy.stats.moment", POINT, 3)
named("scipy.stats.skew", POINT)
named("scipy.stats.kurtosis", POINT)
named("scipy.stats.variation", POINT)
named("scipy.stats.sem", POINT)
named("scipy.stats.entropy", POINT)
named("scipy.stats.entropy", POINT, HEIGHTS[:4], wrt=(0, 1))
named("scipy.stats.trim_mean", HEIGHTS, 0.2)
named("scipy.stats.iqr", HEIGHTS)
named("scipy.stats.describe", HEIGHTS)
named("scipy.stats.circmean", HEIGHTS)
named("scipy.stats.pearsonr", HEIGHTS, TIMES)
named("scipy.stats.linregress", TIMES, HEIGHTS)
named("scipy.stats.ttest_ind", TIMES, HEIGHTS)
named("scipy.stats.boxcox_llf", 0.4, HEIGHTS)
named("scipy.stats.boxcox", HEIGHTS, 0.4)
named("scipy.stats.yeojohnson_llf", 0.4, HEIGHTS)
named("scipy.stats.expectile", HEIGHTS, 0.3)
named("scipy.stats.wasserstein_distance", HEIGHTS, TIMES)
named("scipy.stats.energy_distance", HEIGHTS, TIMES)
named("scipy.stats.norm._pdf", POINT)
named("scipy.stats.norm._logpdf", POINT)
named("scipy.stats.norm.logpdf", POINT)
named("scipy.stats.norm.logpdf", POINT, 0.3, 1.2)
named("scipy.stats.norm.cdf", POINT)
named("scipy.stats.t._logpdf", POINT, 3.5)
named("scipy.stats.gamma._logpdf", POINT, 2.5)
named("scipy.stats.beta._logpdf", POINT / 2, 2.5, 1.5)
named("scipy.stats.expon._pdf", POINT)
named("scipy.stats.cauchy._pdf", POINT)
named("scipy.stats.logistic._logpdf", POINT)
named("scipy.stats.lognorm._logpdf", POINT, 0.8)
named("scipy.stats.weibull_min._logpdf", POINT, 1.8)
named("scipy.stats.gumbel_r._logpdf", POINT)
named("scipy.stats.laplace._pdf", POINT)
named("scipy.stats.poisson._logpmf", np.array([1.0, 2.0, 3.0]), 2.5, wrt=(1,))
made(
    "scipy.stats.multivariate_normal.logpdf",
    lambda x, cov: of("stats").multivariate_normal.logpdf(x, None, cov),
    POINT[:3],
    SQUARE,
    needs="scipy",
)

# signal
named("scipy.signal.detrend", HEIGHTS)
made(
    "scipy.signal.detrend(type='constant')",
    lambda x: of("signal").detrend(x, type="constant"),
    HEIGHTS,
    needs="scipy",
)
named("scipy.signal.chirp", TIMES, 1.0, 2.0, 5.0)
named("scipy.signal.gausspulse", TIMES, 3.0)
named("scipy.signal.sawtooth", TIMES)
named("scipy.signal.square", TIMES)
named("scipy.signal.sweep_poly", TIMES, np.array([0.5, 1.0, 2.0]))
named("scipy.signal.convolve", HEIGHTS, TIMES[:3], method="direct")
named("scipy.signal.lfilter", np.array([0.5, 0.3]), np.array([1.0, -0.4]), HEIGHTS)
named("scipy.signal.bilinear", np.array([1.0, 2.0]), np.array([1.0, 3.0, 2.0]), 2.0)
named("scipy.signal.windows.gaussian", 7, 1.5, wrt=(1,))
named("scipy.signal.windows.tukey", 7, 0.5, wrt=(1,))
named("scipy.signal.windows.kaiser", 7, 2.5, wrt=(1,))
named("scipy.signal.windows.general_cosine", 7, POINT, wrt=(1,))
named("scipy.signal.windows.general_hamming", 7, 0.54, wrt=(1,))
named("scipy.signal.windows.exponential", 7, None, 2.0, wrt=(2,))

# spatial
named("scipy.spatial.distance.euclidean", POINT, HEIGHTS[:4], wrt=(0, 1))
named("scipy.spatial.distance.cosine", POINT, HEIGHTS[:4], wrt=(0, 1))
named("scipy.spatial.distance.correlation", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.sqeuclidean", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.cityblock", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.chebyshev", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.canberra", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.braycurtis", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.minkowski", POINT, HEIGHTS[:4], 3)
named("scipy.spatial.distance.mahalanobis", POINT[:3], HEIGHTS[:3], SQUARE, wrt=(0, 2))
named("scipy.spatial.distance.jensenshannon", POINT, HEIGHTS[:4])
named("scipy.spatial.distance.squareform", POINT[:3])
named("scipy.spatial.distance.cdist", TABLE, TABLE + 1)
named("scipy.spatial.distance_matrix", TABLE, TABLE + 1)
named("scipy.spatial.minkowski_distance", TABLE, TABLE + 1, 3)
named("scipy.spatial.geometric_slerp", np.array([1.0, 0.0]), np.array([0.0, 1.0]), TIMES / 2)

# linalg
named("scipy.linalg.toeplitz", POINT)
named("scipy.linalg.circulant", POINT)
named("scipy.linalg.hankel", POINT)
named("scipy.linalg.companion", POINT)
named("scipy.linalg.leslie", POINT, HEIGHTS[:3], wrt=(0, 1))
named("scipy.linalg.block_diag", SQUARE, TABLE, wrt=(0, 1))
named("scipy.linalg.fiedler", POINT)
named("scipy.linalg.khatri_rao", SQUARE, SQUARE + 1)
named("scipy.linalg.norm", TABLE)
named("scipy.linalg.solve", SQUARE, POINT[:3], wrt=(0, 1))
named("scipy.linalg.inv", SQUARE)
named("scipy.linalg.det", SQUARE)
named("scipy.linalg.cholesky", SQUARE)
named("scipy.linalg.expm", SQUARE)

# interpolate
made(
    "scipy.interpolate.lagrange",
    lambda y, t: of("interpolate").lagrange(t, y)(0.7),
    HEIGHTS,
    TIMES,
    needs="scipy",
)
made(
    "scipy.interpolate.pade",
    lambda c: of("interpolate").pade(c, 1)[0](0.7),
    POINT,
    needs="scipy",
)
made(
    "scipy.interpolate.BarycentricInterpolator",
    lambda y, t: of("interpolate").BarycentricInterpolator(t, y)(0.7),
    HEIGHTS,
    TIMES,
    needs="scipy",
)
made(
    "scipy.interpolate.KroghInterpolator",
    lambda y, t: of("interpolate").KroghInterpolator(t, y)(0.7),
    HEIGHTS,
    TIMES,
    needs="scipy",
)
made(
    "scipy.interpolate.CubicSpline",
    lambda y, t: of("interpolate").CubicSpline(t, y)(0.7),
    HEIGHTS,
    TIMES,
    needs="scipy",
)
made(
    "scipy.interpolate.interp1d",
    lambda y, t: of("interpolate").interp1d(t, y)(0.7),
    HEIGHTS,
    TIMES,
    needs="scipy",
)
named("scipy.interpolate.barycentric_interpolate", TIMES, HEIGHTS, 0.7, wrt=(1,))
named("scipy.interpolate.krogh_interpolate", TIMES, HEIGHTS, 0.7, wrt=(1,))

# constants, misc
named("scipy.constants.convert_temperature", POINT, "Celsius", "Fahrenheit")
named("scipy.constants.lambda2nu", POINT)
made(
    "scipy.spatial.transform.Rotation",
    lambda v: of("spatial.transform").Rotation.from_rotvec(v).as_matrix(),
    POINT[:3],
    needs="scipy",
)

# objects made outside
_NODES, _VALUES = np.arange(4.0), np.array([1.0, 2.0, 0.0, 1.0])
for _name in ("BarycentricInterpolator", "KroghInterpolator", "CubicSpline", "interp1d"):

    def interpolated(x: Any, name: str = _name) -> Any:
        return getattr(of("interpolate"), name)(_NODES, _VALUES)(x)

    made(f"scipy.interpolate.{_name} between", interpolated, POINT, needs="scipy")
made(
    "scipy.stats.gaussian_kde",
    lambda x: of("stats").gaussian_kde(np.array([1.0, 2.0, 4.0]))(x),
    POINT,
    needs="scipy",
)
