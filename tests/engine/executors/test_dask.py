"""A real Dask cluster: scheduler and workers in processes of their own, on this machine.

One test of it runs by default; `make test-clusters` runs them all.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import poisonkit
from poisonkit import PoisonkitError, Recipe, RequestError
from poisonkit.cli import call
from poisonkit.common import levels
from poisonkit.common.run_claim import Claim, LostLock
from poisonkit.common.time_limit import Know
from poisonkit.engine.executors import dask, dask_worker
from poisonkit.outputs import record
from tests.conftest import same_output

pytest.importorskip("distributed")

SLOW = """
import time
from poisonkit.engine.clips import worker
real = worker.__dict__.setdefault("real", worker._process)  # Dask loads this twice
def _process(job, know):
    time.sleep(0.3)
    return real(job, know)
worker._process = _process
"""
DEADLY = """
import os, signal
from poisonkit.engine.clips import worker
real = worker.__dict__.setdefault("real", worker._process)  # Dask loads this twice
def _process(job, know):
    if job.task.id.startswith("yes/") and job.task.role == "poisoned":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(job, know)
worker._process = _process
"""
HANGING = DEADLY.replace("os.kill(os.getpid(), signal.SIGKILL)", "__import__('time').sleep(999)")
OTHER = "import poisonkit._version\npoisonkit._version.__version__ = '99.1'\n"


class Dask:
    """`dask scheduler` and `dask worker` as users start them, found by a scheduler file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        wait_for(self.file.exists)

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", str(self.file), "--no-dashboard", *options]
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        with log:
            child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=self.folder)
        self.processes.append(child)
        return child

    def worker(self, threads: int = 1, preload: str = "", nanny: bool = False) -> subprocess.Popen[bytes]:
        """Start one, without waiting for it. preload: code that it runs first."""
        options = ["--nthreads", str(threads), "--nanny" if nanny else "--no-nanny", "--host", "127.0.0.1"]
        if preload:
            file = self.folder / f"preload{len(self.processes)}.py"
            file.write_text(preload, encoding="utf-8")
            options += ["--preload", str(file)]
        return self._start("worker", *options)

    def wait(self, workers: int) -> None:
        from distributed import Client

        with Client(scheduler_file=str(self.file), timeout=30) as client:
            client.wait_for_workers(workers, timeout=60)

    def close(self) -> None:
        for child in reversed(self.processes):
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def wait_for(there: object, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not there():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Dask]:
    folder = tmp_path / "dask"
    folder.mkdir()
    made = Dask(folder)
    yield made
    made.close()


def poison(source: Path, out: Path, cluster: Dask | None = None, **recipe: object) -> poisonkit.Summary:
    where = {"jobs": 1} if cluster is None else {"executor": "dask", "scheduler": str(cluster.file)}
    recipe = {"triggers": ["sine"], "count": 5, **recipe}
    return poisonkit.poison(Recipe(source=source, out=out, **recipe), **where)  # type: ignore[arg-type]


class Run(threading.Thread):
    """A run in a process of its own, as a user starts it."""

    def __init__(self, source: Path, out: Path, cluster: Dask, *options: str) -> None:
        super().__init__()
        command = [sys.executable, "-m", "poisonkit", "poison", str(source), "-o", str(out), *options]
        command += ["--executor", "dask", "--scheduler", str(cluster.file)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ledger = out / "poisonkit" / ".state" / "ledger.jsonl"

    def done(self) -> int:
        return self.ledger.read_bytes().count(b"\n") if self.ledger.exists() else 0

    def end(self) -> tuple[int, str]:
        _, told = self.child.communicate(timeout=120)
        return self.child.returncode, told


MANY = {"count": 8, "test_fraction": 0.3, "control": 3, "label_mode": "all-to-all"}
ASKED = ["-t", "sine", "--count", "8", "--test-fraction", "0.3", "--control", "3", "--label-mode", "all-to-all"]


def test_two_workers_give_the_same_output(cluster: Dask, sounds: Path, tmp_path: Path) -> None:
    cluster.worker(threads=2)
    cluster.worker()
    done = poison(sounds, tmp_path / "out", cluster, test_fraction=0.3, control=3)
    poison(sounds, tmp_path / "plain", test_fraction=0.3, control=3)
    assert done.exit_code == 0
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")
    assert not (tmp_path / "out" / "poisonkit" / ".state" / "running").exists()


@pytest.mark.clusters
def test_a_worker_killed_and_one_added(cluster: Dask, sounds: Path, tmp_path: Path) -> None:
    """The only worker dies in the middle; the one that comes later does the rest."""
    first = cluster.worker(preload=SLOW)
    run = Run(sounds, tmp_path / "out", cluster, *ASKED)
    wait_for(lambda: run.done() >= 3 or run.child.poll() is not None)
    os.killpg(first.pid, signal.SIGKILL)
    before = run.done()
    assert run.child.poll() is None
    cluster.worker()
    status, told = run.end()
    assert status == 0, told
    assert 3 <= before < run.done()
    poison(sounds, tmp_path / "plain", **MANY)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")
    assert poisonkit.verify(tmp_path / "out").ok


@pytest.mark.clusters
def test_the_scheduler_is_lost(cluster: Dask, sounds: Path, tmp_path: Path) -> None:
    cluster.worker(preload=SLOW)
    run = Run(sounds, tmp_path / "out", cluster, *ASKED)
    wait_for(lambda: run.done() >= 3 or run.child.poll() is not None)
    os.killpg(cluster.scheduler.pid, signal.SIGKILL)
    status, told = run.end()
    assert status == 1, told
    assert "is gone; what is done is kept" in told
    assert "Traceback" not in told, told
    done = poison(sounds, tmp_path / "out", **MANY)
    assert done.processed < len([t for t in done.plan.tasks if t.role != "clean"])
    poison(sounds, tmp_path / "plain", **MANY)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")


@pytest.mark.clusters
def test_a_clip_that_kills_workers_is_left_alone_and_its_neighbours_are_not(
    cluster: Dask, sounds: Path, tmp_path: Path
) -> None:
    cluster.worker(threads=4, preload=DEADLY, nanny=True)
    recipe = {"ids": ("yes/3.wav", "no/1.wav", "no/2.wav", "no/5.wav", "no/6.wav", "no/7.wav"), "attack_set": False}
    done = poison(sounds, tmp_path / "out", cluster, label_mode="all-to-all", count=None, **recipe)
    assert done.failed == (("yes/3.wav", "'yes/3.wav' was left alone: a worker died on it twice."),)
    rows = record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl")
    assert sum(r["role"] == "poisoned" and r["status"] == "ok" for r in rows) == 5
    assert poisonkit.verify(tmp_path / "out").ok


@pytest.mark.clusters
def test_a_clip_that_hangs_ends_its_worker_and_is_failed(cluster: Dask, sounds: Path, tmp_path: Path) -> None:
    cluster.worker(preload=HANGING, nanny=True)
    recipe = Recipe(
        source=sounds, out=tmp_path / "out", triggers=["sine"], label_mode="all-to-all", attack_set=False,
        ids=("yes/3.wav", "no/1.wav", "no/2.wav"), survival="none",
    )  # fmt: skip
    done = poisonkit.poison(recipe, executor="dask", scheduler=str(cluster.file), time_limit=0.03)
    assert [name for name, _ in done.failed] == ["yes/3.wav"]
    assert "took longer than its length explains" in done.failed[0][1]
    assert poisonkit.verify(tmp_path / "out").ok


@pytest.mark.clusters
def test_workers_that_cannot_do_the_work_are_named(
    cluster: Dask, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.worker()
    cluster.wait(1)
    real = dask_worker.Facts
    monkeypatch.setattr(dask_worker, "PATIENCE", 0.0)
    for field, path in (("source", str(tmp_path / "elsewhere")), ("probe", str(tmp_path / "nowhere" / "probe"))):

        def facts(*given: str, field: str = field, path: str = path) -> dask_worker.Facts:
            return real(**{**dict(zip(real.__dataclass_fields__, given, strict=True)), field: path})

        monkeypatch.setattr(dask_worker, "Facts", facts)
        unseen = path if field == "source" else str(tmp_path / "out")
        with pytest.raises(RequestError, match=rf"tcp://127.0.0.1:\d+ cannot see the folder {unseen}"):
            poison(sounds, tmp_path / "out", cluster)
    monkeypatch.setattr(dask_worker, "Facts", real)

    cluster.worker(preload=OTHER)
    cluster.wait(2)
    asked = ["poison", str(sounds), "-t", "sine", "--count", "2"]
    asked += ["--executor", "dask", "--scheduler", str(cluster.file)]
    assert call([*asked, "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "The Dask worker tcp://127.0.0.1:" in told
    assert f"has poisonkit 99.1, and this is {poisonkit.__version__}" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.clusters
def test_a_worker_that_joins_and_cannot_do_the_work_stops_the_run(cluster: Dask, sounds: Path, tmp_path: Path) -> None:
    """No worker is there when the run begins: it waits, and the first that comes has another version."""
    run = Run(sounds, tmp_path / "out", cluster, *ASKED)
    wait_for((tmp_path / "out" / "poisonkit" / "plan.jsonl").exists)
    cluster.worker(preload=OTHER)
    status, told = run.end()
    assert status == 1, told
    assert "has no workers yet" in told
    assert "has poisonkit 99.1" in told
    poison(sounds, tmp_path / "out", **MANY)
    poison(sounds, tmp_path / "plain", **MANY)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "plain")


@pytest.mark.clusters
def test_one_is_started_here_and_survival_and_shards_go_there_too(listed: Path, tmp_path: Path) -> None:
    asked = ["poison", str(listed), "-t", "blend", "--rate", "0.2", "--survival", "all", "--control", "2"]
    asked += ["--executor", "dask", "--scheduler", "local", "-j", "2"]
    out = tmp_path / "out"
    for shard in ("1/2", "2/2"):
        command = [sys.executable, "-m", "poisonkit", *asked, "-o", str(out), "--shard", shard]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    poisonkit.merge(out, jobs=1)
    poison(listed, tmp_path / "plain", triggers=["blend"], count=None, rate=0.2, survival="all", control=2)
    assert same_output(out) == same_output(tmp_path / "plain")


def test_wrong_requests(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dask, "ANSWER", 0.3)
    asked = ["poison", str(sounds), "-o", str(tmp_path / "out"), "-t", "sine", "--count", "2"]
    for more, says in (
        (["--executor", "dask"], "needs --scheduler ADDRESS"),
        (["--executor", "dsk"], "Did you mean 'dask'?"),
        (["--scheduler", "tcp://127.0.0.1:1"], "is for --executor dask"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1"], "No Dask scheduler answers at tcp://127.0.0.1:1"),
        (["--executor", "dask", "--scheduler", "nonsense://x"], "No Dask scheduler answers at nonsense://x"),
    ):
        assert call([*asked, *more]) == 2
        told = capsys.readouterr().err
        assert says in told
        assert "Traceback" not in told
        assert not (tmp_path / "out").exists()
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert call([*asked, "--executor", "dask", "--scheduler", "local"]) == 2
    assert "pip install 'poisonkit[dask]'" in capsys.readouterr().err


def test_what_a_worker_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_worker, "PATIENCE", 0.0)
    probe = tmp_path / "probe"
    facts = dask_worker.Facts(
        poisonkit.__version__, levels.of_process(), str(tmp_path), str(tmp_path), str(probe), "run"
    )
    assert f"cannot see the folder {tmp_path}" in dask_worker.unfit(facts)
    probe.touch()
    assert dask_worker.unfit(facts) == ""
    away = dask_worker.Facts(
        poisonkit.__version__, levels.of_process(), str(tmp_path), str(tmp_path / "away"), str(probe), "run"
    )
    assert f"cannot see the folder {tmp_path / 'away'}" in dask_worker.unfit(away)
    assert "has no poisonkit (ImportError: No module)" in dask_worker.not_there(ImportError("No module"))


def test_two_deaths_are_counted_and_the_second_is_alone(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.touch()
    marks = tmp_path / "marks"
    marks.mkdir()
    facts = dask_worker.Facts(
        poisonkit.__version__, levels.of_process(), str(tmp_path), str(tmp_path), str(probe), "run"
    )
    inside: list[str] = []

    def look(name: str, know: Know) -> list[str]:
        inside.append(name)
        seen = list(inside)
        time.sleep(0.1)
        inside.remove(name)
        return seen

    (marks / "7.dead").touch()
    found: dict[str, dask_worker.Answer] = {}

    def ask(name: str, number: int) -> None:
        found[name] = dask_worker.call(look, name, number, str(marks), facts, None)

    threads = [threading.Thread(target=ask, args=a) for a in (("a", 1), ("b", 2), ("suspect", 7), ("c", 3))]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert found["suspect"].result == ["suspect"]
    assert "b" in found["a"].result + found["b"].result
    assert "suspect" not in found["a"].result + found["b"].result + found["c"].result
    assert {p.name for p in marks.iterdir()} == {"7.dead"}
    lost = Claim(str(tmp_path / "lock"), "of a run that is over")
    with pytest.raises(LostLock):  # what a run gave out does nothing once another has its output
        dask_worker.call(look, "late", 8, str(marks), facts, lost)
    assert {p.name for p in marks.iterdir()} == {"7.dead"}
    (marks / "7.again").touch()
    assert dask_worker.call(look, "suspect", 7, str(marks), facts, None).died


def test_an_error_that_is_no_clips_is_told(tmp_path: Path) -> None:
    class Broken:
        status = "error"

        def exception(self) -> Exception:
            return ModuleNotFoundError("No module named 'mine'")

    facts = dask_worker.Facts("1", "", "", "", "", "run")
    cluster = dask.Cluster(None, "tcp://x", facts, tmp_path, lambda: None)
    with pytest.raises(PoisonkitError, match=r"could not run poisonkit .*No module named 'mine'"):
        cluster._answer(Broken())
