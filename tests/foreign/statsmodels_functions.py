"""Functions of statsmodels and networkx that are written in Python."""

import importlib
from typing import Any

import numpy as np

from .case import Cases

CASES = Cases()
named, made = CASES.named, CASES.made

POINT = np.array([1.2, 0.7, 1.5, 0.9, 1.1])
TRUTH = np.array([1.0, 0.95, 1.2, 1.17, 0.6])
TABLE = np.array([[1.1, 0.4], [0.3, 1.9], [1.6, 0.7], [0.2, 2.2], [0.5, 0.9]])


def of(module: str) -> Any:
    """Return a module of statsmodels."""
    return importlib.import_module("statsmodels." + module)


def family(name: str) -> Any:
    """Return a family of distributions."""
    options = {"alpha": 1.0} if name == "NegativeBinomial" else {}
    return getattr(of("genmod.families"), name)(**options)


named("statsmodels.stats.stattools.durbin_watson", POINT)
named("statsmodels.stats.stattools.jarque_bera", POINT)
named("statsmodels.stats.stattools.robust_kurtosis", POINT)
named("statsmodels.stats.stattools.medcouple", POINT, use_fast=False)
for _name in (
    "mse",
    "rmse",
    "maxabs",
    "meanabs",
    "bias",
    "medianbias",
    "vare",
    "stde",
    "iqr",
    "rmspe",
):
    named("statsmodels.tools.eval_measures." + _name, POINT, TRUTH)
named("statsmodels.tools.eval_measures.aic", 3.2, 10, 2)
named("statsmodels.tools.tools.add_constant", TABLE)
named("statsmodels.tsa.stattools.acovf", POINT, fft=False)
named("statsmodels.tsa.stattools.acf", POINT, fft=False, nlags=2)
named("statsmodels.tsa.stattools.levinson_durbin", POINT, 2)
named("statsmodels.tsa.tsatools.detrend", POINT)
named("statsmodels.tsa.tsatools.lagmat", POINT, 2)
named("statsmodels.tsa.arima_process.arma2ma", np.array([1.0, -0.5]), np.array([1.0, 0.3]), 5)
named("statsmodels.regression.linear_model.yule_walker", POINT, 1, result_object=False)
named(
    "statsmodels.multivariate.factor_rotation._analytic_rotation.target_rotation",
    TABLE,
    TABLE[::-1],
)
for _name in (
    "HuberT",
    "TukeyBiweight",
    "Hampel",
    "AndrewWave",
    "LeastSquares",
    "RamsayE",
    "TrimmedMean",
):
    made(
        f"statsmodels.robust.norms.{_name}",
        lambda x, name=_name: getattr(of("robust.norms"), name)().rho(x),
        POINT,
        needs="statsmodels",
    )
for _name in ("Logit", "Log", "CLogLog", "Probit", "Cauchy", "Power", "NegativeBinomial"):
    made(
        f"statsmodels.genmod.families.links.{_name}",
        lambda x, name=_name: getattr(of("genmod.families.links"), name)()(x),
        POINT / 2,
        needs="statsmodels",
    )
for _name in ("Poisson", "Gaussian", "Gamma", "Binomial", "InverseGaussian", "NegativeBinomial"):
    made(
        f"statsmodels.genmod.families.{_name}.deviance",
        lambda x, name=_name: family(name).deviance(TRUTH / 2, x),
        POINT / 2,
        needs="statsmodels",
    )
    made(
        f"statsmodels.genmod.families.{_name}.loglike",
        lambda x, name=_name: family(name).loglike(TRUTH / 2, x),
        POINT / 2,
        needs="statsmodels",
    )
made(
    "statsmodels.OLS.loglike",
    lambda b: of("api").OLS(POINT, TABLE).loglike(b),
    np.array([0.3, 0.4]),
    needs="statsmodels",
)
made(
    "statsmodels.GLM.loglike",
    lambda b: of("api").GLM(POINT, TABLE, family=of("api").families.Poisson()).loglike(b),
    np.array([0.3, 0.4]),
    needs="statsmodels",
)
made(
    "statsmodels.Logit.loglike",
    lambda b: of("api").Logit(np.array([0.0, 1.0, 1.0, 0.0, 1.0]), TABLE).loglike(b),
    np.array([0.3, 0.4]),
    needs="statsmodels",
)
made(
    "statsmodels.Poisson.loglike",
    lambda b: of("api").Poisson(np.array([0.0, 1.0, 2.0, 0.0, 1.0]), TABLE).loglike(b),
    np.array([0.3, 0.4]),
    needs="statsmodels",
)
