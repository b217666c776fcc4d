"""An object with state of every kind, which compiled code changes beside plain Python."""

import math
from typing import Any

import numpy as np

X = np.array([1.0, -2.0, 3.0])
MODES = ("__call__", "grad", "value_and_grad", "vjp")


def run(compiled: Any, mode: str, *args: Any) -> Any:
    """Call a mode; a pullback is called too: it must change nothing more."""
    result = getattr(compiled, mode)(*args)
    if mode == "vjp":
        result[1](np.ones_like(result[0]))
    return result


class Model:
    """State of every kind; ``twin`` has the same."""

    total = 0

    def __init__(self):
        self.w = X.copy()
        self.buffer = np.zeros(3)
        self.steps = 0
        self.best = math.inf
        self.table = {"loss": 0.0, "w": X.copy()}
        self.rows = [X.copy(), 1.0]
        self.last = None
        self._rate = 0.5

    @property
    def rate(self):
        return self._rate

    @rate.setter
    def rate(self, value):
        self._rate = value * 2

    def update(self, x):
        loss = np.sum((self.w - x) ** 2)
        self.buffer[:] = 0.9 * self.buffer + x
        self.w = self.w - 0.1 * self.buffer
        self.steps += 1
        self.rate = self.rate * 0.5 + 0.1
        self.table["loss"] = self.table["loss"] + loss
        self.table["w"] = self.table["w"] * 2
        self.rows[1] += float(x[0])
        self.rows[0][1] = x[1]
        self.last = {"loss": loss, "seen": (x[0], self.steps), "name": "last"}
        type(self).total += 1
        return loss


def state_of(model):
    """All its numbers and arrays, in order."""
    last = model.last or {"loss": 0.0, "seen": (0.0, 0)}
    return [
        *(model.w, model.buffer, model.steps, model.rate, model.table["loss"], model.table["w"]),
        *(*model.rows, last["loss"], *last["seen"]),
    ]
