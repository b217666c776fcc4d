"""Ctrl-C ends a long call: within loops, and between the kernels of what is straight."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

LONGEST = 300  # seconds until what runs in a process of its own counts as hanging


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends a signal to itself")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("straight", "__call__"),
        ("straight", "value_and_grad"),
        ("products", "value_and_grad"),
        ("counted", "__call__"),
        ("endless", "__call__"),
    ],
)
def test_interrupted(name, mode):
    """Long before its end, and again when it is called again."""
    script = Path(__file__).with_name("signal_jobs.py")
    done = subprocess.run(
        [sys.executable, script, name, mode], capture_output=True, text=True, timeout=LONGEST
    )
    assert done.returncode == 0, done.stderr
    shares = ast.literal_eval(done.stdout)
    assert len(shares) == 2
    assert max(shares) < 0.4  # after the first fifth; a call that was not interrupted has 0.8
