"""Call-backs on values: Python that runs, with concrete arrays, at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..primitives.control import Callback, callback
from . import fence
from .active import current_trace
from .source import user_line
from .tracer import Tracer
from .tree import flatten, unflatten


def debug_callback(function: Callable[..., Any], *values: Any) -> None:
    """Call ``function`` with the concrete values, each time the compiled function runs.

    Args:
        function: Takes one array for each value; what it returns is not used. What it raises comes
            out of the compiled function.
        *values: Arrays and numbers, and containers of these; anything else is passed as it is.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> seen = []
        >>> @gradc.compile_grad
        ... def f(x):
        ...     gradc.debug.callback(seen.append, x * 2)
        ...     return np.sum(x)
        >>> float(f(np.ones(2))), seen
        (2.0, [array([2., 2.])])
    """
    if not callable(function):
        raise CaptureError(
            "a call-back is a function",
            got=type(function).__name__,
            where=user_line(),
            fix="write debug.callback(function, *values)",
        )
    trace = current_trace()
    leaves: list[Any] = []
    tree = flatten(values, "values", leaves, [])
    if trace is None:
        for leaf in leaves:
            if isinstance(leaf, Tracer):
                raise fence.leaked(leaf)
        function(*values)
        return

    def call(*arrays: Any) -> None:
        function(*unflatten(tree, [np.array(array) for array in arrays]))

    made = Callback(f"callback_{trace.next_number()}", call)
    operands = tuple(trace.value_of(leaf) for leaf in leaves)
    trace.effect(callback, operands, {"callback": made, "types": ()})


def debug_print(text: str, *values: Any) -> None:
    """Print, each time the compiled function runs, a text with values in it.

    Args:
        text: As for ``str.format``: ``"x = {}"``.
        *values: Arrays and numbers.

    Example:
        >>> import numpy as np
        >>> import gradc
        >>> @gradc.compile_grad
        ... def f(x):
        ...     gradc.debug.print("the sum is {}", np.sum(x))
        ...     return np.sum(x)
        >>> _ = f(np.ones(2))
        the sum is 2.0
    """
    debug_callback(lambda *arrays: print(text.format(*arrays)), *values)
