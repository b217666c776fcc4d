"""Runs emitted modules where nothing but NumPy can be imported. Started as a script.

    python -I -S alone.py FOLDER SITE

FOLDER holds, for each module `name.py`, what it is called with in `name.pickle`; SITE is where
NumPy lies. Prints, as JSON, what was wrong with each module.
"""

import json
import pickle
import runpy
import sys
import traceback
from pathlib import Path


def run(path, np):
    """Call the one function of a module and compare what it returns."""
    job = pickle.loads(path.with_suffix(".pickle").read_bytes())
    scope = runpy.run_path(str(path))
    callbacks = {label: eval(text, {"np": np}) for label, text in job["callbacks"].items()}
    results = scope[job["function"]](*job["leaves"], **callbacks)
    results = results if isinstance(results, tuple) else (results,)
    assert len(results) >= len(job["expected"]), f"returned {len(results)} results"
    for result, expected in zip(results, job["expected"], strict=False):
        # The very code that ran before: the same bits.
        np.testing.assert_array_equal(result, expected, strict=isinstance(expected, np.ndarray))


def main(folder, site):
    sys.path.append(site)
    # In a real installation gradc lies beside NumPy: importing it fails all the same.
    sys.modules["gradc"] = None
    import numpy as np  # noqa: PLC0415 - found only now

    report = {}
    for path in sorted(Path(folder).glob("*.py")):
        try:
            run(path, np)
        except Exception:
            report[path.stem] = traceback.format_exc()
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
