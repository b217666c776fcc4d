"""What NumPy's functions, methods and indexing do to tracers, by family."""

from . import creation, products, reductions, shapes, ufuncs
from .indexing import getitem, setitem
from .table import function, method
from .ufuncs import call_ufunc

__all__ = [
    "call_ufunc",
    "creation",
    "function",
    "getitem",
    "method",
    "products",
    "reductions",
    "setitem",
    "shapes",
    "ufuncs",
]
