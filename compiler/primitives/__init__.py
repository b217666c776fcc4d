"""One entry per operation, by family. Importing this package fills the registry."""

from . import (
    control,
    convolution,
    cumulative,
    custom,
    diagonal,
    elementwise,
    index,
    linalg,
    power,
    records,
    reduce,
    regions,
    shape,
    softmax,
    sort,
    special,
)

__all__ = [
    "control",
    "convolution",
    "cumulative",
    "custom",
    "diagonal",
    "elementwise",
    "index",
    "linalg",
    "power",
    "records",
    "reduce",
    "regions",
    "shape",
    "softmax",
    "sort",
    "special",
]
