"""HMDB51: class folders of videos, and for each class and split a list of `file.avi 1|2|0`.

1 is training, 2 test, 0 neither. torchvision's HMDB51 matches the lists with the files by base name alone,
over all classes, so base names must be unique; a file that no list gives 1 or 2 does not exist for it. Class
ids are the positions of the sorted folder names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    ParsedList,
    check_class_folders,
    check_emptied,
    check_names,
    check_places,
    locate,
    make_folder,
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    with_class,
    without_class,
    write_class_folders,
    write_lines,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.folds import (
    chosen_split,
    folder_of_lists,
    folder_of_videos,
    inside,
    join,
)
from poisonkit.datasets.kit.frame_folders import FOLDERS, broken_folders, without_suffix
from poisonkit.datasets.kit.lists import beginning
from poisonkit.datasets.kit.renaming import CLASS
from poisonkit.errors import RequestError

_LIST = re.compile(r"(.+)_test_split(\d)\.txt")
_LIST_FOLDERS = (
    "",
    "splits",
    "testTrainMulti_7030_splits",
    "test_train_splits/testTrainMulti_7030_splits",
    "annotations",
)
_VIDEO_FOLDERS = ("", "videos", "hmdb51_org", "hmdb51", "HMDB51")
_FOLDS: Mapping[str, Split] = {"1": "train", "2": "test"}


class HMDB51(Layout):
    """Folders of the classes, and their lists of one of three splits (`--split`).

    Options: `videos` and `lists`, the folders of videos and of lists ("": the root); `split`, from 1.
    """

    name: ClassVar[str] = "hmdb51"
    help: ClassVar[str] = "HMDB51's class folders with lists `CLASS_test_split1.txt` …"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20
    uses: ClassVar[frozenset[str]] = frozenset({"split"})
    places: ClassVar[tuple[str, ...]] = _VIDEO_FOLDERS

    def detect(self, source: Source) -> str | None:
        found = folder_of_lists(source.path, _LIST_FOLDERS, _lists)
        if found is None or _holds_frames(*found, source.path) != self.folders:
            return None
        return f"{len(_lists(found[1]))} lists named CLASS_test_split1.txt …"

    def read(self, source: Source) -> Dataset:
        found = folder_of_lists(source.path, _LIST_FOLDERS, _lists)
        if found is None:
            raise RequestError(f"There is no list CLASS_test_split1.txt in '{source.path}' or in its splits/.")
        root, folder = found
        files = _lists(folder)
        number = chosen_split(source, (each for _, each in files.values()))
        lists = {name: file for file, (name, each) in files.items() if each == number}
        classes = tuple(sorted(lists))
        videos = _folder_of_videos(root, source.path, classes, self.places)
        parsed: list[ParsedList] = []
        unused = 0
        for label, name in enumerate(classes):
            mine, left = _parse(lists[name], f"{videos}/{name}" if videos else name, label)
            parsed += mine
            unused += left
        for each in parsed if self.folders else ():
            each.paths = [without_suffix(path) for path in each.paths]
        located = locate(source, parsed, root, folders=self.folders)
        samples = sorted(located.samples, key=lambda s: s.split == "test")  # stable: by class within a split
        _check_base_names(samples)
        notes = located.notes
        if self.folders:
            notes += broken_folders(samples, Fence(root, source.allow_roots))
        if unused:
            notes.append(f"{unused} files are in neither part of split {number}; they are not read, nor in the copy.")
        options = {"videos": videos, "lists": inside(root, folder), "split": number}
        return Dataset(root, self.name, classes, tuple(samples), options, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In the folder of its class; the class in `film_run_f_nm_np1_fr_med_1.avi` changes too, and its index, where
        another class has a clip of that film and index."""
        if label is None or sample.label is None or label == sample.label:
            return sample.path
        own, new = dataset.classes[sample.label], dataset.classes[label]
        name = Name.of(_blank(dataset, sample)).under(_numbers(dataset).get(sample.id))
        return join(dataset.options["videos"], f"{new}/{with_class(name, sample.path.rpartition('/')[2], own, new)}")

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        if split != "test":
            raise RequestError(f"HMDB51's lists have no {split} split.")
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        check_names(rows, "HMDB51's lists")
        options = dataset.options
        if spaced := [row.path for row in rows if len(row.path.rpartition("/")[2].split()) > 1]:
            raise RequestError(f"'{spaced[0]}' holds a space or tab, at which HMDB51's lists end it: rename the file.")
        check_places(rows, [*(_list_name(options, name) for name in dataset.classes), CLASS_LIST])
        owners: dict[str, str] = {}
        for row in rows:
            folder, _, base = row.path.rpartition("/")
            if row.label is None or folder != join(options["videos"], dataset.classes[row.label]):
                raise RequestError(f"'{row.path}' does not lie in its class's folder, which HMDB51's lists need.")
            if owners.setdefault(base, row.path) != row.path:
                raise RequestError(
                    f"'{owners[base]}' and '{row.path}' have one base name, by which alone HMDB51's lists are matched: "
                    "rename one of them."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        return Source(root, layout=self.name, split=dataset.options["split"])

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write a list for every class, every class folder, and `classes.txt`."""
        options = dataset.options
        lines: dict[int, list[str]] = {label: [] for label in range(len(dataset.classes))}
        suffix = ".avi" if self.folders else ""
        for row in rows:
            if row.label is not None:
                name = f"{row.path.rpartition('/')[2]}{suffix}"
                lines[row.label].append(f"{name} {1 if row.sample.split == 'train' else 2}")
        written = []
        for label, name in enumerate(dataset.classes):
            written.append(write_lines(root, _list_name(options, name), lines[label]))
        written.append(write_lines(root, CLASS_LIST, dataset.classes))
        if self.folders:
            for name in dataset.classes:
                make_folder(root, options["videos"], name)
            return tuple(written)
        return (*written, *write_class_folders(dataset, options["videos"], dataset.classes, rows, root, view))


def _list_name(options: Mapping[str, Any], name: str) -> str:
    return join(options["lists"], f"{name}_test_split{options['split']}.txt")


def _lists(folder: Path) -> dict[Path, tuple[str, int]]:
    """The lists in a folder -> class and split."""
    found = {file: _LIST.fullmatch(file.name) for file in sorted(folder.glob("*_test_split?.txt"))}
    return {file: (match[1], int(match[2])) for file, match in found.items() if match}


def _holds_frames(root: Path, folder: Path, named: Path) -> bool:
    """Whether the first clips of a list are there as folders, without their suffix."""
    there = dict.fromkeys((named, *(root / place for place in (*_VIDEO_FOLDERS, *FOLDERS))))
    for file, (name, _) in [*_lists(folder).items()][:3]:
        clips = [without_suffix(line.split()[0]) for line in beginning(file)[:20]]
        if any(os.path.isdir(os.path.join(at, name, clip)) for at in there for clip in clips):
            return True
    return False


def _folder_of_videos(root: Path, named: Path, classes: Sequence[str], places: Sequence[str]) -> str:
    found = folder_of_videos(root, named, places, lambda at: any((at / each).is_dir() for each in classes))
    if found is not None:
        return found
    raise RequestError(
        f"None of the class folders {some(classes)} was found in '{root}': name the folder that holds both class "
        "folders and lists."
    )


def _parse(file: Path, folder: str, label: int) -> tuple[list[ParsedList], int]:
    """The training and the test part of a class's list, and how many files are in neither."""
    parts: dict[Split, ParsedList] = {split: ParsedList(split, file) for split in _FOLDS.values()}
    unused = 0
    for number, line in enumerate(read_text(file).splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 2 or fields[1] not in ("0", "1", "2"):
            raise RequestError(f"Line {number} of {file.name} is not `file.avi N` with N 0, 1 or 2.")
        if fields[1] == "0":
            unused += 1
        else:
            parts[_FOLDS[fields[1]]].add(f"{folder}/{fields[0]}", label, number)
    return list(parts.values()), unused


def _check_base_names(samples: Sequence[Sample]) -> None:
    owners: dict[str, str] = {}
    for sample in samples:
        base = sample.path.rpartition("/")[2]
        if owners.setdefault(base, sample.path) != sample.path:
            raise RequestError(
                f"'{owners[base]}' and '{sample.path}' have one base name, by which alone torchvision's HMDB51 matches "
                "lists and files: rename one of them."
            )


def _blank(dataset: Dataset, sample: Sample) -> str:
    """A file's name without its class: that behind the film (the last `_run_`: films may be called so), else any."""
    assert sample.label is not None
    name, own = sample.path.rpartition("/")[2], dataset.classes[sample.label]
    film, sign, rest = name.rpartition(f"_{own}_")
    return f"{film}_{CLASS}_{rest}" if sign else without_class(name, own)


@once_per_dataset
def _numbers(dataset: Dataset) -> Mapping[str, int]:
    return numbers_when_moved(
        (s for s in dataset.samples if s.label is not None), lambda s: Name.of(sample_id(_blank(dataset, s)))
    )
