"""Rows that are kept: on the disk when their file is closed. What they are for: `engine/test_continuing.py`."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pytest

from poisonkit.engine.state import ledger
from poisonkit.engine.state.ledger import Keyed, RowFile, Sharing


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


def test_what_rows_have_alike_is_kept_once(tmp_path: Path) -> None:
    """A record from another process is 7 kB of texts of its own, and there may be hundreds of thousands."""
    entry = {"triggers": [{"name": "blend", "params": {"alpha": 0.2}}], "also": [], "bytes": 7, "fidelity": {"psnr": 1}}
    given = [{"key": name, **entry, "fidelity": {"psnr": i}} for i, name in enumerate("abc")]
    path = tmp_path / "rows"
    with RowFile(path, is_row) as rows:
        for row in given:
            rows.add(pickle.loads(pickle.dumps(row)))
        assert list(rows.records.values()) == given
        sharing(rows.records)
    with RowFile(path, is_row) as rows:
        rows.add(pickle.loads(pickle.dumps({**given[0], "key": "d"})))
        assert list(rows.records.values()) == [*given, {**given[0], "key": "d"}]
        sharing(rows.records)


def sharing(records: Mapping[str, Any]) -> None:
    first, *others = records.values()
    for row in others:
        assert all(mine is its for mine, its in zip(first, row, strict=True))
        assert row["triggers"] is first["triggers"]
        assert row["also"] is first["also"]
        assert next(iter(row["fidelity"])) is next(iter(first["fidelity"]))


def test_what_differs_in_every_row_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "REMEMBERED", 2)
    sharing = Sharing()
    rows = [{"key": str(i), "drawn": [i], "alike": []} for i in range(5)]
    kept = []
    for row in rows:
        kept.append(sharing.shared(row))
        assert len(sharing._seen) <= 2
    assert kept == rows


class Word(StrEnum):
    A = "a"


def test_what_own_triggers_draw_may_have_other_keys_than_texts(tmp_path: Path) -> None:
    """JSON makes texts of them on the disk."""
    drawn = {"drawn": {3: 1, Word.A: {np.str_("u"): [2]}}}
    with RowFile(tmp_path / "rows", is_row) as rows:
        rows.add({"key": "a", **drawn})  # type: ignore[typeddict-unknown-key]
        assert rows.records["a"] == {"key": "a", **drawn}
    with RowFile(tmp_path / "rows", is_row) as rows:
        assert rows.records["a"] == {"key": "a", "drawn": {"3": 1, "a": {"u": [2]}}}


def test_what_is_remembered_of_rows_is_short() -> None:
    """What is packed into a shard may be ten thousand names, which its row has already."""
    sharing = Sharing()
    row = {"key": "a.tar", "sizes": {f"clip{i:05d}.mp4": i for i in range(10_000)}}
    assert sharing.shared(row) == row
    assert sum(map(sys.getsizeof, sharing._seen)) < 100
