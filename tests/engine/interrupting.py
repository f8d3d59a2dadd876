"""Runs of the command line that are interrupted in every way, and what has to hold afterwards."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path

from poisonkit.cli import call
from poisonkit.engine.finishing.linking import is_temporary
from tests.conftest import same_output

LONGEST = 180.0  # seconds that any run here may take
ORDERLY = ("SIGTERM", "SIGTERM to all", "Ctrl-C", "Ctrl-C twice")
KINDS = (
    "all killed",
    "parent killed",
    "worker killed",
    *ORDERLY,
    "stopped and continued",
    "disk full",
    "source changed",
)


@dataclass
class World:
    """A source, a command on it, and what that comes to undisturbed. seconds: how long it then takes."""

    source: Path
    options: tuple[str, ...]
    folder: Path
    wanted: dict[str, str] = field(default_factory=dict)
    state: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def settle(self) -> World:
        out, began = self.folder / "quiet", time.monotonic()
        with started(self, out) as run:
            assert run.end() == 0, run.said()
        self.seconds = time.monotonic() - began
        self.wanted, self.state = same_output(out), state_of(out)
        return self


def state_of(out: Path) -> set[str]:
    """Names of what a run keeps for itself."""
    return {p.relative_to(out).as_posix() for p in (out / "poisonkit" / ".state").rglob("*")}


class Run:
    """One command that is going on."""

    def __init__(self, world: World, out: Path, limit: int = 0) -> None:
        """limit: no file may grow beyond so many bytes."""
        self.out, self.scratch = out, Path(tempfile.mkdtemp(dir=world.folder))
        self._errors = world.folder / "errors.txt"
        command = [sys.executable, "-m", "poisonkit", "poison", str(world.source), "-o", str(out), *world.options]
        if limit:
            command = ["sh", "-c", 'ulimit -f "$0"; exec "$@"', str(limit), *command]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, "TMPDIR": str(self.scratch)},
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def workers(self) -> list[int]:
        """The other processes of its session."""
        return [p for p in session(self.pid) if p != self.pid]

    def at_work(self) -> bool:
        """Whether a clip has been begun."""
        with suppress(OSError):
            marks = self.out / "poisonkit" / ".state" / "running"
            return any(marks.glob("*")) or any(self.out.glob("data/*/*"))
        return False

    def heeds(self) -> bool:
        """Whether it has begun so far that SIGTERM is poisonkit's: before, it is the interpreter's."""
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
            caught = next(line.split()[1] for line in lines if line.startswith("SigCgt:"))
            return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
        return False

    def all(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def end(self) -> int:
        return self.process.wait(LONGEST)

    def said(self) -> str:
        return self._errors.read_text(encoding="utf-8", errors="replace")


@contextmanager
def started(world: World, out: Path, limit: int = 0) -> Iterator[Run]:
    run = Run(world, out, limit)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.all(signal.SIGKILL)
        run.process.wait()


def session(pid: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] not in "ZX" and int(fields[3]) == pid:
                found.append(int(entry.name))
    return found


# -- the ways -------------------------------------------------------------------------------------------


def strike(run: Run, kind: str, chance: random.Random) -> None:
    """Interrupt a run that goes on."""
    one = {"parent killed": signal.SIGKILL, "SIGTERM": signal.SIGTERM}
    every = {"all killed": signal.SIGKILL, "SIGTERM to all": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
    if kind in one:
        run.process.send_signal(one[kind])
    elif kind in every:
        run.all(every[kind])
    elif kind == "Ctrl-C twice":
        run.all(signal.SIGINT)
        time.sleep(chance.choice((0.0, 0.02, 0.1, 0.4)))
        run.all(signal.SIGINT)
    elif kind == "worker killed":
        with suppress(ProcessLookupError, IndexError):
            os.kill(chance.choice(run.workers()), signal.SIGKILL)
    else:
        raise AssertionError(kind)


def at_a_moment(run: Run, world: World, chance: random.Random) -> bool:
    """Wait until some moment of a run; False: it was over before. Half of them lie while workers are at work."""
    if chance.random() < 0.5:
        until = time.monotonic() + chance.uniform(0.15, world.seconds)
        while time.monotonic() < until and run.process.poll() is None:
            time.sleep(0.01)
    else:
        while not run.at_work() and run.process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, world.seconds / 4))
    return run.process.poll() is None


def interrupted(world: World, out: Path, kind: str, chance: random.Random) -> None:
    """One interruption of a run on `out`, and what has to hold right then."""
    if kind == "disk full":
        _full(world, out, chance)
        return
    before = halves(out)  # of one that was killed: the next run removes them, once it has begun
    with started(world, out) as run:
        struck = at_a_moment(run, world, chance)
        if kind == "stopped and continued":
            run.all(signal.SIGSTOP)
            time.sleep(chance.uniform(0, 1))
            run.all(signal.SIGCONT)
            assert run.end() == 0, run.said()
        elif kind == "source changed":
            _changed(world, run, chance)
        elif struck:
            while kind in ORDERLY and not run.heeds() and run.process.poll() is None:
                time.sleep(0.005)
            strike(run, kind, chance)
        status = run.end()
        left = left_of(run.pid)
        said = run.said()
    assert_quiet(said)
    assert left == [], f"{kind}: {left}"
    if kind in ORDERLY and struck:
        assert status in (0, 130), (status, said)
        new = sorted(set(halves(out)) - set(before))
        assert new == [], f"{kind}: {new}"
        left_in_scratch = [p.name for p in run.scratch.iterdir()]
        assert left_in_scratch == [], f"{kind}: {left_in_scratch}"


def left_of(pid: int) -> list[int]:
    """Processes of a session that are left after as long as a busy machine needs to end them."""
    until = time.monotonic() + 20
    while (left := session(pid)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _full(world: World, out: Path, chance: random.Random) -> None:
    """Files can grow no further, as on a disk that is full: whatever fails is told, and no library complains."""
    with started(world, out, limit=chance.choice((1, 2, 4, 8, 16, 32))) as run:
        status = run.end()
        said = run.said()
    assert status in (0, 1), (status, said)
    assert_quiet(said)


def _changed(world: World, run: Run, chance: random.Random) -> None:
    """While the run goes on, some of the source changes: cut short, another's content, gone. Then it is as before."""
    files = sorted(p for p in world.source.rglob("*") if p.is_file())
    chosen = chance.sample(files, 3)
    ways: list[Callable[[Path], None]] = [
        lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
        lambda p: p.write_bytes(chance.choice([f for f in files if f.suffix == p.suffix and f.exists()]).read_bytes()),
        lambda p: p.unlink(),
    ]
    kept = {p: (p.read_bytes(), p.stat()) for p in chosen}
    while not run.at_work() and run.process.poll() is None:
        time.sleep(0.005)
    for path in chosen:
        made = path.with_name(f".{path.name}.new")  # beside it, so that hard links in the copy keep what they have
        made.write_bytes(path.read_bytes())
        os.replace(made, path)
        chance.choice(ways)(path)
    status = run.end()
    for path, (data, facts) in kept.items():
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert status in (0, 1, 2), (status, run.said())
    assert status < 2 or "The source has changed since" in run.said(), run.said()  # before it was read again


def assert_quiet(said: str) -> None:
    """No library's words on standard error."""
    assert "Traceback" not in said, said
    assert "Exception ignored" not in said, said


def halves(out: Path) -> list[str]:
    """Half-written files that lie in an output."""
    return sorted(p.relative_to(out).as_posix() for p in out.rglob(".*") if is_temporary(p.name))


def finished(world: World, out: Path, told: str, *, here: bool = False) -> None:
    """The same command once more; then everything is as if nothing had happened.

    here: in this process and without workers, which is the same for what lies in `out` and costs a tenth.
    """
    if here:
        heard = io.StringIO()
        with redirect_stderr(heard), redirect_stdout(heard):
            status = call(["poison", str(world.source), "-o", str(out), *world.options, "-j", "1"])
        said = heard.getvalue()
    else:
        with started(world, out) as run:
            status = run.end()
            said = run.said()
    assert status == 0, f"{told}: {status} {said}"
    assert_quiet(said)
    found = same_output(out)
    differing = sorted(n for n in {*found, *world.wanted} if found.get(n) != world.wanted.get(n))
    assert differing == [], f"{told}: {differing}"
    assert state_of(out) == world.state, f"{told}: {sorted(state_of(out) ^ world.state)}"
