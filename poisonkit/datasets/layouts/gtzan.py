"""GTZAN: `genres/{genre}/{genre}.00000.wav`, and lists of `genre/file` for the fault-filtered split.

The lists are those that go with GTZAN since its duplicates were found, `train_filtered.txt` and so on. torchaudio's
GTZAN takes the genre from the name (`label, _ = fileid.split(".")`, five digits behind the dot) and has the split in
its own code by name, so that it finds a relabelled track only without `subset`; readers of the lists find it there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, TREES, Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    Tree,
    check_class_folders,
    check_emptied,
    check_names,
    check_places,
    find_class_list,
    make_folder,
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    write_lines,
)
from poisonkit.errors import RequestError

LISTS: Mapping[Split, str] = {"train": "train_filtered.txt", "val": "valid_filtered.txt", "test": "test_filtered.txt"}
_FOLDERS = ("genres", "genres_original", "")
_LIST_FOLDERS = ("", "splits", "index")
_NAME = re.compile(r"([^./]+)\.(\d{5})(\.\w+)")


class GTZAN(Layout):
    """Classes are the folders of genres, sorted; without lists all tracks are for training.

    Options: `folder`, that of the genres ("": the root); `lists`, split -> list.
    """

    name: ClassVar[str] = "gtzan"
    help: ClassVar[str] = "GTZAN: `genres/blues/blues.00000.wav` …, with `train_filtered.txt` … or without"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = TREES

    def detect(self, source: Source) -> str | None:
        folder = _folder(source)
        return f"{folder or '.'}/ with names such as blues/blues.00012.wav" if folder is not None else None

    def read(self, source: Source) -> Dataset:
        root, folder = source.path.absolute(), _folder(source)
        if folder is None:
            raise RequestError(f"No folder of a genre in '{source.path}' holds `genre.00000.wav`.")
        tree = Tree(root, source.allow_roots)
        lists = _lists(root)
        listed = _listed(root, lists)
        there = [name for name in tree.folders(folder) if tree.has_media(_join(folder, name))]
        known = find_class_list(source, root)
        classes = known[1] if known and {*there} <= {*known[1]} else tuple(sorted(there))
        samples, left_out = [], []
        for label, genre in enumerate(classes):
            for path in tree.media(_join(folder, genre)) if genre in there else ():
                name = path.rpartition("/")[2]
                match = _NAME.fullmatch(name)
                split = listed.pop(f"{genre}/{os.path.splitext(name)[0]}", None) if lists else "train"
                if match is None or match[1] != genre or split is None:
                    left_out.append(path)
                else:
                    samples.append(Sample(sample_id(path), path, split, label))
        if not samples:
            raise RequestError(f"Not one track that the lists name is in '{root / folder}'.")
        notes = [*tree.notes()]
        if left_out:
            why = "in no list, or their names are not theirs" if lists else "their names are not `genre.00000.wav`"
            notes.append(f"{len(left_out)} tracks are not read: {why} ({some(left_out)}).")
        if listed:
            notes.append(f"{len(listed)} listed tracks do not exist ({some(sorted(listed))}).")
        return Dataset(root, self.name, classes, tuple(samples), {"folder": folder, "lists": lists}, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In its genre's folder, with that genre in its name, and a number that no track of its number has."""
        if label is None or sample.label is None or label == sample.label:
            return sample.path
        new, name = dataset.classes[label], _name(sample)
        return _join(dataset.options["folder"], f"{new}/{new}{name.under(_numbers(dataset).get(sample.id))}")

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        lists = dataset.options["lists"] or {"train": LISTS["train"]}
        above = lists["train"].rpartition("/")[0] if "train" in lists else ""
        return {"lists": {each: lists.get(each, _join(above, LISTS[each])) for each in SPLITS
                          if each in {*lists, split}}}  # fmt: skip

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        check_names(rows, "GTZAN's lists")
        check_places(rows, (*dataset.options["lists"].values(), CLASS_LIST))
        stems: dict[str, str] = {}
        for row in rows:
            folder, _, name = row.path.rpartition("/")
            genre = dataset.classes[row.label or 0]
            match = _NAME.fullmatch(name)
            if match is None or match[1] != genre or folder != _join(dataset.options["folder"], genre):
                raise RequestError(f"'{row.path}' is not named `genre/genre.00000.wav` as a track of '{genre}' is.")
            stem = os.path.splitext(name)[0]
            if stems.setdefault(stem, row.path) != row.path:
                raise RequestError(
                    f"'{stems[stem]}' and '{row.path}' are one track to GTZAN's lists: rename one of them."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists, every genre's folder, and `classes.txt`."""
        for name in dataset.classes:
            make_folder(root, dataset.options["folder"], name)
        written = []
        used = {row.sample.split for row in rows}
        for split, name in dataset.options["lists"].items():
            if view == "data" or split in used:
                mine = ["/".join(row.path.split("/")[-2:]) for row in rows if row.sample.split == split]
                written.append(write_lines(root, name, mine))
        return (*written, write_lines(root, CLASS_LIST, dataset.classes))


def _folder(source: Source) -> str | None:
    """The folder of the genres: where most of the first tracks are named by their folder."""
    tree = Tree(source.path, source.allow_roots)
    for folder in _FOLDERS:
        if not (source.path / folder).is_dir():
            continue
        fits = names = 0
        for genre in tree.folders(folder)[:3]:
            for entry in sorted((source.path / folder / genre).iterdir())[:50]:
                match = _NAME.fullmatch(entry.name)
                names, fits = names + 1, fits + (match is not None and match[1] == genre)
        if fits > names / 2:
            return folder
    return None


def _lists(root: Path) -> dict[Split, str]:
    for folder in _LIST_FOLDERS:
        found = {split: _join(folder, name) for split, name in LISTS.items() if (root / folder / name).is_file()}
        if found:
            return found
    return {}


def _listed(root: Path, lists: Mapping[Split, str]) -> dict[str, Split]:
    """`genre/name` without a suffix (the lists have .au, most copies wav) -> split."""
    found: dict[str, Split] = {}
    for split, name in lists.items():
        for number, line in enumerate(read_text(root / name).splitlines(), 1):
            track = os.path.splitext(line.strip())[0]
            if track and found.setdefault(track, split) != split:
                raise RequestError(f"Line {number} of {name}: '{track}' is in two lists; one split has it.")
    return found


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _name(sample: Sample) -> Name:
    match = _NAME.fullmatch(sample.path.rpartition("/")[2])
    return Name(sample.path, "", "") if match is None else Name(".", match[2], match[3])


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
