"""Builds a program as native code with a main program in C, and runs it by Valgrind."""

from __future__ import annotations

import inspect
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llvmlite.ir as ir
import numpy as np
from gradc.compiler import pipeline
from gradc.compiler.backends.llvm.pool import pool_text
from gradc.compiler.backends.llvm.program import Program as Kernel
from gradc.compiler.backends.llvm.target import Target, compile_text
from gradc.compiler.backends.llvm.unknown_sizes import refused_size
from gradc.compiler.frontend.signature import Parameters, sign, want
from gradc.compiler.ir import Graph
from gradc.runtime.specialisation import Specialisation

from gradc import compile_grad

from .programs import Program

CPU = "x86-64-v3"  # Valgrind knows no AVX-512
WORKERS = 3
MAIN = Path(__file__).parent / "main.c"
VALGRIND = ("valgrind", "--tool=memcheck", "--error-exitcode=99", "--fair-sched=yes", "-q",
            "--leak-check=full", "--errors-for-leak-kinds=definite")  # fmt: skip


def missing() -> str | None:
    """Return what is not installed, or what is another machine; None if all is there."""
    if not Target.host().triple.startswith("x86_64") or "linux" not in Target.host().triple:
        return "x86-64 with Linux"
    return next((tool for tool in ("cc", "valgrind") if not shutil.which(tool)), None)


def wanted(program: Program) -> tuple[str, ...]:
    """Return the parameters by which it is differentiated: those that are floating-point."""
    names = inspect.signature(program.function).parameters
    pairs = zip(names, program.arguments, strict=True)
    return tuple(name for name, one in pairs if one.dtype.kind == "f")


def joint_graph(program: Program) -> Graph:
    """Return the lowered graph of value and gradient."""
    parameters = Parameters(program.function, ())
    values = parameters.bind(program.arguments, {})
    signature, leaves = sign(parameters, values)
    made = Specialisation(
        *(parameters, signature, values, leaves),
        want(parameters, signature, wanted(program)),
        has_aux=False,
        name=program.name,
    )
    graph = pipeline.lower_native(made.joint(seeded=True), made.log)
    refused = refused_size(graph)
    assert refused is None, refused
    return graph


def objects(graph: Graph) -> tuple[list[bytes], Kernel]:
    """Return the object files of a graph; the function in them is called ``kernel``."""
    target, module = Target.named(CPU), ir.Module("gradc")
    kernel = Kernel(graph, module, "kernel", target, WORKERS)
    kernel.function.linkage = "external"
    assert not kernel.calls, "it calls Python"
    made = [compile_text(str(module), target)]
    if kernel.products.functions:
        made.append(compile_text(str(kernel.products), target, passes=False))
    made.append(compile_text(pool_text(target), target, level=0))
    return [one.object for one in made], kernel


def executable(program: Program, folder: Path, withheld: int) -> tuple[Path, list[Any]]:
    """Link a program with the main program; return its path, and the types of its outputs."""
    graph = joint_graph(program)
    found, kernel = objects(graph)
    outputs = [output.type for output in graph.outputs]
    sizes = [one.nbytes for one in program.arguments]
    results = [int(np.prod(one.shape)) * np.dtype(one.dtype).itemsize for one in outputs]
    count = len(sizes) + len(results) + 1
    lines = [
        f"#define INPUTS {len(sizes)}",
        f"#define OUTPUTS {len(results)}",
        f"#define SIZES {{{', '.join(map(str, (*sizes, *results)))}}}",
        f"#define WITHHELD {withheld}",
        f"#define WORKSPACE {kernel.workspace_bytes}",
        f"#define THREADS {WORKERS}",
        f"#define POINTERS {', '.join(['void *'] * count)}",
        f"#define ARGUMENTS {', '.join(f'arrays[{i}]' for i in range(count - 1))}, workspace",
    ]
    (folder / "kernel.h").write_text("\n".join(lines) + "\n", "utf-8")
    paths = []
    for i, one in enumerate(found):
        paths.append(folder / f"part_{i}.o")
        paths[-1].write_bytes(one)
    path = folder / program.name
    _run(["cc", "-g", "-O1", "-std=gnu11", "-Wall", "-Werror", "-I", folder, MAIN, *paths,
          "-o", path, "-lm", "-lpthread"], folder)  # fmt: skip
    return path, outputs


def run(program: Program, folder: Path, withheld: int = 0) -> None:
    """Run a program by Valgrind, and compare what it computes with NumPy.

    Args:
        program: The program.
        folder: Where to build it.
        withheld: By how many bytes each array is too small; for the test of this test.

    Raises:
        AssertionError: Valgrind finds something wrong, or a number is.
    """
    path, outputs = executable(program, folder, withheld)
    (folder / "inputs").write_bytes(b"".join(one.tobytes() for one in program.arguments))
    _run([*VALGRIND, path], folder)
    found = (folder / "outputs").read_bytes()
    reference = compile_grad(program.function, wrt=wanted(program), backend="numpy")
    value, gradient = reference.value_and_grad(*program.arguments)
    for type, expected in zip(outputs, (value, *_several(gradient)), strict=True):
        nbytes = int(np.prod(type.shape)) * np.dtype(type.dtype).itemsize
        array = np.frombuffer(found[:nbytes], type.dtype).reshape(type.shape)
        found = found[nbytes:]
        part = 1e-3 if type.dtype == np.float32 else 1e-8  # sums go in another order
        scale = np.max(np.abs(expected), initial=1e-3)
        np.testing.assert_allclose(array, expected, rtol=0, atol=part * scale)


def _several(gradient: Any) -> Sequence[Any]:
    return gradient if isinstance(gradient, tuple) else (gradient,)


def _run(command: Sequence[object], folder: Path) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"[-6000:]
