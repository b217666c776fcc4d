"""Batches of cases in processes of their own, and what came of them."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from .cases import Case, draw
from .checks import Outcome

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "tests.fuzz")
BATCH = 100  # programs, by one process
PATIENCE = 100.0  # seconds for one program

SCRIPT = '''"""{status}: {detail}"""

import sys

sys.path.insert(0, {root!r})

from tests.fuzz.arguments import Argument
from tests.fuzz.cases import Case
from tests.fuzz.checks import check

SOURCE = """\\
{source}"""

CASE = Case(
    SOURCE,
    {arguments},
    seed={seed},
    mode={mode!r},
    threads={threads},
    level={level},
)

if __name__ == "__main__":
    print(check(CASE))
'''


def script(case: Case, outcome: Outcome) -> str:
    """Return a program that shows a failure."""
    arguments = "".join(f"\n        {one!r}," for one in case.arguments)
    return SCRIPT.format(
        status=outcome.status,
        detail=outcome.detail.replace("\\", "/").replace('"', "'"),
        root=str(ROOT),
        source=case.source,
        arguments=f"({arguments}\n    )",
        seed=case.seed,
        mode=case.mode,
        threads=case.threads,
        level=case.level,
    )


@dataclass
class Tally:
    """What came of the programs so far."""

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    scripts: list[Path] = field(default_factory=list)

    def add(self, seed: int, outcome: Outcome, text: str = "") -> None:
        """Note an outcome; write the script of a failure."""
        kind = "failed" if outcome.failed else outcome.status
        self.counts[kind] += 1
        if outcome.status in ("refused", "numpy"):
            self.reasons[f"{outcome.status}: {outcome.detail}"] += 1
        if outcome.failed:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"seed_{seed}.py"
            path.write_text(text, "utf-8")
            self.scripts.append(path)
            print(f"seed {seed}: {outcome.status}: {outcome.detail}\n    {path}", flush=True)

    def __str__(self) -> str:
        total = sum(self.counts.values())
        parts = (f"{count:,} {kind}" for kind, count in self.counts.most_common())
        return f"{total:,} programs: {', '.join(parts)}"


def run_batches(
    first: int,
    count: int,
    folder: Path,
    jobs: int = 1,
    level: int | None = None,
    worker: Sequence[str] = WORKER,
) -> Tally:
    """Run many programs.

    Args:
        first: The seed of the first one.
        count: How many there are.
        folder: Where scripts of failures go.
        jobs: How many processes run at a time.
        level: Of LLVM's optimisation, if not each program's own.
        worker: The command that runs programs: see ``__main__``.
    """
    tally, lock = Tally(folder), threading.Lock()
    todo: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
    for start in range(first, first + count, BATCH):
        todo.put((start, min(start + BATCH, first + count)))
    began = time.monotonic()

    def work() -> None:
        while True:
            try:
                start, stop = todo.get_nowait()
            except queue.Empty:
                return
            while start < stop:
                start = _Batch(start, stop, level, tally, lock).run(worker)
            with lock:
                print(f"{tally} ({time.monotonic() - began:.0f} s)", flush=True)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


class _Batch:
    """A process that runs the programs of some seeds, one after the other."""

    def __init__(
        self, start: int, stop: int, level: int | None, tally: Tally, lock: threading.Lock
    ) -> None:
        self._seed, self._stop, self._level = start, stop, level
        self._tally, self._lock = tally, lock
        self._overdue = False

    def run(self, worker: Sequence[str]) -> int:
        """Run until the process ends; return the seed to go on with."""
        command = [*worker, "--worker", f"{self._seed}:{self._stop}"]
        if self._level is not None:
            command += ["--level", str(self._level)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            said: list[str] = []
            assert process.stderr is not None
            listener = threading.Thread(target=said.extend, args=(process.stderr,))
            listener.start()
            assert process.stdout is not None
            self._listen(process, process.stdout)
            process.wait()
            listener.join()
        if self._seed < self._stop:
            self._lost(process.returncode, "".join(said))
            self._seed += 1
        return self._seed

    def _listen(self, process: subprocess.Popen[str], lines: TextIO) -> None:
        while True:
            timer = threading.Timer(PATIENCE, self._end, [process])
            timer.start()
            line = lines.readline()
            timer.cancel()
            if not line:
                return
            seed, status, detail, text = json.loads(line)
            with self._lock:
                self._tally.add(seed, Outcome(status, detail), text)
            self._seed = seed + 1

    def _end(self, process: subprocess.Popen[str]) -> None:
        self._overdue = True
        process.kill()

    def _lost(self, code: int, said: str) -> None:
        """Note the program that the process died of."""
        status = "hangs" if self._overdue else f"crashes with {code}"
        case, outcome = draw(self._seed, self._level), Outcome(status, said[-1500:])
        with self._lock:
            self._tally.add(self._seed, outcome, script(case, outcome))
