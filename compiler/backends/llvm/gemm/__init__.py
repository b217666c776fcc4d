"""Products of matrices and convolutions: emitted, packed, tiled in registers."""

from .convolution import Conv
from .convolving import Convolving, emit_convolution, emit_image_gradient
from .pooling import Pool, emit_pool, emit_pool_gradient, pool_workspace_bytes
from .product import emit, workspace_bytes
from .spec import Gemm
from .tasks import CONTEXT, Task, emit_task, taken_workspace
from .weighing import emit_kernel_gradient

__all__ = [
    "CONTEXT",
    "Conv",
    "Convolving",
    "Gemm",
    "Pool",
    "Task",
    "emit",
    "emit_convolution",
    "emit_image_gradient",
    "emit_kernel_gradient",
    "emit_pool",
    "emit_pool_gradient",
    "emit_task",
    "pool_workspace_bytes",
    "taken_workspace",
    "workspace_bytes",
]
