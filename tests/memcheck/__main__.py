"""The command line: ``python -m tests.memcheck [name ...]``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from .build import missing, run
from .programs import PROGRAMS


def main(names: list[str]) -> int:
    """Run the programs whose names contain one of these; return 1 where something is wrong."""
    absent = missing()
    if absent is not None:
        print(f"memcheck needs {absent}: nothing was checked")
        return 0
    failed = 0
    for program in PROGRAMS:
        if names and not any(name in program.name for name in names):
            continue
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                run(program, Path(folder))
            outcome = "clean"
        except Exception as error:
            failed += 1
            outcome = f"{type(error).__name__}: {error}"
        print(f"{program.name}: {outcome} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{failed} failed" if failed else "all clean")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
