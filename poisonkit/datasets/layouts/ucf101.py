"""UCF101: class folders of videos, and lists that divide them in three official ways.

`classInd.txt` has `number name`, from 1; `trainlist0N.txt` has `Class/v_Class_g08_c01.avi number`;
`testlist0N.txt` has no numbers. torchvision's UCF101 takes the label from the order of the folder names and
reads the numbers of neither, so a relabelled clip moves into its target's folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View
from poisonkit.datasets.kit import (
    Name,
    ParsedList,
    Tree,
    check_class_folders,
    check_emptied,
    check_names,
    check_places,
    locate,
    make_folder,
    numbers_when_moved,
    once_per_dataset,
    read_text,
    some,
    with_class,
    without_class,
    write_class_folders,
    write_lines,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.folds import (
    chosen_split,
    folder_of_lists,
    folder_of_videos,
    inside,
    join,
)
from poisonkit.datasets.kit.frame_folders import FOLDERS, broken_folders, without_suffix
from poisonkit.datasets.kit.lists import beginning
from poisonkit.errors import RequestError

CLASS_INDEX = "classInd.txt"
_LIST = re.compile(r"(train|test)list0?(\d)\.txt")
_LIST_FOLDERS = ("", "ucfTrainTestlist", "annotations", "UCF101TrainTestSplits-RecognitionTask/ucfTrainTestlist")
_VIDEO_FOLDERS = ("", "UCF-101", "UCF101", "videos")


class UCF101(Layout):
    """Folders of the classes, in the root or in UCF-101/, and the lists of one of three splits (`--split`).

    Class ids are the positions in classInd.txt; without one, in the sorted folder names.

    Options: `videos` and `lists`, the folders of videos and of lists ("": the root); `split`, from 1.
    """

    name: ClassVar[str] = "ucf101"
    help: ClassVar[str] = "UCF101's class folders with `classInd.txt`, `trainlist01.txt`, `testlist01.txt` …"
    label_in_path: ClassVar[bool] = True
    order: ClassVar[int] = 20
    uses: ClassVar[frozenset[str]] = frozenset({"split"})
    places: ClassVar[tuple[str, ...]] = _VIDEO_FOLDERS

    def detect(self, source: Source) -> str | None:
        found = folder_of_lists(source.path, _LIST_FOLDERS, _lists)
        if found is None or _holds_frames(*found, source.path) != self.folders:
            return None
        return f"lists {', '.join(sorted(each.name for each in _lists(found[1])))}"

    def read(self, source: Source) -> Dataset:
        found = folder_of_lists(source.path, _LIST_FOLDERS, _lists)
        if found is None:
            raise RequestError(f"There is no trainlist01.txt in '{source.path}' or in its ucfTrainTestlist/.")
        root, folder = found
        files = _lists(folder)
        number = chosen_split(source, files.values())
        lists = [_parse(file) for file, each in files.items() if each == number]
        lists.sort(key=lambda each: SPLITS.index(each.split))
        for each in lists if self.folders else ():
            each.paths = [without_suffix(path) for path in each.paths]
        videos = _folder_of_videos(root, source.path, lists, self.places)
        names = sorted({path.split("/", 1)[0] for each in lists for path in each.paths})
        classes, notes = _classes(folder, names)
        index = {name: label for label, name in enumerate(classes)}
        for each in lists:
            each.labels = [index[path.split("/", 1)[0]] for path in each.paths]
            each.paths = [f"{videos}/{path}" if videos else path for path in each.paths]
        located = locate(source, lists, root, folders=self.folders)
        notes += located.notes + _on_folders(root, videos, classes)
        if self.folders:
            notes += broken_folders(located.samples, Fence(root, source.allow_roots))
        options = {"videos": videos, "lists": inside(root, folder), "split": number}
        return Dataset(root, self.name, classes, tuple(located.samples), options, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """In the folder of its class; the class in `v_Class_g01_c01.avi` changes too, and the clip's number, where
        another class has a clip of that number in that group."""
        if label is None or sample.label is None or label == sample.label:
            return sample.path
        own, new = dataset.classes[sample.label], dataset.classes[label]
        name = _name(dataset, sample).under(_numbers(dataset).get(sample.id))
        return join(dataset.options["videos"], f"{new}/{with_class(name, sample.path, own, new)}")

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        if split != "test":
            raise RequestError(f"UCF101's lists have no {split} split.")
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_folders(dataset.classes)
        check_names(rows, "UCF101's lists", {" ": "a space, at which torchvision's UCF101 ends it"})
        options = dataset.options
        lists = (CLASS_INDEX, *(_list_name(split, options["split"]) for split in ("train", "test")))
        check_places(rows, [join(options["lists"], name) for name in lists])
        for row in rows:
            parts = row.path.removeprefix(f"{options['videos']}/" if options["videos"] else "").split("/")
            if row.label is None or len(parts) != 2 or parts[0] != dataset.classes[row.label]:
                raise RequestError(f"'{row.path}' does not lie in its class's folder, which UCF101's lists need.")
        if view == "data":
            check_emptied(dataset, rows, "torchvision's UCF101 would number the classes differently")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        return Source(root, layout=self.name, split=dataset.options["split"])

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists of the split, `classInd.txt`, and every class folder."""
        videos, folder = dataset.options["videos"], dataset.options["lists"]
        used = {row.sample.split for row in rows} or {"test"}
        splits = ["train", "test"] if "test" in dataset.splits else ["train"]
        written = []
        for split in splits if view == "data" else [each for each in ("train", "test") if each in used]:
            lines = [_line(row, videos, ".avi" if self.folders else "") for row in rows if row.sample.split == split]
            written.append(write_lines(root, join(folder, _list_name(split, dataset.options["split"])), lines))
        index = [f"{number} {name}" for number, name in enumerate(dataset.classes, 1)]
        written.append(write_lines(root, join(folder, CLASS_INDEX), index))
        if self.folders:
            for name in dataset.classes:
                make_folder(root, videos, name)
            return tuple(written)
        return (*written, *write_class_folders(dataset, videos, dataset.classes, rows, root, view))


def _list_name(split: str, number: int) -> str:
    return f"{split}list{number:02d}.txt"


def _line(row: Row, videos: str, suffix: str) -> str:
    path = row.path.removeprefix(f"{videos}/" if videos else "") + suffix
    return path if row.sample.split == "test" else f"{path} {(row.label or 0) + 1}"


def _lists(folder: Path) -> dict[Path, int]:
    """The lists in a folder -> the split that each is of."""
    found = {file: _LIST.fullmatch(file.name) for file in sorted(folder.glob("*list*.txt"))}
    return {file: int(match[2]) for file, match in found.items() if match}


def _parse(file: Path) -> ParsedList:
    match = _LIST.fullmatch(file.name)
    assert match is not None
    parsed = ParsedList("train" if match[1] == "train" else "test", file)
    for number, line in enumerate(read_text(file).splitlines(), 1):
        if fields := line.split(" "):
            path = fields[0].strip()
            if not line.strip():
                continue
            if len(path.split("/")) != 2:
                raise RequestError(f"Line {number} of {file.name} is not `Class/file` with a number or none.")
            parsed.add(path, None, number)
    return parsed


def _holds_frames(root: Path, folder: Path, named: Path) -> bool:
    """Whether the first clips that are listed are there as folders, without their suffix."""
    lines = [line.split(" ")[0].strip() for file in _lists(folder) for line in beginning(file)[:20]]
    there = dict.fromkeys((named, *(root / place for place in (*_VIDEO_FOLDERS, *FOLDERS))))
    return any(os.path.isdir(os.path.join(at, without_suffix(line))) for at in there for line in lines if "/" in line)


def _folder_of_videos(root: Path, named: Path, lists: Sequence[ParsedList], places: Sequence[str]) -> str:
    """The folder, relative to the data root, in which the class folders lie."""
    first = [path for each in lists for path in each.paths][:64]
    found = folder_of_videos(root, named, places, lambda at: any((at / path).exists() for path in first))
    if found is not None:
        return found
    raise RequestError(
        f"None of the videos listed in {some([each.file.name for each in lists])} was found in '{root}' or its "
        "UCF-101/: name the folder that holds both videos and lists."
    )


def _classes(folder: Path, names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    file = folder / CLASS_INDEX
    if not file.is_file():
        return tuple(names), [f"There is no {CLASS_INDEX}, so classes are numbered by their sorted names."]
    classes = []
    for number, line in enumerate((line for line in read_text(file).splitlines() if line.strip()), 1):
        first, _, name = line.strip().partition(" ")
        if first != str(number) or not name:
            raise RequestError(f"Line {number} of {CLASS_INDEX} is not `{number} name`: number the classes from 1.")
        classes.append(name)
    if unknown := sorted(set(names) - set(classes)):
        raise RequestError(f"The lists name the classes {some(unknown)}, which {CLASS_INDEX} does not.")
    if len(set(classes)) < len(classes):
        raise RequestError(f"{CLASS_INDEX} names a class twice.")
    notes = []
    if classes != sorted(classes):
        wrong = next(i for i, (a, b) in enumerate(zip(classes, sorted(classes), strict=True)) if a != b)
        notes.append(
            f"{CLASS_INDEX} is not in the order of the sorted folder names, by which torchvision's UCF101 numbers its "
            f"classes ({wrong} is '{classes[wrong]}' here and '{sorted(classes)[wrong]}' there)."
        )
    return tuple(classes), notes


def _on_folders(root: Path, videos: str, classes: Sequence[str]) -> list[str]:
    other = sorted(set(Tree(root).folders(videos)) - set(classes))
    return [f"Folders beside the classes' are not read ({some(other)})."] if other and videos else []


def _name(dataset: Dataset, sample: Sample) -> Name:
    assert sample.label is not None
    return Name.of(without_class(sample.path.rpartition("/")[2], dataset.classes[sample.label]))


@once_per_dataset
def _numbers(dataset: Dataset) -> Mapping[str, int]:
    return numbers_when_moved((s for s in dataset.samples if s.label is not None), lambda s: _name(dataset, s))
