"""A finished run that is started again has nothing to do; whatever was touched is seen and repaired."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import RequestError
from poisonkit.engine.pipeline import Work
from poisonkit.outputs import record
from tests import runs
from tests.conftest import same_output

RECIPE = {"triggers": ["sine"], "count": 4, "test_fraction": 0.3, "control": 2}


make = partial(runs.make, **RECIPE)


def test_the_second_time_no_clip_is_worked_on_and_the_outcome_is_the_same(sounds: Path, tmp_path: Path) -> None:
    first = make(sounds, tmp_path / "out")
    before = same_output(tmp_path / "out")
    again = make(sounds, tmp_path / "out")
    assert same_output(tmp_path / "out") == before
    assert again.processed == 0
    assert again.exit_code == 0
    for name in ("counts", "failed", "inert", "warnings", "clean_method", "annotations", "survival"):
        assert getattr(again, name) == getattr(first, name), name
    assert list(again.plan.tasks) == list(first.plan.tasks)
    with pytest.raises(RequestError, match="another recipe"):
        make(sounds, tmp_path / "out", count=3)


@pytest.mark.parametrize("what", ["poisoned", "clean", "list", "manifest", "card", "extra"])
def test_whatever_was_touched_is_repaired(sounds: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    make(sounds, out)
    good = same_output(out)
    rows = list(record.read(out / "poisonkit" / "manifest.jsonl"))
    if what in ("poisoned", "clean"):
        (out / next(r["path"] for r in rows if r["role"] == what)).unlink()
    elif what == "extra":
        (out / "data" / "stray.wav").write_bytes(b"x")
    else:
        name = {"list": "data/classes.txt", "manifest": "poisonkit/manifest.jsonl", "card": "README.md"}[what]
        text = (out / name).read_bytes()
        (out / name).write_bytes(text.replace(b"o", b"0", 1))  # as many bytes as before
    assert same_output(out) != good
    make(sounds, out)
    if what == "extra":
        (out / "data" / "stray.wav").unlink()
    assert same_output(out) == good


@pytest.mark.parametrize("clean", ["hardlink", "copy"])
def test_a_source_that_was_another_while_the_run_went_on_is_looked_at_again(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: str
) -> None:
    """A clean clip was cut short when it came into the copy, and is whole again: the same command repairs it."""
    root = tmp_path / "src"
    shutil.copytree(sounds, root)
    recipe = {"source": root, "triggers": ["sine"], "count": 3, "attack_set": False, "clean": clean}
    poisonkit.poison(poisonkit.Recipe(out=tmp_path / "quiet", **recipe), jobs=1)
    rows = record.read(tmp_path / "quiet" / "poisonkit" / "manifest.jsonl")
    path = root / next(r["source_path"] for r in rows if r["role"] == "clean")
    data, facts = path.read_bytes(), path.stat()

    def replaced(by: bytes) -> None:
        path.unlink()
        path.write_bytes(by)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    real = Work._link_clean

    def link_clean(self: Work, needs: Any) -> Any:
        replaced(data[: len(data) // 2])
        return real(self, needs)

    monkeypatch.setattr(Work, "_link_clean", link_clean)
    poisonkit.poison(poisonkit.Recipe(out=tmp_path / "out", **recipe), jobs=1)
    monkeypatch.undo()
    replaced(data)
    poisonkit.poison(poisonkit.Recipe(out=tmp_path / "out", **recipe), jobs=1)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "quiet")
