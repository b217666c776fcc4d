"""The command line: ``python -m tests.fuzz --programs 1000 --seed 7``."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import sys
import traceback
import warnings
from pathlib import Path

from gradc.runtime.threads import usable_cores

from .batches import run_batches, script
from .cases import Case, draw
from .checks import Outcome, check
from .shrinking import shrink


def outcome_of(case: Case) -> Outcome:
    """Return what comes of a case; an error in the check itself is a failure too."""
    try:
        return check(case)
    except Exception as error:
        return Outcome(f"error: {type(error).__name__}", traceback.format_exc(limit=-3))


def shrunk(case: Case, outcome: Outcome) -> tuple[Case, Outcome]:
    """Return a smaller case that fails in the same way."""
    smaller = shrink(case, lambda one: outcome_of(one).status == outcome.status)
    return smaller, outcome_of(smaller)


def work(first: int, stop: int, level: int | None) -> None:
    """Run the cases of some seeds; print one line for each."""
    faulthandler.enable()
    os.environ["GRADC_CACHE_DIR"] = ""  # programs are compiled, not found
    warnings.simplefilter("ignore")
    for seed in range(first, stop):
        case, text = draw(seed, level), ""
        outcome = outcome_of(case)
        if outcome.failed:
            case, outcome = shrunk(case, outcome)
            text = script(case, outcome)
        print(json.dumps((seed, outcome.status, outcome.detail, text)), flush=True)


def main() -> int:
    """Run random programs; return 1 where some failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=20_000, help="how many (20,000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (0)")
    parser.add_argument("--jobs", type=int, default=usable_cores(), help="processes (all cores)")
    parser.add_argument("--level", type=int, help="of LLVM's optimisation (3 for most, 1 for some)")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="for failures")
    parser.add_argument("--show", type=int, help="print the program of a seed, and do nothing")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(*map(int, given.worker.split(":")), given.level)
        return 0
    if given.show is not None:
        print(script(draw(given.show, given.level), Outcome("not run")))
        return 0
    tally = run_batches(given.seed, given.programs, given.folder, given.jobs, given.level)
    for reason, count in tally.reasons.most_common(12):
        print(f"{count:6,} {reason}")
    print(tally)
    for path in sorted(tally.scripts):
        print(f"    python {path}")
    return 1 if tally.scripts else 0


if __name__ == "__main__":
    sys.exit(main())
