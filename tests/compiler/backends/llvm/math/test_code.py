"""What LLVM makes of the functions: vectors, and no call into a mathematical library."""

import re
from typing import Any

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.math import declare, names
from gradc.compiler.backends.llvm.target import Target, compile_text

from .loops import ATTRS, compiled

# They ask once for a whole vector whether an argument is rare (math/rare.py), by these names.
ASKING = {one: one for one in ("sin", "cos", "tan", "fmod")}
ASKING |= {"remainder": "fmod", "floor_divide": "fmod"}
# Of these nothing is computed as floats.
BITS = {"nextafter", "spacing", "exponent"}


def calls(assembly: str) -> set[str]:
    """Return the names of the functions that a loop calls."""
    body = assembly[assembly.index("\nloop:") :]
    body = body[: body.index("\t.size\tloop,")]
    return set(re.findall(r"\t(?:call|jmp)q?\s+([A-Za-z_][\w.]*)", body))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", names())
def test_loop_is_made_of_vectors(name: str, dtype: Any) -> None:
    """For AVX2, whatever this machine has: it divides or multiplies by whole registers."""
    assembly = compiled(name, dtype, Target.named("x86-64-v3", "x86_64-unknown-linux-gnu")).assembly
    arithmetic = r"v(mul|div|fn?m\w+)p[sd]" if name not in BITS else "vp(add|sub)[dq]"
    assert re.search(f"{arithmetic}.*%ymm", assembly)
    allowed = f"gradc.{ASKING[name]}.checked." if name in ASKING else "nothing"
    assert all(one.startswith(allowed) for one in calls(assembly)), calls(assembly)


@pytest.mark.parametrize("name", names())
def test_host_has_no_call(name: str) -> None:
    allowed = f"gradc.{ASKING[name]}.checked." if name in ASKING else "nothing"
    found = re.findall(r"\scall [^@]*@\"?([\w.]+)", compiled(name, np.float64).optimised)
    outside = [one for one in found if not one.startswith(("llvm.", allowed))]
    assert not outside


@pytest.mark.parametrize("name", ["exp", "log", "sin", "power", "erf"])
def test_machines_without_fused_multiplication(name: str) -> None:
    """Nothing calls the library's fma, which would be slower by far."""
    target = Target.named("x86-64-v2", "x86_64-unknown-linux-gnu")
    assembly = compiled(name, np.float64, target, fused=False).assembly
    assert "mulpd" in assembly
    assert "fma" not in assembly


def test_other_processors() -> None:
    """The code for aarch64 is made of vectors too."""
    target = Target.named("cortex-a72", "aarch64-unknown-linux-gnu")
    assembly = compiled("exp", np.float64, target).assembly
    assert re.search(r"fmla\tv\d+\.2d", assembly)
    assert not re.search(r"\tbl\t", assembly)


def test_function_is_defined_once() -> None:
    """A second use finds the first definition."""
    module = ir.Module()
    first = declare(module, "exp", ir.DoubleType())
    assert declare(module, "exp", ir.DoubleType()) is first
    assert declare(module, "exp", ir.FloatType()) is not first
    assert first.name == "gradc.exp.f64"


def test_all_functions_fit_in_one_module() -> None:
    """Their tables and rare cases do not get in each other's way."""
    module = ir.Module()
    for type in (ir.DoubleType(), ir.FloatType()):
        for name in names():
            declare(module, name, type, **dict(ATTRS.get(name, ())))
    assert compile_text(str(module), Target.host(), level=0).object


def test_unknown_name() -> None:
    with pytest.raises(KeyError):
        declare(ir.Module(), "nothing", ir.DoubleType())
