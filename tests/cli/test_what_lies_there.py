"""`inspect` of what is no dataset as it lies: a short sentence about it, and the command that is likely wanted next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import poisonkit
from poisonkit import RequestError
from tests.cli.conftest import Cli
from tests.media_factory import make_video
from tests.runs import make


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders and files that are no dataset, each by its name."""
    home = tmp_path_factory.mktemp("places")
    for name in ("flat/a.mp4", "flat/b.mp4", "single/a.mp4", "one/jump/a.mp4", "listed/a.mp4", "listed/b.mp4"):
        make_video(home / name, frames=4, size=(32, 32))
    for name in ("empty", "packed", "text", "paper"):
        (home / name).mkdir()
    (home / "listed" / "mine.lst.csv").write_text("a.mp4,x,y,z\n")
    (home / "packed" / "clips.zip").write_bytes(b"PK")
    (home / "text" / "notes.md").write_text("notes")
    (home / "paper" / "train.txt").write_text("nothing of the kind\n")
    (home / "x.json").write_text('{"a": 1}')
    return home


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("empty", "'empty' is empty: name the folder of a dataset, or have clips made there to try things on: "
                  "`poisonkit sample-data empty`."),
        ("flat", "'flat' holds 2 clips and no class folders, so nothing says their labels"),
        ("flat", "`poisonkit inspect flat --train-list FILE`"),
        ("single", "'single' holds a single clip and no class folders"),
        ("one", "'one' has one class only ('jump'), and a backdoor leads from one class to another: put the folder of "
                "a second class beside it, and ask again: `poisonkit inspect one`."),
        ("flat/a.mp4", "'flat/a.mp4' is a single clip, and a dataset is a folder of them"),
        ("flat/a.mp4", "`poisonkit preview flat/a.mp4 --trigger NAME`"),
        ("x.json", "'x.json' is a JSON file that no layout reads as a list by itself"),
        ("listed", "name the list, `poisonkit inspect listed --train-list listed/mine.lst.csv`."),
        ("packed", "'packed' holds archives and no clips ('clips.zip'): unpack them there"),
        ("text", "no video or sound lies in it (1 files such as 'notes.md')"),
        ("paper", "it holds lists ('train.txt')"),
    ],
)  # fmt: skip
def test_each_gets_its_own_sentence(
    cli: Cli, places: Path, monkeypatch: pytest.MonkeyPatch, named: str, expected: str
) -> None:
    monkeypatch.chdir(places)
    said = cli("inspect", named)
    assert said.status == 2
    assert expected in said.complaint
    assert len(said.complaint) < 450
    assert cli("poison", places / named, "-t", "blend").status == 2


def test_a_finished_output(cli: Cli, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(folders, tmp_path / "my out", trigger="blend", count=1, attack_limit=1, control=0)
    said = cli("inspect", "my out")
    assert said.status == 2
    assert "'my out' is an output of poisonkit, and its dataset is the folder data in it" in said.complaint
    assert "`poisonkit inspect 'my out/data'`" in said.complaint
    assert "`poisonkit inspect 'my out' --shortcuts`" in said.complaint
    with pytest.raises(RequestError, match="`poisonkit inspect 'my out' --shortcuts`"):
        poisonkit.inspect("my out")  # a command stays one in Python's words too
    assert cli("inspect", "my out/data").status == 0


@pytest.mark.parametrize("labels", [("0", "1"), ("jump", "spin")])
def test_comma_lists_without_a_header_line(cli: Cli, places: Path, tmp_path: Path, labels: tuple[str, str]) -> None:
    shutil.copytree(places / "flat", tmp_path / "clips")
    shutil.copy(tmp_path / "clips" / "b.mp4", tmp_path / "clips" / "c.mp4")
    lines = f"a.mp4,{labels[0]}\nb.mp4,{labels[1]}\nc.mp4,{labels[1]}\n"
    (tmp_path / "clips" / "train.csv").write_text(lines)
    for named in ("clips", "clips/train.csv"):
        found = cli("inspect", tmp_path / named, "--json").json
        assert found["classes"] == list(labels)
        assert found["samples"] == {"train": {"classes": [1, 2], "unlabelled": 0}}
    made = cli("poison", tmp_path / "clips", "-t", "blend", "--count", 1, "-o", tmp_path / "out", "-j", 1)
    assert made.status == 0
    written = (tmp_path / "out/data/train.csv").read_text().splitlines()
    assert sorted(line.split(",")[1] for line in written) == [labels[0], labels[0], labels[1]]
    assert [line.split(",")[0] for line in written] == ["a.mp4", "b.mp4", "c.mp4"]
    assert cli("inspect", tmp_path / "out/data", "--json").json["classes"] == list(labels)
    assert cli("verify", tmp_path / "out").status == 0


def test_files_that_open_and_those_that_do_not_add_up(cli: Cli, clips: Path) -> None:
    total = sum(1 for _ in clips.rglob("*.*"))
    (clips / "train" / "run" / "broken.mp4").write_text("no video")
    said = cli("inspect", clips)
    assert said.status == 1
    assert f"Media (all {total + 1} files looked at: {total} open, 1 do not)" in said.out
    assert "Files that do not open (1)" in said.out
    found = cli("inspect", clips, "--json").json
    assert (found["looked_at"], found["opened"], len(found["not_opened"])) == (total + 1, total, 1)
    (clips / "train" / "run" / "broken.mp4").unlink()
    assert "Media (4 of " in cli("inspect", clips, "--limit", 4).out
