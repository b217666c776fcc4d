"""From a graph, or the body of a loop, to lines of code."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Set
from typing import Any

from ...ir import Graph, Node, Value
from ...passes.lifetimes import Lifetimes, lifetimes
from ...primitive import NumPy
from ...primitives.control import callback
from ...primitives.diagonal import diagonal
from ...primitives.elementwise import constant, copy, where
from ...primitives.linalg import matmul
from ...primitives.shape import broadcast_to
from ...printer import name_values
from ...types import Dim, Sym, format_shape
from .context import Context
from .expressions import assign, fill, fill_statement, name, subtracting
from .frame import expression_text, to_source
from .framed import FRAMES
from .holding import bound_to, made, temporaries
from .reading import Reading
from .schedule import Schedule, bound_sizes, schedule
from .sizes import size_lines
from .steps import Binding, Border, Statement, Step

COMMENT_COLUMN = 56
AUGMENTED = re.compile(r"\{0\} (\+|-|\*|/|//|%|\*\*|&|\||\^) \{1\}")  # those with ``+=`` and so on


class Body(Reading):
    """The lines of one graph.

    Attributes:
        taken: Names that surrounding bodies use.
        preferred: The names that results should have, where that is possible.
        lines: What was emitted.
        steps: What these lines do to memory.
        functions: The name of each inner function that can be called, by its text, and its steps.
    """

    def __init__(
        self,
        context: Context,
        graph: Graph,
        owned: Set[Value],
        given: Mapping[Value, str] | None = None,
        taken: Set[str] = frozenset(),
        bound: Mapping[Value, ast.expr] | None = None,
        is_condition: bool = False,
    ) -> None:
        self.context, self.graph = context, graph
        self.schedule: Schedule = schedule(graph, is_condition)
        inlined = self.schedule.inlined
        self.lifetimes: Lifetimes = lifetimes(graph, self.schedule.position, inlined, owned)
        self.producer = graph.producers()
        self.sizes = bound_sizes(graph)
        unknown = {one for value in graph.params for dim in value.shape for one in _names_in(dim)}
        unknown |= _bound_names(graph)
        self.bound = bound or {}
        names = name_values(graph, unknown | context.labels | taken, inlined, given)
        self.names = {one: label for one, label in names.items() if one not in self.bound}
        self.taken = {*taken, *unknown, *self.names.values()}
        context.take(self.taken)
        self.is_inner = given is not None
        self.lines: list[str] = []
        self.steps: list[Step] = []
        self.functions: dict[tuple[str, ...], tuple[str, list[Step]]] = {}
        self.preferred: dict[Value, str] = {}
        self._last_read = self._last_reads()

    def _last_reads(self) -> dict[Value, float]:
        position = self.schedule.position
        last: dict[Value, float] = {}
        for node in reversed(self.graph.nodes):
            # What is written where it is read is read as often as that is.
            place = (
                max([position[node], *(last[out] for out in node.outs if out in last)])
                if (self.is_inlined(node))
                else position[node]
            )
            read = list(node.operands)
            if node in self.lifetimes.donor:
                read.append(self.lifetimes.donor[node])
            for one in read:
                last[one] = max(last.get(one, -1), place)
        return {**last, **dict.fromkeys(self.graph.outputs, float("inf"))}

    def function(
        self, kept: int, shared: Collection[int], derivatives: str
    ) -> tuple[list[str], list[str]]:
        """Return the lines of a whole function, and what it returns.

        Args:
            kept: How many outputs are computed forward.
            shared: Positions of outputs that are arguments themselves.
            derivatives: What to call what is computed for the other outputs.
        """
        told = [one for node in self.graph.nodes if not node.outs for one in node.operands]
        forward = self.graph.ancestors([*self.graph.outputs[:kept], *(told if kept else ())])
        backward = False
        for node in self.graph.nodes:
            is_later = forward.isdisjoint(node.outs) and (node.outs or not node.has_effect)
            if not backward and is_later and not self.is_inlined(node):
                backward = len(self.graph.outputs) > kept
                self.lines += ["", f"# {derivatives}"] if backward and self.lines else []
                self.steps += [Border()] if backward else []
            self.statement(node)
        results = self.results(shared)
        return size_lines(self, results) + self.lines, results

    def is_inlined(self, node: Node) -> bool:
        """Whether a node is written where it is read."""
        return bool(node.outs) and all(out in self.schedule.inlined for out in node.outs)

    # Statements

    def statements(self) -> None:
        """Emit all nodes."""
        for node in self.graph.nodes:
            self.statement(node)

    def statement(self, node: Node) -> None:
        """Emit a node, unless it is written where it is read."""
        if self.is_inlined(node):
            return
        if node.primitive in FRAMES:
            FRAMES[node.primitive](self, node)
        elif node.primitive is callback:
            self.call(node)
        elif node.is_store:
            self.store(node)
        else:
            self.assign(node)
        for size, (value, template) in self.sizes.items():
            if value in node.outs:
                counted = to_source(assign(str(size), fill(template, [self.read(value)])))
                self.lines.append(counted)
                self.did(Statement(counted))

    def did(self, step: Step) -> None:
        """Note what lines did to memory, and delete behind them what is to be deleted there."""
        step.number, step.drops = self.context.next_step()
        self.steps.append(step)
        if step.drops:
            self.lines.append(f"del {', '.join(step.drops)}")

    def line(
        self, statement: ast.stmt, node: Node, out: Value | None, *binds: Binding, extra: Dim = 0
    ) -> None:
        """Emit a statement, with the type of its result and the user's line at its end.

        Args:
            statement: The statement.
            node: Where it comes from.
            out: Its result.
            *binds: What it assigns.
            extra: The bytes of its temporaries.
        """
        text = to_source(statement)
        self.comment(text, node, out)
        self.did(Statement(text, binds, extra, node.origin))

    def comment(self, text: str, node: Node, out: Value | None) -> None:
        """Emit lines, the last one with the type of a result and the user's line at its end."""
        notes = []
        if out is not None:
            notes.append(f"{format_shape(out.shape)} {out.dtype.name}")
        if node.origin is not None:
            notes.append(node.origin.short)
        *before, last = text.splitlines()
        self.lines += before
        self.lines.append(f"{last:<{COMMENT_COLUMN}}  # {' · '.join(notes)}" if notes else last)

    def assign(self, node: Node) -> None:
        """Emit the assignment of a result."""
        numpy = node.primitive.numpy
        assert isinstance(numpy, NumPy)
        donor = self.lifetimes.donor.get(node)
        operands = self.operands(node)
        template = numpy.text([operand.type for operand in node.operands], node.attrs)
        self.prefer(node)
        extra = temporaries(self, node)
        if donor is None:
            statement = assign(self.names[node.out], fill(template, operands))
            self.line(statement, node, node.out, made(self, node), extra=extra)
            return
        operator = AUGMENTED.fullmatch(template)
        unnamed = node.out.name is None and donor.name is None
        is_same = self.names[node.out] == self.names[donor]
        if operator and (unnamed or is_same) and donor is node.operands[0]:
            self.names[node.out] = self.names[donor]
            template = f"{{0}} {operator[1]}= {{1}}"
            self.line(fill_statement(template, operands), node, node.out, extra=extra)
            return
        slots = "".join("{%d}, " % i for i in range(len(operands)))
        call = f"{numpy.out}({slots}out={self.names[donor]})"
        bound = Binding(self.names[node.out], shares=self.names[donor])
        statement = assign(self.names[node.out], fill(call, operands))
        self.line(statement, node, node.out, bound, extra=extra)

    def prefer(self, node: Node) -> None:
        """Give a result the name of what it replaces, where nobody reads that any more."""
        label = self.preferred.get(node.out)
        if label is not None:
            held = [one for one, other in self.names.items() if other == label]
            place = self.schedule.position[node]
            if all(self._last_read.get(one, -1) <= place for one in held):
                self.names[node.out] = label

    def store(self, node: Node) -> None:
        """Emit a store into an array; into a copy where the array is still needed."""
        numpy = node.primitive.numpy
        assert isinstance(numpy, NumPy)
        base, value, *indices = node.operands
        if node in self.lifetimes.donor:
            self.names[node.out] = self.names[base]
        else:
            fresh = self.uniform(base, allocate=True)
            if fresh is None:
                self.context.copies.append(node.origin)
                fresh = fill("np.array({0})", [self.read(base)])
            bound = bound_to(self.names[node.out], base.type, None)
            self.line(assign(self.names[node.out], fresh), node, node.out, bound)
        stored = self.elided(value)
        operands = [name(self.names[node.out]), stored, *map(self.read, indices)]
        template = numpy.text([operand.type for operand in node.operands], node.attrs)
        statement = subtracting(fill_statement(template, operands))
        self.line(statement, node, None, extra=temporaries(self, node))

    def call(self, node: Node) -> None:
        """Emit a call-back."""
        label = self.context.callback_name(node.attrs["callback"])
        operands = [self.read(operand) for operand in node.operands]
        slots = ", ".join("{%d}" % i for i in range(len(operands)))
        text = fill(f"{label}({slots})", operands)
        if not node.outs:
            self.line(ast.Expr(text), node, None)
            return
        targets = ", ".join(self.names[out] for out in node.outs)
        binds = [bound_to(self.names[out], out.type, None) for out in node.outs]
        self.line(assign(targets, text), node, node.outs[0], *binds)

    # Expressions

    def initial(self, value: Value) -> str:
        """Return the expression of what a loop begins with: memory that nothing else reads."""
        uniform = self.uniform(value)
        if uniform is None:
            uniform = self.read(value)
            if value.ndim:
                uniform = fill("{0}.copy()", [uniform])
            elif not self.is_number(value, self.producer.get(value)):
                uniform = fill("{0}[()]", [uniform])
        return expression_text(uniform)

    def last_read(self, value: Value) -> float:
        """Return the position of the last statement that reads a value."""
        return self._last_read.get(value, -1)

    # The ends

    def is_spread(self, value: Value) -> bool:
        """Whether it is a broadcast or a diagonal: NumPy makes such arrays read-only."""
        node = self.producer.get(value)
        while node is not None and node.is_view:
            if node.primitive in (broadcast_to, diagonal):
                return True
            node = self.producer.get(node.operands[0])
        return False

    def results(self, shared: Collection[int] = ()) -> list[str]:
        """Return the expressions of the outputs: fresh arrays, each with memory of its own."""
        given: set[Value] = set()
        results = []
        for place, output in enumerate(self.graph.outputs):
            is_own_param = output not in self.producer and place in shared
            results.append(self.fresh(output, given, is_own_param))
        return results

    def fresh(self, output: Value, given: set[Value], as_it_is: bool = False) -> str:
        """Return the expression of an output, which is memory that no other one of ``given`` is."""
        root = self.lifetimes.root.get(output, output)
        made = self.producer.get(output)
        expression = self.read(output)
        if self.uniform(output) is not None:
            pass
        elif not output.ndim:
            if not self.is_number(output, made):
                expression = fill("{0}[()]", [expression])
        elif root in given or not (as_it_is or self.is_own(root)) or self.is_spread(output):
            expression = fill("{0}.copy()", [expression])
        given.add(root)
        return expression_text(expression)

    def is_own(self, root: Value) -> bool:
        """Whether memory is that of no param, constant or call-back."""
        made = self.producer.get(root)
        if made is None:
            return root in self.lifetimes.owned
        return made.primitive is not constant and not made.primitive.effect

    def is_number(self, value: Value, made: Node | None) -> bool:
        """Whether NumPy surely has an immutable scalar, and no array of rank 0."""
        if made is None:
            return value in self.lifetimes.owned
        if made.primitive.elementwise:
            return made.primitive not in (copy, where)
        if made.primitive.regions:
            return True
        if made.is_store:
            return False
        return "keepdims" in made.attrs or "index" in made.attrs or made.primitive is matmul


def _bound_names(graph: Graph) -> set[str]:
    """Return the names of sizes that are found out here or in a body: no value may have them."""
    found = set(map(str, bound_sizes(graph)))
    return found.union(*(_bound_names(body) for node in graph.nodes for body in node.regions))


def _names_in(dim: Any) -> frozenset[str]:
    return dim.names if isinstance(dim, Sym) else frozenset()
