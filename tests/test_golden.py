"""Generated text, kept as files: a refactor changes none of it, a change is reviewed like code.

`make bless` writes the files anew.
"""

import pytest

from gradc import compile_grad

from .golden_programs import OWN
from .programs import (  # noqa: F401
    BY_NAME,
    branches,
    carries,
    integrators,
    loop_effects,
    recurrences,
    series,
)
from .programs.structured import LOOP_PROGRAMS

# Chosen so that each way of generating code is seen at least once.
SHOWN = (
    "smooth_chain",  # broadcasting, chains that are written in place
    "powers_of_signed_bases",
    "masks_and_logic",
    "mixed_dtypes",  # casts
    "layer_norm",  # reductions that are spread again
    "log_sum_exp",
    "joined",
    "repeated_rows",  # a duplicate-safe scatter
    "selected_by_mask",
    "store_slices",
    "heat_in_place",  # a long chain of stores
    "matrix_products",
    "logistic_regression",
    "classifier",
    "attention",
    "rosenbrock",
    "several_outputs",
    "without_gradient",
    "clipping_hook",
    "recording_hook",
    "printed_values",
    # Loops and branches
    "jacobi_sweeps",  # carried arrays that are stored to in place, and nothing saved
    "runge_kutta",  # numbers saved in each iteration
    "geometric_series",  # a loop with a condition
    "rnn",  # a scan
    "store_into_replaced_row",
    "swap",
    "choice",
    "triangle",  # a loop in a loop, with a bound that is an index
    "while_in_for",
    "two_layers",  # functions that backward runs again
    "recording_hook_per_step",
)
LOOPS = {program.name: program for program in LOOP_PROGRAMS}


def compiled_and_args(name):
    if name in OWN:
        function, args, wrt = OWN[name]
        return compile_grad(function, wrt=wrt), args
    program = BY_NAME.get(name) or LOOPS[name]
    return compile_grad(program.fn, **program.options), program.args()


@pytest.mark.parametrize("name", SHOWN)
def test_generated_module(name, golden):
    compiled, args = compiled_and_args(name)
    golden(f"numpy/{name}.py", compiled.inspect(*args, what="numpy"))


@pytest.mark.parametrize("name", SHOWN)
def test_printed_graph(name, golden):
    compiled, args = compiled_and_args(name)
    golden(f"graph/{name}.txt", compiled.inspect(*args, what="graph"))


@pytest.mark.parametrize("name", SHOWN)
def test_generated_twice_is_the_same_text(name):
    """No addresses, counters or set orders get into the text."""
    texts = {
        what: [
            compiled.inspect(*args, what=what)
            for compiled, args in map(compiled_and_args, [name] * 2)
        ]
        for what in ("graph", "joint", "numpy")
    }
    for first, second in texts.values():
        assert first == second
