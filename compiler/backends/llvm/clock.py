"""Times of the steps of a program, noted while it runs: for ``inspect`` only."""

from __future__ import annotations

from collections.abc import Sequence

import llvmlite.ir as ir

from .gemm.emission import pointer_to
from .scalars import I64, PTR

_STATUS = ir.IntType(32)
TIME = ir.LiteralStructType([I64, I64])  # C's timespec: seconds and nanoseconds


class Clock:
    """Notes when steps of a program begin, and when the last one has ended.

    The times are where ``symbol`` says: one for each of the steps, and one more. Two calls at one
    time would mix theirs.

    Args:
        module: The module of the program.
        symbol: The name of the times.
        identity: Which clock: C's ``clockid_t``, as ``time.CLOCK_MONOTONIC``.
        starts: The steps.
    """

    def __init__(
        self, module: ir.Module, symbol: str, identity: int, starts: Sequence[int]
    ) -> None:
        self._identity = identity
        self._places = {start: place for place, start in enumerate(starts)}
        kind = ir.ArrayType(TIME, len(starts) + 1)
        self._times = ir.GlobalVariable(module, kind, symbol)
        self._times.initializer = ir.Constant(kind, None)
        read = ir.FunctionType(_STATUS, [_STATUS, PTR])
        self._read = ir.Function(module, read, "clock_gettime")

    def begin(self, builder: ir.IRBuilder, step: int) -> None:
        """Note the time if a step is one of those."""
        if step in self._places:
            self._note(builder, self._places[step])

    def end(self, builder: ir.IRBuilder) -> None:
        """Note the time when the last step has ended."""
        self._note(builder, len(self._places))

    def _note(self, builder: ir.IRBuilder, place: int) -> None:
        times = pointer_to(builder, self._times)
        target = builder.gep(times, [I64(place)], inbounds=True, source_etype=TIME)
        builder.call(self._read, [_STATUS(self._identity), target])
