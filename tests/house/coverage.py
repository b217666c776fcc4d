"""The page that says what of NumPy is captured, made from the tables that capture works by."""

import functools
import itertools
import math
import types
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from gradc.compiler.frontend.numpy_api.foreign import SCIPY
from gradc.compiler.frontend.numpy_api.loops import RULES, SEVERAL
from gradc.compiler.frontend.numpy_api.products import GENERALIZED
from gradc.compiler.frontend.numpy_api.replacements import REPLACEMENTS
from gradc.compiler.frontend.numpy_api.table import FUNCTIONS, METHODS, PROPERTIES
from gradc.compiler.frontend.staging.python import PYTHON
from gradc.compiler.frontend.tracer import Tracer

import gradc
from gradc import CaptureError

NUMPY = "2.4"  # of which the page lists the names; other minor versions have others

# What takes functions, or gives iterators, is seen to where it is called.
BY_STAGING = ["vectorize", "ndenumerate", "ndindex"]

UFUNCS = {**RULES, **SEVERAL, **GENERALIZED}

# Headings over functions, with the modules of `numpy_api` that say what these do.
FAMILIES = {
    "Making arrays": ("creation",),
    "Shape and order of axes": ("shapes",),
    "Joining and splitting": ("joining", "nesting"),
    "Moving and repeating elements": ("rearranging", "padding", "editing"),
    "Selecting elements": ("gathering", "indexing"),
    "Storing in place": ("storing",),
    "Elementwise": ("choices", "rounding", "special", "loops"),
    "Sums, extrema, tests of all elements": ("reductions",),
    "The same without NaN": ("nan",),
    "Cumulative": ("cumulative",),
    "Statistics": ("statistics", "quantiles"),
    "Sorting, searching, counting": ("sorting",),
    "Differences and integrals": ("differences",),
    "Products and norms": ("products", "einsum", "norms"),
    "Diagonals and triangles": ("diagonals",),
    "Convolution and polynomials": ("signals",),
    "Element by element, or row by row": ("mapping",),
    "Shapes, dtypes and plans": ("inquiries",),
}

FIRST = "## Functions\n"  # what stands above this heading is written by hand


def page(text: str) -> str:
    """Return the page that a text is to be: its introduction, and what the tables say now."""
    introduction = text.partition(FIRST)[0]
    parts = [_functions(), _ufuncs(), _methods(), _beyond_numpy(), _refused()]
    return introduction + "\n".join(parts)


def _functions() -> str:
    known = {id(one) for one in FUNCTIONS}
    family_of = {module: family for family, modules in FAMILIES.items() for module in modules}
    listed: dict[str, list[str]] = {family: [] for family in FAMILIES}
    for name, function in _public():
        if id(function) in known and not isinstance(function, type):
            module = FUNCTIONS[function].__module__.rpartition(".")[2]
            assert module in family_of, f"FAMILIES has no heading for numpy_api/{module}.py"
            listed[family_of[module]].append(name)
    listed["Making arrays"] += ["r_", "c_"]
    listed["Conversions"] = [one.__name__ for one in FUNCTIONS if isinstance(one, type)]
    listed["Convolution and polynomials"] += _by_own_code()
    listed["Element by element, or row by row"] += BY_STAGING
    rows = [(family, _code(names)) for family, names in listed.items() if names]
    return f"{FIRST}\nOf `np`:\n\n" + _table(("", "captured"), rows)


def _ufuncs() -> str:
    names = [name for name, one in _public(np.ufunc) if one in UFUNCS]
    two = [(name, one) for name, one in _public(np.ufunc) if one in RULES and one.nin == 2]
    methods = {
        "reduce": [name for name, one in two if _is_captured(one.reduce)],
        "accumulate": [name for name, one in two if _is_captured(one.accumulate)],
        "at": [name for name, one in two if _is_captured(_stores_at(one), 2)],
    }
    outer = [name for name, one in two if _is_captured(one.outer, 2)]
    rows = [(f"`.{method}`", _code(names)) for method, names in methods.items()]
    rows.append(("`.outer`", _code(outer) if len(outer) < len(two) else "all of two operands"))
    return (
        "## Ufuncs\n\nWith `out=`, `where=` (with `out=`), `dtype=` and `casting=`:\n\n"
        f"{_code(names)}\n\nTheir methods:\n\n{_table(('', 'captured'), rows)}"
    )


def _methods() -> str:
    public = {name for name in dir(np.ndarray) if not name.startswith("_")}
    types_alone = {name for name in public if isinstance(vars(Tracer).get(name), property)}
    rows = [
        ("methods", _code(sorted(public & set(METHODS)))),
        ("properties", _code(sorted(public & set(PROPERTIES) | types_alone))),
    ]
    left = sorted(public - set(METHODS) - set(PROPERTIES) - types_alone)
    rows.append(("refused", _code(left)))
    return "## ndarray\n\n" + _table(("", ""), rows)


def _beyond_numpy() -> str:
    python = sorted(one.__name__ for one in PYTHON if one.__module__ == "builtins")
    of_math = sorted(one.__name__ for one in PYTHON if one.__module__ == "math")
    assert all(getattr(math, name) in PYTHON for name in of_math)
    of_scipy = sorted(name.rpartition(".")[2] for name in SCIPY)
    rows = [
        ("Python", _code(python)),
        ("`math`", _code(of_math)),
        ("`gradc.special`", _code(sorted(gradc.special.__all__))),
        ("`gradc.nn.functional`", _code(sorted(gradc.nn.functional.__all__))),
        ("`scipy.special`", _code(of_scipy)),
    ]
    return "## Beyond NumPy\n\n" + _table(("", "captured"), rows)


def _refused() -> str:
    instead = [(f"`{name}`", f"`{_escaped(text)}`") for name, text in _replacements()]
    rows = []
    for title, module in (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft)):
        left = [name for name in _unlisted(module) if f"{title}.{name}" not in REPLACEMENTS]
        rows.append((f"`{title}`", _code(sorted({*left} - {*_by_own_code()}))))
    missing = [name for name, one in _public(np.ufunc) if one not in UFUNCS]
    rows.append(("ufuncs", _code(missing)))
    rows.append(("`np.random`", "drawing at all, unless from a generator that is seeded inside"))
    return (
        "## Refused\n\nOf values that depend on the arguments. With what to write instead:\n\n"
        f"{_table(('refused', 'write'), instead)}\nAnd these, which run on other arrays only:\n\n"
        + _table(("", "refused"), rows)
    )


def _unlisted(module: Any) -> list[str]:
    """Return NumPy's functions of arrays in a module that are in no table."""
    return [name for name, one in _public(type(np.sum), module) if one not in FUNCTIONS]


@functools.cache
def _by_own_code() -> tuple[str, ...]:
    """Return the functions that are captured as NumPy has written them, by other functions."""
    return tuple(name for name in _unlisted(np) if _is_captured(getattr(np, name)))


def _public(kind: Any = object, module: Any = np) -> list[tuple[str, Any]]:
    """Return the public functions of a module of one kind, and in `np` those of `np.linalg` too."""
    found = [
        (name, getattr(module, name))
        for name in dir(module)
        if not name.startswith("_") and not isinstance(getattr(module, name), types.ModuleType)
    ]
    of_kind = [(name, one) for name, one in found if isinstance(one, kind) and callable(one)]
    if kind is object and module is np:
        of_kind += [(f"linalg.{name}", one) for name, one in _public(object, np.linalg)]
    return of_kind


def _replacements() -> list[tuple[str, str]]:
    return sorted(REPLACEMENTS.items())


def _stores_at(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    def store(x: Any, y: Any) -> Any:
        made = np.copy(x)
        ufunc.at(made, [0, 1], y[:2])
        return made

    return store


def _is_captured(function: Callable[..., Any], operands: int = 1) -> bool:
    """Whether a function is captured, of matrices or vectors of some kind of number."""
    for shape, dtype in itertools.product([(2, 2), (3,)], [np.float64, np.int64, np.bool_]):
        given = [np.ones(shape, dtype)] * operands
        try:
            gradc.compile_grad(lambda *arrays: function(*arrays))(*given)
        except CaptureError:
            continue
        except (TypeError, ValueError):  # NumPy has it not of this dtype, or of this number
            continue
        return True
    return False


def _code(names: Iterable[str]) -> str:
    return f"`{' '.join(names)}`"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {heads[0]} | {heads[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {left} | {right} |" for left, right in rows)]) + "\n"
