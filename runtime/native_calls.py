"""Native code as a function of the leaves of the arguments."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import reduce
from itertools import pairwise
from operator import getitem
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

import numpy as np

from ..compiler.backends.llvm.entry_signature import Argument, Tree
from ..compiler.backends.llvm.object_code import ObjectCode
from ..compiler.backends.llvm.pool import PARALLEL
from ..compiler.backends.llvm.python_names import python_name
from ..compiler.backends.llvm.target import LEVEL, Target
from ..compiler.ir import Graph
from ..compiler.primitives.control import callback
from ..compiler.types import ArrayType
from .callers import caller
from .entry import bind, exported, kernel_addresses, retarget, signature_of
from .native import load
from .native_compilation import Compilation
from .pool import thread_pool
from .records import passing_records
from .threads import usable_cores

if TYPE_CHECKING:
    from ..compiler.backends.llvm.compilation import Native

MOST_WORKERS = 32  # with memory of their own


class NativeProgram:
    """A graph as native code, loaded.

    Attributes:
        run: Takes the params and returns the outputs: one, or a tuple.
        takes_calls: Whether there are entries that take the arguments of users' calls and give what
            these get. There is none where the code calls Python's objects, which ``run`` keeps.
        signature: What the code takes and gives.
        library: The code.
        graph: The graph.
        may_fail: Whether it may raise when part of its results is written: see ``run_into``.
        calls: What it calls back, and the user's lines, to be read.
        has_callbacks: Whether there are functions of the user's among these.
        passes_records: Whether arrays come or go whose length is not known here: the code gets and
            gives addresses of these.
        is_cached: Whether the code was found, and not compiled.
        compiled: Compiles it anew, to be looked at: ``compiled(level=3, clock=None)``.

    Args:
        compilation: The graph, and how it is compiled.
        code: Its object code.
        native: What is known of the code; None if it was found.
        more: Symbols to export beside the entry.
    """

    def __init__(
        self,
        compilation: Compilation,
        code: ObjectCode,
        native: Native | None,
        more: Sequence[str] = (),
    ) -> None:
        nodes = native.program.calls if native else {}
        called = {name: caller(node) for name, node in nodes.items()}
        symbols = {name: id(one) for name, one in called.items()}
        if code.is_parallel:
            symbols[PARALLEL] = thread_pool().address
        library = load(code.objects, [*exported(code.name), *more], symbols)
        self.library, self._name, self.compiled = library, code.name, compilation
        self.signature, self.graph = signature_of(library, code.name), compilation.graph
        self.is_cached, self.may_fail = native is None, code.may_fail
        self.has_callbacks = any(node.primitive is callback for node in nodes.values())
        self.calls = [
            python_name(node) + (f" at {node.origin}" if node.origin else "")
            for node in nodes.values()
        ]
        self.takes_calls = code.is_arranged and not called
        arguments, objects = self.signature.arguments, list(called.values())

        def convert(*leaves: Any, called: Any = objects) -> Any:
            """Call it with leaves of another layout, byte order or alignment."""
            entry: Any = itself()
            return entry(*_conforming(leaves, arguments))

        bound: Callable[..., Any] = bind(library, code.name, convert)
        itself = ref(bound)  # no cycle: the code goes with the last one who can call it
        flat = _flat(bound, self.signature.tree, len(self.signature.results))
        types = ([one.type for one in some] for some in (self.graph.params, self.graph.outputs))
        self.run = passing_records(flat, *types)
        self.passes_records = self.run is not flat

    def timed(self) -> Timed:
        """Return the same with a clock in it."""
        native = self.compiled(clock=time.CLOCK_MONOTONIC)
        symbol = native.program.times
        made = NativeProgram(self.compiled, native.code, native, (symbol,))
        kind = ctypes.c_int64 * (2 * (len(native.program.items()) + 1))
        return Timed(made, kind.from_address(made.library.address(symbol)))

    def entry(
        self, fallback: Callable[..., Any], title: str, doc: str | None
    ) -> Callable[..., Any]:
        """Return an entry for users' calls; see ``bind``."""
        return bind(self.library, self._name, fallback, title=title, doc=doc)

    put_behind = staticmethod(retarget)

    def can_run_into(self, given: Sequence[Any]) -> bool:
        """Whether ``run_into`` writes such arrays completely or not at all.

        What may fail on its way writes some before; and arguments would be copied after the rest.
        """
        pairs = zip(given, self.signature.results, strict=True)
        are_computed = all(one is None or result.argument is None for one, result in pairs)
        return are_computed and not (self.may_fail or self.passes_records)

    def run_into(self, leaves: Sequence[Any], given: Sequence[Any]) -> list[Any]:
        """Compute into arrays, where ``can_run_into``.

        Args:
            leaves: The params.
            given: For each output an array that lies row by row and shares no memory with the
                leaves, or None for what is to be made.

        Returns:
            The outputs.
        """
        arguments, results = self.signature.arguments, self.signature.results
        pairs = zip(leaves, arguments, strict=True)
        inputs = [np.asarray(_conform(leaf, one)) for leaf, one in pairs]
        made = [
            np.empty(result.shape, result.dtype) if one is None else one
            for one, result in zip(given, results, strict=True)
        ]
        written = [
            one for one, result in zip(made, results, strict=True) if result.argument is None
        ]
        pointers = [ctypes.c_void_p(one.ctypes.data) for one in (*inputs, *written)]
        self.function_of()(*pointers)
        return [
            leaves[result.argument]
            if result.argument is not None
            else (mine[()] if one is None else one)
            for one, result, mine in zip(given, results, made, strict=True)
        ]

    def function_of(self, *types: Any) -> Any:
        """Return the C function for ``ctypes``, with these types of parameters.

        It releases the interpreter's lock as the code does in other calls, and raises what is to be
        raised.
        """
        run, _ = kernel_addresses(self.library, self._name)
        made: Any = ctypes.PYFUNCTYPE(ctypes.c_int32)(run)
        made.argtypes = types
        made.library = self.library  # it keeps the code alive
        return made

    @property
    def address(self) -> int:
        """Where its C function for callers without the lock lies; see ``c_function``."""
        return kernel_addresses(self.library, self._name)[1]


class Timed(NamedTuple):
    """A program that notes when its items begin, and when the last one has ended.

    Attributes:
        program: The program.
        times: Of the last run: seconds and nanoseconds, in turns.
    """

    program: NativeProgram
    times: ctypes.Array[ctypes.c_int64]

    def run(self, *leaves: Any) -> list[int]:
        """Run it; return how many nanoseconds each of its items took."""
        self.program.run(*leaves)
        pairs = zip(self.times[::2], self.times[1::2], strict=True)
        noted = [seconds * 10**9 + rest for seconds, rest in pairs]
        return [end - start for start, end in pairwise(noted)]


def native_program(
    graph: Graph,
    name: str,
    shared: Collection[int],
    kinds: Sequence[str] | None = None,
    tree: Tree = None,
    level: int = LEVEL,
) -> NativeProgram:
    """Compile a lowered graph for this machine, or find its code in the cache, and load it.

    Args:
        graph: What ``pipeline.lower_native`` gave.
        name: What to call the function.
        shared: Positions of outputs that are params, to be returned as they are.
        kinds: Of users' arguments for the params: see ``LeafType``. If not given, the code gets
            numbers of rank 0 as NumPy's scalars.
        tree: How results are arranged for users.
        level: Of LLVM's optimisation, 0 to 3.

    Raises:
        LoweringError: There is no native code for something in it.
    """
    compilation = Compilation(
        graph,
        f"gradc.{name}",  # each library has its own
        tuple(shared),
        None if kinds is None else tuple(kinds),
        tree,
        min(usable_cores(), MOST_WORKERS),
        Target.host(),
    )
    return NativeProgram(compilation, *compilation.cached(level))


def _conforming(leaves: Sequence[Any], arguments: Sequence[Argument]) -> list[Any]:
    if len(leaves) != len(arguments):
        raise TypeError(f"takes {len(arguments)} arguments, not {len(leaves)}")
    return [_conform(leaf, expected) for leaf, expected in zip(leaves, arguments, strict=True)]


def _conform(leaf: Any, expected: Argument) -> Any:
    """Return a leaf as the code takes it: in rows, aligned, in the machine's byte order."""
    array = np.asarray(leaf)
    if array.shape != expected.shape or array.dtype.newbyteorder("=") != expected.dtype:
        type = ArrayType(expected.shape, expected.dtype)
        raise TypeError(f"takes {type}, not {array.shape} {array.dtype}")
    dtype = expected.dtype
    if expected.kind == "array":
        fits = array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned
        made = array if fits else array.astype(expected.dtype, "C")
        return made if made.dtype.num == dtype.num else made.view(dtype)
    number = dtype.type(array[()])
    return number if expected.kind == "scalar" else number.item()


def _flat(run: Callable[..., Any], tree: Tree, count: int) -> Callable[..., Any]:
    """Return what gives the results of an entry one by one, however they are arranged."""
    if tree == (0 if count == 1 else tuple(range(count))):
        return run
    places: dict[int, tuple[int, ...]] = dict(_places(tree))

    def flat(*leaves: Any) -> Any:
        arranged = run(*leaves)
        found = tuple(reduce(getitem, places[i], arranged) for i in range(count))
        return found[0] if count == 1 else found

    return flat


def _places(tree: Tree) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield for each result by which indices it is found."""
    if isinstance(tree, tuple):
        for i, branch in enumerate(tree):
            yield from ((leaf, (i, *place)) for leaf, place in _places(branch))
    elif tree is not None:
        yield tree, ()
