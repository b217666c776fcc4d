"""Special functions: what NumPy lacks, written in NumPy, with published formulas."""

from . import bessel, error, gamma, logarithm

__all__ = ["bessel", "error", "gamma", "logarithm"]
