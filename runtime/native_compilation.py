"""How a graph becomes object code: found in the cache, or compiled."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import llvmlite
import llvmlite.binding as binding
import numpy as np

from .. import compiler
from ..compiler.backends.llvm.digest import NoDigestError, digest
from ..compiler.backends.llvm.entry_signature import Tree
from ..compiler.backends.llvm.object_code import ObjectCode
from ..compiler.backends.llvm.target import LEVEL, Target
from ..compiler.forks import importing
from ..compiler.ir import Graph
from .code_cache import code_cache

if TYPE_CHECKING:
    from ..compiler.backends.llvm.compilation import Native


@dataclass(frozen=True)
class Compilation:
    """A graph, and all that decides its code. Called, it compiles, to be loaded or looked at.

    Attributes:
        graph: What ``pipeline.lower_native`` gave.
        symbol: The name of the function.
        shared: Positions of outputs that are params, to be returned as they are.
        kinds: Of users' arguments for the params; see ``compile_graph``.
        tree: How results are arranged for users.
        workers: How many threads have memory of their own.
        target: The machine.
    """

    graph: Graph
    symbol: str
    shared: Sequence[int]
    kinds: Sequence[str] | None
    tree: Tree
    workers: int
    target: Target

    def __call__(self, level: int = LEVEL, clock: int | None = None) -> Native:
        """Compile it.

        Args:
            level: Of LLVM's optimisation, 0 to 3.
            clock: Which of C's clocks its items are timed by; see ``Clock``.

        Raises:
            LoweringError: There is no native code for something in it.
        """
        given = self.graph, self.symbol, self.shared, self.target
        options = {"workers": self.workers, "kinds": self.kinds, "tree": self.tree}
        return _compiler()(*given, level=level, clock=clock, **options)

    def key(self, level: int) -> str:
        """Return the digest of all that decides the object code.

        Raises:
            NoDigestError: It is not only data that decides.
        """
        decisive = self.symbol, self.shared, self.kinds, self.tree, self.workers, self.target, level
        text = "\n".join((digest(self.graph), repr(decisive), _versions()))
        return hashlib.sha256(text.encode()).hexdigest()

    def cached(self, level: int) -> tuple[ObjectCode, Native | None]:
        """Return the object code; if it had to be compiled, with all that is known of it.

        Code that calls Python is not kept: it is bound to objects of this process.

        Raises:
            LoweringError: There is no native code for something in it.
        """
        kept = code_cache()
        try:
            key = self.key(level) if kept else ""
        except NoDigestError:
            kept = None
        found = kept.find(key) if kept else None
        if found is not None:
            return ObjectCode.from_bytes(found), None
        native = self(level)
        if kept and not native.program.calls:
            kept.keep(key, native.code.to_bytes())
        return native.code, native


@cache
def _compiler() -> Callable[..., Native]:
    """Return what compiles, which takes a while to import."""
    with importing:
        from ..compiler.backends.llvm.compilation import compile_graph

    return compile_graph


@cache
def _versions() -> str:
    """Return what decides beside the graph: the libraries, and the text of the compiler itself.

    Raises:
        NoDigestError: The text is not there: the package lies in an archive.
    """
    folder = Path(compiler.__file__).parent
    parts = "*.py", "primitives/**/*.py", "backends/llvm/**/*.py"
    files = sorted(one for part in parts for one in folder.glob(part))
    if not files:
        raise NoDigestError(f"no source in {folder}")
    text = hashlib.sha256()
    for path in files:
        text.update(path.read_bytes())
    libraries = llvmlite.__version__, binding.llvm_version_info, np.__version__
    return f"{text.hexdigest()} {libraries} {platform.python_version()}"
