"""How large the blocks of a product are, for a machine and a shape."""

from __future__ import annotations

from typing import NamedTuple

from ..target import Target
from .emission import SIZES

# Rows and vectors of the tile in registers, by what the machine has: 32 registers hold 28 sums,
# two vectors of b and a factor; 16 hold 12, 2 and 1. Without fused multiply-add one more is
# needed for the product before it is added.
_WIDE_TILE = (14, 2)  # AVX-512
_MIDDLE_TILE = (6, 2)  # AVX, AVX2
_ARM_TILE = (8, 3)  # 32 registers of 16 bytes
_NARROW_TILE = (4, 2)  # SSE

# The depth of a block: the deeper, the less often a result is added to; panels come from the
# second-level cache, asked for ahead. Of 256, 384, 512 and 700 this was the fastest at 512 to 2048.
# The bits of a result depend on it (and on the lanes alone besides): it is the same everywhere.
_DEPTH = {"float32": 512, "float64": 512}
_LEFT_BYTES = 512 * 1024  # of packed a: it stays in the second-level cache
_RIGHT_BYTES = 8 * 1024 * 1024  # of packed b: in the third-level cache


class Tiles(NamedTuple):
    """Sizes in elements.

    Attributes:
        rows: Of a tile.
        vectors: Of a row of a tile.
        lanes: Of a vector.
        edge_rows: Of the tiles at the lower edge.
        edge_vectors: Of a row of the tiles at the right edge.
        depth: Of a block.
        left: Rows of ``a`` that are packed at a time; a multiple of ``rows``.
        right: Columns of ``b`` that are packed at a time; a multiple of a tile's columns.
    """

    rows: int
    vectors: int
    lanes: int
    edge_rows: int
    edge_vectors: int
    depth: int
    left: int
    right: int

    @property
    def columns(self) -> int:
        """Of a tile."""
        return self.vectors * self.lanes


def lanes_of(dtype: str, target: Target) -> int:
    """Return how many elements a vector register holds."""
    return target.vector_bytes // SIZES[dtype]


def register_tile(target: Target) -> tuple[int, int]:
    """Return the rows and vectors of the largest tile that stays in registers."""
    if target.vector_bytes >= 64:
        return _WIDE_TILE
    if target.vector_bytes >= 32:
        return _MIDDLE_TILE
    return _ARM_TILE if target.triple.startswith(("aarch64", "arm64")) else _NARROW_TILE


def registers(target: Target) -> int:
    """Return how many vector registers a tile may fill."""
    return 16 if register_tile(target) in (_MIDDLE_TILE, _NARROW_TILE) else 32


def most_depth(dtype: str) -> int:
    """Return the length of the longest chain of sums."""
    return _DEPTH[dtype]


def tiles(dtype: str, m: int, n: int, k: int, target: Target) -> Tiles:
    """Return the sizes for a product ``(m, k) @ (k, n) -> (m, n)``.

    Edge tiles have an even number of rows: a program with many shapes compiles few kernels.
    """
    rows, vectors = register_tile(target)
    lanes, size = lanes_of(dtype, target), SIZES[dtype]
    rest_rows, rest_columns = m % rows, n % (vectors * lanes)
    edge_rows = min(rows, rest_rows + (rest_rows > 1) * rest_rows % 2) or rows
    edge_vectors = -(-rest_columns // lanes) or vectors
    depth = even_split(k, _DEPTH[dtype])
    left = max(1, _LEFT_BYTES // (size * depth * rows)) * rows
    right = max(1, _RIGHT_BYTES // (size * depth * vectors * lanes)) * vectors * lanes
    return Tiles(
        rows, vectors, lanes, edge_rows, edge_vectors, depth,
        min(left, rounded(m, rows)), min(right, rounded(n, vectors * lanes)),
    )  # fmt: skip


def even_split(extent: int, most: int) -> int:
    """Return the size of equal blocks of an extent, none above the most."""
    blocks = max(1, -(-extent // most))
    return max(1, -(-extent // blocks))


def rounded(extent: int, unit: int) -> int:
    """Return the extent rounded up to a multiple of a unit."""
    return -(-extent // unit) * unit
