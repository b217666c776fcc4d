"""What is saved for backward, and what runs again: the fewest bytes, and no more work than that."""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from gradc.compiler.errors import DerivativeError
from gradc.compiler.ir import Builder, Node, Value
from gradc.compiler.passes.mincut import Cut, cost, cut, interleave, is_cheap
from gradc.compiler.primitive import REGISTRY, Expand
from gradc.compiler.primitives.control import Callback, callback
from gradc.compiler.primitives.elementwise import cast, exp, where
from gradc.compiler.primitives.elementwise.arithmetic import maximum, square
from gradc.compiler.primitives.elementwise.casting import arange
from gradc.compiler.primitives.elementwise.comparison import greater
from gradc.compiler.primitives.elementwise.trigonometric import sin
from gradc.compiler.primitives.index import gather, slice_, update
from gradc.compiler.primitives.linalg import matmul
from gradc.compiler.primitives.reduce import sum_
from gradc.compiler.primitives.regions import cond
from gradc.compiler.primitives.selection import Gather, Mask, Slice
from gradc.compiler.primitives.shape import broadcast_to, reshape, transpose
from gradc.compiler.types import Sym

from ..build import array_type, build, names_of

VECTOR = array_type(10)
MATRIX = array_type(10, 10)


def built(function: Callable[..., Any], *types: Any) -> tuple[list[Node], Any]:
    """Return the nodes that a function of Values builds, and what it returns."""
    params = [Value(one, "xyz"[i]) for i, one in enumerate(types)]
    with Builder() as builder:
        result = function(*params)
    return builder.nodes, result


def check(nodes: Sequence[Node], needed: Iterable[Value], free: Any, made: Cut) -> None:
    """Whether backward gets all that it reads, in an order in which it can run."""
    known = {*free, *made.saved}
    assert len(set(made.saved)) == len(made.saved)
    for node in made.again:
        assert not node.has_effect
        assert known.issuperset(node.operands), "it reads what is not there"
        assert known.isdisjoint(node.outs), "it makes what is there"
        known.update(node.outs)
    assert known.issuperset(needed)
    place = {node: i for i, node in enumerate(nodes)}
    assert list(made.again) == sorted(made.again, key=place.__getitem__)
    assert made.nbytes == sum(cost(value.type) for value in made.saved)


def random_program(seed: int) -> tuple[list[Node], list[Value], set[Value]]:
    """Return nodes, the values that backward needs, and those at hand."""
    choose = random.Random(seed)
    params = [Value(array_type(choose.choice((3, 4))), name) for name in "xyz"]
    with Builder() as builder:
        pool = list(params)
        while len(pool) < 9:
            x = choose.choice(pool[-4:])
            alike = [one for one in pool if one.type == x.type]
            y = choose.choice(alike)
            step = choose.randrange(7)
            if x.dtype == bool:
                pool.append(cast(x, dtype=np.dtype(choose.choice(("f8", "f4")))))
            elif step == 0:
                pool.append(exp(x))
            elif step == 1:
                pool.append(greater(x, y))
            elif step == 2 and x.shape not in ((), (0,)):
                pool.append(slice_(x, index=(Slice(0, choose.randrange(x.shape[0])),)))
            elif step == 3 and x.shape not in ((), (0,)):
                pool.append(sum_(x, axes=(0,), keepdims=False))
            elif step == 4 and not x.ndim:
                pool.append(broadcast_to(x, shape=(5,)))
            elif step == 5:
                pool.append(Builder.current().full(x.type, 2.0))
            else:
                pool.append(maximum(x, y))
    values = [*params, *(out for node in builder.nodes for out in node.outs)]
    needed = [value for value in values[1:] if choose.random() < 0.4]
    return builder.nodes, needed, {value for value in params if choose.random() < 0.2}


def runs_again(
    nodes: Sequence[Node], needed: Sequence[Value], at_hand: set[Value]
) -> set[Node] | None:
    """Return the nodes that make what is needed of what is at hand; None where none could."""
    made = {out: node for node in nodes for out in node.outs}
    again: set[Node] = set()
    pending = [value for value in needed if value not in at_hand]
    while pending:
        node = made.get(pending.pop())
        if node is None or not is_cheap(node):
            return None
        if node not in again:
            again.add(node)
            pending += [one for one in node.operands if one not in at_hand]
    return again


@pytest.mark.parametrize("seed", range(120))
def test_no_other_choice_saves_fewer_bytes(seed: int) -> None:
    """All subsets of the values are tried; and none of the best ones runs fewer nodes again."""
    nodes, needed, free = random_program(seed)
    made = cut(nodes, needed, free)
    check(nodes, needed, free, made)
    useful = [out for node in nodes for out in node.outs]
    params = {one for node in nodes for one in node.operands} | set(needed)
    useful += [value for value in params if value not in useful and value not in free]
    best: tuple[int, int] | None = None
    for size in range(len(useful) + 1):
        for saved in combinations(useful, size):
            nbytes = sum(cost(value.type) for value in saved)
            if best is not None and nbytes > best[0]:
                continue
            again = runs_again(nodes, needed, {*saved, *free})
            if again is not None and (best is None or (nbytes, len(again)) < best):
                best = nbytes, len(again)
    assert (made.nbytes, len(made.again)) == best


def test_nothing_runs_again_for_nothing() -> None:
    """Where as many bytes would be saved, the result is saved, not what it is made of."""
    nodes, y = built(lambda x: square(x) * 2.0, VECTOR)
    made = cut(nodes, [y])
    assert made.saved == (y,)
    assert made.again == ()


def test_small_things_are_saved_of_which_large_ones_are_made() -> None:
    """The mask of a rectifier and not its cast; of a broadcast the row; of a slice the slice."""
    nodes, (mask, weights) = built(
        lambda x: ((mask := greater(exp(x), 0.5)), cast(mask, dtype=np.dtype("f8"))), MATRIX
    )
    assert cut(nodes, [weights]).saved == (mask,)
    assert cut(nodes, [weights]).nbytes == 100

    nodes, (row, spread) = built(
        lambda x: ((row := exp(x)), broadcast_to(row, shape=(50, 10))), VECTOR
    )
    assert cut(nodes, [spread]).saved == (row,)

    nodes, (whole, part) = built(lambda x: ((y := exp(x)), slice_(y, index=(0, Slice()))), MATRIX)
    assert cut(nodes, [part]).saved == (part,)
    assert cut(nodes, [part, whole]).saved == (whole,)
    assert names_of(cut(nodes, [part, whole]).again) == ["slice"]


def test_views_are_no_work() -> None:
    """The array itself is saved, which is no copy in another order, and may be read as both."""
    nodes, (y, turned) = built(lambda x: ((y := exp(x)), transpose(y, axes=(1, 0))), MATRIX)
    made = cut(nodes, [turned])
    assert made.saved == (y,)
    assert names_of(made.again) == ["transpose"]


def test_what_is_at_hand_costs_nothing() -> None:
    """A row of an invariant at the index of the loop; and what is computed from it cheaply."""

    def body(table: Value, i: Value) -> Any:
        row = gather(table, i, index=(Gather(), Slice()))
        return row, row * 2.0, exp(row)

    nodes, (row, double, result) = built(body, MATRIX, array_type(dtype=np.int64))
    table, i = nodes[0].operands
    made = cut(nodes, [row, double, result], {table, i})
    assert made.saved == (result,)
    assert names_of(made.again) == ["gather", "constant", "broadcast_to", "multiply"]
    assert cut(nodes, [double]).saved == (double,)


def test_constants_cost_nothing() -> None:
    def program() -> Any:
        table = Builder.current().constant(np.ones((10, 10)))
        return transpose(table, axes=(1, 0)), cast(arange(count=7), dtype=np.dtype("f8"))

    with Builder() as builder:
        table = builder.constant(np.ones((10, 10)))
        turned = transpose(table, axes=(1, 0))
        (numbers,) = builder.add(arange, (), {"count": 7})
    made = cut(builder.nodes, [turned, numbers, table])
    assert made.saved == ()
    assert names_of(made.again) == ["constant", "transpose", "arange"]


def test_values_without_elements_are_not_made_again() -> None:
    nodes, y = built(lambda x: x * x, array_type(0, 5))
    assert cut(nodes, [y]).again == ()


def test_slice_of_an_array_that_is_stored_to_later() -> None:
    """Values do not change: the old array is another value than the new one."""

    def program(x: Value) -> Any:
        y = exp(x)
        before = slice_(y, index=(0, Slice()))
        after = slice_(update(y, before * 2.0, index=(0, Slice())), index=(0, Slice()))
        return before, after, y

    nodes, (before, after, y) = built(program, MATRIX)
    made = cut(nodes, [before, after, y])
    check(nodes, [before, after, y], (), made)
    assert set(made.saved) == {after, y}, "a store is not made again"
    assert names_of(made.again) == ["slice"]


def test_what_is_cheap() -> None:
    """Views, exact arithmetic in one pass. No division, root, reduction, copy of rows, or store."""
    cheap = {name for name, one in REGISTRY.items() if one.cheap}
    assert {"add", "multiply", "maximum", "where", "less", "logical_not", "cast", "copy"} <= cheap
    assert cheap.isdisjoint(
        {"divide", "sqrt", "power", "exp", "log", "tanh", "remainder", "floor_divide", "hypot"}
    )
    for name in cheap:
        entry = REGISTRY[name]
        assert not entry.effect, name
        assert not entry.regions, name
        assert not isinstance(entry.numpy, Expand), name
        assert entry.elementwise or name in ("cast", "constant", "arange", "extent"), name

    def program(x: Value, i: Value, rows: Value) -> Any:
        at = (Gather(), Slice())
        return (
            gather(x, i, index=at),
            reshape(x, shape=(100,)),
            where(greater(x, 0.0), x, x),
            gather(x, rows, index=at),
            update(x, gather(x, i, index=at), i, index=at),
            matmul(x, x),
            sum_(x, axes=(0,), keepdims=False),
        )

    index = array_type(dtype=np.int64)
    nodes, results = built(program, MATRIX, index, array_type(3, dtype=np.int64))
    node_of = {out: node for node in nodes for out in node.outs}
    assert [is_cheap(node_of[one]) for one in results] == [True] * 3 + [False] * 4


def test_what_cannot_be_saved_is_made_again_at_any_price() -> None:
    """Rows that a mask selects, of a number that is known in this iteration only."""
    some = Sym.named("some")

    def is_open(value: Value) -> bool:
        return some in value.shape

    def program(x: Value) -> Any:
        mask = greater(x, 0.0)
        chosen = sin(gather(exp(x), mask, index=(Mask(1, some),)))
        stored = update(chosen * 2.0, slice_(x, index=(0,)), index=(0,))
        branches = {one: build(square, x=stored.type) for one in ("true", "false")}
        is_first = slice_(mask, index=(0,))
        (inner,) = Builder.current().add(cond, (is_first, stored), branches)
        total = sum_(inner, axes=(0,), keepdims=False)
        return mask, inner, slice_(inner, index=(0,)), total

    nodes, (mask, inner, first, total) = built(program, VECTOR)
    made = cut(nodes, [inner, first, total], (), is_open)
    check(nodes, [inner, first, total], (), made)
    assert not any(map(is_open, made.saved))
    assert total in made.saved, "what can be saved is not made again at such a price"
    assert {"gather", "sin", "update", "cond"} <= set(names_of(made.again))
    assert "exp" not in names_of(made.again)

    made = cut(nodes, [mask, first, total], (), is_open)
    assert set(made.saved) == {mask, first, total}, "nothing that cannot be saved is needed"
    assert made.again == ()


def test_all_results_of_a_node_that_runs_again_are_at_hand() -> None:
    """One of the two cannot be saved; the other need not be."""
    some = Sym.named("some")

    def branch(x: Value, mask: Value) -> Any:
        return exp(x), gather(x, mask, index=(Mask(1, some),))

    def program(x: Value, mask: Value, choice: Value) -> Any:
        branches = {one: build(branch, x=x.type, mask=mask.type) for one in ("true", "false")}
        return Builder.current().add(cond, (choice, x, mask), branches)

    mask_type, choice_type = array_type(10, dtype=bool), array_type(dtype=bool)
    nodes, (full, part) = built(program, VECTOR, mask_type, choice_type)
    choice, x, mask = nodes[0].operands
    made = cut(nodes, [full, part], {x, choice}, lambda value: some in value.shape)
    assert made.saved == (mask,)
    assert len(made.again) == 1
    assert cut(nodes, [full], {x}, lambda value: some in value.shape).saved == (full,)


def test_what_can_neither_be_saved_nor_made_again() -> None:
    def program(x: Value) -> Any:
        attrs = {"callback": Callback("ask", print), "types": (x.type,)}
        return exp(Builder.current().add(callback, (x,), attrs)[0])

    nodes, y = built(program, VECTOR)
    with pytest.raises(DerivativeError, match="neither be saved nor computed again") as caught:
        cut(nodes, [y], (), lambda value: True)
    assert "callback" in str(caught.value)
    with pytest.raises(DerivativeError, match=r"x: \(10,\) float64"):
        cut([], [Value(VECTOR, "x")], (), lambda value: True)


def test_named_sizes_count_as_large() -> None:
    n, m = Sym.named("n"), Sym.named("m")
    assert cost(array_type(n, m, 3)) == 24_000_000
    assert cost(array_type(n - 2000)) == 8
    assert cost(array_type(n * 2 + 1, dtype=np.float32)) == 8004
    assert cost(array_type()) == 8


def test_chains_of_thousands_of_nodes() -> None:
    """No recursion, and no more than a few passes: the times that are printed are near linear."""

    def rectifiers(x: Value, steps: int) -> list[Value]:
        needed = []
        for _ in range(steps):
            x = exp(x)
            mask = greater(x, 0.5)
            needed += [cast(mask, dtype=np.dtype("f8")), x * x]
        return needed

    def chain(x: Value, steps: int) -> list[Value]:
        return [(x := x * x) for _ in range(steps)]

    for program, steps in ((chain, 2500), (chain, 20_000), (rectifiers, 625), (rectifiers, 5000)):
        nodes, needed = built(lambda x, p=program, s=steps: p(x, s), MATRIX)
        started = perf_counter()
        made = cut(nodes, needed)
        print(f"{program.__name__}, {len(nodes)} nodes: {perf_counter() - started:.3f} s")
        assert len(made.saved) == (1 if program is chain else steps)
        check(nodes, needed, (), made)


def test_the_same_choice_each_time() -> None:
    """Values hash by their address; the order in which they are found must not depend on it."""

    def shape_of(seed: int) -> list[list[int]]:
        nodes, needed, free = random_program(seed)
        known = list(dict.fromkeys(one for node in nodes for one in (*node.operands, *node.outs)))
        made = cut(nodes, needed, free)
        saved = [known.index(one) if one in known else -1 for one in made.saved]
        return [saved, [nodes.index(node) for node in made.again]]

    for seed in range(20):
        kept = [Value(VECTOR) for _ in range(seed)]  # moves the addresses
        assert shape_of(seed) == shape_of(seed)
        assert len(kept) == seed


def test_nodes_that_run_again_do_so_late() -> None:
    """Each before its first reader, what it reads before it, and what none reads at the end."""

    def program(x: Value) -> Any:
        mask = greater(x, 0.0)
        weights = cast(mask, dtype=np.dtype("f8"))
        first, unread = square(x), square(weights)
        return [weights, first, unread], [exp(first), sin(first), exp(weights)]

    nodes, (_, late) = built(program, VECTOR)
    backward = [node for node in nodes if node.out in late]
    again = [node for node in nodes if node.out not in late]
    ordered = interleave(again, backward)
    assert sorted(names_of(ordered)) == sorted(names_of(nodes))
    names = [name for name in names_of(ordered) if name not in ("constant", "broadcast_to")]
    assert names == ["square", "exp", "sin", "greater", "cast", "exp", "square"]
    known = set(nodes[0].operands) | {ordered[0].operands[0]}
    for node in ordered:
        assert known.issuperset(node.operands)
        known.update(node.outs)
