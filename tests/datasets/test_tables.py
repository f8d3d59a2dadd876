"""Plain tables, NeMo manifests and Hugging Face metadata: through the checker, and as their readers have it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import makes
from tests.datasets.readers import read_nemo, touch
from tests.datasets.writers import as_csv, as_json

WORDS = ("run", "jump", "wave, both")


def rows(split: str, suffix: str = "mp4", n: int = 3) -> list[dict[str, Any]]:
    return [
        {"path": f"clips/{split}/{c}_{i}.{suffix}", "name": WORDS[c], "id": c, "duration": 1.5 + i}
        for i in range(n)
        for c in range(3)
    ]


@makes("table")
def one_csv(root: Path) -> Path:
    """One csv with a column of splits in words of its own, ids beside names, rows in any order."""
    both = [("training", r) for r in rows("a")] + [("validation", r) for r in rows("b", n=1)]
    lines = [(r["duration"], r["path"], r["name"], split, r["id"]) for split, r in both[::-1]]
    as_csv(root / "clips.csv", ["Duration", "Filename", "category", "subset", "target"], lines)
    return touch(root, [r["path"] for _, r in both])


def csv_per_split(root: Path) -> Path:
    for split in ("train", "test"):
        as_csv(root / "annotations" / f"{split}.csv", ["path", "label"], ((r["path"], r["id"]) for r in rows(split)))
        touch(root, [r["path"] for r in rows(split)])
    (root / "annotations" / "classes.txt").write_text("a\nb\nc\nd\n")
    return root


def only_train(root: Path) -> Path:
    as_json(root / "all.jsonl", ({"file": r["path"], "class": r["name"], "more": [1, None]} for r in rows("x")))
    return touch(root, [r["path"] for r in rows("x")])


@makes("nemo")
def nemo(root: Path) -> Path:
    for split in ("train", "validation", "test"):
        mine = rows(split, "wav")
        as_json(
            root / f"{split}_manifest.json",
            (
                {"audio_filepath": f"{root}/{r['path']}", "duration": r["duration"], "label": r["name"], "offset": 0.0}
                for r in mine
            ),
        )
        touch(root, [r["path"] for r in mine])
    return root


@makes("hugging-face")
def hf_per_split(root: Path) -> Path:
    for split in ("train", "test"):
        mine = [{"file_name": f"v/{i}.mp4", "label": i % 2, "note": "ü"} for i in range(6)]
        as_json(root / split / "metadata.jsonl", mine)
        touch(root / split, [m["file_name"] for m in mine])
    return root


def hf_csv(root: Path) -> Path:
    for split in ("train", "validation"):
        mine = [(f"{c}/{i}.mp4", WORDS.index(c), c) for c in WORDS for i in range(3)]
        as_csv(root / split / "metadata.csv", ["file_name", "label", "label_name"], mine)
        touch(root / split, [name for name, *_ in mine])
    return root


def hf_in_root(root: Path) -> Path:
    mine = [{"label": w, "file_name": f"{s}/{w}{i}.wav"} for s in ("train", "test") for w in "ab" for i in range(3)]
    as_json(root / "metadata.jsonl", mine)
    return touch(root, [m["file_name"] for m in mine])


def read_hugging_face(root: Path, split: str) -> dict[str, Any]:
    """datasets' folder builders: files joined with the nearest metadata above, by file_name relative to it."""
    columns: set[tuple[str, ...]] = set()
    found = {}
    for metadata in sorted(root.rglob("metadata.jsonl")):
        for line in metadata.read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            columns.add(tuple(sorted(item)))
            assert not item["file_name"].startswith(("/", ".."))
            file = (metadata.parent / item["file_name"]).relative_to(root)
            assert (root / file).is_file()
            if file.parts[0] == split:
                found[file.as_posix()] = item["label"]
    assert len(columns) == 1
    return found


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (one_csv, "table"),
        (csv_per_split, "table"),
        (only_train, "table"),
        (nemo, "nemo"),
        (hf_per_split, "hugging-face"),
        (hf_in_root, "hugging-face"),
        (hf_csv, "hugging-face"),
    ],
)
def test_the_checker(tmp_path: Path, make: Callable[[Path], Path], name: str) -> None:
    source = Source(make(tmp_path / "in"))
    assert read(source).layout == name
    check_layout(get_layout(name), source)


def test_a_table_keeps_its_columns_and_both_its_label_columns(tmp_path: Path) -> None:
    dataset = read(Source(one_csv(tmp_path / "in")))
    assert dataset.classes == WORDS
    first = dataset.samples[0]
    assert (first.path, first.split, first.extra) == ("clips/b/2_0.mp4", "val", ("1.5",))
    layout = get_layout("table")
    moved = {s.id: 1 for s in dataset.of("train") if s.label == 2 and "_0" in s.id}
    write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    with (tmp_path / "in" / "clips.csv").open(encoding="utf-8-sig", newline="") as file:
        before = list(csv.DictReader(file))
    with (tmp_path / "out" / "clips.csv").open(newline="") as file:
        after = list(csv.DictReader(file))
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert [(b["Filename"], b["category"], b["target"]) for _, b in changed] == [("clips/a/2_0.mp4", "jump", "1")]
    assert len(before) == 12


@pytest.mark.parametrize("name", ["train.csv", "all.csv", "train_list.jsonl"])
@pytest.mark.parametrize("named", [True, False])
def test_a_column_of_splits_is_heeded_whatever_the_table_is_called(tmp_path: Path, name: str, named: bool) -> None:
    parts = ("train", "train", "train", "train", "test", "test")
    lines = [(f"clips/{i}.mp4", f"c{i % 2}", split) for i, split in enumerate(parts)]
    touch(tmp_path, [path for path, *_ in lines])
    if name.endswith("csv"):
        as_csv(tmp_path / name, ["path", "label", "split"], lines)
    else:
        as_json(tmp_path / name, (dict(zip(("path", "label", "split"), line, strict=True)) for line in lines))
    source = Source(tmp_path, lists={"train": Path(name)} if named else {})
    dataset = read(source)
    assert dataset.layout == "table"
    assert {s.path: s.split for s in dataset.samples} == {path: split for path, _, split in lines}
    check_layout(get_layout("table"), source)
    as_csv(tmp_path / "val.csv", ["path", "label", "split"], lines[:2])
    lists = {"train": tmp_path / name, "val": tmp_path / "val.csv"}
    with pytest.raises(RequestError, match=r"column 'split' of .* says .* alone, with `train_list`"):
        read(Source(tmp_path, layout="table", lists=lists))


def test_columns_by_name(tmp_path: Path) -> None:
    as_csv(
        tmp_path / "t.csv",
        ["clip_at", "y", "fold"],
        [(f"{i}.mp4", "ab"[i % 2], "Test" if i > 3 else "TRAIN") for i in range(6)],
    )
    touch(tmp_path, [f"{i}.mp4" for i in range(6)])
    source = Source(tmp_path, columns={"path": "clip_at", "label": "y", "split": "fold"})
    dataset = check_layout(get_layout("table"), source)
    assert [len(dataset.of(s)) for s in ("train", "test")] == [4, 2]
    with pytest.raises(RequestError, match="6 clips and no class folders, and no list in it says their labels"):
        read(Source(tmp_path))


def test_nemo_reads_the_copy(tmp_path: Path) -> None:
    dataset = read(Source(nemo(tmp_path / "in")))
    layout = get_layout("nemo")
    moved = {s.id: 0 for s in dataset.of("train") if s.label == 1 and "_0" in s.id}
    written = write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    assert written == ("train_manifest.json", "validation_manifest.json", "test_manifest.json", "label_map.txt")
    got = read_nemo(tmp_path / "out" / written[0])
    before = {str(Path(p).relative_to(tmp_path / "in")): w for p, w in read_nemo(tmp_path / "in" / written[0]).items()}
    assert {p for p in got if got[p] != before[p]} == set(moved)
    line = json.loads((tmp_path / "out" / written[0]).read_text().splitlines()[0])
    assert line == {"audio_filepath": "clips/train/0_0.wav", "duration": 1.5, "label": "jump", "offset": 0.0}


@pytest.mark.parametrize(("make", "new"), [(hf_per_split, 0), (hf_in_root, "a")])
def test_hugging_face_reads_the_copy(tmp_path: Path, make: Callable[[Path], Path], new: object) -> None:
    dataset = read(Source(make(tmp_path / "in")))
    layout = get_layout("hugging-face")
    one = next(s for s in dataset.of("train") if s.label == 1)
    write_copy(layout, dataset, rows_of(layout, dataset, {one.id: 0}), tmp_path / "out", "data")
    for split in ("train", "test"):
        before, after = (read_hugging_face(tmp_path / part, split) for part in ("in", "out"))
        assert after == {**before, **({one.path: new} if split == "train" else {})}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "path,label\na.mp4\n", "Line 2 of t.csv has 1 fields, and 2 are expected"),
        ("t.csv", 'path,label\n"a.mp4" x,b\n', "Line 2 of t.csv is not csv"),
        ("t.csv", "path,label,label\na.mp4,x,y\n", "two columns of one name"),
        ("t.csv", "path,label,split\na.mp4,x,maybe\n", "Line 2 of t.csv has the split 'maybe'"),
        ("t.csv", "path,label\na.mp4,\n", "no label at all"),
        ("t.csv", "path,label\na.mp4,x\na.mp4,x\n", "listed twice, on line 2 of t.csv and on line 3"),
        ("t.csv", "path,label\n/etc/passwd,x\na.mp4,x\n", "allow_root"),
        ("t.jsonl", '{"path": "a.mp4", "label": 1}\nnot\n', "Line 2 of t.jsonl is not a JSON object"),
        ("metadata.jsonl", '{"file_name": "../a.mp4", "label": 1}\n', "which leaves its folder"),
    ],
)
def test_refusals(tmp_path: Path, name: str, text: str, message: str) -> None:
    touch(tmp_path, ["a.mp4"])
    (tmp_path / name).write_text(text)
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))


def test_hugging_face_metadata_that_is_not_read_is_not_passed_over(tmp_path: Path) -> None:
    """With metadata `datasets` drops the folders' labels, so class folders are not what its readers see."""
    root = touch(tmp_path / "a", [f"train/{c}/{i}.mp4" for c in "ab" for i in range(2)])
    (root / "train" / "metadata.parquet").touch()
    with pytest.raises(RequestError, match=r"'train/metadata.parquet' is metadata by which Hugging Face drops"):
        read(Source(root))
    assert read(Source(root, layout="class-folders")).layout == "class-folders"
    (root / "train" / "metadata.parquet").rename(root / "train" / "metadata.csv")
    (root / "train" / "metadata.csv").write_text("clip,place\n0,x\n")  # of something else
    assert read(Source(root)).layout == "class-folders"
    both = hf_csv(tmp_path / "b")
    (both / "train" / "metadata.jsonl").write_text('{"file_name": "x"}\n')
    with pytest.raises(RequestError, match=r"'train/metadata.csv' is metadata|holds metadata.jsonl and metadata.csv"):
        read(Source(both))
    (both / "train" / "metadata.csv").unlink()
    with pytest.raises(RequestError, match="One split has its metadata as csv, another as json lines"):
        read(Source(both, layout="hugging-face"))
