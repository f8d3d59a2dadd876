"""Six processes find the same dead lock, again and again: never do two of them hold it.

Fifty rounds by default; `make test-faults` takes a thousand (POISONKIT_LOCK_ROUNDS), with and without `flock`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from poisonkit.common import run_claim
from poisonkit.engine.state import locks
from poisonkit.errors import PoisonkitError, RequestError

SIX = 6
ROUNDS = int(os.environ.get("POISONKIT_LOCK_ROUNDS", "1000"))


def dead_text() -> str:
    """What stood in the lock of a process of this host that is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return json.dumps({**locks._me(), "pid": child.pid, "began": "1"})


def contend(number: int, folder: str, rounds: int, flock: bool, barrier: Any, found: Any) -> None:
    """One of six: take the lock of each round, and see whether somebody else is inside."""
    chance = random.Random(number)
    if not flock:
        run_claim.fcntl = None  # type: ignore[assignment]
    for turn in range(rounds):
        path = Path(folder, str(turn), "lock")
        inside = path.with_name("inside")
        barrier.wait(60)
        time.sleep(chance.choice((0, 0, chance.random() / 500)))
        try:
            with locks.lock(path, "is writing"):
                try:
                    handle = os.open(inside, os.O_CREAT | os.O_EXCL)
                except FileExistsError:
                    found.put(("two holders", turn))
                    continue
                os.close(handle)
                found.put(("held", turn))
                time.sleep(chance.random() / 200)
                inside.unlink()
        except RequestError as error:
            if "Another run" not in str(error):
                found.put((str(error), turn))


def rounds(folder: Path, count: int, *, flock: bool) -> None:
    """`count` rounds of six processes; in some of them others began to remove the dead lock and died."""
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(SIX), context.Queue()
    text = dead_text()
    for turn in range(count):
        path = folder / str(turn) / "lock"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        if turn % 3:
            right = locks._burial(path, text)
            right.write_text(dead := text.replace('"began": "1"', '"began": "2"'), encoding="utf-8")
            if turn % 3 == 2:
                locks._burial(path, dead).write_text(text.replace('"began": "1"', '"began": "3"'), encoding="utf-8")
    six = [context.Process(target=contend, args=(i, str(folder), count, flock, barrier, found)) for i in range(SIX)]
    for each in six:
        each.start()
    events = []
    while any(each.is_alive() for each in six) or not found.empty():
        try:
            events.append(found.get(timeout=0.2))
        except Exception:  # noqa: BLE001 - nothing yet
            continue
    assert [each.exitcode for each in six] == [0] * SIX
    wrong = [event for event in events if event[0] != "held"]
    assert wrong == []
    assert {turn for _, turn in events} == set(range(count))  # somebody held it in every round
    left = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert left == []


@pytest.mark.parametrize("flock", [True, False], ids=["flock", "links alone"])
def test_of_six_who_find_a_dead_lock_one_holds_it(tmp_path: Path, flock: bool) -> None:
    rounds(tmp_path, 50, flock=flock)


@pytest.mark.faults
@pytest.mark.timeout(0)
@pytest.mark.parametrize("flock", [True, False], ids=["flock", "links alone"])
def test_a_thousand_rounds(tmp_path: Path, flock: bool) -> None:
    rounds(tmp_path, ROUNDS, flock=flock)


def test_a_run_that_lost_its_lock_takes_no_step(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    with locks.lock(path) as claim, run_claim.acting_for(claim):
        with run_claim.step():
            pass
        text = path.read_text(encoding="utf-8")
        path.write_text(dead_text(), encoding="utf-8")
        with pytest.raises(run_claim.LostLock), run_claim.step():
            raise AssertionError
        path.unlink()
        with pytest.raises(run_claim.LostLock), run_claim.step():
            raise AssertionError
        path.write_text(text, encoding="utf-8")
    with run_claim.acting_for(claim), pytest.raises(run_claim.LostLock), run_claim.step():
        raise AssertionError
    with run_claim.step():  # outside of a run
        pass


def test_a_missing_file_in_a_step_is_the_steps_own_trouble(tmp_path: Path) -> None:
    with (
        locks.lock(tmp_path / "lock") as claim,
        run_claim.acting_for(claim),
        pytest.raises(FileNotFoundError, match="nothing"),
        run_claim.step(),
    ):
        (tmp_path / "nothing").unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_lock_is_not_taken_over_in_the_middle_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is in a step finishes it first; one that never does holds a new run up, with a sentence."""
    path = tmp_path / "lock"
    dead = dead_text()
    path.write_text(dead, encoding="utf-8")
    Path(run_claim.guard_of(str(path))).touch()
    monkeypatch.setattr(run_claim, "PATIENCE", 0.2)
    with run_claim.acting_for(run_claim.Claim(str(path), dead)):
        with run_claim.step(), pytest.raises(PoisonkitError, match="still writing"), locks.lock(path):
            raise AssertionError
        assert path.read_text(encoding="utf-8") == dead
        with locks.lock(path), pytest.raises(run_claim.LostLock), run_claim.step():
            raise AssertionError


def test_what_is_left_of_a_dead_shards_run_takes_no_step(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    dead = dead_text()
    path.write_text(dead, encoding="utf-8")
    assert locks.retire(path) == ""
    assert list(tmp_path.iterdir()) == []
    with run_claim.acting_for(run_claim.Claim(str(path), dead)), pytest.raises(run_claim.LostLock), run_claim.step():
        raise AssertionError
    with locks.lock(path):
        assert locks.retire(path).startswith(f"process {os.getpid()} on ")
        assert path.exists()
