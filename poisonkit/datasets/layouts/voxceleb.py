"""VoxCeleb 1 and 2: `wav/{speaker}/{video}/{utterance}.wav` (2: `dev/aac/…m4a`), and lists about them.

`iden_split.txt` has `1 id10001/1zcIwhmdeo4/00001.wav`, 1 for training, 2 for validation, 3 for testing; torchaudio's
VoxCeleb1Identification takes the files from it and the speaker from the path (`int(speaker_id[3:])`), so that a
relabelled utterance moves into its target's folder. `veri_test.txt` has pairs, `1 path path`, for verification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    write_lines,
)
from poisonkit.errors import RequestError

LIST = "iden_split.txt"
_CODES: Mapping[str, Split] = {"1": "train", "2": "val", "3": "test"}
_OF_SPLIT = {split: code for code, split in _CODES.items()}
_SPEAKER = re.compile(r"id\d{5}")
_PAIRS = ("veri_test.txt", "veri_test2.txt", "list_test_hard.txt", "list_test_hard2.txt")
_DEV = ("", "wav", "aac", "dev/aac", "dev/wav", "vox1_dev_wav/wav", "vox2_dev_aac/dev/aac")
_TEST = ("test/aac", "test/wav", "vox1_test_wav/wav", "vox2_test_aac/test/aac")


class VoxCeleb(Layout):
    """Classes are the speakers' folders, sorted.

    Splits are those of iden_split.txt; without one, a folder of test speakers is the test split, and so are the files
    that a list of pairs names.
    """

    name: ClassVar[str] = "voxceleb"
    help: ClassVar[str] = f"VoxCeleb 1 and 2: `wav/id10001/VIDEO/00001.wav`, with `{LIST}` or without"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = TREES

    def detect(self, source: Source) -> str | None:
        found = _folders(source)
        return f"speakers' folders in {', '.join(f'{name}/' for name in found) or '.'}" if found else None

    def read(self, source: Source) -> Dataset:
        root, folders = source.path.absolute(), _folders(source)
        if not folders:
            raise RequestError(f"There is no folder of a speaker, such as wav/id10001, in '{source.path}'.")
        tree = Tree(root, source.allow_roots)
        classes = _speakers(tree, folders, root)
        listed = _listed(root / LIST) if (root / LIST).is_file() else None
        pairs = [root / name for name in _PAIRS if (root / name).is_file()]
        held = {path for file in pairs for path in _paths(file)} if listed is None else set()
        samples, left_out = [], []
        for label, speaker in enumerate(classes):
            for folder in folders:
                for path in tree.media(_join(folder, speaker)) if speaker in tree.folders(folder) else ():
                    name = path.removeprefix(f"{folder}/" if folder else "")
                    split: Split | None = "test" if folder in _TEST or name in held else "train"
                    if listed is not None:
                        split = listed.pop(name, None)
                    if split is None or name.count("/") != 2:
                        left_out.append(path)
                    else:
                        samples.append(Sample(sample_id(path), path, split, label))
        if not samples:
            raise RequestError(f"No utterance in '{root}' lies in `speaker/video/utterance.wav` and is in {LIST}.")
        if len({sample.id for sample in samples}) < len(samples):
            raise RequestError(f"Two files in '{root}' have one name in different Unicode forms: rename one of them.")
        return Dataset(root, self.name, classes, tuple(samples), {}, _notes(tree, listed, left_out, pairs))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In its speaker's folder; under a free utterance number, where another speaker has one in that video."""
        if label is None or sample.label is None or label == sample.label:
            return sample.path
        folder, rest = _apart(sample.path)
        return _join(folder, f"{dataset.classes[label]}/{Name.of(rest).under(_numbers(dataset).get(sample.id))}")

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        check_names(rows, LIST, {" ": "a space, at which a line ends"})
        check_places(rows, (LIST, CLASS_LIST))
        seen: dict[str, str] = {}
        for row in rows:
            if len(row.path.split()) != 1 or row.path.count("/") < 2:
                raise RequestError(f"'{row.path}' cannot stand in {LIST}, whose lines are split at white space.")
            _, rest = _apart(row.path)
            name = f"{row.label}/{rest}"
            if seen.setdefault(name, row.path) != row.path:
                raise RequestError(f"'{seen[name]}' and '{row.path}' would be one file in {LIST}: rename one of them.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without the speaker, or measured without")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `iden_split.txt`, also where the source has none, and `classes.txt`, all speakers."""
        lines = (f"{_OF_SPLIT[row.sample.split]} {'/'.join(row.path.split('/')[-3:])}" for row in rows)
        return write_lines(root, LIST, lines), write_lines(root, CLASS_LIST, dataset.classes)


def _folders(source: Source) -> list[str]:
    """The folders that hold speakers' folders, relative to the one that was named."""
    tree = Tree(source.path, source.allow_roots)
    found = []
    for name in (*_DEV, *_TEST):
        if not (source.path / name).is_dir():
            continue
        speakers = [each for each in tree.folders(name) if _SPEAKER.fullmatch(each)]
        if any(tree.folders(_join(name, each)) for each in speakers[:8]):  # of videos
            found.append(name)
    return found


def _speakers(tree: Tree, folders: Sequence[str], root: Path) -> tuple[str, ...]:
    """The speakers that have folders, and those of a copy's class list, which need not all have one."""
    there = {name for each in folders for name in tree.folders(each) if _SPEAKER.fullmatch(name)}
    listed = read_text(root / CLASS_LIST).split() if (root / CLASS_LIST).is_file() else []
    return tuple(sorted(there | set(listed) if all(map(_SPEAKER.fullmatch, listed)) else there))


def _listed(file: Path) -> dict[str, Split]:
    found: dict[str, Split] = {}
    for number, line in enumerate(read_text(file).splitlines(), 1):
        fields = line.split()
        if fields and (len(fields) != 2 or fields[0] not in _CODES):
            raise RequestError(f"Line {number} of {file.name} is not `1 speaker/video/file`, with 1, 2 or 3.")
        if fields and found.setdefault(fields[1], _CODES[fields[0]]) != _CODES[fields[0]]:
            raise RequestError(f"Line {number} of {file.name}: '{fields[1]}' is in two splits; a sample has one.")
    return found


def _paths(file: Path) -> set[str]:
    """The files that a list of pairs names."""
    return {path for line in read_text(file).splitlines() for path in line.split()[1:]}


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _apart(path: str) -> tuple[str, str]:
    """The folder of the speakers' folders, and what lies below the speaker's: `video/file`."""
    parts = path.split("/")
    if len(parts) < 3:
        raise RequestError(f"'{path}' does not lie in `speaker/video/`, as VoxCeleb's utterances do.")
    return "/".join(parts[:-3]), "/".join(parts[-2:])


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    return numbers_when_moved(dataset.samples, lambda sample: Name.of(sample_id(_apart(sample.path)[1])))


def _notes(
    tree: Tree, listed: Mapping[str, Split] | None, left_out: Sequence[str], pairs: Sequence[Path]
) -> tuple[str, ...]:
    notes = list(tree.notes())
    if listed:
        notes.append(f"{len(listed)} files of {LIST} do not exist ({some(sorted(listed))}).")
    if left_out:
        what = f"not in {LIST} or " if listed is not None else ""
        notes.append(f"{len(left_out)} files are not read: {what}not in `speaker/video/` ({some(left_out)}).")
    if pairs:
        names = some([file.name for file in pairs])
        held = "the files that it names are the test split, " if listed is None else ""
        notes.append(f"Pairs for verification ({names}) are not in the copy: {held}take the source's list with it.")
    return tuple(notes)
