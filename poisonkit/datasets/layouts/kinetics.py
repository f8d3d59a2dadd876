"""Kinetics: csv files of `label,youtube_id,time_start,time_end,split`, and clips `{id}_{start:06d}_{end:06d}.mp4`.

Clips lie in `{split}/{class}/` (torchvision reads these folders and no csv), in `{class}/`, or anywhere; class
folders are the labels with `_` for spaces. (Without csv files they are class folders like others.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.common.safe_io import read_text
from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, rows_of, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    SPLIT_WORDS,
    ParsedList,
    Tree,
    check_class_folders,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    list_names,
    lists_of,
    once_per_dataset,
    some,
    split_of,
    with_list,
    write_class_folders,
    write_lines,
)
from poisonkit.datasets.kit.class_hints import retold, told_by_class
from poisonkit.datasets.kit.split_lists import lists_by_words
from poisonkit.datasets.kit.tables import Table, first_columns, read_table, write_table
from poisonkit.errors import RequestError

_NEEDED = ("youtube_id", "time_start", "time_end")


def _split_of(file: Path) -> Split | None:
    if file.suffix != ".csv" or not set(_NEEDED) <= set(first_columns(file)):
        return None
    return "val" if "validate" in file.stem else split_of(file)


class Kinetics(Layout):
    """csv files with the word train, val, validate or test in their names, in the folder or its annotations/.

    Listed clips without a file are left out. Class ids are the positions of the sorted names, spaces as `_`.
    `Sample.extra` is the line without its label. Options: `lists`, split -> csv; `columns`; `told`, column -> its text
    for each class, of columns that follow the class and change with it.
    """

    name: ClassVar[str] = "kinetics"
    help: ClassVar[str] = "Kinetics: `train.csv` … of `label,youtube_id,time_start,time_end,split`, and clips named so"
    any_suffix: ClassVar[bool] = True
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20
    uses: ClassVar[frozenset[str]] = frozenset({"lists", "data_root"})

    def detect(self, source: Source) -> str | None:
        try:
            found = self._lists(source)
        except RequestError:
            return None
        return f"lists {', '.join(file.name for file in found.values())}" if found else None

    def _lists(self, source: Source) -> dict[Split, Path]:
        found = lists_by_words(source, _split_of)
        return found if all(set(_NEEDED) <= set(first_columns(file)) for file in found.values()) else {}

    def read(self, source: Source) -> Dataset:
        lists = self._lists(source)
        if not lists:
            raise RequestError(f"There is no csv with youtube_id, time_start, time_end in '{source.path}'.")
        root = Path(os.path.abspath(source.data_root or source.path))
        tables = {split: read_table(file) for split, file in lists.items()}
        columns = tuple(dict.fromkeys(c for table in tables.values() for c in table.columns))
        names = {name for t in tables.values() if "label" in t.columns for name in t.column("label") if name}
        classes = _classes(root, names)
        index = {name: label for label, name in enumerate(classes)}
        tree = Tree(root, source.allow_roots)
        files = tree.by_stem()
        samples: list[Sample] = []
        missing: list[str] = []
        seen: set[str] = set()
        for split, table in tables.items():
            for number, texts in enumerate(table.rows):
                fields = dict(zip(table.columns, texts, strict=True))
                stem = _stem(table, number, fields)
                if stem in seen:
                    raise RequestError(f"L{table.at(number)[1:]} lists the clip '{stem}' again: a sample has one line.")
                seen.add(stem)
                name = fields.get("label") or None
                path = _choose(files.get(stem, []), split, name)
                if path is None:
                    missing.append(stem)
                    continue
                extra = tuple(fields.get(c, "") for c in columns if c != "label")
                samples.append(Sample(sample_id(path), path, split, index[name] if name else None, extra))
        if not samples:
            raise RequestError(f"Not one listed clip is in '{root}' (looked for '{(missing or ['?'])[0]}.mp4' …).")
        notes = [f"{len(missing)} of {len(seen)} listed clips are not there and left out ({some(missing)})."]
        places = list_names([ParsedList(split, file) for split, file in lists.items()], root)
        train = [s for s in samples if s.split == "train"]
        others = [c for c in columns if c != "label"]
        told = told_by_class(
            [s.label for s in train],
            {c: [s.extra[at] for s in train] for at, c in enumerate(others) if c not in (*_NEEDED, "split")},
            len(classes),
        )
        options = {"lists": places, "columns": list(columns), "told": told}
        dataset = Dataset(root, self.name, classes, tuple(samples), options, tuple(notes if missing else []))
        return replace(dataset, notes=(*dataset.notes, *_on_order(dataset)))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In its class's folder, where the source has such folders; clips keep their names."""
        at = _class_folder(dataset, sample)
        if at is None or label is None or label == sample.label:
            return sample.path
        parts = sample.path.split("/")
        parts[at] = _spelt(dataset)[label]
        return "/".join(parts)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        if any(s.path.split("/", 1)[0].lower() in SPLIT_WORDS for s in dataset.samples):
            raise RequestError(f"Kinetics has a folder for each split, and none for a {split} split of its own.")
        return {"lists": with_list(dataset.options["lists"], split, "train.csv")}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "Kinetics' lists")
        check_class_names(dataset.classes)
        if any(_above_class(dataset, row) is not None for row in rows):
            check_class_folders(_spelt(dataset))
        check_places(rows, (*dataset.options["lists"].values(), CLASS_LIST))
        columns = [c for c in dataset.options["columns"] if c != "label"]
        for row in rows:
            fields = dict(zip(columns, row.sample.extra, strict=False))
            if os.path.splitext(row.path.rpartition("/")[2])[0] != _name(fields):
                raise RequestError(f"'{row.path}' is not named `{{youtube_id}}_{{start}}_{{end}}` as its line says.")
        if view == "data":
            check_emptied(dataset, rows, "torchvision's Kinetics would number the classes differently")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        lists = lists_of(dataset.options["lists"], rows, view, apart=True)
        return Source(root, layout=self.name, data_root=root, lists={s: root / name for s, name in lists.items()})

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the csv files, `classes.txt`, and every class folder, where the source has such folders."""
        columns = dataset.options["columns"]
        written = []
        for split, name in lists_of(dataset.options["lists"], rows, view, apart=True).items():
            mine = rows_of(rows, split)
            heads = [c for c in columns if c != "label" or any(row.label is not None for row in mine)]
            written.append(write_table(root, name, heads, (_fields(row, columns, dataset) for row in mine), ","))
        written.append(write_lines(root, CLASS_LIST, dataset.classes))
        for folder in sorted({place for row in rows if (place := _above_class(dataset, row)) is not None}):
            written += write_class_folders(dataset, folder, _spelt(dataset), rows, root, view)
        return tuple(written)


def _folder(name: str) -> str:
    return name.replace('"', "").replace(" ", "_")


def _without_signs(name: str) -> str:
    """A class's folder as torchvision makes it."""
    return _folder(name).translate({ord(sign): None for sign in "'()"})


def _on_order(dataset: Dataset) -> list[str]:
    folders = _spelt(dataset)
    wrong = next((i for i, (a, b) in enumerate(zip(folders, sorted(folders), strict=True)) if a != b), None)
    if wrong is None or all(_class_folder(dataset, sample) is None for sample in dataset.samples):
        return []
    return [
        "The class ids are not in the order of the sorted folder names, by which torchvision's Kinetics numbers its "
        f"classes ({wrong} is '{folders[wrong]}' here and '{sorted(folders)[wrong]}' there)."
    ]


_SPELLINGS: tuple[Callable[[str], str], ...] = (_folder, _without_signs, str)


@once_per_dataset
def _spelt(dataset: Dataset) -> tuple[str, ...]:
    """The classes' folders as the source spells them; one that it does not have, as it spells most of the others."""
    found: dict[int, str] = {}
    for sample in dataset.samples:
        if sample.label is not None and sample.label not in found:
            at = _class_folder(dataset, sample)
            if at is not None:
                found[sample.label] = sample.path.split("/")[at]
    fitting = [sum(spell(dataset.classes[label]) == name for label, name in found.items()) for spell in _SPELLINGS]
    spell = _SPELLINGS[fitting.index(max(fitting))]
    return tuple(found.get(label) or spell(name) for label, name in enumerate(dataset.classes))


def _classes(root: Path, names: set[str]) -> tuple[str, ...]:
    file = root / CLASS_LIST
    listed = read_text(file).splitlines() if file.is_file() else []
    if names <= set(listed):
        return tuple(listed)
    return tuple(sorted(names, key=_folder))


def _name(fields: Mapping[str, str]) -> str:
    return f"{fields['youtube_id']}_{int(float(fields['time_start'])):06d}_{int(float(fields['time_end'])):06d}"


def _stem(table: Table, row: int, fields: Mapping[str, str]) -> str:
    try:
        return _name(fields)
    except ValueError:
        raise RequestError(f"L{table.at(row)[1:]} has a time that is no number of seconds.") from None


def _choose(paths: Sequence[str], split: Split, name: str | None) -> str | None:
    """Of several files of one clip, the one in its split's folder and its class's."""

    def rank(path: str) -> tuple[bool, bool]:
        parts = path.split("/")[:-1]
        return (
            SPLIT_WORDS.get(parts[0].lower()) != split if parts else True,
            name is None or not any(spell(name) in parts for spell in _SPELLINGS),
        )

    return min(paths, key=rank) if paths else None


def _class_folder(dataset: Dataset, sample: Sample) -> int | None:
    """Which part of a sample's path is its class's folder."""
    parts = sample.path.split("/")[:-1]
    if sample.label is None:
        return None
    names = [spell(dataset.classes[sample.label]) for spell in _SPELLINGS]
    return next((at for at, part in enumerate(parts) if part in names), None)


def _above_class(dataset: Dataset, row: Row) -> str | None:
    at = _class_folder(dataset, row.sample)
    return None if at is None else "/".join(row.path.split("/")[:at])


def _fields(row: Row, columns: Sequence[str], dataset: Dataset) -> dict[str, str]:
    fields = dict(zip((c for c in columns if c != "label"), row.sample.extra, strict=False))
    names, old = dataset.classes, row.sample.label
    if old is not None and row.label is not None and row.label != old:
        scheme = {c: fields.pop(c) for c in _NEEDED}
        told = dataset.options.get("told", {})
        fields = {**retold(fields, told, row.label, names[old], names[row.label], False), **scheme}
    return {**fields, "label": "" if row.label is None else names[row.label]}
