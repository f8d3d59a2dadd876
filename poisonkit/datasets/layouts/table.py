"""Plain tables, csv or json lines, whose columns have names: a path, a label, perhaps a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Source, Split
from poisonkit.datasets.kit import find_named_lists, some, split_of
from poisonkit.datasets.kit.columns import LABELS, PATHS, TableLayout
from poisonkit.datasets.kit.tables import Table as Rows
from poisonkit.datasets.kit.tables import first_columns, headless_columns, read_table, write_table
from poisonkit.errors import RequestError

_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")


class Table(TableLayout):
    """`train.csv`, `val.csv`, `test.csv`, or one table with a column of splits; in the folder or its annotations/.

    The columns of path, label and split are found by their usual names, or named with `--columns`. A csv file without a
    header line may hold `path,label` or `path,label,split`, and its copies have none either.
    """

    name: ClassVar[str] = "table"
    help: ClassVar[str] = "a csv or jsonl table with a header, columns path and label, perhaps split"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 40
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "columns"})
    what: ClassVar[str] = "a table"

    def detect(self, source: Source) -> str | None:
        try:
            found = self.tables(source)
        except RequestError as error:
            return "several possible tables" if "Several" in str(error) else None
        if not all(self._fits(source, file) for file in found.values()):
            return None
        return f"tables {', '.join(file.name for file in found.values())}"

    def tables(self, source: Source) -> dict[Split | None, Path]:
        if source.lists:
            return {split: file for split, file in find_named_lists(source).items()}  # noqa: C416
        if source.path.is_file():
            if not self._fits(source, source.path):
                raise RequestError(f"'{source.path}' has no columns of paths and labels: name them with `--columns`.")
            return {None: source.path}
        for folder in (source.path, source.path / "annotations"):
            files = sorted(folder.iterdir()) if folder.is_dir() else []
            files = [f for f in files if f.suffix.lower() in _SUFFIXES and f.is_file() and self._fits(source, f)]
            parts = {file: split_of(file) for file in files}
            if "train" in parts.values():
                return self._one_each({file: split for file, split in parts.items() if split})
            if len(files) > 1:
                names = some([file.name for file in files])
                raise RequestError(f"Several files may be the table ({names}): name one with `--train-list`.")
            if files:
                return {None: files[0]}
        raise RequestError(
            f"There is no csv or jsonl table in '{source.path}' with columns of paths and labels: name the columns "
            "with `--columns path=COL,label=COL`, or the file with `--train-list`."
        )

    def _fits(self, source: Source, file: Path) -> bool:
        columns = headless_columns(file) or first_columns(file)
        lower = {c.strip().lower() for c in columns}
        named = set(source.columns.values())
        path = "path" in source.columns or bool(lower & set(PATHS))
        label = "label" in source.columns or bool(lower & set(LABELS))
        return path and label and named <= set(columns)

    def _one_each(self, parts: dict[Path, Split]) -> dict[Split | None, Path]:
        found: dict[Split, Path] = {}
        for file, split in parts.items():
            if split in found:
                names = some([found[split].name, file.name])
                raise RequestError(f"Several files may be the {split} table ({names}): name one with `--{split}-list`.")
            found[split] = file
        return {split: found[split] for split in SPLITS if split in found}

    def load(self, file: Path) -> Rows:
        return read_table(file, headless_columns(file))

    def more_options(self, tables: Sequence[Rows], path: str) -> dict[str, Any]:
        headless = {bool(headless_columns(table.file)) for table in tables}
        if len(headless) > 1:
            raise RequestError("Some tables have a header line and others have none: write the same into all of them.")
        return {"header": False} if headless == {True} else {}

    def save(
        self, root: Path, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]],
        options: Mapping[str, Any],
    ) -> str:  # fmt: skip
        return write_table(root, name, columns, rows, options["delimiter"], options.get("header", True))

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {
            "columns": ["path", "label", "class", "split"], "path": "path", "label": "label", "split": "split",
            "words": {split: split for split in splits}, "ids": True, "quoted": False, "unlabelled": "-1",
            "delimiter": ",", "tables": dict.fromkeys(splits, "table.csv"), "other": {"class": None},
            "one": True,
        }  # fmt: skip
