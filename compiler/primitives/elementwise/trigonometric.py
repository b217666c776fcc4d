"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from ...primitive import Primitive
from .arithmetic import sqrt, square
from .kind import elementwise

sin = elementwise("sin", partials=lambda out, x: (cos(x),))
cos: Primitive = elementwise("cos", partials=lambda out, x: (-sin(x),))
tan = elementwise("tan", partials=lambda out, x: (1.0 + square(out),), domain=((-1.2, 1.2),))
arcsin = elementwise(
    "arcsin", partials=lambda out, x: (1.0 / sqrt(1.0 - square(x)),), domain=((-0.8, 0.8),)
)
arccos = elementwise(
    "arccos", partials=lambda out, x: (-1.0 / sqrt(1.0 - square(x)),), domain=((-0.8, 0.8),)
)
arctan = elementwise("arctan", partials=lambda out, x: (1.0 / (1.0 + square(x)),))
arctan2 = elementwise(
    "arctan2",
    partials=lambda out, y, x: (x / (square(x) + square(y)), -y / (square(x) + square(y))),
    arity=2,
    domain=((0.3, 2.0), (0.3, 2.0)),
)
sinh = elementwise("sinh", partials=lambda out, x: (cosh(x),))
cosh: Primitive = elementwise("cosh", partials=lambda out, x: (sinh(x),))
tanh = elementwise("tanh", partials=lambda out, x: (1.0 - square(out),))
arcsinh = elementwise("arcsinh", partials=lambda out, x: (1.0 / sqrt(1.0 + square(x)),))
arccosh = elementwise(
    "arccosh",
    partials=lambda out, x: (1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0)),),
    domain=((1.3, 3.0),),
)
arctanh = elementwise(
    "arctanh", partials=lambda out, x: (1.0 / (1.0 - square(x)),), domain=((-0.8, 0.8),)
)
