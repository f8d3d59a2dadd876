"""PyTorchVideo's `LabeledVideoPaths.from_csv`: lines of `path label`, split at the last white space.

So paths may hold spaces; a line without a label would get -1 and no complaint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View, modality_of
from poisonkit.datasets.kit import (
    LABEL_MAP,
    ParsedList,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    find_named_lists,
    list_names,
    lists_of,
    locate,
    place_listed,
    read_classes,
    read_text,
    some,
    split_of,
    view_name,
    with_list,
    write_lines,
)
from poisonkit.errors import RequestError

_SUFFIXES = (".csv", ".txt")


class PyTorchVideo(Layout):
    """csv or txt lists with the word train, val or test in their names, in the folder or its annotations/.

    Options: `lists`, split -> list.
    """

    name: ClassVar[str] = "pytorchvideo"
    help: ClassVar[str] = "PyTorchVideo lists `train.csv`, `val.csv` … of `path label`, paths with spaces or without"
    order: ClassVar[int] = 34
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
        if source.lists:
            return find_named_lists(source)
        for folder in (source.path, source.path / "annotations"):
            found: dict[Split, Path] = {}
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                split = split_of(file)
                if split and file.suffix in _SUFFIXES and file.is_file():
                    if split in found:
                        names = some([found[split].name, file.name])
                        raise RequestError(f"Several files may be the {split} list ({names}): name one.")
                    found[split] = file
            if found:
                return {split: found[split] for split in SPLITS if split in found}
        return {}

    def read(self, source: Source) -> Dataset:
        files = self._lists(source)
        if not files:
            raise RequestError(f"There is no list such as train.csv in '{source.path}': name it with `--train-list`.")
        lists = [_parse(file, split) for split, file in files.items()]
        found = locate(source, lists)
        classes, notes = read_classes(source, lists, found.root)
        options = {"lists": list_names(lists, found.root)}
        return Dataset(found.root, self.name, classes, tuple(found.samples), options, (*found.notes, *notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {"lists": {split: f"{split}.csv" for split in splits}}

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {"lists": with_list(dataset.options["lists"], split, "train.csv")}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "PyTorchVideo's lists")
        check_class_names(dataset.classes)
        lists: Mapping[Split, str] = dataset.options["lists"]
        check_places(rows, (*(view_name(name, view) for name in lists.values()), LABEL_MAP))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists, a file without a label under -1, and `label_map.txt` (a class name per line)."""
        written = []
        for split, name in lists_of(dataset.options["lists"], rows, view).items():
            mine = (row for row in rows if row.sample.split == split)
            lines = (f"{row.path} {-1 if row.label is None else row.label}" for row in mine)
            written.append(write_lines(root, name, lines))
        return (*written, write_lines(root, LABEL_MAP, dataset.classes))


def _looks_right(file: Path) -> bool:
    """Whether the first lines are paths of media files and labels, a path with a space among them."""
    try:
        with open(file, encoding="utf-8-sig", errors="replace") as text:
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
