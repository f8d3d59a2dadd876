"""Files that name samples: the exact set of `--ids`, the ranking of `--select`."""

from __future__ import annotations

import math
import re
from pathlib import Path

from poisonkit.common.safe_io import read_text
from poisonkit.datasets import sample_id
from poisonkit.datasets.kit.tables import Table, plain, read_table
from poisonkit.errors import RequestError, did_you_mean
from poisonkit.triggers.core.spans import no_span

ID_COLUMNS = ("id", "path", "file", "filename", "file_name", "filepath")
"""What a table's column of sample ids may be called."""


def read_ids(path: Path | str) -> tuple[str, ...]:
    """`--ids FILE`: one sample id a line, blank lines and # comments ignored.

    `FILE:COLUMN=VALUE`: those rows of a table (csv with a header, or json lines) that have this value in this column;
    the ids stand in its column `id`, `path` or the like.
    """
    path = Path(path)
    asked = re.fullmatch(r"(.+?\.(?:csv|tsv|txt|jsonl|ndjson|json)):([^=]+)=(.*)", str(path), re.IGNORECASE)
    if asked and not path.exists():
        return _of_a_column(Path(asked[1]), asked[2].strip(), asked[3].strip())
    names = tuple(dict.fromkeys(line for _, line in _lines(path)))
    if not names:
        raise RequestError(f"{path} names no sample.")
    return names


def _of_a_column(file: Path, column: str, value: str) -> tuple[str, ...]:
    table = read_table(file)
    names = _ids_in(table)
    if column not in table.columns:
        raise RequestError(f"{file} has no column '{column}'.{did_you_mean(column, table.columns)}")
    values = [_plain(text, table) for text in table.column(column)]
    found = tuple(dict.fromkeys(name for name, each in zip(names, values, strict=True) if each == value))
    if not found:
        shown = ", ".join(list(dict.fromkeys(values))[:5])
        raise RequestError(f"{file} has no row with {column}={value}; its {column} is {shown or 'empty'}.")
    return found


def read_spans(path: Path | str) -> dict[str, list[tuple[float, float]]]:
    """`--spans FILE`: a table `id,start,end` (csv with a header, or json lines), one row a span, several a sample."""
    table = read_table(Path(path))
    names = _ids_in(table)
    missing = [name for name in ("start", "end") if name not in table.columns]
    if missing:
        raise RequestError(
            f"{path} has no column '{missing[0]}': spans stand in a table with the columns id, start and end; it has "
            f"{', '.join(table.columns)}."
        )
    found: dict[str, list[tuple[float, float]]] = {}
    for row, (name, *texts) in enumerate(zip(names, table.column("start"), table.column("end"), strict=True)):
        try:
            start, end = (float(_plain(text, table)) for text in texts)
        except ValueError:
            start = end = math.nan
        if not (math.isfinite(start) and math.isfinite(end)):
            raise RequestError(f"{table.at(row)}: {texts[0]!r} to {texts[1]!r} is no span; two numbers are expected.")
        if problem := no_span(start, end):
            raise RequestError(f"{table.at(row)}: {start:g} to {end:g} is no span: {problem}.")
        found.setdefault(name, []).append((start, end))
    if not found:
        raise RequestError(f"{path} names no sample.")
    return found


def _ids_in(table: Table) -> list[str]:
    """The samples of its rows, as the dataset spells them. RequestError for a table without such a column."""
    column = next((c for name in ID_COLUMNS for c in table.columns if c.strip().lower() == name), None)
    if column is None:
        raise RequestError(
            f"{table.file} has no column of sample ids: one of its columns ({', '.join(table.columns)}) has to be "
            f"called {' or '.join(ID_COLUMNS[:2])}."
        )
    return [sample_id(_plain(text, table)) for text in table.column(column)]


def _plain(text: str, table: Table) -> str:
    return (plain(text, table.delimiter) or "").strip()


def read_ranking(path: Path | str) -> tuple[str, ...]:
    """`--select FILE`: `id<TAB>score` (or a comma) a line; ids, highest score first, ties in file order."""
    path = Path(path)
    scored: list[tuple[float, str]] = []
    for number, line in _lines(path):
        name, _, text = line.rpartition("\t" if "\t" in line else ",")
        try:
            score = float(text)
        except ValueError:
            name = ""
        if not name.strip():
            raise RequestError(f"{path}, line {number}: expected 'id<TAB>score', found {line!r}.")
        if not math.isfinite(score):
            raise RequestError(f"{path}, line {number}: {text.strip()} is no score to rank by; give a finite number.")
        scored.append((score, name.strip()))
    if not scored:
        raise RequestError(f"{path} names no sample.")
    return tuple(dict.fromkeys(name for _, name in sorted(scored, key=lambda pair: -pair[0])))


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers from 1; ids in them as the dataset spells them."""
    try:
        text = read_text(path)
    except OSError as error:
        raise RequestError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text.") from None
    lines = enumerate(text.split("\n"), 1)
    return [(n, sample_id(line.strip())) for n, line in lines if line.strip() and not line.startswith("#")]
