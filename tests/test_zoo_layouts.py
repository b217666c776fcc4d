"""Every program with arguments stored otherwise: order, strides, byte order, precision, integers.

The reference for a value is NumPy with the very same arguments. The gradient does not depend on
how an argument is stored; where the values themselves are rounded, the gradient is that of the
rounded arguments, within the tolerance that the program states.
"""

from typing import Any

import numpy as np
import pytest

from . import references
from .programs import PROGRAMS
from .references import is_float, tree_leaves, tree_map, wanted_positions
from .test_zoo import assert_close, assert_same_values, compiled_once, value_and_gradient

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=repr)


def reversed_storage(array: np.ndarray) -> np.ndarray:
    """The same values with a negative stride along every axis."""
    return np.flip(np.flip(array).copy())


def spread_storage(array: np.ndarray) -> np.ndarray:
    """The same values with other entries between them."""
    wide = np.full((*(2 * extent for extent in array.shape),), 99, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def column_order(array: np.ndarray) -> np.ndarray:
    """The same values, the first axis running fastest."""
    return array.copy(order="F")


def read_only(array: np.ndarray) -> np.ndarray:
    """The same values in memory that must not be written to, neither by the generated code."""
    array = array.copy()
    array.flags.writeable = False
    return array


def other_byte_order(array: np.ndarray) -> np.ndarray:
    """The same values with their bytes swapped, as files of other machines have them."""
    return array.astype(array.dtype.newbyteorder())


def unaligned(array: np.ndarray) -> np.ndarray:
    """The same values at an odd address, as records of a file have them."""
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = memory.view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


LAYOUTS = [
    reversed_storage,
    spread_storage,
    column_order,
    read_only,
    other_byte_order,
    unaligned,
]


def laid_out(tree: Any, layout: Any) -> Any:
    """Return the tree with every array that has axes stored otherwise."""
    return tree_map(
        lambda leaf: layout(leaf) if isinstance(leaf, np.ndarray) and leaf.ndim else leaf, tree
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@every_program
def test_any_layout_of_the_arguments_serves(program, layout):
    args = program.args()
    other = laid_out(args, layout)
    compiled = compiled_once(program)
    _, gradient = value_and_gradient(program, compiled, args)
    outputs, other_gradient = value_and_gradient(program, compiled, other)
    assert_same_values(outputs, program.fn(*laid_out(program.args(), layout)))
    # BLAS may sum strided operands in another order.
    assert_close(other_gradient, gradient, max(program.tolerance, 1e-12))
    for leaf, untouched in zip(tree_leaves(other), tree_leaves(args), strict=True):
        np.testing.assert_array_equal(leaf, untouched)


def in_single(leaf: Any) -> Any:
    """Return an array of float64 in float32, anything else as it is."""
    is_double = isinstance(leaf, np.ndarray) and leaf.dtype == np.float64
    return leaf.astype(np.float32) if is_double else leaf


@pytest.mark.parametrize("program", [one for one in PROGRAMS if one.single], ids=repr)
def test_single_precision(program):
    """Values have NumPy's dtypes; gradients those of the arguments, and nearly the exact ones."""
    args = tree_map(in_single, program.args())
    compiled = compiled_once(program)
    outputs, gradient = value_and_gradient(program, compiled, args)
    expected = tree_leaves(program.fn(*args))
    outputs = tree_leaves(outputs)
    assert [np.asarray(one).dtype for one in outputs] == [np.asarray(e).dtype for e in expected]
    assert_close(outputs, expected, program.single)
    wanted = references.wanted_leaves(program, args)
    assert [np.asarray(g).dtype for g in gradient] == [np.asarray(w).dtype for w in wanted]
    if program.scalar and program.smooth:
        exact = value_and_gradient(program, compiled, references.in_double(args))[1]
        assert_close(gradient, exact, program.single)


def with_integers(program: Any, kind: type) -> tuple[Any, ...]:
    """Return the arguments, whole numbers in those that are not differentiated."""
    args = list(program.args())
    for position in {*range(len(args))} - {*wanted_positions(program)}:
        args[position] = tree_map(
            lambda leaf: (
                np.ceil(leaf).astype(kind)
                if isinstance(leaf, np.ndarray) and is_float(leaf)
                else leaf
            ),
            args[position],
        )
    return tuple(args)


def takes_integers(program: Any) -> bool:
    """Whether there is an array to put integers into, and the program allows it."""
    leaves = [tree_leaves(with_integers(program, kind)) for kind in (int, float)]
    dtypes = [[np.asarray(leaf).dtype for leaf in one] for one in leaves]
    return program.integers and dtypes[0] != dtypes[1]


@pytest.mark.parametrize("program", [one for one in PROGRAMS if takes_integers(one)], ids=repr)
def test_integers_where_nothing_is_differentiated(program):
    """Integers are data like any other; the gradient is that of the same numbers as floats."""
    args, floats = with_integers(program, int), with_integers(program, float)
    compiled = compiled_once(program)
    outputs, gradient = value_and_gradient(program, compiled, args)
    assert_same_values(outputs, program.fn(*args))
    assert_close(gradient, value_and_gradient(program, compiled, floats)[1], 1e-12)
