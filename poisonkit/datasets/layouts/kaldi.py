"""Kaldi's data directories: `train/wav.scp` of `utterance path`, `utt2spk`, `spk2utt`, and perhaps `text`.

`validate_data_dir.sh` wants every file sorted by the bytes of its first field, the same utterances in all of them, and
utt2spk sorted by speakers too, for which utterances begin with their speaker's name. Kaldi runs what ends in `|` in
wav.scp as a command; nothing is run here, and such lists are refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View, rows_of
from poisonkit.datasets.kit import (
    CLASS_LIST,
    Name,
    ParsedList,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    find_class_list,
    locate,
    number_labels,
    numbers_when_moved,
    once_per_dataset,
    place_listed,
    read_text,
    some,
    with_class,
    without_class,
    write_lines,
)
from poisonkit.datasets.kit.lists import WORDS
from poisonkit.datasets.kit.renaming import CLASS, spelling
from poisonkit.errors import RequestError

WAVS, SPEAKERS, TEXT = "wav.scp", "utt2spk", "text"
_SPLITS: dict[str, Split] = {**WORDS, "tr": "train", "dev": "val", "cv": "val", "eval": "test"}
_FOLDERS = ("", "data")
_WRITTEN = (WAVS, SPEAKERS, "spk2utt", TEXT, CLASS_LIST)
_OFFSET = re.compile(r":\d+\Z")


class Kaldi(Layout):
    """A folder with the word train, dev, test … in its name per split, or one folder alone.

    The class is the text, where texts come more than twice on average, else the speaker; `--columns label=utt2spk`
    and `label=text` say which. Options: `folders`, split -> folder; `label`, one of the two; `other`, whether there is
    the other file. `Sample.extra` is (utterance, what the other file says of it).
    """

    name: ClassVar[str] = "kaldi"
    help: ClassVar[str] = f"Kaldi's data directories, `train/{WAVS}`, `{SPEAKERS}` …; classes are speakers or texts"
    any_suffix: ClassVar[bool] = True
    label_in_path: ClassVar[bool] = True  # its lists have fixed names, so views have folders of their own
    order: ClassVar[int] = 22
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "columns"})

    def detect(self, source: Source) -> str | None:
        found = _folders(source.path)
        return ", ".join(f"{folder / WAVS}" for folder in _relative(found, source.path)) if found else None

    def read(self, source: Source) -> Dataset:
        folders = _folders(source.path)
        if not folders:
            raise RequestError(f"There is no {WAVS} beside a {SPEAKERS} in '{source.path}' or its train/.")
        tables = {split: {name: _table(folder / name) for name in (WAVS, SPEAKERS, TEXT)}
                  for split, folder in folders.items()}  # fmt: skip
        home = source.path if source.path.is_dir() else source.path.parent
        listed = find_class_list(source, home)
        left_out = _left_out(folders.values())
        label = _label(source, list(tables.values()), listed[1] if listed else ())
        other = TEXT if label == SPEAKERS else SPEAKERS
        lists, texts, where = [], list[str | None](), list[str]()
        for split, files in tables.items():
            parsed = ParsedList(split, folders[split] / WAVS)
            for each in sorted(files[WAVS], key=str.encode):
                line, path = files[WAVS][each]
                _check_path(path, line, parsed.file)
                if each not in files[label]:
                    raise RequestError(f"The utterance '{each}' of {parsed.file} is not in {label} beside it.")
                parsed.add(path, None, line, (each, files[other].get(each, (0, ""))[1]))
                texts.append(files[label][each][1])
                where.append(f"the utterance '{each}' in {folders[split] / label}")
            lists.append(parsed)
        classes, labels = number_labels(texts, where.__getitem__, listed)
        for parsed in lists:
            parsed.labels, labels = labels[: len(parsed.paths)], labels[len(parsed.paths) :]
        found = locate(source, lists)
        named = {split: folder.relative_to(source.path).as_posix() for split, folder in folders.items()}
        options = {
            "folders": {split: "" if name == "." else name for split, name in named.items()}, "label": label,
            "other": any(files[other] for files in tables.values()),
        }  # fmt: skip
        return Dataset(found.root, self.name, classes, tuple(found.samples), options, (*found.notes, *left_out))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        """Classes as texts; every utterance is a speaker of its own, as Kaldi has it where speakers are not known."""
        folders = {split: {"val": "dev"}.get(split, split) for split in splits}
        return {"folders": folders, "label": TEXT, "other": True}

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        folders = dataset.options["folders"]
        if not all(folders.values()):
            raise RequestError("A data directory alone has no place for another split beside it: name the one above.")
        above = next(iter(folders.values())).rpartition("/")[0]
        name = f"{above}/{split}".lstrip("/")
        return {"folders": {each: folders.get(each, name) for each in SPLITS if each in {*folders, split}}}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, WAVS)
        check_class_names(dataset.classes)
        folders = dataset.options["folders"].values()
        check_places(rows, (CLASS_LIST, *(f"{folder}/{name}".lstrip("/") for folder in folders for name in _WRITTEN)))
        for row in rows:
            _check_path(row.path, 0, Path(WAVS))
            if row.label is None:
                raise RequestError(f"'{row.path}' has no label, and {dataset.options['label']} needs one.")
        spaced = next((name for name in dataset.classes if len(name.split()) > 1), None)
        if spaced is not None and dataset.options["label"] == SPEAKERS:
            raise RequestError(f"The speaker '{spaced}' holds a space, at which {SPEAKERS} is split: rename it.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        return Source(root, layout=self.name, data_root=root, columns={"label": dataset.options["label"]})

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the files of each split, all sorted, and `classes.txt`."""
        folders, used = dataset.options["folders"], {row.sample.split for row in rows}
        written = []
        for split in [each for each in SPLITS if each in folders and (view == "data" or each in used)]:
            said = _said(dataset, list(rows_of(rows, split)))
            speakers = defaultdict[str, list[str]](list)
            for utterance, (_, speaker, _) in said.items():
                speakers[speaker].append(utterance)
            files = {
                WAVS: [f"{utterance} {path}" for utterance, (path, _, _) in said.items()],
                SPEAKERS: [f"{utterance} {speaker}" for utterance, (_, speaker, _) in said.items()],
                "spk2utt": [f"{name} {' '.join(speakers[name])}" for name in sorted(speakers, key=str.encode)],
                TEXT: [f"{utterance} {text}".rstrip() for utterance, (_, _, text) in said.items()],
            }
            if dataset.options["label"] == SPEAKERS and not dataset.options["other"]:
                del files[TEXT]
            written += [write_lines(root, f"{folders[split]}/{name}".lstrip("/"), each) for name, each in files.items()]
        return (*written, write_lines(root, CLASS_LIST, dataset.classes))


def _folders(path: Path) -> dict[Split, Path]:
    """The data directory of each split: the folder itself, or those in it or in its data/."""
    if (path / WAVS).is_file() and (path / SPEAKERS).is_file():
        return {"train": path}
    for above in (path / name for name in _FOLDERS):
        found: dict[Split, Path] = {}
        for folder in sorted(above.iterdir()) if above.is_dir() else ():
            said = {_SPLITS[word] for word in re.split(r"[^a-z0-9]+", folder.name.lower()) if word in _SPLITS}
            if len(said) == 1 and (folder / WAVS).is_file() and (folder / SPEAKERS).is_file():
                split = said.pop()
                if split in found:
                    names = some([found[split].name, folder.name])
                    raise RequestError(f"Several folders may be the {split} split ({names}): move one of them away.")
                found[split] = folder
        if found:
            return {split: found[split] for split in SPLITS if split in found}
    return {}


def _relative(folders: dict[Split, Path], path: Path) -> list[Path]:
    return [folder.relative_to(path) for folder in folders.values()]


def _table(file: Path) -> dict[str, tuple[int, str]]:
    """Utterance -> line number and the rest of the line; nothing without the file."""
    found: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(read_text(file).splitlines() if file.is_file() else (), 1):
        fields = line.split(None, 1)
        if not fields:
            continue
        if len(fields) < 2 and file.name != TEXT:
            raise RequestError(f"Line {number} of {file.name} in '{file.parent}' is not an utterance and what is its.")
        if fields[0] in found:
            raise RequestError(f"Line {number} of {file.name} in '{file.parent}' has '{fields[0]}' again.")
        found[fields[0]] = (number, " ".join(fields[1].split()) if len(fields) > 1 and file.name != WAVS
                            else fields[1].strip() if len(fields) > 1 else "")  # fmt: skip
    return found


def _label(source: Source, tables: Sequence[dict[str, dict[str, tuple[int, str]]]], listed: Sequence[str]) -> str:
    """Which file says the class: the one that was named, that of the names in a copy's list, or by the texts."""
    said = source.columns.get("label")
    if said is not None and said not in (SPEAKERS, TEXT):
        raise RequestError(f"--columns label={said}: Kaldi's classes are in {SPEAKERS} or in {TEXT}.")
    texts = [text for files in tables for _, text in files[TEXT].values()]
    complete = all(files[TEXT].keys() >= files[WAVS].keys() for files in tables) and "" not in texts
    words = complete and len(set(texts)) > 1 and 2 * len(set(texts)) < len(texts)
    if said is None and listed:
        for name in (TEXT, SPEAKERS):
            if {text for files in tables for _, text in files[name].values()} <= {*listed} and (
                complete or name != TEXT
            ):
                return name
    return said or (TEXT if words else SPEAKERS)


def _check_path(path: str, line: int, file: Path) -> None:
    where = f"Line {line} of {file.name}" if line else f"The path '{path}'"
    if path.endswith("|") or path.startswith("|"):
        raise RequestError(f"{where} is a command, which is never run here: write its sound to a file first.")
    if path.endswith("]") or path == "-" or path.startswith("~") or _OFFSET.search(path):
        raise RequestError(f"{where} names no whole file, or one that Kaldi would look for elsewhere: name the file.")


def _left_out(folders: Iterable[Path]) -> list[str]:
    """A note on what else is in the folders. RequestError for segments, of which many are in one file."""
    other = set[str]()
    for folder in folders:
        if (folder / "segments").is_file():
            raise RequestError(f"'{folder}' has segments: a sample is a file here, so cut the recordings first.")
        other |= {each.name for each in folder.iterdir() if each.is_file()} - {*_WRITTEN}
    return [f"Not in the copy, and to be made again for it: {some(sorted(other))}."] if other else []


def _said(dataset: Dataset, rows: Sequence[Row]) -> dict[str, tuple[str, str, str]]:
    """Utterance -> path, speaker and text, sorted. The name of one that is relabelled changes with its class."""
    found: dict[str, tuple[str, str, str]] = {}
    speakers = dataset.options["label"] == SPEAKERS
    for row in sorted(rows, key=lambda each: each.label != each.sample.label):  # those that keep their names first
        name, other = row.sample.extra or (re.sub(r"\s+", "_", row.path),) * 2
        new = dataset.classes[row.label or 0]
        if row.label is not None and row.label != row.sample.label and row.sample.label is not None:
            name = _renamed(dataset, row.sample, row.label)
        at, number = name, 1
        while at in found:
            number += 1
            at = f"{name}-{number}"
        if not speakers and (not row.sample.extra or other == row.sample.extra[0]):
            other = at
        found[at] = (row.path, new, other) if speakers else (row.path, other, new)
    return dict(sorted(found.items(), key=lambda each: each[0].encode()))


def _renamed(dataset: Dataset, sample: Sample, label: int) -> str:
    """An utterance's name under another class, spelt as that class's own names have it."""
    assert sample.label is not None
    name, own, new = _utterance(sample), dataset.classes[sample.label], dataset.classes[label]
    blank = _blank(dataset, sample).under(_numbers(dataset).get(sample.id))
    speaks = dataset.options["label"] == SPEAKERS and name.startswith(own)
    spelt = new if speaks else _spelt(dataset).get(label)
    made = with_class(blank, name, own, new) if spelt is None else blank.replace(CLASS, spelt)
    return "_".join(made.split())


def _utterance(sample: Sample) -> str:
    return sample.extra[0] if sample.extra else re.sub(r"\s+", "_", sample.path)


def _blank(dataset: Dataset, sample: Sample) -> Name:
    """An utterance's name without what tells its class, and the number at its end."""
    name, own = _utterance(sample), dataset.classes[sample.label or 0]
    speaks = dataset.options["label"] == SPEAKERS and name.startswith(own)
    blank = f"{CLASS}{name[len(own) :]}" if speaks else without_class(name, own)
    digits = re.search(r"[0-9]*\Z", blank)
    assert digits is not None
    return Name(blank[: digits.start()], digits[0], "", "-")


@once_per_dataset
def _numbers(dataset: Dataset) -> dict[str, int]:
    labelled = (sample for sample in dataset.samples if sample.label is not None)
    return numbers_when_moved(labelled, lambda sample: _blank(dataset, sample))


@once_per_dataset
def _spelt(dataset: Dataset) -> dict[int, str]:
    """Label -> how the names of its utterances spell the class, the first of them that does."""
    found: dict[int, str] = {}
    for sample in dataset.samples:
        if sample.label is not None and sample.label not in found:
            said = spelling(_utterance(sample), dataset.classes[sample.label])
            if said is not None:
                found[sample.label] = said
    return found
