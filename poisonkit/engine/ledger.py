"""What is done: one JSON line per finished job, appended and flushed, so that a crash loses at most the last.

The ledger, not the executor, decides what is left to do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from poisonkit.engine import places
from poisonkit.errors import RequestError
from poisonkit.manifest import Record, is_record
from poisonkit.ownership import step
from poisonkit.untrusted import load_json, open_plain


class Ledger:
    """Records by key, on disk in `path`; a torn last line (a crash while writing) is ignored and cut off.

    known: records that stand elsewhere and count as done; they are not written here. fits: what a row has to be.
    """

    def __init__(
        self, path: Path, known: Mapping[str, Record] | None = None, fits: Callable[[Any], bool] = is_record
    ) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows, whole = _whole_lines(path, fits)
        self.records: dict[str, Record] = {**(known or {}), **rows}
        if path.exists() and whole != path.stat().st_size:
            os.truncate(path, whole)
        self._file = path.open("a", encoding="utf-8", newline="\n", errors="surrogateescape")

    def add(self, row: Record) -> None:
        """Remember one finished job."""
        self.records[row["key"]] = row
        with step():
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()

    def done(self, out: Path) -> set[str]:
        """Keys of jobs that need no second run: inert, or written and still there in full size."""
        return {key for key, row in self.records.items() if _stands(row, out)}

    def close(self) -> None:
        if not self._file.closed:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def read_rows(path: Path, fits: Callable[[Any], bool] = is_record) -> dict[str, Record]:
    """What a ledger says, by key; nothing where there is none. It may be another process's, and is left as it is."""
    return _whole_lines(path, fits)[0]


def is_measurement(row: Any) -> bool:
    """Whether a row is what is kept of the survival of one file."""
    texts = isinstance(row.get("key"), str) and isinstance(row.get("sha256"), str)
    return texts and all(isinstance(row.get(name), dict) for name in ("fidelity", "before"))


def _whole_lines(path: Path, fits: Callable[[Any], bool] = is_record) -> tuple[dict[str, Record], int]:
    """Rows by key up to the first line that is torn, and how many bytes they take."""
    rows: dict[str, Record] = {}
    whole = 0
    if path.exists():
        with open_plain(path) as lines:
            for line in lines:
                try:
                    row = load_json(line.decode("utf-8", "surrogateescape")) if line.endswith(b"\n") else None
                except ValueError:
                    row = None
                if not isinstance(row, dict) or not fits(row):
                    break
                rows[row["key"]] = row
                whole += len(line)
    return rows, whole


def _stands(row: Record, out: Path) -> bool:
    if row["status"] == "inert":
        return True
    if row["status"] != "ok":
        return False
    try:
        return all(places.size(out / name) == row["bytes"] for name in (row["path"], *row["also"]))
    except (OSError, RequestError):
        return False
