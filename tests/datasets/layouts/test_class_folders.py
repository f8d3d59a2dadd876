"""Class folders: read and written, through the checker, and as torchvision and Hugging Face read them."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from poisonkit.datasets import Dataset, Row, Source, get_layout, read, split_off
from poisonkit.datasets.kit.class_folders import PLACEHOLDER
from poisonkit.datasets.layouts import class_folders
from poisonkit.errors import RequestError
from tests.datasets import writers
from tests.datasets.making import makes
from tests.datasets.readers import NASTY, hugging_face, hugging_face_labels, torchvision, touch

MEDIA = (".mp4", ".avi", ".wav")
LAYOUT = get_layout("class-folders")

FLAT = {
    "cat": ("a.mp4", "b.mp4", "deep/er/c.avi", "deep-x/c.avi", "z/c.avi"),
    "dog": ("a.mp4", "z.WAV", "deep/er/c.avi"),
    "ötter 日本": NASTY,
}


def tree(root: Path, classes: dict[str, tuple[str, ...]] = FLAT, *parts: str) -> Path:
    for part in parts or ("",):
        touch(root / part, (f"{name}/{file}" for name, files in classes.items() for file in files))
    return root


@makes("class-folders")
def folders(root: Path) -> Path:
    return writers.class_folders(root)


def rows_of(dataset: Dataset, relabel: dict[str, int] | None = None) -> list[Row]:
    """Every sample as a Row, those in `relabel` with that label."""
    rows = []
    for sample in dataset.samples:
        label = (relabel or {}).get(sample.id, sample.label)
        rows.append(Row(sample, label, LAYOUT.place(dataset, sample, label)))
    return rows


def write(dataset: Dataset, rows: list[Row], out: Path, view: str = "data") -> Path:
    LAYOUT.check(dataset, rows, view)
    files = LAYOUT.write(dataset, rows, out, view)
    assert files == (("classes.txt",) if view == "data" else ("classes.txt", "test/metadata.jsonl"))
    return touch(out, (row.path for row in rows))


@pytest.mark.parametrize("parts", [(), ("train", "test"), ("Train", "validation", "TEST"), ("train",)])
def test_reads_what_torchvision_reads_and_comes_back_the_same(tmp_path: Path, parts: tuple[str, ...]) -> None:
    root = tree(tmp_path / "in", FLAT, *parts)
    touch(root, [".hidden/x/a.mp4", f"{parts[0] + '/' if parts else ''}cat/.hidden.mp4"])
    dataset = read(Source(root))
    assert (dataset.layout, dataset.classes) == ("class-folders", ("cat", "dog", "ötter 日本"))
    copy = read(Source(write(dataset, rows_of(dataset), tmp_path / "out")))
    assert (copy.samples, copy.classes, copy.options) == (dataset.samples, dataset.classes, dataset.options)
    words = {"train": "train", "validation": "val", "test": "test"}
    for part in parts or ("",):
        ours = dataset.of(words[part.lower()] if part else "train")
        theirs = [(os.path.relpath(f, tmp_path / "out"), c) for f, c in torchvision(tmp_path / "out" / part, MEDIA)]
        assert theirs == [(s.path, s.label) for s in ours]
    assert (tmp_path / "out" / "classes.txt").read_text().splitlines() == list(dataset.classes)


def test_classes_are_the_union_over_splits_and_a_missing_one_is_noted(tmp_path: Path) -> None:
    tree(tmp_path, {"b": ("1.mp4",), "a": ("2.mp4",)}, "train")
    tree(tmp_path, {"b": ("3.mp4",)}, "val")
    (tmp_path / "val" / "c").mkdir()
    touch(tmp_path, ["notes/readme.md", "stray.mp4", "train/b/list.csv"])
    dataset = read(Source(tmp_path))
    assert dataset.classes == ("a", "b", "c")
    assert {s.id: (s.split, s.label) for s in dataset.samples} == {
        "train/a/2.mp4": ("train", 0),
        "train/b/1.mp4": ("train", 1),
        "val/b/3.mp4": ("val", 1),
    }
    said = " ".join(dataset.notes)
    for words in ("in val/ ('a', 'c')", "in train/ ('c')", "'notes'", "'stray.mp4'", "'train/b/list.csv'"):
        assert words in said
    out = tmp_path.parent / f"{tmp_path.name}-out"
    files = LAYOUT.write(dataset, rows_of(dataset), out, "data")
    assert files == ("classes.txt", "train/metadata.jsonl", "val/metadata.jsonl")  # Hugging Face would leave c out
    touch(out, [sample.path for sample in dataset.samples])
    assert hugging_face_labels(out, MEDIA) == {sample.path: sample.label for sample in dataset.samples}
    assert [[p.name for p in sorted((out / s).iterdir()) if p.is_dir()] for s in ("train", "val")] == [list("abc")] * 2


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("car/1.mp4", "train/2.mp4"), ("train",)),  # trains are vehicles too
        (("car/x/1.mp4", "train/x/2.mp4"), ("train",)),
        (("train/x/1.mp4", "train/y/1.mp4", "testing/x/2.mp4", "extra/z/3.mp4"), ("train", "test")),
        (("valid/x/1.mp4", "test/y/2.mp4"), ("val", "test")),
    ],
)
def test_split_folders_are_told_from_classes(tmp_path: Path, names: tuple[str, ...], splits: object) -> None:
    dataset = read(Source(touch(tmp_path, names)))
    assert dataset.splits == splits
    assert dataset.options["nested"] == (len(dataset.splits) == 2)


@pytest.mark.parametrize("parts", [(), ("train", "test")])
def test_relabelled_samples_move_to_the_target_and_never_meet(tmp_path: Path, parts: tuple[str, ...]) -> None:
    classes = {
        "a": ("x.mp4", "x__2.mp4", "own.mp4", "sub/x.mp4", "stay.mp4"),
        "b": ("x.mp4", "sub/x.mp4", "noext.d/v.mp4", "stay2.mp4"),
        "c": ("x.mp4", "x__2.mp4", "stay3.mp4"),
    }
    dataset = read(Source(tree(tmp_path / "in", classes, *parts)))
    moved = {s.id: 0 for s in dataset.of("train") if not s.path.rsplit("/", 1)[1].startswith("stay")}
    rows = rows_of(dataset, moved)
    out = write(dataset, rows, tmp_path / "out")
    where = {row.sample.id: row.path for row in rows}
    at = "train/" if parts else ""
    assert where[f"{at}a/x.mp4"] == f"{at}a/x.mp4"
    numbers = [re.fullmatch(rf"{at}a/x__(\d+)\.mp4", where[f"{at}{name}/x.mp4"]) for name in "bc"]
    assert len({int(match[1]) for match in numbers if match} - {1, 2}) == 2  # x__2.mp4 is there
    assert where[f"{at}b/sub/x.mp4"] in (f"{at}a/sub/x__2.mp4", f"{at}a/sub/x__3.mp4")
    assert where[f"{at}b/noext.d/v.mp4"] == f"{at}a/noext.d/v.mp4"
    seen = torchvision(out / at, MEDIA)
    assert len(seen) == len(dataset.of("train"))
    assert {os.path.relpath(f, out): c for f, c in seen} == {r.path: r.label for r in rows if r.sample.split == "train"}
    shuffled = replace(dataset, notes=("another object",))
    assert [LAYOUT.place(shuffled, r.sample, r.label) for r in reversed(rows)] == [r.path for r in reversed(rows)]


def test_attack_views_hold_every_class_folder(tmp_path: Path) -> None:
    dataset = read(Source(tree(tmp_path / "in", FLAT, "train", "test")))
    held = [s for s in dataset.of("test") if s.label != 0]
    for view, label in (("target", 0), ("original", None)):
        rows = [Row(s, s.label if label is None else label, LAYOUT.place(dataset, s, label)) for s in held]
        out = write(dataset, rows, tmp_path / view, view)
        assert not (out / "train").exists()
        seen = torchvision(out / "test", MEDIA, strict=False)
        assert sorted(c for _, c in seen) == sorted(row.label for row in rows)
        assert [p.name for p in sorted((out / "test").iterdir()) if p.is_dir()] == list(dataset.classes)
    again = [row for row in rows if row.label == 1]  # the same place, written with fewer clips, and with none
    for few in (again, []):
        LAYOUT.write(dataset, few, tmp_path / "few", "original")
        marked = [p.parent.name for p in sorted((tmp_path / "few").rglob(PLACEHOLDER))]
        assert marked == [name for label, name in enumerate(dataset.classes) if not (few and label == 1)]
        assert (tmp_path / "few" / "test" / "metadata.jsonl").exists() == bool(few)


@pytest.mark.parametrize("parts", [(), ("train", "val")])
def test_a_held_out_split_makes_split_folders(tmp_path: Path, parts: tuple[str, ...]) -> None:
    classes = {name: tuple(f"{i}.mp4" for i in range(10)) for name in ("a", "b")}
    source = read(Source(tree(tmp_path / "in", classes, *parts)))
    dataset = split_off(source, 0.2, seed=3)
    out = write(dataset, rows_of(dataset), tmp_path / "out")
    copy = read(Source(out))
    assert copy.splits == (("train", "val", "test") if parts else ("train", "test"))
    assert [len(copy.of("train")), len(copy.of("test"))] == [16, 4]
    assert sum(c for _, c in torchvision(out / "test", MEDIA)) == 2
    names, files = hugging_face(out, MEDIA)["test"]
    assert names == ["a", "b"]
    assert len(files) == 4


def test_an_emptied_class_is_refused(tmp_path: Path) -> None:
    dataset = read(Source(tree(tmp_path, {"a": ("1.mp4",), "b": ("2.mp4",)}, "train", "test")))
    rows = rows_of(dataset, {"train/b/2.mp4": 0})
    with pytest.raises(RequestError, match=r"leave the class 'b' without a training sample"):
        LAYOUT.check(dataset, rows, "data")
    LAYOUT.check(dataset, rows, "control")


def test_equal_places_and_long_names_are_refused(tmp_path: Path) -> None:
    dataset = read(Source(tree(tmp_path, {"a": ("1.mp4", "2.mp4"), "b": ("d.mp4/2.mp4", "d.mp4/3.mp4")})))
    rows = rows_of(dataset)
    with pytest.raises(RequestError, match=r"Two samples would be written to 'a/1.mp4'"):
        LAYOUT.check(dataset, [*rows[1:], replace(rows[0], path="a/1.mp4"), rows[0]], "control")
    with pytest.raises(RequestError, match=r"would be the file of 'a/1.mp4' and also a folder"):
        LAYOUT.check(dataset, [replace(rows[0], path="b/d.mp4"), *rows[1:]], "control")
    with pytest.raises(RequestError, match="longer than 255 bytes"):
        LAYOUT.check(dataset, [replace(rows[0], path="a/" + "é" * 130 + ".mp4")], "control")


def test_names_in_two_unicode_forms_are_refused(tmp_path: Path) -> None:
    touch(tmp_path / "1", ["a/\u00e9.mp4", "a/e\u0301.mp4", "b/x.mp4"])
    with pytest.raises(RequestError, match="different Unicode forms"):
        read(Source(tmp_path / "1"))
    touch(tmp_path / "2", ["\u00e9/1.mp4", "e\u0301/2.mp4"])
    with pytest.raises(RequestError, match="different Unicode forms"):
        read(Source(tmp_path / "2"))
    dataset = read(Source(touch(tmp_path / "3", ["a/e\u0301.mp4", "b/x.mp4"])))
    assert (dataset.samples[0].id, dataset.samples[0].path) == ("a/\u00e9.mp4", "a/e\u0301.mp4")
    assert dataset.file(dataset.samples[0]).exists()


def test_names_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, ["a/1.mp4", "b/2.mp4"])
    os.close(os.open(os.fsencode(tmp_path) + b"/a/\xe9.mp4", os.O_CREAT))
    with pytest.raises(RequestError, match=r"'\\xe9.mp4' in 'a' is not valid UTF-8"):
        read(Source(tmp_path))


def test_links_are_followed_inside_and_refused_outside(tmp_path: Path) -> None:
    root = touch(tmp_path / "in", ["a/1.mp4", "b/2.mp4"])
    far = touch(tmp_path / "far", ["x.mp4", "more/y.mp4"])
    (root / "a" / "again.mp4").symlink_to("1.mp4")
    (root / "a" / "loop").symlink_to("..")
    (root / "b" / "gone.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(root / "b" / "pipe.mp4")
    dataset = read(Source(root))
    assert [s.id for s in dataset.samples] == ["a/1.mp4", "a/again.mp4", "b/2.mp4"]
    said = " ".join(dataset.notes)
    assert all(words in said for words in ("'a/loop'", "'b/gone.mp4'", "'b/pipe.mp4'"))
    (root / "a" / ".hop").symlink_to(far / "x.mp4")
    links = (("a/out.mp4", far / "x.mp4"), ("a/chain.mp4", Path(".hop")), ("b/out", far / "more"), ("c", far))
    for link, target in links:
        (root / link).symlink_to(target)
        with pytest.raises(RequestError, match=rf"'{link}' leads outside the data root.*allow_root"):
            read(Source(root))
        assert len(read(Source(root, allow_roots=(far,))).samples) > 3
        (root / link).unlink()


@pytest.mark.parametrize(
    ("names", "source", "message"),
    [
        (["x.txt"], {}, r"No class folder .* holds a video or audio file"),
        (["train/a/1.mp4", "Training/b/1.mp4"], {}, r"'Training', 'train'.* same split"),
        (["a/1.mp4", "b/1.mp4"], {"split": 1}, "no numbered splits: leave `split` out"),
        (["a/1.mp4", "b/1.mp4"], {"lists": {"train": Path("t.txt")}}, "no lists to name"),
    ],
)
def test_refusals_when_reading(tmp_path: Path, names: list[str], source: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(Source(touch(tmp_path, names), layout="class-folders", **source))  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="is not a folder"):
        read(Source(tmp_path / names[0], layout="class-folders"))


def test_real_speech_commands(realdata: Path) -> None:
    root = realdata / "audio" / "speech_commands"
    dataset = read(Source(root))
    assert dataset.layout == "class-folders"
    assert len(dataset.classes) > 10
    assert dataset.classes == tuple(sorted(p.name for p in root.iterdir() if p.is_dir()))


def test_reading_grows_with_the_classes_and_not_with_their_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty thousand classes, on no disk: each asked whether it is among the folders of its split."""
    names = [f"class {i:06}" for i in range(40000)]

    class Fake:
        def __init__(self, root: Path, allow_roots: object) -> None: ...

        def folders(self, part: str) -> list[str]:
            return names if part == "" else []

        def has_media(self, part: str) -> bool:
            return True

        def media(self, part: str) -> list[str]:
            return [f"{part}/a.mp4"]

        def strays(self, parts: object, ours: object) -> None: ...

        def notes(self) -> tuple[str, ...]:
            return ()

    monkeypatch.setattr(class_folders, "Tree", Fake)
    began = time.process_time()
    assert len(LAYOUT.read(Source(tmp_path)).samples) == len(names)
    assert time.process_time() - began < 4  # with a list in place of a set: 10 s
