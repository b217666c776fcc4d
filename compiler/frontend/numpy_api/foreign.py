"""What functions of SciPy do to tracers: found by identity, where SciPy has been imported."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .special import SPECIAL
from .table import Function


def _rel_entr(x: Any, y: Any) -> Any:
    """Return x log(x / y), 0 at x = 0, and infinity where that is not defined."""
    inside = (x > 0) & (y > 0)
    p, q = np.where(inside, x, 1.0), np.where(inside, y, 1.0)
    return np.where(inside, p * np.log(p / q), np.where((x == 0) & (y >= 0), 0.0, np.inf))


def _huber(delta: Any, r: Any) -> Any:
    """Return r^2 / 2 up to delta, and delta (|r| - delta / 2) beyond."""
    size = np.abs(r)
    loss = np.where(size <= delta, 0.5 * np.square(r), delta * (size - 0.5 * delta))
    return np.where(delta < 0, np.inf, loss)


def _pseudo_huber(delta: Any, r: Any) -> Any:
    """Return delta^2 (sqrt(1 + (r / delta)^2) - 1), without cancellation; infinite below 0."""
    is_positive = np.greater(delta, 0)
    ratio = r / np.where(is_positive, delta, 1.0)
    loss = np.square(r) / (np.sqrt(1.0 + np.square(ratio)) + 1.0)
    return np.where(is_positive, loss, np.where(np.equal(delta, 0), 0.0, np.inf))


def _boxcox(x: Any, lmbda: Any) -> Any:
    """Return (x^lmbda - 1) / lmbda, and log(x) at 0."""
    is_log = np.equal(lmbda, 0)
    power = np.where(is_log, 1.0, lmbda)
    return np.where(is_log, np.log(x), np.expm1(power * np.log(x)) / power)


# By the full name of the function in SciPy, which is optional here and never imported.
SCIPY: dict[str, Function] = {f"scipy.special.{name}": one for name, one in SPECIAL.items()}
SCIPY |= {f"scipy.special.{name}": getattr(np, name) for name in ("log1p", "expm1", "cbrt", "exp2")}
SCIPY |= {
    "scipy.special.exp10": lambda x: 10.0**x,
    "scipy.special.rel_entr": _rel_entr,
    "scipy.special.kl_div": lambda x, y: _rel_entr(x, y) - x + y,
    "scipy.special.huber": _huber,
    "scipy.special.pseudo_huber": _pseudo_huber,
    "scipy.special.boxcox": _boxcox,
}


def foreign(function: Any) -> Function | None:
    """Return what a function object of SciPy does to tracers, or ``None`` if it is not one."""
    name = getattr(function, "__name__", None)
    # The objects say themselves that they are of private modules, or (ufuncs) of none.
    place = f"scipy.special.{name}"
    if place in SCIPY and getattr(sys.modules.get("scipy.special"), str(name), None) is function:
        return SCIPY[place]
    return None
