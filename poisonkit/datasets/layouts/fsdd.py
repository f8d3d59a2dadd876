"""Free Spoken Digit Dataset: `recordings/{digit}_{speaker}_{index}.wav`; indices 0 to 4 are for testing, or, with
`--split N`, those from 5(N-1) to 5N-1: a folder may hold no others.

Nothing but the name tells digit, speaker and split, and its own `train_test_split` reads the index behind the
last underscore. So a relabelled recording gets its new digit and keeps its index, and where two would meet, it gets
an index that is free: `3_jackson_50.wav`. There are only five for testing: there the number goes to the speaker,
`3_jackson-2_4.wav`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import TREES, Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    Tree,
    check_emptied,
    check_names,
    check_places,
    make_folder,
    numbers_when_moved,
    once_per_dataset,
    write_lines,
)
from poisonkit.errors import RequestError

FOLDER = "recordings"
_NAME = re.compile(r"(\d)_([^_/]+)_(\d+)(\.\w+)")
_TEST = 5  # so many indices are for testing, from 0 on by FSDD's own rule


class FSDD(Layout):
    """`recordings/` in the folder, or the folder recordings/ itself. Classes are the digits, 0 to 9.

    Options: `split`, where another five indices than FSDD's own are for testing.
    """

    name: ClassVar[str] = "fsdd"
    help: ClassVar[str] = (
        "Free Spoken Digit Dataset: `recordings/{digit}_{speaker}_{index}.wav`, 0 to 4 for testing; `--split 2`: 5 to 9"
    )
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = TREES
    uses: ClassVar[frozenset[str]] = frozenset({"split"})

    def detect(self, source: Source) -> str | None:
        folder = _folder(source.path)
        if folder is None:
            return None
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if not entry.name.startswith(".")][:200]
        fits = sum(_NAME.fullmatch(name) is not None for name in names)
        return f"{FOLDER}/ with names such as 7_jackson_32.wav" if names and fits > len(names) / 2 else None

    def read(self, source: Source) -> Dataset:
        folder = _folder(source.path)
        if folder is None:
            raise RequestError(f"There is no folder {FOLDER}/ in '{source.path}'.")
        number = source.split or 1
        tree = Tree(folder.parent, source.allow_roots)
        samples, other = [], 0
        for path in tree.media(FOLDER):
            match = _NAME.fullmatch(path.removeprefix(f"{FOLDER}/"))
            if match is None:
                other += 1
                continue
            split: Split = "test" if _is_test(match[3], number) else "train"
            samples.append(Sample(sample_id(path), path, split, int(match[1])))
        if not samples:
            raise RequestError(f"No file in '{folder}' is named `{{digit}}_{{speaker}}_{{index}}.wav`.")
        if len({s.id for s in samples}) < len(samples):
            raise RequestError(f"Two files in '{folder}' have one name in different Unicode forms: rename one of them.")
        notes = [f"{other} files are not read: their names are not {{digit}}_{{speaker}}_{{index}}."] if other else []
        if number > 1:
            if not any(sample.split == "test" for sample in samples):
                raise RequestError(
                    f"--split {number}: no take has one of the indices {_spelt(number)}, so none is left."
                )
            if not any(sample.split == "train" for sample in samples):
                raise RequestError(
                    f"--split {number}: all takes have the indices {_spelt(number)}, so none is left to train on."
                )
            notes.append(f"The indices {_spelt(number)} are for testing, where FSDD's own readers take 0 to 4.")
        classes, options = tuple(map(str, range(10))), {"split": number} if number > 1 else {}
        return Dataset(folder.parent, self.name, classes, tuple(samples), options, (*notes, *tree.notes()))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        match = _NAME.fullmatch(sample.path.removeprefix(f"{FOLDER}/"))
        if match is None or label is None or label == sample.label:
            return sample.path
        return f"{FOLDER}/{label}_{_name(sample).under(_numbers(dataset).get(sample.id))}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        taken = {
            int(m[3]) // _TEST for s in dataset.samples if (m := _NAME.fullmatch(s.path.removeprefix(f"{FOLDER}/")))
        }
        number = min(taken, default=0) + 1
        if len(taken) < 2:
            raise RequestError(
                f"FSDD's splits are in the names (indices 0 to 4 are for testing), and all takes here have the indices "
                f"{_spelt(number)}: a test split needs takes of other indices beside them."
            )
        raise RequestError(
            f"FSDD's splits are in the names (indices 0 to 4 are for testing): `--split {number}` takes the indices "
            f"{_spelt(number)} instead."
        )

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "FSDD")
        check_places(rows)
        number = dataset.options.get("split", 1)
        for row in rows:
            match = _NAME.fullmatch(row.path.removeprefix(f"{FOLDER}/"))
            is_test = row.sample.split == "test"
            if match is None or int(match[1]) != row.label or _is_test(match[3], number) != is_test:
                raise RequestError(
                    f"'{row.path}' is not named `{FOLDER}/{{digit}}_{{speaker}}_{{index}}.wav` as its digit "
                    f"{row.label} and its split want it: rename it."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        return Source(root, layout=self.name, split=dataset.options.get("split"))

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `classes.txt`, beside recordings/, where nobody takes it for a recording."""
        make_folder(root, FOLDER)
        return (write_lines(root, CLASS_LIST, dataset.classes),)


def _is_test(index: str, number: int) -> bool:
    return int(index) // _TEST == number - 1


def _spelt(number: int) -> str:
    return f"{_TEST * (number - 1)} to {_TEST * number - 1}"


def _folder(path: Path) -> Path | None:
    path = Path(os.path.abspath(path))
    if path.name == FOLDER and path.is_dir():
        return path
    return path / FOLDER if (path / FOLDER).is_dir() else None


def _name(sample: Sample) -> Name:
    """Without the digit. A test take cannot have another index: its number goes to the speaker."""
    match = _NAME.fullmatch(sample.id.removeprefix(f"{FOLDER}/"))
    if match is None:
        return Name(sample.id, "", "")
    _, speaker, index, suffix = match.groups()
    if sample.split == "test":
        return Name(speaker, "", f"_{index}{suffix}", mark="-")
    return Name(f"{speaker}_", index, suffix)


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
