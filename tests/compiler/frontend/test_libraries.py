"""Whose code is whose."""

import collections
import enum
import types
from dataclasses import dataclass

import numpy as np
import pytest
from gradc.compiler.frontend.libraries import is_library, is_opaque, is_users_object, package_of


@pytest.mark.parametrize(
    ("module", "opaque", "library"),
    [
        ("numpy", True, True),
        ("numpy.linalg", True, True),
        ("numpyro_of_mine", False, False),
        ("math", True, True),
        ("json.decoder", True, True),
        ("builtins", True, True),
        ("gradc.compiler.ir", True, True),
        ("torch.nn", True, True),
        ("scipy.special", False, True),
        ("sklearn", False, True),
        ("__main__", False, False),
        ("my_package.module", False, False),
        ("tests.compiler", False, False),
        (None, False, False),
        ("", False, False),
    ],
)
def test_modules(module, opaque, library):
    """Users' packages are installed too: only names that are known are libraries."""
    assert is_opaque(module) is opaque
    assert is_library(module) is library
    assert package_of(module) == (module or "").split(".")[0]


class Plain:
    pass


class Derived(np.ndarray):
    pass


class Numbers(list):
    pass


@dataclass
class Record:
    w: float


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "users"),
    [
        (Plain(), True),
        (Record(1.0), True),
        (Plain, False),
        (types, False),
        (Numbers(), False),
        (collections.deque(), False),
        (collections.Counter(), False),
        (Colour.RED, False),
        (np.random.default_rng(0), False),
        (np.zeros(3), False),
        (lambda: None, False),
        (Plain().__init__, False),
        (3.0, False),
        ("a", False),
        (None, False),
        (object(), False),
    ],
)
def test_objects_that_may_change(value, users):
    """Objects of the user's classes are looked into; those of libraries are taken as they are."""
    assert is_users_object(value) is users
