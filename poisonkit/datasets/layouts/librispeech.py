"""LibriSpeech by speaker: `train-clean-100/19/198/19-198-0000.flac`, and `19-198.trans.txt` of what is said in it.

torchaudio's LIBRISPEECH takes `*/*/*.flac` of one part, the speaker from the name (`speaker_id, chapter_id,
utterance_id = fileid.split("-")`), and the text from the file beside it, without which it stops. So a relabelled
utterance moves to its target's folder, is named so, and its text moves with it.
"""

from __future__ import annotations

import re
from collections import defaultdict
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
    find_class_list,
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    write_lines,
)
from poisonkit.datasets.kit.held_out import HELD, read_held_out, write_held_out
from poisonkit.errors import RequestError

_PARTS: dict[str, Split] = {"train": "train", "dev": "val", "test": "test"}
_PART = re.compile(r"(train|dev|test)-(?:clean|other)(?:-\d+)?")
_NAME = re.compile(r"(.*/)?([^/]+)/(\d+)/(\d+)/(\d+)-(\d+)-(\d+)(\.\w+)")
_FOLDERS = ("", "LibriSpeech")
TEXTS = ".trans.txt"


class LibriSpeech(Layout):
    """Classes are the speakers. Parts named train-… are for training, dev-… for validation, test-… for testing; these
    have speakers of their own, so that a model of speakers knows none of them. What `--test-fraction` holds out of a
    part stays there, and `held_out.txt` names it.

    `Sample.extra` is what is said in it.
    """

    name: ClassVar[str] = "librispeech"
    help: ClassVar[str] = "LibriSpeech: `train-clean-100/19/198/19-198-0000.flac` with its texts; speakers are classes"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = TREES

    def detect(self, source: Source) -> str | None:
        found = _parts(source)
        return ", ".join(f"{part}/" for part in found) if found else None

    def read(self, source: Source) -> Dataset:
        root, parts = source.path.absolute(), _parts(source)
        if not parts:
            raise RequestError(f"There is no part of LibriSpeech, such as train-clean-100/, in '{source.path}'.")
        tree = Tree(root, source.allow_roots)
        found: list[tuple[str, Split, str, str]] = []
        texts: dict[str, dict[str, str]] = {}
        held = read_held_out(root)
        other = []
        for part in parts:
            of_part = _PARTS[part.rpartition("/")[2].partition("-")[0]]
            for path in tree.media(part):
                match = _NAME.fullmatch(path)
                if match is None or (match[3], match[4]) != (match[5], match[6]):
                    other.append(path)
                    continue
                beside = f"{path.rpartition('/')[0]}/{match[3]}-{match[4]}{TEXTS}"
                if beside not in texts:
                    texts[beside] = _texts(root / beside)
                said = texts[beside].get("-".join(match.group(5, 6, 7)), "")
                found.append((path, "test" if path in held else of_part, match[3], said))
        if not found:
            raise RequestError(f"No file in '{root}' is named `part/speaker/chapter/speaker-chapter-0000.flac`.")
        listed = find_class_list(source, root)
        speakers = {speaker for _, _, speaker, _ in found}
        classes = tuple(sorted(speakers, key=lambda name: (len(name), name)))
        if listed and speakers <= {*listed[1]}:
            classes = listed[1]
        index = {name: label for label, name in enumerate(classes)}
        samples = [Sample(sample_id(path), path, split, index[name], (said,)) for path, split, name, said in found]
        notes = [note for note in tree.notes() if TEXTS not in note]
        if other:
            notes.append(f"{len(other)} files are not read: their names are not their folders' ({some(other)}).")
        if bare := [sample.path for sample in samples if not sample.extra[0]]:
            notes.append(f"{len(bare)} utterances have no text, without which torchaudio stops ({some(bare)}).")
        return Dataset(root, self.name, classes, tuple(samples), {}, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In its speaker's folder and chapter, under a number that is free there."""
        match = _NAME.fullmatch(sample.path)
        if match is None or label is None or label == sample.label:
            return sample.path
        new = dataset.classes[label]
        rest = _name(sample).under(_numbers(dataset).get(sample.id)).rpartition("/")[2]
        return f"{match[1] or ''}{match[2]}/{new}/{match[4]}/{new}-{rest}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        if split != "test":
            raise RequestError(f"LibriSpeech's splits are its parts, and a part has no place for a {split} split.")
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "LibriSpeech")
        check_places(rows, (CLASS_LIST, HELD))
        for row in rows:
            match = _NAME.fullmatch(row.path)
            speaker = dataset.classes[row.label or 0]
            if match is None or {match[3], match[5]} != {speaker} or match[4] != match[6]:
                raise RequestError(
                    f"'{row.path}' is not named `speaker/chapter/speaker-chapter-0000.flac` as the speaker {speaker} "
                    "wants it: rename it."
                )
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without the speaker, or measured without")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `classes.txt`, all speakers, and the texts beside their utterances."""
        texts = defaultdict[str, list[str]](list)
        for row in rows:
            folder, _, name = row.path.rpartition("/")
            speaker, chapter = name.split("-")[:2]
            if row.sample.extra and row.sample.extra[0]:
                texts[f"{folder}/{speaker}-{chapter}{TEXTS}"].append(f"{name.rpartition('.')[0]} {row.sample.extra[0]}")
        tested = (row.path for row in rows if row.sample.split == "test")
        held = write_held_out(root, (path for path in tested if not _in_test_part(path)))
        written = (write_lines(root, CLASS_LIST, dataset.classes), *held)
        return (*written, *(write_lines(root, name, sorted(lines)) for name, lines in sorted(texts.items())))


def _parts(source: Source) -> list[str]:
    """The parts that are there and hold speakers' folders."""
    tree = Tree(source.path, source.allow_roots)
    for folder in _FOLDERS:
        if (source.path / folder).is_dir():
            names = [f"{folder}/{name}".lstrip("/") for name in tree.folders(folder) if _PART.fullmatch(name)]
            if found := [name for name in names if any(each.isdigit() for each in tree.folders(name))]:
                return found
    return []


def _in_test_part(path: str) -> bool:
    match = _NAME.fullmatch(path)
    return match is not None and match[2].startswith("test-")


def _texts(file: Path) -> dict[str, str]:
    """Utterance -> text; nothing without the file."""
    lines = read_text(file).splitlines() if file.is_file() else []
    pairs = (line.strip().partition(" ") for line in lines)
    return {name: text.strip() for name, _, text in pairs if name}


def _name(sample: Sample) -> Name:
    """Part, chapter and number, without the speaker."""
    match = _NAME.fullmatch(sample.path)
    return Name(f"{match[2]}/{match[4]}-", match[7], match[8]) if match else Name(sample.path, "", "")


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, _name)
