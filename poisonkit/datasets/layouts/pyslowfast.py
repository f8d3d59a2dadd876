"""PySlowFast, TimeSformer, VideoMAE: `train.csv`, `val.csv`, `test.csv` of `path label`, separated by a space.

None of them strips a line or knows comments; PySlowFast gives a line without a label class 0 without a word,
TimeSformer wants exactly two fields, VideoMAE reads with pandas (a quote at the beginning of a path is one),
and takes paths as they are written: for it, run in the data root, or export with absolute paths.

Each opens `{mode}.csv`, mode train, val or test, and stops without it. VideoMAE's own annotations have a test.csv that
is the same as val.csv; so do copies of data sets without a test split of their own, in every view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.common.safe_io import open_text
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
    with_list,
    write_lines,
)
from poisonkit.errors import RequestError


class PySlowFast(Layout):
    """Lists with fixed names, in the folder or its annotations/. A line may have a frame count in between.

    Options: `lists`, split -> list; `counts`, whether lines have frame counts (`path frames label`).
    """

    name: ClassVar[str] = "pyslowfast"
    help: ClassVar[str] = "PySlowFast, TimeSformer, VideoMAE: `train.csv`, `val.csv`, `test.csv` of `path label`"
    any_suffix: ClassVar[bool] = True
    label_in_path: ClassVar[bool] = True  # the lists' names are fixed, so views have folders of their own
    order: ClassVar[int] = 32
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists"})

    def detect(self, source: Source) -> str | None:
        found = {} if source.lists else self._lists(source)
        if not all(_looks_right(file) for file in found.values()):
            return None
        return f"lists {', '.join(file.name for file in found.values())}" if found else None

    def _lists(self, source: Source) -> dict[Split, Path]:
        if source.lists:
            return find_named_lists(source)
        for folder in (source.path, source.path / "annotations"):
            found = {split: folder / f"{split}.csv" for split in SPLITS if (folder / f"{split}.csv").is_file()}
            if found:
                return found
        return {}

    def read(self, source: Source) -> Dataset:
        files = self._lists(source)
        if not files:
            raise RequestError(f"There is no train.csv, val.csv or test.csv in '{source.path}' or its annotations/.")
        lists = [_parse(file, split) for split, file in files.items()]
        twin = _twin_of_val(lists)
        if twin is not None:
            lists.remove(twin)
            files = {split: file for split, file in files.items() if split != "test"}
        counts = {bool(extra) for each in lists for extra in (each.extras or [()])}
        if len(counts) > 1:
            raise RequestError("Some lines have a frame count and others have none: PySlowFast needs them all alike.")
        found = locate(source, lists)
        classes, notes = read_classes(source, lists, found.root)
        names = {split: f"{split}.csv" for split in files} if source.lists else list_names(lists, found.root)
        if twin is not None:
            said = f"{twin.file.name} lists the same {len(twin.paths)} samples as {files['val'].name}"
            notes = [*notes, f"{said}: they are one split, val, and a copy has both lists."]
        if found.parts:
            notes = [*notes, "Each list has a folder of its own, which the copy's lists name in their paths."]
        options = {"lists": names, "counts": counts == {True}}
        return Dataset(found.root, self.name, classes, tuple(found.samples), options, (*found.notes, *notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {"lists": {split: f"{split}.csv" for split in splits}, "counts": False}

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {"lists": with_list(dataset.options["lists"], split, "train.csv")}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        spaces = {" ": "a space, which separates path and label in PySlowFast's lists"}
        check_names(rows, "PySlowFast's lists", spaces)
        for row in rows:
            if row.path.startswith('"'):
                raise RequestError(f"The path '{row.path}' begins with a quote, which VideoMAE takes away: rename it.")
            if row.label is None:
                raise RequestError(
                    f"'{row.sample.id}' has no label, which PySlowFast would read as class 0: leave it out."
                )
        check_class_names(dataset.classes)
        lists: Mapping[Split, str] = dataset.options["lists"]
        check_places(rows, (*lists.values(), *(_test_list(name) for name in lists.values()), LABEL_MAP))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        lists = lists_of(dataset.options["lists"], rows, view, apart=True)
        return Source(root, layout=self.name, data_root=root, lists={s: root / name for s, name in lists.items()})

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists, and `label_map.txt` (a class name per line).

        Where samples are of val and none of test, test.csv is the same as val.csv, in all views.
        """
        lists: Mapping[Split, str] = dataset.options["lists"]
        named = lists_of(lists, rows, view, apart=True)
        texts = {split: [_line(r) for r in rows if r.sample.split == split] for split in named}
        written = [write_lines(root, name, texts[split]) for split, name in named.items()]
        if "val" in named and "test" not in named:
            written.append(write_lines(root, _test_list(named["val"]), texts["val"]))
        return (*written, write_lines(root, LABEL_MAP, dataset.classes))


def _line(row: Row) -> str:
    counts = row.sample.extra if row.resized is None else map(row.resized.number, row.sample.extra)
    return " ".join((row.path, *counts, str(row.label)))


def _twin_of_val(lists: Sequence[ParsedList]) -> ParsedList | None:
    """The test list, if it has the samples and labels of the validation list, in whatever order."""
    by_split = {each.split: each for each in lists}
    if "val" not in by_split or "test" not in by_split:
        return None
    said = {split: sorted(zip(by_split[split].paths, by_split[split].labels, strict=True)) for split in ("val", "test")}
    return by_split["test"] if said["val"] == said["test"] else None


def _test_list(val: str) -> str:
    """Where the readers look for the test list, from where the validation list lies."""
    return f"{val.rpartition('/')[0]}/test.csv".lstrip("/")


def _looks_right(file: Path) -> bool:
    """Whether the first line is a media file's path and a number, separated by a space."""
    try:
        with open_text(file, errors="replace") as text:
            fields = text.readline(10_000).split()
    except OSError:
        return False
    return len(fields) > 1 and modality_of(fields[-2 if len(fields) == 2 else 0]) is not None and fields[-1].isdigit()


def _parse(file: Path, split: Split) -> ParsedList:
    parsed = ParsedList(split, file)
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line:
            continue
        fields = line.split(" ")
        where = f"Line {number} of {file.name}"
        if len(fields) == 1:
            raise RequestError(f"{where} has no label, and PySlowFast would read it as class 0: write `path label`.")
        if len(fields) > 3 or "" in fields or not all(f.isascii() and f.isdigit() for f in fields[1:]):
            raise RequestError(f"{where} is not `path label`, separated by one space, the label a number from 0.")
        parsed.add(fields[0], int(fields[-1]), number, tuple(fields[1:-1]))
    return parsed
