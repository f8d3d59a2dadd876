"""What is done: one JSON line per finished job, appended and flushed, so that a crash loses at most the last.

The ledger, not the executor, decides what is left to do.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeGuard, TypeVar, cast

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from poisonkit.common.atomic import write_lines
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import load_json, open_plain
from poisonkit.common.validation import STRICT, Text, fits
from poisonkit.errors import RequestError
from poisonkit.outputs import sample_files
from poisonkit.outputs.record import Figures, Record, halves, is_record


class Keyed(TypedDict):
    """What every row that is kept has."""

    key: str


R = TypeVar("R", bound=Keyed)
REMEMBERED = 1000
"""So many lists and objects are remembered until all are forgotten: some are different in every row."""


class Sharing:
    """Rows as they are kept in memory: their keys, and the lists and objects that many have alike, are there once.

    A record that comes from another process, or from a file, is 7 kB of texts of its own; so kept it is less than 2.
    What is handed out is not to be changed in place.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, Any] = {}

    def shared(self, row: R) -> R:
        """The same row."""
        return cast(R, {_one(key): self._part(value) for key, value in row.items()})

    def _part(self, value: Any) -> Any:
        if not isinstance(value, dict | list):
            return value
        said = hashlib.blake2b(json.dumps(value).encode(), digest_size=16).digest()  # a shard's members are long
        if said not in self._seen:
            if len(self._seen) == REMEMBERED:
                self._seen.clear()
            self._seen[said] = _interned(value)
        return self._seen[said]


def _interned(value: Any) -> Any:
    """The same with every key, at whatever depth, being the one text of its kind."""
    if isinstance(value, dict):
        return {_one(key): _interned(each) for key, each in value.items()}
    return [_interned(each) for each in value] if isinstance(value, list) else value


def _one(key: Any) -> Any:
    """A key as the one text of its kind. What own triggers draw has numbers and texts of other classes as keys, too."""
    return sys.intern(key) if type(key) is str else key


class RowFile(Generic[R]):
    """Rows by key, on disk in `path`; a torn last line (a crash while writing) is ignored and cut off.

    is_row: what a row has to be. known: rows that stand elsewhere and count as there; they are not written here.
    """

    def __init__(
        self, path: Path, is_row: Callable[[object], TypeGuard[R]], known: Mapping[str, R] | None = None
    ) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._sharing = Sharing()
        rows, whole = _whole_lines(path, is_row, self._sharing)
        self.records: dict[str, R] = {**(known or {}), **rows}
        if path.exists() and whole != path.stat().st_size:
            os.truncate(path, whole)
        self._file = path.open("a", encoding="utf-8", newline="\n", errors="surrogateescape")

    def add(self, row: R) -> None:
        """Remember one row; a later one of the same key takes its place."""
        self.records[row["key"]] = self._sharing.shared(row)
        with step():
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Write out what is buffered, down to the disk."""
        if not self._file.closed:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class Ledger(RowFile[Record]):
    """The records of finished jobs."""

    def __init__(self, path: Path, known: Mapping[str, Record] | None = None) -> None:
        super().__init__(path, is_record, known)

    def done(self, out: Path) -> set[str]:
        """Keys of jobs that need no second run: inert, or written and still there in full size."""
        return {key for key, row in self.records.items() if _stands(row, out)}


@with_config(STRICT)
class MeasuredRow(TypedDict):
    """What is kept of the survival of one file. before: what its record's `fidelity` said until then."""

    key: Text
    sha256: Text
    fidelity: Figures
    before: Figures


_MEASURED: TypeAdapter[MeasuredRow] = TypeAdapter(MeasuredRow)


def is_measurement(row: object) -> TypeGuard[MeasuredRow]:
    """Whether a row is what is kept of the survival of one file."""
    return fits(_MEASURED, row)


def read_rows(path: Path) -> dict[str, Record]:
    """What a ledger says, by key; nothing if there is none. It may be another process's, and is left as it is."""
    return _whole_lines(path, is_record)[0]


def merge(path: Path, others: Iterable[Path], is_row: Callable[[object], TypeGuard[R]]) -> None:
    """Take the rows of other files into one, which is written again. The last that has a key has the last word."""
    rows = {key: row for file in (path, *others) for key, row in _whole_lines(file, is_row)[0].items()}
    write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows.values()))


def _whole_lines(
    path: Path, is_row: Callable[[object], TypeGuard[R]], sharing: Sharing | None = None
) -> tuple[dict[str, R], int]:
    """Rows by key up to the first line that is torn, and how many bytes they take."""
    rows: dict[str, R] = {}
    sharing = sharing or Sharing()
    whole = 0
    if path.exists():
        with open_plain(path) as lines:
            for line in lines:
                try:
                    row = load_json(line.decode("utf-8", "surrogateescape")) if line.endswith(b"\n") else None
                except ValueError:
                    row = None
                if not is_row(row):
                    break
                rows[row["key"]] = sharing.shared(row)
                whole += len(line)
    return rows, whole


def _stands(row: Record, out: Path) -> bool:
    if row["status"] == "inert":
        return True
    if row["status"] != "ok":
        return False
    try:
        return all(
            sample_files.size(out / name) == half["bytes"]
            for half in halves(row)
            for name in (half["path"], *half["also"])
        )
    except (OSError, RequestError):
        return False
