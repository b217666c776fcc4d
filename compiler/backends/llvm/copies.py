"""Functions that copy arrays from place to place.

Copies that are alike share one. Were their loops in the program's own function, LLVM's time would
grow with the square of their number: a hundred stores to rows took seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir

from ...ir import Value
from .kernel import Kernel
from .layout import dot
from .loops import loop

if TYPE_CHECKING:
    from .places import Buffer
    from .section import Section


def emit_copy(
    section: Section,
    value: Value,
    source: Buffer,
    target: ir.Value,
    strides: Sequence[int],
    adds: bool,
) -> None:
    """Emit the call that copies a value in memory.

    Args:
        section: Where it is called.
        value: The value.
        source: Where it is.
        target: Where to: the address of the first element; it shares no memory with the source.
        strides: Of the elements there.
        adds: Whether they are added to what is there.
    """
    kernels = section.emission.kernels
    key = "copy", value.type, source.strides, tuple(strides), adds
    if key not in kernels:
        kernels[key] = _function(section, value, source, strides, adds), None
    section.builder.call(kernels[key][0], [source.pointer, target])


def _function(
    section: Section, value: Value, source: Buffer, strides: Sequence[int], adds: bool
) -> ir.Function:
    kernel = Kernel(section, "copy", [value], (), 1)
    scalars, (target,) = kernel.scalars, kernel.targets
    place = source._replace(pointer=kernel.function.args[0])

    def body(index: list[Any]) -> None:
        if len(index) < value.ndim:
            extent = value.shape[len(index)]
            with loop(kernel.builder, extent) as i:
                body([*index, kernel.reader.counter(i, extent)])
            return
        lane = kernel.reader.load(value, place, index)
        to = scalars.element(target, value.dtype, dot(index, tuple(strides)))
        scalars.write(lane, to, adds)

    body([])
    kernel.builder.ret_void()
    return kernel.function
