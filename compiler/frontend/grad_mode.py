"""Whether gradients are recorded: per thread, as in PyTorch."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from typing import ClassVar


class _Mode(threading.local):
    enabled = True


_mode = _Mode()


def is_grad_enabled() -> bool:
    """Return whether operations of this thread take part in differentiation now."""
    return _mode.enabled


class _GradMode(ContextDecorator):
    enables: ClassVar[bool]

    def __init__(self) -> None:
        self._before: list[bool] = []

    def _recreate_cm(self) -> _GradMode:
        return type(self)()  # a decorated function may run in several threads

    def __enter__(self) -> None:
        self._before.append(_mode.enabled)
        _mode.enabled = self.enables

    def __exit__(self, *exception: object) -> None:
        _mode.enabled = self._before.pop()


class no_grad(_GradMode):  # noqa: N801 - PyTorch's name
    """Keep gradients from passing what is computed within; a context manager and a decorator.

    Example:
        >>> import numpy as np
        >>> from gradc import compile_grad, no_grad
        >>> @compile_grad
        ... def f(x):
        ...     with no_grad():
        ...         scale = np.sum(x)
        ...     return np.sum(scale * x)
        >>> f.grad(np.array([1.0, 2.0]))
        array([3., 3.])
    """

    enables = False


class enable_grad(_GradMode):  # noqa: N801 - PyTorch's name
    """Let gradients pass again within a ``no_grad`` region; a context manager and a decorator."""

    enables = True
