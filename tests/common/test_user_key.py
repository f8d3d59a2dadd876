"""What this user's key signs is known again; nobody else's is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from poisonkit.common.user_key import is_signed, sign


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    return tmp_path


def test_only_the_signed_text_is_signed(home: Path) -> None:
    signature = sign("/data/clips")
    assert is_signed("/data/clips", signature)
    assert not is_signed("/data/other", signature)
    for wrong in ("", None, 5, signature[:-1], "ä" * 64):
        assert not is_signed("/data/clips", wrong)
    key = home / "state" / "poisonkit" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert os.listdir(key.parent) == ["key"]


def test_another_users_key_is_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = sign("text")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "elsewhere"))
    assert not is_signed("text", signature)


def test_a_key_that_others_can_read_is_none(home: Path) -> None:
    signature = sign("text")
    (home / "state" / "poisonkit" / "key").chmod(0o644)
    assert not is_signed("text", signature)


def test_where_no_key_can_be_kept_nothing_is_signed(home: Path) -> None:
    for name in ("state", "temporary"):
        (home / name).write_text("no folder")
    assert sign("text") == ""
    assert not is_signed("text", "")
