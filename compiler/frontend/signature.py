"""What one call looks like: which arrays of which types lie where. The key of a specialisation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from keyword import kwlist
from typing import Any, NamedTuple

import numpy as np

from ..errors import CaptureError, DerivativeError, GradcError, listed
from ..types import SUPPORTED_DTYPES, ArrayType, Dim, Sym
from .other_arrays import refuse_other_array
from .source import user_line
from .tracer import Tracer
from .tree import (
    Branch,
    Instance,
    Leaf,
    Spec,
    Static,
    Tree,
    count_leaves,
    flatten,
    static,
    unflatten,
)

Wrt = int | str | tuple["int | str", ...]
_MOST_BITS = 256  # of integers that messages show


class LeafType(NamedTuple):
    """The type of one leaf, and how NumPy would treat it.

    Attributes:
        type: Shape and dtype.
        kind: "array"; "scalar" (a NumPy scalar, immutable); "number" (a Python number, weak).
    """

    type: ArrayType
    kind: str


@dataclass(frozen=True)
class Signature:
    """The arguments of a call without the numbers in them; equal signatures share code.

    Attributes:
        trees: The tree of each parameter, by position in the function's signature.
        leaves: The type of each leaf.
        names: A name for each leaf.
    """

    trees: tuple[Tree, ...]
    leaves: tuple[LeafType, ...]
    names: tuple[str, ...]

    def without_objects(self) -> Signature:
        """Return an equal signature that keeps no object of a call alive."""
        return Signature(tuple(map(_without_objects, self.trees)), self.leaves, self.names)


def _without_objects(tree: Tree) -> Tree:
    if isinstance(tree, Instance):
        return Instance(tree.kind, None)
    if isinstance(tree, Branch):
        return Branch(tree.kind, tree.keys, tuple(map(_without_objects, tree.children)))
    return tree


class Parameters:
    """The parameters of a function: binds calls to them, and makes calls from them again.

    Attributes:
        function: The function.
        names: Their names.
        are_positional: Whether all can be passed by position, each one value.
        static: The names of those that are part of the specialisation as a whole.
    """

    def __init__(self, function: Callable[..., Any], static_argnames: Sequence[str]) -> None:
        self.function = function
        try:
            self._signature = inspect.signature(function)
        except ValueError:
            raise GradcError(
                "the parameters of the function cannot be found out",
                got=repr(function),
                fix="wrap it in a Python function or lambda",
            ) from None
        self.names = tuple(self._signature.parameters)
        kinds = [one.kind for one in self._signature.parameters.values()]
        either, only = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY
        self._simple = all(kind is either for kind in kinds)
        self._defaults = {
            name: one.default
            for name, one in self._signature.parameters.items()
            if one.default is not one.empty
        }
        self.are_positional = all(kind in (either, only) for kind in kinds)
        for name in static_argnames:
            if name not in self.names:
                raise GradcError(
                    f"static_argnames names {name!r}, which is no parameter",
                    got=str(self),
                    fix="give the names of parameters",
                )
        self.static = frozenset(static_argnames)

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', 'the function')}{self._signature}"

    def takes(self, name: str) -> bool:
        """Whether the function takes an argument of this name."""
        kinds = {one.kind for one in self._signature.parameters.values()}
        return name in self.names or inspect.Parameter.VAR_KEYWORD in kinds

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the value of each parameter; what is left out takes its default.

        Raises:
            TypeError: The arguments do not fit, in Python's words.
        """
        if self._simple and not kwargs and len(args) == len(self.names):
            return tuple(args)
        found = self.in_order(args, kwargs)
        if found is not None:
            return found
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return tuple(bound.arguments[name] for name in self.names)

    def in_order(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
        """Return the value of each parameter by position; None calls for a closer look."""
        if not self._simple or len(args) > len(self.names):
            return None
        values, used = list(args), 0
        for name in self.names[len(args) :]:
            if name in kwargs:
                values.append(kwargs[name])
                used += 1
            elif name in self._defaults:
                values.append(self._defaults[name])
            else:
                return None
        return tuple(values) if used == len(kwargs) else None

    def call(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        """Call a function with these parameters with a value for each of them."""
        if self._simple:
            return function(*values)
        bound = self._signature.bind_partial()
        for (name, parameter), value in zip(
            self._signature.parameters.items(), values, strict=True
        ):
            left_out = parameter.kind is parameter.KEYWORD_ONLY and value is parameter.default
            if not left_out:  # a ufunc does not take its own defaults
                bound.arguments[name] = value
        return function(*bound.args, **bound.kwargs)

    def index(self, wrt: int | str) -> int:
        """Return the position of a parameter that ``wrt`` names.

        Raises:
            GradcError: There is none.
        """
        if isinstance(wrt, str) and wrt in self.names:
            return self.names.index(wrt)
        if isinstance(wrt, int) and -len(self.names) <= wrt < len(self.names):
            return wrt % len(self.names)
        raise GradcError(
            f"wrt={wrt!r} names no parameter",
            got=str(self),
            fix="give the position or the name of a parameter, or a tuple of them",
        )


def sign(parameters: Parameters, values: Sequence[Any]) -> tuple[Signature, list[Any]]:
    """Return the signature of a call and its leaves, as arrays of native byte order.

    Raises:
        CaptureError: An argument has a type or dtype that cannot be compiled.
    """
    leaves: list[Any] = []
    names: list[str] = []
    trees = tuple(
        static(value, name) if name in parameters.static else flatten(value, name, leaves, names)
        for name, value in zip(parameters.names, values, strict=True)
    )
    types = []
    for i, leaf in enumerate(leaves):
        leaves[i], type_ = leaf_of(leaf, f"the argument {names[i]}")
        types.append(type_)
    return Signature(trees, tuple(types), tuple(names)), leaves


def leaf_of(leaf: Any, what: str) -> tuple[Any, LeafType]:
    """Return an array or number as compiled code takes it, and its type.

    Raises:
        CaptureError: Its dtype cannot be compiled.
    """
    if isinstance(leaf, Tracer):
        kind = "number" if leaf.weak else "scalar" if leaf.scalar else "array"
        return leaf, LeafType(leaf.type, kind)
    if isinstance(leaf, Spec):
        return leaf, LeafType(leaf.type, "array")
    refuse_other_array(leaf, what)
    kind = "array" if isinstance(leaf, np.ndarray) else "scalar"
    if not isinstance(leaf, np.ndarray | np.generic):
        kind = "number"
        leaf = as_integer(leaf, what) if isinstance(leaf, int) else np.asarray(leaf)[()]
    elif kind == "array":
        leaf = np.asarray(leaf)  # a subclass is taken as the array that it is
    dtype = leaf.dtype
    if not dtype.isnative:
        leaf = leaf.astype(dtype.newbyteorder("="))
        dtype = leaf.dtype
    if dtype not in SUPPORTED_DTYPES:
        supported = ", ".join(one.name for one in SUPPORTED_DTYPES)
        raise CaptureError(
            f"{what} has dtype {dtype}, which is not supported",
            where=user_line(),
            fix=f"convert it to one of {supported}",
        )
    return leaf, LeafType(ArrayType(leaf.shape, dtype), kind)


def as_integer(number: int, what: str) -> np.int64:
    """Return a Python int as NumPy has it.

    Raises:
        CaptureError: It is too large.
    """
    try:
        return np.int64(number)
    except OverflowError:
        bits = number.bit_length()
        raise CaptureError(
            f"{what} is an int that does not fit in 64 bits",
            got=str(number) if bits <= _MOST_BITS else f"one of {bits} bits",
            where=user_line(),
            fix="pass a float, or name it in static_argnames",
        ) from None


def is_row_major(leaf: Any) -> bool | None:
    """Whether the elements of a leaf lie row by row, without gaps; None if that is not known."""
    if isinstance(leaf, Tracer):
        return leaf.is_contiguous
    return bool(leaf.flags.c_contiguous) if isinstance(leaf, np.ndarray) else True


_SPEC = re.compile(r"\s*([a-z]+\d*)\s*(?:\[(.*)\])?\s*\Z")


def spec(text: str) -> Spec:
    """Return what stands for an array in ``lower``, from its dtype and shape.

    Args:
        text: As in ``"f4[128,784]"``; ``"f8"`` or ``"f8[]"`` is a scalar. A name in place of a
            size, ``"f4[n,784]"``, leaves this size open: the code works for any.

    Raises:
        GradcError: The text cannot be read.

    Example:
        >>> spec("f4[n,3]").type
        ArrayType(shape=(n, 3), dtype=dtype('float32'))
    """
    try:
        found = _SPEC.match(text)
        if found is None:
            raise TypeError
        dtype = np.dtype(found[1])
        if dtype not in SUPPORTED_DTYPES:
            raise TypeError
        inner = (found[2] or "").strip().removesuffix(",")
        sizes = [part.strip() for part in inner.split(",")] if inner else []
        return Spec(ArrayType(tuple(map(_size, sizes)), dtype))
    except TypeError:
        raise GradcError(
            "a spec is a dtype and a shape", got=repr(text), fix='write it as in "f4[128,784]"'
        ) from None


def _size(text: str) -> Dim:
    if text.isdecimal():
        return int(text)
    if text.isidentifier() and text not in (*kwlist, "np", "bool"):  # which the code says itself
        return Sym.named(text)
    raise TypeError


class Wanted(NamedTuple):
    """By which leaves to differentiate, and how to give the gradients back.

    Attributes:
        leaves: Positions of the leaves.
        trees: The tree of the gradient by each parameter asked for.
        single: Whether one parameter was asked for, not a tuple of them.
    """

    leaves: tuple[int, ...]
    trees: tuple[Tree, ...]
    single: bool

    def arrange(self, gradients: Sequence[Any]) -> Any:
        """Return the gradients in the structure of the arguments."""
        rest = iter(gradients)
        parts = [
            unflatten(tree, [next(rest) for _ in range(count_leaves(tree))]) for tree in self.trees
        ]
        return parts[0] if self.single else tuple(parts)


def want(parameters: Parameters, signature: Signature, wrt: Wrt) -> Wanted:
    """Find the leaves that ``wrt`` asks for.

    Raises:
        DerivativeError: A parameter holds no floating-point array. (Of a container the integers
            get None.)
    """
    asked = wrt if isinstance(wrt, tuple) else (wrt,)
    starts = [0]
    for tree in signature.trees:
        starts.append(starts[-1] + count_leaves(tree))
    leaves: list[int] = []
    trees = []
    for at in [parameters.index(one) for one in asked]:
        inside = range(starts[at], starts[at + 1])
        floats = [leaf for leaf in inside if signature.leaves[leaf].type.is_float]
        if not floats:
            raise _not_floating(parameters.names[at], signature, at, inside)
        leaves += floats
        trees.append(_only(signature.trees[at], iter(inside), set(floats)))
    return Wanted(tuple(leaves), tuple(trees), not isinstance(wrt, tuple))


def _not_floating(name: str, signature: Signature, at: int, inside: range) -> DerivativeError:
    tree, leaves = signature.trees[at], [signature.leaves[i] for i in inside]
    kind = np.ndarray if isinstance(tree, Leaf) else tree.kind
    fix = "pass it as float64 or float32"
    if kind in (list, tuple) and leaves and all(leaf.kind == "number" for leaf in leaves):
        fix = f"a {kind.__name__} is taken as so many numbers: pass np.array({name}, float)"
    return DerivativeError(
        f"a gradient by {name} was asked for, which is not floating-point",
        got=listed(leaf.type for leaf in leaves) or f"no array: {kind.__name__}",
        where=user_line(),
        fix=f"{fix}, or leave it out of wrt",
    )


def _only(tree: Tree, positions: Iterator[int], kept: Set[int]) -> Tree:
    """Return a tree with None in place of the leaves that are not kept."""
    if isinstance(tree, Leaf):
        return tree if next(positions) in kept else Static(type(None), None)
    if isinstance(tree, Static | Instance):
        return tree
    children = tuple(_only(child, positions, kept) for child in tree.children)
    return Branch(tree.kind, tree.keys, children)


__all__ = [
    "Leaf",
    "LeafType",
    "Parameters",
    "Signature",
    "Wanted",
    "Wrt",
    "sign",
    "spec",
    "want",
]
