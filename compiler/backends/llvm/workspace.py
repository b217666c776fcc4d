"""Places in one workspace for the values of a program, from how long they live."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .gemm.tiles import rounded

ALIGNMENT = 64


def assign(sizes: Iterable[tuple[int, int, int]]) -> tuple[list[int], int]:
    """Return an offset for each block of memory, and the size of the whole.

    Blocks that are alive at one time lie apart; larger ones are placed first.

    Args:
        sizes: For each block its size in bytes, and the first and the last step in which it is
            used.

    Example:
        >>> assign([(100, 0, 2), (64, 1, 3), (100, 3, 4)])
        ([0, 128, 0], 192)
    """
    blocks = [(rounded(size, ALIGNMENT), first, last) for size, first, last in sizes]
    offsets = [0] * len(blocks)
    order = sorted(range(len(blocks)), key=lambda i: (-blocks[i][0], blocks[i][1], i))
    lives = np.array([blocks[i][1:] for i in order], np.int64).reshape(-1, 2)
    for k, i in enumerate(order):
        size, first, last = blocks[i]
        alive = np.flatnonzero((lives[:k, 0] <= last) & (first <= lives[:k, 1]))
        others = [order[j] for j in alive.tolist()]
        at = 0
        for low, high in sorted((offsets[j], offsets[j] + blocks[j][0]) for j in others):
            if at + size <= low:
                break
            at = max(at, high)
        offsets[i] = at
    ends = [offset + size for offset, (size, _, _) in zip(offsets, blocks, strict=True)]
    return offsets, max(ends, default=0)
