"""Class names beside lists: `label_map.txt`, `classes.txt`, `classInd.txt`, or the indices themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from poisonkit.common import limits
from poisonkit.common.safe_io import read_text
from poisonkit.datasets.base import Source
from poisonkit.datasets.kit.lists import ParsedList
from poisonkit.errors import RequestError

LABEL_MAP, CLASS_LIST = "label_map.txt", "classes.txt"
_CLASS_LISTS = (LABEL_MAP, CLASS_LIST, "classInd.txt")


def read_classes(source: Source, lists: Sequence[ParsedList], root: Path) -> tuple[tuple[str, ...], list[str]]:
    """The class names, and notes.

    From the first of `label_map.txt`, `classes.txt` (a name per line, the label its line's position) and
    `classInd.txt` (`number name`, from 1) in the folder of the lists, the folder that the user named, or
    the data root. Without one, a class is called by its index, for 0 up to the largest label.
    RequestError for a class list that is broken or too short.
    """
    highest, where = -1, ""
    from_one = _count_from_one(lists)
    for each in lists:
        for position, label in enumerate(each.labels):
            if label is not None and label > highest:
                highest, where = label, each.at(position)
        for position, labels in each.extra_labels.items():
            if max(labels) > highest:
                highest, where = max(labels), each.at(position)
    if highest < 0:
        raise RequestError("The lists give no label at all, so there is nothing to poison.")
    found = find_class_list(source, lists[0].file.parent, root)
    if found is not None:
        file, classes = found
        if highest >= len(classes):
            raise RequestError(
                f"{where[0].upper()}{where[1:]} has the label {highest}, and '{file}' names "
                f"{len(classes)} classes (labels 0 to {len(classes) - 1}): "
                f"{from_one or 'correct the one or the other.'}"
            )
        return classes, [from_one] if from_one else []
    require_few(highest, where)
    note = f"The lists come without {LABEL_MAP}, so classes are called by their index, 0 to {highest}."
    return tuple(map(str, range(highest + 1))), [note, from_one] if from_one else [note]


def _count_from_one(lists: Sequence[ParsedList]) -> str:
    """A sentence where no list has the label 0 and one has the label 1; else nothing."""
    labels = {label for each in lists for label in each.labels} - {None}
    labels.update(label for each in lists for several in each.extra_labels.values() for label in several)
    if 0 in labels or 1 not in labels:
        return ""
    return (
        "No clip has the label 0, so the lists seem to count classes from 1, as UCF101's own do, where trainers count "
        "from 0: read UCF101's with `--layout ucf101`, and lower the labels of others by 1."
    )


def require_few(highest: int, where: str) -> None:
    """RequestError where labels that are numbers would make more classes than the limit; where: of the highest."""
    if why := limits.excess("classes", highest + 1):
        raise RequestError(f"{where[0].upper()}{where[1:]} has the label {highest}, so that there were {why}.")


def find_class_list(source: Source, *folders: Path) -> tuple[Path, tuple[str, ...]] | None:
    """The class list in one of `folders` or the folder that the user named, and its names; None without one."""
    for folder in dict.fromkeys(os.path.abspath(f) for f in (folders[0], source.path, *folders[1:])):
        for name in _CLASS_LISTS:
            if (file := Path(folder, name)).is_file():
                return file, _names(file)
    return None


def number_labels(
    texts: Sequence[str | None], at: Callable[[int], str], listed: tuple[Path, tuple[str, ...]] | None
) -> tuple[tuple[str, ...], list[int | None]]:
    """Class names and labels for labels that are names: by the class list, else by sorted names.

    texts: a name for each sample, None if there is no label. at: where a sample stands, for messages.
    RequestError when nothing is labelled, or when the class list lacks a name.
    """
    names = sorted({text for text in texts if text is not None})
    if not names:
        raise RequestError("The lists give no label at all, so there is nothing to poison.")
    if listed is not None:
        file, classes = listed
        unknown = set(names) - set(classes)
        if unknown:
            first = next(i for i, text in enumerate(texts) if text in unknown)
            raise RequestError(
                f"{at(first)[0].upper()}{at(first)[1:]} has the label '{texts[first]}', which '{file}' does not name: "
                "correct the one or the other."
            )
    else:
        classes = tuple(names)
    index = {name: i for i, name in enumerate(classes)}
    return classes, [None if text is None else index[text] for text in texts]


def _names(file: Path) -> tuple[str, ...]:
    try:
        names = [line.strip() for line in read_text(file).splitlines()]
    except (OSError, UnicodeDecodeError):
        raise RequestError(f"The class list '{file}' cannot be read as UTF-8 text.") from None
    while names and not names[-1]:
        names.pop()
    if file.name == "classInd.txt":
        names = _numbered(names, file)
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            raise RequestError(f"Line {number} of the class list '{file}' is blank: give each label a name.")
        if seen.setdefault(name, number) != number:
            raise RequestError(
                f"Lines {seen[name]} and {number} of the class list '{file}' are both '{name}': "
                "give each label a name of its own."
            )
    return tuple(names)


def _numbered(lines: Sequence[str], file: Path) -> list[str]:
    pairs = [line.split(None, 1) for line in lines if line]
    numbers = [pair[0] for pair in pairs]
    if numbers != [str(n) for n in range(1, len(pairs) + 1)] or any(len(pair) < 2 for pair in pairs):
        raise RequestError(f"The class list '{file}' is not `number name` in every line, from 1 upwards.")
    return [pair[1] for pair in pairs]
