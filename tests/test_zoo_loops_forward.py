"""Forward mode of every program with structured control flow, against reverse mode and unrolling.

A loop's forward mode is one loop with doubled carry; forward over reverse pushes tangents through
what the loop saves for its backward program too.
"""

import inspect
from typing import Any

import numpy as np
import pytest
from gradc.compiler.pipeline import Log, push

from . import references
from .loop_references import compiled_once, unrolled_once
from .references import tree_leaves
from .test_zoo import assert_close, assert_same_values, largest, value_and_gradient
from .test_zoo_forward import direction_of, in_structure, weighted
from .test_zoo_loops import LOOP_PROGRAMS

# Their hooks replace gradients, which is no business of forward mode.
PLAIN = [one for one in LOOP_PROGRAMS if "register_hook" not in inspect.getsource(one.fn)]
every_program = pytest.mark.parametrize("program", PLAIN, ids=repr)
CURVED = [one for one in PLAIN if one.scalar]


def rough(leaves: list[Any], program: Any) -> float:
    """Return the tolerance of sums in another order."""
    single = any(np.asarray(one).dtype == np.float32 for one in leaves)
    return 1e-4 if single else max(1e-3 * program.tolerance, 1e-10)


@every_program
def test_values_and_transposition(program: Any) -> None:
    """Values are those of the program; <w, J v> is <pull(w), v>."""
    args, compiled = program.args(), compiled_once(program)
    _, gradient = value_and_gradient(program, compiled, args)
    weights = references.output_weights(program, args)
    direction = direction_of(program, args)
    results = compiled.jvp(program.args(), in_structure(program, args, direction))
    outputs = (results[0], results[2]) if program.has_aux else results[0]
    assert_same_values(outputs, program.fn(*program.args()))
    tangent = tree_leaves(results[1])
    there, spread = weighted(tangent, [1.0] if weights is None else weights)
    back, scale = weighted(gradient, direction)
    assert abs(there - back) <= rough([*tangent, *gradient], program) * (scale + spread)


@every_program
def test_tangents_pushed_later_are_the_same(program: Any) -> None:
    """linearize: one run of the program, then its tangents, for two directions."""
    args, compiled = program.args(), compiled_once(program)
    push_later = compiled.linearize(*program.args())[1]
    for seed in (11, 12):
        tangents = in_structure(program, args, direction_of(program, args, seed))
        expected = tree_leaves(compiled.jvp(program.args(), tangents)[1])
        assert_close(tree_leaves(push_later(tangents)), expected, rough(expected, program))


@pytest.mark.parametrize("program", CURVED, ids=repr)
def test_hessian_product_equals_that_of_straight_code(program: Any) -> None:
    """Forward over reverse through records, against forward over reverse without loops."""
    args, straight = program.args(), unrolled_once(program)
    tangents = in_structure(program, args, direction_of(program, args))
    found, expected = (
        tree_leaves(result[0] if program.has_aux else result)
        for result in (
            compiled_once(program).hvp(program.args(), tangents),
            compiled_once(straight).hvp(program.args(), tangents),
        )
    )
    scale = max(largest(expected), 1.0)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=rough(found, program) * scale)


@every_program
def test_loops_run_once(program: Any) -> None:
    """There are no more loops, branches and blocks with tangents than without."""
    compiled = compiled_once(program)
    compiled.jvp(
        program.args(), in_structure(program, program.args(), direction_of(program, program.args()))
    )
    for _, made in compiled.history:
        if made.wanted is None:
            continue
        graph = push(
            made.graph,
            made.wanted.leaves,
            range(len(made.graph.outputs)),
            made.differentiable,
            Log(),
        )
        assert regions_of(graph) <= regions_of(made.graph)


def regions_of(graph: Any) -> int:
    """Return how many loops, branches and blocks there are, one in the other."""
    inner = sum(regions_of(region) for node in graph.nodes for region in node.regions)
    return inner + sum(bool(node.regions) for node in graph.nodes)
