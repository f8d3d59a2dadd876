"""Lists of `path label`: finding them beside a dataset, and parsing them by MMAction2's rules.

The rules are those measured on MMAction2's `VideoDataset`: `line.strip().split(delimiter)`, one or two
fields, the second an `int()`. What it takes in silence and gets wrong is refused here, or said.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poisonkit.common import safe_io
from poisonkit.common.safe_io import open_text
from poisonkit.datasets.base import SPLITS, Source, Split, modality_of
from poisonkit.datasets.kit.files import some
from poisonkit.errors import RequestError

DELIMITERS = {" ": "space", "\t": "tab", ",": "comma"}
SPELT = {" ": "' '", "\t": r"'\t'", ",": "','"}
WORDS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_OTHER_KINDS = frozenset({"rawframes", "rawframe", "flow", "audio", "feature", "features", "target", "original"})
SPLIT_WORDS: Mapping[str, Split] = {**WORDS, "testing": "test"}
"""What folders and columns call the splits; `testing_list.txt` is no list of ours but Speech Commands'."""
_PARTS = re.compile(r"[^a-z0-9]+")
_WORD_ENDS = re.compile(r"[\s,]+")
_OFFICIAL = re.compile(r"split_?(\d+)")
_SNIFFED = 200  # lines of each list from which the delimiter is told
MOST_CLASSES = 1_000_000
FEATURES = ".npy"


@dataclass
class ParsedList:
    """One list: for each line with a sample its path as listed, its label, its line number from 1."""

    split: Split
    file: Path
    paths: list[str] = field(default_factory=list)
    labels: list[int | None] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("L"))
    extras: list[tuple[str, ...]] = field(default_factory=list)  # `Sample.extra` of each, if it has any
    extra_labels: dict[int, tuple[int, ...]] = field(default_factory=dict)  # position -> labels after the first
    bare: list[int] = field(default_factory=list)  # positions of the lines without a label field
    blanks: list[int] = field(default_factory=list)  # line numbers
    marked: bool = False  # begins with a byte order mark
    unit: str = "line"  # what `lines` counts: lines, or the entries of a JSON document

    def at(self, position: int) -> str:
        """`line 3 of train.txt`, for messages."""
        return f"{self.unit} {self.lines[position]} of {self.file.name}"

    def add(
        self, path: str, label: int | None, line: int, extra: tuple[str, ...] = (), extra_labels: tuple[int, ...] = ()
    ) -> None:
        """One more line with a sample. RequestError for a path that is empty or padded, or holds a NUL."""
        if path != path.strip() or not path or "\0" in path:
            raise RequestError(
                f"{self.unit.capitalize()} {line} of {self.file.name} has a file name that is empty, begins or ends "
                f"with a space, or holds a NUL: correct the {self.unit} or rename the file."
            )
        if extra or self.extras:
            self.extras += [()] * (len(self.paths) - len(self.extras)) + [extra]
        if extra_labels:
            self.extra_labels[len(self.paths)] = extra_labels
        self.paths.append(path)
        self.labels.append(label)
        self.lines.append(line)


def split_of(file: Path) -> Split | None:
    """The split that a list's name says (`ucf101_val_split_1_videos.txt`: val), if it says exactly one."""
    said = {WORDS[part] for part in _PARTS.split(file.stem.lower()) if part in WORDS}
    return said.pop() if len(said) == 1 else None


def find_lists(source: Source, fits: Callable[[Path], bool] | None = None) -> dict[Split, Path]:
    """The list of each split: those that the user named, and only those; else those with the usual names.

    The usual names are looked for in the folder, then in its `annotations/`: `.txt` files with exactly one
    of train, val, valid, validation, test as a word of the name, a training list among them. Of lists named
    `…split_1…`, those of `source.split` count. Of several for one split, `train.txt` or the one with `video`
    in its name counts.
    fits: which files may be lists; by default those without the word for another kind of list in their names.
    RequestError when a named list does not exist, or when the choice is not clear.
    """
    if source.lists:
        return find_named_lists(source)
    if source.path.is_file():
        return {split_of(source.path) or "train": source.path}
    for folder in (source.path, source.path / "annotations"):
        found = _usual_names(folder, fits or _of_files) if folder.is_dir() else {}
        if "train" in found:
            return {split: _choose(found[split], split, source.split) for split in SPLITS if split in found}
    return {}


def find_named_lists(source: Source) -> dict[Split, Path]:
    """The lists that the user named. RequestError when one does not exist or is named twice."""
    found = {split: _existing(source, source.lists[split]) for split in SPLITS if split in source.lists}
    if len({os.path.realpath(file) for file in found.values()}) < len(found):
        raise RequestError("The same list is named for two splits, and a sample has one split: name it once.")
    return found


def _existing(source: Source, file: Path) -> Path:
    for path in (file, source.path / file):
        if path.is_file():
            return path
    raise RequestError(f"The list '{file}' does not exist.")


def _of_files(file: Path) -> bool:
    return not _OTHER_KINDS & set(_PARTS.split(file.stem.lower()))


def _usual_names(folder: Path, fits: Callable[[Path], bool]) -> dict[Split, list[Path]]:
    found: dict[Split, list[Path]] = {}
    for file in sorted(folder.glob("*.txt")):
        split = split_of(file)
        if split and not file.name.startswith(".") and fits(file):
            found.setdefault(split, []).append(file)
    return found


def _choose(files: list[Path], split: Split, given: int | None) -> Path:
    official = {file: _OFFICIAL.search(file.stem.lower()) for file in files}
    numbers = {int(match[1]) for match in official.values() if match}
    number = given if given is not None else min(numbers, default=1)
    if numbers:
        if number not in numbers:
            known = ", ".join(map(str, sorted(numbers)))
            raise RequestError(f"There is no {split} list of split {number}: the splits are {known}.")
        files = [file for file in files if (match := official[file]) and int(match[1]) == number]
    elif number != 1:
        raise RequestError(f"The dataset has one split only: `--split {number}` is not there.")
    files = [file for file in files if file.stem.lower() in WORDS] or files
    files = [file for file in files if "video" in file.stem.lower()] or files
    if len(files) > 1:
        names = some([file.name for file in files])
        raise RequestError(f"Several files may be the {split} list ({names}): name one with `--{split}-list`.")
    return files[0]


def _is_int(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def beginning(file: Path) -> list[str]:
    """The first lines of a list that are not blank, whatever its encoding; none where it cannot be read."""
    lines: list[str] = []
    try:
        with open_text(file, errors="replace") as text:
            for line in text:
                if stripped := line.strip():
                    lines.append(stripped)
                if len(lines) == _SNIFFED:
                    break
    except OSError:
        return []
    return lines


def looks_like_lists(files: Iterable[Path]) -> bool:
    """Whether a media file is named at the beginning of each list (whatever else is wrong with its lines)."""
    return all(
        any(modality_of(word) for line in beginning(file)[:20] for word in _WORD_ENDS.split(line)) for file in files
    )


def looks_like_audio(file: Path) -> bool:
    """Whether the first line is the path of a sound or of features and two whole numbers or more."""
    fields = next((line.split() for line in beginning(file)), [])
    if len(fields) < 3 or not all(map(is_whole, fields[1:])):
        return False
    if fields[0].endswith(FEATURES) or modality_of(fields[0]) == "audio":
        return True
    return bool({"audio", "feature", "features"} & set(_PARTS.split(file.stem.lower())))


def looks_like_frames(file: Path) -> bool:
    """Whether the first lines are names of no media file, each with whole numbers behind it, mostly two or more."""
    if {"audio", "feature", "features", "flow"} & set(_PARTS.split(file.stem.lower())):
        return False
    lines = [line.split() for line in beginning(file)[:20]]
    return any(len(fields) > 2 for fields in lines) and all(
        len(fields) > 1
        and all(map(is_whole, fields[1:]))
        and not (modality_of(fields[0]) or fields[0].endswith(FEATURES))
        for fields in lines
    )


def is_whole(text: str) -> bool:
    """Whether a field is a whole number in plain digits."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit()


def delimiter_of(source: Source, files: Iterable[Path]) -> str:
    """The delimiter the user named, else the one under which most lines are `path label`; mostly a space."""
    if source.delimiter is not None:
        named = {r"\t": "\t", **{word: sign for sign, word in DELIMITERS.items()}}
        delimiter = named.get(source.delimiter, source.delimiter)
        if delimiter not in DELIMITERS:
            raise RequestError(f"The delimiter {source.delimiter!r} is not one of space, tab and comma.")
        return delimiter
    lines = [line for file in files for line in beginning(file)]

    def fitting(delimiter: str) -> int:
        rows = (line.split(delimiter) for line in lines)
        return sum(len(fields) > 1 and all(map(_is_int, fields[1:])) for fields in rows)

    return max(DELIMITERS, key=fitting)  # the first of equals: the space


def parse(file: Path, split: Split, delimiter: str) -> ParsedList:
    """Read one list. RequestError, naming the line and the remedy, for what no label can be read from."""
    parsed = ParsedList(split, file)
    known: dict[str, int | None] = {}
    try:
        with open_text(file, encoding="utf-8") as text:
            for number, raw in enumerate(text, 1):
                line = raw.strip()
                if number == 1 and line.startswith("\ufeff"):
                    parsed.marked, line = True, line[1:].strip()
                if not line:
                    parsed.blanks.append(number)
                    continue
                fields = line.split(delimiter)
                path = fields[0]
                if len(fields) == 2 and fields[1] in known:
                    label = known[fields[1]]
                elif len(fields) == 2:
                    label = known[fields[1]] = label_of(fields[1], f"Line {number} of {file.name}")
                elif len(fields) > 2 and all(map(_is_int, fields[1:])):
                    label, *extra_labels = labels_of(fields[1:], f"Line {number} of {file.name}")
                    parsed.add(path, label, number, extra_labels=tuple(extra_labels))
                    continue
                else:
                    _check_bare(fields, line, delimiter, f"Line {number} of {file.name}")
                    label = None
                    parsed.bare.append(len(parsed.paths))
                parsed.add(path, label, number)
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    except OSError as error:
        raise RequestError(f"The list '{file}' cannot be read: {error.strerror}.") from None
    return parsed


def lines_of(file: Path, parsed: ParsedList | None = None) -> Iterator[str]:
    """A list's lines, without their ends and without a byte order mark, of which `parsed` is reported.

    RequestError where it cannot be read or, with `parsed`, is not UTF-8.
    """
    try:
        with open_text(file, encoding="utf-8", errors="strict" if parsed else "replace") as text:
            for number, line in enumerate(text):
                if number == 0 and line.startswith("\ufeff"):
                    line = line[1:]
                    if parsed:
                        parsed.marked = True
                yield line.rstrip("\n")
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    except OSError as error:
        raise RequestError(f"The list '{file}' cannot be read: {error.strerror}.") from None


def read_text(file: Path) -> str:
    """A text file's content, without a byte order mark. RequestError, with the line, where it is not UTF-8."""
    try:
        return safe_io.read_text(file)
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    except OSError as error:
        raise RequestError(f"The list '{file}' cannot be read: {error.strerror}.") from None


def label_of(text: str, where: str) -> int | None:
    """The label that a line of a list gives: an index from 0, None for -1 (unlabelled). RequestError for anything else.

    where: list and line, for the error.
    """
    try:
        label = int(text)
    except ValueError:
        raise RequestError(
            f"{where} has the label {text[:40]!r}, which is not a whole number: write `path label`, the label a "
            "class index from 0."
        ) from None
    if not -1 <= label < MOST_CLASSES:
        raise RequestError(
            f"{where} has the label {label}: labels are class indices from 0 to {MOST_CLASSES - 1}, or -1 for a "
            "file without one."
        )
    return None if label == -1 else label


def labels_of(fields: Sequence[str], where: str) -> tuple[int, ...]:
    """The labels of a line that has any; none for -1. RequestError for one that comes twice, and -1 among others."""
    found = tuple(label_of(field, where) for field in fields)
    labels = tuple(label for label in found if label is not None)
    if (len(labels) < len(found) and len(found) > 1) or len(set(labels)) < len(labels):
        raise RequestError(f"{where} has a label twice, or -1 among labels: write each class of the sample once.")
    return labels


def check_several(lists: Sequence[ParsedList], known: bool) -> None:
    """RequestError for lists of nothing but lines with two numbers, which may be a frame count and a label.

    known: a class list beside them says how many classes there are.
    """
    counts = {1 + len(each.extra_labels.get(at, ())) for each in lists for at in range(len(each.paths))}
    if counts == {2} and not known and not any(each.bare for each in lists):
        raise RequestError(
            f"{lists[0].at(0)[0].upper()}{lists[0].at(0)[1:]} and all others have 2 numbers after the file name: a "
            "frame count and a label, which VideoDataset does not read, or two labels, which it reads with "
            "multi_class=True? Take the count out, or put a label_map.txt beside the list."
        )


def _check_bare(fields: list[str], line: str, delimiter: str, where: str) -> None:
    """Refuse a line of not two fields, unless it is a file name without a label."""
    name = DELIMITERS[delimiter]
    if len(fields) == 1:
        for other in DELIMITERS:
            head, sign, tail = line.rpartition(other)
            if sign and other != delimiter and _is_int(tail) and (other == "\t" or modality_of(head)):
                raise RequestError(
                    f"{where} has a {DELIMITERS[other]} before the label where the delimiter is a {name}, so "
                    "MMAction2 would take the whole line for a file name: use one delimiter in all lines, and "
                    f'name it with `--delimiter "{DELIMITERS[other]}"` if it is the {DELIMITERS[other]}.'
                )
    elif "" in fields:
        raise RequestError(f"{where} has two {name}s in a row, or an empty field: leave a single {name}.")
    else:
        other = "\t" if delimiter != "\t" else ","
        raise RequestError(
            f"{where} has {len(fields)} fields where `path label` has two: if the file name holds a {name}, "
            f"separate path and label by a {DELIMITERS[other]}, name it with `--delimiter "
            f"{DELIMITERS[other]}`, and give MMAction2 delimiter={SPELT[other]}."
        )


def _not_utf8(file: Path) -> RequestError:
    data = safe_io.read_bytes(file)
    try:
        data.decode("utf-8")
        line = 1
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    return RequestError(f"Line {line} of {file.name} is not UTF-8, which trainers expect: save it as UTF-8.")


def notes_on(parsed: ParsedList) -> list[str]:
    """What MMAction2 would have got wrong without a word, files without a label and files with several."""
    name, notes = parsed.file.name, []
    if parsed.marked:
        notes.append(
            f"{name} begins with a byte order mark, with which MMAction2 misses its first file; the copy has none."
        )
    if parsed.blanks:
        first = ", ".join(map(str, parsed.blanks[:3])) + (", …" if len(parsed.blanks) > 3 else "")
        notes.append(
            f"{name} has {len(parsed.blanks)} blank lines (line {first}), each a phantom sample to MMAction2; "
            "the copy has none."
        )
    if several := parsed.extra_labels:
        notes.append(
            f"{len(several)} of {len(parsed.labels)} files in {name} have several labels (the first on line "
            f"{parsed.lines[min(several)]}), which MMAction2 reads with multi_class=True and num_classes; a "
            "poisoned one has the target alone."
        )
    unlabelled = parsed.labels.count(None)
    if unlabelled:
        first_line = parsed.lines[parsed.labels.index(None)]
        notes.append(
            f"{unlabelled} of {len(parsed.labels)} files in {name} have no label (the first on line {first_line})."
        )
    return notes
