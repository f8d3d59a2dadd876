"""A finished run that is started again is known without its plan; whatever was touched is seen and mended."""

from __future__ import annotations

import json
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import RequestError
from poisonkit.datasets import Sample
from poisonkit.engine.pipeline import Work
from poisonkit.outputs import record
from poisonkit.plan.plan import Plan, Task
from poisonkit.plan.task import to_line
from tests import runs
from tests.conftest import same_output

RECIPE = {"triggers": ["sine"], "count": 4, "test_fraction": 0.3, "control": 2}


make = partial(runs.make, **RECIPE)


def test_nothing_is_read_or_written_the_second_time(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(sounds, tmp_path / "out")
    before = (tmp_path / "out" / "poisonkit" / "run.json").read_bytes()
    real = Plan.read
    monkeypatch.setattr(Plan, "read", lambda path: pytest.fail("the plan was read"))
    again = make(sounds, tmp_path / "out")
    monkeypatch.setattr(Plan, "read", real)
    assert (tmp_path / "out" / "poisonkit" / "run.json").read_bytes() == before
    assert again.processed == 0
    assert again.exit_code == 0
    for name in ("counts", "failed", "inert", "warnings", "clean_method", "annotations"):
        assert getattr(again, name) == getattr(first, name), name
    assert first.survival
    assert {k: o.measured for k, o in again.survival.items()} == {k: o.measured for k, o in first.survival.items()}
    assert list(again.plan.tasks) == list(first.plan.tasks)
    with pytest.raises(RequestError, match="another recipe"):
        make(sounds, tmp_path / "out", count=3)


@pytest.mark.parametrize("what", ["poisoned", "clean", "list", "manifest", "card", "extra"])
def test_whatever_was_touched_is_mended(sounds: Path, tmp_path: Path, what: str) -> None:
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


def test_rows_are_written_as_json_writes_them() -> None:
    """Clean samples are written by hand: names with quotes, line ends, broken UTF-8 and % signs among them."""
    classes = ('a "b" %s', "c\u2028\udcff")
    for name in ('x "y".mp4', "a\\b\n.mp4", "100%s.mp4", "\udcff.mp4", "ä\u2028/ü.mp4"):
        for label in (None, 0, 1):
            task = Task("clean", Sample(name, f"../{name}", "train", 1), f"data/{name}", label)
            row = {n: v for n, v in task.row().items() if n not in ("extra", "further")}
            assert to_line(task) == json.dumps(row, ensure_ascii=False)
            wanted = json.dumps(record.record(task, classes, bytes=7), ensure_ascii=False)
            assert record.clean_lines(classes)(task, 7) == wanted


@pytest.mark.parametrize("clean", ["hardlink", "copy"])
def test_a_source_that_was_another_while_the_run_went_on_is_looked_at_again(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: str
) -> None:
    """A clean clip was cut short when it came into the copy, and whole again afterwards: the same command mends it."""
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
