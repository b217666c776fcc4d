"""The source of a function, as a tree that is known to be its own."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from ..fence import BINDINGS

Definition = ast.FunctionDef | ast.Lambda

FACTORY = "__gradc_factory__"

_FUTURES = 0x1FE0000  # the flags of `from __future__ import ...`


class _File(NamedTuple):
    """A source file: its text, as a number; its tree; what it imports at its top."""

    key: int
    tree: ast.Module | None
    imports: frozenset[str]


_files: dict[str, _File] = {}


def definition_of(function: FunctionType) -> Definition | None:
    """Return the definition of a function; None where there is no source that gives its code.

    The file may have been changed since, and several lambdas may stand in one line: what is
    returned was compiled, and gave the very instructions of the function.
    """
    code = function.__code__
    tree = _parsed(code.co_filename)
    if tree is None:
        return None
    found = list(_candidates(tree, code))
    if len(found) == 1 and "@pytest_ar" in function.__globals__ and _asserts(found[0]):
        return found[0]  # pytest has rewritten its asserts
    for node in found:
        try:
            compiled = compile_definition(node, function)
        except (SyntaxError, ValueError):
            continue
        if _is_same(compiled, code):
            return node
    return None


def compile_definition(node: Definition, function: FunctionType) -> CodeType:
    """Compile a definition with the closure variables and in the class of a function.

    The factory that it is wrapped in gives the variables; the class, Python's names for
    ``self.__private``.
    """
    code = function.__code__
    body: list[ast.stmt] = [_bare(node)]
    if isinstance(node, ast.FunctionDef) and node.name not in code.co_freevars:
        body.insert(0, ast.Global(names=[node.name]))  # as which it may call itself
    owner = class_of(function)
    if owner is not None:
        bound = [] if owner in code.co_freevars else [ast.Global(names=[owner])]
        owned = ast.ClassDef(name=owner, bases=[], keywords=[], body=body, decorator_list=[])
        body = [*bound, owned]
    names = [ast.arg(arg=name) for name in (BINDINGS, *code.co_freevars) if name != "__class__"]
    if "__class__" in code.co_freevars and owner is None:
        names.append(ast.arg(arg="__class__"))
    arguments = ast.arguments(
        posonlyargs=[], args=names, kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    factory = ast.FunctionDef(name=FACTORY, args=arguments, body=body, decorator_list=[])
    for one in (factory, *body):
        _without_type_params(one)
    # Python compiles calls through imported names in a way of their own.
    known = _files.get(code.co_filename)
    imports: list[ast.stmt] = [
        ast.Import(names=[ast.alias(name=name)]) for name in (known.imports if known else ())
    ]
    module = ast.fix_missing_locations(ast.Module(body=[*imports, factory], type_ignores=[]))
    flags = code.co_flags & _FUTURES
    found: CodeType = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    for _ in range(2 if owner is None else 3):
        found = next(one for one in found.co_consts if isinstance(one, CodeType))
    return found


def class_of(function: FunctionType) -> str | None:
    """Return the name of the class in whose body a function was defined."""
    # functools.wraps gives a function the name of another one; its code keeps its own.
    full: str = getattr(function.__code__, "co_qualname", function.__qualname__)
    names = full.split(".")
    for name, inner in zip(names[-2::-1], names[:0:-1], strict=True):
        if name.isidentifier() and inner != "<locals>":
            return name
    return None


def _bare(node: Definition) -> ast.stmt:
    """Return a definition without what is evaluated outside of the function."""
    if isinstance(node, ast.Lambda):
        bare = ast.Lambda(args=_without_values(node.args), body=node.body)
        return ast.copy_location(ast.Expr(ast.copy_location(bare, node)), node)
    made = ast.FunctionDef(
        name=node.name,
        args=_without_values(node.args),
        body=node.body,
        decorator_list=[],
        returns=None,
        type_comment=None,
    )
    _without_type_params(made)
    return ast.copy_location(made, node)


def _without_type_params(node: Any) -> Any:
    if type(node) in (ast.ClassDef, ast.FunctionDef):
        node.type_params = []  # which Python knows from 3.12 on
    return node


def _without_values(arguments: ast.arguments) -> ast.arguments:
    def plain(one: Any) -> Any:
        return None if one is None else ast.copy_location(ast.arg(arg=one.arg), one)

    return ast.arguments(
        posonlyargs=[plain(one) for one in arguments.posonlyargs],
        args=[plain(one) for one in arguments.args],
        vararg=plain(arguments.vararg),
        kwonlyargs=[plain(one) for one in arguments.kwonlyargs],
        kw_defaults=[None for _ in arguments.kwonlyargs],
        kwarg=plain(arguments.kwarg),
        defaults=[],
    )


def _parsed(file: str) -> ast.Module | None:
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    key = hash(text)
    known = _files.get(file)
    if known is None or known.key != key:
        try:
            tree = ast.parse(text) if text else None
        except (SyntaxError, ValueError, RecursionError):
            tree = None
        known = _files[file] = _File(key, tree, frozenset(_imports(tree)))
    return known.tree


def _imports(tree: ast.AST | None) -> Iterator[str]:
    """Yield the names that are imported outside of functions and classes."""
    for node in ast.iter_child_nodes(tree) if tree is not None else ():
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            yield from _imports(node)


def _candidates(tree: ast.Module, code: CodeType) -> Iterator[Definition]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            if code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
                yield node
        elif isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            if first == code.co_firstlineno:
                yield node


def _asserts(node: Definition) -> bool:
    return any(isinstance(one, ast.Assert) for one in ast.walk(node))


def _is_same(one: CodeType, other: CodeType) -> bool:
    """Whether two codes do the same, wherever their lines are."""
    if one.co_code != other.co_code or one.co_names != other.co_names:
        return False
    if one.co_varnames != other.co_varnames or one.co_freevars != other.co_freevars:
        return False
    if len(one.co_consts) != len(other.co_consts):
        return False
    return all(map(_is_same_constant, one.co_consts, other.co_consts))


def _is_same_constant(one: object, other: object) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return _is_same(one, other)
    if isinstance(one, str) and isinstance(other, str):
        is_qualified = "<locals>" in one and "<locals>" in other  # which the factory changes
        return one == other or is_qualified
    if isinstance(one, frozenset):
        return one == other
    return type(one) is type(other) and repr(one) == repr(other)
