"""What NumPy has in Python beyond its array functions: polynomials, windows, corrections."""

import numpy as np

from .case import Cases

CASES = Cases()
named, made = CASES.named, CASES.made

POINT = np.array([0.2, 0.7, -0.5, 0.9])
WEIGHTS = np.array([1.0, -0.4, 0.3])
TABLE = np.array([[1.1, 0.4, 2.0], [0.3, 1.9, 0.8], [1.6, 0.7, 1.2], [0.2, 2.2, 1.5]])

for _family, _short in (
    ("polynomial", "poly"),
    ("chebyshev", "cheb"),
    ("legendre", "leg"),
    ("hermite", "herm"),
    ("hermite_e", "herme"),
    ("laguerre", "lag"),
):
    _module = f"numpy.polynomial.{_family}.{_short}"
    named(_module + "val", POINT, WEIGHTS, wrt=(0, 1))
    named(_module + "mul", WEIGHTS, POINT, wrt=(0, 1))
    named(_module + "der", WEIGHTS)
    named(_module + "int", WEIGHTS)
    named(_module + "vander", POINT, 3)
named("numpy.polynomial.polynomial.polyval2d", POINT, POINT + 1, TABLE, wrt=(0, 1, 2))
named("numpy.polynomial.polynomial.polydiv", POINT, WEIGHTS, wrt=(0, 1))
named("numpy.polynomial.polynomial.polyroots", WEIGHTS)
named("numpy.polynomial.polynomial.polyfromroots", POINT)
named("numpy.polynomial.polynomial.polycompanion", WEIGHTS)
named("numpy.polynomial.chebyshev.poly2cheb", WEIGHTS)
made(
    "numpy.polynomial.Polynomial",
    lambda c, x: np.polynomial.Polynomial(c)(x),
    WEIGHTS,
    POINT,
    needs="numpy",
)
made(
    "numpy.polynomial.Chebyshev",
    lambda c, x: np.polynomial.Chebyshev(c).deriv()(x),
    WEIGHTS,
    POINT,
    needs="numpy",
)
made("numpy.poly1d", lambda c, x: np.poly1d(c)(x), WEIGHTS, POINT, needs="numpy")
named("numpy.polyval", WEIGHTS, POINT, wrt=(0, 1))
named("numpy.polyder", POINT)
named("numpy.polyint", POINT)
named("numpy.polymul", POINT, WEIGHTS)
named("numpy.polyfit", POINT, POINT**2, 2, wrt=(1,))
named("numpy.poly", POINT)
named("numpy.roots", WEIGHTS)
named("numpy.vander", POINT, 3)
named("numpy.kaiser", 6, 2.5, wrt=(1,))
named("numpy.i0", POINT)
named("numpy.sinc", POINT)
named("numpy.cov", TABLE)
named("numpy.corrcoef", TABLE)
named("numpy.gradient", POINT)
named("numpy.unwrap", POINT * 5)
named("numpy.interp", POINT, np.array([-1.0, 0.0, 0.5, 1.0]), POINT, wrt=(0, 2))
named("numpy.trapezoid", POINT, wrt=(0,))
named("numpy.apply_along_axis", np.sum, 0, TABLE, wrt=(2,))
named("numpy.linalg.norm", TABLE)
named("numpy.linalg.multi_dot", [TABLE, TABLE.T, TABLE])
named("numpy.linalg.matrix_power", TABLE[:3], 3)
named("numpy.linalg.cond", TABLE[:3])
named("numpy.kron", TABLE, POINT)
named("numpy.histogram", POINT)
named("numpy.lib.stride_tricks.sliding_window_view", POINT, 2)
named("numpy.average", POINT, weights=POINT**2)
named("numpy.quantile", POINT, 0.3)
named("numpy.nan_to_num", POINT)
named("numpy.ediff1d", POINT)
named("numpy.fft.fft", POINT)
