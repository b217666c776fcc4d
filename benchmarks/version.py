"""One way to compute a workload's value and gradient, to be run and to be timed."""

from __future__ import annotations

from collections.abc import Callable
from timeit import Timer
from typing import Any

import gradc

from .timing import Timeable
from .workload import Args, ValueAndGradient, Workload

ALL_THREADS = gradc.get_num_threads()  # versions change it


class Version:
    """A function of Python, and how many threads our code has while it runs."""

    def __init__(self, function: Callable[..., Any], threads: int | None = None) -> None:
        self.function, self.threads = function, threads

    def __call__(self, *args: Any) -> ValueAndGradient:
        """Return value and gradient."""
        if self.threads:
            gradc.set_num_threads(self.threads)
        return self._bound()(*args)

    def timer(self, args: Args) -> Timeable:
        """Return what times calls; one more goes before them: caches fill and threads wake up."""
        names = {f"a{i}": arg for i, arg in enumerate(args)}
        scope = {**names, "call": self._bound(), "warm_up": lambda: self(*args)}
        return Timer(f"call({', '.join(names)})", "warm_up()", globals=scope)

    def _bound(self) -> Callable[..., Any]:
        return self.function


class Compiled(Version):
    """A function that `compile_grad` returned."""

    def _bound(self) -> Callable[..., Any]:
        return self.function.value_and_grad  # looked up anew: native code takes the method's place


def our_versions(workload: Workload) -> dict[str, Version]:
    """Return a workload by each backend; native code with all threads and with one."""
    native, numpy = (
        gradc.compile_grad(workload.fn, wrt=workload.wrt, backend=backend)
        for backend in ("llvm", "numpy")
    )
    return {
        "llvm": Compiled(native, ALL_THREADS),
        "llvm, 1 thread": Compiled(native, 1),
        "numpy": Compiled(numpy),
    }
