"""What compiling leaves, to be loaded now or by another process."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from typing import NamedTuple


class ObjectCode(NamedTuple):
    """The object code of one function; what it takes and gives is written in it.

    Attributes:
        name: The function's symbol.
        objects: Relocatable object files, to be linked to each other.
        is_arranged: Whether the function takes what users' calls pass, and gives what they get.
        is_parallel: Whether it refers to the pool of threads.
        may_fail: Whether it may raise when part of its results is written.
    """

    name: str
    objects: tuple[bytes, ...]
    is_arranged: bool
    is_parallel: bool
    may_fail: bool

    def to_bytes(self) -> bytes:
        """Return it as bytes: a line of JSON, and the files behind it."""
        flags = [self.is_arranged, self.is_parallel, self.may_fail]
        head = [self.name, flags, list(map(len, self.objects))]
        return b"".join((json.dumps(head).encode(), b"\n", *self.objects))

    @classmethod
    def from_bytes(cls, content: bytes) -> ObjectCode:
        """Return the code that was written as these bytes."""
        head, _, files = content.partition(b"\n")
        name, flags, sizes = json.loads(head)
        ends = pairwise(accumulate(sizes, initial=0))
        return cls(name, tuple(files[i:j] for i, j in ends), *flags)
