"""Interrupted in any way at any moment, and started again, a run comes to the same output, and says no traceback.

One interruption of each kind by default, and the test's own process then finishes most of the runs; `make test-faults`
takes a hundred (POISONKIT_INTERRUPTIONS) at moments drawn from POISONKIT_SEED, and finishes by the command.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

import poisonkit
from tests.engine.interrupting import KINDS, World, assert_quiet, finished, interrupted, left_of, started
from tests.media_factory import make_audio, make_video

COUNT = int(os.environ.get("POISONKIT_INTERRUPTIONS", "100"))
SEED = int(os.environ.get("POISONKIT_SEED", "0"))

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers through /proc")


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Sounds, every one of them written again."""
    root = tmp_path_factory.mktemp("heard")
    for number in range(16):
        path = root / "in" / ("no", "yes")[number // 8] / f"{number}.{'flac' if number % 4 == 0 else 'wav'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_audio(path, seconds=0.4, rate=16000, channels=1, seed=number)
    return World(root / "in", ("-t", "sine", "--count", "4", "--clean", "reencode", "-j", "2"), root).settle()


@pytest.fixture(scope="module")
def alone(heard: World) -> World:
    """The same in one process."""
    folder = heard.folder / "alone"
    folder.mkdir()
    return World(heard.source, (*heard.options[:-1], "1"), folder).settle()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Clips with sound, clean ones linked, with attack set and control."""
    root = tmp_path_factory.mktemp("seen")
    for number in range(12):
        path = root / "in" / ("train", "test")[number % 3 == 0] / ("jump", "run")[number % 2] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_video(path, frames=10, size=(64, 48), audio=True, seed=number)
    options = ("-t", "blend", "-t", "sine", "--rate", "0.25", "--control", "2", "-j", "2")
    return World(root / "in", options, root).settle()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_command_comes_to_the_same_output(heard: World, tmp_path: Path, kind: str) -> None:
    chance = random.Random(f"{SEED} {kind}")
    interrupted(heard, tmp_path / "out", kind, chance)
    finished(heard, tmp_path / "out", kind, here=kind != "all killed")


def test_lokys_helper_process_may_be_killed(heard: World, tmp_path: Path) -> None:
    """It is started again, knows nothing of what it is told to forget, and said so in tracebacks."""
    with started(heard, tmp_path / "out") as run:
        while not run.at_work() and run.process.poll() is None:
            time.sleep(0.005)
        for pid in run.workers():
            if b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        for pid in run.workers()[:1]:
            os.kill(pid, signal.SIGKILL)
        assert run.end() == 0
        assert_quiet(run.said())
    finished(heard, tmp_path / "out", "tracker", here=True)


@pytest.mark.parametrize("kind", ["SIGTERM", "Ctrl-C twice", "disk full"])
def test_one_process_alone(alone: World, tmp_path: Path, kind: str) -> None:
    interrupted(alone, tmp_path / "out", kind, random.Random(f"{SEED} {kind}"))
    finished(alone, tmp_path / "out", kind, here=kind != "SIGTERM")


def test_workers_that_outlived_their_run_do_no_harm_to_the_next(heard: World, tmp_path: Path) -> None:
    """Stopped when their parent was killed, they go on in the middle of another recipe's run, or after it."""
    out = tmp_path / "out"
    for late in (False, True):
        other = World(heard.source, (*heard.options, "--seed", "5"), heard.folder)
        with started(other, out) as old:
            while not old.at_work() and old.process.poll() is None:
                time.sleep(0.005)
            workers = old.workers()
            for pid in workers:
                os.kill(pid, signal.SIGSTOP)
            old.process.kill()
            old.end()
            with started(World(heard.source, (*heard.options, "--fresh"), heard.folder), out) as run:
                while not late and not run.at_work() and run.process.poll() is None:
                    time.sleep(0.005)
                if not late:
                    old.all(signal.SIGCONT)
                assert run.end() == 0, run.said()
            old.all(signal.SIGCONT)
            assert left_of(old.pid) == []
        finished(heard, out, "late" if late else "in the middle", here=True)


@pytest.mark.faults
@pytest.mark.timeout(0)
def test_a_hundred_interruptions(heard: World, alone: World, seen: World, tmp_path: Path) -> None:
    """Each in a fresh output, or one after the other in the same one; every kind as often."""
    chance = random.Random(SEED)
    kinds = [KINDS[i % len(KINDS)] for i in range(COUNT)]
    chance.shuffle(kinds)
    trouble, turn = [], 0
    while kinds:
        turn += 1
        world, out = (heard, seen, seen, alone)[turn % 4], tmp_path / f"out{turn}"
        some = [kinds.pop() for _ in range(min(len(kinds), chance.choice((1, 1, 1, 2, 3))))]
        told = f"seed {SEED}, output {turn}: {', '.join(some)}"
        try:
            for kind in some:
                interrupted(world, out, kind, chance)
            finished(world, out, told)
            assert poisonkit.verify(out).ok, told
        except AssertionError as error:
            trouble.append(f"{told}: {error}")
            print(f"NOT AS IT SHOULD BE: {told}: {str(error)[:3000]}", flush=True)
        else:
            shutil.rmtree(out)
    print(f"{COUNT} interruptions of {len(KINDS)} kinds (seed {SEED}), {turn} outputs, {len(trouble)} not the same")
    assert trouble == []
