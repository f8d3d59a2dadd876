"""Layouts with a list for each split, named as in the source, and the class names beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View, rows_of
from poisonkit.datasets.kit import (
    LABEL_MAP,
    check_class_names,
    check_emptied,
    check_places,
    find_named_lists,
    lists_of,
    place_listed,
    some,
    view_name,
    with_list,
    write_lines,
)
from poisonkit.errors import RequestError


def lists_by_words(source: Source, split_of_file: Callable[[Path], Split | None]) -> dict[Split, Path]:
    """The lists that the user named, else those in the folder, else in its `annotations/`.

    split_of_file: the split that a file is the list of, None for what is no list. RequestError for two of one split.
    """
    if source.lists:
        return find_named_lists(source)
    for folder in (source.path, source.path / "annotations"):
        found: dict[Split, Path] = {}
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            split = split_of_file(file) if file.is_file() else None
            if split is None:
                continue
            if split in found:
                raise RequestError(
                    f"Several files may be the {split} list ({some([found[split].name, file.name])}): name one with "
                    f"`--{split}-list`."
                )
            found[split] = file
        if found:
            return {split: found[split] for split in SPLITS if split in found}
    return {}


class SplitLists(Layout):
    """Lists of one line per sample. Options: `lists`, split -> where the list lies in a copy.

    Paths in the copy are the source's, relative to the copy's root. suffix: of new lists.
    """

    suffix: ClassVar[str] = ".txt"

    def check_path(self, dataset: Dataset, path: str) -> None:
        """RequestError for a path that cannot stand in such a list."""

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterable[str]:
        """The list of a split, whose rows these are."""
        raise NotImplementedError

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """A list for the new split, named after the training list."""
        return {"lists": with_list(dataset.options["lists"], split, f"train{self.suffix}")}

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {"lists": {split: f"{split}{self.suffix}" for split in splits}}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        for row in rows:
            self.check_path(dataset, row.path)
        check_class_names(dataset.classes)
        names = [view_name(name, view) for name in dataset.options["lists"].values()]
        check_places(rows, (*names, LABEL_MAP))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        lists = {split: root / name for split, name in lists_of(dataset.options["lists"], rows, view).items()}
        delimiter = dataset.options.get("delimiter") if "delimiter" in self.uses else None
        return Source(root, layout=self.name, data_root=root, lists=lists, delimiter=delimiter)

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists and `label_map.txt` (a class name per line).

        View `data` writes every list, the others those of the splits that have rows; `target` and
        `original` put `_target` or `_original` behind the list's name.
        """
        return (*self.write_lists(dataset, rows, root, view), write_lines(root, LABEL_MAP, dataset.classes))

    def write_lists(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> list[str]:
        """Write the lists that the view has, without the names of the classes."""
        named = lists_of(dataset.options["lists"], rows, view)
        return [
            write_lines(root, name, self.lines(dataset, rows_of(rows, split), split)) for split, name in named.items()
        ]
