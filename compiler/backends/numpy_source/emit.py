"""From a Graph to the text of a module."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

import numpy as np

from ...ir import Graph, Node, SourceLine, Value
from ...passes.lifetimes import Lifetimes, lifetimes
from ...primitive import NumPy
from ...primitives.control import Callback, callback
from ...primitives.diagonal import diagonal
from ...primitives.elementwise import cast, constant, copy, where
from ...primitives.elementwise.casting import dtype_name
from ...primitives.linalg import matmul
from ...primitives.shape import broadcast_to
from ...printer import name_values
from ...types import Sym, broadcast_shapes, format_shape
from .expressions import array_text, counts_up, fill, fill_statement, name, scalar_text
from .frame import render, to_source
from .schedule import Schedule, mask_counts, private_functions, schedule

COMMENT_COLUMN = 56
MOST_WRITTEN_ELEMENTS = 64  # of a constant that stands in the text
AUGMENTED = re.compile(r"\{0\} (\+|-|\*|/|//|%|\*\*|&|\||\^) \{1\}")  # those with ``+=`` and so on


@dataclass
class Module:
    """A generated module.

    Attributes:
        name: The name of its one function.
        text: The source.
        constants: Arrays too large for the text, which lie in an ``.npz`` beside it.
        callbacks: What has to be passed for the keyword-only parameters.
        copies: The lines of stores before which an array had to be copied.
    """

    name: str
    text: str
    constants: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]
    callbacks: dict[str, Callable[..., Any]]
    copies: tuple[SourceLine | None, ...]


@dataclass(frozen=True)
class Heading:
    """What a module says of itself.

    Attributes:
        title: Its first line.
        source: The user's function.
        regenerate: The call that makes it again.
        params: For each param, a line about it.
        results: What it returns, by name.
    """

    title: str
    source: str
    regenerate: str
    params: tuple[str, ...] = ()
    results: tuple[str, ...] = field(default=())


def emit(
    graph: Graph,
    function: str,
    heading: Heading,
    kept: int,
    shared: Collection[int] = (),
) -> Module:
    """Emit a module with one function that takes the params and returns the outputs.

    Args:
        graph: An expanded graph without markers.
        function: The function's name.
        heading: What the module's docstring says.
        kept: How many outputs, the first ones, are the user's own.
        shared: Positions of those that are arguments themselves; one of these that is a param is
            returned as it is. All others are fresh arrays.
    """
    emitter = _Emitter(graph, function)
    return emitter.module(heading, kept, shared)


class _Emitter:
    def __init__(self, graph: Graph, function: str) -> None:
        self.graph = graph
        self.functions = private_functions(graph)
        private = set(re.findall(r"^def (\w+)", "\n".join(self.functions), re.MULTILINE))
        self.function = f"{function}_" if function in private else function
        self.schedule: Schedule = schedule(graph)
        self.lifetimes: Lifetimes = lifetimes(graph, self.schedule.position, self.schedule.inlined)
        self.producer = graph.producers()
        sizes = {one for value in graph.params for dim in value.shape for one in _names_in(dim)}
        self.masks = mask_counts(graph)
        sizes |= set(map(str, self.masks))
        self.names = name_values(graph, sizes | private, self.schedule.inlined)
        self.taken = {*self.names.values(), *sizes, *private, self.function}
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self.large: dict[str, Any] = {}
        self.callbacks: dict[Callback, str] = {}
        self.copies: list[SourceLine | None] = []
        self._constant_names: dict[Any, str] = {}

    def module(self, heading: Heading, kept: int, shared: Collection[int]) -> Module:
        told = [one for node in self.graph.nodes if not node.outs for one in node.operands]
        forward = self.graph.ancestors([*self.graph.outputs[:kept], *(told if kept else ())])
        backward = False
        for node in self.graph.nodes:
            if (
                not backward
                and forward.isdisjoint(node.outs)
                and (node.outs or not node.primitive.effect)
            ):
                if not all(out in self.schedule.inlined for out in node.outs):
                    backward = len(self.graph.outputs) > kept
                    self.lines += ["", "# backward"] if backward and self.lines else []
            if not all(out in self.schedule.inlined for out in node.outs) or not node.outs:
                self.statement(node)
        results = self.results(shared)
        body = self.bound_sizes(results) + self.lines
        text = render(
            "numpy_module.py.jinja",
            heading=heading,
            function=self.function,
            params=[self.names[value] for value in self.graph.params],
            callbacks=list(self.callbacks.values()),
            constants=self.constants,
            large=list(self.large),
            functions=self.functions,
            body=body,
            results=results,
        )
        callbacks = {label: one.function for one, label in self.callbacks.items()}
        return Module(self.function, text, self.large, callbacks, tuple(self.copies))

    def unused(self, label: str) -> str:
        """Return a name for a call-back or a constant that nothing else has."""
        numbered = (f"{label}_{i}" for i in count(1))
        found = next(one for one in chain((label,), numbered) if one not in self.taken)
        self.taken.add(found)
        return found

    # Statements

    def statement(self, node: Node) -> None:
        if node.primitive is callback:
            self.call(node)
        elif isinstance(node.primitive.numpy, NumPy) and node.primitive.numpy.store:
            self.store(node)
        else:
            self.assign(node)
        for size, mask in self.masks.items():
            if mask in node.outs:
                self.lines.append(f"{size} = np.count_nonzero({self.names[mask]})")

    def line(self, statement: ast.stmt, node: Node, out: Value | None) -> None:
        text = to_source(statement)
        notes = []
        if out is not None:
            notes.append(f"{format_shape(out.shape)} {out.dtype.name}")
        if node.origin is not None:
            notes.append(node.origin.short)
        *before, last = text.splitlines()
        self.lines += before
        self.lines.append(f"{last:<{COMMENT_COLUMN}}  # {' · '.join(notes)}" if notes else last)

    def assign(self, node: Node) -> None:
        numpy = node.primitive.numpy
        assert isinstance(numpy, NumPy)
        donor = self.lifetimes.donor.get(node)
        operands = self.operands(node)
        template = numpy.text([operand.type for operand in node.operands], node.attrs)
        if donor is None:
            self.line(_assign(self.names[node.out], fill(template, operands)), node, node.out)
            return
        operator = AUGMENTED.fullmatch(template)
        unnamed = node.out.name is None and donor.name is None
        if operator and unnamed and donor is node.operands[0]:
            self.names[node.out] = self.names[donor]
            template = f"{{0}} {operator[1]}= {{1}}"
            self.line(fill_statement(template, operands), node, node.out)
            return
        slots = "".join("{%d}, " % i for i in range(len(operands)))
        call = f"{numpy.out}({slots}out={self.names[donor]})"
        self.line(_assign(self.names[node.out], fill(call, operands)), node, node.out)

    def store(self, node: Node) -> None:
        numpy = node.primitive.numpy
        assert isinstance(numpy, NumPy)
        base, value, *indices = node.operands
        if node in self.lifetimes.donor:
            self.names[node.out] = self.names[base]
        else:
            fresh = self.uniform(base, allocate=True)
            if fresh is None:
                self.copies.append(node.origin)
                fresh = fill("np.array({0})", [self.read(base)])
            self.line(_assign(self.names[node.out], fresh), node, node.out)
        stored = self.elided(value)
        operands = [name(self.names[node.out]), stored, *map(self.read, indices)]
        template = numpy.text([operand.type for operand in node.operands], node.attrs)
        self.line(fill_statement(template, operands), node, None)

    def call(self, node: Node) -> None:
        function: Callback = node.attrs["callback"]
        if function not in self.callbacks:
            self.callbacks[function] = self.unused(function.name)
        operands = [self.read(operand) for operand in node.operands]
        slots = ", ".join("{%d}" % i for i in range(len(operands)))
        text = fill(f"{self.callbacks[function]}({slots})", operands)
        if not node.outs:
            self.line(ast.Expr(text), node, None)
            return
        targets = ", ".join(self.names[out] for out in node.outs)
        self.line(_assign(targets, text), node, node.outs[0])

    # Expressions

    def read(self, value: Value) -> ast.expr:
        """Return the expression of a value in full: its own shape and dtype."""
        if value in self.names:
            return name(self.names[value])
        node = self.producer[value]
        uniform = self.uniform(value)
        if uniform is not None:
            return uniform
        if node.primitive is constant:
            return self.array_constant(node)
        assert isinstance(node.primitive.numpy, NumPy)
        template = node.primitive.numpy.text([one.type for one in node.operands], node.attrs)
        return fill(template, self.operands(node))

    def operands(self, node: Node) -> list[ast.expr]:
        """Return the operands as the template of a node gets them.

        NumPy broadcasts operands of elementwise functions itself, and gives literals their dtype.
        """
        if not node.primitive.elementwise:
            return [self.read(operand) for operand in node.operands]
        sources = [self.source(operand) for operand in node.operands]
        for i, operand in enumerate(node.operands):
            if broadcast_shapes(*(one.shape for one in sources)) == node.out.shape:
                break
            sources[i] = operand
        plain = {one.dtype for one in sources if self.number(one) is None}
        for i in range(len(sources)):
            sources[i] = self.counted(sources, i)
        return [
            self.read(source)
            if (number := self.number(source)) is None
            else _literal(number, typed=source.dtype not in plain)
            for source in sources
        ]

    def counted(self, sources: Sequence[Value], place: int) -> Value:
        """Return the bools that a nested cast casts, where another operand makes NumPy do it."""
        value = sources[place]
        made = self.producer.get(value)
        if made is None or made.primitive is not cast or value not in self.schedule.inlined:
            return value
        others = [one for i, one in enumerate(sources) if i != place and self.number(one) is None]
        promoted = any(one.dtype == value.dtype for one in others)
        return made.operands[0] if promoted and made.operands[0].dtype == np.bool_ else value

    def elided(self, value: Value) -> ast.expr:
        """Return a value as a store takes it, which broadcasts too."""
        source = self.source(value)
        number = self.number(source)
        return self.read(source) if number is None else _literal(number, typed=False)

    def source(self, value: Value) -> Value:
        """Return what a broadcast value is a broadcast of."""
        node = self.producer.get(value)
        if node is not None and node.primitive is broadcast_to and value in self.schedule.inlined:
            return node.operands[0]
        return value

    def number(self, value: Value) -> Any:
        """Return a rank-0 constant's array."""
        node = self.producer.get(value)
        if node is None or node.primitive is not constant or value.ndim:
            return None
        return node.attrs["value"].array

    def uniform(self, value: Value, allocate: bool = False) -> ast.expr | None:
        """Return the expression of an array that repeats a constant, or of a rank-0 constant."""
        number = self.number(self.source(value))
        if number is None:
            return None
        if not value.ndim:
            text = scalar_text(number, typed=True)
            return fill(f"np.array({text})" if allocate else text, [])
        shape, dtype = format_shape(value.shape), ""
        if value.dtype != np.float64:
            dtype = f", dtype={dtype_name(value.dtype)}"
        if number == 0 and not np.signbit(np.float64(number)):
            return fill(f"np.zeros({shape}{dtype})", [])
        return fill(f"np.full({shape}, {scalar_text(number, typed=False)}{dtype})", [])

    def array_constant(self, node: Node) -> ast.expr:
        """Return the name of an array constant, which stands at the head of the module."""
        value = node.attrs["value"]
        if value not in self._constant_names:
            label = self.unused(f"c{len(self._constant_names) + 1}")
            self._constant_names[value] = label
            if value.array.size <= MOST_WRITTEN_ELEMENTS or counts_up(value.array):
                self.constants[label] = array_text(value.array)
            else:
                self.large[label] = value.array
        return name(self._constant_names[value])

    # The ends

    def bound_sizes(self, results: Sequence[str]) -> list[str]:
        """Return the lines that give unknown sizes of params their names, where these are used."""
        text = "\n".join([*(line.partition("  # ")[0] for line in self.lines), *results])
        for size in self.masks:
            if not re.search(rf"\b{size}\b(?! =)", text):
                self.lines = [line for line in self.lines if not line.startswith(f"{size} =")]
        lines: list[str] = []
        bound: set[str] = set()
        for value in self.graph.params:
            for axis, dim in enumerate(value.shape):
                label = str(dim)
                if isinstance(dim, Sym) and label.isidentifier() and label not in bound:
                    bound.add(label)
                    if re.search(rf"\b{label}\b", text):
                        lines.append(f"{label} = {self.names[value]}.shape[{axis}]")
        for size, mask in self.masks.items():
            made = self.producer.get(mask)
            given = made is None or made.primitive is constant
            if given and str(size) not in bound and re.search(rf"\b{size}\b", text):
                counted = fill("np.count_nonzero({0})", [self.read(mask)])
                lines.append(to_source(_assign(str(size), counted)))
        return lines

    def is_spread(self, value: Value) -> bool:
        """Whether it is a broadcast or a diagonal: NumPy makes such arrays read-only."""
        node = self.producer.get(value)
        while node is not None and node.primitive.view:
            if node.primitive in (broadcast_to, diagonal):
                return True
            node = self.producer.get(node.operands[0])
        return False

    def results(self, shared: Collection[int]) -> list[str]:
        """Return the expressions of the outputs: fresh arrays, each with memory of its own."""
        given: set[Value] = set()
        results = []
        for place, output in enumerate(self.graph.outputs):
            root = self.lifetimes.root.get(output, output)
            made = self.producer.get(root)
            foreign = made is None or made.primitive is constant or made.primitive.effect
            expression = self.read(output)
            own_param = made is None and output is root and place in shared
            if self.uniform(output) is not None:
                pass
            elif not output.ndim:
                if made is None or made.out is not output or not _gives_scalar(made):
                    expression = fill("{0}[()]", [expression])
            elif root in given or (foreign and not own_param) or self.is_spread(output):
                expression = fill("{0}.copy()", [expression])
            given.add(root)
            results.append(to_source(ast.Expr(expression)).strip())
        return results


def _gives_scalar(node: Node) -> bool:
    """Whether NumPy surely gives an immutable scalar, and no array of rank 0."""
    if node.primitive.elementwise:
        return node.primitive not in (copy, where)
    return "keepdims" in node.attrs or node.primitive is matmul


def _literal(number: Any, typed: bool) -> ast.expr:
    return fill(scalar_text(number, typed), [])


def _assign(target: str, value: ast.expr) -> ast.stmt:
    (statement,) = ast.parse(f"{target} = 0").body
    assert isinstance(statement, ast.Assign)
    statement.value = value
    return statement


def _names_in(dim: Any) -> frozenset[str]:
    return dim.names if isinstance(dim, Sym) else frozenset()
