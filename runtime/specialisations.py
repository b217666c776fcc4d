"""What was compiled for one function, found again by the signature of a call."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ..compiler.forks import ProcessLock
from ..compiler.frontend import fence
from ..compiler.frontend.places import Place
from ..compiler.frontend.signature import Parameters, Signature, Wrt, want
from .specialisation import Specialisation


class Specialisations:
    """The specialisations of one compiled function; safe to use from several threads.

    Attributes:
        history: Why each was made, and what; in order.
    """

    def __init__(
        self, parameters: Parameters, wrt: Wrt, has_aux: bool, name: str, backend: str
    ) -> None:
        self.parameters, self.wrt = parameters, wrt
        self.has_aux, self.name, self.backend = has_aux, name, backend
        self.history: list[tuple[str, Specialisation]] = []
        self._known: dict[Any, list[Specialisation]] = {}
        self._varying: frozenset[Place] = frozenset()
        self._lock = ProcessLock()

    def find(
        self,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        differentiated: bool,
    ) -> tuple[Specialisation, Sequence[Any]]:
        """Return the code for a call, and its inputs: the leaves, and what it reads outside.

        Args:
            signature: The types of the arguments.
            values: The value of each parameter.
            leaves: The leaves of these.
            differentiated: Whether a derivative is asked for.
        """
        key = (signature, differentiated)
        found = self._made_for(key, values, leaves)
        if found is not None:
            return found
        with self._lock.held:
            found = self._made_for(key, values, leaves)
            return found or self.make(signature, values, leaves, differentiated)

    def make(
        self,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        differentiated: bool,
    ) -> tuple[Specialisation, Sequence[Any]]:
        """Compile for a call; see ``find``."""
        key = (signature, differentiated)
        with self._lock.held:
            for one in self._known.get(key, ()):
                self._varying |= one.captured.varying(values)
            wanted = want(self.parameters, signature, self.wrt) if differentiated else None
            make = functools.partial(
                Specialisation,
                *(self.parameters, signature, values, leaves, wanted, self.has_aux, self.name),
                backend=self.backend,
            )
            try:
                made = make(self._varying)
            except Exception:
                if not self._varying:
                    raise
                made = make(frozenset())  # what varies may have to be known
            self.history.append((self._reason(signature, values, leaves, differentiated), made))
            self._known.setdefault((made.signature, differentiated), []).insert(0, made)
            inputs = made.captured.complete(values, leaves)
            if inputs is None:
                raise fence.changed_meanwhile(made.captured.difference(values, leaves))
            return made, inputs

    def _made_for(
        self, key: Any, values: Sequence[Any], leaves: Sequence[Any]
    ) -> tuple[Specialisation, Sequence[Any]] | None:
        for one in self._known.get(key, ()):
            inputs = one.captured.complete(values, leaves)
            if inputs is not None:
                return one, inputs
        return None

    def _reason(
        self,
        signature: Signature,
        values: Sequence[Any],
        leaves: Sequence[Any],
        differentiated: bool,
    ) -> str:
        """Say in what a call differs from the one before that was compiled."""
        if not self.history:
            return "first call"
        for one in self._known.get((signature, differentiated), ()):
            return one.captured.difference(values, leaves)
        if (signature, not differentiated) in self._known:
            return "first gradient" if differentiated else "first value alone"
        before = self.history[-1][1].signature
        if before.trees != signature.trees:
            return "other structure or static arguments"
        changed = [
            f"{name} was {old.type} ({old.kind}), is {new.type} ({new.kind})"
            for name, old, new in zip(signature.names, before.leaves, signature.leaves, strict=True)
            if old != new
        ]
        return "; ".join(changed)
