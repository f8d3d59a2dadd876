"""Jester and Something-Something v1: folders of frames, `20bn-jester-v1/{id}/00001.jpg`, and csv of `id;class`.

`jester-v1-labels.csv` has a class a line, whose position is its id; `jester-v1-train.csv` and `-validation.csv` have
`id;class`, `jester-v1-test.csv` ids alone. Their readers split a line at every semicolon, and nothing is quoted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, rows_of
from poisonkit.datasets.kit import (
    ParsedList,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    lists_of,
    locate,
    number_labels,
    place_listed,
    read_text,
    write_lines,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.frame_folders import broken_folders
from poisonkit.datasets.kit.lists import beginning
from poisonkit.errors import RequestError

LISTS: Mapping[Split, str] = {"train": "train.csv", "val": "validation.csv", "test": "test.csv"}
LABELS, ANSWERS = "labels.csv", "test-answers.csv"
_PREFIXES = ("jester-v1-", "something-something-v1-", "")
_FOLDERS = ("", "labels", "annotations")
_FRAMES = ("20bn-jester-v1", "20bn-something-something-v1", "frames", "rawframes", "")
_LINE = re.compile(r"[^;,\s]+;[^;]+")


class Jester(Layout):
    """Classes are the lines of the list of labels; a sample is a folder of frames.

    Options: `lists`, split -> list; `labels`, `answers`, the other files; `frames`, the folder of folders ("": the
    root). Test samples have labels where `test-answers.csv` has them.
    """

    name: ClassVar[str] = "jester"
    help: ClassVar[str] = "Jester, Something-Something v1: `jester-v1-train.csv` … of `id;class`, and folders of frames"
    label_in_path: ClassVar[bool] = True  # its lists have fixed names, so views have folders of their own
    folders: ClassVar[bool] = True
    order: ClassVar[int] = 20

    def detect(self, source: Source) -> str | None:
        place = _lists(source.path)
        return f"lists {place}{LISTS['train']} …" if place is not None else None

    def read(self, source: Source) -> Dataset:
        root, place = source.path.absolute(), _lists(source.path)
        if place is None:
            raise RequestError(f"There is no {_PREFIXES[0]}{LABELS} beside a list of `id;class` in '{source.path}'.")
        files = {split: f"{place}{name}" for split, name in LISTS.items() if (root / f"{place}{name}").is_file()}
        answers = {name: said for _, name, said in _lines(root / f"{place}{ANSWERS}")}
        told = {split: list(_lines(root / name)) for split, name in files.items()}
        folder = _folder(root, [name for each in told.values() for _, name, _ in each])
        lists, texts, where = [], list[str | None](), list[str]()
        for split, each in told.items():
            parsed = ParsedList(split, root / files[split])
            for number, name, said in each:
                parsed.add(f"{folder}/{name}" if folder else name, None, number)
                texts.append(said or (answers.get(name) if split == "test" else None))
                where.append(f"line {number} of {files[split]}")
                if texts[-1] is None and split != "test":
                    raise RequestError(f"Line {number} of {files[split]} is not `id;class`.")
            lists.append(parsed)
        names = tuple(line.strip() for line in read_text(root / f"{place}{LABELS}").splitlines() if line.strip())
        if len(set(names)) < len(names):
            raise RequestError(f"{place}{LABELS} names a class twice.")
        classes, labels = number_labels(texts, where.__getitem__, (root / f"{place}{LABELS}", names))
        for parsed in lists:
            parsed.labels, labels = labels[: len(parsed.paths)], labels[len(parsed.paths) :]
        found = locate(source, lists, root, folders=True)
        notes = [*found.notes, *broken_folders(found.samples, Fence(root, source.allow_roots))]
        options = {"lists": files, "labels": f"{place}{LABELS}", "answers": f"{place}{ANSWERS}", "frames": folder}
        return Dataset(root, self.name, classes, tuple(found.samples), options, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        lists, place = dataset.options["lists"], dataset.options["labels"].removesuffix(LABELS)
        return {"lists": {each: lists.get(each, f"{place}{LISTS[each]}") for each in LISTS if each in {*lists, split}}}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        options = dataset.options
        check_names(rows, "a list of `id;class`", {";": "a semicolon, at which lines are split"})
        check_class_names(dataset.classes)
        if semicolon := next((name for name in dataset.classes if ";" in name), None):
            raise RequestError(f"The class name '{semicolon}' holds a semicolon, at which lines are split: rename it.")
        check_places(rows, (*options["lists"].values(), options["labels"], options["answers"]))
        for row in rows:
            if row.path != f"{options['frames']}/{_id(row)}".lstrip("/") or not _LINE.fullmatch(f"{_id(row)};x"):
                raise RequestError(f"'{row.path}' is no folder called by an id in {options['frames'] or '.'}/.")
            if row.label is None and row.sample.split != "test":
                raise RequestError(f"'{row.path}' has no label, and the list of its split needs one.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists, the list of labels, and, where test samples have labels, `test-answers.csv`."""
        options, written = dataset.options, []
        for split, name in lists_of(options["lists"], rows, view, apart=True).items():
            mine = rows_of(rows, split)
            lines = [_id(row) if split == "test" else f"{_id(row)};{dataset.classes[row.label or 0]}" for row in mine]
            written.append(write_lines(root, name, lines))
        written.append(write_lines(root, options["labels"], dataset.classes))
        told = [f"{_id(row)};{dataset.classes[row.label]}" for row in rows_of(rows, "test") if row.label is not None]
        return (*written, write_lines(root, options["answers"], told)) if told else tuple(written)


def _lists(path: Path) -> str | None:
    """What the paths of the lists begin with: a folder and the beginning of their names."""
    for folder in _FOLDERS:
        for prefix in _PREFIXES:
            place = f"{folder}/{prefix}" if folder else prefix
            lists = any((path / f"{place}{name}").is_file() for name in LISTS.values())
            told = [path / f"{place}{name}" for name in (*LISTS.values(), ANSWERS)]
            named = lists and (path / f"{place}{LABELS}").is_file()
            if named and (prefix or any(_names_folders(path, beginning(file)[:5]) for file in told)):
                return place
    return None


def _names_folders(root: Path, lines: Sequence[str]) -> bool:
    """Whether lines of a list that may be any csv are of the form, and one of them names a folder that is there."""
    names = [line.split(";")[0] for line in lines if _LINE.fullmatch(line)]
    return any(os.path.isdir(root / folder / name) for folder in _FRAMES for name in names if "\0" not in name)


def _lines(file: Path) -> Iterator[tuple[int, str, str | None]]:
    """Line number, id and class, if it has one; nothing without the file."""
    for number, line in enumerate(read_text(file).splitlines() if file.is_file() else (), 1):
        fields = line.strip().split(";")
        if len(fields) > 2 or (fields == [""] and len(line)):
            raise RequestError(f"Line {number} of {file.name} is not `id;class`: it is split at every semicolon.")
        if fields != [""]:
            yield number, fields[0], fields[1].strip() or None if len(fields) == 2 else None


def _folder(root: Path, names: Sequence[str]) -> str:
    """The folder of the folders of frames: by the first few that are there."""
    for folder in _FRAMES:
        if any(os.path.isdir(root / folder / name) for name in names[:64] if "\0" not in name):
            return folder
    tried = ", ".join(f"{folder or '.'}/" for folder in _FRAMES)
    raise RequestError(f"Not one of the folders that are listed is in '{root}' (looked in {tried}).")


def _id(row: Row) -> str:
    return row.path.rpartition("/")[2]
