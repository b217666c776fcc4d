"""How long `import gradc` takes beyond `import numpy`."""

from __future__ import annotations

import subprocess
import sys

LIMIT = 60e-3  # seconds

_PROBE = """
import numpy
from time import perf_counter
start = perf_counter()
import gradc
print(perf_counter() - start)
"""


def import_seconds(processes: int = 10) -> float:
    """Return the shortest time of several fresh processes, in seconds."""
    outputs = [
        subprocess.run([sys.executable, "-c", _PROBE], check=True, capture_output=True, text=True)
        for _ in range(processes)
    ]
    return min(float(output.stdout) for output in outputs)
