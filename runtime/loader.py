"""Loading generated modules: from a real file, so that tracebacks and debuggers show the code."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler.backends.numpy_source import Module
from ..compiler.forks import ProcessLock, importing

_lock = ProcessLock()
_numbers = count(1)
_folders: dict[int, Path] = {}


def folder() -> Path:
    """Return the folder of this process for generated code; it goes when the process ends."""
    process = os.getpid()  # a forked child has a folder of its own
    with _lock.held:
        if process not in _folders:
            with importing:  # what `import gradc` need not wait for
                from shutil import rmtree
                from tempfile import mkdtemp

            _folders[process] = Path(mkdtemp(prefix="gradc-"))
            atexit.register(_remove, process, rmtree)
    return _folders[process]


def _remove(process: int, remove: Callable[..., None]) -> None:
    if os.getpid() == process:
        remove(_folders[process], ignore_errors=True)


def save(module: Module, path: Path) -> None:
    """Write a module, and its large constants beside it, each completely or not at all."""
    if module.constants:
        arrays = path.with_suffix(".npz")
        part = arrays.with_suffix(".part.npz")
        np.savez(part, **module.constants)  # type: ignore[arg-type]
        part.replace(arrays)
    part = path.with_suffix(".part")
    part.write_text(module.text, "utf-8")
    part.replace(path)


def load(module: Module) -> tuple[Callable[..., Any], Path]:
    """Return the function of a module, its call-backs passed, and the file that it lies in."""
    path = folder() / f"{module.name}_{next(_numbers)}.py"
    save(module, path)
    scope: dict[str, Any] = {"__name__": f"gradc_generated.{path.stem}", "__file__": str(path)}
    exec(compile(module.text, str(path), "exec"), scope)
    function = scope[module.name]
    return (partial(function, **module.callbacks) if module.callbacks else function), path
