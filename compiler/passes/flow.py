"""Maximum flow, and the minimum cut nearest to the sink (Dinic's algorithm)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class Network:
    """A directed network with integer capacities.

    Source: E. A. Dinic, Algorithm for solution of a problem of maximum flow in networks with power
    estimation, Soviet Math. Doklady 11 (1970) 1277-1280.

    Example:
        >>> network = Network(3)
        >>> network.connect(0, 1, 5)
        >>> network.connect(1, 2, 3)
        >>> network.saturate(0, 2)
        3
        >>> sorted(network.reaching(2))
        [2]
    """

    def __init__(self, vertices: int) -> None:
        # Edge k and its reverse, k ^ 1, stand side by side.
        self._edges: list[list[int]] = [[] for _ in range(vertices)]
        self._target: list[int] = []
        self._room: list[int] = []

    def connect(self, start: int, end: int, capacity: int) -> None:
        """Add an edge."""
        for tail, head, room in ((start, end, capacity), (end, start, 0)):
            self._edges[tail].append(len(self._target))
            self._target.append(head)
            self._room.append(room)

    def saturate(self, source: int, sink: int) -> int:
        """Push as much as may flow from source to sink.

        Requires: the edges make no cycle.
        Ensures: no path with room in all its edges is left.
        Cost: linear for each length of shortest paths that are left after the first pass; in
            practice a few passes.

        Returns:
            The flow.
        """
        # Without cycles, a first pass need not go by levels. It leaves little for the others.
        total = self._block(source, sink, None)
        while (level := self._levels(source))[sink] >= 0:
            total += self._block(source, sink, level)
        return total

    def reaching(self, sink: int) -> set[int]:
        """Return the vertices from which there is still a path with room to the sink.

        Once it is saturated, the edges that enter this set are the minimum cut nearest to the sink.
        """
        found = {sink}
        pending = [sink]
        while pending:
            for edge in self._edges[pending.pop()]:
                tail = self._target[edge]
                if self._room[edge ^ 1] and tail not in found:
                    found.add(tail)
                    pending.append(tail)
        return found

    def _levels(self, source: int) -> list[int]:
        level = [-1] * len(self._edges)
        level[source] = 0
        pending = deque([source])
        while pending:
            vertex = pending.popleft()
            for edge in self._edges[vertex]:
                head = self._target[edge]
                if self._room[edge] and level[head] < 0:
                    level[head] = level[vertex] + 1
                    pending.append(head)
        return level

    def _block(self, source: int, sink: int, level: Sequence[int] | None) -> int:
        """Push until each path has a full edge: paths by levels, or else of the edges as given.

        The search is a walk with a stack. A vertex is left when it has passed on what it was given,
        or when nothing more can leave it; what it passed on is booked then, once for all paths
        through it.
        """
        edges, target, room = self._edges, self._target, self._room
        place = [0] * len(edges)
        path: list[int] = []  # the edges from the source to where the walk is
        given, passed = [sum(room[edge] for edge in edges[source])], [0]
        vertex = source
        while True:
            forward = -1
            if vertex == sink:
                passed[-1] = given[-1]
            elif passed[-1] < given[-1]:
                here = edges[vertex]
                while place[vertex] < len(here):
                    edge = here[place[vertex]]
                    if room[edge] and (
                        not edge & 1 if level is None else level[target[edge]] == level[vertex] + 1
                    ):
                        forward = edge
                        break
                    place[vertex] += 1
            if forward >= 0:
                path.append(forward)
                given.append(min(given[-1] - passed[-1], room[forward]))
                passed.append(0)
                vertex = target[forward]
                continue
            if not path:
                return passed[0]
            edge, asked, got = path.pop(), given.pop(), passed.pop()
            vertex = target[edge ^ 1]
            passed[-1] += got
            room[edge] -= got
            room[edge ^ 1] += got
            if got < asked:  # nothing more goes this way
                place[vertex] += 1
