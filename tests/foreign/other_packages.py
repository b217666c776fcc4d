"""Functions of packages that make functions, or arrays of their own."""

import importlib
import statistics
from typing import Any

import numpy as np

from .case import Cases

CASES = Cases()
made, named = CASES.made, CASES.named

POINT = np.array([1.2, 0.7, 1.5, 0.9])


def of(module: str) -> Any:
    return importlib.import_module(module)


def lambdified(module: str, x: Any) -> Any:
    """Call what SymPy writes for an expression in two variables."""
    sympy = of("sympy")
    a, b = sympy.symbols("a b")
    expression = sympy.sin(a) * sympy.exp(-(b**2)) + sympy.erf(a / b)
    if module == "numpy":
        expression = sympy.sin(a) * sympy.Max(a, b) + sympy.Piecewise((a, a < b), (b**2, True))
    function = sympy.lambdify((a, b), expression, module)
    return function(x[0], x[1]) + 0.0


def lambdified_matrix(x: Any) -> Any:
    sympy = of("sympy")
    a, b = sympy.symbols("a b")
    return sympy.lambdify((a, b), sympy.Matrix([[a, b], [a * b, 1]]), "numpy")(*x[:2])


def sparse_product(x: Any) -> Any:
    matrix = of("scipy.sparse").csr_matrix(np.diag([1.0, 2.0, 3.0, 4.0]) + np.eye(4, k=1))
    return matrix @ x


def of_numba(x: Any) -> Any:
    return of("numba").njit(lambda v: (v**2).sum())(x)


def of_graph(x: Any) -> Any:
    networkx = of("networkx")
    return networkx.to_numpy_array(networkx.path_graph(4)) @ x


made("sympy.lambdify(numpy)", lambda x: lambdified("numpy", x), POINT, needs="sympy")
made("sympy.lambdify(math)", lambda x: lambdified("math", x), POINT, needs="sympy")
made("sympy.lambdify(scipy)", lambda x: lambdified("scipy", x), POINT, needs="sympy")
made("sympy.lambdify(matrix)", lambdified_matrix, POINT, needs="sympy")
made("autograd.numpy.sin", lambda x: of("autograd.numpy").sin(x), POINT, needs="autograd")
made("networkx.to_numpy_array", of_graph, POINT, needs="networkx")
made("scipy.sparse.csr_matrix @ x", sparse_product, POINT, needs="scipy")
made("numba.njit", of_numba, POINT, needs="numba")
made("torch.from_numpy", lambda x: of("torch").from_numpy(x).sum().item(), POINT, needs="torch")
made("jax.numpy.sin", lambda x: np.asarray(of("jax.numpy").sin(x)), POINT, needs="jax")
made("statistics.fmean", lambda x: statistics.fmean(x), POINT, needs="statistics")
