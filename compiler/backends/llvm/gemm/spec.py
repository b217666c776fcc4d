"""What is to be multiplied."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Gemm:
    """A product ``(m, k) @ (k, n) -> (m, n)`` of matrices of known shape and layout.

    Strides are pairs (between rows, between columns), in elements; negative ones and zeros are
    right for ``a`` and ``b``. The elements of ``c`` lie apart
    from each other and from ``a`` and ``b``.

    Attributes:
        dtype: "float32" or "float64".
        m: Rows of ``a`` and ``c``.
        n: Columns of ``b`` and ``c``.
        k: Columns of ``a``, rows of ``b``. Without any, the product is zero.
        a: Strides of the left matrix.
        b: Strides of the right matrix.
        c: Strides of the result.
        accumulate: Whether the product is added to what ``c`` holds.
    """

    dtype: str
    m: int
    n: int
    k: int
    a: tuple[int, int]
    b: tuple[int, int]
    c: tuple[int, int]
    accumulate: bool = False

    @property
    def is_swapped(self) -> bool:
        """Whether the product is done as ``c.T = b.T @ a.T``."""
        if self.n == 1:
            return self.m > 1 and self.c[0] == 1
        return self.m > 1 and self.c[1] != 1 and self.c[0] == 1

    def ordered(self) -> Gemm:
        """Return the product with dense rows of ``c`` where it can; strides of no use are 1."""
        spec = self.swapped() if self.is_swapped else self
        (a_rows, a_columns), (b_rows, b_columns), (c_rows, c_columns) = spec.a, spec.b, spec.c
        if spec.m == 1:
            a_rows = c_rows = 1
        if spec.n == 1:
            b_columns = c_columns = 1
        if spec.k == 1:
            a_columns = b_rows = 1
        a, b, c = (a_rows, a_columns), (b_rows, b_columns), (c_rows, c_columns)
        return replace(spec, a=a, b=b, c=c)

    def swapped(self) -> Gemm:
        """Return the same product as that of the transposed matrices in the other order."""
        return replace(self, m=self.n, n=self.m, a=self.b[::-1], b=self.a[::-1], c=self.c[::-1])
