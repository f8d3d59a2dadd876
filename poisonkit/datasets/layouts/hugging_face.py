"""Hugging Face videofolder and audiofolder with `metadata.jsonl` or `metadata.csv`: a line per file, beside the files.

Without metadata these are class folders. With it, the folders' names say nothing, only listed files are
loaded, `file_name` is relative to the metadata file and may not leave its folder, and splits are folders.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Row, Sample, Source, Split, View
from poisonkit.datasets.kit import SPLIT_WORDS
from poisonkit.datasets.kit.columns import LABELS, TableLayout
from poisonkit.datasets.kit.tables import Table, first_columns, plain
from poisonkit.errors import RequestError

METADATA = ("metadata.jsonl", "metadata.csv")


class HuggingFace(TableLayout):
    """One `metadata.jsonl` (or `.csv`) in the root, or one in each of the split folders train/, validation/, test/ …"""

    name: ClassVar[str] = "hugging-face"
    help: ClassVar[str] = "Hugging Face videofolder or audiofolder with `metadata.jsonl` or `.csv`: file_name, label"
    any_suffix: ClassVar[bool] = True
    label_in_path: ClassVar[bool] = True  # metadata.jsonl has one name, so views have folders of their own
    order: ClassVar[int] = 24
    uses: ClassVar[frozenset[str]] = frozenset({"columns"})
    path_columns: ClassVar[tuple[str, ...]] = ("file_name",)
    label_columns: ClassVar[tuple[str, ...]] = LABELS
    what: ClassVar[str] = "Hugging Face metadata"

    def detect(self, source: Source) -> str | None:
        try:
            found = self.tables(source)
        except RequestError:
            return None
        if not all("file_name" in first_columns(file) for file in found.values()):
            return None
        return ", ".join(os.path.relpath(file, source.path) for file in found.values())

    def tables(self, source: Source) -> dict[Split | None, Path]:
        if whole := _metadata(source.path):
            return {None: whole}
        folders = sorted(source.path.iterdir()) if source.path.is_dir() else []
        found: dict[Split, Path] = {}
        for folder in folders:
            split = SPLIT_WORDS.get(folder.name.lower())
            if split and (file := _metadata(folder)):
                if split in found:
                    raise RequestError(f"'{found[split].parent.name}' and '{folder.name}' name the same split.")
                found[split] = file
        if not found:
            raise RequestError(f"There is no {' or '.join(METADATA)} in '{source.path}' or in its split folders.")
        if len({file.suffix for file in found.values()}) > 1:
            raise RequestError("One split has its metadata as csv, another as json lines; `datasets` wants one kind.")
        return {split: found[split] for split in SPLITS if split in found}

    def root(self, source: Source) -> Path:
        return Path(os.path.abspath(source.path))

    def below_root(self, source: Source, path: str, file: Path) -> str:
        folder = os.path.relpath(file.parent, source.path)
        if path.startswith("/") or "://" in path or ".." in path.split("/"):
            raise RequestError(
                f"{file.name} has the file_name '{path}', which leaves its folder; `datasets` refuses it."
            )
        return path if folder == "." else f"{folder}/{path}"

    def listed(self, path: str, table: str, options: Mapping[str, Any]) -> str:
        return os.path.relpath(path, os.path.dirname(table) or ".")

    def by_split(
        self, table: Table, split: Split | None, part: str | None, path: str, words: dict[Split, str]
    ) -> dict[Split, list[int]]:
        """One table for all: the split is the first folder of the path; all is training if there are none."""
        if split is not None:
            return {split: list(range(len(table.rows)))}
        found: dict[Split, list[int]] = {}
        for row, text in enumerate(table.column(path)):
            folder, sign, _ = (plain(text, "") or "").partition("/")
            found.setdefault(SPLIT_WORDS.get(folder.lower(), "train") if sign else "train", []).append(row)
        return {each: found[each] for each in SPLITS if each in found}

    def _part(self, source: Source, files: Any, table: Table) -> None:
        return None

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return sample.path

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        raise RequestError(
            f"In Hugging Face folders a {split} split is a folder of its own: make one of the source's files first."
        )

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        super().check(dataset, rows, view)
        for row in rows:
            table = dataset.options["tables"].get(row.sample.split, METADATA[0])
            folder = os.path.dirname(table)
            if folder and not row.path.startswith(f"{folder}/"):
                raise RequestError(f"'{row.path}' does not lie in {folder}/, where the metadata of its split is.")


def _metadata(folder: Path) -> Path | None:
    """The metadata file in a folder, if there is one. RequestError for two, which `datasets` refuses."""
    found = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(found) > 1:
        raise RequestError(
            f"'{folder.name}' holds {' and '.join(METADATA)}, and `datasets` wants one: remove the other."
        )
    return found[0] if found else None
