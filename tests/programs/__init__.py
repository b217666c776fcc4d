"""The zoo: ordinary NumPy functions, which every test of the whole compiler runs over.

Each family is a module; importing it puts its programs into `PROGRAMS`. A new program needs no
new test: write the function under `@program(...)`.
"""

from . import (
    arguments,
    classes,
    closures,
    effects,
    elementwise,
    indexing,
    linear_algebra,
    models,
    notebooks,
    numerics,
    objects,
    reductions,
    science,
    shapes,
    simulations,
    staging,
    state,
    stores,
    structures,
    views,
)
from .program import PROGRAMS, Program
from .stateful import STATEFUL, Stateful

FAMILIES = (
    elementwise,
    reductions,
    shapes,
    indexing,
    stores,
    linear_algebra,
    models,
    simulations,
    structures,
    effects,
    views,
    staging,
    objects,
    notebooks,
    numerics,
    science,
)
# The programs of these read or change what is no argument, or change their arguments.
STATEFUL_FAMILIES = (closures, classes, state, arguments)
BY_NAME = {program.name: program for program in PROGRAMS}

__all__ = [
    "BY_NAME",
    "FAMILIES",
    "PROGRAMS",
    "STATEFUL",
    "STATEFUL_FAMILIES",
    "Program",
    "Stateful",
]
