"""A file that is written appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from poisonkit.common import atomic
from poisonkit.common.run_claim import Claim, LostLock, acting_for


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic.write_lines(path, ["one", "zwei ä"])
    assert path.read_bytes() == "one\nzwei ä\n".encode()

    def broken() -> object:
        yield "half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        atomic.write_lines(path, broken())  # type: ignore[arg-type]
    assert path.read_bytes() == "one\nzwei ä\n".encode()
    atomic.write_text(path, "no line end")
    assert path.read_bytes() == b"no line end\n"
    atomic.write_text(path, "two\n\n")
    assert path.read_bytes() == b"two\n"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []

    def sync(handle: int) -> None:
        (unnamed,) = tmp_path.iterdir()
        assert unnamed != path
        assert os.path.samestat(os.fstat(handle), unnamed.stat())
        synced.append(unnamed.read_bytes())

    monkeypatch.setattr(os, "fsync", sync)
    path = tmp_path / "a"
    for write in (
        lambda: atomic.write_text(path, "one"),
        lambda: atomic.write_bytes(path, b"two"),
        lambda: atomic.write_lines(path, ["three"]),
        lambda: atomic.create_lines(path, ["four"]),
    ):
        write()
        path.unlink()
    assert synced == [b"one\n", b"two", b"three\n", b"four\n"]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    atomic.write_lines(tmp_path / "a", ["\udcff"])
    assert (tmp_path / "a").read_bytes() == b"\xff\n"
    with pytest.raises(UnicodeEncodeError):
        atomic.write_lines(tmp_path / "a", ["\udcff"], errors="strict")
    assert (tmp_path / "a").read_bytes() == b"\xff\n"
    assert os.listdir(tmp_path) == ["a"]


def test_the_first_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    assert atomic.create_lines(path, ["one"])
    assert not atomic.create_lines(path, ["two"])
    assert path.read_text() == "one\n"

    def refused(*args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refused)  # a file system without hard links
    assert atomic.create_lines(path, ["two"])
    assert path.read_text() == "two\n"
    assert os.listdir(tmp_path) == ["a"]


def test_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("source")
    (tmp_path / "a").symlink_to("source")
    atomic.write_text(tmp_path / "a", "new")
    assert (tmp_path / "source").read_text() == "source"
    assert not (tmp_path / "a").is_symlink()


def test_nothing_for_a_run_that_lost_its_lock(tmp_path: Path) -> None:
    claim = Claim(str(tmp_path / "lock"), "mine")
    with acting_for(claim), pytest.raises(LostLock):
        atomic.write_text(tmp_path / "a", "new")
    assert os.listdir(tmp_path) == []


def test_what_is_being_written_is_discarded(tmp_path: Path) -> None:
    writing = atomic.new_file(tmp_path / "a")
    writing.__enter__().write(b"half")
    assert len(os.listdir(tmp_path)) == 1
    atomic.discard()
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        writing.__exit__(None, None, None)
