"""Sizes and hashes of a sample's media wherever they are: a file, a folder of frames, a member of a shard."""

from __future__ import annotations

import os
from pathlib import Path

from poisonkit import media
from poisonkit.datasets import hash_of, size_of


def size(path: Path) -> int:
    """Bytes. OSError where there is nothing, RequestError for a shard that cannot be read."""
    return media.size(path) if os.path.lexists(path) else size_of(path)


def sha256(path: Path) -> str:
    """SHA-256, hexadecimal. Raises as `size`."""
    return media.sha256(path) if os.path.lexists(path) else hash_of(path)
