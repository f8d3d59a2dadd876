"""MMAction2 `AudioDataset`: lists of `path total_frames label`, the paths those of log-mel features (`.npy`).

Its reader splits lines at any white space and stops at a line without a label. It takes a feature file that is not
there for ten seconds of zeros, and `total_frames` for the scale by which frames choose rows of features: where a
`clip_len` is larger, all rows are zeros, too; neither with a word. So a copy names a file for every sample, made
again, and for `total_frames` its number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from poisonkit.datasets.base import (
    Dataset,
    Row,
    Source,
    Split,
    View,
    feature_path,
    modality_of,
)
from poisonkit.datasets.kit import (
    ParsedList,
    data_root,
    find_lists,
    list_names,
    read_classes,
    samples_of,
)
from poisonkit.datasets.kit.lists import FEATURES, is_whole, labels_of, lines_of, looks_like_audio, notes_on
from poisonkit.datasets.kit.split_lists import SplitLists
from poisonkit.errors import RequestError


class MMAction2Audio(SplitLists):
    """One list per split. A sample is a sound file; the list names it, or the features that lie beside it.

    `Sample.extra` is (total_frames,) as the source has it. Options: `lists`, split -> where it lies in a copy.
    """

    name: ClassVar[str] = "mmaction2-audio"
    help: ClassVar[str] = "MMAction2 audio lists of `path total_frames label`, with log-mel `.npy` beside the sounds"
    any_suffix: ClassVar[bool] = True
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "split"})
    multi_label: ClassVar[bool] = True
    order: ClassVar[int] = 28
    features: ClassVar[bool] = True

    def detect(self, source: Source) -> str | None:
        try:
            lists = find_lists(source, looks_like_audio)
        except RequestError:
            return None
        if not lists or not all(map(looks_like_audio, lists.values())):
            return None
        return f"lists {', '.join(file.name for file in lists.values())} of sounds or features"

    def read(self, source: Source) -> Dataset:
        files = find_lists(source, looks_like_audio)
        if not files:
            raise RequestError(
                f"There is no training list of `path total_frames label` in '{source.path}' or its annotations/ "
                "(looked for `.txt` files with the word train in the name): name it with `--train-list`."
            )
        lists = [_parse(file, split) for split, file in files.items()]
        if not any(each.paths for each in lists):
            raise RequestError(f"No file is listed in {', '.join(each.file.name for each in lists)}.")
        root, parts = data_root(source, lists)
        made = sum(map(_to_sounds, lists, [root / parts.get(each.split, "") for each in lists]))
        samples, notes = samples_of(lists, root, parts, source.allow_roots)
        classes, class_notes = read_classes(source, lists, root)
        for each in lists:
            if each.blanks:
                notes.append(f"{each.file.name} has blank lines, at which MMAction2 stops; the copy has none.")
                each.blanks = []
            notes += notes_on(each)
        if made:
            notes.append(f"{made} listed feature files are made again in the copy, from the sounds beside them.")
        options = {"lists": list_names(lists, root)}
        return Dataset(root, self.name, classes, tuple(samples), options, (*notes, *class_notes))

    def check_path(self, dataset: Dataset, path: str) -> None:
        file = feature_path(path)
        if file.split() != [file] or "\0" in file:
            raise RequestError(
                f"The file name {path!r} holds white space or a NUL, and MMAction2's audio lists are split at "
                "any white space: rename the file."
            )

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        super().check(dataset, rows, view)
        owners = {row.path: row.sample.id for row in rows}
        for row in rows:
            file = feature_path(row.path)
            if owners.setdefault(file, row.sample.id) != row.sample.id:
                raise RequestError(
                    f"The features of '{owners[file]}' and '{row.sample.id}' would both be '{file}': rename one of "
                    "them in the source."
                )

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterable[str]:
        """A row without `length` keeps the source's total_frames."""
        return map(_line, rows)


def _line(row: Row) -> str:
    total = row.sample.extra[0] if row.length is None else row.length
    return f"{feature_path(row.path)} {total} {' '.join(map(str, row.labels or (-1,)))}"


def _parse(file: Path, split: Split) -> ParsedList:
    """Read one list. RequestError for a line that MMAction2 does not read."""
    parsed = ParsedList(split, file)
    for number, line in enumerate(lines_of(file, parsed), 1):
        fields = line.split()
        where = f"Line {number} of {file.name}"
        if not fields:
            parsed.blanks.append(number)
            continue
        if len(fields) < 3 or not all(map(is_whole, fields[1:])):
            raise RequestError(
                f"{where} is not `path total_frames label`, separated by white space, the numbers whole: correct it, "
                "and rename a file whose name holds a space."
            )
        labels = labels_of(fields[2:], where)
        parsed.add(fields[0], labels[0] if labels else None, number, (fields[1],), labels[1:])
    return parsed


def _to_sounds(parsed: ParsedList, folder: Path) -> int:
    """Put, for each listed `.npy`, the sound beside it into the list; how many there were. RequestError without one."""
    sounds: dict[str, dict[str, str]] = {}
    changed = 0
    for position, path in enumerate(parsed.paths):
        if not path.endswith(FEATURES):
            continue
        inside, base = os.path.split(path.removesuffix(FEATURES))
        where = os.path.join(folder, inside)
        if where not in sounds:
            sounds[where] = _sounds_in(where)
        if base not in sounds[where]:
            at = parsed.at(position)
            raise RequestError(
                f"{at[0].upper()}{at[1:]} names the features '{path}', and no sound lies beside them ('{base}.wav', or "
                "with another suffix): features cannot carry a trigger; put the sounds there, or list them instead."
            )
        parsed.paths[position] = path[: len(path) - len(base + FEATURES)] + sounds[where][base]
        changed += 1
    return changed


def _sounds_in(folder: str) -> dict[str, str]:
    """Name without suffix -> file name; of several the wav, else a sound, else the first."""
    if not os.path.isdir(folder):
        return {}
    names = [name for name in os.listdir(folder) if modality_of(name)]
    names.sort(key=lambda name: (name.lower().endswith(".wav"), modality_of(name) == "audio", name))
    return {os.path.splitext(name)[0]: name for name in names}
