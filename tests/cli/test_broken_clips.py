"""Clips that do not open are named and left alone; the rest is done."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def _replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


BROKEN = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "noise": lambda data: bytes(range(256)) * 16,
}


@pytest.fixture
def broken(clips: Path) -> Path:
    """One truncated, one empty, one of noise in a class that is poisoned, and one truncated test clip."""
    for i, damage in enumerate(BROKEN.values()):
        path = clips / "train" / "run" / f"run {i}.mp4"
        _replace(path, damage(path.read_bytes()))
    path = clips / "test" / "spin" / "spin 0.mp4"
    _replace(path, path.read_bytes()[:500])
    return clips


def test_inspect_names_them(cli: Cli, broken: Path) -> None:
    said = cli("inspect", broken)
    assert said.status == 1
    assert "Files that do not open (4)" in said.out
    said = cli("inspect", broken, "--json")
    assert said.status == 1
    assert [f["id"] for f in said.json["not_opened"]] == [
        "train/run/run 0.mp4",
        "train/run/run 1.mp4",
        "train/run/run 2.mp4",
        "test/spin/spin 0.mp4",
    ]


def test_the_rest_is_poisoned(cli: Cli, broken: Path, tmp_path: Path) -> None:
    words = ("poison", broken, "-t", "blend", "-o", tmp_path / "out", "--control", 1, "--jobs", 1)
    said = cli(*words, "--count", 12, "--json")  # 16 candidates, 3 of them broken
    assert said.status == 0
    assert said.json["counts"]["poisoned"] == {"ok": 12}
    assert said.json["counts"]["attack"] == {"ok": 7}
    named = said.json["passed_over"].keys()
    assert "test/spin/spin 0.mp4" in named
    assert len(named) > 1
    assert named <= {f"train/run/run {i}.mp4" for i in range(3)} | {"test/spin/spin 0.mp4"}
    assert all(name.rpartition("/")[2] in said.err for name in named)
    for i in range(3):
        assert (tmp_path / "out/data/train/run" / f"run {i}.mp4").exists(), "left as it is in the source"
    assert "Traceback" not in said.err


def test_too_few_left(cli: Cli, broken: Path) -> None:
    said = cli("poison", broken, "-t", "blend", "--count", 14, "--jobs", 1)
    assert said.status == 2
    assert "only 13 of 16 candidates" in said.complaint


def test_a_listed_file_that_is_missing_stops_nothing(cli: Cli, listed: Path, tmp_path: Path) -> None:
    source = shutil.copytree(listed, tmp_path / "listed", copy_function=os.link)
    (source / "videos" / "train_01.mp4").unlink()
    words = ("poison", source, "-t", "blend", "-o", tmp_path / "out", "--count", 8, "--attack-limit", 1)
    said = cli(*words, "--jobs", 1, "--json")
    assert said.json["counts"]["poisoned"] == {"ok": 8}
    assert "train_01.mp4" in said.err
    lists = (tmp_path / "out/data/train.txt").read_text()
    assert "train_01.mp4" not in lists
    assert lists.count("\n") == 17
