"""Two commits of poisonkit side by side, interleaved: what changed in CPU time beyond noise, and whose bytes differ.

    python benchmarks/compare.py v1.0 HEAD
    python benchmarks/compare.py main my-branch --rounds 15 h264:blend wav:sine

Each commit is checked out into a git worktree of its own and runs in a process of its own, with this Python. A third
process runs OLD a second time: how far OLD is from itself is the noise. A case has changed where the 95 % interval of
the median of NEW / OLD, from pairs within a round, leaves out 1, and the median is farther from 1 than OLD is from
itself, and than 2 %.
A commit's own benchmarks/main_job.py says how to call its worker (`poisonkit_once`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).resolve().parent
CASES = ("avi:blend", "h264:blend", "h264:wanet", "h264:frame-lag", "wav:sine", "h264:sine", "start")
LEAST = 0.02
DRAWS = 2000

WORKER = """
import gc, json, os, resource, subprocess, sys
sys.path.insert(0, os.path.join(sys.argv[1], "benchmarks"))
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from main_job import poisonkit_once
from poisonkit import triggers
from poisonkit.engine.executors.threads import pin
assert Path(triggers.__file__).resolve().is_relative_to(Path(sys.argv[1]).resolve()), triggers.__file__
pin()
def cpu():
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
reply, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    source, target, name = json.loads(line)
    gc.collect()
    before = cpu()
    if name == "start":
        call = [sys.executable, "-m", "poisonkit", "triggers"]
        subprocess.run(call, env={**os.environ, "PYTHONPATH": sys.argv[1]}, check=True, stdout=subprocess.DEVNULL)
    else:
        poisonkit_once(Path(source), Path(target), triggers.create(name, **({"alpha": 0.1} if name == "blend" else {})))
    print(json.dumps(cpu() - before), file=reply, flush=True)
"""


class Worker:
    """A process that runs one commit's code on what it is told."""

    def __init__(self, tree: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tree)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tree,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def seconds(self, source: Path, target: Path, trigger: str) -> float:
        """CPU seconds of one job."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(source), str(target), trigger]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("A commit's worker stopped; what it says is above.")
        return float(json.loads(answer))


def git(*words: str) -> str:
    """What git says, in this repository."""
    return subprocess.run(["git", "-C", str(HERE), *words], check=True, capture_output=True, text=True).stdout.strip()


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """The median and its 95 % interval, by bootstrap."""
    import numpy as np

    rng = np.random.default_rng(0)
    drawn = np.median(rng.choice(ratios, (DRAWS, len(ratios))), axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return statistics.median(ratios), float(low), float(high)


def verdict(new: tuple[float, float, float], noise: tuple[float, float, float]) -> str:
    """`faster`, `slower` or `no change seen`, of the ratios NEW / OLD and OLD / OLD."""
    median, low, high = new
    floor = max(LEAST, abs(noise[0] - 1))
    if low > 1 and median - 1 > floor:
        return "slower"
    if high < 1 and 1 - median > floor:
        return "faster"
    return "no change seen"


def checksum(path: Path) -> str:
    """Of a file, or of a folder's files in order."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def measure(case: str, workers: dict[str, Worker], rounds: int, folder: Path) -> tuple[dict[str, list[float]], bool]:
    """Seconds of each round by worker, and whether the outputs of OLD and NEW are the same bytes."""
    from scenes import CLIPS, make_source

    clip, _, trigger = case.rpartition(":")
    suffix = CLIPS[clip].suffix if clip else ""
    source = folder / f"source{suffix}"
    if clip:
        make_source(source, CLIPS[clip])
    targets = {name: folder / f"{number}{suffix}" for number, name in enumerate(workers)}
    spent: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(rounds + 1):
        order = list(workers) if turn % 2 else list(workers)[::-1]
        for name in order:
            took = workers[name].seconds(source, targets[name], trigger)
            if turn:
                spent[name].append(took)
    return spent, not clip or checksum(targets["old"]) == checksum(targets["new"])


def row(case: str, spent: dict[str, list[float]], same: bool) -> list[str]:
    """A line of the table."""
    new = interval([b / a for a, b in zip(spent["old"], spent["new"], strict=True)])
    noise = interval([b / a for a, b in zip(spent["old"], spent["again"], strict=True)])
    old, now = (1000 * statistics.median(spent[name]) for name in ("old", "new"))
    quickest = min(spent["new"]) / min(spent["old"])
    return [
        case, f"{old:.0f}", f"{now:.0f}", f"{new[0]:.3f}", f"{new[1]:.3f} to {new[2]:.3f}", f"{quickest:.3f}",
        f"{noise[0]:.3f}", verdict(new, noise), "same" if same else "differ",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("old", help="a commit")
    parser.add_argument("new", help="a commit")
    parser.add_argument("cases", nargs="*", default=CASES, help="CLIP:TRIGGER or start; by default " + " ".join(CASES))
    parser.add_argument("-n", "--rounds", type=int, default=11, help="rounds that count, after one that warms up")
    given = parser.parse_intermixed_args()  # cases may follow options
    if given.rounds < 3:
        parser.error("--rounds must be at least 3")
    commits: dict[str, Any] = {name: git("rev-parse", "--verify", f"{what}^{{commit}}") for name, what in (("old", given.old), ("new", given.new))}  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="poisonkit-compare-") as name, ExitStack() as stack:
        trees = {}
        for which, commit in commits.items():
            trees[which] = Path(name, which)
            git("worktree", "add", "--detach", "--quiet", str(trees[which]), commit)
            stack.callback(git, "worktree", "remove", "--force", str(trees[which]))
        workers = {
            w: stack.enter_context(Worker(trees[t])) for w, t in (("old", "old"), ("new", "new"), ("again", "old"))
        }
        print(f"{given.old} {commits['old'][:9]} -> {given.new} {commits['new'][:9]}; {given.rounds} rounds, CPU ms, load {os.getloadavg()[0]:.0f}\n")  # fmt: skip
        print("| case | old | new | new / old | 95 % | of the fastest | old / old | | bytes |")
        print("|---|---:|---:|---:|---:|---:|---:|---|---|", flush=True)
        for case in given.cases:
            folder = Path(name, case.replace(":", "-"))
            folder.mkdir()
            print(f"| {' | '.join(row(case, *measure(case, workers, given.rounds, folder)))} |", flush=True)


if __name__ == "__main__":
    main()
