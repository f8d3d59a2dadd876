"""SpeechBrain's lists: csv with a column ID, or json of `{"id": {"wav": …, "command": …}, …}`.

`load_data_csv` puts what the recipe gives it in the place of `$data_root` in every field, skips spaces behind commas,
and refuses an ID twice; `load_data_json` puts it in the place of `{data_root}` in every text. Both stop at a name that
they were not given, so that a `$` or a brace in a file's name does not pass. Labels are names: the recipe's encoder
numbers them as it meets them in the training list, and keeps that in a file for the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Row, Source, Split, View
from poisonkit.datasets.kit import find_named_lists, split_of, write_lines
from poisonkit.datasets.kit.columns import TableLayout
from poisonkit.datasets.kit.documents import begins, document_lines, head, read_document
from poisonkit.datasets.kit.tables import Table, first_columns, json_object, plain, read_table
from poisonkit.errors import RequestError

PATHS = ("wav", "wav_path", "wav_file")
LABELS = (
    "label", "command", "class_string", "class_name", "class", "emo", "emotion", "language", "genre", "digit",
    "class_id", "classid", "spk_id", "speaker_id", "speaker",
)  # fmt: skip
_HEAD = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{')
_ROOT = re.compile(r"(\$[\w.]+|\{\w+\})/+")
_GIVEN = "$data_root"  # what stands for the root in lists that are made new


class SpeechBrain(TableLayout):
    """`train.csv`, `valid.csv`, `test.csv`, or the same as json. What else a line says (duration, start …) is kept.

    Options, beside those of tables: `root`, how paths begin (`$data_root`, `{data_root}` or nothing); `new`, in lists
    that are made new, whose IDs are the paths.
    """

    name: ClassVar[str] = "speechbrain"
    help: ClassVar[str] = "SpeechBrain's `train.csv`, `valid.csv` … with a column ID, or the same as json"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 27
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "columns"})
    path_columns: ClassVar[tuple[str, ...]] = PATHS
    label_columns: ClassVar[tuple[str, ...]] = LABELS
    what: ClassVar[str] = "a list of SpeechBrain's"
    names_only: ClassVar[bool] = True
    list_extra: ClassVar[tuple[str, ...]] = ("duration",)

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
            for folder in (source.path, source.path / "annotations", source.path / "manifests"):
                for suffix in (".csv", ".json"):
                    files = sorted(folder.glob(f"*{suffix}")) if folder.is_dir() and "train" not in found else []
                    mine = {file: split for file in files if (split := split_of(file)) and _fits(file, source)}
                    found = {split: file for file, split in reversed(mine.items())} or found
        if not found or not all(_fits(file, source) for file in found.values()):
            raise RequestError(f"There is no list of SpeechBrain's in '{source.path}': name it with `--train-list`.")
        return {split: found[split] for split in SPLITS if split in found}

    def load(self, file: Path) -> Table:
        table = _load_json(file) if file.suffix.lower() == ".json" else read_table(file, skip_spaces=True)
        if "ID" not in table.columns:
            raise RequestError(f"{file.name} has no column ID, which SpeechBrain needs.")
        seen: set[str] = set()
        for row, each in enumerate(table.column("ID")):
            if each in seen:
                raise RequestError(f"{table.at(row).capitalize()} has the ID {each} again, which SpeechBrain refuses.")
            seen.add(each)
        return table

    def save(
        self, root: Path, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]],
        options: Mapping[str, Any],
    ) -> str:  # fmt: skip
        if options["delimiter"]:
            return super().save(root, name, columns, rows, options)
        rest = [column for column in columns if column != "ID"]
        entries = (f"{row['ID']}: {json_object(rest, row)}" for row in rows)
        return write_lines(root, name, document_lines("{", entries, "}"))

    def more_options(self, tables: Sequence[Table], path: str) -> dict[str, Any]:
        texts = (plain(text, table.delimiter) or "" for table in tables for text in table.column(path))
        first = next((match for text in texts if (match := _ROOT.match(text))), None)
        return {"root": first[1] if first else ""}

    def below_root(self, source: Source, path: str, file: Path) -> str:
        return _ROOT.sub("", path, count=1) if _ROOT.match(path) else path

    def listed(self, path: str, table: str, options: Mapping[str, Any]) -> str:
        return path if path.startswith("/") or not options["root"] else f"{options['root']}/{path}"

    def fields(self, row: Row, table: str, dataset: Dataset, kept: Sequence[str]) -> dict[str, str]:
        new = dataset.options.get("new", False)
        fields = super().fields(row, table, dataset, [c for c in kept if c != "ID" or not new])
        fields.setdefault("ID", row.path)
        return fields

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        super().check(dataset, rows, view)
        signs, what = (r"\$[\w.]", "a `$`") if dataset.options["delimiter"] else (r"[{}]", "a brace")
        for text in (*(row.path for row in rows), *dataset.classes):
            if re.search(signs, text):
                raise RequestError(f"'{text}' holds {what}, which SpeechBrain takes for a place to fill: rename it.")

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        names = {split: f"{'valid' if split == 'val' else split}.csv" for split in splits}
        return {
            "columns": ["ID", "duration", "wav", "label"], "path": "wav", "label": "label", "split": None, "words": {},
            "ids": False, "quoted": False, "unlabelled": "", "delimiter": ",", "tables": names, "one": False,
            "other": {}, "root": _GIVEN, "new": True,
        }  # fmt: skip


def _fits(file: Path, source: Source) -> bool:
    paths, labels = ({source.columns[what]} if what in source.columns else {*known} for what, known in
                     (("path", PATHS), ("label", LABELS)))  # fmt: skip
    if file.suffix.lower() == ".json":
        keys = {key.lower() for key in re.findall(r'"([^"\\]*)"\s*:', head(file))} if begins(file, _HEAD) else set()
    else:
        columns = first_columns(file) if file.suffix.lower() == ".csv" else ()
        stripped = {column.strip() for column in columns}
        keys = {*stripped, *map(str.lower, stripped)} if "ID" in stripped else set()
    return bool(keys & paths) and bool(keys & labels)


def _load_json(file: Path) -> Table:
    found = read_document(file)
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise RequestError(f'{file.name} is not `{{"id": {{"wav": …}}, …}}`, as SpeechBrain\'s json is.')
    columns = ("ID", *dict.fromkeys(key for entry in found.values() for key in entry if key != "ID"))
    table = Table(file, "", columns, unit="entry")
    for number, (each, entry) in enumerate(found.items(), 1):
        fields = {"ID": each, **{key: value for key, value in entry.items() if key != "ID"}}
        table.rows.append(tuple(json.dumps(fields[c], ensure_ascii=False) if c in fields else "" for c in columns))
        table.lines.append(number)
    return table
