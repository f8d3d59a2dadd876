"""ESC-50: `meta/esc50.csv` over `audio/{fold}-{clip_id}-{take}-{target}.wav`, five folds.

The target is in the csv and in the file's name; both change when a sample is relabelled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets._tables import first_columns, read_table, write_table
from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    ParsedList,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    locate,
    numbers_when_moved,
    once_per_dataset,
    write_lines,
)
from poisonkit.errors import RequestError
from poisonkit.untrusted import read_text

CSV = "meta/esc50.csv"
COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
_NAME = re.compile(r"(\d)-([^-/]+)-([^-/]+)-(\d+)(\.\w+)")
_TAKE = re.compile(r"[A-Z]{1,4}")


class ESC50(Layout):
    """Fold N (`--split N`, else 1) is the test split, the other folds are for training.

    `Sample.extra` is (fold, esc10, src_file, take). Options: `fold`, the test split's; `esc10`, what each class has.
    """

    name: ClassVar[str] = "esc50"
    help: ClassVar[str] = "ESC-50: `meta/esc50.csv` and audio/; `--split` names the fold that is the test split"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20
    uses: ClassVar[frozenset[str]] = frozenset({"split"})

    def detect(self, source: Source) -> str | None:
        return CSV if {"filename", "fold", "target"} <= set(first_columns(source.path / CSV)) else None

    def read(self, source: Source) -> Dataset:
        file = source.path / CSV
        if not file.is_file():
            raise RequestError(f"There is no {CSV} in '{source.path}'.")
        table = read_table(file)
        if missing := [c for c in COLUMNS if c not in table.columns]:
            raise RequestError(f"{CSV} has no column '{missing[0]}'; ESC-50's are {', '.join(COLUMNS)}.")
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        folds = sorted({row["fold"] for row in rows}, key=lambda fold: (len(fold), fold))
        test = str(source.split) if source.split is not None else folds[0] if folds else "1"
        if source.split is not None and test not in folds:
            raise RequestError(f"There is no fold {test}: the folds are {', '.join(folds)}.")
        names: dict[int, str] = {}
        lists: dict[Split, ParsedList] = {"train": ParsedList("train", file), "test": ParsedList("test", file)}
        for number, row in zip(table.lines, rows, strict=True):
            if not row["target"].isdigit() or names.setdefault(int(row["target"]), row["category"]) != row["category"]:
                raise RequestError(
                    f"Line {number} of esc50.csv: target {row['target']} is no number, or has another category than in "
                    "an earlier line."
                )
            extra = tuple(row[c] for c in ("fold", "esc10", "src_file", "take"))
            part: Split = "test" if row["fold"] == test else "train"
            lists[part].add(f"audio/{row['filename']}", int(row["target"]), number, extra)
        located = locate(source, list(lists.values()), source.path.absolute())
        lines = [line for each in lists.values() for line in each.lines]
        samples = [located.samples[i] for i in sorted(range(len(lines)), key=lines.__getitem__)]
        classes = _classes(source.path, names)
        small = {int(row["target"]): row["esc10"] for row in reversed(rows)}
        esc10 = [small.get(target, "False") for target in range(len(classes))]
        note = f"Fold {test} is the test split; `--split N` chooses another."
        return Dataset(
            source.path.absolute(),
            self.name,
            classes,
            tuple(samples),
            {"fold": test, "esc10": esc10},
            (note, *located.notes),
        )

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """audio/ and its name; the target in the name is the label's, the take another where two would meet."""
        match = _NAME.fullmatch(sample.path.rpartition("/")[2])
        if match is None or label is None or label == sample.label:
            return sample.path
        fold, clip, take, _, suffix = match.groups()
        if (number := _numbers(dataset).get(sample.id)) is not None:
            take = _letters(number) if _TAKE.fullmatch(take) else f"{take}__{number}"
        return f"audio/{fold}-{clip}-{take}-{label}{suffix}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        raise RequestError("ESC-50's splits are its folds: `--split N` names the one for testing.")

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "esc50.csv")
        check_class_names(dataset.classes)
        check_places(rows, (CSV, CLASS_LIST))
        for row in rows:
            match = _NAME.fullmatch(row.path.removeprefix("audio/"))
            if match is None or not row.path.startswith("audio/") or int(match[4]) != row.label:
                raise RequestError(
                    f"'{row.path}' is not named `audio/{{fold}}-{{clip}}-{{take}}-{{target}}.wav` as its line in "
                    f"esc50.csv says (target {row.label}): correct the name or the line."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        fold = dataset.options["fold"]
        return Source(
            root, layout=self.name, split=int(fold) if any(row.sample.split == "test" for row in rows) else None
        )

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `meta/esc50.csv`, take as in the file's name, and `classes.txt`."""
        written = write_table(root, CSV, COLUMNS, (_fields(row, dataset) for row in rows), ",")
        return written, write_lines(root, CLASS_LIST, dataset.classes)


def _classes(path: Path, names: Mapping[int, str]) -> tuple[str, ...]:
    """Categories by target: as `classes.txt` has them (a part of ESC-50 need not have all), else as the csv."""
    count = max(names, default=-1) + 1
    listed = path / CLASS_LIST
    if listed.is_file():
        classes = tuple(read_text(listed).splitlines())
        if len(classes) >= count and all(classes[target] == name for target, name in names.items()):
            return classes
    return tuple(names.get(target, str(target)) for target in range(count))


def _fields(row: Row, dataset: Dataset) -> dict[str, str]:
    name = row.path.rpartition("/")[2]
    match = _NAME.fullmatch(name)
    assert match is not None
    assert row.label is not None
    fold, esc10, src_file, take = row.sample.extra
    if row.label != row.sample.label:
        take, esc10 = match[3], dataset.options["esc10"][row.label]
    texts = (name, fold, str(row.label), dataset.classes[row.label], esc10, src_file, take)
    return dict(zip(COLUMNS, texts, strict=True))


def _name(sample: Sample) -> Name:
    """Without the target; the take is the number, 1 for A, 27 for AA."""
    match = _NAME.fullmatch(sample.path.rpartition("/")[2])
    if match is None:
        return Name(sample.path, "", "")
    fold, clip, take, _, suffix = match.groups()
    if _TAKE.fullmatch(take):
        return Name(f"{fold}-{clip}-", str(reduce(lambda n, letter: n * 26 + ord(letter) - 64, take, 0)), suffix)
    return Name(f"{fold}-{clip}-{take}", "", suffix)


def _letters(number: int) -> str:
    found = ""
    while number:
        number, letter = divmod(number - 1, 26)
        found = chr(65 + letter) + found
    return found


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
