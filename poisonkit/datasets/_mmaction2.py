"""What MMAction2's layouts share: a list for each split, named as in the source, and the class names beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Split, View
from poisonkit.datasets.kit import (
    LABEL_MAP,
    check_class_names,
    check_emptied,
    check_places,
    lists_of,
    place_listed,
    view_name,
    with_list,
    write_lines,
)


class MMAction2Lists(Layout):
    """Lists of one line per sample. Options: `lists`, split -> where the list lies in a copy.

    Paths in the copy are the source's, relative to the copy's root.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "split"})
    multi_label: ClassVar[bool] = True

    def check_path(self, dataset: Dataset, path: str) -> None:
        """RequestError for a path that cannot stand in such a list."""
        raise NotImplementedError

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterable[str]:
        """The list of a split, whose rows these are."""
        raise NotImplementedError

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """A list for the new split, named after the training list."""
        return {"lists": with_list(dataset.options["lists"], split)}

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {"lists": {split: f"{split}.txt" for split in splits}}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        for row in rows:
            self.check_path(dataset, row.path)
        check_class_names(dataset.classes)
        names = [view_name(name, view) for name in dataset.options["lists"].values()]
        check_places(rows, (*names, LABEL_MAP))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists and `label_map.txt` (a class name per line).

        View `data` writes every list, the others those of the splits that have rows; `target` and
        `original` put `_target` or `_original` behind the list's name.
        """
        written = []
        for split, name in lists_of(dataset.options["lists"], rows, view).items():
            mine = [row for row in rows if row.sample.split == split]
            written.append(write_lines(root, name, self.lines(dataset, mine, split)))
        return (*written, write_lines(root, LABEL_MAP, dataset.classes))
