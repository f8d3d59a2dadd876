"""Files that are opened in processes of their own: one that never ends, or that kills, costs itself only."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.common.time_limit import Know
from poisonkit.datasets import Source, read
from poisonkit.engine.finishing import clean_samples
from poisonkit.media.info import Encode
from poisonkit.survey import isolated_opening
from poisonkit.survey.dataset_survey import survey
from poisonkit.survey.isolated_opening import DIED, SLOW
from tests.media_factory import make_audio

SHORT = 0.03  # of the two minutes that a file may take
LOOK, TERM, SLOWLY = "inspect IN", signal.SIGTERM, pytest.mark.slow
HUGE = 256 << 30  # bytes, none of which takes any room


def look(task: str, scratch: str, know: Know) -> str:
    Path(scratch, "copy").touch()
    if task == "endless":
        while True:
            time.sleep(0.1)
    if task == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "wrong":
        raise ValueError(task)
    print("noise on stdout")
    return f"{task} {scratch}"


def opened(tasks: list[str], jobs: int, **more: Any) -> list[str]:
    found = isolated_opening.opened(look, tasks, jobs, lambda task, why: f"{task} {why}", factor=SHORT, **more)
    return [text.split()[0] if SLOW not in text and DIED not in text else text for text in found]


@pytest.mark.parametrize(("jobs", "together"), [(1, 1), (2, 1), (2, 3)])
def test_one_bad_file_costs_itself(jobs: int, together: int) -> None:
    tasks = ["a", "endless", "b", "deadly", "c", "d"]
    assert opened(tasks, jobs, together=together) == [
        *("a", f"endless {SLOW}", "b", f"deadly {DIED}", "c", "d"),
    ]


def test_a_process_that_ended_for_want_of_work_is_no_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine it may do so when it was asked already: the file is opened by the next, and not left alone."""
    count = tmp_path / "count"
    ends = f"import os; n = os.path.getsize({str(count)!r}) if os.path.exists({str(count)!r}) else 0; "
    ends += f"open({str(count)!r}, 'a').write('x'); n < 3 and os._exit(0); "
    monkeypatch.setattr(isolated_opening, "_START", ends + isolated_opening._START)
    isolated_opening._close_idle()
    assert opened(["a", "b"], 1) == ["a", "b"]
    assert count.read_text() == "xxxx"


def test_an_error_is_raised_where_it_was_asked() -> None:
    with pytest.raises(ValueError, match="wrong"):
        opened(["a", "wrong", "b"], 2)
    assert opened(["a", "b"], 2) == ["a", "b"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither files of those that were ended nor, when the caller stops early, a process at work."""
    isolated_opening._close_idle()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = isolated_opening.opened(look, ["a", "endless", "b"], 1, lambda task, why: why)
    next(found)
    found.close()
    opened(["deadly"], 2)
    isolated_opening._close_idle()
    assert os.listdir(tmp_path) == []


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """Class folders of sounds, one of which is an MP3 of 256 GB of nothing: FFmpeg looks for its beginning."""
    root = tmp_path / "in"
    for name in ("a", "b"):
        for i in range(3):
            (root / name).mkdir(parents=True, exist_ok=True)
            make_audio(root / name / f"{i}.wav", seconds=0.2, rate=16000, channels=1, seed=i)
    os.truncate(shutil.copyfile(os.devnull, root / "b" / "9.mp3"), HUGE)
    return root


def test_a_plan_is_made_beside_an_endless_file(endless: Path, tmp_path: Path) -> None:
    """It had to be waited for, and its size in memory to be had."""
    recipe = Recipe(source=endless, out=tmp_path / "out", triggers=["sine"], count=4, target=0, control=0)
    with pytest.raises(poisonkit.RequestError, match=r"'b/9\.mp3' took longer to open"):
        poisonkit.poison(recipe, jobs=1, time_limit=SHORT)
    done = poisonkit.poison(recipe.model_copy(update={"backdoors": _fewer(recipe, 3)}), jobs=2, time_limit=SHORT)
    assert done.exit_code == 0
    assert {t.role for t in done.plan.tasks} == {"clean", "poisoned"}


def _fewer(recipe: Recipe, count: int) -> Any:
    return (recipe.backdoors[0].model_copy(update={"count": count}),)


def test_the_other_looks_at_files_end_too(endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`inspect`, and what looks at clean samples."""
    monkeypatch.setattr("poisonkit.common.time_limit.OPENING", 5.0)
    dataset = read(Source(endless))
    found = {sample.id: seen.problem for sample, seen in survey(dataset, jobs=2)}
    assert found["b/9.mp3"] == f"It {SLOW}."
    assert {name for name, problem in found.items() if problem} == {"b/9.mp3"}
    recipe = Recipe(source=endless, out=endless / "no", triggers=["sine"], count=0)
    plan = poisonkit.make_plan(recipe.model_copy(update={"out": endless.with_name("out")}), jobs=1)[0]
    assert clean_samples.needs(plan.tasks, endless, Encode(to_8bit=True), "best", 2) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("command", "number", "jobs"),  # each with each other in one of four; all eight are slow
    [
        pytest.param(command, number, jobs, marks=() if (jobs == 1) ^ (number == TERM) ^ (command == LOOK) else SLOWLY)
        for command in (LOOK, "poison IN --trigger sine --count 4 --target a --dry-run")
        for number in (TERM, signal.SIGINT)
        for jobs in (1, 2)
    ],
)
def test_signals_end_it_at_once(endless: Path, command: str, number: signal.Signals, jobs: int) -> None:
    """A command that was inside a library heeded nothing until the library came back."""
    words = [str(endless) if word == "IN" else word for word in command.split()]
    running = subprocess.Popen(
        [sys.executable, "-m", "poisonkit", *words, "--jobs", str(jobs)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while not (helpers := _at_work(running.pid)) and time.monotonic() < end:
            time.sleep(0.1)
        running.send_signal(number)
        _, said = running.communicate(timeout=10)
        assert running.returncode == 130
        assert "poisonkit: Interrupted" in said.splitlines()[-1]
        assert "Traceback" not in said
        time.sleep(0.3)
        assert not [pid for pid in helpers if Path(f"/proc/{pid}/fd").exists()]
    finally:
        running.kill()
        running.communicate()


def _at_work(parent: int) -> list[int]:
    """Processes that a process started and that hold the endless file."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            state = Path("/proc", pid, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            held = [os.readlink(fd) for fd in Path("/proc", pid, "fd").iterdir()]
        except OSError:
            continue
        if int(state[1]) == parent and any(name.endswith("9.mp3") for name in held):
            found.append(int(pid))
    return found


def _begins_slowly(monkeypatch: pytest.MonkeyPatch, folder: Path, seconds: float, idle: float) -> None:
    """Processes import something that takes so long, as all of it does on a busy machine."""
    isolated_opening._close_idle()
    (folder / "slow_import.py").write_text(f"import time\ntime.sleep({seconds})\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(isolated_opening, "_START", (
        "import sys, json; sys.path[:] = json.loads(sys.argv[1]); import poisonkit.survey.isolated_opening as it; "
        f"it.READY, it.IDLE = (*it.READY, 'slow_import'), {idle}; it.serve(int(sys.argv[2]), sys.argv[3])"
    ))  # fmt: skip


def test_a_process_that_begins_slowly_costs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine at load 30 the imports took longer than an idle process lives: it ended itself, twice, and a good
    file was left alone."""
    _begins_slowly(monkeypatch, tmp_path, seconds=2.0, idle=0.5)
    assert opened(["a", "b"], 1) == ["a", "b"]
    isolated_opening._close_idle()


def test_a_start_that_takes_longer_than_a_file_may_costs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _begins_slowly(monkeypatch, tmp_path, seconds=4.0, idle=5.0)
    monkeypatch.setattr("poisonkit.common.time_limit.OPENING", 2.0)
    assert list(isolated_opening.opened(look_quickly, ["a"], 1, lambda task, why: why)) == ["a"]
    isolated_opening._close_idle()


def look_quickly(task: str, scratch: str, know: Know) -> str:
    return task


def test_idle_processes_that_have_just_ended_cost_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """They end by themselves after a while: two that did as they were asked were two deaths of a good file."""
    isolated_opening._close_idle()
    ended = [isolated_opening._Opener() for _ in range(3)]
    for opener in ended:
        opener.end()
        opener._process.wait()
        opener._process.poll = lambda: None  # type: ignore[method-assign]
    monkeypatch.setattr(isolated_opening, "_idle", list(ended))
    assert opened(["a"], 1) == ["a"]
    isolated_opening._close_idle()
    for opener in ended:
        opener.close()


def test_where_no_process_begins_no_file_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    isolated_opening._close_idle()
    monkeypatch.setattr(isolated_opening, "_START", "raise SystemExit(3)")
    with pytest.raises(poisonkit.PoisonkitError, match="end before they begin"):
        opened(["a"], 1)


def test_one_that_answers_as_it_is_ended_costs_the_next_file_nothing() -> None:
    isolated_opening._close_idle()
    opener = isolated_opening._Opener()
    answers = opener.ask(look_quickly, ["a", "b"], 1.0)
    said = opener._said

    def late(patience: float) -> Any:
        if opener.at_task and not opener.slow:
            opener.slow = True  # the clock struck as it spoke
        return said(patience)

    opener._said = late  # type: ignore[method-assign]
    assert next(answers) == "a"
    assert not opener.slow
    assert not opener.at_task
    answers.close()
    opener.close()
