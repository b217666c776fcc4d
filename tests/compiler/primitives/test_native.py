"""Native code of every primitive against its NumPy text: in registers, and in memory."""

import numpy as np
import pytest
from gradc.compiler.pipeline import Log, lower_native
from gradc.compiler.types import type_of
from gradc.runtime.native_calls import native_program

from .cases import CASES, LAYOUTS, Case, kept_in_registers, over

NATIVE = [case for case in CASES if case.primitive.numpy is not None]

# Of float64: an operation's own ulp (docs/accuracy.md), and sums in another order. What solves or
# factors calls NumPy itself, with other bits where arrays lie otherwise.
ROUNDINGS = 64


@pytest.mark.parametrize("tiny", [1, 16], ids=["memory", "registers"])
@over(NATIVE)
def test_native_code_equals_the_text(case: Case, tiny: int) -> None:
    """Every dtype, one layout of arrays each: the same types, and the same values."""
    dtypes = case.dtypes() or [None]
    for number, dtype in enumerate(dtypes if tiny == 1 else dtypes[-1:]):
        arrays = case.arrays(dtype, LAYOUTS[number % len(LAYOUTS)])
        expected = case.primitive.evaluate(*arrays, **case.attrs)
        with kept_in_registers(tiny):
            run = native_program(lower_native(case.graph(dtype), Log()), "run", (), level=1).run
        results = run(*arrays)
        several = isinstance(expected, tuple)
        pairs = zip(results, expected, strict=True) if several else [(results, expected)]
        for actual, wanted in pairs:
            assert type_of(actual) == type_of(wanted)
            assert_close(np.asarray(actual), np.asarray(wanted))


def assert_close(actual, wanted) -> None:
    """Equal where there are no fractions; else by a few roundings of the largest element."""
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(actual, wanted)
        return
    scale = np.max(np.abs(wanted), initial=0.0, where=np.isfinite(wanted))
    atol = ROUNDINGS * np.finfo(wanted.dtype).eps * scale
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=atol)
