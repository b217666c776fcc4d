"""Staging: what NumPy's protocols do not show to capture is shown by rewriting the function."""

from .calls import call, call_root

__all__ = ["call", "call_root"]
