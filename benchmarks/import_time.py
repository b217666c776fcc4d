"""How long `import gradc` takes beyond `import numpy`."""

from __future__ import annotations

import os
import subprocess
import sys

LIMIT = 60e-3  # seconds
_NO_CACHE = "PYTHONDONTWRITEBYTECODE"

_PROBE = """
import numpy
from time import perf_counter
start = perf_counter()
import gradc
print(perf_counter() - start)
"""


def with_bytecode() -> dict[str, str]:
    """Return an environment in which Python keeps the bytecode of modules, as it does for users."""
    return {name: value for name, value in os.environ.items() if name != _NO_CACHE}


def import_seconds(processes: int = 10) -> float:
    """Return the shortest time of several fresh processes, in seconds.

    The bytecode is cached, as it is for whoever imports a library a second time.
    """
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _PROBE],
            check=True,
            capture_output=True,
            text=True,
            env=with_bytecode(),
        )
        for _ in range(processes)
    ]
    return min(float(output.stdout) for output in outputs)
