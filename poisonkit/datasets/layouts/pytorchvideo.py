"""PyTorchVideo's `LabeledVideoPaths.from_csv`: lines of `path label`, split at the last white space.

So paths may hold spaces; a line without a label would get -1 and no complaint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from poisonkit.common.safe_io import open_text
from poisonkit.datasets.base import Dataset, Row, Source, Split, View, modality_of
from poisonkit.datasets.kit import (
    ParsedList,
    check_names,
    list_names,
    locate,
    read_classes,
    read_text,
    split_of,
)
from poisonkit.datasets.kit.split_lists import SplitLists, lists_by_words
from poisonkit.errors import RequestError

_SUFFIXES = (".csv", ".txt")


class PyTorchVideo(SplitLists):
    """csv or txt lists with the word train, val or test in their names, in the folder or its annotations/.

    Options: `lists`, split -> list.
    """

    name: ClassVar[str] = "pytorchvideo"
    help: ClassVar[str] = "PyTorchVideo lists `train.csv`, `val.csv` … of `path label`, paths with spaces or without"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 34
    suffix: ClassVar[str] = ".csv"
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists"})

    def detect(self, source: Source) -> str | None:
        """Lists that only this reader can read, since paths hold spaces; others read the rest too."""
        try:
            found = {} if source.lists else self._lists(source)
        except RequestError:
            return None
        if "train" not in found or not all(map(_looks_right, found.values())):
            return None
        return f"lists {', '.join(file.name for file in found.values())}, paths with spaces"

    def _lists(self, source: Source) -> dict[Split, Path]:
        return lists_by_words(source, lambda file: split_of(file) if file.suffix in _SUFFIXES else None)

    def read(self, source: Source) -> Dataset:
        files = self._lists(source)
        if not files:
            raise RequestError(f"There is no list such as train.csv in '{source.path}': name it with `--train-list`.")
        lists = [_parse(file, split) for split, file in files.items()]
        found = locate(source, lists)
        classes, notes = read_classes(source, lists, found.root)
        options = {"lists": list_names(lists, found.root)}
        return Dataset(found.root, self.name, classes, tuple(found.samples), options, (*found.notes, *notes))

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "PyTorchVideo's lists")
        super().check(dataset, rows, view)

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterator[str]:
        """A file without a label stands under -1."""
        return (f"{row.path} {-1 if row.label is None else row.label}" for row in rows)


def _looks_right(file: Path) -> bool:
    """Whether the first lines are paths of media files and labels, a path with a space among them."""
    try:
        with open_text(file, errors="replace") as text:
            found = [line.rsplit(None, 1) for line in (text.readline(10_000) for _ in range(200)) if line.strip()]
    except OSError:
        return False
    fits = all(len(f) == 2 and modality_of(f[0].strip()) and f[1].lstrip("-").isdigit() for f in found)
    return fits and any(len(f[0].split()) > 1 for f in found)


def _parse(file: Path, split: Split) -> ParsedList:
    parsed = ParsedList(split, file)
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        path, *label = line.rsplit(None, 1)
        if not label or not label[0].lstrip("-").isdigit():
            raise RequestError(f"Line {number} of {file.name} is not `path label` with a number at its end.")
        parsed.add(path.strip(), int(label[0]) if int(label[0]) >= 0 else None, number)
    return parsed
