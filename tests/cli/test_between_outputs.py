"""`diff`, `restore` and `identify`: what sets outputs apart, the clean dataset again, what a file is, in full words."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import poisonkit
from tests.cli.conftest import Cli
from tests.runs import make, rows


@pytest.fixture
def pair(clips: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two outputs of the same clips, of other rates and strengths."""
    how = {"attack_limit": 3, "control": 1, "survival": "all"}
    make(clips, tmp_path / "one", trigger="blend", count=2, **how)
    make(clips, tmp_path / "two", trigger="blend:alpha=0.4", count=3, **how)
    return tmp_path / "one", tmp_path / "two"


def test_what_sets_two_outputs_apart(cli: Cli, pair: tuple[Path, Path]) -> None:
    one, two = pair
    said = cli("diff", one, two)
    assert said.status == 1
    assert "blend's alpha is 0.2 in the first and 0.4 in the second" in said.out
    assert "--count is 2 in the first and 3 in the second" in said.out
    table = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.strip()}
    assert table["poisoned"] == ["2", "0", "1"]
    (extra,) = {r["id"] for r in rows(two, "poisoned")} - {r["id"] for r in rows(one, "poisoned")}
    assert f"poisoned, only in the second: {extra}" in said.out
    assert "Labels (1 differ)" in said.out
    assert f"{extra}: " in said.out
    assert "Survival (mean gain)" in said.out
    found = cli("diff", one, two, "--json").json
    assert found["samples"]["poisoned"] == {"both": 2, "first": [], "second": [extra]}
    assert found["same"] is False
    assert len([name for name in found["files"] if name.startswith("attack default: ")]) == 3
    gains = found["survival"]["default"]
    assert all(0.5 < gain < 1.5 for gain in gains)


def test_an_output_and_its_copy_are_the_same(cli: Cli, pair: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(pair[0], tmp_path / "copy")
    said = cli("diff", pair[0], tmp_path / "copy")
    assert said.status == 0
    assert "the same" in said.out
    assert poisonkit.diff(pair[0], tmp_path / "copy").same
    assert "not an output" in cli("diff", pair[0], tmp_path).complaint


def test_the_clean_dataset_again(cli: Cli, pair: tuple[Path, Path], clips: Path, tmp_path: Path) -> None:
    said = cli("restore", pair[1], "-o", tmp_path / "clean")
    assert said.status == 0
    before = {p.relative_to(clips): p.read_bytes() for p in clips.rglob("*") if p.is_file()}
    after = {p.relative_to(tmp_path / "clean"): p for p in (tmp_path / "clean").rglob("*") if p.is_file()}
    assert {name: p.read_bytes() for name, p in after.items() if name in before} == before
    assert {str(name) for name in after.keys() - before.keys()} <= {"classes.txt"}
    assert f"({len(before) - 3} samples linked from the output, 3 from the source)" in said.out
    ours = next(p for name, p in after.items() if name in before)
    assert os.stat(ours).st_nlink > 1
    assert (
        cli("inspect", tmp_path / "clean", "--json").json["samples"] == cli("inspect", clips, "--json").json["samples"]
    )
    assert "name a new or empty folder" in cli("restore", pair[1], "-o", tmp_path / "clean").complaint
    assert "lies in it: choose another folder" in cli("restore", pair[1], "-o", pair[1] / "data" / "x").complaint


def test_a_list_again(cli: Cli, listed: Path, tmp_path: Path) -> None:
    make(listed, tmp_path / "out", trigger="blend", count=2, attack_limit=1, control=0)
    assert cli("restore", tmp_path / "out", "-o", tmp_path / "clean").status == 0
    for name in ("train.txt", "val.txt"):
        assert (tmp_path / "clean" / name).read_text() == (listed / name).read_text()


def test_without_the_source_what_is_gone_is_named(
    cli: Cli, pair: tuple[Path, Path], clips: Path, tmp_path: Path
) -> None:
    clips.rename(tmp_path / "elsewhere")
    said = cli("restore", pair[0], "-o", tmp_path / "clean", "--json")
    assert said.status == 1
    assert sorted(said.json["missing"]) == sorted(r["id"] for r in rows(pair[0], "poisoned"))
    assert said.json["from_source"] == 0
    again = cli("restore", pair[0], "-o", tmp_path / "whole", "--source", tmp_path / "elsewhere")
    assert again.status == 0
    assert poisonkit.restore(pair[0], tmp_path / "third", source=tmp_path / "elsewhere").missing == ()


def test_what_a_file_is_in_full_words(cli: Cli, pair: tuple[Path, Path], tmp_path: Path) -> None:
    row = rows(pair[0], "poisoned")[0]
    shutil.copy(pair[0] / row["path"], tmp_path / "renamed.bin")
    said = cli("identify", tmp_path / "renamed.bin", "--in", pair[0])
    assert said.status == 0
    lines = [line.strip() for line in said.out.splitlines()]
    assert lines[0].startswith(f"{tmp_path / 'renamed.bin'}: '{row['id']}' of ")
    assert lines[1:] == [
        "it is: a poisoned training sample of the split train",
        "backdoor: default",
        "trigger: blend, temporal static, vary sequence, alpha 0.2, pattern picture, canvas short:256",
        f"where: in all of its {row['frames']} frames",
        f"made from: {row['source_path']} of the clean dataset",
        f"label: {row['label']} ({row['class_name']}); before: {row['original_label']} ({row['original_class']})",
    ]
    clean = rows(pair[0], "clean")[0]
    said = cli("identify", pair[0] / clean["path"])
    assert "it is: a clean sample of the split train" in said.out
    assert "backdoor" not in said.out
    assert "before" not in said.out


def test_some_frames_are_named(cli: Cli, clips: Path, tmp_path: Path) -> None:
    make(clips, tmp_path / "out", trigger="badnets", count=1, frames="first:3", attack_limit=1, control=0)
    said = cli("identify", tmp_path / "out" / rows(tmp_path / "out", "poisoned")[0]["path"])
    assert "where: in 3 of its " in said.out
    assert "frames, counted from 0: 0 to 2" in said.out


def test_what_is_not_found_is_exit_1_and_says_where_it_looked(
    cli: Cli, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strange.mp4").write_text("x")
    monkeypatch.chdir(tmp_path)
    said = cli("identify", "strange.mp4")
    assert said.status == 1
    assert "strange.mp4: not in any manifest" in said.out
    assert "Looked in one, two. --in OUT names others." in said.out
    found = cli("identify", "strange.mp4", "--in", "one", "--json")
    assert found.status == 1
    assert json.loads(found.out)["searched"] == ["one"]
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path / "bare")
    (tmp_path / "bare" / "y.mp4").write_text("y")
    assert "Looked in no output: there is none around the files or here" in cli("identify", "y.mp4").out
