"""Looking into compiled functions while they run."""

from .compiler.frontend.hooks import debug_callback as callback
from .compiler.frontend.hooks import debug_print as print

__all__ = ["callback", "print"]
