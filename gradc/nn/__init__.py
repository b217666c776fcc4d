"""What neural networks are made of; the functions are in ``gradc.nn.functional``."""

from . import functional

__all__ = ["functional"]
