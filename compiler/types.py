"""Array types and all shape arithmetic.

A dimension is an ``int`` or a ``Sym``: a polynomial with integer coefficients over named sizes.
Whoever computes with shapes does it here, so that a size that is not known yet works everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from operator import index

import numpy as np

from .errors import CaptureError, TypeRuleError

SUPPORTED_DTYPES = tuple(
    np.dtype(code) for code in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
)
INDEX_DTYPE = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)

Monomial = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sym:
    """A size known only when the program runs: a sum of coefficient x product of named sizes.

    ``Sym.named("n") * 2 + 1`` holds ``((), 1)`` and ``(("n",), 2)``. Equal polynomials are equal
    objects; two different ones are treated as different sizes.
    """

    terms: tuple[tuple[Monomial, int], ...]

    @classmethod
    def named(cls, name: str) -> Sym:
        """Return the size called ``name``."""
        return cls((((name,), 1),))

    @property
    def names(self) -> frozenset[str]:
        """The names that occur in it."""
        return frozenset(name for monomial, _ in self.terms for name in monomial)

    def __array_ufunc__(self, *args: object, **kwargs: object) -> object:
        return int(self)  # says that it is not known

    def __add__(self, other: Dim) -> Dim:
        return _polynomial(_terms(self) + _terms(other))

    def __sub__(self, other: Dim) -> Dim:
        return self + other * -1

    def __rsub__(self, other: Dim) -> Dim:
        return self * -1 + other

    def __mul__(self, other: Dim) -> Dim:
        return _polynomial(
            [
                (tuple(sorted(left + right)), a * b)
                for left, a in self.terms
                for right, b in _terms(other)
            ]
        )

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        quotient = divide_exactly(self, other)
        if quotient is None:
            raise TypeRuleError(f"cannot divide the unknown size {self} by {other} exactly")
        return quotient

    def __index__(self) -> int:
        raise CaptureError(
            f"the size {self} is not known while the function is captured",
            fix="give gradc.spec a number for it, or write the step with whole-array operations",
        )

    __int__ = __index__

    def __lt__(self, other: Dim) -> bool:
        return self.__index__() < other  # which is refused

    __le__ = __gt__ = __ge__ = __lt__

    def __str__(self) -> str:
        parts = []
        for monomial, coefficient in self.terms:
            factors = list(monomial)
            if abs(coefficient) != 1 or not factors:
                factors.append(str(abs(coefficient)))
            parts.append((" - " if coefficient < 0 else " + ") + "*".join(factors))
        text = "".join(parts)
        return text[3:] if text.startswith(" + ") else text.strip().replace("- ", "-", 1)

    __repr__ = __str__


Dim = int | Sym
Shape = tuple[Dim, ...]


def _terms(dim: Dim) -> list[tuple[Monomial, int]]:
    return list(dim.terms) if isinstance(dim, Sym) else [((), int(dim))]


def _polynomial(terms: Iterable[tuple[Monomial, int]]) -> Dim:
    total: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        total[monomial] = total.get(monomial, 0) + coefficient
    kept = sorted(
        ((m, c) for m, c in total.items() if c), key=lambda term: (-len(term[0]), term[0])
    )
    if not kept:
        return 0
    if len(kept) == 1 and kept[0][0] == ():
        return kept[0][1]
    return Sym(tuple(kept))


def divide_exactly(dim: Dim, by: Dim) -> Dim | None:
    """Return ``dim / by`` where it is a dimension for all values of its names, else ``None``."""
    if isinstance(dim, int) and isinstance(by, int):
        return dim // by if by and dim % by == 0 else None
    if dim == by:
        return 1
    if dim == 0:
        return 0
    divisor = _terms(by)
    if len(divisor) != 1 or divisor[0][1] == 0:
        return None
    names, factor = divisor[0]
    quotient = []
    for monomial, coefficient in _terms(dim):
        rest = list(monomial)
        for name in names:
            if name not in rest:
                return None
            rest.remove(name)
        if coefficient % factor:
            return None
        quotient.append((tuple(rest), coefficient // factor))
    return _polynomial(quotient)


@dataclass(frozen=True, slots=True)
class ArrayType:
    """The type of every value: a shape and a dtype (rank 0 is the type of scalars)."""

    shape: Shape
    dtype: np.dtype[np.generic]

    @property
    def ndim(self) -> int:
        """The rank."""
        return len(self.shape)

    @property
    def size(self) -> Dim:
        """The number of elements."""
        return size_of(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether values of this type carry gradients."""
        return self.dtype.kind == "f"

    @property
    def is_static(self) -> bool:
        """Whether every dimension is a number."""
        return all(isinstance(dim, int) for dim in self.shape)

    @property
    def nbytes(self) -> int | None:
        """The size in bytes, or ``None`` where a dimension is not known."""
        size = self.size
        return size * self.dtype.itemsize if isinstance(size, int) else None

    def with_shape(self, shape: Sequence[Dim]) -> ArrayType:
        """Return this type with another shape."""
        return ArrayType(tuple(shape), self.dtype)

    def with_dtype(self, dtype: object) -> ArrayType:
        """Return this type with another dtype."""
        return ArrayType(self.shape, np.dtype(dtype))  # type: ignore[call-overload]

    def __str__(self) -> str:
        return f"{format_shape(self.shape)} {self.dtype.name}"


def format_shape(shape: Sequence[Dim]) -> str:
    """Return a shape as Python writes it: ``(3,)``, ``(n, 4)``."""
    inner = ", ".join(map(str, shape))
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def type_of(array: object) -> ArrayType:
    """Return the type of a NumPy array, NumPy scalar, or Python number (as NumPy converts it)."""
    if not isinstance(array, np.ndarray | np.generic):
        array = np.asarray(array)
    return ArrayType(array.shape, array.dtype)


def size_of(shape: Sequence[Dim]) -> Dim:
    """Return the number of elements of a shape."""
    return prod(shape, start=1)


def normalize_axis(axis: int, ndim: int) -> int:
    """Return ``axis`` counted from the front.

    Raises:
        TypeRuleError: It is out of range.
    """
    axis = index(axis)
    if not -ndim <= axis < ndim:
        raise TypeRuleError(f"axis {axis} is out of bounds for an array of rank {ndim}")
    return axis % ndim


def normalize_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return reduction axes as a sorted tuple of distinct axes counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(axis) if isinstance(axis, Sequence) else (axis,)
    found = tuple(sorted(normalize_axis(index(one), ndim) for one in axes))
    if len(set(found)) != len(found):
        raise TypeRuleError("an axis occurs twice", got=f"axis={axis}")
    return found


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Return the shape that NumPy's broadcasting gives.

    Raises:
        TypeRuleError: The shapes do not fit together.
    """
    ndim = max((len(shape) for shape in shapes), default=0)
    result: list[Dim] = []
    for position in range(ndim):
        dim: Dim = 1
        for shape in shapes:
            offset = position - (ndim - len(shape))
            if offset < 0 or shape[offset] == 1 or shape[offset] == dim:
                continue
            if dim != 1:
                listed = ", ".join(map(format_shape, shapes))
                raise TypeRuleError("shapes cannot be broadcast together", got=listed)
            dim = shape[offset]
        result.append(dim)
    return tuple(result)


def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """Return the shape after a reduction over ``axes``."""
    if keepdims:
        return tuple(1 if axis in axes else dim for axis, dim in enumerate(shape))
    return tuple(dim for axis, dim in enumerate(shape) if axis not in axes)


def resolve_reshape(shape: Shape, target: Sequence[Dim]) -> Shape:
    """Return ``target`` with its -1, if there is one, worked out.

    Raises:
        TypeRuleError: The number of elements would change.
    """
    size = size_of(shape)
    wild = [i for i, dim in enumerate(target) if isinstance(dim, int) and dim == -1]
    result = list(target)
    if len(wild) == 1:
        known = size_of([dim for i, dim in enumerate(target) if i != wild[0]])
        missing = divide_exactly(size, known)
        if missing is not None:
            result[wild[0]] = missing
    if len(wild) > 1 or size_of(result) != size or any(d == -1 for d in result):
        raise TypeRuleError(
            "cannot reshape: the number of elements would change",
            got=f"{format_shape(shape)} to {format_shape(target)}",
        )
    return tuple(result)


def slice_length(length: Dim, start: Dim | None, stop: Dim | None, step: int | None) -> Dim:
    """Return how many elements ``start:stop:step`` takes of an axis.

    Of an unknown length, ``a:b`` and ``::-1`` are understood; the length is taken to be large
    enough for both ends (the generated program fails, and does not go wrong, where it is not).

    Raises:
        TypeRuleError: The count depends on an unknown length in another way.
    """
    if isinstance(length, int) and not isinstance(start, Sym) and not isinstance(stop, Sym):
        return len(range(*slice(start, stop, step).indices(length)))
    if step == -1 and start is None and stop is None:
        return length
    if step in (None, 1):
        ends = [0 if start is None else start, length if stop is None else stop]
        begin, end = (length + dim if isinstance(dim, int) and dim < 0 else dim for dim in ends)
        return end - begin
    raise TypeRuleError(
        f"a slice of the unknown size {length} must have step 1, or be ::-1",
        got=f"{start}:{stop}:{step}",
        fix="give gradc.spec a number for this size",
    )
