"""What NumPy needs beside operands and result, read off the text of a primitive."""

import tracemalloc

import numpy as np
import pytest
from gradc.compiler.backends.numpy_source.workspace import workspace
from gradc.compiler.primitive import REGISTRY, NumPy, Primitive
from gradc.compiler.types import type_of

SIDE = 200  # 320 kB: NumPy uses temporaries of 256 KiB and more again


@pytest.mark.parametrize(
    ("text", "arrays"),
    [
        ("{0} + {1}", 0),
        ("np.exp({0})", 0),
        ("{0}.sum(axis=1)", 0),
        ("np.sqrt(np.square({0}).sum(axis=1))", 1),
        ("{0}[::-1].cumsum(axis=0)[::-1]", 0),
        ("np.exp({0}) * np.exp({1})", 1),
        ("np.exp({0} + {1}) * 2", 1),
        ("np.where(np.isnan({0}), {0}, {1})", 1 / 8),
        ("{0}[1:] += {1}", 0),
    ],
)
def test_temporaries_of_an_expression(text: str, arrays: float) -> None:
    """Each function makes an array, an operator takes that of a temporary."""
    assert workspace(text) == arrays


def elementwise_with_functions() -> list[Primitive]:
    return [
        one
        for one in REGISTRY.values()
        if one.elementwise and isinstance(one.numpy, NumPy) and one.numpy.functions
    ]


@pytest.mark.parametrize("primitive", elementwise_with_functions(), ids=lambda one: one.name)
def test_private_functions_are_measured(primitive: Primitive) -> None:
    """What is read off the source of special functions is what they take."""
    numpy = primitive.numpy
    assert isinstance(numpy, NumPy)
    rng = np.random.default_rng(1)
    arrays = [rng.uniform(*bounds, size=(SIDE, SIDE)) for bounds in primitive.domain]
    attrs = {"n": 1} if primitive.name == "polygamma" else {}
    primitive.evaluate(*arrays, **attrs)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        primitive.evaluate(*arrays, **attrs)
        used = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    text = numpy.text([type_of(one) for one in arrays], attrs)
    said = (1 + workspace(text, numpy.functions)) * SIDE * SIDE * 8
    assert abs(said - used) <= 0.1 * used  # masks, and the frames of calls
