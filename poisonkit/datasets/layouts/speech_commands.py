"""Speech Commands: a folder per word, `validation_list.txt` and `testing_list.txt`, all else for training.

torchaudio's SPEECHCOMMANDS takes every `word/*_nohash_*.wav` that is in neither list for training, so a file
that changes its folder has to change in the lists too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    Tree,
    below,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    with_class,
    without_class,
    write_class_folders,
    write_lines,
)
from poisonkit.datasets.kit.files import entries
from poisonkit.errors import RequestError

LISTS: Mapping[Split, str] = {"val": "validation_list.txt", "test": "testing_list.txt"}
NOISE = "_background_noise_"


class SpeechCommands(Layout):
    """Folders are words, and words classes, in the order of their names. Samples are in the order of folders and names.

    Options: `lists`, the splits that have a list.
    """

    name: ClassVar[str] = "speech-commands"
    help: ClassVar[str] = "a folder of sounds per word, with `validation_list.txt` and `testing_list.txt`"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20

    def detect(self, source: Source) -> str | None:
        names = [name for name in LISTS.values() if (source.path / name).is_file()]
        return f"word folders with {' and '.join(names)}" if names else None

    def read(self, source: Source) -> Dataset:
        root = source.path.absolute()
        splits = {split: root / name for split, name in LISTS.items() if (root / name).is_file()}
        if not splits:
            raise RequestError(f"There is no validation_list.txt or testing_list.txt in '{source.path}'.")
        listed: dict[str, Split] = {}
        for split, file in splits.items():
            for number, line in enumerate(read_text(file).splitlines(), 1):
                path = line.strip().removeprefix("./")
                if path and listed.setdefault(path, split) != split:
                    raise RequestError(f"Line {number} of {file.name}: '{path}' is in both lists; one split has it.")
        tree = Tree(root, source.allow_roots)
        classes = tuple(name for name in tree.folders("") if name != NOISE and _is_word(tree, name))
        samples = [
            Sample(sample_id(path), path, listed.get(path, "train"), label)
            for label, name in enumerate(classes)
            for path in tree.media(name)
        ]
        if not samples:
            raise RequestError(f"No folder in '{root}' holds a sound: a word's sounds lie in `word/file.wav`.")
        if len({sample.id for sample in samples}) < len(samples):
            raise RequestError(f"Two files in '{root}' have one name in different Unicode forms: rename one of them.")
        tree.strays([], ours=(*LISTS.values(), CLASS_LIST, "POISONED.txt", "README.md", "LICENSE"))
        return Dataset(root, self.name, classes, tuple(samples), {"lists": list(splits)}, _notes(tree, samples, listed))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In its word's folder; under a free utterance number where another word's folder has the same name."""
        if label is None or sample.label is None or label == sample.label:
            return sample.path
        own, new = dataset.classes[sample.label], dataset.classes[label]
        name = _below_word(sample)
        blank = Name.of(without_class(name, own)).under(_numbers(dataset).get(sample.id))
        return f"{new}/{with_class(blank, name, own, new)}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {"lists": [each for each in LISTS if each in {*dataset.options["lists"], split}]}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_names(dataset.classes)
        check_names(rows, "Speech Commands' lists")
        check_places(rows, (*LISTS.values(), CLASS_LIST))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without the word, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists, every word's folder, and `classes.txt`."""
        written = []
        for split, file in LISTS.items():
            if split in dataset.options["lists"]:
                written.append(write_lines(root, file, (r.path for r in rows if r.sample.split == split)))
        written.append(write_lines(root, CLASS_LIST, dataset.classes))
        return (*written, *write_class_folders(dataset, "", dataset.classes, rows, root, view))


def _notes(tree: Tree, samples: Sequence[Sample], listed: Mapping[str, Split]) -> tuple[str, ...]:
    notes = list(tree.notes())
    gone = sorted(listed.keys() - {sample.path for sample in samples})
    if gone:
        notes.append(f"{len(gone)} of {len(listed)} listed files do not exist ({some(gone)}).")
    if NOISE in tree.folders(""):
        notes.append(f"{NOISE}/ is no word; it is not read, and not in the copy.")
    unseen = [s.path for s in samples if s.split == "train" and "_nohash_" not in s.path]
    if unseen:
        notes.append(
            f"{len(unseen)} training files have no `_nohash_` in their names, without which torchaudio does not see "
            f"them ({some(unseen)})."
        )
    return tuple(notes)


def _is_word(tree: Tree, name: str) -> bool:
    """Whether a folder holds sounds, or nothing, as a word's does in a copy; one of lists is no word."""
    return tree.has_media(name) or not entries(os.path.join(tree.root, name))


def _below_word(sample: Sample) -> str:
    return below(sample.path, 1)


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    """torchaudio reads what stands behind `_nohash_`, the last digits of a name, as a whole number."""

    def name(sample: Sample) -> Name:
        assert sample.label is not None
        return Name.of(sample_id(without_class(_below_word(sample), dataset.classes[sample.label])))

    return numbers_when_moved((s for s in dataset.samples if s.label is not None), name)
