"""Killed at any moment, again and again, the same command ends with the output of an undisturbed run.

A few kills by default; `make test-faults` takes a hundred (POISONKIT_KILLS) at moments drawn from POISONKIT_SEED.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import poisonkit
from tests.conftest import same_output

KILLS = int(os.environ.get("POISONKIT_KILLS", "0"))
SEED = int(os.environ.get("POISONKIT_SEED", "0"))


def start(source: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "poisonkit", "poison", str(source), "-o", str(out), *options]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def group(pid: int) -> list[int]:
    """The processes of a session, the workers among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[3]) == pid:
                found.append(int(entry.name))
    return found


def shoot(child: subprocess.Popen[str], chance: random.Random) -> str:
    """Kill a worker, or everything at once."""
    workers = [p for p in group(child.pid) if p != child.pid]
    if workers and chance.random() < 0.5:
        victim = chance.choice(workers)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return "nothing"
        return "a worker"
    os.killpg(child.pid, signal.SIGKILL)
    return "all"


@pytest.mark.faults
@pytest.mark.timeout(0)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers through /proc")
@pytest.mark.parametrize(
    "options",
    [
        ("-t", "blend", "-t", "sine", "--rate", "0.25", "--control", "3", "-j", "2"),
        ("-t", "badnets", "--count", "4", "--clean", "reencode", "--cover-rate", "0.1", "-j", "2"),
    ],
    ids=["linked", "reencoded"],
)
def test_killed_again_and_again(folders: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    chance = random.Random(SEED)
    quiet = tmp_path / "quiet"
    began = time.monotonic()
    undisturbed = start(folders, quiet, *options)
    assert undisturbed.communicate()[0] is not None
    assert undisturbed.returncode == 0
    length = time.monotonic() - began
    wanted = same_output(quiet)
    shots: list[str] = []
    turn = 0
    while len(shots) < max(1, KILLS // 2):
        turn += 1
        out = tmp_path / f"out{turn}"
        for attempt in range(50):
            child = start(folders, out, *options)
            try:
                said, _ = child.communicate(timeout=chance.uniform(0, length * (1 if attempt < 6 else 3)))
            except subprocess.TimeoutExpired:
                shots.append(shoot(child, chance))
                said, _ = child.communicate()
            assert said.count("Traceback") <= said.count("loky/backend/resource_tracker.py"), said  # it may be shot too
            if child.returncode >= 0:
                break
        assert child.returncode == 0, said
        assert same_output(out) == wanted, f"seed {SEED}, output {turn}, kills {shots}"
        assert poisonkit.verify(out).ok
    print(f"{len(shots)} kills (seed {SEED}): {shots.count('a worker')} workers, {shots.count('all')} of everything")
