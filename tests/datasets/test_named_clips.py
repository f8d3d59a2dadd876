"""ESC-50, FSDD, VGGSound, Kinetics, whose file names say something; PySlowFast's and PyTorchVideo's lists."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import makes
from tests.datasets.readers import pyslowfast, pytorchvideo, read_esc50, read_fsdd, torchvision, touch

ESC = ("dog", "rain", "clock tick")


@makes("esc50")
def esc50(root: Path) -> Path:
    lines = []
    for fold in (1, 2, 3):
        for target, name in enumerate(ESC):
            for take in "AB":
                clip = 100 + (target if take == "A" else 9)  # takes B would meet under one target
                file = f"{fold}-{clip}-{take}-{target}.wav"
                lines.append((file, fold, target, name, str(target == 0), clip, take))
    touch(root, [f"audio/{line[0]}" for line in lines])
    (root / "meta").mkdir()
    with (root / "meta" / "esc50.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "fold", "target", "category", "esc10", "src_file", "take"), *lines])
    return root


@makes("fsdd")
def fsdd(root: Path) -> Path:
    names = [f"{d}_{s}_{i}.wav" for d in (0, 3, 7) for s in ("jackson", "theo") for i in (0, 4, 5, 12)]
    return touch(root, [f"recordings/{name}" for name in names])


@makes("vggsound")
def vggsound(root: Path) -> Path:
    lines = [(f"-id{s}{i}", 30 * i, name, s) for s in ("train", "test") for name in ESC[::-1] for i in range(3)]
    lines = [(f"{clip}{name[0]}", start, name + ", loud", split) for clip, start, name, split in lines]
    with (root / "vggsound.csv").open("w", newline="") as file:
        csv.writer(file).writerows([*lines, ("gone", 7, "rain, loud", "train")])
    return touch(root, [f"video/{clip}_{start:06d}.mp4" for clip, start, _, _ in lines])


def read_vggsound(root: Path) -> dict[str, str]:
    """VGGSound's own dataloader: classes from stat.csv, files and labels from test.csv."""
    with (root / "stat.csv").open(newline="") as file:
        classes = sorted(row[0] for row in csv.reader(file))
    with (root / "test.csv").open(newline="") as file:
        found = {row[0]: row[1] for row in csv.reader(file)}
    assert set(found.values()) <= set(classes)
    return found


@makes("kinetics")
def kinetics(root: Path, place: str = "{split}/{folder}/{file}") -> Path:
    for split, word in (("train", "train"), ("val", "validate"), ("test", "test")):
        lines = []
        for c, label in enumerate(("riding a bike", "abseiling", "zumba")):
            for i in range(3):
                clip = (f"_{split}-{c}{i}", i, i + 10)
                lines.append((label, *clip, word))
                name = f"{clip[0]}_{clip[1]:06d}_{clip[2]:06d}.mp4"
                folder = label.replace(" ", "_")
                touch(root, [place.format(split=split, folder=folder, label=label, file=name)])
        head = ["label", "youtube_id", "time_start", "time_end", "split"]
        cut = 1 if split == "test" else 0  # Kinetics' test lists have no labels
        with (root / f"kinetics400_{word}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([line[cut:] for line in ([head, *lines])])
    return root


def kinetics_flat(root: Path) -> Path:
    return kinetics(root, "clips/{file}")


def kinetics_spaced(root: Path) -> Path:
    return kinetics(root, "{split}/{label}/{file}")


@makes("pyslowfast")
def slow(root: Path, more: str = "") -> Path:
    for split in ("train", "val", "test"):
        names = [f"v/{split}{c}{i}.mp4" for i in range(3) for c in range(3)]
        touch(root, names)
        (root / f"{split}.csv").write_text("".join(f"{n}{more} {n[-6]}\r\n" for n in names))
    return root


def slow_counted(root: Path) -> Path:
    return slow(root, " 24")


@makes("pytorchvideo")
def spaced(root: Path) -> Path:
    for split in ("train", "val"):
        names = [f"my clips/{split} {c}{i}.mp4" for i in range(3) for c in range(3)]
        touch(root, names)
        (root / f"{split}_list.csv").write_text("".join(f"{n}\t{n[-6]}\n" for n in names))
    return root


@pytest.mark.parametrize(
    ("make", "name", "split"),
    [
        (esc50, "esc50", None),
        (esc50, "esc50", 2),
        (fsdd, "fsdd", None),
        (vggsound, "vggsound", None),
        (kinetics, "kinetics", None),
        (kinetics_flat, "kinetics", None),
        (kinetics_spaced, "kinetics", None),
        (slow, "pyslowfast", None),
        (slow_counted, "pyslowfast", None),
        (spaced, "pytorchvideo", None),
    ],
)
def test_the_checker(tmp_path: Path, make: Callable[[Path], Path], name: str, split: int | None) -> None:
    root = tmp_path / "in"
    root.mkdir()
    source = Source(make(root), split=split)
    assert read(source).layout == name
    check_layout(get_layout(name), source)


def poisoned(
    make: Callable[[Path], Path], tmp_path: Path, name: str, target: int, wanted: Callable[[str], bool]
) -> Path:
    """A copy in which the training samples that are `wanted` have the target's label."""
    (tmp_path / "in").mkdir()
    dataset = read(Source(make(tmp_path / "in")))
    layout = get_layout(name)
    moved = {s.id: target for s in dataset.of("train") if s.label != target and wanted(s.id)}
    assert moved
    write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    return tmp_path / "out"


def test_esc50_name_and_csv_agree(tmp_path: Path) -> None:
    out = poisoned(esc50, tmp_path, "esc50", 0, lambda i: "/2-" in i)
    before, after = read_esc50(tmp_path / "in"), read_esc50(out)
    assert after.keys() - before.keys() == {"2-101-A-0.wav", "2-102-A-0.wav", "2-109-C-0.wav", "2-109-D-0.wav"}
    assert before.keys() - after.keys() == {"2-101-A-1.wav", "2-102-A-2.wav", "2-109-B-1.wav", "2-109-B-2.wav"}


def test_fsdd_stays_in_its_split(tmp_path: Path) -> None:
    out = poisoned(fsdd, tmp_path, "fsdd", 3, lambda i: "0_jackson_12" in i)
    before, after = read_fsdd(tmp_path / "in" / "recordings"), read_fsdd(out / "recordings")
    assert after.items() - before.items() == {("3_jackson_14.wav", ("train", 3))}
    assert before.items() - after.items() == {("0_jackson_12.wav", ("train", 0))}
    assert read(Source(tmp_path / "in" / "recordings")).root == tmp_path / "in"


def test_vggsound_for_its_own_loader(tmp_path: Path) -> None:
    out = poisoned(vggsound, tmp_path, "vggsound", 0, lambda i: "_000030" in i)
    assert read_vggsound(out) == {f"-idtest{i}{n[0]}_{30 * i:06d}.mp4": f"{n}, loud" for n in ESC for i in range(3)}
    with (out / "vggsound.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert ["-idtrain1r", "30", "clock tick, loud", "train"] in lines
    assert len(lines) == 18
    assert "1 of 19 listed clips are not there and left out ('gone_000007')" in read(Source(tmp_path / "in")).notes[0]


def test_kinetics_for_torchvision(tmp_path: Path) -> None:
    out = poisoned(kinetics, tmp_path, "kinetics", 0, lambda i: "-00_" in i)
    moved = "_train-00_000000_000010.mp4"
    assert next(os.path.basename(f) for f, c in torchvision(out / "train", (".mp4",)) if c == 0) == moved
    assert torchvision(out / "val", (".mp4",)) == [
        (f.replace(str(tmp_path / "in"), str(out)), c) for f, c in torchvision(tmp_path / "in" / "val", (".mp4",))
    ]
    with (out / "kinetics400_train.csv").open(newline="") as file:
        rows = {row["youtube_id"]: row for row in csv.DictReader(file)}
    assert rows["_train-00"] == {
        "label": "abseiling", "youtube_id": "_train-00", "time_start": "0", "time_end": "10", "split": "train"
    }  # fmt: skip
    assert read(Source(out)).classes == ("abseiling", "riding a bike", "zumba")


@pytest.mark.parametrize(
    ("make", "old", "new"),
    [
        (kinetics, "train/riding_a_bike", "train/abseiling"),
        (kinetics_spaced, "train/riding a bike", "train/abseiling"),
        (kinetics_flat, "clips", "clips"),
    ],
)
def test_kinetics_clips_move_where_folders_are_classes(
    tmp_path: Path, make: Callable[[Path], Path], old: str, new: str
) -> None:
    dataset = read(Source(make(tmp_path)))
    clip = next(s for s in dataset.of("train") if s.label == 1)
    layout = get_layout("kinetics")
    assert clip.path.rpartition("/")[0] == old
    assert layout.place(dataset, clip, 0) == f"{new}/{clip.path.rpartition('/')[2]}"


@pytest.mark.parametrize("more", ["", " 24"])
def test_pyslowfast_timesformer_videomae(tmp_path: Path, more: str) -> None:
    out = poisoned(lambda root: slow(root, more), tmp_path, "pyslowfast", 2, lambda i: "train10" in i)
    lines = (out / "train.csv").read_text().split("\n")
    assert lines[1] == f"v/train10.mp4{more} 2"
    for split in ("train", "val", "test"):
        if not more:
            assert len(pyslowfast(out / f"{split}.csv")) == 9
        for line in (out / f"{split}.csv").read_text().splitlines():
            assert next(csv.reader([line], delimiter=" ")) == line.split(" ")  # as pandas has it


def test_pytorchvideo_takes_spaces(tmp_path: Path) -> None:
    out = poisoned(spaced, tmp_path, "pytorchvideo", 2, lambda i: "train 10" in i)
    before = pytorchvideo(tmp_path / "in" / "train_list.csv")
    assert pytorchvideo(out / "train_list.csv") == [(p, 2 if p == "my clips/train 10.mp4" else c) for p, c in before]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.mp4\n", "Line 2 of train.csv has no label, and PySlowFast would read it as class 0"),
        ("a.mp4  1\n", "Line 2 of train.csv is not `path label`, separated by one space"),
        ("a.mp4 1 \n", "Line 2 of train.csv is not `path label`"),
        ("a.mp4 -1\n", "the label a number from 0"),
        ("a.mp4 24 1\n", "Some lines have a frame count and others have none"),
    ],
)
def test_pyslowfast_refuses_what_its_readers_get_wrong(tmp_path: Path, text: str, message: str) -> None:
    touch(tmp_path, ["a.mp4", "b.mp4"])
    (tmp_path / "train.csv").write_text(f"b.mp4 0\n{text}")
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))
