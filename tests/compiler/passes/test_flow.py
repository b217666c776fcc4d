"""Maximum flows and the minimum cut nearest to the sink, against all cuts of small networks."""

import random
from itertools import combinations

import pytest
from gradc.compiler.passes.flow import Network


def random_network(seed: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Return the number of vertices and edges from lower to higher ones; 0 feeds, 1 is fed."""
    choose = random.Random(seed)
    count = choose.randrange(3, 9)
    order = [0, *range(2, count), 1]
    edges = [
        (order[i], order[j], choose.choice((0, 1, 1, 2, 3, 7)))
        for i, j in combinations(range(count), 2)
        if choose.random() < 0.5
    ]
    return count, edges


def cuts(count: int, edges: list[tuple[int, int, int]]) -> list[tuple[int, frozenset[int]]]:
    """Return each set of vertices on the side of the sink, behind the capacity that enters it."""
    others = range(2, count)
    found = []
    for size in range(count - 1):
        for chosen in combinations(others, size):
            late = frozenset((1, *chosen))
            weight = sum(room for tail, head, room in edges if head in late and tail not in late)
            found.append((weight, late))
    return found


@pytest.mark.parametrize("seed", range(150))
def test_flow_is_the_least_cut(seed: int) -> None:
    """And what still reaches the sink is within each of the least cuts: it is the nearest."""
    count, edges = random_network(seed)
    network = Network(count)
    for edge in edges:
        network.connect(*edge)
    least = min(weight for weight, _ in cuts(count, edges))
    assert network.saturate(0, 1) == least
    nearest = network.reaching(1)
    assert (least, nearest) in cuts(count, edges)
    assert all(nearest <= late for weight, late in cuts(count, edges) if weight == least)


def test_long_way_round() -> None:
    """A first pass that goes the wrong way is put right: flow is sent back along its path."""
    network = Network(6)
    for tail, head in ((0, 2), (0, 3), (2, 4), (2, 5), (3, 4), (4, 1), (5, 1)):
        network.connect(tail, head, 1)
    assert network.saturate(0, 1) == 2


def test_path_that_no_recursion_could_walk() -> None:
    network = Network(100_000)
    order = [0, *range(2, 100_000), 1]
    for place, (tail, head) in enumerate(zip(order, order[1:], strict=False)):
        network.connect(tail, head, 2 if place == 70_000 else 5)
    assert network.saturate(0, 1) == 2
    assert len(network.reaching(1)) == 100_000 - 70_001
