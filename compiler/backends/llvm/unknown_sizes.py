"""Which arrays of unknown length native code takes: the records of loops.

A record is made empty, stored to row by row, and read row by row. Its rows lie one behind the
other, whichever axis counts them. All of its versions lie in one place: so whatever reads a version
comes before the next store, and a loop stores in place.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...ir import Graph, Node, Value
from ...primitive import Cut, IndexMap, Stored, Uninitialised
from ...primitives.regions import for_loop
from ...primitives.selection import Gather, Mask, Slice
from ...primitives.shape import transpose
from ...types import Sym
from .layout import first_number, rows_first
from .lowering import is_record, lowering, same_records
from .regions import owned_regions


def refused_size(graph: Graph) -> str | None:
    """Return what in a program has no native code as its size is not known; None if there is none.

    A program takes records that others made, to read them, and gives those that it made itself.
    """
    for value in (*graph.params, *graph.outputs):
        if any(isinstance(dim, Sym) for dim in value.shape[1:]):
            return f"{value.type} as an argument or a result"
    records = _Records(graph, frozenset())
    return records.check() or records.given()


class _Records:
    """Follows the records of a graph, in the order of its nodes.

    Args:
        graph: A program or a body.
        stored: The params to which it may store.
    """

    def __init__(self, graph: Graph, stored: frozenset[Value]) -> None:
        self.graph = graph
        self._fixed = {param for param in graph.params if param not in stored}
        self._roots: dict[Value, Value] = {}
        self._versions: dict[Value, int] = {}  # of each value
        self._latest: dict[Value, int] = {}  # of each root
        self._viewed: set[Value] = set()  # roots: their rows are read wherever they are needed
        self._cut: set[Value] = set()
        for param in graph.params:
            self._begin(param)

    def check(self) -> str | None:
        """Return what has no native code."""
        for node in self.graph.nodes:
            refused = self._region(node) if node.regions else self._node(node)
            if refused is not None:
                return refused
        return None

    def given(self) -> str | None:
        """Return which of the outputs of a program cannot be given."""
        outputs = [value for value in self.graph.outputs if is_record(value)]
        times = Counter(self._roots[value] for value in outputs)
        for value in outputs:
            root = self._roots[value]
            if not self._is_latest(value) or root in self._fixed or times[root] > 1:
                return f"{value.type} as a result that has no memory of its own"
        return None

    def is_kept(self, output: int, param: int) -> bool:
        """Whether an output is the latest version of a param."""
        value = self.graph.outputs[output]
        return self._roots.get(value) is self.graph.params[param] and self._is_latest(value)

    def _begin(self, value: Value) -> None:
        self._roots[value], self._versions[value], self._latest[value] = value, 0, 0

    def _is_latest(self, value: Value) -> bool:
        return self._versions[value] == self._latest[self._roots[value]]

    def _node(self, node: Node) -> str | None:
        lower = node.primitive.lower
        values = [value for value in (*node.outs, *node.operands) if is_record(value)]
        is_own = isinstance(lower, Uninitialised | Cut)
        if not is_own and any(_is_unknown(attr) for attr in node.attrs.values()):
            return f"{node.primitive.name} of a size"
        if not values:
            return None
        if not _is_by_row(node):
            return f"{node.primitive.name} of {values[0].type}"
        if isinstance(lower, Uninitialised):
            self._begin(node.out)
            return None
        return self._access(node, node.operands[0])

    def _access(self, node: Node, record: Value) -> str | None:
        if not self._is_latest(record):
            return f"{node.primitive.name} of {record.type} as it was before a store"
        if isinstance(node.primitive.lower, Stored):
            return self._store(record, node.out)
        root = self._roots[record]
        if not is_record(node.out):
            self._viewed.add(root)
            return None
        self._roots[node.out], self._versions[node.out] = root, self._versions[record]
        if isinstance(node.primitive.lower, Cut) or record in self._cut:
            self._cut.add(node.out)
        return None

    def _store(self, record: Value, out: Value) -> str | None:
        root = self._roots[record]
        if root in self._viewed or root in self._fixed or record in self._cut:
            return f"a store into {record.type}, which is read before"
        self._latest[root] += 1
        self._roots[out], self._versions[out] = root, self._latest[root]
        return None

    def _region(self, node: Node) -> str | None:
        records = [one for one in node.operands if is_record(one)]
        carried = same_records(node)
        times = Counter(self._roots[one] for one in records)
        if any(not self._is_latest(one) for one in records):
            return f"{node.primitive.name} over a record as it was before a store"
        if any(times[self._roots[one]] > 1 for _, one in carried):
            return f"{node.primitive.name} over one record in two places"
        if len(carried) != sum(map(is_record, node.outs)):
            return f"{node.primitive.name} that makes a record"
        bodies = [_Records(region, stored) for region, stored in owned_regions(node)]
        for body in bodies:
            refused = body.check()
            if refused is not None:
                return refused
        lead = 1 if node.primitive is for_loop else 0
        for out, record in carried:
            place = node.outs.index(out)
            if not bodies[-1].is_kept(place, lead + place):
                return f"{node.primitive.name} that does not keep {out.type} in its place"
            refused = self._store(record, out)
            if refused is not None:
                return refused
        return None


def _is_by_row(node: Node) -> bool:
    """Whether a node makes or cuts a record, moves its axis, or stores to or reads one row."""
    if lowering(node) is None:
        return False
    lower, values = node.primitive.lower, (*node.outs, *node.operands)
    if any(sum(isinstance(dim, Sym) for dim in one.shape) > 1 for one in values):
        return False
    if isinstance(lower, Uninitialised):
        return not any(map(is_record, node.operands))
    if not any(map(is_record, node.operands[:1])) or any(map(is_record, node.operands[1:])):
        return False
    x, out = node.operands[0], node.outs[0]
    if node.primitive is transpose:
        return rows_first(out.shape) == tuple(rows_first(x.shape)[i] for i in node.attrs["axes"])
    if isinstance(lower, Cut) or (isinstance(lower, Stored) and "index" not in node.attrs):
        return isinstance(x.shape[0], Sym)
    items = [item for item in node.attrs.get("index", ()) if item is not None]
    if len(items) != x.ndim or any(one.ndim for one in node.operands[first_number(node) :]):
        return False
    is_row = isinstance(items[_rows_axis(x)], Gather)
    return is_row and (
        isinstance(lower, Stored) or (isinstance(lower, IndexMap) and not is_record(out))
    )


def _rows_axis(record: Value) -> int:
    """Return the axis that counts rows."""
    return next(i for i, dim in enumerate(record.shape) if isinstance(dim, Sym))


def _is_unknown(attr: Any) -> bool:
    """Whether there is an unknown size in an attr."""
    if isinstance(attr, tuple):
        return any(map(_is_unknown, attr))
    if isinstance(attr, Slice):
        return isinstance(attr.start, Sym) or isinstance(attr.stop, Sym)
    return isinstance(attr.count if isinstance(attr, Mask) else attr, Sym)
