"""Kinetics-Sounds as the `KSDataset` of loaders that follow OGM-GE reads it: class folders in two trees.

The rule: frames in `visual/train_img/Image-01-FPS/CLASS/CLIP/` and `visual/val_img/…`, sounds in `audio/train/CLASS/`
and `audio/test/CLASS/`; the classes are those on the one line of `class.txt`, between commas, spaces in a name being
`_` in its folder. Within a class, the clips and the sounds are paired by their place in sorted order, not by name. A
clip of fewer than three frames is passed over, and its sound is not: the pairs behind it are then wrong.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.common import atomic
from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, modality_of, sample_id
from poisonkit.datasets.kit import (
    Name,
    check_class_folders,
    check_emptied,
    check_names,
    check_places,
    make_folder,
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    with_class,
    without_class,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.pairs import FRAMES, Trees
from poisonkit.errors import RequestError

CLASS_FILE = "class.txt"
PLACES: dict[Split, tuple[str, str]] = {
    "train": ("visual/train_img/Image-01-FPS", "audio/train"),
    "test": ("visual/val_img/Image-01-FPS", "audio/test"),
}
"""Split -> where its frames lie, and its sounds."""
LEAST = 3  # frames, of which KSDataset passes over the clip


class KineticsSounds(Layout):
    """Frame folders and sounds of one name are a pair. Without `class.txt` the classes are the folders, sorted."""

    name: ClassVar[str] = "kinetics-sounds"
    help: ClassVar[str] = "Kinetics-Sounds: `visual/train_img/Image-01-FPS/CLASS/CLIP/`, `audio/train/CLASS/CLIP.wav`"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20
    pairs: ClassVar[bool] = True
    folders: ClassVar[bool] = True
    reads_frames: ClassVar[str] = FRAMES

    def detect(self, source: Source) -> str | None:
        there = all((source.path / place).is_dir() for place in PLACES["train"])
        return " and ".join(f"{place}/" for place in PLACES["train"]) if there else None

    def read(self, source: Source) -> Dataset:
        root = Path(os.path.abspath(source.path))
        if not all((root / place).is_dir() for place in PLACES["train"]):
            raise RequestError(f"'{root}' has no {PLACES['train'][0]}/ with the frames, or no {PLACES['train'][1]}/.")
        trees = Trees(root, Fence(root, source.allow_roots))
        classes = _classes(root, trees)
        samples, few, total = [], [], 0
        for split, (pictures, sounds) in PLACES.items():
            for label, each in enumerate(classes):
                heard = trees.sounds(f"{sounds}/{each}")
                clips = trees.folders(f"{pictures}/{each}")
                names = {_stem(clip, heard): clip for clip in clips}
                total += len(names.keys() | heard.keys())
                trees.lone += [(heard[stem], "frames") for stem in sorted(heard.keys() - names.keys())]
                for stem, clip in names.items():
                    picture, sound = f"{pictures}/{each}/{clip}", f"{sounds}/{each}/{heard.get(stem, f'{stem}.wav')}"
                    if trees.has(picture, sound):
                        samples.append(Sample(sample_id(picture), picture, split, label, sound=sound))
                        if len(os.listdir(root / picture)) < LEAST:
                            few.append(clip)
        if not samples:
            raise RequestError(f"Not one clip in '{root}' has both its frames and its sound.")
        notes = trees.notes(total, "where KSDataset, which pairs by place, would pair others wrongly")
        if few:
            notes += (f"{len(few)} clips have fewer than {LEAST} frames ({some(few)}): KSDataset passes them over, and "
                      "their sounds not, so that it pairs those behind them in their class wrongly.",)  # fmt: skip
        if odd := mispaired(samples):
            notes += (f"KSDataset, which pairs by place in sorted order, pairs {some(odd)} wrongly: rename them.",)
        return Dataset(root, self.name, classes, tuple(samples), {}, notes)

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return _placed(dataset, sample, label, sample.path, PLACES[sample.split][0])

    def place_sound(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        assert sample.sound is not None
        return _placed(dataset, sample, label, sample.sound, PLACES[sample.split][1])

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return super().split_options(dataset, split) if split == "val" else {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        if odd := [name for name in dataset.classes if "," in name or " " in name or name.startswith("_")]:
            raise RequestError(f"The class names {some(odd)} cannot stand in {CLASS_FILE}: a comma or a space in one.")
        check_names(rows, "Kinetics-Sounds")
        check_places(rows, (CLASS_FILE,))
        for row in rows:
            picture, sound = PLACES[row.sample.split]
            clip, heard = row.path.removeprefix(f"{picture}/"), (row.sound or "").removeprefix(f"{sound}/")
            if os.path.splitext(heard)[0] != _stem(clip, {os.path.splitext(heard)[0]: heard}):
                raise RequestError(
                    f"The clip '{row.path}' and its sound '{row.sound}' are not named alike: rename one."
                )
        new = set(mispaired(rows)) - set(mispaired(dataset.samples))
        if new:
            raise RequestError(
                f"KSDataset pairs clips and sounds by place in sorted order, and would pair {some(sorted(new))} "
                "wrongly: give clips names of one length."
            )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Make every class folder, which KSDataset lists, and write `class.txt`, without a line end."""
        splits = {row.sample.split for row in rows} or {"test"}
        if view == "data":
            splits = {sample.split for sample in dataset.samples}
        for split in PLACES:
            for place in PLACES[split] if split in splits else ():
                for name in dataset.classes:
                    make_folder(root, place, name)
        if view != "data" and "train" not in splits:  # by which the layout is known
            for place in PLACES["train"]:
                make_folder(root, place)
        atomic.write_bytes(root / CLASS_FILE, ",".join(dataset.classes).encode())
        return (CLASS_FILE,)


def _classes(root: Path, trees: Trees) -> tuple[str, ...]:
    """The classes of `class.txt`, as their folders are called; else the folders."""
    file = root / CLASS_FILE
    if not file.is_file():
        return tuple(sorted({name for places in PLACES.values() for p in places for name in trees.folders(p)}))
    line = read_text(file).split("\n", 1)[0]
    names = tuple("_".join(name.strip().split(" ")) for name in line.split(",") if name.strip())
    if len(set(names)) < len(names) or not names:
        raise RequestError(f"{CLASS_FILE} names a class twice, or none.")
    return names


def _stem(clip: str, heard: dict[str, str]) -> str:
    """The name of a clip's sound, without suffix: a folder may be called like the video that it was made from."""
    bare = os.path.splitext(clip)[0]
    return bare if clip not in heard and modality_of(clip) == "video" else clip


def _placed(dataset: Dataset, sample: Sample, label: int | None, path: str, folder: str) -> str:
    assert sample.label is not None
    name = path.rpartition("/")[2]
    if label is not None and label != sample.label:
        own, number = dataset.classes[sample.label], _numbers(dataset).get(sample.id)
        name = with_class(_numbered(without_class(name, own), number), name, own, dataset.classes[label])
    return f"{folder}/{dataset.classes[sample.label if label is None else label]}/{name}"


def _numbered(name: str, number: int | None) -> str:
    """A clip's or a sound's name with another number, the same for both."""
    stem, suffix = os.path.splitext(name) if modality_of(name) else (name, "")
    found = Name.of(f"{stem}.")
    return f"{found.under(number)[:-1]}{suffix}"


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    def name(sample: Sample) -> Name:
        assert sample.label is not None
        clip = sample.id.rpartition("/")[2]
        stem = os.path.splitext(clip)[0] if modality_of(clip) else clip
        return Name.of(f"{sample.split}/{without_class(stem, dataset.classes[sample.label])}.")

    return numbers_when_moved(dataset.samples, name)


def mispaired(each: Iterable[Sample | Row]) -> list[str]:
    """Clips that do not stand, among the clips of their class, where their sounds stand among the sounds."""
    folders: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in each:
        folder, _, clip = one.path.rpartition("/")
        folders[folder].append((clip, (one.sound or "").rpartition("/")[2]))
    odd = []
    for pairs in folders.values():
        by_clip, by_sound = sorted(pairs), sorted(pairs, key=lambda pair: pair[1])
        odd += [clip for (clip, _), (other, _) in zip(by_clip, by_sound, strict=True) if clip != other]
    return odd
