"""UrbanSound8K: `metadata/UrbanSound8K.csv` over `audio/fold1/{fsID}-{classID}-{occurrence}-{slice}.wav`, ten folds.

The class is in the csv (`classID` and `class`) and in the file's name; all change when a sample is relabelled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    ParsedList,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    find_class_list,
    locate,
    numbers_when_moved,
    once_per_dataset,
    write_lines,
)
from poisonkit.datasets.kit.classes import require_few
from poisonkit.datasets.kit.tables import first_columns, read_table, write_table
from poisonkit.errors import RequestError

CSV = "metadata/UrbanSound8K.csv"
COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
_ID = re.compile("[0-9]{1,9}")
_NAME = re.compile(r"([^-/]+)-(\d+)-(\d+)-(\d+)(\.\w+)")


class UrbanSound8K(Layout):
    """Fold N (`--split N`, else 1) is the test split, the other folds are for training.

    `Sample.extra` is (fsID, start, end, salience, fold). Options: `fold`, the test split's.
    """

    name: ClassVar[str] = "urbansound8k"
    help: ClassVar[str] = f"UrbanSound8K: `{CSV}` and audio/fold1/ …; `--split` names the fold that is the test split"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20
    uses: ClassVar[frozenset[str]] = frozenset({"split"})

    def detect(self, source: Source) -> str | None:
        return CSV if {"slice_file_name", "fold", "classID"} <= set(first_columns(source.path / CSV)) else None

    def read(self, source: Source) -> Dataset:
        root = source.path.absolute()
        if not (root / CSV).is_file():
            raise RequestError(f"There is no {CSV} in '{source.path}'.")
        table = read_table(root / CSV)
        if missing := [c for c in COLUMNS if c not in table.columns]:
            raise RequestError(f"{CSV} has no column '{missing[0]}'; UrbanSound8K's are {', '.join(COLUMNS)}.")
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        folds = sorted({row["fold"] for row in rows}, key=lambda fold: (len(fold), fold))
        test = str(source.split) if source.split is not None else folds[0] if folds else "1"
        if source.split is not None and test not in folds:
            raise RequestError(f"There is no fold {test}: the folds are {', '.join(folds)}.")
        names: dict[int, str] = {}
        lists: dict[Split, ParsedList] = {split: ParsedList(split, root / CSV) for split in ("train", "test")}
        for at, row in enumerate(rows):
            number = row["classID"]
            if (
                not (number.isascii() and number.isdigit())
                or names.setdefault(int(number), row["class"]) != row["class"]
            ):
                raise RequestError(
                    f"L{table.at(at)[1:]} has the classID {number[:40]}, which is no number, or has another class in "
                    "an earlier line."
                )
            extra = tuple(row[c] for c in ("fsID", "start", "end", "salience", "fold"))
            path = f"audio/fold{row['fold']}/{row['slice_file_name']}"
            lists["test" if row["fold"] == test else "train"].add(path, int(number), table.lines[at], extra)
        require_few(max(names, default=-1), CSV)
        listed = find_class_list(source, root)
        named = tuple(names.get(number, str(number)) for number in range(max(names, default=-1) + 1))
        fits = listed and len(listed[1]) >= len(named) and all(listed[1][n] == name for n, name in names.items())
        found = locate(source, list(lists.values()), root)
        lines = [line for each in lists.values() for line in each.lines]
        samples = [found.samples[i] for i in sorted(range(len(lines)), key=lines.__getitem__)]
        note = f"Fold {test} is the test split; `--split N` chooses another."
        classes = listed[1] if listed and fits else named
        return Dataset(root, self.name, classes, tuple(samples), {"fold": test}, (note, *found.notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In its fold; the class in the name is the label's, the slice another where two would meet."""
        match = _NAME.fullmatch(sample.path.rpartition("/")[2])
        if match is None or label is None or label == sample.label:
            return sample.path
        folder = sample.path.rpartition("/")[0]
        rest = _name(sample).under(_numbers(dataset).get(sample.id)).rpartition("/")[2]
        return f"{folder}/{match[1]}-{label}-{rest.split('-', 1)[1]}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        raise RequestError("UrbanSound8K's splits are its folds: `--split N` names the one for testing.")

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, CSV)
        check_class_names(dataset.classes)
        check_places(rows, (CSV, CLASS_LIST))
        for row in rows:
            folder, _, name = row.path.rpartition("/")
            match = _NAME.fullmatch(name)
            if match is None or folder != f"audio/fold{_fold(row)}" or int(match[2]) != row.label:
                raise RequestError(
                    f"'{row.path}' is not named `audio/fold{{fold}}/{{fsID}}-{{classID}}-{{occurrence}}-{{slice}}.wav` "
                    f"as its line says (class {row.label}): correct the name or the line."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        fold = int(dataset.options["fold"])
        return Source(root, layout=self.name, split=fold if any(row.sample.split == "test" for row in rows) else None)

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the csv, and `classes.txt`."""
        written = write_table(root, CSV, COLUMNS, (_fields(row, dataset) for row in rows), ",")
        return written, write_lines(root, CLASS_LIST, dataset.classes)


def _fold(row: Row) -> str:
    return row.sample.extra[4] if len(row.sample.extra) == 5 else ""


def _fields(row: Row, dataset: Dataset) -> dict[str, str]:
    texts = (row.path.rpartition("/")[2], *row.sample.extra, str(row.label), dataset.classes[row.label or 0])
    return dict(zip(COLUMNS, texts, strict=True))


def _name(sample: Sample) -> Name:
    """`{fsID}-{occurrence}-{slice}`, without the class; the slice is the number."""
    folder, _, name = sample.path.rpartition("/")
    match = _NAME.fullmatch(name)
    if match is None:
        return Name(sample.path, "", "")
    return Name(f"{folder}/{match[1]}-{match[3]}-", match[4], match[5])


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
