"""The hash that files are known by."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from poisonkit.common.hashing import sha256


def test_of_a_plain_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes" * 1_000_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"bytes" * 1_000_000).hexdigest()
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "gone"):
        with pytest.raises(OSError):
            sha256(tmp_path / name)
