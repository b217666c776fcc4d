"""Capture of one call: run the function on tracers, and return what it did as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import CaptureError, DerivativeError, GradcError
from ..ir import Graph, Value
from . import fence, numpy_api
from .grad_mode import enable_grad
from .randomness import draws_no_numbers
from .signature import Parameters, Signature, is_row_major
from .source import raised_line, user_line
from .trace import Trace, current_trace
from .tracer import Tracer
from .tree import Branch, Leaf, Tree, count_leaves, flatten, unflatten


@dataclass(frozen=True)
class Capture:
    """What a function does to arguments of one signature.

    Attributes:
        graph: Params are the leaves of the arguments, then the outer values it uses; outputs are
            the leaves of what it returns.
        output: The tree of what it returns.
        guards: The numbers of arguments that it read, by position of the leaf.
        layouts: Whether each leaf was row-major, where that was read.
        lifted: The tracers of enclosing captures that it uses.
    """

    graph: Graph
    output: Tree
    guards: dict[int, Any]
    layouts: tuple[bool, ...] | None
    lifted: tuple[Tracer, ...]

    def difference(self, leaves: Sequence[Any], names: Sequence[str]) -> str:
        """Say what it read of its arguments that is not the same in these."""
        read = [
            f"{names[i]} was {number}, is {leaves[i]}"
            for i, number in self.guards.items()
            if not _same(leaves[i], number)
        ]
        return "; ".join(read) or "another memory layout"

    def holds(self, leaves: Sequence[Any]) -> bool:
        """Whether what it read of its arguments is the same in these."""
        if self.layouts is not None and self.layouts != tuple(map(is_row_major, leaves)):
            return False
        return all(_same(leaves[i], number) for i, number in self.guards.items())

    def primal(self, has_aux: bool) -> Tree:
        """Return the tree of what is differentiated.

        Raises:
            DerivativeError: With ``has_aux``, the function does not return a pair.
        """
        tree = self.output
        if not has_aux:
            return tree
        is_sequence = isinstance(tree, Branch) and issubclass(tree.kind, tuple | list)
        if not isinstance(tree, Branch) or not is_sequence or len(tree.children) != 2:
            raise DerivativeError(
                "with has_aux=True the function must return a pair (value, aux)",
                got=f"{tree.kind.__name__} of {len(tree.children)}"
                if isinstance(tree, Branch)
                else "one array or object",
                where=user_line(),
                fix="return a pair, or leave has_aux out",
            )
        return tree.children[0]  # type: ignore[no-any-return]

    def scalar_output(self, has_aux: bool) -> None:
        """Check that there is one number to differentiate.

        Raises:
            DerivativeError: There is not; says what there is.
        """
        tree = self.primal(has_aux)
        types = [output.type for output in self.graph.outputs[: count_leaves(tree)]]
        if not isinstance(tree, Leaf) or types[0].ndim or not types[0].is_float:
            got = ", ".join(map(str, types)) or "no array"
            raise DerivativeError(
                "a gradient needs a function that returns one floating-point scalar",
                got=got,
                where=user_line(),
                fix="reduce it with np.sum or np.mean, use vjp for other outputs, or has_aux=True "
                "for what is only returned",
            )


def capture(
    parameters: Parameters, signature: Signature, leaves: Sequence[Any], fixed: Sequence[int]
) -> Capture:
    """Capture a function for a signature.

    Args:
        parameters: The function.
        signature: The types of the leaves.
        leaves: The leaves; of Python numbers the values may be read, and then are guards.
        fixed: Positions of leaves whose values must not be read (they are differentiated).

    Raises:
        CaptureError: The function does what cannot be captured; with the user's line.
        TypeRuleError: Shapes or dtypes do not fit; with the user's line.
    """
    with Trace(numpy_api) as trace, enable_grad():
        arguments = [
            _argument(trace, i, leaf, signature, i in fixed) for i, leaf in enumerate(leaves)
        ]
        rest = iter(arguments)
        values = [
            unflatten(tree, [next(rest) for _ in range(count_leaves(tree))])
            for tree in signature.trees
        ]
        try:
            with draws_no_numbers(parameters.function):
                result = parameters.call(values)
        except ValueError as error:
            raise fence.numpy_error(error) from error.__cause__
        except GradcError as error:
            if error.where:
                raise
            place = raised_line(error)
            raise error.at(place).with_traceback(error.__traceback__) from None
        outputs: list[Any] = []
        tree = flatten(result, "output", outputs, [])
        if not outputs:
            raise CaptureError(
                "the function returns no array and no number",
                got=repr(result),
                where=user_line(),
                fix="return what it computes",
            )
        values = [_output(trace, one) for one in outputs]
    layouts = tuple(map(is_row_major, leaves)) if trace.layout_read else None
    return Capture(trace.graph(values), tree, trace.guards, layouts, tuple(trace.lifted))


def _same(leaf: Any, number: Any) -> bool:
    return bool(leaf == number) or bool(leaf != leaf and number != number)


def _argument(trace: Trace, i: int, leaf: Any, signature: Signature, fixed: bool) -> Tracer:
    leaf_type, name = signature.leaves[i], signature.names[i]
    number = None
    if leaf_type.kind == "number":
        number = leaf if not isinstance(leaf, Tracer) else leaf.known and leaf.known.number
    readable = None if fixed else number
    return trace.argument(i, leaf_type, name, readable, is_row_major(leaf))


def _output(trace: Trace, leaf: Any) -> Value:
    return trace.value_of(leaf)


def inline(captured: Capture, graph: Graph, leaves: Sequence[Any]) -> list[Tracer]:
    """Record a graph made from an inner capture in the capture at work.

    Args:
        captured: The inner capture.
        graph: Its graph, or one derived from it with the same params (and perhaps more).
        leaves: What stands for the params; the captured outer values are added here.
    """
    trace = current_trace()
    if trace is None:
        raise fence.leaked(next(leaf for leaf in leaves if isinstance(leaf, Tracer)))
    count = len(captured.graph.params) - len(captured.lifted)
    operands = [*leaves[:count], *captured.lifted, *leaves[count:]]
    for position in captured.guards:
        known = leaves[position].known if isinstance(leaves[position], Tracer) else None
        if known is not None:
            trace.guard(known.guards)
    return trace.inline(graph, operands)
