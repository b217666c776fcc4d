"""Emitted entries: the same bytes in every process, for every machine, and no wrong signatures."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.ir as ir
import numpy as np
import pytest
from gradc.compiler.backends.llvm.entry import emit_entry
from gradc.compiler.backends.llvm.entry_layout import INT, POINTER
from gradc.compiler.backends.llvm.entry_signature import Argument, Result, Signature
from gradc.compiler.backends.llvm.target import Target, compile_text

F8 = np.dtype(np.float64)
SIGNATURE = Signature(
    (
        Argument("array", F8, (8,), written=True),
        Argument("array", F8, (2, 4)),
        Argument("float", np.dtype(np.float32)),
        Argument("int", np.dtype(np.int8)),
        Argument("bool", np.dtype(np.bool_)),
        Argument("scalar", np.dtype(np.uint16)),
    ),
    (Result(F8, (3, 0)), Result(F8, (), "scalar"), Result(F8, (8,), "argument", 0)),
    (0, (1, 2, None), ()),
    workspace_bytes=100_000,
    release=True,
)


def module() -> ir.Module:
    made = ir.Module("program")
    kernel = ir.Function(made, ir.FunctionType(INT, [POINTER] * 9), "kernel")
    kernel.linkage = "internal"
    builder = ir.IRBuilder(kernel.append_basic_block())
    builder.ret(INT(0))
    emit_entry(
        made,
        "f",
        kernel,
        SIGNATURE.arguments,
        SIGNATURE.results,
        SIGNATURE.tree,
        SIGNATURE.workspace_bytes,
        release=SIGNATURE.release,
    )
    return made


def digest() -> str:
    compiled = compile_text(str(module()), Target.named("x86-64", "x86_64-unknown-linux-gnu"))
    return hashlib.sha256(compiled.object).hexdigest()


def test_two_processes_emit_the_same_bytes(tmp_path: Path) -> None:
    """Object files are kept between processes: no address and no order of a set is in them."""
    code = f"import runpy; print(runpy.run_path({__file__!r})['digest']())"
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert run.stdout.strip() == digest(), run.stderr


def test_text_holds_no_address() -> None:
    """No constant of it is as large as an address."""
    constants = map(int, re.findall(r"\bi64 (\d+)", str(module())))
    assert max(constants) < 2**32
    assert "inttoptr" not in str(module())


@pytest.mark.parametrize(
    ("cpu", "triple"),
    [
        ("x86-64-v2", "x86_64-unknown-linux-gnu"),
        ("generic", "aarch64-unknown-linux-gnu"),
        ("apple-m1", "arm64-apple-macosx"),
        ("x86-64-v3", "x86_64-pc-windows-msvc"),
    ],
)
def test_compiles_for_other_machines(cpu: str, triple: str) -> None:
    """LLVM's verifier accepts the module, and the code generators know all of its operations."""
    assert compile_text(str(module()), Target.named(cpu, triple)).object


def test_two_entries_share_a_module() -> None:
    """What does not depend on the signature is there once."""
    made = ir.Module("program")
    for name in ("forward", "backward"):
        kernel = ir.Function(made, ir.FunctionType(INT, [POINTER] * 3), f"{name}.kernel")
        ir.IRBuilder(kernel.append_basic_block()).ret(INT(0))
        array, result = Argument("array", F8, (8,)), Result(F8, (8,))
        emit_entry(made, name, kernel, [array], [result], 0, 1 << 20)
    names = list(made.globals)
    assert {"forward", "forward.context", "backward", "backward.context"} <= set(names)
    assert compile_text(str(made), Target.host(), level=1).object


def test_signature_survives_its_text() -> None:
    assert Signature.parse(SIGNATURE.text) == SIGNATURE


def test_slots_are_what_the_signature_needs() -> None:
    assert set(SIGNATURE.slots) == {
        "None",
        "True",
        "allocate <f8",
        "bool",
        "float",
        "int",
        "ndarray",
        "new array",
        "scalar <f8",
        "scalar <u2",
    }


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Argument("list", F8), "takes a list"),
        (lambda: Argument("float", np.dtype(np.int64)), "takes a float as int64"),
        (lambda: Argument("array", np.dtype(np.complex128)), "complex128"),
        (lambda: Argument("scalar", F8, (3,)), "no shape"),
        (lambda: Argument("int", F8, (), True), "cannot be written"),
        (lambda: Result(F8, (), "list"), "gives a list"),
        (lambda: Result(F8, (), "argument"), "which argument"),
        (lambda: Result(F8, (), "array", 0), "which argument"),
        (lambda: Signature((), (Result(F8),), ()), "does not hold"),
        (lambda: Signature((), (Result(F8),), (0, 1)), "does not hold"),
        (lambda: Signature((), (Result(F8, (), "argument", 0),), 0), "no argument 0"),
    ],
)
def test_signatures_that_no_entry_has(make, said) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_kernel_takes_a_pointer_for_each() -> None:
    """A kernel with other parameters would read what is not there."""
    made = ir.Module("program")
    kernel = ir.Function(made, ir.FunctionType(INT, [POINTER] * 2), "kernel")
    with pytest.raises(ValueError, match="takes 2 pointers"):
        emit_entry(made, "f", kernel, [Argument("array", F8)], [Result(F8)], 0)
