"""The screen: prose breaks at words, paths and commands stay whole, progress keeps to one line, a full disk is told."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from poisonkit.cli.screen import shown
from tests.cli.conftest import Cli
from tests.runs import make

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "poisonkit"]


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **more}


def on_a_terminal(columns: int, *words: str) -> str:
    """What a command writes to a terminal of so many columns, control sequences and all."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment()):
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            said += part
    os.close(ours)
    return said.decode()


def plain(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("columns", [40, 60, 120])
def test_an_error_breaks_at_words(columns: int) -> None:
    lines = plain(on_a_terminal(columns, "poison", "nowhere", "-t", "nope"))
    assert all(len(line) <= columns for line in lines)
    assert " ".join(lines).split()[:6] == ["poisonkit:", "There", "is", "no", "trigger", "'nope'."]
    assert "chrominance-wave," in " ".join(lines).split(), "no word is broken"


@pytest.mark.parametrize("columns", [40, 55, 80])
def test_progress_keeps_to_one_line(folders: Path, columns: int) -> None:
    said = on_a_terminal(columns, "inspect", str(folders), "--jobs", "1")
    updates = [part for line in plain(said) for part in line.split("\r") if part.startswith("Opening")]
    assert updates
    assert max(map(len, updates)) <= columns
    assert all("/" in each for each in updates), "how many of how many is always there"
    assert "\x1b[1A\x1b[2K\x1b[1A" not in said, "a bar of one line is cleared in one line"


@pytest.mark.parametrize(("columns", "width"), [("", 80), ("40", 40), ("132", 132)])
def test_piped_output_follows_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = cli("triggers", "fog").out.splitlines()
    prose = lines[: next(i for i, line in enumerate(lines) if line.startswith("Parameters"))]
    assert max(map(len, prose)) <= width
    monkeypatch.setenv("COLUMNS", "1000")
    assert " ".join(prose).split() == " ".join(cli("triggers", "fog").out.splitlines()).split("Parameters")[0].split()


def test_paths_and_commands_are_whole(cli: Cli, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    out = tmp_path / ("a-folder-with-a-long-name-" * 3 + "end")
    said = cli("poison", folders, "-t", "blend", "--count", 1, "--attack-limit", 1, "--control", 0, "-o", out, "-j", 1)
    assert said.status == 0
    for path in (out / "data", out / "attack/default/target", out / "poisonkit/manifest.jsonl"):
        assert shown(path) in said.out.split()  # as short as it can be typed from where the tests run
    hints = [line for line in said.out.splitlines() if f"verify {shown(out)} --decode" in line]
    assert len(hints) == 1


@pytest.mark.parametrize("words", ["triggers", "triggers blend", "poison --help", "triggers --json"])
def test_a_full_stdout_is_one_quiet_sentence(words: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *words.split()], stdout=full, stderr=subprocess.PIPE, env=environment(), text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "poisonkit: The output could not be printed (No space left on device).\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [*COMMAND, "triggers"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as p:
        assert p.stdout is not None
        assert p.stderr is not None
        p.stdout.close()
        assert p.stderr.read() == b""


def test_progress_speaks_of_failures_only_where_they_are_known(cli: Cli, clips: Path, tmp_path: Path) -> None:
    (clips / "train" / "run" / "broken.mp4").write_text("no video")
    said = cli("inspect", clips)
    assert "Opening: " in said.err
    assert "failed" not in said.err
    make(clips, tmp_path / "out", trigger="blend", count=1, attack_limit=1, control=0)
    said = cli("poison", clips, "-t", "blend", "--count", 1, "--control", 0, "-o", tmp_path / "b", "-j", 1)
    assert re.search(r"Poisoning: \d+/\d+ clips, .*, 0 failed", said.err)
