"""MMAction2 `VideoDataset`: lists of `path label`, a data root, one list per split."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets._checks import check_class_names, check_emptied, check_places
from poisonkit.datasets._classes import LABEL_MAP, read_classes
from poisonkit.datasets._files import write_lines
from poisonkit.datasets._listed import data_root, samples_of
from poisonkit.datasets._lists import (
    DELIMITERS,
    SPELT,
    WORDS,
    ParsedList,
    delimiter_of,
    find_lists,
    looks_like_lists,
    notes_on,
    parse,
)
from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View
from poisonkit.errors import RequestError

_VIEW_SUFFIX: Mapping[View, str] = {"data": "", "control": "", "target": "_target", "original": "_original"}


class MMAction2Video(Layout):
    """One list per split, a line `path label` per file, label an int from 0, paths relative to a data root.

    Which lists, which data root and which class names: see `find_lists`, `data_root`, `read_classes`.
    Paths in the copy are the source's, relative to the copy's root.

    Options: `delimiter`; `lists`, split -> where the list lies in a copy; `bare`, split -> true when its
    unlabelled lines have no label field, or the ids of those that have none (the others say -1).
    """

    name: ClassVar[str] = "mmaction2-video"
    help: ClassVar[str] = "MMAction2 lists `train.txt`, `val.txt`, `test.txt` of `path label` beside the files"
    order: ClassVar[int] = 30

    def detect(self, source: Source) -> str | None:
        try:
            lists = find_lists(source)
        except RequestError:
            return "several possible lists"
        if not lists or not looks_like_lists(lists.values()):
            return None
        return f"lists {', '.join(file.name for file in lists.values())}"

    def read(self, source: Source) -> Dataset:
        files = find_lists(source)
        if not files:
            raise RequestError(
                f"There is no training list in '{source.path}' or its annotations/ (looked for `.txt` files with "
                "the word train in the name): name it with `--train-list`."
            )
        if len({os.path.realpath(file) for file in files.values()}) < len(files):
            raise RequestError("The same list is named for two splits, and a sample has one split: name it once.")
        delimiter = delimiter_of(source, files.values())
        lists = [parse(file, split, delimiter) for split, file in files.items()]
        if not any(each.paths for each in lists):
            raise RequestError(f"No file is listed in {', '.join(each.file.name for each in lists)}.")
        root, parts = data_root(source, lists)
        samples, missing = samples_of(lists, root, parts, source.allow_roots)
        classes, class_notes = read_classes(source, lists, root)
        notes = [note for each in lists for note in notes_on(each)] + missing + class_notes
        if delimiter != " ":
            notes.append(
                f"The lists separate path and label by a {DELIMITERS[delimiter]}: give MMAction2's VideoDataset "
                f"delimiter={SPELT[delimiter]}."
            )
        if parts:
            folders = ", ".join(f"{part}/" for part in parts.values())
            notes.append(f"Each list has a folder of its own ({folders}), which the copy's lists name in their paths.")
        options = {"delimiter": delimiter, "lists": _list_names(lists, root), "bare": _bare(lists, samples)}
        return Dataset(root, self.name, classes, tuple(samples), options, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return sample.id if sample.path.startswith("../") else sample.path

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """A list for the new split, named after the training list."""
        lists: Mapping[Split, str] = dataset.options["lists"]
        folder, _, name = lists.get("train", "train.txt").rpartition("/")
        stem, suffix = os.path.splitext(name)
        words = "|".join(word for word, each in WORDS.items() if each == "train")
        new = re.sub(rf"(?<![a-z0-9])({words})(?![a-z0-9])", split, stem, count=1, flags=re.IGNORECASE)
        new = new if new != stem else f"{stem}_{split}"
        path = f"{folder}/{new}{suffix}" if folder else f"{new}{suffix}"
        while path in lists.values():
            path = f"{path[: -len(suffix)] if suffix else path}_{split}{suffix}"
        return {"lists": {each: lists.get(each, path) for each in SPLITS if each in {*lists, split}}}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        delimiter: str = dataset.options["delimiter"]
        for row in rows:
            path = row.path
            if delimiter in path:
                name = DELIMITERS[delimiter]
                other = "\t" if delimiter != "\t" else ","
                raise RequestError(
                    f"The file name '{path}' holds a {name}, which separates path and label in MMAction2 lists: "
                    f"rename the file, or use `--delimiter {DELIMITERS[other]}`."
                )
            if "\n" in path or "\r" in path or "\0" in path or path != path.strip():
                raise RequestError(
                    f"The file name {path!r} cannot stand in an MMAction2 list (a line break in it or a space at "
                    "its beginning or end): rename the file."
                )
        check_class_names(dataset.classes)
        names = [_named(name, view) for name in dataset.options["lists"].values()]
        check_places(rows, (*names, LABEL_MAP))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists and `label_map.txt` (a class name per line).

        View `data` writes every list, the others those of the splits that have rows; `target` and
        `original` put `_target` or `_original` behind the list's name.
        """
        lists: Mapping[Split, str] = dataset.options["lists"]
        splits = [split for split in SPLITS if split in lists]
        if view != "data":
            used = {row.sample.split for row in rows}
            splits = [split for split in splits if split in used] or splits[-1:]
        written = []
        for split in splits:
            lines = _lines(dataset, [row for row in rows if row.sample.split == split], split)
            written.append(write_lines(root, _named(lists[split], view), lines))
        return (*written, write_lines(root, LABEL_MAP, dataset.classes))


def _named(path: str, view: View) -> str:
    stem, suffix = os.path.splitext(path)
    return f"{stem}{_VIEW_SUFFIX[view]}{suffix}"


def _lines(dataset: Dataset, rows: Sequence[Row], split: Split) -> list[str]:
    delimiter: str = dataset.options["delimiter"]
    kept: bool | Sequence[str] = dataset.options["bare"].get(split, False)
    bare = frozenset() if isinstance(kept, bool) else frozenset(kept)
    lines = []
    for row in rows:
        if row.label is not None:
            lines.append(f"{row.path}{delimiter}{row.label}")
        elif kept is True or row.sample.id in bare:
            lines.append(row.path)
        else:
            lines.append(f"{row.path}{delimiter}-1")
    return lines


def _list_names(lists: Sequence[ParsedList], root: Path) -> dict[Split, str]:
    """Where each list lies in a copy: as in the data root, or by its base name where it lies outside."""
    names: dict[Split, str] = {}
    real_root = os.path.realpath(root)
    for each in lists:
        folder = os.path.realpath(each.file.parent)
        inside = os.path.relpath(os.path.join(folder, each.file.name), real_root)
        name = each.file.name if inside.startswith("../") else inside
        names[each.split] = name if name not in names.values() else f"{each.split}_{each.file.name}"
    return names


def _bare(lists: Sequence[ParsedList], samples: Sequence[Sample]) -> dict[Split, bool | list[str]]:
    bare: dict[Split, bool | list[str]] = {}
    first = 0
    for each in lists:
        if each.bare:
            all_bare = len(each.bare) == each.labels.count(None)
            bare[each.split] = True if all_bare else [samples[first + at].id for at in each.bare]
        first += len(each.paths)
    return bare
