"""Forks of this process: what they wait for, and locks that a child has anew.

Of all threads a forked child has the one that forked. What another one was doing stays half done
there, and a lock that it held is held for ever.
"""

from __future__ import annotations

import functools
import os
import threading
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING
from weakref import WeakSet

importing = threading.RLock()
"""To be held by what imports at first use: a child could not go on with an import of another
thread's, and Python does not free the locks of modules in it."""

_awaited: list[AbstractContextManager[object]] = [importing]


class ProcessLock:
    """A lock that a forked child has anew, so that only the thread that forked may hold it.

    What it protects has to be right whenever Python may go on with another thread.

    Attributes:
        held: To enter: a re-entrant lock.
    """

    def __init__(self) -> None:
        self.renew()
        _renewed.add(self)

    def renew(self) -> None:
        """Be free, but for those who have entered and leave later."""
        self.held = threading.RLock()


_renewed: WeakSet[ProcessLock] = WeakSet()


def wait_for(lock: AbstractContextManager[object]) -> None:
    """Let forks wait for a lock, so that what it protects is never half done in a child.

    It is re-entrant. Who holds it waits for no other locks but those that are given here later.
    """
    _awaited.append(lock)


if TYPE_CHECKING:
    from functools import cached_property as cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801 - as Python's
        """Python's, without the lock that it has in 3.10 and 3.11, one for all objects of a class.

        That would stay held in a forked child. Two threads may compute the same value, one of which
        is kept.
        """

        def __get__(self, instance, owner=None):
            """Return the value, which is computed once."""
            if instance is None:
                return self
            found = vars(instance)
            if self.attrname not in found:
                found[self.attrname] = self.func(instance)
            return found[self.attrname]


class _Held(threading.local):
    """The locks that a fork in this thread holds."""

    def __init__(self) -> None:
        self.locks = ExitStack()


_held = _Held()


def _hold() -> None:
    _held.locks = ExitStack()
    for lock in tuple(_awaited):
        _held.locks.enter_context(lock)


def _release() -> None:
    _held.locks.close()


def _start_child() -> None:
    _release()
    for lock in _renewed:
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_start_child)
