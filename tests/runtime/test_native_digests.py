"""Object files are the same in every process, whatever it compiled before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .native_digests import PROGRAMS

NAMES = [function.__name__ for function in PROGRAMS]


def digests(seed: str, *before: str) -> dict[str, str]:
    """Return those of all programs, from a process that compiled some before."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("native_digests.py"), *before],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.slow
def test_two_processes_compile_the_same_bytes():
    """Nothing in them is an address, the order of a set, or a number that counts programs.

    There are products, loops, threads, errors, scattering and calls of Python in these programs.
    """
    first = digests("1")
    assert list(first) == NAMES
    assert len(set(first.values())) == len(NAMES)
    assert first == digests("2", *reversed(NAMES))
