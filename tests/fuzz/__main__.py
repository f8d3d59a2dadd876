"""`python -m tests.fuzz`: many cases, in child processes that may crash or hang without taking the rest with them.

    python -m tests.fuzz --count 10000            cases 0 to 9999
    python -m tests.fuzz --first 4000 --count 100
    python -m tests.fuzz --only 4711              one case, with its traceback
    python -m tests.fuzz --truth --count 3000     mutants whose every `ok` a second decoder checks; see `truth`

A case is known by its number, so a failure is repeated by it. Exit status: 1 when any case failed.
"""

from __future__ import annotations

import argparse
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HANG = 60.0  # seconds that one case may take on a busy machine
MEMORY = 1_000_000_000  # bytes by which one case may make its process grow
FRESH = 500  # cases after which a child is replaced


@dataclass
class Outcome:
    """What became of many cases. failures: (number, what was wrong)."""

    results: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.results.values()) + len(self.failures)


def child(first: int, last: int, step: int, truth: bool) -> None:
    """Do the cases and say so on stdout: `start N`, then `done N WHAT` or `failed N WHY`."""
    import resource

    from tests.fuzz.cases import Broken, run_case
    from tests.fuzz.world import build

    report = os.fdopen(os.dup(1), "w", buffering=1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # what libraries print by themselves
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="poisonkit-fuzz-") as folder:
        world = build(Path(folder))
        for number in range(first, last, step):
            print(f"start {number}", file=report)
            place = Path(folder, "places", str(number))
            place.mkdir(parents=True)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            try:
                said = f"done {number} {run_case(world, number, place, truth)}"
                grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak)
                if grown > MEMORY:
                    said = f"failed {number} it took {grown >> 20} MiB"
            except Broken as error:
                said = f"failed {number} {' '.join(str(error).split())}"
            except BaseException:  # noqa: BLE001 - that is what is looked for
                said = f"failed {number} {' | '.join(traceback.format_exc().splitlines()[-6:])}"
            print(said[:1500].encode("utf-8", "backslashreplace").decode(), file=report)
            shutil.rmtree(place, ignore_errors=True)


def watched(first: int, last: int, step: int, truth: bool) -> Iterator[tuple[int, bool, str]]:
    """(number, whether it held, what it came to) of every case, children replaced as they die."""
    at, vain = first, 0
    while at < last:
        end = min(last, at + FRESH * step)
        words = [sys.executable, "-m", "tests.fuzz", "--child", str(at), str(end), str(step)]
        if truth:
            words.append("--truth")
        running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, errors="replace")
        assert running.stdout is not None
        current, why = None, "its process died"
        with selectors.DefaultSelector() as ready:
            ready.register(running.stdout, selectors.EVENT_READ)
            while True:
                if not ready.select(HANG):
                    why = f"it took more than {HANG:g} s"
                    running.kill()
                    break
                line = running.stdout.readline()
                if not line:
                    break
                word, _, rest = line.strip().partition(" ")
                number, _, what = rest.partition(" ")
                if word == "start":
                    current = int(number)
                elif word in ("done", "failed"):
                    yield int(number), word == "done", what
                    at, current = int(number) + step, None
        status = running.wait()
        running.stdout.close()
        if current is not None:
            yield current, False, why if status > 0 or "took" in why else f"{why} by signal {-status}"
            at = current + step
        elif status and vain < 3:  # killed between two cases, by somebody who needed the memory
            vain += 1
        elif status:
            raise SystemExit(f"The child that makes what is mutated failed (status {status}); see --only {at}.")


def fuzz(first: int, count: int, jobs: int = 1, tell: bool = False, truth: bool = False) -> Outcome:
    """Cases `first` to `first + count - 1`, in `jobs` processes at a time. truth: those of `truth`."""
    from concurrent.futures import ThreadPoolExecutor

    began, outcome = time.monotonic(), Outcome()

    def one(lane: int) -> None:
        for number, held, what in watched(first + lane, first + count, jobs, truth):
            if held:
                outcome.results[what] += 1
            else:
                outcome.failures.append((number, what))
                if tell:
                    print(f"case {number}: {what}", flush=True)
            if tell and outcome.count % 250 == 0:
                rate = outcome.count / (time.monotonic() - began)
                print(f"{outcome.count} cases, {len(outcome.failures)} failures, {rate:.1f} a second", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, range(jobs)))
    outcome.failures.sort()
    outcome.seconds = time.monotonic() - began
    return outcome


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int)
    parser.add_argument("--truth", action="store_true", help="mutants whose every `ok` a second decoder checks")
    parser.add_argument("--child", type=int, nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child, asked.truth)
        return 0
    if asked.only is not None:
        from tests.fuzz.cases import run_case
        from tests.fuzz.world import build

        with tempfile.TemporaryDirectory(prefix="poisonkit-fuzz-") as folder:
            world, place = build(Path(folder)), Path(folder, "places", "one")
            place.mkdir(parents=True)
            print(run_case(world, asked.only, place, asked.truth))
        return 0
    outcome = fuzz(asked.first, asked.count, asked.jobs, tell=True, truth=asked.truth)
    for what, n in sorted(outcome.results.items()):
        print(f"{n:6d}  {what}")
    print(
        f"{outcome.count} cases in {outcome.seconds:.0f} s, {outcome.count / outcome.seconds:.1f} a second, "
        f"{len(outcome.failures)} failures"
    )
    if outcome.failures:
        again = "--truth --only" if asked.truth else "--only"
        print(f"Again: python -m tests.fuzz {again} {outcome.failures[0][0]}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
