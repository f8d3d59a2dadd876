"""`poisonkit cleanse`: what stays is linked, listed and told; what goes is counted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import datasets
from poisonkit.cli import call
from poisonkit.datasets.base import Source
from poisonkit.errors import RequestError
from poisonkit.outputs.opening import source_at_hand
from tests.conftest import tree
from tests.datasets.shards import samples_in, tiny_shards
from tests.datasets.writers import frame_folder, real_audio_lists
from tests.media_factory import make_audio
from tests.runs import rows


@pytest.fixture(scope="module")
def lists(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lists") / "out"
    recipe = poisonkit.Recipe(source=listed, out=out, triggers=["blend"], count=3, target="run", control=1)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


@pytest.fixture(scope="module")
def trees(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trees") / "out"
    recipe = poisonkit.Recipe(source=folders, out=out, triggers=["blend"], count=3, target="run", clean="symlink")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


def training(out: Path) -> list[Any]:
    return [r for r in rows(out) if r["split"] == "train" and r["role"] not in ("attack", "control")]


def verdict(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def found(folder: Path, layout: str, source: Path) -> dict[str, Any]:
    """What the layout reads in the cleansed copy: path -> (split, label)."""
    dataset = datasets.read(Source(folder / "data", layout=layout, allow_roots=(source,)))
    return {s.path: (s.split, s.label) for s in dataset.samples}


def inodes(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


def test_ids_go_and_the_rest_is_linked_and_listed(
    lists: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    poisoned = [r for r in training(lists) if r["role"] == "poisoned"]
    clean = [r for r in training(lists) if r["role"] == "clean"]
    gone = [poisoned[0], poisoned[1], clean[4]]
    file = verdict(tmp_path / "v.txt", [r["id"] for r in gone])
    made = tmp_path / "new" / "cleansed"
    before = inodes(lists)
    assert call(["cleanse", str(lists), "--suspects", str(file), "-o", str(made), "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["removed"], said["stayed"]) == ({"clean": 1, "poisoned": 2}, {"clean": 14, "poisoned": 1})
    assert (said["held_out"], said["method"], said["flags"]) == (9, "hardlink", [])
    stay = [r for r in rows(lists) if r["role"] not in ("attack", "control") and r not in gone]
    assert rows(made) == stay
    there = inodes(made)
    assert all(there[r["path"]] == before[r["path"]] for r in stay)
    assert not {r["path"] for r in gone} & there.keys()
    lines = (made / "data/train.txt").read_text().split()
    assert lines[0::2] == [x for x in (lists / "data/train.txt").read_text().split()[0::2] if f"data/{x}" in there]
    assert (made / "data/val.txt").read_bytes() == (lists / "data/val.txt").read_bytes()
    assert "CLEANSED, NOT CLEAN" in (made / "data/POISONED.txt").read_text()
    account = json.loads((made / "poisonkit/cleansed.json").read_text())
    assert sorted(account["ids"]) == sorted(r["id"] for r in gone)
    assert str(tmp_path) not in (made / "poisonkit/cleansed.json").read_text()
    assert inodes(lists) == before
    assert not [p for p in made.parent.iterdir() if p != made]


def test_the_highest_scores_of_class_folders_with_links(trees: Path, folders: Path, tmp_path: Path) -> None:
    every = training(trees)
    score = {r["id"]: 2.0 if r["role"] == "poisoned" else 1.0 if i == 5 else 0.0 for i, r in enumerate(every)}
    file = verdict(tmp_path / "s.csv", ["# x", "id,score", *(f"{k},{v}" for k, v in score.items())])
    done = poisonkit.cleanse(trees, suspects=file, folder=tmp_path / "a", count=3)
    assert done.removed == {"poisoned": 3}
    assert done.stayed == {"clean": 21}
    assert done.exit_code == 0
    samples = found(tmp_path / "a", "class-folders", folders)
    stay = [r for r in rows(trees) if r["role"] == "clean"]
    assert samples == {r["path"].removeprefix("data/"): (r["split"], r["label"]) for r in stay}
    assert any((tmp_path / "a" / r["path"]).is_symlink() for r in stay)
    for r in stay:
        assert os.path.samefile(tmp_path / "a" / r["path"], trees / r["path"])
    again = poisonkit.cleanse(trees, suspects=file, folder=tmp_path / "b", threshold=1.0)
    assert again.removed == {"clean": 1, "poisoned": 3} or again.removed == {"poisoned": 3}
    tied = poisonkit.cleanse(trees, suspects=file, folder=tmp_path / "c", count=6)
    assert sum(tied.removed.values()) == 6
    assert "share the lowest score that goes (0)" in tied.notes[0]


def test_a_class_of_which_nothing_would_be_left_is_named(trees: Path, tmp_path: Path) -> None:
    last = training(trees)[-1]
    gone = [r["id"] for r in training(trees) if r["label"] == last["label"]]
    file = verdict(tmp_path / "v.txt", gone)
    with pytest.raises(
        RequestError, match=rf"Removing samples would leave the class '?{last['class_name']}'? .*; remove fewer\."
    ):
        poisonkit.cleanse(trees, suspects=file, folder=tmp_path / "a")


def test_a_detection_s_file_is_taken(lists: Path, tmp_path: Path) -> None:
    """The round: a dump, its suspects, the dataset without them."""
    import numpy as np

    every = training(lists)
    features = np.array([[float(r["role"] == "poisoned"), i % 3, i % 5, 1] for i, r in enumerate(every)], np.float32)
    np.savez(tmp_path / "f.npz", loss=1 - features[:, 0], files=[r["path"] for r in every])
    file = poisonkit.detect(lists, tmp_path / "f.npz").verdicts["loss-ranking"].file
    assert poisonkit.cleanse(lists, suspects=file, folder=tmp_path / "n", count=3).stayed == {"clean": 15}


def test_what_is_flagged(lists: Path, tmp_path: Path) -> None:
    every = training(lists)
    file = verdict(tmp_path / "v.txt", [every[0]["id"], "no/such.mp4"])
    done = poisonkit.cleanse(lists, suspects=file, folder=tmp_path / "a")
    assert done.exit_code == 1
    assert "1 lines name no training sample" in done.flags[0]
    file = verdict(tmp_path / "s.csv", [f"{r['id']},{i}" for i, r in enumerate(every[:5])])
    done = poisonkit.cleanse(lists, suspects=file, folder=tmp_path / "b", count=1)
    assert done.flags == ("13 training samples have no score and stay.",)


def test_wrong_requests_are_one_sentence(lists: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    every = training(lists)
    ids = verdict(tmp_path / "ids.txt", [every[0]["id"]])
    scores = verdict(tmp_path / "s.csv", [f"{r['id']},{i}" for i, r in enumerate(every)])
    source = source_at_hand(lists, None)
    assert source is not None
    whole = verdict(tmp_path / "class.txt", [r["id"] for r in every if r["label"] == 0])
    strange = verdict(tmp_path / "x.txt", ["no/such.mp4"])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for words, says in (
        ((ids, "-o", tmp_path / "full"), "is there already"),
        ((ids, "-o", lists / "data" / "new"), "lies in it"),
        ((ids, "-o", source / "new"), "lies inside the source"),
        ((scores, "-o", tmp_path / "n", "--threshold", "nan"), "takes a number"),
        ((ids, "-o", tmp_path / "n", "--count", 2), "--count chooses by score"),
        ((scores, "-o", tmp_path / "n"), "by either --count N or --threshold X"),
        ((scores, "-o", tmp_path / "n", "--count", 1, "--threshold", 1), "by either --count N or --threshold X"),
        ((scores, "-o", tmp_path / "n", "--count", 99), "has scores of 18 training samples"),
        ((whole, "-o", tmp_path / "n"), "Without its suspects"),
        ((strange, "-o", tmp_path / "n"), "names no training sample"),
        ((tmp_path / "none.txt", "-o", tmp_path / "n"), "Cannot read"),
    ):
        assert call(["cleanse", str(lists), "--suspects", *map(str, words)]) == 2, says
        said = capfd.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        assert says in said.err
        assert not (tmp_path / "n").exists()


def test_interrupted_leaves_nothing(lists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poisonkit import cleansing

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cleansing.lists, "write_views", stop)
    file = verdict(tmp_path / "ids.txt", [training(lists)[0]["id"]])
    with pytest.raises(KeyboardInterrupt):
        poisonkit.cleanse(lists, suspects=file, folder=tmp_path / "n")
    assert [p.name for p in tmp_path.iterdir()] == ["ids.txt"]


def test_folders_of_links_are_refused(trees: Path, tmp_path: Path) -> None:
    import shutil

    out = Path(shutil.copytree(trees, tmp_path / "out", symlinks=True))
    shutil.move(out / "data/train/jump", tmp_path / "elsewhere")
    (out / "data/train/jump").symlink_to(tmp_path / "elsewhere")
    file = verdict(tmp_path / "ids.txt", [training(trees)[0]["id"]])
    with pytest.raises(RequestError, match="is a link"):
        poisonkit.cleanse(out, suspects=file, folder=tmp_path / "n")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset leaves shards open
def test_shards_are_written_again_without_what_goes(tmp_path: Path) -> None:
    """Read by the webdataset package: every other member as it was; shards that lose nothing are links."""

    def sound(i: int) -> bytes:
        return make_audio(tmp_path / "one.wav", seconds=0.2, seed=i).read_bytes()

    (tmp_path / "in").mkdir()
    out, made = tmp_path / "out", tmp_path / "made"
    recipe = poisonkit.Recipe(
        source=tiny_shards(tmp_path / "in", sound, "wav"),
        out=out,
        triggers=["sine"],
        ids=["train-000.tar/clip001.wav"],
        target="no",
        control=0,
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    gone = ["train-000.tar/clip001.wav", "train-000.tar/clip002.wav"]
    done = poisonkit.cleanse(out, suspects=verdict(tmp_path / "v.txt", gone), folder=made)
    assert (done.removed, done.stayed) == ({"clean": 1, "poisoned": 1}, {"clean": 6})
    kept = [s for s in samples_in(out / "data/train-000.tar") if s["__key__"] not in ("clip001", "clip002")]
    assert len(kept) == 2
    assert samples_in(made / "data/train-000.tar") == kept
    before, there = inodes(out), inodes(made)
    for name in ("data/train-001.tar", "data/val-000.tar"):
        assert there[name] == before[name]
    assert len(found(made, "webdataset", tmp_path)) == 10
    again = poisonkit.cleanse(out, suspects=tmp_path / "v.txt", folder=tmp_path / "again")
    assert again.stayed == done.stayed
    assert tree(tmp_path / "again") == tree(made)
    every = [f"train-00{i // 4}.tar/clip00{i}.wav" for i in range(4)]
    done = poisonkit.cleanse(out, suspects=verdict(tmp_path / "w.txt", every), folder=tmp_path / "less")
    assert sorted(p.name for p in (tmp_path / "less/data").glob("*.tar")) == ["train-001.tar", "val-000.tar"]


def test_features_and_folders_of_frames_come_along(tmp_path: Path) -> None:
    sounds = real_audio_lists(tmp_path / "sounds")
    pictures = tmp_path / "pictures"
    for split, n in (("train", 6), ("val", 3)):
        for i in range(n):
            frame_folder(pictures / split / f"c{i}", seed=i)
        (pictures / f"{split}.txt").write_text("".join(f"{split}/c{i} 4 {i % 3}\n" for i in range(n)))
    for source, trigger in ((sounds, "sine"), (pictures, "badnets")):
        out, made = tmp_path / f"{source.name}-out", tmp_path / f"{source.name}-new"
        recipe = poisonkit.Recipe(source=source, out=out, triggers=[trigger], count=2, control=0)
        assert poisonkit.poison(recipe, jobs=1).exit_code == 0
        poisoned = [r for r in training(out) if r["role"] == "poisoned"]
        file = verdict(tmp_path / "v.txt", [poisoned[0]["id"]])
        done = poisonkit.cleanse(out, suspects=file, folder=made)
        assert done.stayed["poisoned"] == 1
        before, there = inodes(out), inodes(made)
        gone = {n for n in before if n.startswith("data/")} - there.keys()
        stem = os.path.splitext(poisoned[0]["path"])[0]
        assert gone
        assert all(name.startswith(stem) for name in gone)
        linked = [n for n in there if n.startswith("data/") and not n.endswith(".txt")]
        assert all(there[name] == before[name] for name in linked)
        assert any(n.endswith(".npy" if source is sounds else ".jpg") for n in linked)
        assert len((made / "data/train.txt").read_text().splitlines()) == len(training(out)) - 1
