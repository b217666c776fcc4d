"""The NumPy backend: a Graph becomes a readable Python module that needs NumPy only."""

from .module import Heading, Module, emit

__all__ = ["Heading", "Module", "emit"]
