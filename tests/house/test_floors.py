"""Imports point down the floors only, stand at the top of a file, and have one form."""

import ast
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path
from typing import NamedTuple

import pytest

from .tree import ROOT, files, package_files

# What stands on which floor of the compiler; a unit is a module or a folder of it.
FLOORS = (
    ("errors", "types", "forks"),
    ("ir", "operators", "primitive"),
    ("verify", "printer", "evaluate", "primitives"),
    ("frontend", "passes", "backends"),
    ("pipeline",),
    ("aot",),
)
FLOOR_OF = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}
# Neighbours on one floor that know each other, in one direction.
NEIGHBOURS = {
    ("types", "errors"),
    ("ir", "primitive"),
    ("ir", "operators"),
    ("operators", "primitive"),
    ("verify", "printer"),
    ("backends", "passes.lifetimes"),  # which says where a buffer can be used again
}

# Top-level packages, from the lowest; each may import those before it.
STOREYS = ("codegen_templates", "compiler", "runtime")

# Required packages that `import gradc` must not pay for: one function each may import them.
LOADED_LATE = {"jinja2", "astor", "llvmlite", "shutil", "tempfile"}

# What is imported with the backend that needs llvmlite: these modules import it at their top, and
# each other; the rest of the package gets at them by one function.
NATIVE = (
    "gradc.compiler.backends.llvm",
    "gradc.runtime.native",
    "gradc.runtime.entry",
    "gradc.runtime.pool",
)

MODULES = package_files()


class Import(NamedTuple):
    """One imported module, by its full name.

    Attributes:
        target: The module.
        line: Where.
        relative: Whether it is named from where the importer is.
        function: The function that imports it, if any.
        is_for_types: Whether only a type checker imports it.
    """

    target: str
    line: int
    relative: bool
    function: str | None
    is_for_types: bool


def imports_of(module: str, path: Path) -> Iterator[Import]:
    """Yield the imports of a module of the package."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        id(node): function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in branch.body
    }
    for node in ast.walk(tree):
        function, is_for_types = inside.get(id(node)), id(node) in for_types
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, False, function, is_for_types)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                name = f"{base}.{alias.name}"
                target = name if name in MODULES else base
                yield Import(target, node.lineno, node.level > 0, function, is_for_types)


IMPORTS = {module: list(imports_of(module, path)) for module, path in MODULES.items()}


def ours(module: str) -> bool:
    return module == "gradc" or module.startswith("gradc.")


def may_import(importer: str, target: str) -> bool:
    """Return whether one module of the package may know another one."""
    storey, *inner = importer.split(".")[1:] or ["gradc"]
    target_storey, *target_inner = target.split(".")[1:] or ["gradc"]
    if storey not in STOREYS:
        return True  # the public names stand on top of everything
    if storey != target_storey:
        return target_storey in STOREYS[: STOREYS.index(storey)]
    if storey != "compiler" or not target_inner:
        return True
    if not inner:
        return False  # `compiler/__init__.py` runs before everything below it
    unit, target_unit = inner[0], target_inner[0]
    return (
        unit == target_unit
        or FLOOR_OF[target_unit] < FLOOR_OF[unit]
        or (unit, ".".join(target_inner)) in NEIGHBOURS
    )


def test_every_unit_of_the_compiler_has_a_floor() -> None:
    units = {name.split(".")[2] for name in MODULES if name.startswith("gradc.compiler.")}
    assert units <= set(FLOOR_OF)


def test_templates_hold_no_code() -> None:
    assert [path.name for path in files("codegen_templates")] == ["__init__.py"]


@pytest.mark.parametrize(
    ("importer", "target", "allowed"),
    [
        ("gradc.compiler.ir", "gradc.compiler.types", True),
        ("gradc.compiler.ir", "gradc.compiler.printer", False),
        ("gradc.compiler.types", "gradc.compiler.errors", True),
        ("gradc.compiler.errors", "gradc.compiler.types", False),
        ("gradc.compiler.passes.cse", "gradc.compiler.passes.dce", True),
        ("gradc.compiler.passes.cse", "gradc.compiler.frontend.trace", False),
        ("gradc.compiler.backends.numpy_source", "gradc.compiler.passes.lifetimes", True),
        ("gradc.compiler.backends.numpy_source", "gradc.compiler.passes.cse", False),
        ("gradc.compiler.pipeline", "gradc.compiler.passes.cse", True),
        ("gradc.compiler.pipeline", "gradc.runtime", False),
        ("gradc.compiler.pipeline", "gradc", False),
        ("gradc.compiler", "gradc.compiler.ir", False),
        ("gradc.runtime.cache", "gradc.compiler.pipeline", True),
        ("gradc.runtime.cache", "gradc.func", False),
        ("gradc.func", "gradc.runtime.cache", True),
    ],
)
def test_the_rule_itself(importer: str, target: str, allowed: bool) -> None:
    assert may_import(importer, target) is allowed


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    up = [
        f"line {each.line} imports {each.target}"
        for each in IMPORTS[module]
        if ours(each.target) and not may_import(module, each.target)
    ]
    assert not up


@pytest.mark.parametrize("module", MODULES)
def test_imports_of_our_own_are_relative(module: str) -> None:
    absolute = [each for each in IMPORTS[module] if ours(each.target) and not each.relative]
    assert not absolute


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top_and_are_light(module: str) -> None:
    late = [each for each in IMPORTS[module] if each.function and not heavy(each.target)]
    assert not late, "an import inside a function"
    imports = [each for each in IMPORTS[module] if not each.is_for_types]
    at_top = [each.target for each in imports if each.function is None]
    allowed = {"gradc", "numpy", *sys.stdlib_module_names}
    if is_native(module):
        allowed.add("llvmlite")
    else:
        assert not [target for target in at_top if is_native(target)]
    assert {target.partition(".")[0] for target in at_top} <= allowed


def heavy(target: str) -> bool:
    return target.partition(".")[0] in LOADED_LATE or is_native(target)


def is_native(module: str) -> bool:
    """Whether a module is imported with the native backend only."""
    return any(module == one or module.startswith((one + ".", one + "_")) for one in NATIVE)


def test_what_is_loaded_late_has_one_loader() -> None:
    loaders: dict[str, set[tuple[str, str | None]]] = {}
    for module, imports in IMPORTS.items():
        for each in imports:
            if heavy(each.target) and not is_native(module) and not each.is_for_types:
                loaders.setdefault(each.target, set()).add((module, each.function))
    assert not {target: found for target, found in loaders.items() if len(found) > 1}


@pytest.mark.parametrize("folder", ["tests", "examples", "benchmarks"])
def test_outside_the_package_its_parts_have_one_name(folder: str) -> None:
    """`import compiler` would work from the repository and load everything a second time."""
    second = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files(folder)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in imported_names(node)
        if name.partition(".")[0] in STOREYS
    ]
    assert not second


def imported_names(node: ast.AST) -> list[str]:
    """Return the absolute names that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []
