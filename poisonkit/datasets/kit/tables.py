"""Tables with named columns, csv and json lines: reading, and writing the same columns in the same order."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from poisonkit.common.safe_io import load_json, open_text
from poisonkit.datasets.base import modality_of
from poisonkit.datasets.kit.files import write_csv, write_lines
from poisonkit.datasets.kit.lists import SPLIT_WORDS, is_whole, read_text
from poisonkit.errors import RequestError

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass
class Table:
    """A table. Fields are texts; of json lines, each is its value's JSON, and "" where the line lacks the key.

    delimiter: what separates csv's fields; "" for json lines. lines: each row's line number, from 1.
    """

    file: Path
    delimiter: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unit: str = "line"  # what `lines` counts

    def at(self, row: int) -> str:
        """`line 3 of train.csv`, for messages."""
        return f"{self.unit} {self.lines[row]} of {self.file.name}"

    def column(self, name: str) -> list[str]:
        """One column's fields."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


def first_columns(file: Path) -> tuple[str, ...]:
    """The columns that a table's first line names; none where that is no header and no JSON object."""
    line = _first_line(file)
    if file.suffix.lower() in JSON_SUFFIXES:
        try:
            value = load_json(line)
        except ValueError:
            return ()
        return tuple(map(str, value)) if isinstance(value, dict) else ()
    return tuple(next(csv.reader([line], delimiter=_delimiter(line)), ()))


def _first_line(file: Path) -> str:
    """The first line; nothing where it cannot be read."""
    try:
        with open_text(file, errors="replace") as text:
            return text.readline(100_000)
    except OSError:
        return ""


def headless_columns(file: Path) -> tuple[str, ...]:
    """`path`, `label` and perhaps `split`, of a csv file whose first line is no header but a clip; else none."""
    line = "" if file.suffix.lower() in JSON_SUFFIXES else _first_line(file)
    fields = next(csv.reader([line]), [])
    names = ("path", "label", "split")[: len(fields)]
    if len(fields) not in (2, 3) or not modality_of(fields[0].strip()) or any(map(modality_of, fields[1].split())):
        return ()
    if len(fields) == 3 and fields[2].strip().lower() not in SPLIT_WORDS:
        return ()
    return names


def has_named_labels(file: Path) -> bool:
    """Whether a csv file without a header line says classes by name, not by number."""
    return bool(headless_columns(file)) and not is_whole(first_columns(file)[1].strip())


def read_table(file: Path, columns: Sequence[str] | None = None, *, skip_spaces: bool = False) -> Table:
    """A table; columns: the names of a csv file's that has no header line. skip_spaces: those behind a delimiter.

    RequestError, with the line, for one that is broken.
    """
    text = read_text(file)
    if file.suffix.lower() in JSON_SUFFIXES:
        return _read_json(file, text)
    delimiter = _delimiter(text.split("\n", 1)[0])
    table = Table(file, delimiter, tuple(columns or ()))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=skip_spaces)
    try:
        for fields in reader:
            if not fields:
                continue
            if not table.columns:
                table.columns = tuple(each.strip() for each in fields)
                if len(set(table.columns)) < len(fields):
                    raise RequestError(f"{file.name} has two columns of one name: rename one.")
            elif len(fields) != len(table.columns):
                raise RequestError(
                    f"Line {reader.line_num} of {file.name} has {len(fields)} fields, and {len(table.columns)} are "
                    "expected: quote fields that hold the delimiter."
                )
            else:
                table.rows.append(tuple(fields))
                table.lines.append(reader.line_num)
    except csv.Error as error:
        raise RequestError(f"Line {reader.line_num} of {file.name} is not csv: {error}.") from None
    return table


def _read_json(file: Path, text: str) -> Table:
    found: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                value = load_json(line)
            except ValueError:
                value = None
            if not isinstance(value, dict):
                raise RequestError(f"Line {number} of {file.name} is not a JSON object.")
            found.append((number, value))
    columns = tuple(dict.fromkeys(key for _, value in found for key in value))
    table = Table(file, "", columns)
    for number, value in found:
        table.rows.append(tuple(json.dumps(value[c], ensure_ascii=False) if c in value else "" for c in columns))
        table.lines.append(number)
    return table


def _delimiter(line: str) -> str:
    return max(",\t;", key=line.count)  # the first of equals: the comma


def plain(text: str, delimiter: str) -> str | None:
    """A field as a name, path or number in words: the text itself, or what its JSON says; None for nothing."""
    if delimiter or not text:
        return text or None
    value = load_json(text)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_table(
    root: Path,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, str]],
    delimiter: str,
    header: bool = True,
) -> str:
    """Write rows of fields as `Table` has them, in the order of `columns`; the file's name."""
    if delimiter:
        head = [list(columns)] if header else []
        return write_csv(root, name, chain(head, ([row.get(c, "") for c in columns] for row in rows)), delimiter)
    return write_lines(root, name, (json_object(columns, row) for row in rows))


def json_object(columns: Sequence[str], row: Mapping[str, str]) -> str:
    """One row of fields, each a value's JSON, as an object."""
    return "{" + ", ".join(f"{json.dumps(c, ensure_ascii=False)}: {row[c]}" for c in columns if row.get(c)) + "}"
