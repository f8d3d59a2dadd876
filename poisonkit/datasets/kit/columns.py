"""A layout whose lists are tables: which columns say path, label and split, and what the others keep."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View, rows_of
from poisonkit.datasets.kit.checks import check_class_names, check_emptied, check_names, check_places
from poisonkit.datasets.kit.class_hints import retold, told_by_class
from poisonkit.datasets.kit.classes import LABEL_MAP, find_class_list, number_labels, read_classes
from poisonkit.datasets.kit.files import write_lines
from poisonkit.datasets.kit.list_names import list_names, lists_of, place_listed, view_name, with_list
from poisonkit.datasets.kit.listed import Located, locate
from poisonkit.datasets.kit.lists import SPLIT_WORDS, ParsedList
from poisonkit.datasets.kit.tables import Table, first_columns, plain, read_table, write_table
from poisonkit.datasets.resized import followed
from poisonkit.errors import RequestError

PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "audio_filepath", "video_path", "clip")
LABELS = ("label", "class", "target", "category", "class_name", "label_name", "class_id", "label_id", "action")
PARTS = ("split", "subset", "set", "partition")
_NUMBER = re.compile(r"-?\d+")


def has_header(file: Path) -> bool:
    """Whether a file begins with the names of a column of paths and one of labels."""
    columns = {column.strip().lower() for column in first_columns(file)}
    return bool(columns & {*PATHS}) and bool(columns & {*LABELS})


class TableLayout(Layout):
    """Tables with a column of paths and one of labels, one per split, or one for all, perhaps with a column of splits.

    Labels that are all whole numbers are class ids from 0 (-1: none), others are names. A second column of
    labels (names beside ids) follows the first. All other columns are kept, but for what tells the class of a sample
    that gets another.

    Options: `tables`, split -> table; `one`, whether there is one table for all; `columns`; `path`, `label`,
    `split`: columns' names; `words`, split -> how the column of splits spells it; `ids`, whether labels are
    numbers; `quoted`, whether json has them as texts; `other`, column -> its text for each class (null: the
    class's name); `told`, the same of columns that follow the class and change with it; `unlabelled`, how no label
    is written; `delimiter`, "" for json; `bare`, where names in json are numbers without quotes.
    """

    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists"})
    path_columns: ClassVar[tuple[str, ...]] = PATHS
    label_columns: ClassVar[tuple[str, ...]] = LABELS
    what: ClassVar[str]  # "a NeMo manifest"
    names_only: ClassVar[bool] = False  # labels are names, also where all are numbers

    def tables(self, source: Source) -> dict[Split | None, Path]:
        """The table of each split, or one for all under None. RequestError when there is none."""
        raise NotImplementedError

    def read(self, source: Source) -> Dataset:
        files = self.tables(source)
        tables = {split: self.load(file) for split, file in files.items()}
        if self._is_for_all(source, tables):  # whatever its name says
            files, tables = {None: next(iter(files.values()))}, {None: next(iter(tables.values()))}
        first = next(iter(tables.values()))
        columns = tuple(dict.fromkeys(c for table in tables.values() for c in table.columns))
        path = self._column(source, "path", self.path_columns, first)
        label = self._column(source, "label", self.label_columns, first)
        part = self._part(source, files, first)
        for table in tables.values():
            for name in (path, label):
                if name not in table.columns:
                    raise RequestError(f"{table.file.name} has no column '{name}', which {first.file.name} has.")
        other = _other_labels(tables.values(), label, self.label_columns)
        kept = [c for c in columns if c not in (path, label, part, *other)]
        parsed: list[ParsedList] = []
        texts: list[str | None] = []
        raw: list[str] = []
        words: dict[Split, str] = {}
        for split, table in tables.items():
            for each, rows in self.by_split(table, split, part, path, words).items():
                listing = ParsedList(each, table.file)
                for row in rows:
                    fields = dict(zip(table.columns, table.rows[row], strict=True))
                    listing.add(
                        self.below_root(source, plain(fields[path], table.delimiter) or "", table.file), None,
                        table.lines[row], tuple(fields.get(c, "") for c in kept),
                    )  # fmt: skip
                    raw.append(fields[label])
                    texts.append(plain(fields[label], table.delimiter))
                parsed.append(listing)
        quoted = not first.delimiter and any(text.startswith('"') for text in raw)
        numbers = not quoted and all(text is None or _NUMBER.fullmatch(text) for text in texts)
        ids = numbers and not self.names_only
        unlabelled = next((r for r, text in zip(raw, texts, strict=True) if _nothing(text, ids)), "-1" if ids else "")
        texts = [None if _nothing(text, ids) else text for text in texts]
        classes, notes = _number(source, parsed, texts, ids)
        names = _names_beside(tables.values(), label, other, len(classes)) if ids and notes else None
        if names is not None:
            classes, notes = names, [note for note in notes if LABEL_MAP not in note]
        found = self.located(source, parsed, kept, first.delimiter)
        samples = found.samples
        if None in tables:
            lines = [line for each in parsed for line in each.lines]
            order = sorted(range(len(samples)), key=lines.__getitem__)
            samples = [samples[i] for i in order]
        options: dict[str, Any] = {
            "columns": list(columns), "path": path, "label": label, "split": part, "words": words, "ids": ids,
            "quoted": quoted, "unlabelled": unlabelled, "delimiter": first.delimiter,
            "tables": list_names([ParsedList(split or "train", file) for split, file in files.items()], found.root),
            "one": None in files, "other": {c: _texts(tables.values(), label, c, classes, ids) for c in other},
            "told": _told(parsed, kept, len(classes)), **self.more_options(list(tables.values()), path),
        }  # fmt: skip
        if numbers and self.names_only and not first.delimiter:
            options["bare"] = True
        options.update(self.located_options(source, found, kept))
        return Dataset(found.root, self.name, classes, tuple(samples), options, (*found.notes, *notes))

    def located(self, source: Source, parsed: Sequence[ParsedList], kept: Sequence[str], delimiter: str) -> Located:
        """The samples of the tables. kept: the columns whose fields are in `extras`."""
        return locate(source, parsed, self.root(source))

    def located_options(self, source: Source, found: Located, kept: Sequence[str]) -> dict[str, Any]:
        """What a layout has to remember of the samples."""
        return {}

    def _column(self, source: Source, what: str, known: Sequence[str], table: Table) -> str:
        named = source.columns.get(what)
        if named is not None and named not in table.columns:
            raise RequestError(f"{table.file.name} has no column '{named}'; it has {', '.join(table.columns)}.")
        found = named or next((each for name in known for each in table.columns if each.lower() == name), None)
        if found is None:
            more = f": name it with `--columns {what}=COLUMN`" if "columns" in self.uses else ""
            raise RequestError(f"{table.file.name} has no column of {what}s ({', '.join(known)}){more}.")
        return found

    def _is_for_all(self, source: Source, tables: Mapping[Split | None, Table]) -> bool:
        """Whether one table alone has samples of other splits than its name says, by a column of splits.

        RequestError where several have. Columns with other words than train, val, test … say no splits.
        """
        if not {"columns", "lists"} <= self.uses:
            return False
        named = source.columns.get("split")
        for split, table in tables.items():
            part = named or next((each for name in PARTS for each in table.columns if each.lower() == name), None)
            if split is None or part not in table.columns:
                continue
            words = {(plain(text, table.delimiter) or "").strip().lower() for text in table.column(part)}
            if not words or not words <= SPLIT_WORDS.keys() or {SPLIT_WORDS[word] for word in words} == {split}:
                continue
            if len(tables) > 1:
                other = sorted(word for word in words if SPLIT_WORDS[word] != split)[0]
                raise RequestError(
                    f"The column '{part}' of {table.file.name} says '{other}', and it is the {split} table: name "
                    "the table of all splits alone, with `--train-list`, or correct the column."
                )
            return True
        return False

    def _part(self, source: Source, files: Mapping[Split | None, Path], table: Table) -> str | None:
        if None not in files:
            return None
        if "split" in source.columns:
            return self._column(source, "split", (), table)
        return next((each for name in PARTS for each in table.columns if each.lower() == name), None)

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        return place_listed(sample)

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any] | None:
        return None

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        if dataset.options["split"] is not None:
            words = dataset.options["words"]
            return {"words": {each: words.get(each, each) for each in SPLITS if each in {*words, split}}}
        if dataset.options["one"]:
            columns = [*dataset.options["columns"], "split"]
            return {"columns": columns, "split": "split", "words": {"train": "train", split: split}}
        return {"tables": with_list(dataset.options["tables"], split)}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, self.what)
        check_class_names(dataset.classes)
        check_places(rows, [*(self.view_name(name, view) for name in dataset.options["tables"].values()), LABEL_MAP])
        for column, texts in dataset.options["other"].items():
            used = {row.label for row in rows if row.label is not None and texts and texts[row.label] is None}
            if used:
                name = dataset.classes[min(used)]
                raise RequestError(f"No sample tells what stands in column '{column}' for the class '{name}'.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def view_name(self, name: str, view: View) -> str:
        """What a table is called in a view."""
        return name if self.label_in_path else view_name(name, view)

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        options = dataset.options
        names = {"path": options["path"], "label": options["label"], "split": options["split"]}
        columns = {what: name for what, name in names.items() if name} if "columns" in self.uses else {}
        if "lists" not in self.uses:
            columns.pop("split", None)
            return Source(root, layout=self.name, columns=columns)
        tables: Mapping[Split, str] = options["tables"]
        if options["one"]:
            table = root / self.view_name(next(iter(tables.values())), view)
            return Source(table, layout=self.name, data_root=root, columns=columns)
        lists = {s: root / name for s, name in lists_of(tables, rows, view, apart=self.label_in_path).items()}
        return Source(root, layout=self.name, data_root=root, lists=lists, columns=columns)

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the tables, and `label_map.txt` (a class name per line)."""
        options = dataset.options
        tables: Mapping[Split, str] = options["tables"]
        if options["one"]:
            parts = {self.view_name(name, view): rows for name in dict.fromkeys(tables.values())}
        else:
            named = lists_of(tables, rows, view, apart=self.label_in_path)
            parts = {name: rows_of(rows, split) for split, name in named.items()}
        columns = options["columns"]
        kept = [c for c in columns if c not in (options["path"], options["label"], options["split"], *options["other"])]
        written = [
            self.save(root, name, columns, (self.fields(row, name, dataset, kept) for row in part), options)
            for name, part in parts.items()
        ]
        return (*written, write_lines(root, LABEL_MAP, dataset.classes))

    def as_field(self, text: str, dataset: Dataset) -> str:
        """A text as a field of the tables."""
        return text if dataset.options["delimiter"] else json.dumps(text, ensure_ascii=False)

    def fields(self, row: Row, table: str, dataset: Dataset, kept: Sequence[str]) -> dict[str, str]:
        """A row's fields, as the table has them."""
        options = dataset.options
        json_lines = not options["delimiter"]

        def text(value: str) -> str:
            return json.dumps(value, ensure_ascii=False) if json_lines else value

        fields = dict(zip(kept, row.sample.extra, strict=False))
        old = row.sample.label
        if old is not None and row.label is not None and row.label != old:
            names = dataset.classes
            fields = retold(fields, options.get("told", {}), row.label, names[old], names[row.label], json_lines)
        if row.resized is not None:
            fields = followed(fields, row.resized, json_lines)
        fields[options["path"]] = text(self.listed(row.path, table, options))
        if options["split"] is not None:
            fields[options["split"]] = text(options["words"].get(row.sample.split, row.sample.split))
        if row.label is None:
            fields[options["label"]] = options["unlabelled"]
        else:
            name = dataset.classes[row.label]
            said = name if options.get("bare") else text(name)
            fields[options["label"]] = str(row.label) if options["ids"] else said
            for column, texts in options["other"].items():
                fields[column] = texts[row.label] if texts else text(name)
        return fields

    def by_split(
        self, table: Table, split: Split | None, part: str | None, path: str, words: dict[Split, str]
    ) -> dict[Split, list[int]]:
        """Rows by split: as the table's name or the column says; all training where nothing does."""
        if split is not None or part is None:
            return {split or "train": list(range(len(table.rows)))}
        found: dict[Split, list[int]] = {}
        for row, text in enumerate(table.column(part)):
            word = plain(text, table.delimiter) or ""
            if word.strip().lower() not in SPLIT_WORDS:
                where = f"{table.at(row)[0].upper()}{table.at(row)[1:]}"
                raise RequestError(f"{where} has the {part} '{word}', which is none of train, val and test.")
            each = SPLIT_WORDS[word.strip().lower()]
            words.setdefault(each, word)
            found.setdefault(each, []).append(row)
        return {each: found[each] for each in SPLITS if each in found}

    def root(self, source: Source) -> Path | None:
        """The data root, where it is not to be told by the files."""
        return None

    def below_root(self, source: Source, path: str, file: Path) -> str:
        """A path from the data root, from what a table says."""
        return path

    def listed(self, path: str, table: str, options: Mapping[str, Any]) -> str:
        """A path as the table has it, from its path below the data root."""
        return path

    def load(self, file: Path) -> Table:
        """A table, from its file."""
        return read_table(file)

    def save(
        self, root: Path, name: str, columns: Sequence[str], rows: Iterable[Mapping[str, str]],
        options: Mapping[str, Any],
    ) -> str:  # fmt: skip
        """Write a table; its name."""
        return write_table(root, name, columns, rows, options["delimiter"])

    def more_options(self, tables: Sequence[Table], path: str) -> dict[str, Any]:
        """Options of a layout's own; path: the column of paths."""
        return {}


def _nothing(text: str | None, ids: bool) -> bool:
    return text is None or (ids and text.startswith("-"))


def _told(parsed: Sequence[ParsedList], kept: Sequence[str], count: int) -> dict[str, list[str | None]]:
    """Of the columns that are kept, those that follow the class, by the training samples."""
    train = [each for each in parsed if each.split == "train"]
    labels = [label for each in train for label in each.labels]
    columns = {c: [extra[at] for each in train for extra in each.extras] for at, c in enumerate(kept)}
    return told_by_class(labels, columns, count)


def _pairs(tables: Sequence[Table], label: str, column: str) -> dict[str, str] | None:
    """Label -> what stands in `column`, if that is one-to-one; else None."""
    found: dict[str, str] = {}
    for table in tables:
        if column not in table.columns:
            return None
        for a, b in zip(table.column(label), table.column(column), strict=True):
            if found.setdefault(a, b) != b:
                return None
    return found if len(set(found.values())) == len(found) else None


def _other_labels(tables: Iterable[Table], label: str, known: Sequence[str]) -> list[str]:
    """Columns that say the label once more, such as names beside ids."""
    tables = list(tables)
    names = [c for c in tables[0].columns if c != label and c.lower() in known]
    return [c for c in names if _pairs(tables, label, c) is not None]


def _texts(tables: Iterable[Table], label: str, column: str, classes: Sequence[str], ids: bool) -> list[str | None]:
    tables = list(tables)
    pairs = _pairs(tables, label, column) or {}
    by_name = {plain(key, tables[0].delimiter): value for key, value in pairs.items()}
    return [by_name.get(str(i) if ids else name) for i, name in enumerate(classes)]


def _names_beside(tables: Iterable[Table], label: str, other: Sequence[str], count: int) -> tuple[str, ...] | None:
    """The class names in the first column of names beside ids; None where a class has none."""
    tables = list(tables)
    for column in other:
        texts = _texts(tables, label, column, tuple(map(str, range(count))), True)
        names = [plain(text, tables[0].delimiter) if text else None for text in texts]
        found = tuple(name for name in names if name is not None and not _NUMBER.fullmatch(name))
        if len(set(found)) == count:
            return found
    return None


def _number(
    source: Source, parsed: Sequence[ParsedList], texts: Sequence[str | None], ids: bool
) -> tuple[tuple[str, ...], list[str]]:
    """Give the lists their labels; the classes, and notes."""
    where = [each.at(i) for each in parsed for i in range(len(each.paths))]
    notes: list[str] = []
    labels: list[int | None]
    if ids:
        labels = [None if text is None else int(text) for text in texts]
        classes: tuple[str, ...] = ()
    else:
        home = parsed[0].file.parent
        listed = find_class_list(source, home, *([source.data_root] if source.data_root else []))
        classes, labels = number_labels(texts, where.__getitem__, listed)
    begin = 0
    for each in parsed:
        each.labels = labels[begin : begin + len(each.paths)]
        begin += len(each.paths)
    if ids:
        classes, notes = read_classes(source, parsed, Path(os.path.abspath(source.data_root or source.path)))
    unlabelled = labels.count(None)
    if unlabelled:
        notes.append(f"{unlabelled} of {len(labels)} files have no label ({where[labels.index(None)]} the first).")
    return classes, notes
