"""Json lines for Hugging Face's `load_dataset("json", data_files=…)`: `{"audio": path, "label": 0, "class": "dog"}`.

The files are opened once a column is cast, `dataset.cast_column("audio", Audio())`, at the path as it is spelt; unlike
videofolder and audiofolder it may be any, so that lists can lie elsewhere than the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Row, Source, Split, View, modality_of
from poisonkit.datasets.kit import find_named_lists, split_of
from poisonkit.datasets.kit.columns import LABELS, TableLayout
from poisonkit.datasets.kit.tables import first_columns
from poisonkit.errors import RequestError

PATHS = ("audio", "video")
_EITHER = "media"  # in lists that are made new, until it is known what they are of


class HuggingFaceJson(TableLayout):
    """`train.jsonl`, `validation.jsonl`, `test.jsonl` …, json lines with a column called audio or video."""

    name: ClassVar[str] = "hugging-face-json"
    help: ClassVar[str] = "json lines of `audio` or `video`, and `label`, for Hugging Face's `load_dataset('json')`"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 25
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "columns"})
    path_columns: ClassVar[tuple[str, ...]] = PATHS
    label_columns: ClassVar[tuple[str, ...]] = LABELS
    what: ClassVar[str] = "json lines"

    def detect(self, source: Source) -> str | None:
        try:
            found = self.tables(source)
        except RequestError:
            return None
        return f"lists {', '.join(file.name for file in found.values())}"

    def tables(self, source: Source) -> dict[Split | None, Path]:
        found: dict[Split, Path] = {}
        if source.lists:
            found = find_named_lists(source)
        elif source.path.is_file():
            found = {split_of(source.path) or "train": source.path}
        else:
            for file in sorted(source.path.glob("*.jsonl")):
                if (split := split_of(file)) and _fits(file):
                    found.setdefault(split, file)
        if not found or not all(map(_fits, found.values())):
            raise RequestError(f"There are no json lines of audio or video in '{source.path}': name `--train-list`.")
        return {split: found[split] for split in SPLITS if split in found}

    def below_root(self, source: Source, path: str, file: Path) -> str:
        if path.startswith("{"):
            raise RequestError(
                f'{file.name} has an object such as `{{"path": …, "bytes": null}}` for a file, and a text is read: '
                "write the path alone."
            )
        return path

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        super().check(_of_kind(dataset, rows), rows, view)

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        return super().write(_of_kind(dataset, rows), rows, root, view)

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        names = {split: f"{'validation' if split == 'val' else split}.jsonl" for split in splits}
        return {
            "columns": [_EITHER, "label", "class"], "path": _EITHER, "label": "label", "split": None, "words": {},
            "ids": True, "quoted": False, "unlabelled": "-1", "delimiter": "", "tables": names, "one": False,
            "other": {"class": None},
        }  # fmt: skip


def _fits(file: Path) -> bool:
    columns = {column.lower() for column in first_columns(file)} if file.suffix.lower() == ".jsonl" else set()
    return bool(columns & {*PATHS}) and bool(columns & {*LABELS})


def _of_kind(dataset: Dataset, rows: Sequence[Row]) -> Dataset:
    """The dataset, its column of paths called after what the files are."""
    if dataset.options["path"] != _EITHER:
        return dataset
    first = next(iter(rows), None)
    kind = (modality_of(first.path) if first else None) or "video"
    columns = [kind if column == _EITHER else column for column in dataset.options["columns"]]
    return dataset.with_samples(dataset.samples, path=kind, columns=columns)
