"""MMAction2 `RawframeDataset`: lists of `frame_dir total_frames label`, a folder of numbered pictures per sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.common.frame_names import numbered
from poisonkit.datasets.base import Dataset, Row, Sample, Source, Split
from poisonkit.datasets.kit import (
    ParsedList,
    find_lists,
    list_names,
    locate,
    read_classes,
)
from poisonkit.datasets.kit.files import Fence
from poisonkit.datasets.kit.frame_folders import names_in, note_on_broken
from poisonkit.datasets.kit.lists import is_whole, labels_of, lines_of, looks_like_frames, notes_on
from poisonkit.datasets.kit.split_lists import SplitLists
from poisonkit.errors import RequestError

DEFAULT = ("img_{:05}.jpg", "img_{:05}.png")  # RawframeDataset's filename_tmpl, and its lossless twin


class MMAction2Rawframes(SplitLists):
    """One list per split, a line `frame_dir total_frames label…` per sample, split at white space.

    With `with_offset=True` the line is `frame_dir offset total_frames label…`; which of the two it is, the folders
    tell: `total_frames` is the number of frames in them. In a copy it is counted again, from the source's files.

    Options: `lists`, split -> where the list lies in a copy; `bare`, splits whose unlabelled lines have no label
    field (the others say -1); `offset`. `Sample.extra`: total_frames, and the offset if there is one.
    """

    name: ClassVar[str] = "mmaction2-rawframes"
    help: ClassVar[str] = "MMAction2 lists of `frame_dir total_frames label` beside folders of `img_00001.jpg` …"
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "split"})
    multi_label: ClassVar[bool] = True
    order: ClassVar[int] = 29
    list_extra: ClassVar[tuple[str, ...]] = ("frames",)
    folders: ClassVar[bool] = True

    def detect(self, source: Source) -> str | None:
        try:
            lists = find_lists(source, looks_like_frames)
        except RequestError:
            return None
        if not lists or not all(map(looks_like_frames, lists.values())):
            return None
        return f"lists of frame folders {', '.join(file.name for file in lists.values())}"

    def read(self, source: Source) -> Dataset:
        files = find_lists(source, looks_like_frames) or find_lists(source, lambda file: True)
        if not files:
            raise RequestError(
                f"There is no training list in '{source.path}' or its annotations/ (looked for `.txt` files with the "
                "word train in the name): name it with `--train-list`."
            )
        lists = [_parse(file, split) for split, file in files.items()]
        found = locate(source, lists, folders=True)
        samples, offset, notes = _counted(found.samples, Fence(found.root, source.allow_roots), lists)
        classes, class_notes = read_classes(source, lists, found.root)
        said = [note for each in lists for note in notes_on(each)] + found.notes + notes + class_notes
        if found.parts:
            places = ", ".join(f"{part}/" for part in found.parts.values())
            said.append(f"Each list has a folder of its own ({places}), which the copy's lists name in their paths.")
        bare = [each.split for each in lists if each.bare and len(each.bare) == each.labels.count(None)]
        options = {"lists": list_names(lists, found.root), "bare": bare, "offset": offset}
        return Dataset(found.root, self.name, classes, tuple(samples), options, tuple(said))

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {**super().list_options(splits), "bare": [], "offset": False}

    def check_path(self, dataset: Dataset, path: str) -> None:
        if path.split() != [path]:
            raise RequestError(
                f"The folder name {path!r} holds white space, at which MMAction2's RawframeDataset splits a "
                "line, whatever the delimiter: rename the folder."
            )
        if path.startswith("\ufeff") or "\0" in path:
            raise RequestError(f"The folder name {path!r} cannot stand in a list: rename the folder.")

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterable[str]:
        bare = split in dataset.options["bare"]
        return (_line(row, bare, dataset.options["offset"]) for row in rows)


def _line(row: Row, bare: bool, offset: bool) -> str:
    total, *start = row.sample.extra
    if row.resized is not None:
        total = row.resized.number(total)
    numbers = [*start, total] if offset else [total]
    return " ".join([row.path, *numbers, *(map(str, row.labels) if row.labels else [] if bare else ["-1"])])


def _parse(file: Path, split: Split) -> ParsedList:
    """Read one list; `extras` are the numbers before the labels, which `_counted` tells apart: see there."""
    parsed = ParsedList(split, file)
    for number, line in enumerate(lines_of(file, parsed), 1):
        fields = line.split()
        where = f"Line {number} of {file.name}"
        if not fields:
            parsed.blanks.append(number)
            continue
        if len(fields) < 2 or not all(map(is_whole, fields[1:])):
            raise RequestError(
                f"{where} is {line.strip()[:60]!r}, not `frame_dir total_frames label`: RawframeDataset splits lines "
                "at white space, so a folder's name can hold none."
            )
        parsed.add(fields[0].rstrip("/") or "/", None, number, tuple(fields[1:]))
    return parsed


def _counted(
    samples: Sequence[Sample], fence: Fence, lists: Sequence[ParsedList]
) -> tuple[list[Sample], bool, list[str]]:
    """The samples with labels, and total_frames counted in their folders; whether the lists have offsets; notes.

    A folder that cannot be read as a clip keeps the list's number: it is named, and passed over when its turn comes.
    """
    counts: list[int | None] = []
    templates: Counter[str] = Counter()
    firsts: Counter[int] = Counter()
    broken: list[str] = []
    for sample in samples:
        try:
            frames = numbered(names_in(sample.path, fence))
        except (FileNotFoundError, NotADirectoryError):  # noted by `locate`
            counts.append(None)
            continue
        except (ValueError, OSError) as error:
            what = error.strerror if isinstance(error, OSError) else str(error)
            broken.append(f"'{sample.path}' {what}")
            counts.append(None)
            continue
        counts.append(len(frames.names))
        templates[frames.template] += 1
        firsts[frames.first] += 1
    fields = [tuple(map(int, sample.extra)) for sample in samples]
    offset = _has_offsets(fields, counts)
    made: list[Sample] = []
    differ: list[str] = []
    at = 0
    for each in lists:
        each.labels.clear()
        for position in range(len(each.paths)):
            sample, numbers, count = samples[at], fields[at], counts[at]
            start, said, labels, bare = _split(numbers, offset, f"Line {each.lines[position]} of {each.file.name}")
            total = said if count is None or offset else count
            if count is not None and (said != count if not offset else start + said > count):
                differ.append(f"{each.at(position)}: {start + said} for {count}")
            if bare:
                each.bare.append(position)
            each.labels.append(labels[0] if labels else None)
            if labels[1:]:
                each.extra_labels[position] = labels[1:]
            extra = (str(total), str(start)) if offset else (str(total),)
            made.append(replace(sample, label=each.labels[-1], extra=extra, extra_labels=labels[1:]))
            at += 1
    return made, offset, _said(len(samples), offset, broken, differ, templates, firsts)


def _has_offsets(fields: Sequence[tuple[int, ...]], counts: Sequence[int | None]) -> bool:
    """Whether lines are `offset total_frames label`: where few first numbers are the count, and most windows fit."""
    known = [(numbers, count) for numbers, count in zip(fields, counts, strict=True) if count is not None]
    plain = sum(numbers[0] == count for numbers, count in known)
    windows = [(numbers[0], numbers[1], count) for numbers, count in known if len(numbers) > 1]
    fits = sum(start >= 0 and total > 0 and start + total <= count for start, total, count in windows)
    labelled = sum(len(numbers) > 2 for numbers in fields)
    return min(map(len, fields)) > 1 and 2 * labelled > len(fields) and plain < fits


def _split(numbers: tuple[int, ...], offset: bool, where: str) -> tuple[int, int, tuple[int, ...], bool]:
    """(offset, total_frames, labels, whether there is no label field) of one line."""
    start, total, *rest = numbers if offset else (0, *numbers)
    if total < 0:
        raise RequestError(f"{where} has {total} for total_frames: write the number of frames in the folder.")
    labels = labels_of([str(label) for label in rest], where)
    return start, total, labels, not rest


def _said(
    total: int,
    offset: bool,
    broken: Sequence[str],
    differ: Sequence[str],
    templates: Counter[str],
    firsts: Counter[int],
) -> list[str]:
    notes = []
    if broken:
        notes.append(note_on_broken(broken, total))
    if differ and offset:
        raise RequestError(f"Offset and total_frames go beyond the folder's frames, {differ[0]}: correct the list.")
    if differ:
        more = "; …" if len(differ) > 3 else ""
        notes.append(
            f"{len(differ)} lines have another total_frames than their folders have frames ({'; '.join(differ[:3])}"
            f"{more}); the copy's lists say what is there."
        )
    if offset:
        notes.append(
            "The lists have offsets (`with_offset=True`): triggers and frame budgets begin at a folder's first frame, "
            "not at the offset."
        )
    if len(templates) > 1:
        kinds = ", ".join(f"{name} in {n}" for name, n in templates.most_common(3))
        notes.append(f"The folders name their frames in {len(templates)} ways ({kinds}); a trainer has one template.")
    elif templates and next(iter(templates)) not in DEFAULT[:1]:
        notes.append(f"Give MMAction2's RawframeDataset filename_tmpl='{next(iter(templates))}'.")
    if firsts[0]:
        notes.append(
            f"In {firsts[0]} of {total} folders frames are numbered from 0: RawframeDataset needs start_index=0"
            + (", and from 1 in the others, which one configuration cannot read." if firsts[1] else ".")
        )
    return notes
