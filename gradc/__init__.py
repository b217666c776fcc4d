"""gradc: a gradient compiler for NumPy.

``compile_grad`` turns a NumPy function into one that also knows its gradient, by code that can be
read. See the README for the main job.
"""

from . import debug, func
from .api import compile_grad, explain, stop_gradient
from .compiler.errors import (
    ArtifactError,
    CaptureError,
    DerivativeError,
    GradcError,
    TypeRuleError,
    VerifyError,
)
from .compiler.frontend.grad_mode import enable_grad, is_grad_enabled, no_grad
from .compiler.frontend.hooks import register_hook
from .compiler.frontend.signature import spec

__version__ = "0.1.0"

__all__ = [
    "ArtifactError",
    "CaptureError",
    "DerivativeError",
    "GradcError",
    "TypeRuleError",
    "VerifyError",
    "compile_grad",
    "debug",
    "enable_grad",
    "explain",
    "func",
    "is_grad_enabled",
    "no_grad",
    "register_hook",
    "spec",
    "stop_gradient",
]
