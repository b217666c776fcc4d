"""Running an emitted product, between pages that nobody may touch."""

import ctypes
import mmap
import platform
from collections.abc import Iterator

import llvmlite.ir as ir
import numpy as np
from gradc.compiler.backends.llvm.gemm import Gemm, emit, workspace_bytes
from gradc.compiler.backends.llvm.target import Target, compile_text
from gradc.runtime.native import load

PAGE = mmap.PAGESIZE
POINTER = ir.PointerType()
IS_INTEL = platform.machine() in ("x86_64", "AMD64")
HOST = Target.host()

_libc = ctypes.CDLL(None)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def targets() -> Iterator[Target]:
    """The machine itself, and lesser ones of its kind that it can run the code of."""
    yield HOST
    if IS_INTEL:
        yield Target.named("x86-64")
        if "+avx2" in HOST.features and "+fma" in HOST.features:
            yield Target.named("x86-64-v3")


TARGETS = list(targets())
NAMES = [target.cpu or "host" for target in TARGETS]


class Fenced:
    """Memory that ends, or begins, at a page whose touch ends the process.

    Attributes:
        array: The bytes, aligned to 64 at the start or to ``align`` at the end.
    """

    def __init__(self, nbytes: int, *, at_end: bool, align: int = 1) -> None:
        pages = max(1, -(-nbytes // PAGE))
        self._map = mmap.mmap(-1, (pages + 2) * PAGE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        for address in (first, first + (pages + 1) * PAGE):
            assert _libc.mprotect(address, PAGE, 0) == 0
        start = PAGE + (pages * PAGE - nbytes if at_end else 0)
        assert (first + start) % align == 0
        self.array = np.frombuffer(self._map, np.uint8, nbytes, start)

    def hold(self, values: np.ndarray) -> np.ndarray:
        """Return an array of these values, in this memory."""
        held = self.array.view(values.dtype).reshape(values.shape)
        held[...] = values
        return held


def exported(module: ir.Module, function: ir.Function, target: Target) -> int:
    """Return the address of a function of a module, compiled and loaded for good."""
    kinds = list(function.function_type.args)
    outer = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), "exported")
    builder = ir.IRBuilder(outer.append_basic_block())
    builder.call(function, outer.args)
    builder.ret_void()
    library = load([compile_text(str(module), target).object], ["exported"])
    _LOADED.append(library)
    return library.address("exported")


_LOADED: list[object] = []


def compiled(spec: Gemm, target: Target = HOST):
    """Return the product as a Python function of four addresses."""
    module = ir.Module()
    address = exported(module, emit(module, spec, target), target)
    return ctypes.CFUNCTYPE(None, *([ctypes.c_void_p] * 4))(address)


def workspace(nbytes: int) -> np.ndarray:
    """Return memory aligned to 64, with guards behind it."""
    rounded = -(-nbytes // 64) * 64
    fenced = Fenced(rounded, at_end=True, align=64)
    fenced.array[...] = 255  # NaN where it is read before it is written
    return fenced.array


def strides(array: np.ndarray) -> tuple[int, int]:
    """Return the strides of a matrix in elements."""
    return tuple(step // array.itemsize for step in array.strides)


def product(a, b, c, target: Target = HOST, **options) -> np.ndarray:
    """Compute into ``c``, in place, and return it."""
    spec = Gemm(str(a.dtype), a.shape[0], b.shape[1], a.shape[1], strides(a), strides(b),
                strides(c), **options)  # fmt: skip
    space = workspace(workspace_bytes(spec, target))
    addresses = [array.ctypes.data for array in (a, b, c)]
    compiled(spec, target)(*addresses, space.ctypes.data)
    return c


def bound(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return what a sum of products may be off by, whatever its order: k ulp of absolute values.

    Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
    """
    unit = np.finfo(a.dtype).eps / 2
    return (a.shape[1] + 1) * unit * (np.abs(a).astype("f8") @ np.abs(b).astype("f8"))


def difference(found: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how far a product is from the exact one, summed in long doubles."""
    return np.abs(found - a.astype(np.longdouble) @ b.astype(np.longdouble)).astype("f8")
