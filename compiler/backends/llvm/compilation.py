"""A graph as an object file with one function that Python calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import llvmlite.ir as ir
import numpy as np

from ...errors import LoweringError
from ...ir import Graph, Value
from .costs import of_graph
from .entry import emit_entry
from .entry_signature import Argument, Result, Tree
from .lowering import is_record
from .object_code import ObjectCode
from .pool import PARALLEL
from .program import Program
from .records import HANDLE
from .target import LEVEL, Compiled, Target, compile_text
from .unknown_sizes import refused_size

_LONG = 10_000  # nanoseconds, from which on the interpreter's lock is released

_NUMBERS = {"f": "float", "i": "int"}  # Python's, by the kind of the dtype that they have here


class Native(NamedTuple):
    """A compiled graph.

    Attributes:
        code: What is loaded.
        compiled: The object file of the program, without the products that it calls.
        text: The module before LLVM's passes.
        program: Its steps and memory.
    """

    code: ObjectCode
    compiled: Compiled
    text: str
    program: Program


def compile_graph(
    graph: Graph,
    name: str,
    shared: Collection[int],
    target: Target,
    level: int = LEVEL,
    workers: int = 1,
    kinds: Sequence[str] | None = None,
    tree: Tree = None,
    clock: int | None = None,
) -> Native:
    """Compile a lowered graph.

    The function takes the params and returns the outputs: one, or a tuple if no other tree is
    asked for.

    Args:
        graph: What ``pipeline.lower_native`` gave.
        name: The symbol.
        shared: Positions of outputs that are params, to be returned as they are.
        target: The machine.
        level: Of LLVM's optimisation, 0 to 3.
        workers: How many threads have workspaces of their own; more than these wait for one.
        kinds: Of each param what stands for it: "array", "scalar" or "number"; see ``LeafType``.
        tree: How the outputs are arranged.
        clock: Which of C's clocks its items are timed by; see ``Clock``.

    Raises:
        LoweringError: There is no native code for something in it.
    """
    refused = refused_size(graph)
    if refused is not None:
        raise LoweringError("sizes are known at run time only", got=refused)
    if any(map(is_record, (*graph.params, *graph.outputs))):
        kinds, tree = None, None  # users pass no addresses
    arguments, results = _signed(graph, shared, kinds)
    written = [
        one for one, result in zip(graph.outputs, results, strict=True) if result.kind != "argument"
    ]
    module = ir.Module(name="gradc")
    outputs, kernel = tuple(written), f"{name}.kernel"
    program = Program(
        Graph(graph.params, graph.nodes, outputs), module, kernel, target, workers, clock
    )
    flat = 0 if len(results) == 1 else tuple(range(len(results)))
    emit_entry(
        *(module, name, program.function, arguments, results),
        flat if tree is None else tree,
        program.workspace_bytes,
        release=not program.calls and of_graph(graph) >= _LONG,
    )
    text = str(module)
    compiled = compile_text(text, target, level)
    objects = [compiled.object]
    if program.products.functions:
        objects.append(compile_text(str(program.products), target, level, passes=False).object)
    flags = tree is not None, PARALLEL in module.globals, program.may_fail
    return Native(ObjectCode(name, tuple(objects), *flags), compiled, text, program)


def _signed(
    graph: Graph, shared: Collection[int], kinds: Sequence[str] | None
) -> tuple[list[Argument], list[Result]]:
    """Return what the function takes and gives."""
    params = {param: i for i, param in enumerate(graph.params)}
    passed = [Value(HANDLE) if is_record(one) else one for one in (*graph.params, *graph.outputs)]
    ranked = ["array" if one.ndim else "scalar" for one in graph.params]
    arguments = [
        Argument(
            _NUMBERS[one.dtype.kind] if kind == "number" else kind,
            np.dtype(one.dtype.name),  # of C's two integers of 64 bits always the same one
            one.shape,
        )
        for one, kind in zip(passed, kinds or ranked, strict=False)
    ]
    results = [
        Result(two.dtype, two.shape, "argument", params[one])
        if i in shared and one in params and arguments[params[one]].kind in ("array", "scalar")
        else Result(two.dtype, two.shape, "array" if two.ndim else "scalar")
        for i, (one, two) in enumerate(zip(graph.outputs, passed[len(graph.params) :], strict=True))
    ]
    return arguments, results
