"""The limits: gradients written by hand in C, compiled on the spot for the sizes of a run."""

from __future__ import annotations

import ctypes
import inspect
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from .timing import Timeable
from .version import Version
from .workload import Args, ValueAndGradient, Workload

SOURCES = Path(__file__).parent / "limits"
_COMPILING = ["-std=c11", "-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-fPIC"]
if platform.machine() in ("x86_64", "AMD64"):
    _COMPILING.append("-mprefer-vector-width=512")  # GCC prefers 256 where it might use 512
# First with vectors of exp, log and erf, where the C library has them. Not with -ffast-math, which
# would make the whole process round denormal numbers to zero.
_LINKING = (["-lmvec", "-lm"], ["-lm"])

_Pointers = ctypes.POINTER(ctypes.c_void_p)


class MissingLimitError(LookupError):
    """No limit is written for a workload, or there is no compiler for it."""


class Limit(Version):
    """The gradient of a workload in C, on one thread, called in a loop in C."""

    def __init__(self, workload: Workload, args: Args) -> None:
        self.wrt, self._shapes = workload.wrt, [np.shape(arg) for arg in args]
        names = inspect.signature(workload.fn).parameters
        self.library = _compiled(workload.name, dict(zip(names, self._shapes, strict=True)))

    def __call__(self, *args: Any) -> ValueAndGradient:
        """Return value and gradient."""
        loop = self.timer(args)
        loop.timeit(1)
        value, *gradients = loop.results
        return value[()], tuple(gradients)

    def timer(self, args: Args) -> Loop:
        """Return what times calls, without any Python in between."""
        results = [np.empty(()), *(np.empty(self._shapes[position]) for position in self.wrt)]
        return Loop(self.library, args, results)


class Loop(Timeable):
    """Calls of a C function from C.

    Args:
        library: Which `_compiled` returns.
        args: What it is given.
        results: Arrays for what it computes.
        program: The address of a program of gradc that is called instead.
    """

    def __init__(
        self, library: ctypes.CDLL, args: Args, results: Sequence[Any], program: int | None = None
    ) -> None:
        self.results, self._kept = results, [np.require(arg, float, "CA") for arg in args]
        inputs, outputs = _addresses(self._kept), _addresses(results)
        if program is None:
            self._run = lambda calls: library.repeat_limit(calls, inputs, outputs)
        else:
            self._run = lambda calls: library.repeat_program(calls, program, inputs, outputs)

    def timeit(self, number: int) -> float:
        """Return the seconds that so many calls take."""
        self._run(1)
        start = perf_counter()
        self._run(number)
        return perf_counter() - start


def _addresses(arrays: Sequence[Any]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def _compiled(name: str, shapes: Mapping[str, tuple[int, ...]]) -> ctypes.CDLL:
    """Return the loaded library of a limit, for arguments of these shapes.

    Raises:
        MissingLimitError: It is not written, or there is no compiler that takes it.
    """
    source, compiler = SOURCES / f"{name}.c", os.environ.get("CC") or shutil.which("cc")
    if not source.exists() or not compiler:
        raise MissingLimitError(f"no limit in C: {source.name if compiler else 'no compiler'}")
    sizes = [
        f"-D{argument}_{axis}={extent}"
        for argument, shape in shapes.items()
        for axis, extent in enumerate(shape)
    ]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        objects = []
        for path in (source, SOURCES / "repeat.c"):
            objects.append(f"{folder}/{path.stem}.o")
            _run([compiler, *_COMPILING, *sizes, "-c", str(path), "-o", objects[-1]])
        made = f"{folder}/limit.so"
        for libraries in _LINKING:
            try:
                _run([compiler, "-shared", *objects, "-o", made, *libraries])
                break
            except MissingLimitError:
                if libraries is _LINKING[-1]:
                    raise
        library = ctypes.CDLL(made)
    library.repeat_limit.argtypes = [ctypes.c_long, _Pointers, _Pointers]
    library.repeat_limit.restype = None
    library.repeat_program.argtypes = [ctypes.c_long, ctypes.c_void_p, _Pointers, _Pointers]
    return library


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise MissingLimitError(f"the C compiler failed: {said.strip()}") from None
