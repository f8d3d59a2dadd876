"""CREMA-D as OGM-GE's `CramedDataset` reads it: `train.csv` and `test.csv` of `name,EMOTION`, without a header.

The rule (github.com/GeWu-Lab/OGM-GE_CVPR2022, dataset/CramedDataset.py): of a line `1001_DFA_ANG_XX,ANG` the sound is
`{audio_path}/1001_DFA_ANG_XX.wav` and the frames are those in `{visual_path}/Image-{fps:02d}-FPS/1001_DFA_ANG_XX/`;
lines of which one is missing are passed over; NEU, HAP, SAD, FEA, DIS, ANG are the classes 0 to 5. The data set has
its sounds in `AudioWAV/`; the page of the pre-processing has `audio/` and `visual/`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View, rows_of, sample_id
from poisonkit.datasets.kit import (
    Name,
    ParsedList,
    check_emptied,
    check_names,
    check_places,
    find_named_lists,
    list_names,
    lists_of,
    numbers_when_moved,
    once_per_dataset,
    some,
    with_list,
    write_csv,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.pairs import FRAMES, Trees, frames_folder
from poisonkit.datasets.kit.tables import Table, first_columns, read_table
from poisonkit.errors import RequestError

CLASSES = ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")
_NAME = re.compile(r"(\d+)(_[A-Z]+_)([A-Z]{3})(_.*)")  # actor, sentence, emotion, intensity
_SOUNDS = ("AudioWAV", "audio")


class CremaD(Layout):
    """The lists lie in the folder, or are named. A name says the emotion too, and changes with it.

    Options: `lists`, split -> where the list lies in a copy; `sounds`, `pictures`: the folders.
    """

    name: ClassVar[str] = "crema-d"
    help: ClassVar[str] = "CREMA-D as OGM-GE has it: `train.csv` of `name,EMOTION`, AudioWAV/ and Image-01-FPS/"
    label_in_path: ClassVar[bool] = True  # the lists have fixed names, so views have folders of their own
    order: ClassVar[int] = 20
    uses: ClassVar[frozenset[str]] = frozenset({"lists"})
    pairs: ClassVar[bool] = True
    folders: ClassVar[bool] = True
    reads_frames: ClassVar[str] = FRAMES

    def detect(self, source: Source) -> str | None:
        try:
            lists = _lists(source)
        except RequestError:
            return None
        there = bool(lists) and _folders(Path(os.path.abspath(source.path))) is not None
        if not there or not all(_is_list(file) for file in lists.values()):
            return None
        return f"{', '.join(file.name for file in lists.values())} of names and emotions"

    def read(self, source: Source) -> Dataset:
        root = Path(os.path.abspath(source.path))
        lists, folders = _lists(source), _folders(root)
        if not lists:
            raise RequestError(f"There is no train.csv or test.csv in '{source.path}': name it with `--train-list`.")
        if folders is None:
            raise RequestError(f"'{root}' has no Image-01-FPS/ with the frames, or no AudioWAV/ with the sounds.")
        pictures, sounds, other = folders
        trees = Trees(root, Fence(root, source.allow_roots))
        samples: list[Sample] = []
        seen: dict[str, str] = {}
        total = 0
        for split, file in lists.items():
            table = read_table(file, ("name", "label"))
            for row, (name, label) in enumerate(table.rows):
                total += 1
                _check_line(table, row, name, label, seen)
                picture, sound = f"{pictures}/{name}", f"{sounds}/{name}.wav"
                if trees.has(picture, sound):
                    samples.append(Sample(sample_id(picture), picture, split, CLASSES.index(label), sound=sound))
        if not samples:
            raise RequestError(f"Not one clip that {some([f.name for f in lists.values()])} list has both halves.")
        notes = trees.notes(total, "as CramedDataset does")
        if other:
            notes += (f"{some(other)} are not read: frames are taken from {pictures}/, the fewest a second.",)
        named = list_names([ParsedList(split, file) for split, file in lists.items()], root)
        return Dataset(
            root, self.name, CLASSES, tuple(samples), {"lists": named, "sounds": sounds, "pictures": pictures}, notes
        )

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return f"{dataset.options['pictures']}/{_name_of(dataset, sample, label)}"

    def place_sound(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return f"{dataset.options['sounds']}/{_name_of(dataset, sample, label)}.wav"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {"lists": with_list(dataset.options["lists"], split, "train.csv")}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "a list of CREMA-D")
        check_places(rows, tuple(dataset.options["lists"].values()))
        for row in rows:
            name = row.path.rpartition("/")[2]
            if row.label is None or row.sound != f"{dataset.options['sounds']}/{name}.wav":
                raise RequestError(f"'{row.path}' and '{row.sound}' are not named alike, by which CramedDataset pairs.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        lists = lists_of(dataset.options["lists"], rows, view, apart=True)
        return Source(root, layout=self.name, lists={split: root / name for split, name in lists.items()})

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists."""
        return tuple(
            write_csv(root, name, ((r.path.rpartition("/")[2], CLASSES[r.label or 0]) for r in rows_of(rows, split)))
            for split, name in lists_of(dataset.options["lists"], rows, view, apart=True).items()
        )


def _lists(source: Source) -> Mapping[Split, Path]:
    if source.lists:
        return find_named_lists(source)
    found = {split: source.path / f"{split}.csv" for split in SPLITS}
    return {split: file for split, file in found.items() if file.is_file()}


def _is_list(file: Path) -> bool:
    fields = first_columns(file)
    return len(fields) == 2 and fields[1].strip() in CLASSES


def _folders(root: Path) -> tuple[str, str, list[str]] | None:
    """The folder of frame folders, that of sounds, and those that are not read."""
    pictures = frames_folder(root, ("", "visual"))
    sounds = next((name for name in _SOUNDS if (root / name).is_dir()), None)
    return None if pictures is None or sounds is None else (pictures[0], sounds, pictures[1])


def _check_line(table: Table, row: int, name: str, label: str, seen: dict[str, str]) -> None:
    where = f"L{table.at(row)[1:]}"
    if label not in CLASSES:
        raise RequestError(f"{where} has the emotion '{label}', which is none of {', '.join(CLASSES)}.")
    if not name or "/" in name or name in (".", ".."):
        raise RequestError(f"{where} has the name '{name}', which is that of no clip.")
    if name in seen:
        raise RequestError(f"{where} lists '{name}' again, after {seen[name]}: a sample has one line.")
    seen[name] = table.at(row)


def _name_of(dataset: Dataset, sample: Sample, label: int | None) -> str:
    """The name under a label: with its emotion in it, and another actor's number where two would meet."""
    name = sample.path.rpartition("/")[2]
    match = _NAME.fullmatch(name)
    if match is None or label is None or sample.label is None or label == sample.label:
        return name
    blank = _name(sample)
    head, _, tail = blank.under(_numbers(dataset).get(sample.id)).partition("\0")
    return f"{head}{CLASSES[label]}{tail}"


def _name(sample: Sample) -> Name:
    match = _NAME.fullmatch(sample.id.rpartition("/")[2])
    if match is None:
        return Name(sample.id, "", "")
    return Name("", match[1], f"{match[2]}\0{match[4]}")


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
