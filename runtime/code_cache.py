"""Compiled code on disk, so that a program that runs again need not be compiled again.

A file holds the code of one function, under the digest of all that decides it. It is written whole
or not at all, and checked when it is read. Whatever is wrong with the folder or with a file, code
is compiled as if there were none.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..compiler.errors import GradcError

FOLDER = "GRADC_CACHE_DIR"
"""The environment variable that says where the folder is; if it is empty, nothing is kept."""
LIMIT = "GRADC_CACHE_MEGABYTES"
"""The environment variable that says how much is kept, in units of 1,000,000 bytes."""

_MEGABYTES = 256
_MARK = b"gradc code 1\n"
_SUFFIX = ".code"
_DIGEST_BYTES = 32
_HOUR = 3600.0  # after which the time of a file is set anew when it is used


class CodeCache(NamedTuple):
    """A folder of code.

    Attributes:
        folder: Where it is; it is made when something is kept.
        limit: How many bytes it may hold; what was not used for longest goes first.
    """

    folder: Path
    limit: int

    def find(self, key: str) -> bytes | None:
        """Return what was kept under a key; None if there is none, or it is not what was kept."""
        path = self._path(key)
        try:
            if not self._is_ours():
                return None
            found = path.read_bytes()
            age = path.stat().st_mtime
        except OSError:
            return None
        start = len(_MARK) + _DIGEST_BYTES
        content = found[start:]
        if found[:start] != _head(key, content):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            if time.time() - age > _HOUR:
                os.utime(path)
        return content

    def keep(self, key: str, content: bytes) -> None:
        """Keep something under a key, if there is room for it and the folder can be written to."""
        if len(content) > self.limit:
            return
        part = self.folder / f"{os.urandom(8).hex()}.part"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_ours():
                return
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_head(key, content) + content)
            part.replace(self._path(key))
            self._shrink()
        except OSError:
            with suppress(OSError):
                part.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / (key + _SUFFIX)

    def _is_ours(self) -> bool:
        """Whether nobody else can write to the folder: what lies there is going to be run."""
        if not hasattr(os, "getuid"):  # Windows has no such owners
            return True
        found = self.folder.stat()
        return found.st_uid == os.getuid() and not found.st_mode & 0o022

    def _shrink(self) -> None:
        """Remove what was not used for longest, as far as there is too much."""
        found = []
        for one in os.scandir(self.folder):
            with suppress(OSError):  # another process may have removed it
                if one.name.endswith((_SUFFIX, ".part")):
                    status = one.stat()
                    found.append((status.st_mtime, status.st_size, one.path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.limit:
                return
            with suppress(OSError):
                os.unlink(path)
            total -= size


def code_cache() -> CodeCache | None:
    """Return the cache that the environment asks for; None if it asks for none.

    Raises:
        GradcError: The limit is no number.
    """
    given = os.environ.get(FOLDER)
    if given is not None and not given.strip():
        return None
    limit = os.environ.get(LIMIT, "").strip() or str(_MEGABYTES)
    if not limit.isdecimal():
        raise GradcError(
            f"the environment variable {LIMIT} is no number of megabytes",
            got=repr(limit),
            fix=f"say {LIMIT}=512, or {FOLDER}= for no cache",
        )
    try:
        folder = Path(given).expanduser() if given else _users_caches() / "gradc"
    except RuntimeError:  # there is no home
        return None
    return CodeCache(folder, int(limit) * 1_000_000)


def _users_caches() -> Path:
    """Return where the system wants a user's caches.

    Sources: the XDG Base Directory Specification; Apple's File System Programming Guide;
    Microsoft's list of known folders.
    """
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given) if os.path.isabs(given) else Path.home() / ".cache"


def _head(key: str, content: bytes) -> bytes:
    """Return what stands before a content: a digest that also says under which key it was kept."""
    return _MARK + hashlib.sha256(key.encode() + content).digest()
