"""Rows that are kept: on the disk when their file is closed. What they are for: `engine/test_continuing.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeGuard

import pytest

from poisonkit.engine.state.ledger import Keyed, RowFile


def is_row(row: object) -> TypeGuard[Keyed]:
    return isinstance(row, dict) and "key" in row


def test_rows_are_on_the_disk_when_their_file_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows"
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(path.read_bytes()))
    with RowFile(path, is_row) as rows:
        rows.add({"key": "a"})
        assert path.read_bytes() == b'{"key": "a"}\n'  # flushed at once: a crash loses at most the last
        assert synced == []
    assert synced == [b'{"key": "a"}\n']
    with RowFile(path, is_row) as rows:
        assert rows.records == {"a": {"key": "a"}}
