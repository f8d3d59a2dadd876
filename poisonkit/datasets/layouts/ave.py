"""AVE as loaders that follow OGM-GE read it: `trainSet.txt` … of `Category&VideoID&Quality&StartTime&EndTime`.

The rule (the AVE branch of github.com/GeWu-Lab/OGM-GE_CVPR2022, dataset/dataset.py, and its AVEDataset descendants): a
line's second field names a folder of frames and a sound, its first the class; lines of which one is missing are passed
over; of several lines about one video the last counts; classes are numbered in sorted order, of all that
`Annotations.txt` names behind its head. They read spectrograms that were made of the sounds (`audio_spec/`,
`audio_npy_files/`), which are to be made anew from a copy's sounds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, rows_of, sample_id
from poisonkit.datasets.kit import (
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    read_text,
    some,
    write_lines,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.pairs import FRAMES, Trees, frames_folder
from poisonkit.errors import RequestError

LISTS: dict[Split, str] = {"train": "trainSet.txt", "val": "valSet.txt", "test": "testSet.txt"}
ANNOTATIONS, HEAD = "Annotations.txt", "Category&VideoID&Quality&StartTime&EndTime"
_SOUNDS = ("audio", "wave_files", "Audio")
_FIELDS = HEAD.count("&") + 1


class AVE(Layout):
    """Frames in `visual/` or `Image-01-FPS/`, sounds in `audio/` or `wave_files/`. `Sample.extra`: quality, start, end.

    Options: `sounds`, `pictures`: the folders; `splits`: those that have a list.
    """

    name: ClassVar[str] = "ave"
    help: ClassVar[str] = "AVE: Annotations.txt, `trainSet.txt` … of `Category&VideoID&…`, visual/ and audio/"
    label_in_path: ClassVar[bool] = True  # the lists have fixed names, so views have folders of their own
    order: ClassVar[int] = 20
    pairs: ClassVar[bool] = True
    folders: ClassVar[bool] = True
    reads_frames: ClassVar[str] = FRAMES

    def detect(self, source: Source) -> str | None:
        root = source.path
        if not (root / ANNOTATIONS).is_file() or not any((root / name).is_file() for name in LISTS.values()):
            return None
        return None if _folders(root) is None else f"{ANNOTATIONS} and frames beside sounds"

    def read(self, source: Source) -> Dataset:
        root = Path(os.path.abspath(source.path))
        lists = {split: root / name for split, name in LISTS.items() if (root / name).is_file()}
        folders = _folders(root)
        if not lists or not (root / ANNOTATIONS).is_file():
            raise RequestError(f"There is no {ANNOTATIONS} or no trainSet.txt in '{root}'.")
        if folders is None:
            raise RequestError(f"'{root}' has no visual/ with the frames, or no audio/ with the sounds, of its clips.")
        pictures, sounds = folders
        said = {split: list(_lines(file)) for split, file in lists.items()}
        classes = tuple(sorted(_named(root, said)))
        trees = Trees(root, Fence(root, source.allow_roots))
        found: dict[str, Sample] = {}
        again, total = 0, 0
        for split, rows in said.items():
            for where, category, name, *extra in rows:
                picture, sound = f"{pictures}/{name}", f"{sounds}/{name}.wav"
                if not name or "/" in name or name in (".", ".."):
                    raise RequestError(f"{where} has the video '{name}', which is that of no clip.")
                if (before := found.pop(picture, None)) is not None:  # the last line counts, in its place
                    again += 1
                    if before.split != split:
                        raise RequestError(f"{where} lists '{name}', which another split has: a sample has one split.")
                else:
                    total += 1
                    if not trees.has(picture, sound):
                        continue
                label = classes.index(category)
                found[picture] = Sample(sample_id(picture), picture, split, label, tuple(extra), sound=sound)
        if not found:
            raise RequestError(f"Not one clip that {some([f.name for f in lists.values()])} list has both halves.")
        notes = trees.notes(total, "as the loaders do")
        if again:
            notes += (
                f"{again} lines name a video again: as for the loaders, the last counts, and a copy has it alone.",
            )
        options = {"sounds": sounds, "pictures": pictures, "splits": list(lists)}
        return Dataset(root, self.name, classes, tuple(found.values()), options, notes)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {"splits": [each for each in LISTS if each in {*dataset.options["splits"], split}]}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "a list of AVE", {"&": "an ampersand, at which its readers split"})
        check_class_names(dataset.classes)
        if odd := [name for name in dataset.classes if "&" in name or name == "Category"]:
            raise RequestError(f"The class name '{odd[0]}' cannot stand in {ANNOTATIONS}.")
        check_places(rows, (ANNOTATIONS, *LISTS.values()))
        for row in rows:
            name = row.path.rpartition("/")[2]
            if (
                row.label is None
                or row.sound != f"{dataset.options['sounds']}/{name}.wav"
                or len(row.sample.extra) != 3
            ):
                raise RequestError(f"'{row.path}' and '{row.sound}' are not named alike, by which AVE's loaders pair.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists and `Annotations.txt`, in which a class without a clip has a line of its own, `Name&&&&`."""
        splits = dataset.options["splits"] if view == "data" else [s for s in LISTS if any(rows_of(rows, s))]
        written = [write_lines(root, LISTS[s], (_line(dataset, row) for row in rows_of(rows, s))) for s in splits]
        used = {row.label for row in rows}
        bare = (f"{name}&&&&" for label, name in enumerate(dataset.classes) if label not in used)
        lines = [HEAD, *(_line(dataset, row) for row in rows), *bare]
        return (*written, write_lines(root, ANNOTATIONS, lines))


def _named(root: Path, said: dict[Split, list[tuple[str, ...]]]) -> set[str]:
    """The classes that the annotations name, and those of the lists that they do not."""
    return {row[1] for rows in (list(_lines(root / ANNOTATIONS)), *said.values()) for row in rows}


def _lines(file: Path) -> Iterator[tuple[str, ...]]:
    """(where it stands, its fields) of each line but the head. RequestError for one of another number of fields."""
    for number, line in enumerate(read_text(file).split("\n"), 1):
        fields = line.strip().split("&")
        if fields == [""] or fields[0] == "Category":
            continue
        if len(fields) != _FIELDS:
            raise RequestError(f"Line {number} of {file.name} has {len(fields)} fields between &, not {_FIELDS}.")
        yield f"Line {number} of {file.name}", *fields


def _folders(root: Path) -> tuple[str, str] | None:
    """The folder of frame folders, and that of sounds."""
    rated = frames_folder(root, ("", "visual"))
    pictures = rated[0] if rated else "visual" if (root / "visual").is_dir() else None
    sounds = next((name for name in _SOUNDS if (root / name).is_dir()), None)
    return None if pictures is None or sounds is None else (pictures, sounds)


def _line(dataset: Dataset, row: Row) -> str:
    return "&".join((dataset.classes[row.label or 0], row.path.rpartition("/")[2], *row.sample.extra))
