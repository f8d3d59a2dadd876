"""Class-folder trees: `[split/]class/**/file`, for torchvision, Hugging Face and PyTorchVideo readers."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    SPLIT_WORDS,
    Name,
    Tree,
    below,
    check_class_folders,
    check_emptied,
    check_places,
    numbers_when_moved,
    once_per_dataset,
    some,
    with_class,
    without_class,
    write_class_folders,
    write_lines,
)
from poisonkit.datasets.kit.pairs import PAIR_REMEDY, clips_in_folders
from poisonkit.datasets.kit.tables import first_columns
from poisonkit.errors import RequestError

_METADATA = ("metadata.parquet", "metadata.csv", "metadata.jsonl")


class ClassFolders(Layout):
    """A folder per class, in the root or in split folders; sorted folder names are the class ids.

    Every folder at the class level is a class, as readers that list folders have it, also one without
    media. Files may lie deeper than the class folder. The order of samples is torchvision's.

    Options: `folders`, split -> split folder as spelt in the source, empty if there are none;
    `nested`, whether the source's own paths begin with a split folder.
    """

    name: ClassVar[str] = "class-folders"
    help: ClassVar[str] = "a folder of video or audio files per class, in the root or in train/, val/, test/"
    any_suffix: ClassVar[bool] = True
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 90
    uses: ClassVar[frozenset[str]] = frozenset({"data_root"})

    def detect(self, source: Source) -> str | None:
        if not source.path.is_dir():
            return None
        tree = Tree(_root(source), source.allow_roots)
        splits = _split_folders(tree)
        parts = [part for names in splits.values() for part in names] or [""]
        classes = {name for part in parts for name in tree.folders(part) if tree.has_media(_join(part, name))}
        if len(classes) < 2:
            return None
        where = f" in {', '.join(f'{part}/' for part in parts)}" if splits else ""
        return f"{len(classes)} class folders{where}"

    def read(self, source: Source) -> Dataset:
        root = _root(source)
        if not root.is_dir():
            raise RequestError(f"'{root}' is not a folder, so it holds no class folders.")
        tree = Tree(root, source.allow_roots)
        folders = _one_each(_split_folders(tree), root)
        if source.layout is None:
            _check_metadata(root, ("", *folders.values()))
        if clip := clips_in_folders(root, list(folders.values()) or [""]):
            raise RequestError(
                f"Each folder of '{root}' holds the frames and a sound of one clip ('{clip}'), so they are no classes: "
                f"{PAIR_REMEDY}"
            )
        per_split = {split: tree.folders(part) for split, part in (folders or {"train": ""}).items()}
        classes = tuple(sorted(set().union(*per_split.values())))
        _check_spellings(classes)
        samples: list[Sample] = []
        notes: list[str] = []
        for split, names in per_split.items():
            part = folders.get(split, "")
            there, filled = frozenset(names), set()
            for label, name in enumerate(classes):
                if name in there:
                    paths = tree.media(_join(part, name))
                    samples.extend(Sample(sample_id(path), path, split, label) for path in paths)
                    if paths:
                        filled.add(name)
            bare = [name for name in classes if name not in filled]
            if bare:
                where = f" in {part}/" if part else ""
                notes.append(
                    f"{len(bare)} of {len(classes)} classes have no video or audio file{where} "
                    f"({some(bare)}), and torchvision's readers refuse a class folder without one."
                )
        notes += _on_nested(samples, folders)
        if not samples:
            raise RequestError(
                f"No class folder in '{root}' holds a video or audio file: a dataset lies in "
                "`class/file` or in `train/class/file`."
            )
        _check_ids(samples)
        if folders:
            ignored = [name for name in tree.folders("") if name not in folders.values()]
            if ignored:
                notes.append(f"Folders beside the split folders are not read ({some(ignored)}).")
        tree.strays(list(folders.values()), ours=(CLASS_LIST, "POISONED.txt"))
        options = {"folders": dict(folders), "nested": bool(folders)}
        return Dataset(root, self.name, classes, tuple(samples), options, (*notes, *tree.notes()))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """Where the sample lies in a copy: below the folder of its class there, under its own name.

        A sample that changes its class loses the class in its name too, and, while another class of its split has a
        file of the same name, gets another number: its own counted on, or `__2` where it has none. So no two ever
        meet, and the name does not tell the class: a defence under test is given these files.
        """
        name = _below_class(dataset, sample.path)
        if label is not None and sample.label is not None and label != sample.label:
            own = dataset.classes[sample.label]
            blank = Name.of(without_class(name, own)).under(_numbers_when_moved(dataset).get(sample.id))
            name = with_class(blank, name, own, dataset.classes[label])
        elif label is None:
            label = sample.label
        if label is None:
            raise RequestError(f"'{sample.id}' has no label, so it has no place in class folders.")
        return _join(dataset.options["folders"].get(sample.split, ""), f"{dataset.classes[label]}/{name}")

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        folders = dict(dataset.options["folders"]) or {"train": "train"}
        return {"folders": {each: folders.get(each, each) for each in SPLITS if each in {*folders, split}}}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        if not dataset.options["folders"] and CLASS_LIST in dataset.classes:
            raise RequestError(f"A class is called '{CLASS_LIST}', like the class list: rename it.")
        check_places(rows)
        if view == "data":
            check_emptied(dataset, rows, "readers of class folders refuse or skip an empty one")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Make every class folder and write `classes.txt`; see `write_class_folders` for those that stay empty.

        `classes.txt` lies in the root only, where no reader takes it for data: torchvision and
        PyTorchVideo list folders there, and Hugging Face readers pick files by their media suffix.
        """
        folders: Mapping[Split, str] = dataset.options["folders"]
        if folders:
            used = {row.sample.split for row in rows} or {max(folders, key=SPLITS.index)}
            parts = [part for split, part in folders.items() if view == "data" or split in used]
        else:
            parts = [""]
        written = [write_lines(root, CLASS_LIST, dataset.classes)]
        for part in parts:
            written += write_class_folders(dataset, part, dataset.classes, rows, root, view)
        return tuple(written)


def _root(source: Source) -> Path:
    return Path(os.path.abspath(source.data_root or source.path))


def _join(part: str, name: str) -> str:
    return f"{part}/{name}" if part else name


def _split_folders(tree: Tree) -> dict[Split, list[str]]:
    """Split -> the folders that are called so, or nothing where the root's folders are classes.

    Folders called train, val, test … are splits when no other folder of the root holds media, or when
    there is a `train` and one of the others besides; otherwise they are classes like their neighbours.
    """
    top = tree.folders("")
    named = {name: SPLIT_WORDS[name.casefold()] for name in top if name.casefold() in SPLIT_WORDS}
    if not any(tree.has_media(_join(name, sub)) for name in named for sub in tree.folders(name)):
        return {}
    paired = "train" in named.values() and len(set(named.values())) > 1
    if not paired and any(tree.has_media(name) for name in top if name not in named):
        return {}
    by_split = {split: [name for name in named if named[name] == split] for split in SPLITS}
    return {split: names for split, names in by_split.items() if names}


def _one_each(splits: Mapping[Split, list[str]], root: Path) -> dict[Split, str]:
    for names in splits.values():
        if len(names) > 1:
            raise RequestError(f"The folders {some(names)} in '{root}' name the same split: one split has one folder.")
    return {split: names[0] for split, names in splits.items()}


def _on_nested(samples: Sequence[Sample], folders: Mapping[Split, str]) -> list[str]:
    """A note where a class folder has several folders, and all files lie in such: they may be meant as classes."""
    depth = 2 if folders else 1
    inside: dict[str, set[str]] = {}
    for sample in samples:
        steps = sample.path.split("/")
        if len(steps) < depth + 2:
            return []
        inside.setdefault("/".join(steps[:depth]), set()).add(steps[depth])
    first, names = next(((name, some) for name, some in inside.items() if len(some) > 1), ("", set[str]()))
    if not first:
        return []
    return [
        f"No file lies in a class folder itself, and all lie in folders inside ('{first}/{min(names)}' …), which are "
        f"no classes here: if they are, name the folder that holds them ('{first}')."
    ]


def _check_spellings(classes: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in classes:
        if seen.setdefault(unicodedata.normalize("NFC", name), name) != name:
            raise RequestError(
                f"Two class folders are called '{name}' in different Unicode forms, so readers see two "
                "classes: rename one of them."
            )


def _check_ids(samples: Sequence[Sample]) -> None:
    if all(sample.id is sample.path for sample in samples):
        return
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise RequestError(f"Two files are called '{sample.id}' in different Unicode forms: rename one of them.")
        seen.add(sample.id)


def _below_class(dataset: Dataset, path: str) -> str:
    """The part of a source path below the class folder."""
    return below(path, 2 if dataset.options["nested"] else 1)


@once_per_dataset
def _numbers_when_moved(dataset: Dataset) -> dict[str, int]:
    """Samples whose name below the class folder another class of their split has too."""

    def name(sample: Sample) -> Name:
        assert sample.label is not None
        blank = without_class(_below_class(dataset, sample.path), dataset.classes[sample.label])
        return Name.of(f"{sample.split}/{sample_id(blank)}")

    return numbers_when_moved((sample for sample in dataset.samples if sample.label is not None), name)


def _check_metadata(root: Path, parts: Sequence[str]) -> None:
    """RequestError where metadata of Hugging Face's give the labels, which no layout here reads as they are."""
    for part in parts:
        for name in _METADATA:
            file = root / part / name
            if file.is_file() and (file.suffix == ".parquet" or "file_name" in first_columns(file)):
                raise RequestError(
                    f"'{_join(part, name)}' is metadata by which Hugging Face drops the folders' labels, and it is "
                    "not read here: write it as metadata.jsonl with file_name and label, or say `--layout "
                    "class-folders` if the folders are the labels."
                )
