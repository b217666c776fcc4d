"""Functions of scikit-learn that are written in Python."""

import importlib
from typing import Any

import numpy as np

from .case import Cases

CASES = Cases()
named, made = CASES.named, CASES.made

POINT = np.array([1.2, 0.7, 1.5, 0.9])
TRUTH = np.array([1.0, 0.95, 1.2, 1.17])
TABLE = np.array([[1.1, 0.4, 2.0], [0.3, 1.9, 0.8], [1.6, 0.7, 1.2], [0.2, 2.2, 1.5]])
OTHER = np.array([[0.6, 1.4, 0.1], [1.3, 0.2, 1.8]])
LABELS = np.array([0, 1, 1, 0])
CHANCES = np.array([0.2, 0.7, 0.6, 0.1])


def of(module: str) -> Any:
    """Return a module of scikit-learn."""
    return importlib.import_module("sklearn." + module)


def in_place(module: Any, name: str, *args: Any) -> Any:
    """Return what a function makes of a copy of its last argument."""
    changed = args[-1].copy()
    getattr(module, name)(*args[:-1], changed)
    return changed


for _name in (
    "mean_squared_error",
    "mean_absolute_error",
    "root_mean_squared_error",
    "r2_score",
    "explained_variance_score",
    "mean_squared_log_error",
    "median_absolute_error",
    "max_error",
    "mean_absolute_percentage_error",
    "mean_pinball_loss",
    "mean_tweedie_deviance",
    "mean_poisson_deviance",
    "mean_gamma_deviance",
    "d2_absolute_error_score",
):
    named("sklearn.metrics." + _name, TRUTH, POINT, wrt=(1,))
named("sklearn.metrics.log_loss", LABELS, CHANCES, wrt=(1,))
named("sklearn.metrics.brier_score_loss", LABELS, CHANCES, wrt=(1,))
named("sklearn.metrics.hinge_loss", LABELS, POINT, wrt=(1,))
named("sklearn.metrics.dcg_score", TABLE[:, ::-1], TABLE, wrt=(0,))

for _name in (
    "euclidean_distances",
    "rbf_kernel",
    "linear_kernel",
    "polynomial_kernel",
    "sigmoid_kernel",
    "laplacian_kernel",
    "cosine_similarity",
    "cosine_distances",
    "manhattan_distances",
    "haversine_distances",
    "chi2_kernel",
    "additive_chi2_kernel",
    "paired_euclidean_distances",
    "nan_euclidean_distances",
):
    _args = (TABLE[:2], OTHER) if _name.startswith("paired") else (TABLE, OTHER)
    if _name.startswith("haversine"):
        _args = (TABLE[:, :2], OTHER[:, :2])
    named("sklearn.metrics.pairwise." + _name, *_args)

named("sklearn.utils.extmath.softmax", TABLE)
named("sklearn.utils.extmath.softmax", TABLE, copy=False)
named("sklearn.utils.extmath.row_norms", TABLE, True)
named("sklearn.utils.extmath.squared_norm", TABLE)
named("sklearn.utils.extmath.safe_sparse_dot", TABLE, OTHER.T)
named("sklearn.utils.extmath.fast_logdet", TABLE[:3] @ TABLE[:3].T)
named("sklearn.utils.extmath.cartesian", [POINT, TRUTH])
named("sklearn.utils.extmath.make_nonnegative", -TABLE)
named("sklearn.utils.extmath.svd_flip", TABLE, TABLE.T)
named(
    "sklearn.utils.extmath._incremental_mean_and_var",
    TABLE,
    POINT[:3],
    TRUTH[:3],
    np.array([5, 5, 5]),
)
named("sklearn.utils.extmath._deterministic_vector_sign_flip", TABLE)

named("sklearn.preprocessing.scale", TABLE)
named("sklearn.preprocessing.normalize", TABLE)
named("sklearn.preprocessing.minmax_scale", TABLE)
named("sklearn.preprocessing.maxabs_scale", TABLE)
named("sklearn.preprocessing.robust_scale", TABLE)
named("sklearn.preprocessing.add_dummy_feature", TABLE)

for _name in (
    "inplace_identity",
    "inplace_logistic",
    "inplace_tanh",
    "inplace_relu",
    "inplace_softmax",
):
    made(
        "sklearn.neural_network._base." + _name,
        lambda x, name=_name: in_place(of("neural_network._base"), name, x),
        TABLE,
        needs="sklearn",
    )
named("sklearn.neural_network._base.squared_loss", TABLE, TABLE[::-1])
named("sklearn.neural_network._base.poisson_loss", TABLE, TABLE[::-1] + 1, wrt=(1,))
named("sklearn.neural_network._base.log_loss", np.eye(4)[:, :3], TABLE / 4, wrt=(1,))
named("sklearn.neural_network._base.binary_log_loss", LABELS[:, None], CHANCES[:, None], wrt=(1,))
made(
    "sklearn.neural_network._base.inplace_tanh_derivative",
    lambda x: in_place(of("neural_network._base"), "inplace_tanh_derivative", x**2, x),
    TABLE,
    needs="sklearn",
)

_HUBER = "sklearn.linear_model._huber._huber_loss_and_gradient"
named(_HUBER, np.array([0.3, -0.1, 0.2, 0.1, 1.5]), TABLE, POINT, 1.35, 0.1, TRUTH)
named("sklearn.linear_model._ridge._solve_cholesky", TABLE, POINT[:, None], np.array([0.1]))
for _kind in ("full", "tied", "diag", "spherical"):
    _resp = np.array([[0.2, 0.8], [0.7, 0.3], [0.4, 0.6], [0.9, 0.1]])
    named(
        "sklearn.mixture._gaussian_mixture._estimate_gaussian_parameters",
        TABLE,
        _resp,
        1e-6,
        _kind,
        wrt=(0, 1),
    )
named(
    "sklearn.mixture._gaussian_mixture._estimate_log_gaussian_prob",
    TABLE,
    OTHER,
    np.array([[1.1, 0.8, 1.3], [0.7, 1.2, 0.9]]),
    "diag",
    wrt=(0, 1, 2),
)
named(
    "sklearn.mixture._gaussian_mixture._estimate_log_gaussian_prob",
    TABLE,
    OTHER,
    np.array([1.1, 0.8]),
    "spherical",
    wrt=(0, 1, 2),
)
named(
    "sklearn.mixture._gaussian_mixture._compute_precision_cholesky",
    np.array([[1.1, 0.8, 1.3], [0.7, 1.2, 0.9]]),
    "diag",
)
named(
    "sklearn.mixture._gaussian_mixture._compute_log_det_cholesky",
    np.array([[1.1, 0.8, 1.3], [0.7, 1.2, 0.9]]),
    "diag",
    3,
)
named("sklearn.covariance.empirical_covariance", TABLE)
named("sklearn.covariance.log_likelihood", np.cov(TABLE.T), np.eye(3) * 1.3, wrt=(0,))
named("sklearn.covariance.shrunk_covariance", np.cov(TABLE.T))
named("sklearn.covariance.ledoit_wolf_shrinkage", TABLE)
named("sklearn.decomposition._fastica._logcosh", TABLE, {})
named("sklearn.decomposition._fastica._exp", TABLE, {})
named("sklearn.decomposition._fastica._cube", TABLE, {})
named("sklearn.decomposition._nmf._beta_divergence", TABLE, TABLE[:, :2], OTHER, 2, wrt=(1, 2))
named("sklearn.decomposition._pca._assess_dimension", np.array([2.0, 1.0, 0.5]), 1, 10)
named("sklearn.manifold._t_sne._joint_probabilities", TABLE @ TABLE.T, 2.0, 0)

for _text, _kernel in (
    ("RBF", lambda k: k.RBF(1.3)),
    ("Matern", lambda k: k.Matern(1.3, nu=1.5)),
    ("RationalQuadratic", lambda k: k.RationalQuadratic(1.3, 0.7)),
    ("DotProduct", lambda k: k.DotProduct(1.3)),
    ("ExpSineSquared", lambda k: k.ExpSineSquared(1.3, 2.0)),
    (
        "ConstantKernel * RBF + WhiteKernel",
        lambda k: k.ConstantKernel(2.0) * k.RBF(1.3) + k.WhiteKernel(0.1),
    ),
):
    made(
        "sklearn.gaussian_process.kernels." + _text,
        lambda x, kernel=_kernel: kernel(of("gaussian_process.kernels"))(x, OTHER),
        TABLE,
        needs="sklearn",
    )
made(
    "sklearn._loss.HalfSquaredError",
    lambda x: of("_loss").HalfSquaredError()(TRUTH, x),
    POINT,
    needs="sklearn",
)
made(
    "sklearn._loss.HalfPoissonLoss.link",
    lambda x: of("_loss").HalfPoissonLoss().link.inverse(x),
    POINT,
    needs="sklearn",
)
made(
    "sklearn._loss.link.LogitLink",
    lambda x: of("_loss.link").LogitLink().link(x),
    CHANCES,
    needs="sklearn",
)
made(
    "sklearn._loss.link.MultinomialLogit",
    lambda x: of("_loss.link").MultinomialLogit().link(x),
    TABLE,
    needs="sklearn",
)


def assuming_finite(name: str, *args: Any) -> Any:
    """Call a metric without its search for NaN and infinity."""
    module, _, function = name.rpartition(".")
    with importlib.import_module("sklearn").config_context(assume_finite=True):
        return getattr(of(module), function)(*args)


for _name in ("mean_squared_error", "r2_score", "explained_variance_score", "mean_pinball_loss"):
    made(
        f"sklearn.metrics.{_name} assuming finite",
        lambda x, name=_name: assuming_finite("metrics." + name, TRUTH, x),
        POINT,
        needs="sklearn",
    )
for _name in ("euclidean_distances", "rbf_kernel", "polynomial_kernel", "sigmoid_kernel"):
    made(
        f"sklearn.metrics.pairwise.{_name} assuming finite",
        lambda x, name=_name: assuming_finite("metrics.pairwise." + name, x, OTHER),
        TABLE,
        needs="sklearn",
    )
