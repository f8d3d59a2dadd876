"""The manifest of an output as one value: `poisonkit.read_manifest`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.outputs.opening import require_finished
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record

if TYPE_CHECKING:
    from pandas import DataFrame

NUMBERS = ("label", "original_label", "target", "width", "height", "frames", "sample_rate", "samples", "bytes")
"""Whole numbers, some of them unknown: columns of pandas' Int64."""
_FLATTENED = ("fidelity", "codec", "streams", "features", "sound_file")


class Manifest(Sequence[Record]):
    """The records of an output, in the plan's order: each a `Record`, a mapping with known keys."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = tuple(records)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> Manifest: ...
    def __getitem__(self, at: int | slice) -> Record | Manifest:
        return Manifest(self._records[at]) if isinstance(at, slice) else self._records[at]

    def __repr__(self) -> str:
        return f"<Manifest of {len(self)} records>"

    def to_pandas(self) -> DataFrame:
        """A flat table: a row for each record, a column for each key.

        Mappings become columns of their own (`fidelity_gain`, `codec_video`, …); `triggers` are their names joined with
        `+`, their parameters and draws JSON in `trigger_params` and `trigger_drawn`; other lists are JSON. Whole
        numbers that may be unknown are Int64. RequestError where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise RequestError("A table needs pandas: pip install pandas.") from None
        rows = [_flat(each) for each in self]
        columns = list(dict.fromkeys(name for row in [_flat_names(), *rows] for name in row))
        table = pandas.DataFrame(rows, columns=columns)
        return table.astype(dict.fromkeys(NUMBERS, "Int64"))


def _flat_names() -> dict[str, None]:
    """The columns that every table has, in the manifest's order."""
    names: dict[str, None] = {}
    for name in record.FIELDS:
        if name == "triggers":
            names |= dict.fromkeys((name, "trigger_params", "trigger_drawn"))
        elif name not in _FLATTENED:
            names[name] = None
    return names


def _flat(row: Record) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name == "triggers":
            made[name] = "+".join(entry["name"] for entry in row["triggers"])
            for column, key in (("trigger_params", "params"), ("trigger_drawn", "drawn")):
                made[column] = json.dumps([entry.get(key) for entry in row["triggers"]]) if row["triggers"] else None
        elif name in _FLATTENED:
            made |= {f"{name}_{key}": _cell(each) for key, each in value.items()} if isinstance(value, dict) else {}
        else:
            made[name] = _cell(value)
    return made


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def read_manifest(out: Path | str) -> Manifest:
    """The manifest of a finished output, every value of its kind; what each key means: docs/output.md.

    RequestError when `out` is no finished output, or a line is no record.
    """
    require_finished(Path(out))
    return Manifest(tuple(record.read(OutputPaths(Path(out)).manifest)))
