"""Outputs that were made before the package had its present rooms (at 9531aa1) are read as they were.

`assets/made_before.tar.xz`: per layout `source` and `out`, of generated clips, by
`poisonkit poison source -o out --trigger badnets --rate 0.2 --control 2` (sound: sine:snr=10). Host and places in
run.json are made up.
"""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import pytest

import poisonkit
from poisonkit import RequestError
from poisonkit.common import levels
from poisonkit.outputs import record
from poisonkit.reporting.html import write_report

ASSET = Path(__file__).parent / "assets" / "made_before.tar.xz"


@pytest.fixture(params=["class-folders", "esc50"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(ASSET) as file:
        file.extractall(tmp_path, [m for m in file if m.name.startswith(f"{request.param}/")], filter="data")
    return tmp_path / str(request.param)


def test_it_is_verified(made: Path) -> None:
    assert poisonkit.verify(made / "out").problems == ()
    checked = poisonkit.verify(made / "out", source=made / "source", decode=True)
    assert checked.problems == ()
    row = next(r for r in record.read(made / "out" / "poisonkit" / "manifest.jsonl") if r["role"] == "poisoned")
    path = made / "out" / row["path"]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert [finding.path for finding in poisonkit.verify(made / "out").problems] == [row["path"]]


def test_it_is_scored_reported_and_exported(made: Path, tmp_path: Path) -> None:
    rows = [r for r in record.read(made / "out" / "poisonkit" / "manifest.jsonl") if r["status"] == "ok"]
    held = [r for r in rows if r["role"] == "attack"] or [r for r in rows if r["role"] == "clean"]
    predictions = tmp_path / "predictions.csv"
    with predictions.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "pred"), *((r["path"], r["label"]) for r in held)])
    assert poisonkit.score(made / "out", [predictions]) is not None
    assert write_report(made / "out", source=made / "source").is_file()
    assert poisonkit.export(made / "out", to="table", folder=tmp_path / "lists")


def test_an_attack_set_is_added(made: Path) -> None:
    out, trigger = made / "out", "tone-burst" if made.name == "esc50" else "blend"
    if levels.of_process() != "x86-64-v3":
        pytest.skip("the outputs were made on a processor with AVX2")
    with pytest.raises(RequestError, match="source"):
        poisonkit.attack(out, name="more", trigger=[trigger], jobs=1)
    done = poisonkit.attack(out, name="more", trigger=[trigger], source=made / "source", jobs=1)
    assert done.exit_code == 0
    assert poisonkit.verify(out, source=made / "source", decode=True).problems == ()
