"""Try poisonkit with each Python, and with the lowest and the newest libraries that pyproject.toml allows.

    python -m tools.bounds                    all combinations
    python -m tools.bounds NAME …             some of them, by the beginnings of their names
    python -m tools.bounds --list             what there is

For each it makes an environment with uv, runs a fixed job (tests/bounds/job.py) and a quick part of the tests, and
compares the job's bytes with those of the lock file. What uv cannot get is skipped, with the reason. Rows for the table
of docs/install.md are printed. An environment has 0.6 GB and is removed when it has been tried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
TEST_NEEDS = ("pytest", "pytest-timeout", "hypothesis", "webdataset")
TESTS = (
    "tests/common/test_opencv.py",
    "tests/triggers/pictures",
    "tests/triggers/core",
    "tests/triggers/test_wanet.py",
    "tests/media/test_probing.py",
    "tests/cli/test_poison.py",
    "tests/cli/test_front_door.py",
)
SHOWN = ("av", "numpy", "scipy", "librosa", "opencv")
KINDS = ("trigger", "sound", "decode", "file", "record", "output")


@dataclass(frozen=True)
class Combination:
    """What is installed. extra: of poisonkit; resolution: uv's word, or `locked`; more: requirements beside."""

    name: str
    python: str
    extra: str = "opencv"
    resolution: str = "highest"
    more: tuple[str, ...] = ()


LOCKED = Combination("locked-3.11", "3.11", resolution="locked")
COMBINATIONS = (
    LOCKED,
    *(Combination(f"locked-{python}", python, resolution="locked") for python in PYTHONS[1:]),
    *(Combination(f"newest-{python}", python) for python in PYTHONS),
    *(Combination(f"lowest-{python}", python, resolution="lowest-direct") for python in PYTHONS),
    Combination("opencv-4.14", "3.11", more=("opencv-python==4.14.*", "av<19")),
    Combination("headless", "3.12", extra="headless", more=("av<19",)),
    Combination("contrib-5", "3.12", extra="", more=("opencv-contrib-python>=5", "av<19")),
    Combination("trainer", "3.11", extra="", more=("numpy<2", "opencv-contrib-python")),
)


class Skipped(Exception):
    """A combination that cannot be had, and why."""


def run(*words: str, cwd: Path = CHECKOUT, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **more}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """What uv said last."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit {done.returncode}"


def install(tried: Combination, venv: Path) -> Path:
    """Make the environment; its Python. Skipped where an interpreter or a wheel cannot be had."""
    done = run("uv", "venv", "--quiet", "--python", tried.python, str(venv))
    if done.returncode:
        raise Skipped(f"no Python {tried.python} here: {reason(done)}")
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    begin = ("uv", "pip", "install", "--quiet", "--python", str(python), "--only-binary", ":all:")
    needs = ("-r", "pyproject.toml")  # poisonkit itself is read from the checkout
    steps: list[tuple[str, ...]]
    if tried.resolution == "locked":
        steps = [(*begin, "-r", "requirements.lock")]
    elif tried.extra:
        chosen = ("--extra", tried.extra, "--resolution", tried.resolution)
        steps = [(*begin, *needs, *chosen, *tried.more), (*begin, *TEST_NEEDS)]
    else:  # a trainer's environment first, then what poisonkit needs, into it
        steps = [(*begin, *tried.more), (*begin, *needs), (*begin, *TEST_NEEDS)]
    for step in steps:
        done = run(*step)
        if done.returncode:
            raise Skipped(f"not to be installed: {reason(done)}")
    return python


def versions(python: Path) -> str:
    done = run("uv", "pip", "list", "--python", str(python), "--format", "json")
    listed = {entry["name"]: entry["version"] for entry in json.loads(done.stdout)}
    names = [name for wanted in SHOWN for name in sorted(listed) if name == wanted or name.startswith(f"{wanted}-")]
    return ", ".join(f"{name} {listed[name]}" for name in names)


def job(python: Path, sources: Path, out: Path) -> dict[str, str] | str:
    """The fixed job's hashes, or what went wrong."""
    out.mkdir()
    done = run(str(python), "-m", "tests.bounds.job", str(sources), str(out), XDG_STATE_HOME=str(out / "state"))
    made = out / "hashes.json"
    if done.returncode or not made.is_file():
        return f"the job failed: {reason(done)}"
    found: dict[str, str] = json.loads(made.read_text(encoding="utf-8"))
    return found


def tests(python: Path) -> str:
    done = run(str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    lines = done.stdout.strip().splitlines()
    failed = [line.split(" - ")[0] for line in lines if line.startswith(("FAILED", "ERROR"))]
    return "; ".join(failed) if done.returncode else "pass"


def compared(found: dict[str, str], wanted: dict[str, str]) -> Iterator[str]:
    """Of each kind how many differ; nothing if none does."""
    different = Counter(name.split()[0] for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    of = Counter(name.split()[0] for name in wanted)
    for kind in sorted(different, key=lambda kind: (kind not in KINDS, kind)):
        yield f"{different[kind]} of {of[kind]} {kind}s"


def main(names: list[str]) -> int:
    """Try what is asked for; 1 if something failed."""
    chosen = [c for c in COMBINATIONS if not names or c.name.startswith(tuple(names))]
    if "--list" in names or not chosen:
        print("\n".join(c.name for c in COMBINATIONS))
        return 0 if "--list" in names else 2
    if shutil.which("uv") is None:
        print("skipped: uv is not here (pip install uv)")
        return 0
    bad = 0
    with tempfile.TemporaryDirectory(prefix="poisonkit-bounds-") as folder:
        home = Path(folder)
        wanted: dict[str, str] = {}
        for tried in (LOCKED, *(c for c in chosen if c != LOCKED)):
            venv = home / "venv"
            try:
                python = install(tried, venv)
                if tried == LOCKED:
                    done = run(str(python), "-m", "tests.bounds.job", "make", str(home / "sources"))
                    if done.returncode:
                        sys.exit(f"The sources could not be made: {reason(done)}")
                found = job(python, home / "sources", home / "out")
                if tried == LOCKED and isinstance(found, dict):
                    wanted = found
                said = found if isinstance(found, str) else ", ".join(compared(found, wanted)) or "none"
                passed = tests(python) if tried in chosen else "not run"
                bad += isinstance(found, str) or passed not in ("pass", "not run")
                print(f"| {tried.name} | {versions(python)} | {said} | {passed} |", flush=True)
            except Skipped as why:
                print(f"| {tried.name} | skipped: {why} | | |", flush=True)
                if tried == LOCKED:
                    return 1
            finally:
                for made in (venv, home / "out"):
                    shutil.rmtree(made, ignore_errors=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
