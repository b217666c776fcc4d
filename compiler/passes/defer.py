"""Stores put off until what they overwrite has been read."""

from __future__ import annotations

from ..ir import Graph, Node, Value


def defer(graph: Graph) -> Graph:
    """Move each store behind the other nodes that read its array, where these do not depend on it.

    The array is dead then, and the store needs no copy: a cotangent is read before it is zeroed.

    Requires: ``expand`` has run.
    Ensures: nodes with effects keep their order.
    Cost: linear in nodes, operands and chains of views.
    """
    stores = [node for node in graph.nodes if node.is_store]
    if not stores:
        return graph
    return _Deferral(graph).run()


class _Deferral:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._root = graph.roots()
        self._placed: dict[Node, None] = {}
        self._waiting: dict[Value, Node] = {}  # stores, by their results
        self._stores: dict[Value, list[Node]] = {}  # those that wait, by their arrays
        self._unread: dict[Value, int] = {}
        for node in graph.nodes:
            for root in self._roots(node):
                self._unread[root] = self._unread.get(root, 0) + 1

    def run(self) -> Graph:
        """Return the graph in another order."""
        for node in self._graph.nodes:
            base = self._root_of(node.operands[0]) if node.is_store else None
            if base is not None and self._unread[base] > 1:
                self._waiting[node.out] = node
                self._stores.setdefault(base, []).append(node)
            else:
                self._place(node)
        for node in list(self._waiting.values()):
            if node not in self._placed:
                self._place(node)
        return Graph(self._graph.params, tuple(self._placed), self._graph.outputs)

    def _roots(self, node: Node) -> set[Value]:
        """Return the arrays in whose memory a node reads."""
        return set(map(self._root_of, node.operands))

    def _root_of(self, value: Value) -> Value:
        return self._root.get(value, value)

    def _place(self, node: Node) -> None:
        pending = [node]
        while pending:
            node = pending[-1]
            if node in self._placed:
                pending.pop()
                continue
            missing = [self._waiting[one] for one in node.operands if one in self._waiting]
            missing = [one for one in missing if one not in self._placed]
            if missing:
                pending += missing
                continue
            pending.pop()
            self._placed[node] = None
            if node.is_store:
                self._waiting.pop(node.out, None)
            for root in self._roots(node):
                self._unread[root] -= 1
                if self._unread[root] == 1:
                    pending += [one for one in self._stores.pop(root, ()) if one is not node]
