"""Counted loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from .scalars import I64


@contextmanager
def loop(builder: ir.IRBuilder, stop: Any, start: Any = 0, step: int = 1) -> Iterator[ir.Value]:
    """Emit ``for i in range(start, stop, step)``; what is emitted within is its body.

    Bounds are ints or computed; a range of which a bound is computed has one place at least.
    """
    before = builder.block
    body = builder.append_basic_block("loop")
    after = builder.append_basic_block("end")
    is_empty = isinstance(start, int) and isinstance(stop, int) and start >= stop
    builder.branch(after if is_empty else body)
    builder.position_at_end(body)
    counter = builder.phi(I64, "i")
    if not is_empty:
        counter.add_incoming(number(start), before)
    yield counter
    following = builder.add(counter, I64(step), flags=["nuw", "nsw"])
    counter.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, number(stop)), body, after)
    builder.position_at_end(after)


def number(bound: Any) -> ir.Value:
    """Return a bound as an operand."""
    return I64(bound) if isinstance(bound, int) else bound
