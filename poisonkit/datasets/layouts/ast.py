"""AST's json: `{"data": [{"wav": path, "labels": "mid,mid"}, …]}` and a `class_labels_indices.csv` of the classes.

AST's loader (and SSAST's, PSLA's, CAV-MAE's and BEATs' copies of it) opens each `wav` as it is spelt, splits `labels`
at commas and looks every part up in the csv's column `mid`; its class id is the csv's `index`, and there are as many
classes as lines, so that an index beyond them, or a mid twice, goes wrong without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import SPLITS, Dataset, Row, Source, Split, View
from poisonkit.datasets.kit import (
    ParsedList,
    check_names,
    find_named_lists,
    list_names,
    locate,
    some,
    write_lines,
)
from poisonkit.datasets.kit.class_hints import renamed, retold_entry, told_in_entries
from poisonkit.datasets.kit.documents import begins, document_lines, entries, read_document, text_of
from poisonkit.datasets.kit.lists import WORDS
from poisonkit.datasets.kit.split_lists import SplitLists
from poisonkit.datasets.kit.tables import read_table
from poisonkit.errors import RequestError

CLASSES = "class_labels_indices.csv"
_COLUMNS = ("index", "mid", "display_name")
_HEAD = re.compile(r'\s*\{\s*"data"\s*:\s*\[\s*\{(?=.*"wav"\s*:)(?=.*"labels"\s*:)', re.DOTALL)
_SPLITS: dict[str, Split] = {**WORDS, "eval": "test", "evaluation": "test"}
_FOLD = re.compile(r"_(\d+)\Z")
_FOLDERS = ("", "datafiles", "data/datafiles", "data")


class AST(SplitLists):
    """A json with train, valid, val, eval or test in its name per split; of folds (`esc_train_data_1.json`) one.

    Options: `lists`; `classes`, where the csv lies in a copy; `mids` and `names`, its columns in the order of the ids
    (null: made up of the class's number; the class's name). `Sample.extra`: the entry, without path and labels.
    """

    name: ClassVar[str] = "ast"
    help: ClassVar[str] = f"AST's json of `wav` and `labels` for each split, with `{CLASSES}`; `--split` names a fold"
    any_suffix: ClassVar[bool] = True
    order: ClassVar[int] = 25
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "split"})
    multi_label: ClassVar[bool] = True
    suffix: ClassVar[str] = ".json"

    def detect(self, source: Source) -> str | None:
        try:
            found = _files(source)
        except RequestError as error:
            return "several lists of AST's" if "Several" in str(error) or "fold" in str(error) else None
        if not found or not all(begins(file, _HEAD) for file in found.values()):
            return None
        return f"lists {', '.join(file.name for file in found.values())}"

    def read(self, source: Source) -> Dataset:
        files = _files(source)
        if not files:
            raise RequestError(f"There is no json of AST's in '{source.path}': name it with `--train-list`.")
        table = _class_table(source, next(iter(files.values())).parent)
        mids, names = _classes(table)
        lists = [_parse(file, split, {mid: label for label, mid in enumerate(mids)}) for split, file in files.items()]
        found = locate(source, lists)
        classes = tuple(n if names.count(n) == 1 else f"{n} ({mid})" for n, mid in zip(names, mids, strict=True))
        where = list_names([ParsedList("train", table)], found.root)["train"]
        options = {"lists": list_names(lists, found.root), "classes": where, "mids": mids, "names": names}
        train = [each for each in lists if each.split == "train"]
        known = [json.loads(extra[0]) for each in train for extra in each.extras]
        options["told"] = told_in_entries([label for each in train for label in each.labels], known, len(classes))
        return Dataset(found.root, self.name, classes, tuple(found.samples), options, tuple(found.notes))

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {**super().list_options(splits), "classes": CLASSES, "mids": None, "names": None}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        super().check(dataset, rows, view)
        check_names(rows, "a list of AST's")
        bare = next((row.path for row in rows if row.label is None), None)
        if bare is not None:
            raise RequestError(f"'{bare}' has no label, and AST's loader looks up a label of every file.")

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterable[str]:
        mids = _mids(dataset)
        return document_lines('{"data": [', (_entry(dataset, row, mids) for row in rows), "]}")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write the lists and the csv of classes; names in quotes, as AudioSet's own has them."""
        names = dataset.options["names"] or dataset.classes
        quoted = (name.replace('"', '""') for name in names)
        table = [f'{i},{mid},"{name}"' for i, (mid, name) in enumerate(zip(_mids(dataset), quoted, strict=True))]
        written = self.write_lists(dataset, rows, root, view)
        return (*written, write_lines(root, dataset.options["classes"], [",".join(_COLUMNS), *table]))


def _files(source: Source) -> dict[Split, Path]:
    """The list of each split: those that the user named, else those of AST's form in the folder or its datafiles/."""
    if source.lists:
        return find_named_lists(source)
    if source.path.is_file():
        return {_split(source.path) or "train": source.path} if begins(source.path, _HEAD) else {}
    for folder in (source.path / name for name in _FOLDERS):
        found: dict[Split, list[Path]] = {}
        for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            if (split := _split(file)) and begins(file, _HEAD):
                found.setdefault(split, []).append(file)
        if "train" in found:
            return {split: _one(found[split], split, source.split) for split in SPLITS if split in found}
    return {}


def _split(file: Path) -> Split | None:
    words = set(re.split(r"[^a-z0-9]+", file.stem.lower()))
    said = {_SPLITS[word] for word in words if word in _SPLITS}
    return said.pop() if len(said) == 1 and not words & {"target", "original"} else None


def _one(files: Sequence[Path], split: Split, number: int | None) -> Path:
    """The list of a split: of lists of folds, which end in numbers, that of the fold `number`, or of the first."""
    folds = {int(match[1]): file for file in files if (match := _FOLD.search(file.stem))}
    if len(folds) == len(files) and (len(files) > 1 or number is not None):
        if (chosen := number or min(folds)) not in folds:
            raise RequestError(f"There is no fold {chosen}: the folds are {', '.join(map(str, sorted(folds)))}.")
        return folds[chosen]
    if len(files) > 1:
        names = some([file.name for file in files])
        raise RequestError(f"Several files may be the {split} list ({names}): name one with `--{split}-list`.")
    return files[0]


def _class_table(source: Source, home: Path) -> Path:
    """The csv of classes: beside the lists, in the folder that the user named, or in one between them."""
    named = source.path if source.path.is_dir() else home
    places = [home, named, *(parent for parent in home.parents if parent.is_relative_to(named)), named / "data"]
    for folder in dict.fromkeys(places):
        if found := sorted(folder.glob(f"*{CLASSES}")):
            return found[0]
    raise RequestError(f"There is no {CLASSES} beside AST's lists in '{home}', and it says what their labels mean.")


def _classes(file: Path) -> tuple[list[str], list[str]]:
    """Mids and names in the order of their index. RequestError for a table that AST's loader would get wrong."""
    table = read_table(file)
    if lacking := [column for column in _COLUMNS if column not in table.columns]:
        raise RequestError(f"{file.name} has no column '{lacking[0]}'; AST's has {', '.join(_COLUMNS)}.")
    rows = list(zip(*(table.column(column) for column in _COLUMNS), strict=True))
    at = {index: (mid, name.strip()) for index, mid, name in rows}
    mids = {mid for _, mid, _ in rows}
    if set(at) != set(map(str, range(len(rows)))) or len(mids) < len(rows) or any("," in mid for mid in mids):
        raise RequestError(
            f"{file.name} does not number its {len(rows)} classes from 0 on, or names one twice: AST's loader would "
            "mix their ids up."
        )
    ordered = [at[str(index)] for index in range(len(rows))]
    return [mid for mid, _ in ordered], [name or mid for mid, name in ordered]


def _parse(file: Path, split: Split, index: dict[str, int]) -> ParsedList:
    parsed = ParsedList(split, file, unit="entry")
    found = read_document(file)
    for number, entry in enumerate(entries(file, found.get("data") if isinstance(found, dict) else None), 1):
        where = f"Entry {number} of {file.name}"
        mids = text_of(entry, "labels", where).split(",")
        if unknown := [mid for mid in mids if mid not in index]:
            raise RequestError(f"{where} has the label '{unknown[0]}', which the table of classes does not name.")
        labels = tuple(dict.fromkeys(index[mid] for mid in mids))
        rest = json.dumps({**entry, "wav": "", "labels": ""}, ensure_ascii=False)
        parsed.add(text_of(entry, "wav", where), labels[0], number, (rest,), labels[1:])
    return parsed


def _mids(dataset: Dataset) -> list[str]:
    return dataset.options["mids"] or [f"/class/{label:04d}" for label in range(len(dataset.classes))]


def _entry(dataset: Dataset, row: Row, mids: Sequence[str]) -> str:
    """One entry; what else it says of the class changes with it."""
    entry: dict[str, Any] = json.loads(row.sample.extra[0]) if row.sample.extra else {}
    old, new = row.sample.label, row.label
    if old is not None and new is not None and old != new:
        told = dataset.options.get("told", {})
        entry = renamed(
            retold_entry(entry, told, new, dataset.classes[old], dataset.classes[new]), mids[old], mids[new]
        )
    entry |= {"wav": row.path, "labels": ",".join(mids[label] for label in row.labels)}
    return json.dumps(entry, ensure_ascii=False)
