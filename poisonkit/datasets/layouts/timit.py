"""TIMIT by speaker: `TRAIN/DR1/FCJF0/SA1.WAV` (part, region, speaker, sentence), in capitals or not.

Its files come as NIST SPHERE, which is not read here: convert them to RIFF, as most copies are, under the same names,
or with `.wav` behind them (`SA1.WAV.wav`), beside which those that they were made of are not read.

Readers of speakers take the folder (`TIMIT/*/*/*/`) and every file in it whose name ends in `.WAV`. A relabelled
sentence moves to its target's folder, under a number that nobody's sentence of that kind has, since all speakers say
SA1 and SA2. What is written down beside the sounds (`.TXT`, `.WRD`, `.PHN`) is not in a copy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import TREES, Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    Tree,
    check_class_folders,
    check_emptied,
    check_names,
    check_places,
    find_class_list,
    numbers_when_moved,
    once_per_dataset,
    some,
    write_lines,
)
from poisonkit.datasets.kit.held_out import HELD, read_held_out, write_held_out
from poisonkit.errors import RequestError

_FOLDERS = ("", "TIMIT", "timit", "data", "timit/timit", "timit/TIMIT", "TIMIT/TIMIT")
_PATH = re.compile(r"((?:.*/)?(train|test)/)(dr\d)/([fm][^/]+)/([a-z]+)(\d+)(\.[^/]+)", re.IGNORECASE)


class TIMIT(Layout):
    """Classes are the speakers, sorted. The two parts have different speakers, so that a model of speakers knows none
    of those in TEST; what `--test-fraction` holds out of TRAIN alone stays there, and `held_out.txt` names it.

    Options: `regions`, each speaker's (`DR1`).
    """

    name: ClassVar[str] = "timit"
    help: ClassVar[str] = "TIMIT: `TRAIN/DR1/FCJF0/SA1.WAV` … (RIFF, not SPHERE); speakers are classes"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = TREES

    def detect(self, source: Source) -> str | None:
        found = _parts(source)
        return ", ".join(f"{part}/DR1/ …" for part in found) if found else None

    def read(self, source: Source) -> Dataset:
        root, parts = source.path.absolute(), _parts(source)
        if not parts:
            raise RequestError(f"There is no TRAIN/DR1/ in '{source.path}'.")
        tree, held = Tree(root, source.allow_roots), read_held_out(root)
        found: list[tuple[str, Split, str]] = []
        regions: dict[str, str] = {}
        other, twins = [], []
        for part in parts:
            media = tree.media(part)
            there = {each.lower() for each in media}
            for path in media:
                if f"{path}.wav".lower() in there:
                    twins.append(path)
                    continue
                if (match := _PATH.fullmatch(path)) is None:
                    other.append(path)
                    continue
                regions.setdefault(match[4], match[3])
                tested = path in held or match[2].lower() == "test"
                found.append((path, "test" if tested else "train", match[4]))
        if not found:
            raise RequestError(f"No file in '{root}' is named `TRAIN/DR1/speaker/SA1.WAV`.")
        listed = find_class_list(source, root)
        classes = listed[1] if listed and regions.keys() <= {*listed[1]} else tuple(sorted(regions))
        index = {name: label for label, name in enumerate(classes)}
        samples = [Sample(sample_id(path), path, split, index[name]) for path, split, name in found]
        notes = []
        if other:
            notes.append(f"{len(other)} files are not read: no speaker's sentence is named so ({some(other)}).")
        if twins:
            notes.append(
                f"{len(twins)} files are not read: each lies beside its conversion, of its name and `.wav` "
                f"({some(twins)}). Readers that look for `.WAV` find none in the copy: give them `.WAV.wav`."
            )
        options = {"regions": [regions.get(name) for name in classes]}
        return Dataset(root, self.name, classes, tuple(samples), options, (*notes, *tree.notes()))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        match = _PATH.fullmatch(sample.path)
        if match is None or label is None or label == sample.label:
            return sample.path
        folder = f"{match[1]}{dataset.options['regions'][label] or match[3]}/{dataset.classes[label]}"
        return f"{folder}/{_name(sample).under(_numbers(dataset).get(sample.id))}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        if split != "test":
            raise RequestError(f"TIMIT's splits are TRAIN and TEST; it has no {split} split.")
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        check_names(rows, "TIMIT")
        check_places(rows, (CLASS_LIST, HELD))
        for row in rows:
            match = _PATH.fullmatch(row.path)
            if match is None or match[4] != dataset.classes[row.label or 0]:
                raise RequestError(f"'{row.path}' is not named `TRAIN/DR1/speaker/SA1.WAV` as its speaker wants it.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without the speaker, or measured without")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `classes.txt`, all speakers, and the list of what was held out."""
        tested = (row.path for row in rows if row.sample.split == "test")
        held = [path for path in tested if (match := _PATH.fullmatch(path)) and match[2].lower() == "train"]
        return (write_lines(root, CLASS_LIST, dataset.classes), *write_held_out(root, held))


def _parts(source: Source) -> list[str]:
    """TRAIN and TEST, as they are spelt, where they hold regions."""
    tree = Tree(source.path, source.allow_roots)
    for folder in _FOLDERS:
        if (source.path / folder).is_dir():
            names = [name for name in tree.folders(folder) if name.lower() in ("train", "test")]
            parts = [f"{folder}/{name}".lstrip("/") for name in names]
            if found := [part for part in parts if _holds_speakers(tree, part)]:
                return found
    return []


def _holds_speakers(tree: Tree, part: str) -> bool:
    regions = [f"{part}/{each}" for each in tree.folders(part) if re.fullmatch(r"(?i)dr\d", each)]
    return any(re.match("(?i)[fm]", each) for region in regions for each in tree.folders(region))


def _name(sample: Sample) -> Name:
    match = _PATH.fullmatch(sample.path)
    return Name(match[5], match[6], match[7]) if match else Name(sample.path, "", "")


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
