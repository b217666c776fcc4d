"""Small kernels with their entries from Python, for the tests of these."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import llvmlite.ir as ir
import numpy as np
from gradc.compiler.backends.llvm.entry import emit_entry
from gradc.compiler.backends.llvm.entry_layout import INT, POINTER, SIZE, VOID
from gradc.compiler.backends.llvm.entry_signature import Argument, Result, Tree
from gradc.compiler.backends.llvm.target import Target, compile_text
from gradc.runtime.entry import bind, exported
from gradc.runtime.native import Library, load

DOUBLE = ir.DoubleType()
Body = Callable[[ir.IRBuilder, Sequence[Any]], Any]


def array(*shape: int, dtype: Any = np.float64, written: bool = False) -> Argument:
    return Argument("array", np.dtype(dtype), shape, written)


def number(kind: str, dtype: Any) -> Argument:
    return Argument(kind, np.dtype(dtype))


def fresh(*shape: int, dtype: Any = np.float64) -> Result:
    return Result(np.dtype(dtype), shape)


def scalar(dtype: Any = np.float64) -> Result:
    return Result(np.dtype(dtype), (), "scalar")


def argument(index: int) -> Result:
    return Result(np.dtype(np.float64), (), "argument", index)


def emit(
    body: Body,
    arguments: Sequence[Argument],
    results: Sequence[Result],
    tree: Tree,
    workspace_bytes: int = 0,
    release: bool = False,
) -> ir.Module:
    """Return a module with an entry called "f".

    ``body(builder, pointers)`` emits the kernel, whose last pointer is the workspace; it returns
    the status, or None for a kernel that cannot fail.
    """
    module = ir.Module("test")
    written = [one for one in results if one.kind != "argument"]
    pointers = [POINTER] * (len(arguments) + len(written) + 1)
    probe = ir.IRBuilder(
        ir.Function(ir.Module(), ir.FunctionType(VOID, pointers), "probe").append_basic_block()
    )
    fails = body(probe, probe.function.args) is not None
    kind = ir.FunctionType(INT if fails else VOID, pointers)
    kernel = ir.Function(module, kind, "kernel")
    kernel.linkage = "internal"
    builder = ir.IRBuilder(kernel.append_basic_block())
    status = body(builder, kernel.args)
    if fails:
        builder.ret(status)
    else:
        builder.ret_void()
    emit_entry(module, "f", kernel, arguments, results, tree, workspace_bytes, release=release)
    return module


def loaded(module: ir.Module, symbols: Mapping[str, int] | None = None) -> Library:
    compiled = compile_text(str(module), Target.host(), level=1)
    return load([compiled.object], exported("f"), symbols)


def bound(fallback: Callable[..., Any], *parts: Any, **options: Any) -> Callable[..., Any]:
    """Return the entry that ``emit(*parts, **options)`` makes."""
    return bind(loaded(emit(*parts, **options)), "f", fallback)


def outside(builder: ir.IRBuilder, name: str, returns: Any, *values: Any) -> Any:
    """Emit the call of an external function."""
    module = builder.module
    if name not in module.globals:
        kind = ir.FunctionType(returns, [one.type for one in values])
        ir.Function(module, kind, name)
    return builder.call(module.globals[name], values)


def element(builder: ir.IRBuilder, base: Any, index: int, kind: Any = DOUBLE) -> Any:
    """Emit the address of an element."""
    return builder.gep(base, [SIZE(index)], source_etype=kind)


def squares(builder: ir.IRBuilder, pointers: Sequence[Any]) -> None:
    """The second pointer gets the squares of the first one's eight float64."""
    for i in range(8):
        value = builder.load(element(builder, pointers[0], i), typ=DOUBLE)
        builder.store(builder.fmul(value, value), element(builder, pointers[1], i))


def sum_and_squares(builder: ir.IRBuilder, pointers: Sequence[Any]) -> None:
    """The second pointer gets the sum of the squares, the third one the squares."""
    total: Any = DOUBLE(0.0)
    squares(builder, [pointers[0], pointers[2]])
    for i in range(8):
        square = builder.load(element(builder, pointers[2], i), typ=DOUBLE)
        total = builder.fadd(total, square)
    builder.store(total, pointers[1])


def copies(*nbytes: int) -> Body:
    """A kernel that copies argument i, of so many bytes, into result i."""

    def body(builder: ir.IRBuilder, pointers: Sequence[Any]) -> None:
        for source, target, count in zip(pointers, pointers[len(nbytes) :], nbytes, strict=False):
            for i in range(count):
                byte = builder.load(element(builder, source, i, ir.IntType(8)), typ=ir.IntType(8))
                builder.store(byte, element(builder, target, i, ir.IntType(8)))

    return body


def slow(*args: Any, **kwargs: Any) -> Any:
    """What the fallback says."""
    return "slow", args, kwargs


def is_slow(entry: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Whether the fallback got exactly these objects."""
    result = entry(*args, **kwargs)
    if not isinstance(result, tuple) or result[:1] != ("slow",):
        return False
    same = all(got is given for got, given in zip(result[1], args, strict=True))
    return same and result[2] == kwargs
