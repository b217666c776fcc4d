"""Looking into compiled functions while they run."""

from .compiler.frontend.callbacks import debug_callback as callback
from .compiler.frontend.callbacks import debug_print as print

__all__ = ["callback", "print"]
