"""What a primitive is: one entry that says everything gradc knows about an operation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .errors import GradcError
from .types import ArrayType, type_of

Attrs = Mapping[str, Any]


class Partials(NamedTuple):
    """Derivative of an elementwise primitive: ``rule(out, *operands)`` gives one partial each.

    A partial is a value of the output's shape, a Python number, or ``None`` (no dependence).
    """

    rule: Callable[..., tuple[Any, ...]]


class Linear(NamedTuple):
    """Derivative of a primitive that is jointly linear in some operands.

    ``transpose(ct, *operands, **attrs)`` gives the cotangent of each operand, ``None`` for those in
    which it is not linear. Of linear operands it may read the type only.
    """

    transpose: Callable[..., tuple[Any, ...]]


class Adjoint(NamedTuple):
    """A full adjoint: ``rule(ct, out, *operands, **attrs)``, linear in ``ct``."""

    rule: Callable[..., tuple[Any, ...]]


class NoGradient:
    """Said on purpose: integer-valued, piecewise constant, or a marker that stops gradients."""


class ByRegions:
    """The derivative of loops and branches: passes make it of the derivatives of the bodies."""


class ByRule(ByRegions):
    """The derivative of a part of the program for which the user gave rules, whatever is in it."""


Derivative = Partials | Linear | Adjoint | NoGradient | ByRegions


@dataclass(frozen=True, slots=True)
class Scatter:
    """A cotangent that lies in part of an array: what an indexed read hands back.

    The accumulator takes it with ``add_at``, so no dense zero array is made for each read.
    """

    ct: Any
    indices: tuple[Any, ...]
    index: tuple[Any, ...]

    def into(self, accumulator: Any) -> Any:
        """Return ``accumulator`` with this contribution added."""
        return REGISTRY["add_at"](accumulator, self.ct, *self.indices, index=self.index)


Template = str | Callable[[Sequence[ArrayType], Attrs], str]


class NumPy(NamedTuple):
    """How NumPy code does it; eager evaluation runs the same text.

    Attributes:
        expression: Text with ``{0}``, ``{1}`` ... for the operands, or a function of operand types
            and attrs that returns it. For a store, a statement that changes ``{0}``.
        out: The name of the function that takes the operands and ``out=``, where there is one.
        store: Whether it is a statement that changes operand 0 in place.
        functions: Source of private functions that the text calls, callees first: what NumPy lacks.
            A generated module holds each of them once.
        room: What these functions hold at once, beside operands and result, in bytes: a function of
            the types of operands and result, of known sizes. If there is none, it is read off their
            text, which takes all arrays to be as large as the largest operand or result.
    """

    expression: Template
    out: str | None = None
    store: bool = False
    functions: tuple[str, ...] = ()
    room: Callable[[Sequence[ArrayType], Attrs], int] | None = None

    def text(self, types: Sequence[ArrayType], attrs: Attrs) -> str:
        """Return the template for operands of these types."""
        if isinstance(self.expression, str):
            return self.expression
        return self.expression(types, attrs)


class Expand(NamedTuple):
    """How an operation is made of others: ``rule(*operands, **attrs)``; None where it is not."""

    rule: Callable[..., Any]


class Framed(NamedTuple):
    """Control flow, which the emitter frames: ``run(evaluate, operands, attrs)`` gives the outs.

    ``evaluate(graph, *arrays)`` runs a body.
    """

    run: Callable[..., tuple[Any, ...]]


class Scalar(NamedTuple):
    """Native code computes it element by element.

    Attributes:
        rule: The name of the operation on numbers that it is, or a function that makes one of
            them: ``rule(*lanes, **attrs)``, with operators and primitives.
    """

    rule: str | Callable[..., Any]


class IndexMap(NamedTuple):
    """Where each element of the result lies in operand 0: an affine map.

    Attributes:
        rule: ``rule(index, *operands, **attrs)`` takes the index of an element of the result and
            the operands (their types; the number itself for those of rank 0 behind the first), and
            gives its index in operand 0.
    """

    rule: Callable[..., Sequence[Any]]


class Generated(NamedTuple):
    """An element is computed from its index: ``rule(index, **attrs)``."""

    rule: Callable[..., Any]


class Reduction(NamedTuple):
    """A fold over the attr ``axes``: ``combine`` names an operation on two numbers.

    Attributes:
        combine: The operation.
        initial: What it starts with; None for the first element.
    """

    combine: str
    initial: float | None = None


class Cumulative(NamedTuple):
    """Each element along the attr ``axis`` is folded with all before it, in this order.

    Attributes:
        combine: The operation on two numbers.
        reverse: Whether with all behind it, from the end.
    """

    combine: str
    reverse: bool = False


class Winner(NamedTuple):
    """The place of the first element over the attr ``axes``, one or all, that beats the others.

    Attributes:
        beats: The comparison; NaN beats every number.
    """

    beats: str


class Rows:
    """The elements of operand 0 in row-major order, in another shape."""


class Joined(NamedTuple):
    """Operands one behind the other along the attr ``axis``.

    Attributes:
        new: Whether that is a new axis, of which each operand is one place.
    """

    new: bool


class Contraction:
    """A product of matrices, vectors, or batches of these, as ``np.matmul`` takes them."""


class Correlation:
    """The products of operand 1 with each part of operand 0 that is as long, added up: vectors."""


class Windowed(NamedTuple):
    """Windows that slide over images: a convolution, a pooling, or a gradient of one.

    Attributes:
        what: Which of them.
    """

    what: str


class Stored(NamedTuple):
    """Operand 0 with operand 1 in the part that the attr ``index`` names.

    Attributes:
        adds: Whether operand 1 is added to what is there.
    """

    adds: bool


class Uninitialised:
    """Room for values that are stored later."""


class Cut:
    """The first rows of operand 0: as many as operand 1 says."""


Lowering = (
    Scalar
    | IndexMap
    | Generated
    | Reduction
    | Cumulative
    | Winner
    | Rows
    | Joined
    | Contraction
    | Correlation
    | Windowed
    | Stored
    | Uninitialised
    | Cut
    | Expand
)


@dataclass(frozen=True, slots=True)
class Example:
    """Operands and attrs on which the registry test tries a primitive.

    An operand is a shape (floats), or a concrete array where the values matter (indices, masks).
    """

    operands: tuple[Any, ...]
    attrs: Attrs = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation, and everything that gradc knows about it.

    Attributes:
        name: Its name; unique.
        type: Type rule ``(*types, **attrs) -> ArrayType`` (or a tuple of them).
        derivative: Partials, Linear, Adjoint or NoGradient.
        numpy: The NumPy source for it, or what it expands to; None only for those that the emitter
            frames itself.
        elementwise: Operands have equal shapes, and the result has this shape too.
        regions: The attrs that hold the bodies of a loop or a branch. All that a body reads are
            its params.
        view: The result may share memory with operand 0; a function of operand types where that
            depends on them.
        effect: It must run, in order, even where its results are not used.
        cheap: Backward may run it again rather than have its result saved: per element it costs no
            more than two to three additions (measured on arrays in cache), and it is no reduction.
            Views are cheap without being marked.
        domain: Where an elementwise primitive is tested: (low, high) of each operand.
        dtypes: Kinds of dtype that its operands may have: "f" floats, "i" integers, "b" bools.
        examples: On what it is tested; elementwise primitives need none.
        lower: How native code does it; None where it calls back into NumPy.
        batch: How it goes over a batch (see ``primitives/batching.py``); without a rule, and not
            elementwise, it is done in a loop.
        module: The module that defined it, and may define it again.
    """

    name: str
    type: Callable[..., Any]
    derivative: Derivative
    numpy: NumPy | Expand | Framed | None = None
    regions: tuple[str, ...] = ()
    elementwise: bool = False
    view: bool | Callable[[Sequence[ArrayType]], bool] = False
    effect: bool = False
    cheap: bool = False
    domain: tuple[tuple[float, float], ...] = ()
    dtypes: str = "f"
    examples: tuple[Example, ...] = ()
    lower: Lowering | None = None
    batch: Callable[..., Any] | None = None
    module: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", _defining_module())
        before = REGISTRY.get(self.name)
        is_package = self.module.partition(".")[0] == __name__.partition(".")[0]
        if before is not None and (before.module != self.module or is_package):
            raise GradcError(
                f"a primitive called {self.name!r} is registered already",
                got=f"one in {self.module}, and one in {before.module} before it",
                fix="choose another name, for example with that of your package in front",
            )
        REGISTRY[self.name] = self  # a module that runs again replaces its own

    def __call__(self, *operands: Any, **attrs: Any) -> Any:
        """Apply it: on Values it builds a node, on arrays it computes."""
        for operand in operands:
            bind = getattr(operand, "bind", None)
            if bind is not None:
                return bind(self, operands, attrs)
        return self.evaluate(*operands, **attrs)

    def evaluate(self, *arrays: Any, **attrs: Any) -> Any:
        """Compute on arrays by running the NumPy text of the entry."""
        if self.numpy is None or isinstance(self.numpy, Framed):
            raise GradcError(f"{self.name} cannot be evaluated on arrays")
        if isinstance(self.numpy, Expand):
            return self.numpy.rule(*arrays, **attrs)
        text = self.numpy.text([type_of(array) for array in arrays], attrs)
        return _compiled(text, len(arrays), self.numpy)(*arrays)

    def infer(self, types: Sequence[ArrayType], attrs: Attrs) -> tuple[ArrayType, ...]:
        """Return the types of the results.

        Raises:
            TypeRuleError: The operands do not fit.
        """
        result = self.type(*types, **attrs)
        return result if isinstance(result, tuple) else (result,)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def _defining_module() -> str:
    """Return the module that enters a primitive, perhaps through one that helps to."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__") in _MAKERS:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))


_MAKERS = (__name__, f"{__name__}s.elementwise.kind")
REGISTRY: dict[str, Primitive] = {}
_FUNCTIONS: dict[tuple[str, int, bool, tuple[str, ...]], Callable[..., Any]] = {}


def _compiled(text: str, count: int, numpy: NumPy) -> Callable[..., Any]:
    key = text, count, numpy.store, numpy.functions
    function = _FUNCTIONS.get(key)
    if function is None:
        names = [f"x{i}" for i in range(count)]
        body = text.format(*names)
        if numpy.store:
            body = f"x0 = np.array(x0)\n    {body}\n    return x0"
        else:
            body = f"return {body}"
        scope: dict[str, Any] = {"np": np}
        for source in (*numpy.functions, f"def run({', '.join(names)}):\n    {body}"):
            exec(source, scope)
        function = _FUNCTIONS[key] = scope["run"]
    return function
