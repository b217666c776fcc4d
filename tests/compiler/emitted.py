"""Graphs as generated NumPy modules, for the tests of what comes after differentiation."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from gradc.compiler.backends.numpy_source import Heading, Module, emit
from gradc.compiler.ir import Graph
from gradc.compiler.pipeline import Log, generate


def heading(graph: Graph) -> Heading:
    """Return a heading for a module."""
    params = tuple(f"{param.type}." for param in graph.params)
    return Heading("A test.", "a graph", "pytest", params, ("its outputs",))


def emitted(graph: Graph, kept: int = 0, shared: Collection[int] = ()) -> Module:
    """Return the module of a graph as it is, without any pass."""
    return emit(graph, "run", heading(graph), kept, shared)


def lowered(graph: Graph, kept: int = 0) -> Module:
    """Return the module of a graph after all passes that lower it."""
    return generate(graph, "run", heading(graph), kept, Log())


def function_of(module: Module) -> Callable[..., tuple[Any, ...]]:
    """Return the module's function; it always gives a tuple."""
    assert not module.constants, "they are loaded from a file beside the module"
    scope: dict[str, Any] = {}
    exec(compile(module.text, "<generated>", "exec"), scope)

    def run(*arrays: Any) -> tuple[Any, ...]:
        result = scope[module.name](*arrays, **module.callbacks)
        return result if isinstance(result, tuple) else (result,)

    return run


def body_of(module: Module) -> list[str]:
    """Return the statements of the module's function, without their comments."""
    _, _, code = module.text.rpartition('"""\n')
    return [line.partition("  # ")[0].strip() for line in code.splitlines() if line.strip()]


def shares_nothing(results: Any, others: Any) -> bool:
    """Whether no result shares memory with another result or with any of the others."""
    arrays = list(results)
    return not any(
        np.may_share_memory(one, two)
        for place, one in enumerate(arrays)
        for two in [*arrays[:place], *others]
    )
