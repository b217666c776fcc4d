"""Native code as a function of the leaves of the arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import count
from typing import Any
from weakref import ref

import numpy as np

from ..compiler.backends.llvm import Native, compile_graph
from ..compiler.backends.llvm.target import Target
from ..compiler.ir import Graph
from ..compiler.types import ArrayType
from .callers import caller
from .entry import bind, exported
from .native import load

_numbers = count(1)


def native_run(
    graph: Graph, name: str, shared: Collection[int], level: int = 3
) -> tuple[Callable[..., Any], Native]:
    """Compile a lowered graph for this machine, and load it.

    Args:
        graph: What ``pipeline.lower_native`` gave.
        name: What to call the function.
        shared: Positions of outputs that are params, to be returned as they are.
        level: Of LLVM's optimisation, 0 to 3.

    Returns:
        A function that takes the params and returns the outputs (one, or a tuple), and the code.

    Raises:
        LoweringError: There is no native code for something in it.
    """
    native = compile_graph(graph, f"gradc.{name}.{next(_numbers)}", shared, Target.host(), level)
    called = {name: caller(node) for name, node in native.program.calls.items()}
    symbols = {name: id(one) for name, one in called.items()}
    library = load([native.compiled.object], exported(native.name), symbols)
    types = [param.type for param in graph.params]

    def convert(*leaves: Any, called: Any = called) -> Any:
        """Call it with leaves of another layout, byte order or alignment."""
        entry: Any = itself()
        return entry(*_conforming(leaves, types))

    run: Callable[..., Any] = bind(library, native.name, convert)
    itself = ref(run)  # no cycle: the code goes with the last one who can call it
    return run, native


def _conforming(leaves: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    if len(leaves) != len(types):
        raise TypeError(f"takes {len(types)} arguments, not {len(leaves)}")
    found: list[Any] = []
    for leaf, type in zip(leaves, types, strict=True):
        array = np.asarray(leaf)
        if array.shape != type.shape or array.dtype.newbyteorder("=") != type.dtype:
            raise TypeError(f"takes {type}, not {array.shape} {array.dtype}")
        if type.ndim:
            made = np.require(array, type.dtype, ["C", "A"])
            found.append(np.array(made) if made.__class__ is not np.ndarray else made)
        else:
            found.append(type.dtype.type(array[()]))
    return found
