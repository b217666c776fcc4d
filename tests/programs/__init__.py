"""The zoo: ordinary NumPy functions, which every test of the whole compiler runs over.

Each family is a module; importing it puts its programs into `PROGRAMS`. A new program needs no
new test: write the function under `@program(...)`.
"""

from . import (
    effects,
    elementwise,
    indexing,
    linear_algebra,
    models,
    reductions,
    shapes,
    simulations,
    stores,
    structures,
)
from .program import PROGRAMS, Program

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
)
BY_NAME = {program.name: program for program in PROGRAMS}

__all__ = ["BY_NAME", "FAMILIES", "PROGRAMS", "Program"]
