"""gradc: a gradient compiler for NumPy.

``compile_grad`` turns a NumPy function into one that also knows its gradient, by code that can be
read. See the README for the main job.
"""

from . import debug, extend, func, nn, special
from .api import compile_grad, explain, stop_gradient
from .compiler.errors import (
    ArtifactError,
    CaptureError,
    DerivativeError,
    GradcError,
    TypeRuleError,
    VerifyError,
)
from .compiler.frontend.checkpoints import checkpoint
from .compiler.frontend.control_flow import cond, fori_loop, while_loop
from .compiler.frontend.custom_jvp import custom_jvp
from .compiler.frontend.custom_vjp import custom_vjp
from .compiler.frontend.grad_mode import enable_grad, is_grad_enabled, no_grad
from .compiler.frontend.hooks import Handle, register_hook
from .compiler.frontend.scans import scan
from .compiler.frontend.signature import spec
from .compiler.frontend.tree import Spec
from .runtime.compiled import CompiledFunction
from .runtime.lowered import Lowered
from .runtime.threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "ArtifactError",
    "CaptureError",
    "CompiledFunction",
    "DerivativeError",
    "GradcError",
    "Handle",
    "Lowered",
    "Spec",
    "TypeRuleError",
    "VerifyError",
    "checkpoint",
    "compile_grad",
    "cond",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "enable_grad",
    "explain",
    "extend",
    "fori_loop",
    "func",
    "get_num_threads",
    "is_grad_enabled",
    "nn",
    "no_grad",
    "register_hook",
    "scan",
    "set_num_threads",
    "spec",
    "special",
    "stop_gradient",
    "while_loop",
]
