"""What an entry from Python takes and gives: written into the object file, read at its loading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Tree = int | tuple["Tree", ...] | None
"""How results are arranged: a leaf is the index of a result, or ``None`` for Python's None."""

_ARGUMENTS = ("array", "scalar", "float", "int", "bool")
_RESULTS = ("array", "scalar", "argument")


@dataclass(frozen=True)
class Argument:
    """A positional argument; anything else than this goes to the fallback.

    Attributes:
        kind: "array" (an ``np.ndarray``, no subclass, C-contiguous and aligned), "scalar" (a NumPy
            scalar of the dtype), "float", "int" or "bool" (exactly Python's).
        dtype: Of the array or scalar; for Python's numbers that of the copy that the kernel gets.
        shape: Of the array.
        written: The kernel writes into the array: it has to be writeable and to lie apart from
            all other arguments.
    """

    kind: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()
    written: bool = False

    def __post_init__(self) -> None:
        kinds = {"float": "f", "int": "iuf", "bool": "b"}.get(self.kind, "biuf")
        if self.kind not in _ARGUMENTS or self.dtype.kind not in kinds:
            raise ValueError(f"no entry takes a {self.kind} as {self.dtype}")
        if self.kind != "array" and (self.shape or self.written):
            raise ValueError(f"a {self.kind} has no shape and cannot be written")

    @property
    def nbytes(self) -> int:
        """The size of what the kernel reads."""
        return _nbytes(self.dtype, self.shape)


@dataclass(frozen=True)
class Result:
    """What the kernel computes, or an argument that is handed back.

    Attributes:
        dtype: Of the array or scalar.
        shape: Of the array.
        kind: "array" (a fresh one), "scalar" (a NumPy scalar) or "argument".
        argument: Of kind "argument": which one is returned. The kernel gets no pointer for it.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()
    kind: str = "array"
    argument: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in _RESULTS or self.dtype.kind not in "biuf":
            raise ValueError(f"no entry gives a {self.kind} of {self.dtype}")
        if (self.kind == "argument") != (self.argument is not None):
            raise ValueError("which argument is said for results of kind 'argument' only")


@dataclass(frozen=True)
class Signature:
    """All that an entry checks and makes.

    Attributes:
        arguments: By position.
        results: In the order of the kernel's pointers.
        tree: How results are arranged; every result occurs in it.
        workspace_bytes: What the kernel needs beside them.
        release: The interpreter's lock is released around the kernel.
    """

    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]
    tree: Tree
    workspace_bytes: int = 0
    release: bool = False

    def __post_init__(self) -> None:
        if set(leaves_of(self.tree)) != set(range(len(self.results))):
            raise ValueError(f"tree {self.tree} does not hold the {len(self.results)} results")
        for result in self.results:
            if result.argument is not None and not 0 <= result.argument < len(self.arguments):
                raise ValueError(f"there is no argument {result.argument} to return")

    @property
    def slots(self) -> tuple[str, ...]:
        """What the entry needs of the process, by names that ``runtime.entry`` knows."""
        needed = {"ndarray", "new array"}
        for argument in self.arguments:
            if argument.kind != "array":
                needed.add(type_slot(argument.kind, argument.dtype))
            if argument.kind == "bool":
                needed.add("True")
        for result in self.results:
            if result.kind == "scalar" and result.dtype.kind == "b":
                needed |= {"numpy False", "numpy True"}
            elif result.kind == "scalar":
                needed |= {type_slot("scalar", result.dtype), f"allocate {result.dtype.str}"}
        if _has_none(self.tree):
            needed.add("None")
        return tuple(sorted(needed))

    @property
    def text(self) -> str:
        """The signature as JSON."""
        return json.dumps(
            {
                "arguments": [
                    [one.kind, one.dtype.str, one.shape, one.written] for one in self.arguments
                ],
                "results": [
                    [one.dtype.str, one.shape, one.kind, one.argument] for one in self.results
                ],
                "tree": self.tree,
                "workspace_bytes": self.workspace_bytes,
                "release": self.release,
            }
        )

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Return the signature that ``text`` was written from."""
        parts = json.loads(text)
        return cls(
            tuple(
                Argument(kind, np.dtype(dtype), tuple(shape), written)
                for kind, dtype, shape, written in parts["arguments"]
            ),
            tuple(
                Result(np.dtype(dtype), tuple(shape), kind, argument)
                for dtype, shape, kind, argument in parts["results"]
            ),
            _as_tuples(parts["tree"]),
            parts["workspace_bytes"],
            parts["release"],
        )


def type_slot(kind: str, dtype: np.dtype[Any]) -> str:
    """Return the slot that holds the type of a number: "float", or "scalar <f8"."""
    return f"scalar {dtype.str}" if kind == "scalar" else kind


def leaves_of(tree: Tree) -> Iterator[int]:
    """Yield the results in a tree, from left to right."""
    if isinstance(tree, tuple):
        for branch in tree:
            yield from leaves_of(branch)
    elif tree is not None:
        yield tree


def _has_none(tree: Tree) -> bool:
    return any(map(_has_none, tree)) if isinstance(tree, tuple) else tree is None


def _as_tuples(tree: Any) -> Tree:
    return tuple(map(_as_tuples, tree)) if isinstance(tree, list) else tree


def _nbytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    size = dtype.itemsize
    for dim in shape:
        size *= dim
    return size
