"""Primitives of your own: one entry says everything that gradc knows about an operation.

    >>> import numpy as np
    >>> import gradc
    >>> from gradc import extend
    >>> entry = extend.elementwise(
    ...     "softclip",
    ...     partials=lambda out, x: (1.0 - extend.operations.square(out),),
    ...     expression="np.tanh({0})",
    ... )
    >>> extend.check(entry)
    >>> softclip = extend.function(entry)
    >>> f = gradc.compile_grad(lambda x: np.sum(softclip(x) ** 2))
    >>> f.grad(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.6397]

``Primitive`` describes the fields of an entry; ``elementwise`` enters what works element by
element. A module that is executed again (a reload, a notebook cell) replaces its own entries; what
was compiled before keeps those that it was compiled with. The name of an entry of another module,
or of gradc, is refused.
"""

from .compiler.errors import DerivativeError, TypeRuleError
from .compiler.frontend.extension import Operations, function
from .compiler.primitive import (
    Adjoint,
    Example,
    Expand,
    Linear,
    NoGradient,
    NumPy,
    Partials,
    Primitive,
)
from .compiler.primitives.elementwise.kind import elementwise
from .compiler.types import ArrayType
from .runtime.checking import check

operations = Operations()

__all__ = [
    "Adjoint",
    "ArrayType",
    "DerivativeError",
    "Example",
    "Expand",
    "Linear",
    "NoGradient",
    "NumPy",
    "Partials",
    "Primitive",
    "TypeRuleError",
    "check",
    "elementwise",
    "function",
    "operations",
]
