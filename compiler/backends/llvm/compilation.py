"""A graph as an object file with one function that Python calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import llvmlite.ir as ir

from ...errors import LoweringError
from ...ir import Graph
from .entry import emit_entry
from .entry_signature import Argument, Result
from .lowering import has_unknown_sizes
from .program import Program
from .target import Compiled, Target, compile_text


@dataclass(frozen=True)
class Native:
    """A compiled graph.

    Attributes:
        name: The function's symbol.
        compiled: The object file.
        text: The module before LLVM's passes.
        program: Its steps and memory.
    """

    name: str
    compiled: Compiled
    text: str
    program: Program


def compile_graph(
    graph: Graph, name: str, shared: Collection[int], target: Target, level: int = 3
) -> Native:
    """Compile a lowered graph.

    The function takes the params and returns the outputs: one, or a tuple.

    Args:
        graph: What ``pipeline.lower_native`` gave.
        name: The symbol.
        shared: Positions of outputs that are params, to be returned as they are.
        target: The machine.
        level: Of LLVM's optimisation, 0 to 3.

    Raises:
        LoweringError: There is no native code for something in it.
    """
    if has_unknown_sizes(graph):
        raise LoweringError("there is no native code yet", got="sizes known at run time only")
    params = {param: i for i, param in enumerate(graph.params)}
    results = [
        Result(one.dtype, one.shape, "argument", params[one])
        if i in shared and one in params
        else Result(one.dtype, one.shape, "array" if one.ndim else "scalar")
        for i, one in enumerate(graph.outputs)
    ]
    written = [
        one for one, result in zip(graph.outputs, results, strict=True) if result.kind != "argument"
    ]
    module = ir.Module(name="gradc")
    program = Program(
        Graph(graph.params, graph.nodes, tuple(written)), module, f"{name}.kernel", target
    )
    arguments = [
        Argument("array" if one.ndim else "scalar", one.dtype, one.shape) for one in graph.params
    ]
    tree = 0 if len(results) == 1 else tuple(range(len(results)))
    emit_entry(module, name, program.function, arguments, results, tree, program.workspace_bytes)
    text = str(module)
    return Native(name, compile_text(text, target, level), text, program)
