"""Starting over: nothing is removed before everything is known to be right, and all that was poisonkit's goes."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.engine import preflight
from tests.conftest import same_output, tree

RECIPE: dict[str, Any] = {"triggers": ["sine"], "count": 5, "attack_limit": 2, "survival": "none"}
Usage = namedtuple("Usage", "total used free")


def recipe(sounds: Path, out: Path, **more: Any) -> Recipe:
    return Recipe(source=sounds, out=out, **{**RECIPE, **more})


@pytest.fixture
def out(sounds: Path, tmp_path: Path) -> Path:
    poisonkit.poison(recipe(sounds, tmp_path / "out"), jobs=1)
    return tmp_path / "out"


def test_nothing_is_removed_where_the_disk_has_no_room(
    sounds: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(out)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 0))
    with pytest.raises(RequestError, match="may take"):
        poisonkit.poison(recipe(sounds, out, clean="copy", count=8), jobs=1, fresh=True)
    assert tree(out) == before


def test_what_is_removed_makes_room(sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    poisonkit.poison(recipe(sounds, out, clean="copy"), jobs=1)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 10**5))
    with pytest.raises(RequestError, match="may take"):
        poisonkit.poison(recipe(sounds, tmp_path / "other"), jobs=1)
    assert poisonkit.poison(recipe(sounds, out), jobs=1, fresh=True).exit_code == 0


@pytest.mark.parametrize(
    ("more", "running"),
    [
        ({"target": "nosuch"}, {}),
        ({"count": 1000}, {}),
        ({}, {"executor": "dask"}),
        ({}, {"executor": "dask", "scheduler": "tcp://127.0.0.1:1"}),
        ({}, {"scheduler": "local"}),
    ],
    ids=["class", "pool", "no scheduler", "dead scheduler", "scheduler without dask"],
)
def test_nothing_is_removed_for_a_request_that_is_refused(
    sounds: Path, out: Path, more: dict[str, Any], running: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if running.get("executor"):
        pytest.importorskip("distributed")
        monkeypatch.setattr("poisonkit.engine.executors.dask.ANSWER", 1.0)
    before = tree(out)
    with pytest.raises(RequestError):
        poisonkit.poison(recipe(sounds, out, **more), jobs=1, fresh=True, **running)
    assert tree(out) == before


def test_nothing_is_removed_where_somebody_elses_file_is_in_the_way(sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    poisonkit.poison(recipe(sounds, out, ids=("no/0.flac", "no/1.wav"), count=None, target=1), jobs=1)
    (out / "data" / "no" / "1.wav").write_bytes(b"theirs")  # ours moved to the target's folder
    before = tree(out)
    with pytest.raises(RequestError, match="in the way"):
        poisonkit.poison(recipe(sounds, out, count=1, target=0), jobs=1, fresh=True)
    assert tree(out) == before


def test_exported_lists_go_too_and_are_known_to_be_poisonkits_own(
    sounds: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poisonkit.export(out, "table")
    poisonkit.export(out, "mmaction2", folder=out / "lists")
    (out / "export" / "mine.txt").write_text("mine", encoding="utf-8")
    told: list[str] = []

    class Told:
        def say(self, text: str) -> None:
            told.append(text)

        def begin(self, what: str, total: int, expected: object = None) -> None: ...
        def step(self, row: Any = None) -> None: ...
        def end(self) -> None: ...

    poisonkit.poison(recipe(sounds, out, count=3), jobs=1, fresh=True, progress=Told())
    assert [text for text in told if "own" in text] == ["Not poisonkit's own, and left as it is: export/mine.txt."]
    assert not (out / "lists").exists()
    assert tree(out / "export") == {"mine.txt": tree(out / "export")["mine.txt"]}
    shutil.rmtree(out / "export")
    poisonkit.poison(recipe(sounds, out.with_name("quiet"), count=3), jobs=1)
    assert same_output(out) == same_output(out.with_name("quiet"))


def test_starting_over_that_was_interrupted_starts_over_again(
    sounds: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of the removal, the plans still say what else there is to remove."""
    from poisonkit.engine import reset

    real, removed = reset._remove, []

    def remove(path: Path) -> None:
        removed.append(path)
        if len(removed) == 12:
            raise KeyboardInterrupt
        real(path)

    monkeypatch.setattr(reset, "_remove", remove)
    with pytest.raises(KeyboardInterrupt):
        poisonkit.poison(recipe(sounds, out, seed=9), jobs=1, fresh=True)
    monkeypatch.undo()
    assert poisonkit.poison(recipe(sounds, out, seed=9), jobs=1, fresh=True).exit_code == 0
    poisonkit.poison(recipe(sounds, out.with_name("quiet"), seed=9), jobs=1)
    assert same_output(out) == same_output(out.with_name("quiet"))


@pytest.mark.parametrize("where", [".", "data", "attack/x", "poisonkit", "link", "poisonkit/.."])
def test_lists_never_take_the_place_of_the_outputs_own(out: Path, where: str) -> None:
    if where == "link":
        os.symlink(out, out.with_name("link"))
        where = "../link"
    before = tree(out)
    for to in ("mmaction2", "table"):
        with pytest.raises(RequestError, match="part of the output itself"):
            poisonkit.export(out, to, folder=out / where)
    assert tree(out) == before


def test_lists_are_not_written_over_an_output_that_lies_where_they_go(sounds: Path, tmp_path: Path) -> None:
    """An output named `data`, and its lists into the folder around it."""
    out = tmp_path / "data"
    poisonkit.poison(recipe(sounds, out), jobs=1)
    with pytest.raises(RequestError, match="part of the output itself"):
        poisonkit.export(out, "table", folder=tmp_path)
