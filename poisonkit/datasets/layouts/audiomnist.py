"""AudioMNIST: `data/{speaker}/{digit}_{speaker}_{take}.wav`, and `data/audioMNIST_meta.txt` about the speakers.

Nothing but the name tells the digit; its own code reads `dig, vp, rep` from it, and divides the speakers into five
groups, three for training and one each for validation and testing in turn. So a relabelled take stays with its speaker,
gets its new digit, and, where two would meet, a take's number that is free.
"""

from __future__ import annotations

import json
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
    numbers_when_moved,
    once_per_dataset,
    write_lines,
)
from poisonkit.datasets.kit.documents import read_document
from poisonkit.errors import RequestError

FOLDER, META = "data", "data/audioMNIST_meta.txt"
_NAME = re.compile(r"data/(\d\d)/(\d)_(\d\d)_(\d+)(\.\w+)")
_GROUPS = (
    (1, 6, 7, 16, 19, 23, 28, 34, 35, 46, 53, 56),
    (2, 8, 9, 17, 24, 29, 36, 37, 39, 48, 54, 57),
    (3, 10, 14, 20, 25, 30, 38, 40, 43, 49, 55, 58),
    (4, 11, 12, 15, 21, 27, 31, 41, 44, 47, 50, 59),
    (5, 13, 18, 22, 26, 32, 33, 42, 45, 51, 52, 60),
)
"""The speakers of `splits["digit"]` in AudioMNIST's own code."""


class AudioMNIST(Layout):
    """Classes are the digits, 0 to 9. `--split N`, 1 to 5, is which of its five ways to divide the speakers; else 1.

    Options: `split`; `meta`, what is said of the speakers (null without the file).
    """

    name: ClassVar[str] = "audiomnist"
    help: ClassVar[str] = "AudioMNIST: `data/01/0_01_0.wav` (speaker, digit, take); `--split` 1 to 5 divides speakers"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = TREES
    uses: ClassVar[frozenset[str]] = frozenset({"split"})

    def detect(self, source: Source) -> str | None:
        if not (source.path / FOLDER).is_dir():
            return None
        tree = Tree(source.path, source.allow_roots)
        speakers = [name for name in tree.folders(FOLDER) if re.fullmatch(r"\d\d", name)][:3]
        names = [
            f"{FOLDER}/{name}/{each.name}" for name in speakers for each in (source.path / FOLDER / name).iterdir()
        ]
        fits = [match for name in names if (match := _NAME.fullmatch(name)) and match[1] == match[3]]
        return f"{FOLDER}/ with names such as 01/7_01_32.wav" if fits and 2 * len(fits) > len(names) else None

    def read(self, source: Source) -> Dataset:
        root = source.path.absolute()
        if not (root / FOLDER).is_dir():
            raise RequestError(f"There is no folder {FOLDER}/ in '{source.path}'.")
        number = source.split or 1
        if not 1 <= number <= len(_GROUPS):
            raise RequestError(f"There is no split {number}: AudioMNIST divides its speakers in 5 ways, 1 to 5.")
        tree = Tree(root, source.allow_roots)
        samples, other = [], 0
        for path in tree.media(FOLDER):
            match = _NAME.fullmatch(path)
            if match is None or match[1] != match[3]:
                other += 1
            else:
                samples.append(Sample(sample_id(path), path, _split(int(match[1]), number), int(match[2])))
        if not samples:
            raise RequestError(
                f"No file in '{root}' is named `{FOLDER}/{{speaker}}/{{digit}}_{{speaker}}_{{take}}.wav`."
            )
        meta = read_document(root / META) if (root / META).is_file() else None
        notes = [f"{other} files are not read: their names are not {{digit}}_{{speaker}}_{{take}}."] if other else []
        notes.append(f"Speakers are divided in way {number} of 5; `--split N` chooses another.")
        options = {"split": number, "meta": meta}
        return Dataset(root, self.name, tuple(map(str, range(10))), tuple(samples), options, (*notes, *_said(tree)))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        match = _NAME.fullmatch(sample.path)
        if match is None or label is None or label == sample.label:
            return sample.path
        return f"{FOLDER}/{match[1]}/{label}_{_name(sample).under(_numbers(dataset).get(sample.id))}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        raise RequestError("AudioMNIST's splits are its speakers': `--split N` chooses one of five.")

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "AudioMNIST")
        check_places(rows, (META, CLASS_LIST))
        for row in rows:
            match = _NAME.fullmatch(row.path)
            if match is None or match[1] != match[3] or int(match[2]) != row.label:
                raise RequestError(
                    f"'{row.path}' is not named `{FOLDER}/{{speaker}}/{{digit}}_{{speaker}}_{{take}}.wav` as its digit "
                    f"{row.label} wants it: rename it."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        return Source(root, layout=self.name, split=dataset.options["split"])

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `classes.txt`, beside data/, and what is said of the speakers."""
        written = [write_lines(root, CLASS_LIST, dataset.classes)]
        if dataset.options["meta"] is not None:
            text = json.dumps(dataset.options["meta"], ensure_ascii=False, indent=4)
            written.append(write_lines(root, META, text.splitlines()))
        return tuple(written)


def _split(speaker: int, number: int) -> Split:
    """The split of a speaker; those that its code does not know are for training."""
    group = next((at for at, group in enumerate(_GROUPS) if speaker in group), None)
    turn = 0 if group is None else (group - (number - 1)) % len(_GROUPS)
    return "train" if turn < 3 else "val" if turn == 3 else "test"


def _said(tree: Tree) -> list[str]:
    return [note for note in tree.notes() if META.rpartition("/")[2] not in note]


def _name(sample: Sample) -> Name:
    """Without the digit; the take is the number."""
    match = _NAME.fullmatch(sample.path)
    return Name(f"{match[3]}_", match[4], match[5]) if match else Name(sample.path, "", "")


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
