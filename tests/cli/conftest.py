"""The command line in this process: status, stdout, stderr."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from poisonkit.cli import call


@dataclass(frozen=True)
class Said:
    """What one command came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on stderr that begins with the program's name; nothing may be on stdout."""
        lines = self.err.splitlines()
        assert "Traceback" not in self.err
        assert self.out == ""
        assert len(lines) == 1, self.err
        assert lines[0].startswith("poisonkit: ")
        return lines[0].removeprefix("poisonkit: ")


Cli = Callable[..., Said]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`cli("poison", folder, "--rate", 0.1)`: run a command; file descriptors are captured, not only `sys`.

    The screen is wide, so that a sentence stands on one line.
    """
    monkeypatch.setenv("COLUMNS", "1000")

    def run(*words: object) -> Said:
        capfd.readouterr()
        status = call([str(w) for w in words])
        said = capfd.readouterr()
        return Said(status, said.out, said.err)

    return run


@pytest.fixture
def clips(folders: Path, tmp_path: Path) -> Path:
    """Class folders of one's own (hard links of the shared ones: replace a file, never write into it)."""
    return Path(shutil.copytree(folders, tmp_path / "clips", copy_function=os.link))
