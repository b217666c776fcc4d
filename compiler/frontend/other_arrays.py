"""Arrays of classes that change what operations do."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import CaptureError
from ..forks import importing
from .source import user_line


def refuse_other_array(array: Any, what: str) -> None:
    """Refuse a masked array and a matrix; other subclasses are arrays as all others.

    Raises:
        CaptureError: It is one.
    """
    if type(array) is np.ndarray or not isinstance(array, np.ndarray):
        return
    with importing:  # NumPy imports np.ma when it is first asked for it
        is_other = isinstance(array, np.ma.MaskedArray | np.matrix)
    if is_other:
        raise CaptureError(
            f"{what} is a {type(array).__name__}, which means other things by the same operations",
            got=f"shape {array.shape}, dtype {array.dtype}",
            where=user_line(),
            fix="pass a plain array: np.asarray(...)",
        )
