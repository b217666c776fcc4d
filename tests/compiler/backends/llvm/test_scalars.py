"""Every elementwise primitive is native code, whatever its operands are."""

import platform
import re
from typing import Any

import numpy as np
import pytest
from gradc.compiler.backends.llvm.scalars import rule_of
from gradc.compiler.ir import Builder, Graph, Value
from gradc.compiler.pipeline import Log, lower_native
from gradc.compiler.primitive import REGISTRY, Expand, Primitive
from gradc.compiler.types import SUPPORTED_DTYPES, type_of
from gradc.runtime.native_calls import native_program

from gradc import compile_grad

from ...primitives.cases import kind_of

ELEMENTWISE = [
    one
    for one in REGISTRY.values()
    if one.elementwise and not isinstance(one.numpy, Expand) and one.module.startswith("gradc.")
]


@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=lambda one: one.name)
def test_primitive_has_a_rule(primitive: Primitive) -> None:
    """For each dtype that it takes; one that is entered later fails here without."""
    dtypes = [dtype for dtype in SUPPORTED_DTYPES if kind_of(dtype) in primitive.dtypes]
    missing = [dtype for dtype in dtypes if rule_of(primitive, dtype) is None]
    # A negative exponent is an error.
    assert not missing or (primitive.name == "power" and {one.kind for one in missing} == {"i"})


SPECIAL = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-310, 5e-324, 1e308, 3.0, 0.1]


def run(name: str, *arrays: Any) -> Any:
    """Return what native code makes of arrays."""
    params = tuple(Value(type_of(one), f"x{i}") for i, one in enumerate(arrays))
    with Builder() as builder:
        outs = builder.add(REGISTRY[name], params, {})
    graph = Graph(params, tuple(builder.nodes), outs)
    return native_program(lower_native(graph, Log()), "run", (), level=1).run(*arrays)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_parts_of_floats(dtype: Any) -> None:
    """Of special numbers too."""
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL).astype(dtype)
    steps = np.arange(len(SPECIAL)).astype(dtype)
    np.testing.assert_array_equal(run("heaviside", x, steps), np.heaviside(x, steps))
    np.testing.assert_array_equal(run("exponent", x), np.frexp(x)[1])
    assert run("exponent", x).dtype == np.int32


@pytest.mark.parametrize("exponents", [np.int8, np.int32, np.int64, np.uint8, np.uint64])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scaling_by_any_power(dtype: Any, exponents: Any) -> None:
    """Exponents of any integer type, also such as no float has."""
    limits = np.iinfo(exponents)
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL).astype(dtype)
        for number in (0, 1, 100, limits.max, limits.min):
            expected = np.ldexp(x, max(-(2**30), min(2**30, int(number))))
            result = run("ldexp", x, np.full(x.shape, number, exponents))
            np.testing.assert_array_equal(result, expected, err_msg=str(number))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="C leaves it to the machine")
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "i8", "u8"])
@pytest.mark.parametrize("source", ["f4", "f8"])
def test_casts_of_what_does_not_fit_are_those_of_numpy(dtype: str, source: str) -> None:
    """NaN becomes the least number, so that it is no index; it must not be 0."""
    x = np.array([300.7, -1.5, np.nan, -129.2, 70000.0, 3e9, 1e19, -1e30, 2.9], source)
    with np.errstate(invalid="ignore"):
        expected = x.astype(dtype)
    native = compile_grad(lambda x: x.astype(dtype), backend="llvm")
    np.testing.assert_array_equal(native(x), expected)


def test_long_straight_code_on_few_numbers_compiles_in_time() -> None:
    """Functions of numbers in registers are inlined up to a limit: else this takes a minute."""

    def steps(x):
        for _ in range(100):
            x = np.sin(x) * 1.01 + 0.1 * x
        return np.sum(x)

    x = np.linspace(0.1, 1.0, 16)
    text = compile_grad(steps, backend="llvm").inspect(x, what="llvm")
    assert len(re.findall(r"call [^@\n]*@\"?gradc\.sin\.f64", text)) > 500
