"""One entry per operation, by family. Importing this package fills the registry."""

from . import control, elementwise, index, linalg, power, reduce, shape, softmax

__all__ = ["control", "elementwise", "index", "linalg", "power", "reduce", "shape", "softmax"]
