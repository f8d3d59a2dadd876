"""Predictions as text: csv (or tsv) with a header, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import LABEL_KEYS, NAME_KEYS, SCORE_KEYS, TRUTH_KEYS, Predictions, Rows

VIEW_KEYS = ("clip", "view", "clip_index")
_SCORE_COLUMN = re.compile(r"(?:score|prob|logit|class)s?_?(\d+)")


def read_csv(file: Path, data: bytes, classes: tuple[str, ...]) -> Predictions:
    """A header, then a line per prediction.

    Columns: a name (file, path, filename, id …), and a predicted class (pred, prediction …, or label) or scores:
    `score_0`, `score_1` …, a column per class name, or one column `scores` with numbers in brackets or between
    spaces; optionally a true label (gt, truth …) and which `clip` of its file a line is.
    """
    reader = csv.reader(io.StringIO(_text(file, data), newline=""), delimiter="\t" if file.suffix == ".tsv" else ",")
    rows = Rows(file, "csv", classes)
    try:
        header = [name.strip() for name in next(reader, [])]
        lowered = [name.lower() for name in header]
        if len(set(lowered)) != len(lowered):
            raise RequestError(f"{file}: two columns have the same name.")
        spread = _score_columns(header, classes)
        for cells in reader:
            if not cells:
                continue
            where = f"line {reader.line_num}"
            if len(cells) != len(header):
                raise rows.wrong(where, f"it has {len(cells)} fields and the header {len(header)}")
            values: dict[str, Any] = dict(zip(lowered, cells, strict=True))
            if spread:
                values["scores"] = [cells[i] for i in spread]
            elif isinstance(values.get(key := _key(values, SCORE_KEYS) or ""), str):
                values[key] = re.split(r"[\s,;]+", values[key].strip().strip("[]()").strip())
            _add(rows, where, values)
    except csv.Error as error:
        raise RequestError(f"{file}, line {reader.line_num}: {error}.") from None
    return rows.made()


def read_jsonl(file: Path, data: bytes, classes: tuple[str, ...]) -> Predictions:
    """A JSON object per line, with the keys that csv has as columns; `scores` is a list, or a list per clip."""
    rows = Rows(file, "jsonl", classes)
    for number, line in enumerate(_text(file, data).split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            raise RequestError(f"{file}, line {number}: this is no JSON.") from None
        if not isinstance(values, dict):
            raise rows.wrong(f"line {number}", "a JSON object is expected")
        _add(rows, f"line {number}", {key.lower(): value for key, value in values.items() if value is not None})
    return rows.made()


def _text(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestError(f"{file} is not UTF-8 text.") from None


def _key(values: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in values), None)


def _score_columns(header: Sequence[str], classes: Sequence[str]) -> list[int]:
    """Where the scores stand, in the order of the classes: numbered columns, or one per class name."""
    numbered = {int(m[1]): i for i, name in enumerate(header) if (m := _SCORE_COLUMN.fullmatch(name.lower()))}
    if numbered and sorted(numbered) == list(range(len(numbered))):
        return [numbered[i] for i in range(len(numbered))]
    return [header.index(name) for name in classes] if all(name in header for name in classes) else []


def _add(rows: Rows, where: str, values: Mapping[str, Any]) -> None:
    scores, label, truth = (_key(values, keys) for keys in (SCORE_KEYS, LABEL_KEYS, TRUTH_KEYS))
    if label is None and scores is None and "label" in values:
        label = "label"
    elif truth is None and "label" in values:
        truth = "label"
    if label is None and scores is None:
        raise rows.wrong(where, "it has no predicted class: a column `pred` or `scores` is expected")
    name, view = _key(values, NAME_KEYS), _key(values, VIEW_KEYS)
    named = values[label] if label is not None else None
    rows.add(
        where,
        name=None if name is None else str(values[name]),
        label=None if named is None else [rows.index(where, n) for n in _each(named)],
        scores=None if scores is None else _floats(rows, where, values[scores]),
        truth=None if truth is None else rows.index(where, values[truth]),
        view=None if view is None else str(values[view]),
    )


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _floats(rows: Rows, where: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise rows.wrong(where, "its scores are no list with a number per class")
    if all(isinstance(v, list) for v in value):
        found = [_floats(rows, where, v) for v in value]
        if len({len(v) for v in found}) > 1 or isinstance(found[0][0], list):
            raise rows.wrong(where, "its clips have different numbers of scores")
        return found
    try:
        return [float(v) for v in value if not isinstance(v, list | bool) or _no_number(v)]
    except (ValueError, TypeError, OverflowError):
        raise rows.wrong(where, "a score is no number") from None


def _no_number(value: object) -> bool:
    raise TypeError(value)
